// Processes are killed while orders, redemptions and an import come in: whoever insists is served once.
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createSchedules } from '../../src/jobs/schedules.ts';
import { jobOnce } from '../support/bulk-jobs.ts';
import { startCrashingServer } from '../support/crashing-server.ts';
import { newShopper } from '../support/credit.ts';
import { customersForm, insist, orderOf, rounds, upload } from '../support/faults.ts';
import {
  TEST_CONFIG,
  type TestDatabase,
  type TestStore,
  testApp,
  testDatabase,
  testStore,
} from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { remote } from '../support/remote.ts';
import { startApiProcess, startWorkerProcess } from '../support/worker-process.ts';

const CRASHES = rounds(3, 20);
const CLIENTS = 4;
const ROWS = 4_000;
const GRANTED = 3_000_000_000;
t.setTimeout(60_000 + CRASHES * 20_000);

const envOf = ({ url }: Pick<TestDatabase, 'url'>) => ({
  DATABASE_URL: url,
  APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
  DATABASE_POOL_SIZE: '8',
  SWEEP_INTERVAL_MS: '500',
});

async function countOf({ owner }: TestDatabase, rows: string, { storeId }: TestStore): Promise<number> {
  const { rows: counted } = await owner.query(`select count(*)::int as n from ${rows} and store_id = $1`, [
    storeId,
  ]);
  return counted[0].n;
}

/** Customers of a file: each there once, told once. */
async function checkImported(
  t: Test,
  database: TestDatabase,
  store: TestStore,
  prefix: string,
): Promise<void> {
  t.equal(
    await countOf(database, `customers where email_norm like '${prefix}-%'`, store),
    ROWS,
    'each row is there once',
  );
  const told = `events where kind = 'customer.created' and customer_id in
    (select id from customers where email_norm like '${prefix}-%')`;
  t.equal(await countOf(database, told, store), ROWS, 'each was told once');
}

t.test(`${CRASHES} kills of PostgreSQL while orders, redemptions and an import come in`, async (t) => {
  const { database, crash, behead } = await startCrashingServer(t);
  const app = await testApp(t, database);
  const store = await testStore(app, database);
  const shopper = await newShopper(store);
  await shopper.grant(GRANTED);
  const errors: string[] = [];
  const hear = (words: string) => {
    if (/unhandled|uncaught/i.test(words)) errors.push(words);
  };
  const api = await startApiProcess(envOf(database), hear);
  t.teardown(() => api.end('SIGKILL'));
  const worker = await startWorkerProcess(envOf(database), hear);
  t.teardown(() => worker.end('SIGKILL'));
  const { call } = remote(api.url, store);

  let isOver = false;
  let orders = 0;
  const redeemed: string[] = [];
  let repeated = 0;
  async function client(): Promise<void> {
    while (!isOver) {
      const name = `order-${orders++}`;
      const order = await insist(call, 'PUT', `/v1/orders/${name}`, orderOf(`${name}@example.com`, 1_000));
      t.match(String(order.answer.statusCode), /^20[01]$/, order.answer.body);
      const path = `/v1/customers/${shopper.id}/credit/redeem`;
      const spend = await insist(call, 'POST', path, { amount: 7, currency: 'EUR' });
      t.equal(spend.answer.statusCode, 201, spend.answer.body);
      redeemed.push(spend.answer.data.transfer.id);
      if (order.attempts + spend.attempts > 2) repeated++;
    }
  }

  const started = await upload(api.url, store, customersForm('crash', ROWS));
  t.equal(started.statusCode, 202, started.body);
  const clients = Array.from({ length: CLIENTS }, client);
  for (let number = 1; number <= CRASHES; number++) {
    await sleep(200 + Math.random() * 600);
    await (number % 2 === 0 ? behead() : crash());
  }
  await sleep(300);
  isOver = true;
  await Promise.all(clients);
  t.ok(repeated >= CRASHES, `${repeated} requests were cut off and sent again`);
  t.match(await jobOnce(store, started.data.id, ({ status }) => status === 'completed'), {
    outcomes: { created: ROWS },
  });
  await checkImported(t, database, store, 'crash');
  t.equal(await countOf(database, 'orders where true', store), orders, `${orders} orders, each once`);
  t.equal(new Set(redeemed).size, redeemed.length, 'each key its own redemption');
  const spends = await countOf(database, 'transfers where amount = 7', store);
  t.equal(spends, redeemed.length, `${spends} redemptions, each once and each told`);
  await checkSound(t, database, store);
  t.equal(await api.end('SIGTERM'), 0, 'the API lived through it');
  t.equal(await worker.end('SIGTERM'), 0, 'the worker lived through it');
  t.same(errors, [], 'no unhandled rejection');
});

/** Sends the beginning of a file and keeps the connection; resolves when the service has stored some of it. */
async function beginUpload(
  t: Test,
  url: string,
  { token }: TestStore,
  isStored: () => Promise<boolean>,
): Promise<void> {
  const sending = httpRequest(`${url}/v1/imports?kind=customers`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'multipart/form-data; boundary=b',
      'idempotency-key': randomUUID(),
    },
  });
  sending
    .on('error', () => undefined)
    .on('response', ({ statusCode }) => t.fail(`answered with ${statusCode}`));
  t.teardown(() => sending.destroy());
  sending.write(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail,last_name\n',
  );
  for (let n = 0; !(await isStored()); n += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, index) => `lost-${n + index}@example.com,Lost`);
    sending.write(`${lines.join('\n')}\n`);
    await sleep(20);
  }
}

t.test(
  'the API is killed while it takes a file in: the client sends it again, and the torn one goes',
  async (t) => {
    const database = await testDatabase(t);
    const app = await testApp(t, database);
    const store = await testStore(app, database);
    const first = await startApiProcess(envOf(database));
    t.teardown(() => first.end('SIGKILL'));
    const chunks = () => countOf(database, 'upload_chunks where true', store);
    await beginUpload(t, first.url, store, async () => (await chunks()) >= 2);
    t.equal(await first.end('SIGKILL'), 'SIGKILL');
    t.equal(await countOf(database, `jobs where status = 'receiving'`, store), 1);

    const second = await startApiProcess(envOf(database));
    t.teardown(() => second.end('SIGKILL'));
    const worker = await startWorkerProcess(envOf(database));
    t.teardown(() => worker.end('SIGKILL'));
    const key = randomUUID();
    const started = await upload(second.url, store, customersForm('again', ROWS), key);
    const repeated = await upload(second.url, store, customersForm('again', ROWS), key);
    t.equal(repeated.data.id, started.data.id, 'one import for one key');
    await jobOnce(store, started.data.id, ({ status }) => status === 'completed');
    await checkImported(t, database, store, 'again');
    t.equal(
      await countOf(database, `customers where email_norm like 'lost-%'`, store),
      0,
      'half a file is none',
    );

    const { log } = store.ctx();
    const runAt = (minutes: number) =>
      createSchedules(database.pool, [], log).run(new Date(Date.now() + minutes * 60_000));
    await runAt(50);
    t.ok((await chunks()) > 0, 'somebody could still be sending');
    await runAt(70);
    t.equal(await countOf(database, `jobs where status = 'receiving'`, store), 0, 'nobody is');
    t.equal(
      await chunks(),
      await countOf(database, `upload_chunks where job_id = '${started.data.id}'`, store),
    );
    await checkSound(t, database, store);
  },
);
