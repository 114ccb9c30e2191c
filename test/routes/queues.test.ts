// What operators see: queues, mails and jobs over all stores, the page of it, metrics, another attempt for a failed job.
import t from 'tap';
import { newId } from '../../src/context.ts';
import { firstIdOf } from '../../src/domain/operations.ts';
import { signOpsToken } from '../../src/tokens.ts';
import { call, TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const ops = signOpsToken(TEST_CONFIG, 600);
const ask = (url: string) => call(app, ops, 'GET', url);

interface JobSeed {
  kind?: string;
  status: string;
  createdAt?: Date;
  aliveAt?: Date;
  error?: object;
  outcomes?: object;
  id?: string;
  position?: object;
}

async function addJob({ storeId }: TestStore, seed: JobSeed): Promise<string> {
  const { kind = 'bulk', status, createdAt = new Date(), aliveAt = createdAt, id = newId() } = seed;
  await database.owner.query(
    `insert into jobs (store_id, id, kind, status, params, position, done, outcomes, error, dry_run, actor, attempts,
       created_at, alive_at, finished_at)
     values ($1, $2, $3, $4, '{"secret": "canary of params"}', $10, 5, $8, $9, false, 'canary-of-an-actor', 0, $5, $6, $7)`,
    [
      storeId,
      id,
      kind,
      status,
      createdAt,
      aliveAt,
      status === 'completed' || status === 'failed' ? aliveAt : null,
      seed.outcomes ?? {},
      seed.error ?? null,
      seed.position ?? {},
    ],
  );
  return id;
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

const addMails = (store: TestStore, seeds: [status: string, sendAfter: Date][]) =>
  database.owner.query(
    `insert into messages (store_id, id, kind, class, status, to_email, data, created_at, send_after, lease_id, lease_until)
     select $1, gen_random_uuid(), 'direct', 'transactional', m.status, 'canary@example.com', '{}', now(), m.at,
       case m.status when 'sending' then gen_random_uuid() end, case m.status when 'sending' then now() + interval '1 minute' end
     from unnest($2::text[], $3::timestamptz[]) m (status, at)`,
    [store.storeId, seeds.map(([status]) => status), seeds.map(([, at]) => at)],
  );

t.beforeEach(() => database.owner.query('delete from jobs; delete from messages'));

t.test('queues are counted over all stores, by their rows, those without jobs too', async (t) => {
  const [one, two] = [await testStore(app, database), await testStore(app, database)];
  await addJob(one, { status: 'queued', createdAt: ago(300) });
  await addJob(two, { status: 'queued', createdAt: ago(60) });
  await addJob(two, { status: 'running', createdAt: ago(90), aliveAt: ago(30) });
  await addJob(one, { status: 'failed', kind: 'import', error: { code: 'INTERNAL', detail: '' } });
  await addJob(one, { status: 'failed', id: firstIdOf(ago(30 * 86_400)), createdAt: ago(30 * 86_400) });
  const { statusCode, data } = await ask('/v1/ops/queues');
  t.equal(statusCode, 200);
  const queue = (name: string) => data.queues.find((entry: { queue: string }) => entry.queue === name);
  t.match(queue('bulk'), { waiting: 2, running: 1, failed: 0 }, 'failures of last month are history');
  t.ok(Math.abs(Date.parse(queue('bulk').oldestWaitingAt) - ago(300).getTime()) < 5_000);
  t.match(queue('import'), { waiting: 0, failed: 1, oldestWaitingAt: null, lastAliveAt: null });
  t.ok(data.queues.length > 10);
});

t.test('mails are counted by what they wait for', async (t) => {
  const store = await testStore(app, database);
  await addMails(store, [
    ['pending', ago(120)],
    ['ready', ago(10)],
    ['deferred', ago(-600)],
    ['pending', ago(-600)],
    ['sending', ago(1)],
    ['unknown', ago(50)],
    ['sent', ago(50)],
  ]);
  const { data } = await ask('/v1/ops/queues');
  const states = Object.fromEntries(
    data.mail.map((entry: { state: string; mails: number }) => [entry.state, entry.mails]),
  );
  t.same(states, { due: 2, deferred: 1, later: 1, sending: 1, unknown: 1 });
});

t.test(
  'jobs of all stores come newest first, page by page, and say nothing of what they are about',
  async (t) => {
    const stores = [await testStore(app, database), await testStore(app, database)];
    const shared = firstIdOf(ago(3_600));
    for (const store of stores) {
      await addJob(store, {
        status: 'failed',
        id: shared,
        error: { code: 'INTERNAL', detail: 'canary of a detail' },
      });
      await addJob(store, { status: 'failed', error: { code: 'REFERENCE_UNKNOWN', detail: '' } });
      await addJob(store, { status: 'completed' });
    }
    const seen: string[] = [];
    let url: string | null = '/v1/ops/jobs?limit=1';
    while (url) {
      const { statusCode, data, body } = await ask(url);
      t.equal(statusCode, 200);
      t.notMatch(body, 'canary');
      seen.push(...data.data.map((job: { id: string; storeId: string }) => `${job.id} ${job.storeId}`));
      url = data.page.nextCursor && `/v1/ops/jobs?limit=1&cursor=${encodeURIComponent(data.page.nextCursor)}`;
    }
    t.equal(new Set(seen).size, 4);
    t.equal(seen.length, 4);
    t.same(seen, [...seen].sort().reverse());
    t.equal((await ask('/v1/ops/jobs?status=completed')).data.data.length, 2);
    t.equal((await ask('/v1/ops/jobs?cursor=forged')).statusCode, 400);
  },
);

t.test('what operators see is for tokens of operations alone', async (t) => {
  const store = await testStore(app, database);
  for (const url of ['/v1/ops/queues', '/v1/ops/jobs', '/ops']) {
    t.equal((await app.inject(url)).statusCode, 401, url);
    t.equal((await store.call('GET', url)).statusCode, 401, url);
  }
  t.match(
    (await app.inject('/ops')).headers['www-authenticate'],
    [/^Basic/, 'Bearer'],
    'a browser asks for the token',
  );
});

t.test('the page shows queues, mails, failed jobs and self-checks, without any script', async (t) => {
  const store = await testStore(app, database);
  const failed = await addJob(store, { status: 'failed', error: { code: 'INTERNAL', detail: 'canary' } });
  await addJob(store, { kind: 'self-check', status: 'completed', outcomes: { drifted: 3, ledgerFaults: 2 } });
  await addMails(store, [['pending', ago(7_200)]]);
  const basic = Buffer.from(`operator:${ops}`).toString('base64');
  const { statusCode, body, headers } = await app.inject({
    url: '/ops',
    headers: { authorization: `Basic ${basic}` },
  });
  t.equal(statusCode, 200);
  t.match(headers['content-type'], /^text\/html/);
  t.match(headers['content-security-policy'], /default-src 'none'; style-src 'sha256-/);
  t.match(body, failed);
  t.match(body, store.storeId);
  t.match(body, '<strong>2</strong>');
  t.match(body, '2 h');
  t.notMatch(body, /<script|canary/);
  for (const [table] of body.matchAll(/<table>.*?<\/table>/gs)) {
    t.match(table, /^<table><caption>/);
    t.match(table, 'scope="col"');
  }
});

t.test('a job that failed through our trouble goes on behind its last slice', async (t) => {
  const store = await testStore(app, database);
  const id = await addJob(store, {
    status: 'failed',
    kind: 'self-check',
    error: { code: 'INTERNAL', detail: '' },
    position: { after: newId() },
  });
  const { statusCode, data } = await store.call('POST', `/v1/jobs/${id}/retry`, undefined);
  t.equal(statusCode, 200);
  t.match(data, { status: 'queued', done: 5, finishedAt: null });
  t.notOk('error' in data);
  const { rows } = await database.owner.query('select position, attempts from jobs where id = $1', [id]);
  t.ok(rows[0].position.after, 'what was done stays done');
  t.equal((await store.call('POST', `/v1/jobs/${id}/retry`, undefined)).data.code, 'JOB_NOT_RETRYABLE');
  const { rows: told } = await database.owner.query(
    `select kind from events where store_id = $1 and subject_id = $2`,
    [store.storeId, id],
  );
  t.same(told, [{ kind: 'job.retried' }]);
});

t.test('a job that a rule refused is not tried again, nor one of another store', async (t) => {
  const [store, other] = [await testStore(app, database), await testStore(app, database)];
  const refused = await addJob(store, { status: 'failed', error: { code: 'IMPORT_REFUSED', detail: '' } });
  t.equal((await store.call('POST', `/v1/jobs/${refused}/retry`, undefined)).statusCode, 409);
  t.equal((await other.call('POST', `/v1/jobs/${refused}/retry`, undefined)).statusCode, 404);
});

/** Metric lines as `name{labels}` → value. */
async function scrape(): Promise<Map<string, number>> {
  const { body } = await ask('/metrics');
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

t.test(
  'metrics answer what waits, for how long, and whether the last self-check found anything',
  async (t) => {
    const store = await testStore(app, database);
    await addJob(store, { status: 'queued', createdAt: ago(120) });
    await addJob(store, { status: 'running', createdAt: ago(90), aliveAt: ago(40) });
    await addJob(store, {
      kind: 'self-check',
      status: 'completed',
      outcomes: { drifted: 3, ledgerFaults: 2 },
    });
    await addMails(store, [
      ['pending', ago(300)],
      ['unknown', ago(300)],
    ]);
    const metrics = await scrape();
    const value = (name: string) => metrics.get(name) ?? Number.NaN;
    t.equal(value('clientele_database_up'), 1);
    t.equal(value('clientele_jobs_open{queue="bulk",status="queued"}'), 1);
    t.equal(value('clientele_jobs_open{queue="import",status="queued"}'), 0);
    t.ok(Math.abs(value('clientele_job_oldest_waiting_age_seconds{queue="bulk"}') - 120) < 10);
    t.ok(Math.abs(value('clientele_job_silence_seconds{queue="bulk"}') - 40) < 10);
    t.equal(value('clientele_mails{origin="single",state="due"}'), 1);
    t.equal(value('clientele_mails{origin="single",state="unknown"}'), 1);
    t.equal(value('clientele_mails{origin="campaign",state="due"}'), 0);
    t.ok(Math.abs(value('clientele_mail_oldest_due_age_seconds{origin="single"}') - 300) < 10);
    t.equal(value('clientele_self_check_ledger_faults'), 2);
    t.equal(value('clientele_self_check_drifted_customers'), 3);
    t.equal(value('clientele_self_check_stores{state="checked"}'), 1);
    t.ok(value('clientele_self_check_stores{state="missing"}') > 0);
    t.ok(value('clientele_self_check_oldest_timestamp_seconds') > Date.now() / 1000 - 60);
  },
);

t.test('metrics count replays by key and requests over the limit', async (t) => {
  const limited = await testApp(t, database, { RATE_LIMIT_PER_MINUTE: 3 });
  const store = await testStore(limited, database);
  const create = () =>
    store.call('POST', '/v1/tags', { name: 'twice' }, { 'idempotency-key': `tags-${store.storeId}` });
  t.equal((await create()).statusCode, 201);
  t.equal((await create()).headers['idempotency-replayed'], 'true');
  await create();
  t.equal((await create()).statusCode, 429);
  const { body } = await call(limited, ops, 'GET', '/metrics');
  t.match(body, /^clientele_idempotency_replays_total\{route="\/v1\/tags"\} 2$/m);
  t.match(body, /^clientele_rate_limited_total\{by="credential"\} 1$/m);
});

t.test('without the database metrics still answer, and old numbers stay away', async (t) => {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ host: '127.0.0.1', port: 1 });
  pool.on('error', () => {});
  const away = await testApp(t, { ...database, pool });
  const { statusCode, body } = await call(away, ops, 'GET', '/metrics');
  t.equal(statusCode, 200);
  t.match(body, /^clientele_database_up 0$/m);
  t.notMatch(body, /^clientele_(jobs_open|mails|self_check_\w+)[{ ]/m);
});

t.test('what operators ask of mails is answered from indexes', async (t) => {
  const store = await testStore(app, database);
  await database.owner.query(
    `insert into messages (store_id, id, kind, class, status, data, created_at, send_after, sent_at)
     select $1, gen_random_uuid(), 'direct', 'transactional', 'sent', '{}', now(), now(), now() from generate_series(1, 20000)`,
    [store.storeId],
  );
  await database.owner.query('analyze messages');
  const planOf = async (query: string) =>
    (await database.owner.query<{ 'QUERY PLAN': string }>(`explain ${query}`)).rows
      .map((row) => row['QUERY PLAN'])
      .join('\n');
  const waiting = `select m.status, m.send_after from messages m where m.campaign_id is null
    and m.status in ('pending', 'ready', 'deferred', 'sending') order by m.send_after limit 10000`;
  t.match(await planOf(waiting), 'messages_due_anywhere');
  const unknown = `select m.campaign_id, m.send_after from messages m where m.status = 'unknown' limit 10000`;
  t.match(await planOf(unknown), 'messages_unknown');
});
