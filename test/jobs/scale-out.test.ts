// Two API processes and two workers on one PostgreSQL and a Redis Cluster of three nodes; one of each is killed while an
// import and a campaign run.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pino from 'pino';
import t, { type Test } from 'tap';
import { createSchedules } from '../../src/jobs/schedules.ts';
import { jobOnce } from '../support/bulk-jobs.ts';
import { fillAudience, makeCampaign, readyToSend, sendAndPrepare } from '../support/campaigns.ts';
import { newShopper } from '../support/credit.ts';
import { customersForm, insist, isFullForm, upload } from '../support/faults.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { isRedisInstalled, startRedisServer } from '../support/redis-server.ts';
import { type RemoteAnswer, remote } from '../support/remote.ts';
import { startSinkProcess } from '../support/smtp-sink.ts';
import { startApiProcess, startWorkerProcess } from '../support/worker-process.ts';

const ROWS = 5_000;
const RECIPIENTS = 1_000;
const LIMIT = 40;
const NIGHTLY = ['self-check', 'ledger-expiry', 'loyalty-tiers'] as const;
const FINAL = ['completed', 'failed', 'cancelled', 'expired', 'paused'];
t.setTimeout(200_000);

/** Why the suite is not run, or false. */
function reasonToSkip(): string | false {
  if (!process.env.TEST_REDIS_URL && !isFullForm)
    return 'TEST_REDIS_URL is not set: the Redis suite runs in CI';
  return isRedisInstalled() ? false : 'redis-server is not installed';
}

const skip = reasonToSkip();
const database = await testDatabase(t);
const app = await testApp(t, database);

const envOf = (redisUrl: string) => ({
  DATABASE_URL: database.url,
  REDIS_URL: redisUrl,
  APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
  SWEEP_INTERVAL_MS: '500',
  MAIL_LEASE_MS: '6000',
});

/** Lets a Redis take commands and answer none. */
async function pause(url: string, ms: number): Promise<void> {
  const client = new Redis(url);
  await client.call('CLIENT', 'PAUSE', String(ms), 'ALL');
  client.disconnect();
}

const startApi = async (t: Test, env: Record<string, string>) => {
  const api = await startApiProcess(env);
  t.teardown(() => api.end('SIGKILL'));
  return api;
};

const startWorker = async (t: Test, env: Record<string, string>) => {
  const worker = await startWorkerProcess(env);
  t.teardown(() => worker.end('SIGKILL'));
  return worker;
};

