// SIGTERM in every state: readiness says so first, what is in flight is finished, and the process is gone in time.
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { jobOnce, makeCustomers, startBulk } from '../support/bulk-jobs.ts';
import { fillAudience, makeCampaign, readyToSend, sendAndPrepare, statesOf } from '../support/campaigns.ts';
import { customersForm, upload } from '../support/faults.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { startSinkProcess } from '../support/smtp-sink.ts';
import { type ApiProcess, startApiProcess, startWorkerProcess } from '../support/worker-process.ts';

const LIMIT_MS = 25_000;
/** Of this test's processes; the default is 20 s. */
const GRACE_MS = 3_000;
const database = await testDatabase(t);
const app = await testApp(t, database);
t.setTimeout(200_000);

const env = {
  DATABASE_URL: database.url,
  APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
  SWEEP_INTERVAL_MS: '500',
  SHUTDOWN_GRACE_MS: String(GRACE_MS),
};

async function startApi(t: Test): Promise<ApiProcess> {
  const api = await startApiProcess(env);
  t.teardown(() => api.end('SIGKILL'));
  return api;
}

async function timed(
  ended: Promise<number | string | null>,
): Promise<{ code: number | string | null; ms: number }> {
  const began = Date.now();
  return { code: await ended, ms: Date.now() - began };
}

interface Said {
  status: number | undefined;
  connection: string | undefined;
  body: string;
}

/** One request over the agent's connection. */
async function ask(agent: Agent, url: string, token: string, method = 'GET', body?: object): Promise<Said> {
  const sending = httpRequest(url, {
    method,
    agent,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
  });
  sending.end(body && JSON.stringify(body));
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  let text = '';
  for await (const bytes of answer) text += bytes;
  return { status: answer.statusCode, connection: answer.headers.connection, body: text };
}

const keepAlive = (t: Test): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  return agent;
};

t.test(
  'idle connections: 503 at /readyz first, then `connection: close`, and gone in a second',
  async (t) => {
    const api = await startApi(t);
    const store = await testStore(app, database);
    const idle = keepAlive(t);
    t.match(await ask(idle, `${api.url}/v1/customers`, store.token), {
      status: 200,
      connection: 'keep-alive',
    });
    const end = timed(api.end('SIGTERM'));
    await sleep(150);
    t.match(await ask(keepAlive(t), `${api.url}/readyz`, store.token), { status: 503, body: /stopping/ });
    t.match(
      await ask(idle, `${api.url}/v1/customers`, store.token),
      { status: 200, connection: 'close' },
      'still served',
    );
    const { code, ms } = await end;
    t.equal(code, 0);
    t.ok(ms < 2_500, `${ms} ms`);
  },
);

t.test('a request in flight is finished and says `connection: close`', async (t) => {
  const api = await startApi(t);
  const store = await testStore(app, database);
  const [id = ''] = await makeCustomers(store, {});
  const blocker = await database.owner.connect();
  await blocker.query('begin');
  await blocker.query('select from customers where store_id = $1 and id = $2 for update', [
    store.storeId,
    id,
  ]);
  const change = { firstName: 'Late' };
  const inFlight = ask(keepAlive(t), `${api.url}/v1/customers/${id}`, store.token, 'PATCH', change);
  await sleep(300);
  const end = timed(api.end('SIGTERM'));
  await sleep(1_000);
  await blocker.query('commit');
  blocker.release();
  const answer = await inFlight;
  t.equal(answer.status, 200, answer.body);
  t.equal((await end).code, 0);
  t.equal((await store.call('GET', `/v1/customers/${id}`)).data.firstName, 'Late');
  await checkSound(t, database, store);
});

t.test('an upload that goes on is cut off after the grace time and leaves nothing', async (t) => {
  const api = await startApi(t);
  const store = await testStore(app, database);
  const sending = httpRequest(`${api.url}/v1/imports?kind=customers`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${store.token}`,
      'content-type': 'multipart/form-data; boundary=b',
      'idempotency-key': 'cut-upload',
    },
  });
  sending.on('error', () => undefined);
  t.teardown(() => sending.destroy());
  sending.write(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail,last_name\n',
  );
  const timer = setInterval(() => sending.write('cut@example.com,Cut\n'), 50);
  t.teardown(() => clearInterval(timer));
  await sleep(500);
  const { code, ms } = await timed(api.end('SIGTERM'));
  t.equal(code, 0);
  t.ok(ms > GRACE_MS - 700 && ms < GRACE_MS + 3_000, `${ms} ms`);
  const { rows } = await database.owner.query('select status from jobs where store_id = $1', [store.storeId]);
  t.same(rows, [], 'half a file is no import');
  await checkSound(t, database, store);
});

t.test('a stream of progress ends at once', async (t) => {
  const api = await startApi(t);
  const store = await testStore(app, database);
  await makeCustomers(store, {});
  const { data } = await startBulk(store, { action: 'addTags', tags: ['x'], all: true });
  const stream = ask(keepAlive(t), `${api.url}/v1/jobs/${data.id}/events`, store.token);
  await sleep(700);
  const { code, ms } = await timed(api.end('SIGTERM'));
  t.equal(code, 0);
  t.ok(ms < 3_000, `${ms} ms`);
  t.match(await stream, { status: 200, body: /event: progress/ });
});

t.test(
  'a worker in the middle of a campaign and an import stops in time, and another one goes on',
  async (t) => {
    const sink = await startSinkProcess();
    t.teardown(() => sink.end());
    await sink.setFaults([{ at: 'answer', waitMs: 100 }]);
    const api = await startApi(t);
    const store = await testStore(app, database);
    await readyToSend(store);
    await fillAudience(database.owner, store.storeId, { count: 300 });
    const workerEnv = { ...env, SMTP_URL: sink.url, SMTP_CONNECTIONS: '3', SHUTDOWN_GRACE_MS: '20000' };
    const first = await startWorkerProcess(workerEnv);
    t.teardown(() => first.end('SIGKILL'));
    const campaignId = await makeCampaign(store);
    await sendAndPrepare(store, campaignId);
    const started = await upload(api.url, store, customersForm('stop', 20_000));
    while ((await sink.count()) < 20) await sleep(20);
    const { code, ms } = await timed(first.end('SIGTERM'));
    t.equal(code, 0);
    t.ok(ms < LIMIT_MS, `${ms} ms`);
    const states = await statesOf(database.owner, store.storeId, campaignId);
    t.notOk(states.sending, 'no mail is left between two states');
    t.ok((states.sent ?? 0) < 300, `stopped in the middle: ${JSON.stringify(states)}`);
    t.notOk(states.unknown, 'the fate of every mail is known');

    await sink.setFaults([]);
    const second = await startWorkerProcess(workerEnv);
    t.teardown(() => second.end('SIGKILL'));
    t.match(await jobOnce(store, started.data.id, ({ status }) => status === 'completed'), {
      outcomes: { created: 20_000 },
    });
    for (let waited = 0; (await sink.count()) < 300 && waited < 300; waited++) await sleep(100);
    const recipients = (await sink.accepted()).flatMap(({ to }) => to);
    t.equal(recipients.length, 300);
    t.equal(new Set(recipients).size, 300, 'everybody got it once');
    const idleEnd = await timed(second.end('SIGTERM'));
    t.equal(idleEnd.code, 0);
    t.ok(idleEnd.ms < 5_000, `an idle worker is gone after ${idleEnd.ms} ms`);
    await checkSound(t, database, store);
  },
);
