// A campaign whose jobs travel by Redis, while workers or Redis itself are killed (M1–M5).
import t from 'tap';
import { testApp, testDatabase } from '../support/harness.ts';
import {
  campaignUnderFire,
  fireTimeoutMs,
  isFullForm,
  SERVER_FIRE,
  startSquad,
  WORKER_FIRE,
} from '../support/mail-kills.ts';
import { isRedisInstalled, startRedisServer } from '../support/redis-server.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

/** Why the suite is not run, or false. */
function reasonToSkip(): string | false {
  if (!process.env.TEST_REDIS_URL && !isFullForm)
    return 'TEST_REDIS_URL is not set: the Redis suite runs in CI';
  return isRedisInstalled() ? false : 'redis-server is not installed';
}

const skip = reasonToSkip();
const [workerTimeout, serverTimeout] = [fireTimeoutMs(WORKER_FIRE.kills), fireTimeoutMs(SERVER_FIRE.kills)];
t.setTimeout(workerTimeout + serverTimeout + 10_000);
const database = await testDatabase(t);
const app = await testApp(t, database);

t.test(
  `M1 M5 Redis: a campaign to ${WORKER_FIRE.recipients} survives ${WORKER_FIRE.kills} kills of its workers`,
  { skip, timeout: workerTimeout },
  async (t) => {
    const redis = await startRedisServer(t.testdir());
    t.teardown(() => redis.end());
    const campaign = await campaignUnderFire(t, { app, database }, WORKER_FIRE);
    const { killOne } = await startSquad(t, { ...campaign.workerEnv, REDIS_URL: redis.url });
    await campaign.survive(killOne);
  },
);

t.test(
  `M5 a campaign to ${SERVER_FIRE.recipients} survives ${SERVER_FIRE.kills} kills of Redis, with and without its data`,
  { skip, timeout: serverTimeout },
  async (t) => {
    const redis = await startRedisServer(t.testdir());
    t.teardown(() => redis.end());
    const campaign = await campaignUnderFire(t, { app, database }, SERVER_FIRE);
    const worker = await startWorkerProcess({ ...campaign.workerEnv, REDIS_URL: redis.url });
    t.teardown(() => worker.end('SIGKILL'));
    await campaign.survive((number) => redis.crash(number % 2 === 0 ? 'data' : 'nothing'));
    t.equal(await worker.end('SIGTERM'), 0, 'the worker lived through it and stops in good order');
  },
);
