// Bulk jobs under fire: real worker processes, killed and stopped in the middle. On PostgreSQL, and on Redis where there is one.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { fillStore, jobOnce, startBulk } from '../support/bulk-jobs.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const CUSTOMERS = 40_000;
const SLICE = 2_000;
const KILLS = 4;

const database = await testDatabase(t);
const app = await testApp(t, database);
const { TEST_REDIS_URL: redisUrl } = process.env;

t.setTimeout(290_000);

const isFinished = ({ status }: { status: string }) => status === 'completed';

/** Every customer has the tag once, was told once, and is one version on. */
async function checkExactlyOnce(t: Test, store: TestStore, jobId: string): Promise<void> {
  const { rows } = await database.owner.query(
    `select
       (select count(*) from customer_tags where store_id = $1)::int as tagged,
       (select count(*) from events where store_id = $1 and kind = 'tag.added')::int as events,
       (select count(distinct customer_id) from events where store_id = $1 and kind = 'tag.added')::int as told,
       (select count(*) from customers where store_id = $1 and version = 2)::int as bumped,
       (select count(*) from job_items where store_id = $1 and job_id = $2 and outcome = 'done')::int as items,
       (select count(*) from events where store_id = $1 and kind = 'job.finished')::int as finished`,
    [store.storeId, jobId],
  );
  const each = { tagged: CUSTOMERS, events: CUSTOMERS, told: CUSTOMERS, bumped: CUSTOMERS, items: CUSTOMERS };
  t.same(rows, [{ ...each, finished: 1 }]);
  await checkSound(t, database, store);
}

function suite(name: string, env: Record<string, string>, skip: string | false): void {
  const startOne = () =>
    startWorkerProcess({
      DATABASE_URL: database.url,
      APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
      SWEEP_INTERVAL_MS: '500',
      ...env,
    });

  async function begin() {
    const store = await testStore(app, database);
    await fillStore(database.owner, store.storeId, CUSTOMERS);
    const { data } = await startBulk(store, { action: 'addTags', tags: ['x'], all: true });
    return { store, jobId: data.id as string };
  }

  t.test(
    `${name}: SIGKILL at random moments loses and doubles nothing`,
    { skip, timeout: 140_000 },
    async (t) => {
      let worker = await startOne();
      t.teardown(() => worker.end('SIGKILL'));
      const { store, jobId } = await begin();
      const doneAtKill: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const seen = doneAtKill.at(-1) ?? -1;
        const job = await jobOnce(
          store,
          jobId,
          ({ status, done }) => isFinished({ status }) || (status === 'running' && done > seen),
        );
        if (isFinished(job)) break;
        await sleep(Math.random() * 40);
        t.equal(await worker.end('SIGKILL'), 'SIGKILL');
        doneAtKill.push((await store.call('GET', `/v1/jobs/${jobId}`)).data.done);
        worker = await startOne();
      }
      const job = await jobOnce(store, jobId, isFinished);
      t.comment(`done when killed: ${doneAtKill}`);
      t.ok(doneAtKill.filter((done) => done < CUSTOMERS).length >= 2, 'killed in the middle');
      t.match(job, { total: CUSTOMERS, done: CUSTOMERS, outcomes: { done: CUSTOMERS } });
      await checkExactlyOnce(t, store, jobId);
    },
  );

  t.test(
    `${name}: SIGTERM pauses at the end of a slice, and another worker goes on`,
    { skip, timeout: 140_000 },
    async (t) => {
      const first = await startOne();
      t.teardown(() => first.end('SIGKILL'));
      const { store, jobId } = await begin();
      await jobOnce(store, jobId, ({ done }) => done > 0);
      const stoppedAt = Date.now();
      t.equal(await first.end('SIGTERM'), 0);
      t.ok(Date.now() - stoppedAt < 5_000, `ended after ${Date.now() - stoppedAt} ms`);
      const paused = (await store.call('GET', `/v1/jobs/${jobId}`)).data;
      t.match(paused, { status: 'running' });
      t.ok(paused.done < CUSTOMERS && paused.done % SLICE === 0, `paused after ${paused.done}`);
      const second = await startOne();
      t.teardown(() => second.end('SIGKILL'));
      await jobOnce(store, jobId, ({ done }) => done > paused.done, 5_000);
      t.pass('taken up without waiting for a lock to expire');
      await jobOnce(store, jobId, isFinished);
      await checkExactlyOnce(t, store, jobId);
      t.equal(await second.end('SIGTERM'), 0);
    },
  );
}

suite('PostgreSQL', {}, false);
suite(
  'Redis',
  { REDIS_URL: redisUrl ?? '' },
  redisUrl ? false : 'TEST_REDIS_URL is not set: the Redis suite runs in CI',
);
