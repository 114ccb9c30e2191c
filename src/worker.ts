// The queue process: workers, relay and sweeper.
import type pg from 'pg';
import type { Config } from './config.ts';
import type { Log } from './context.ts';
import { APP_ROLE } from './database.ts';
import { QUEUES } from './jobs/catalogue.ts';
import { openQueues, type QueueClient, type QueueSettings, startWorkers } from './jobs/queue.ts';
import { startRelay } from './jobs/relay.ts';
import { handlersOf } from './jobs/runner.ts';
import { SLICES } from './jobs/slices.ts';

export interface RunningWorker {
  queues: QueueClient;
  stop(graceMs: number): Promise<void>;
}

/** How the queue is reached. */
export const queueSettings = (config: Config, databaseUrl: string): QueueSettings => ({
  databaseUrl,
  role: APP_ROLE,
  ...(config.REDIS_URL && { redisUrl: config.REDIS_URL }),
});

/** Starts to work on jobs. Closing order on stop: first nothing new comes in, then running slices end. */
export async function startWorker(config: Config, database: { url: string; pool: pg.Pool }, log: Log): Promise<RunningWorker> {
  const settings = queueSettings(config, database.url);
  const queues = await openQueues(settings, QUEUES);
  const handlers = handlersOf(database.pool, SLICES, log);
  const served = QUEUES.filter((queue) => queue.name in handlers);
  const workers = await startWorkers(settings, served, handlers, (error, context) => {
    log.error({ ...context, message: (error as Error).message }, 'job attempt failed');
  });
  const relay = startRelay({
    databaseUrl: database.url,
    pool: database.pool,
    queues,
    sweepIntervalMs: config.SWEEP_INTERVAL_MS,
    log,
  });
  return {
    queues,
    async stop(graceMs) {
      await relay.stop();
      await workers.stop(graceMs);
      await queues.close();
    },
  };
}
