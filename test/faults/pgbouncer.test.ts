// pgbouncer before PostgreSQL: by transaction in the mode that is made for it, and a clear word where sessions are needed.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { APP_ROLE, checkMigrationSessions } from '../../src/database.ts';
import { jobOnce, startBulk } from '../support/bulk-jobs.ts';
import { fillAudience, makeCampaign, readyToSend, sendAndPrepare } from '../support/campaigns.ts';
import { newShopper } from '../support/credit.ts';
import { customersForm, insist, orderOf, upload } from '../support/faults.ts';
import { openTestDatabase, TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { isPgbouncerInstalled, type PgbouncerOptions, startPgbouncer } from '../support/pgbouncer.ts';
import { remote } from '../support/remote.ts';
import { startSinkProcess } from '../support/smtp-sink.ts';
import {
  type Hear,
  type ServiceProcess,
  startApiProcess,
  startWorkerProcess,
} from '../support/worker-process.ts';

const skip = isPgbouncerInstalled() ? false : 'pgbouncer is not installed';
const ROWS = 2_000;
const RECIPIENTS = 200;
/** Fewer than callers, so that each transaction meets another connection than the one before. */
const SERVER_CONNECTIONS = 4;
t.setTimeout(200_000);
const database = await testDatabase(t);

async function poolerFor(t: Test, options: PgbouncerOptions = {}, url = database.url): Promise<string> {
  const pooler = await startPgbouncer(url, t.testdir(), { poolSize: SERVER_CONNECTIONS, ...options });
  t.teardown(() => pooler.end());
  return pooler.urlOf(url);
}

/** URL of a login whose sessions begin in the role of the service. */
async function loginInRole(t: Test): Promise<string> {
  const login = `login_${randomUUID().replaceAll('-', '')}`;
  await database.owner.query(
    `create role ${login} login password 'pooled' in role ${APP_ROLE}; alter role ${login} set role = ${APP_ROLE}`,
  );
  t.teardown(() => database.owner.query(`drop role ${login}`));
  const url = new URL(database.url);
  url.username = login;
  url.password = 'pooled';
  return url.href;
}

/** Starts the API or a worker. */
type Start = (env: Record<string, string>, hear: Hear) => Promise<ServiceProcess>;

const SECRET = { APP_SECRET: TEST_CONFIG.APP_SECRET ?? '', SWEEP_INTERVAL_MS: '60000' };

t.test(
  'by transaction: orders, credit, bulk, import, campaign and progress, over few connections',
  { skip },
  async (t) => {
    const poolUrl = await poolerFor(t);
    const sink = await startSinkProcess();
    t.teardown(() => sink.end());
    const env = {
      ...SECRET,
      DATABASE_URL: poolUrl,
      DATABASE_POOL_MODE: 'transaction',
      DATABASE_DIRECT_URL: database.url,
      DATABASE_POOL_SIZE: '20',
      SMTP_URL: sink.url,
    };
    const api = await startApiProcess(env);
    t.teardown(() => api.end('SIGKILL'));
    const worker = await startWorkerProcess(env);
    t.teardown(() => worker.end('SIGKILL'));
    const pooled = openTestDatabase(database.url, poolUrl);
    t.teardown(() => pooled.close());
    const app = await testApp(t, pooled);
    const stores = await Promise.all(Array.from({ length: 4 }, () => testStore(app, pooled)));
    const [store] = stores;
    if (!store) throw new Error('no store');
    const { call } = remote(api.url, store);

    await Promise.all(
      stores.flatMap((each, number) =>
        Array.from({ length: 40 }, (_, n) =>
          remote(api.url, each).call(
            'PUT',
            `/v1/orders/o-${n}`,
            orderOf(`s${number}-${n % 7}@example.com`, 1_000 + n),
          ),
        ),
      ),
    );
    for (const [number, each] of stores.entries()) {
      const { data } = await remote(api.url, each).call('GET', '/v1/customers?limit=100');
      const emails: string[] = data.data.map(({ email }: { email: string }) => email);
      t.equal(emails.length, 7);
      t.ok(
        emails.every((email) => email.startsWith(`s${number}-`)),
        'stores never mix',
      );
    }

    const shopper = await newShopper({ call });
    await shopper.grant(1_000);
    const spends = await Promise.all(
      Array.from({ length: 50 }, () => shopper.credit('/redeem', { amount: 100, currency: 'EUR' })),
    );
    t.equal(
      spends.filter(({ statusCode }) => statusCode === 201).length,
      10,
      'spent to the last cent, and no further',
    );
    const key = { 'idempotency-key': randomUUID() };
    const twice = await Promise.all(
      [1, 2, 3, 4].map(() => call('POST', '/v1/customers', { email: 'once@example.com' }, key)),
    );
    const made = new Set(twice.filter(({ statusCode }) => statusCode === 201).map(({ data }) => data.id));
    t.equal(made.size, 1, 'one customer for one key');

    await readyToSend(store);
    await fillAudience(database.owner, store.storeId, { count: RECIPIENTS });
    const campaignId = await makeCampaign(store);
    await sendAndPrepare(store, campaignId);
    const began = Date.now();
    const started = await upload(api.url, store, customersForm('pooled', ROWS));
    const stream = fetch(`${api.url}/v1/jobs/${started.data.id}/events`, {
      headers: { authorization: `Bearer ${store.token}` },
    }).then((answer) => answer.text());
    t.match(await jobOnce(store, started.data.id, ({ status }) => status === 'completed'), {
      outcomes: { created: ROWS },
    });
    t.match(await stream, /event: finished/);
    const bulk = await startBulk(store, { action: 'addTags', tags: ['pooled'], all: true });
    await jobOnce(store, bulk.data.id, ({ status }) => status === 'completed');
    t.ok(Date.now() - began < 50_000, 'jobs are heard of, long before the sweep');
    const stateOf = async () => (await store.call('GET', `/v1/campaigns/${campaignId}`)).data.status;
    for (let waited = 0; (await stateOf()) !== 'completed' && waited < 600; waited++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    t.equal(await stateOf(), 'completed');
    const recipients = (await sink.accepted()).flatMap(({ to }) => to);
    t.equal(new Set(recipients).size, recipients.length, 'nobody got it twice');
    t.equal(recipients.length, RECIPIENTS);
    const again = await insist(call, 'PUT', '/v1/orders/o-1', orderOf('s0-1@example.com', 1_001));
    t.equal(again.answer.statusCode, 200);
    for (const each of stores) await checkSound(t, database, each);
    t.equal(await worker.end('SIGTERM'), 0);
    t.equal(await api.end('SIGTERM'), 0);
  },
);

t.test(
  'where sessions are needed and a pooler lends none, the start stops and says what to set',
  { skip },
  async (t) => {
    const word = async (env: Record<string, string>, start: Start = startApiProcess): Promise<string> => {
      let said = '';
      const service = await start({ ...SECRET, ...env }, (words) => {
        said += words;
      }).catch(() => undefined);
      await service?.end('SIGKILL');
      return service ? 'started' : said;
    };
    const options = { ignore_startup_parameters: 'options' };
    const refusing = await poolerFor(t);
    t.match(await word({ DATABASE_URL: refusing }), /refuses `options`.*DATABASE_POOL_MODE=transaction/s);
    const dropping = await poolerFor(t, { settings: options });
    t.match(await word({ DATABASE_URL: dropping }), /drops `options`.*DATABASE_POOL_MODE=transaction/s);

    const url = await loginInRole(t);
    const sharing = await poolerFor(t, { settings: options }, url);
    t.match(await word({ DATABASE_URL: sharing }), /lends a session for one transaction/);
    const sessions = await poolerFor(t, { settings: options, poolMode: 'session', poolSize: 30 }, url);
    for (const start of [startApiProcess, startWorkerProcess])
      t.equal(
        await word({ DATABASE_URL: sessions }, start),
        'started',
        'by session, with the settings at the login',
      );

    const pooled = { DATABASE_URL: sharing, DATABASE_POOL_MODE: 'transaction' };
    t.match(await word(pooled, startWorkerProcess), /DATABASE_DIRECT_URL is missing/);
    t.match(
      await word({ ...pooled, DATABASE_DIRECT_URL: sharing }, startWorkerProcess),
      /DATABASE_DIRECT_URL leads to a pooler/,
    );
    await t.rejects(checkMigrationSessions(sharing), {
      message: /migration leads to a pooler.*MIGRATION_DATABASE_URL/,
    });
    await t.resolves(checkMigrationSessions(sessions), 'a pooler by session will do');
  },
);
