// A campaign whose PostgreSQL is killed while it is sent: its worker lives through it (M1–M5).
import t from 'tap';
import { startCrashingServer } from '../support/crashing-server.ts';
import { testApp } from '../support/harness.ts';
import { campaignUnderFire, fireTimeoutMs, SERVER_FIRE } from '../support/mail-kills.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const { recipients, kills } = SERVER_FIRE;
const timeout = fireTimeoutMs(kills);
t.setTimeout(timeout + 30_000);

t.test(`M1 M5 a campaign to ${recipients} survives ${kills} kills of PostgreSQL`, { timeout }, async (t) => {
  const { database, crash, behead } = await startCrashingServer(t);
  const app = await testApp(t, database);
  const campaign = await campaignUnderFire(t, { app, database }, SERVER_FIRE);
  const worker = await startWorkerProcess(campaign.workerEnv);
  t.teardown(() => worker.end('SIGKILL'));
  await campaign.survive((number) => (number % 2 === 0 ? behead() : crash()));
  t.equal(await worker.end('SIGTERM'), 0, 'the worker lived through it and stops in good order');
});
