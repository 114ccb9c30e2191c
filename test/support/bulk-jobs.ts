// Bulk jobs in tests: start one, do its work here, look at what became of it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { bulkSlice } from '../../src/actions/bulk-slices.ts';
import { runJob, type Slice } from '../../src/actions/jobs.ts';
import type { Answer, TestStore } from './harness.ts';

const NEVER = new AbortController().signal;

/** Sends a bulk request with a fresh key. */
export const startBulk = (store: TestStore, body: object): Promise<Answer> =>
  store.call('POST', '/v1/customers/bulk', body, { 'idempotency-key': randomUUID() });

/** Does the work of a job in this process. */
export const work = (store: TestStore, jobId: string) =>
  runJob({ ...store.ctx(), actor: `job:${jobId}` }, jobId, bulkSlice, NEVER);

/** A slice that counts one item and leaves the job where it is. */
export const STEP: Slice = async (_ctx, _tx, job) => ({
  done: 1,
  outcomes: { done: 1 },
  position: job.position,
});

/** Does one slice of a job; the signal to stop comes in the middle of it. */
export function workOnce(store: TestStore, jobId: string, slice: Slice): Promise<'ended' | 'paused'> {
  const stop = new AbortController();
  const last: Slice = (...given) => {
    stop.abort();
    return slice(...given);
  };
  return runJob(store.ctx(), jobId, last, stop.signal);
}

/** Starts a bulk job, does its work and reads it again. */
export async function runBulk(store: TestStore, body: object): Promise<Answer> {
  const { data } = await startBulk(store, body);
  await work(store, data.id);
  return store.call('GET', `/v1/bulk-jobs/${data.id}`);
}

/** Undoes a job, does the work and reads the undo. */
export async function runUndo(store: TestStore, jobId: string): Promise<Answer> {
  const { data } = await store.call('POST', `/v1/bulk-jobs/${jobId}/undo`, undefined, {
    'idempotency-key': randomUUID(),
  });
  await work(store, data.id);
  return store.call('GET', `/v1/bulk-jobs/${data.id}`);
}

/** Makes customers; their ids. */
export async function makeCustomers(store: TestStore, ...inputs: object[]): Promise<string[]> {
  const ids: string[] = [];
  for (const input of inputs) {
    const made = await store.call('POST', '/v1/customers', { lastName: 'Doe', ...input });
    if (made.statusCode !== 201) throw new Error(made.body);
    ids.push(made.data.id);
  }
  return ids;
}

/** Outcome by customer id. */
export async function outcomesOf(store: TestStore, jobId: string): Promise<Record<string, string | null>> {
  const { data } = await store.call('GET', `/v1/jobs/${jobId}/items?limit=100`);
  return Object.fromEntries(
    data.data.map((item: { customerId: string; outcome: string | null }) => [item.customerId, item.outcome]),
  );
}

/** Puts plain customers into the store, past the API. */
export async function fillStore(owner: pg.Pool, storeId: string, customers: number): Promise<void> {
  await owner.query(
    `insert into customers (store_id, id, last_name, account_status, source, accepts_marketing, wholesale, custom,
       orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
     select $1, gen_random_uuid(), 'Doe', 'guest', 'import', false, false, '{}', 0, 0, 0, 'doe', 'doe', 1, now(), now()
     from generate_series(1, $2::integer)`,
    [storeId, customers],
  );
}

/** The job once `is` holds for it; asks every 20 ms. */
export async function jobOnce(
  store: TestStore,
  jobId: string,
  is: (job: Answer['data']) => boolean,
  timeoutMs = 60_000,
) {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const { data } = await store.call('GET', `/v1/jobs/${jobId}`);
    if (is(data)) return data;
    if (Date.now() > until) throw new Error(`The job did not get there: ${JSON.stringify(data)}`);
    await sleep(20);
  }
}
