// Work that nobody asks for: once a night in each store's own time, whatever the number of workers.
import pino from 'pino';
import t from 'tap';
import { createSchedules, scheduledJobId } from '../../src/jobs/schedules.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const log = pino({ level: 'silent' });
const oneWorker = () => createSchedules(database.pool, ['self-check'], log);

async function jobsOf(storeId: string): Promise<string[]> {
  const { rows } = await database.owner.query(
    `select kind || ' ' || status as job from jobs where store_id = $1 order by id`,
    [storeId],
  );
  return rows.map(({ job }) => job);
}

t.test('C7 the self-check is started once a night, by many workers at once', async (t) => {
  const { storeId } = await testStore(app, database, { timezone: 'Europe/Berlin' });
  const workers = Array.from({ length: 6 }, oneWorker);
  const tick = (now: string) => Promise.all(workers.map((worker) => worker.run(new Date(now))));
  await tick('2026-07-01T00:59:00Z');
  t.same(await jobsOf(storeId), [], '02:59 in Berlin is too early');
  await tick('2026-07-01T01:00:00Z');
  t.same(await jobsOf(storeId), ['self-check queued']);
  await tick('2026-07-01T12:00:00Z');
  await oneWorker().run(new Date('2026-07-01T21:00:00Z'));
  t.same(await jobsOf(storeId), ['self-check queued'], 'a worker that starts later knows of it');
  await tick('2026-07-02T01:00:00Z');
  t.same(await jobsOf(storeId), ['self-check queued', 'self-check queued']);
});

t.test('the night is that of the store, also when the clocks change', async (t) => {
  const auckland = await testStore(app, database, { timezone: 'Pacific/Auckland' });
  const newYork = await testStore(app, database, { timezone: 'America/New_York' });
  const worker = oneWorker();
  await worker.run(new Date('2026-01-10T14:00:00Z'));
  t.equal((await jobsOf(auckland.storeId)).length, 1, '03:00 on the 11th');
  t.equal((await jobsOf(newYork.storeId)).length, 1, '09:00 on the 10th');
  await worker.run(new Date('2026-03-08T06:59:00Z'));
  t.equal((await jobsOf(newYork.storeId)).length, 1, '01:59, the minute before the clocks go forward');
  await worker.run(new Date('2026-03-08T07:00:00Z'));
  t.equal((await jobsOf(newYork.storeId)).length, 2, '03:00, the minute after');
});

t.test('answers of idempotent requests go within an hour after they expired', async (t) => {
  const store = await testStore(app, database);
  const body = { email: 'a@example.com' };
  await store.call('POST', '/v1/customers', body, { 'idempotency-key': 'k' });
  const kept = async () =>
    (await database.owner.query('select from idempotency_keys where store_id = $1', [store.storeId])).rows
      .length;
  const in2Days = new Date(Date.now() + 48 * 3_600_000);
  const worker = oneWorker();
  await worker.run(in2Days);
  t.equal(await kept(), 1, 'kept for 48 h at least');
  await worker.run(new Date(Date.now() + 73 * 3_600_000));
  t.equal(await kept(), 0);
});

t.test(
  'the id of a scheduled job is a UUID v7 of its day, the same everywhere, another for each kind and day',
  (t) => {
    const day = { year: 2026, month: 7, day: 1 };
    const id = scheduledJobId('self-check', day);
    t.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
    t.equal(Number.parseInt(id.slice(0, 13).replace('-', ''), 16), Date.UTC(2026, 6, 1));
    t.equal(scheduledJobId('self-check', day), id);
    t.not(scheduledJobId('import', day), id);
    t.not(scheduledJobId('self-check', { ...day, day: 2 }), id);
    t.end();
  },
);
