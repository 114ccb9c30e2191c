// Jobs that nobody can do: they end or stay where they are, the worker lives, and the jobs behind them are done.
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import t from 'tap';
import { newId } from '../../src/context.ts';
import { JOBS_CHANNEL } from '../../src/db/jobs.ts';
import type { JobKind } from '../../src/domain/jobs.ts';
import { CATALOGUE } from '../../src/jobs/catalogue.ts';
import type { JobRef } from '../../src/jobs/queue.ts';
import { startWorker } from '../../src/worker.ts';
import { jobOnce, makeCustomers, startBulk } from '../support/bulk-jobs.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
t.setTimeout(120_000);

/** Writes a job as no version of the service would, tried in vain but for the last time, and announces it. */
async function plant(
  { storeId }: TestStore,
  kind: JobKind,
  params: unknown,
  position: unknown = {},
): Promise<string> {
  const id = newId();
  await database.owner.query(
    `insert into jobs (store_id, id, kind, status, params, position, done, outcomes, dry_run, actor, attempts, created_at, alive_at)
     values ($1, $2, $3, 'queued', $4, $5, 0, '{}', false, 'staff:a', ${CATALOGUE[kind].attempts - 1}, now(), now())`,
    [storeId, id, kind, JSON.stringify(params), JSON.stringify(position)],
  );
  await database.owner.query('select pg_notify($1, $2)', [JOBS_CHANNEL, `${storeId} ${kind} ${id}`]);
  return id;
}

t.test(
  'poison, oversized and unparsable jobs: each fails alone, and the one behind them is done',
  async (t) => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const worker = await startWorker({ ...TEST_CONFIG, SWEEP_INTERVAL_MS: 500 }, database, log);
    t.teardown(() => worker.stop(2_000));
    const store = await testStore(app, database);
    await makeCustomers(store, {}, {});

    const poison = [
      await plant(store, 'bulk', {}),
      await plant(store, 'bulk', { action: 'addTags', tags: ['x'.repeat(1_000_000)], all: true }),
      await plant(store, 'bulk', { action: 'nonsense', all: true }, { after: 'no uuid' }),
      await plant(store, 'import', { kind: 'customers', headers: 7 }, { line: 'x' }),
      await plant(store, 'tag-change', { tagId: 'no uuid' }),
    ];
    for (const payload of ['', 'garbage', `${store.storeId} bulk`, `x bulk y`, 'a '.repeat(3_000)])
      await database.owner.query('select pg_notify($1, $2)', [JOBS_CHANNEL, payload]);

    // What a queue holds is whatever somebody put there: read back from JSON, it has no type.
    const strays: JobRef[] = JSON.parse(
      JSON.stringify([
        { jobId: newId() },
        { storeId: 1, jobId: newId() },
        { storeId: store.storeId, jobId: newId() },
        { storeId: 'x'.repeat(2_000_000), jobId: newId() },
      ]),
    );
    await worker.queues.enqueue(CATALOGUE.bulk, strays);

    const { data } = await startBulk(store, { action: 'addTags', tags: ['good'], all: true });
    t.match(await jobOnce(store, data.id, ({ status }) => status === 'completed', 30_000), {
      outcomes: { done: 2 },
    });
    const states = async () => {
      const { rows } = await database.owner.query<{ status: string }>(
        'select status from jobs where id = any($1) order by id',
        [poison],
      );
      return rows.map(({ status }) => status);
    };
    for (
      let waited = 0;
      (await states()).some((state) => ['queued', 'running'].includes(state)) && waited < 300;
      waited++
    )
      await sleep(100);
    t.comment(String(await states()));
    t.same(
      (await states()).filter((state) => state !== 'failed'),
      [],
      'what cannot be done has failed, and is no longer tried',
    );
    t.ok(
      lines.length > 0 && lines.every((line) => line.length < 20_000),
      `${lines.length} lines say so, none of them huge`,
    );
    await checkSound(t, database, store);
  },
);
