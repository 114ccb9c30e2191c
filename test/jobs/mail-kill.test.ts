// A campaign whose workers are killed while it is sent (M1–M5). On Redis: mail-redis.test.ts.
import t from 'tap';
import { testApp, testDatabase } from '../support/harness.ts';
import { campaignUnderFire, fireTimeoutMs, startSquad, WORKER_FIRE } from '../support/mail-kills.ts';

const { recipients, kills } = WORKER_FIRE;
const timeout = fireTimeoutMs(kills);
t.setTimeout(timeout + 10_000);
const database = await testDatabase(t);
const app = await testApp(t, database);

t.test(`M1 M5 a campaign to ${recipients} survives ${kills} kills of its workers`, { timeout }, async (t) => {
  const campaign = await campaignUnderFire(t, { app, database }, WORKER_FIRE);
  const { killOne } = await startSquad(t, campaign.workerEnv);
  await campaign.survive(killOne);
});
