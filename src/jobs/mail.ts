// Lanes of mail: which job sends the mails of a store, and how many work side by side.
import type pg from 'pg';
import { type MailWay, sendDueMails } from '../actions/mail-sending.ts';
import { type Log, systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import { inSpan } from '../tracing.ts';
import { MAIL } from './catalogue.ts';
import type { Handler, JobRef, QueueClient } from './queue.ts';

/** Most lanes of one store, over all workers. */
const LANES = 4;
/** A lane that a killed worker left behind keeps its id until its lock ends; the next id is free after this. */
const LANE_ID_MS = 10_000;

/** A lane goes to the end of the queue after this, so that the mails of one store do not wait for the campaign of another. */
const TURN_MS = 5_000;

/** The id of a lane: while it waits or runs nobody adds it a second time. */
export const laneOf = (storeId: string, lane: number, now: number): JobRef => ({
  storeId,
  jobId: `mail-${storeId}-${lane}-${Math.floor(now / LANE_ID_MS)}`,
});

const numberOf = ({ jobId }: JobRef): number => Number(jobId.split('-').at(-2));

/** Sees to the mails of a store. */
export const wakeMail = (queues: QueueClient, storeIds: readonly string[]): Promise<void> =>
  queues.enqueue(
    MAIL,
    storeIds.map((storeId) => laneOf(storeId, 0, Date.now())),
  );

/** Lanes that wait for the same moment are one. */
const MOMENT_MS = 250;

/** A lane for later: waiting in the queue it holds up nobody. */
function comeBack(queues: QueueClient, storeId: string, at: Date): Promise<void> {
  const moment = Math.ceil(at.getTime() / MOMENT_MS);
  const delayMs = Math.max(1, moment * MOMENT_MS - Date.now());
  return queues.enqueue(MAIL, [{ storeId, jobId: `mail-${storeId}-0-${moment}` }], { delayMs });
}

/** Sends what is due in the store of the lane; a lane that has its hands full calls for the next one. */
export function mailHandler(pool: pg.Pool, way: MailWay, queues: QueueClient, log: Log): Handler {
  return async (ref, { signal }) => {
    const ctx = systemContext(dbOf(pool, ref.storeId), log, 'system');
    const next = numberOf(ref) + 1;
    let called = false;
    const onFull = () => {
      if (called || next >= LANES) return;
      called = true;
      queues
        .enqueue(MAIL, [laneOf(ref.storeId, next, Date.now())])
        .catch((error: Error) => log.warn({ message: error.message }, 'lane not opened'));
    };
    const attributes = { 'clientele.store_id': ref.storeId };
    const comeBackAt = await inSpan('job mail', { kind: 'consumer', attributes }, () =>
      sendDueMails(ctx, way, { signal, onFull, turnMs: TURN_MS }),
    );
    if (comeBackAt) await comeBack(queues, ref.storeId, comeBackAt);
  };
}
