// Machines whose clocks disagree by minutes: late or early, but nothing twice and nothing lost.
import t from 'tap';
import { jobOnce } from '../support/bulk-jobs.ts';
import { fillAudience, makeCampaign, readyToSend, sendAndPrepare } from '../support/campaigns.ts';
import { newShopper } from '../support/credit.ts';
import { customersForm, orderOf, upload } from '../support/faults.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { remote } from '../support/remote.ts';
import { startSinkProcess } from '../support/smtp-sink.ts';
import { startApiProcess, startWorkerProcess } from '../support/worker-process.ts';

const CLOCK = new URL('../support/shifted-clock.js', import.meta.url).href;
const RECIPIENTS = 100;
const ROWS = 500;
const database = await testDatabase(t);
const app = await testApp(t, database);
t.setTimeout(120_000);

const envOf = (shiftMs: number) => ({
  DATABASE_URL: database.url,
  APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
  SWEEP_INTERVAL_MS: '500',
  NODE_OPTIONS: `--import=${CLOCK}`,
  CLOCK_SHIFT_MS: String(shiftMs),
});

t.test('an API three minutes ahead, workers that are ten minutes apart: everything once', async (t) => {
  const sink = await startSinkProcess();
  t.teardown(() => sink.end());
  const api = await startApiProcess(envOf(180_000));
  t.teardown(() => api.end('SIGKILL'));
  for (const shiftMs of [-300_000, 300_000]) {
    const worker = await startWorkerProcess({ ...envOf(shiftMs), SMTP_URL: sink.url });
    t.teardown(() => worker.end('SIGKILL'));
  }
  const store = await testStore(app, database);
  const ahead = remote(api.url, store);
  await readyToSend(store);
  await fillAudience(database.owner, store.storeId, { count: RECIPIENTS });
  const campaignId = await makeCampaign(store);
  await sendAndPrepare(store, campaignId);
  const imported = await upload(api.url, store, customersForm('clock', ROWS));

  const { data: customer } = await ahead.call('POST', '/v1/customers', { lastName: 'Ahead' });
  t.ok(Date.parse(customer.createdAt) > Date.now() + 150_000, 'its clock is ahead');
  const shopper = await newShopper(ahead);
  await shopper.grant(3_000_000_000);
  const told = await Promise.all([
    shopper.credit('/redeem', { amount: 10, currency: 'EUR' }),
    ahead.call('PUT', '/v1/orders/one', orderOf('clock@example.com')),
    store.call('PUT', '/v1/orders/one', orderOf('clock@example.com')),
  ]);
  for (const { statusCode, body } of told) t.match(String(statusCode), /^20[01]$/, body);
  // The other clock sees a balance that was written in its future.
  t.equal((await store.call('GET', `/v1/customers/${shopper.id}/credit`)).statusCode, 200);

  t.match(await jobOnce(store, imported.data.id, ({ status }) => status === 'completed'), {
    outcomes: { created: ROWS },
  });
  const stateOf = async () => (await store.call('GET', `/v1/campaigns/${campaignId}`)).data;
  for (let waited = 0; (await stateOf()).status !== 'completed' && waited < 300; waited++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  t.match(await stateOf(), { status: 'completed' });
  const recipients = (await sink.accepted()).flatMap(({ to }) => to);
  t.equal(new Set(recipients).size, recipients.length, 'nobody got it twice');
  const { data } = await store.call('GET', `/v1/campaigns/${campaignId}/reconciliation`);
  t.match(data, { balanced: true, audience: RECIPIENTS });
  t.comment(`${recipients.length} mails of ${RECIPIENTS}`);
  await checkSound(t, database, store);
});
