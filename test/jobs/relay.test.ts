// From rows to the queue: new jobs are heard of at once, lost ones are swept up. The worker runs in this process.
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import t, { type Test } from 'tap';
import { startWorker } from '../../src/worker.ts';
import { jobOnce, makeCustomers, startBulk } from '../support/bulk-jobs.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const request = { action: 'addTags', tags: ['x'], all: true };
const isDone = ({ status }: { status: string }) => status === 'completed';

async function startOne(t: Test, sweepIntervalMs: number) {
  const config = { ...TEST_CONFIG, SWEEP_INTERVAL_MS: sweepIntervalMs };
  const worker = await startWorker(config, database, pino({ level: 'silent' }));
  t.teardown(() => worker.stop(2_000));
  return worker;
}

async function storeOfOne(): Promise<TestStore> {
  const store = await testStore(app, database);
  await makeCustomers(store, {});
  return store;
}

t.test('a committed job is heard of without a sweep', async (t) => {
  await startOne(t, 60_000);
  const store = await storeOfOne();
  const { data } = await startBulk(store, request);
  t.match(await jobOnce(store, data.id, isDone, 5_000), { outcomes: { done: 1 } });
});

t.test('a job that was started while no worker ran is done as soon as one starts', async (t) => {
  const store = await storeOfOne();
  const { data } = await startBulk(store, request);
  await startOne(t, 60_000);
  await jobOnce(store, data.id, isDone, 5_000);
});

t.test('a job whose message was lost is delivered by the sweep', async (t) => {
  const store = await storeOfOne();
  const { data } = await startBulk(store, request);
  const setStatus = (status: string, aliveAt: Date) =>
    database.owner.query('update jobs set status = $2, alive_at = $3 where id = $1', [
      data.id,
      status,
      aliveAt,
    ]);
  await setStatus('cancelled', new Date());
  await startOne(t, 100);
  await setStatus('queued', new Date(Date.now() - 3_600_000));
  await jobOnce(store, data.id, isDone, 5_000);
});

t.test('a relay whose connection broke listens again and delivers what it missed', async (t) => {
  await startOne(t, 60_000);
  const store = await storeOfOne();
  await database.owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'clientele-relay' and datname = current_database()`,
  );
  await sleep(50);
  const { data } = await startBulk(store, request);
  await jobOnce(store, data.id, isDone, 10_000);
});

t.test('a worker without work stops at once', async (t) => {
  const worker = await startOne(t, 60_000);
  const began = Date.now();
  await worker.stop(20_000);
  t.ok(Date.now() - began < 2_000, `${Date.now() - began} ms`);
});
