// From a delivered id to the action that does the work; handlers are one line each.
import type pg from 'pg';
import { noteFailure, runJob, type Work } from '../actions/jobs.ts';
import { type Ctx, type Log, systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import type { JobKind } from '../domain/jobs.ts';
import { CATALOGUE } from './catalogue.ts';
import { type Attempt, FinalRefusal, type Handler } from './queue.ts';

/** What does the work of each kind. */
export type Slices = Partial<Record<JobKind, Work>>;

/** An AbortError puts the job back for another worker, at once and without a word in the log. */
const stopped = () => new DOMException('The worker stops', 'AbortError');

/** The row counts failures, not the queue: it knows of the slices that succeeded in between. */
async function deliver(
  ctx: Ctx,
  kind: JobKind,
  jobId: string,
  work: Work,
  { signal }: Attempt,
): Promise<void> {
  try {
    if ((await runJob(ctx, jobId, work, signal)) === 'paused') throw stopped();
  } catch (error) {
    if (signal.aborted) throw error;
    const after = await noteFailure(ctx, jobId, CATALOGUE[kind].attempts);
    throw after === 'ended' ? new FinalRefusal('The job failed', { cause: error }) : error;
  }
}

/** Queue handlers of all kinds. */
export function handlersOf(pool: pg.Pool, slices: Slices, log: Log): Record<string, Handler> {
  const handlerOf =
    (kind: JobKind, work: Work): Handler =>
    ({ storeId, jobId }, attempt) =>
      deliver(systemContext(dbOf(pool, storeId), log, `job:${jobId}`), kind, jobId, work, attempt);
  return Object.fromEntries(
    Object.entries(slices).map(([kind, work]) => [kind, handlerOf(kind as JobKind, work)]),
  );
}