t.test(
  'two APIs, two workers, a Redis Cluster: one of each is killed, and everything is done once',
  { skip },
  async (t) => {
    const redis = await startRedisCluster(t.testdir());
    t.teardown(() => redis.end());
    const sink = await startSinkProcess();
    t.teardown(() => sink.end());
    await sink.setFaults([{ at: 'answer', waitMs: 30 }]);
    const env = { ...envOf(redis.url), SMTP_URL: sink.url };
    const [one, two] = await Promise.all([startApi(t, env), startApi(t, env)]);
    const [first] = await Promise.all([startWorker(t, env), startWorker(t, env)]);
    const store = await testStore(app, database, { timezone: 'UTC' });
    const { call } = remote(two.url, store);

    await readyToSend(store);
    await fillAudience(database.owner, store.storeId, { count: RECIPIENTS });
    const campaignId = await makeCampaign(store);
    await sendAndPrepare(store, campaignId);
    const started = await upload(one.url, store, customersForm('wide', ROWS));
    t.equal(started.statusCode, 202, started.body);
    const stream = fetch(`${two.url}/v1/jobs/${started.data.id}/events`, {
      headers: { authorization: `Bearer ${store.token}` },
    }).then((answer) => answer.text());
    const shopper = await newShopper({ call });
    await shopper.grant(1_000);
    const spends: RemoteAnswer[] = [];
    const paying = (async () => {
      for (let n = 0; n < 20; n++) {
        const path = `/v1/customers/${shopper.id}/credit/redeem`;
        // Whoever meets the API that was killed goes to the other one, with the same key.
        let isFirst = n % 2 === 0;
        const either: typeof call = (...request) => {
          const { url } = isFirst ? one : two;
          isFirst = !isFirst;
          return remote(url, store).call(...request);
        };
        spends.push((await insist(either, 'POST', path, { amount: 7, currency: 'EUR' })).answer);
      }
    })();

    while ((await sink.count()) < RECIPIENTS / 5) await sleep(20);
    t.equal(await first.end('SIGKILL'), 'SIGKILL');
    t.equal(await one.end('SIGKILL'), 'SIGKILL');
    const sentAtKill = await sink.count();
    t.ok(sentAtKill < RECIPIENTS, `killed after ${sentAtKill} mails`);
    await sink.setFaults([]);

    const schedules = () => createSchedules(database.pool, NIGHTLY, pino({ level: 'silent' }));
    const noon = new Date(`${new Date().toISOString().slice(0, 10)}T12:00:00Z`);
    await Promise.all([schedules(), schedules()].map((worker) => worker.run(noon)));

    t.match(await jobOnce(store, started.data.id, ({ status }) => status === 'completed'), {
      outcomes: { created: ROWS },
    });
    t.match(await stream, /event: progress[\s\S]*event: finished/, 'the other API tells the progress');
    const stateOf = async () => (await store.call('GET', `/v1/campaigns/${campaignId}`)).data.status;
    for (let waited = 0; !FINAL.includes(await stateOf()) && waited < 600; waited++) await sleep(100);
    t.equal(await stateOf(), 'completed');
    const recipients = (await sink.accepted()).flatMap(({ to }) => to);
    t.equal(new Set(recipients).size, recipients.length, 'nobody got it twice');
    const { data } = await store.call('GET', `/v1/campaigns/${campaignId}/reconciliation`);
    t.match(data, { balanced: true, audience: RECIPIENTS });
    t.comment(`${recipients.length} mails of ${RECIPIENTS}, ${sentAtKill} before the kill`);
    await paying;
    t.same(
      spends.map(({ statusCode }) => statusCode).filter((status) => status !== 201),
      [],
    );
    const { data: credit } = await call('GET', `/v1/customers/${shopper.id}/credit`);
    t.match(JSON.stringify(credit), `${1_000 - 20 * 7}`, 'each spend counts once');
    const { rows } = await database.owner.query(
      `select count(*)::int as customers, count(distinct email_norm)::int as emails from customers
     where store_id = $1 and email_norm like 'wide-%'`,
      [store.storeId],
    );
    t.same(rows, [{ customers: ROWS, emails: ROWS }]);
    const nightly = async () => {
      const { rows: jobs } = await database.owner.query<{ kind: string; status: string }>(
        'select kind, status from jobs where store_id = $1 and kind = any($2)',
        [store.storeId, NIGHTLY],
      );
      return jobs.map(({ kind, status }) => `${kind} ${status}`).sort();
    };
    const expected = NIGHTLY.map((kind) => `${kind} completed`).sort();
    for (let waited = 0; String(await nightly()) !== String(expected) && waited < 100; waited++)
      await sleep(100);
    t.same(await nightly(), expected, 'what is due at night was done once');
    await checkSound(t, database, store);
  },
);

t.test('rate limits count over both APIs, and a Redis that is away holds nobody up', { skip }, async (t) => {
  const cluster = await startRedisCluster(t.testdir({ cluster: {} }));
  t.teardown(() => cluster.end());
  const single = await startRedisServer(t.testdir({ single: {} }));
  t.teardown(() => single.end());
  for (const redis of [cluster, single]) {
    const env = { ...envOf(redis.url), RATE_LIMIT_PER_MINUTE: String(LIMIT) };
    const apis = await Promise.all([startApi(t, env), startApi(t, env)]);
    const store = await testStore(app, database);
    const ask = (n: number) => remote(apis[n % 2]?.url ?? '', store).call('GET', '/v1/store');
    const answers = [];
    for (let n = 0; n < LIMIT + 10; n++) answers.push(await ask(n));
    const allowed = answers.filter(({ statusCode }) => statusCode === 200).length;
    t.equal(allowed, LIMIT, 'together they allow as much as one');
    const refused = answers.at(-1);
    t.match(refused, { statusCode: 429, data: { code: 'RATE_LIMITED' } });
    t.ok(Number(refused?.headers['retry-after']) > 0);
    if (redis === single) {
      await pause(single.url, 4_000);
      const asked = Date.now();
      t.equal((await ask(0)).statusCode, 200, 'a Redis that hangs');
      t.ok(Date.now() - asked < 2_000, `held up for ${Date.now() - asked} ms`);
    }
    await redis.end();
    const began = Date.now();
    const away = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n)));
    t.same([...new Set(away.map(({ statusCode }) => statusCode))], [200], 'without counts nobody is refused');
    t.ok(Date.now() - began < 5_000, `${Date.now() - began} ms`);
    const { ratelimit = '' } = away[0]?.headers ?? {};
    t.notMatch(ratelimit, /NaN|undefined/, 'nothing is told that is not known');
    await Promise.all(apis.map((api) => api.end('SIGTERM')));
  }
});
