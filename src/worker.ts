// The queue process: workers, relay and sweeper.
import type pg from 'pg';
import { importWork } from './actions/imports.ts';
import type { Config } from './config.ts';
import type { Log } from './context.ts';
import { APP_ROLE } from './database.ts';
import { orderReader } from './deliveries.ts';
import type { JobKind } from './domain/jobs.ts';
import { MAIL, QUEUES } from './jobs/catalogue.ts';
import { mailHandler } from './jobs/mail.ts';
import {
  type OnError,
  openQueues,
  type QueueClient,
  type QueueDefinition,
  type QueueSettings,
  startWorkers,
} from './jobs/queue.ts';
import { startRelay } from './jobs/relay.ts';
import { handlersOf } from './jobs/runner.ts';
import { startSchedules } from './jobs/schedules.ts';
import { SLICES } from './jobs/slices.ts';
import { openMail } from './mail.ts';
import type { Metrics } from './metrics.ts';
import { loggable } from './plugins/errors.ts';

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

/** Jobs of one kind that run at a time; kinds that the catalogue keeps to one stay so. */
const withConcurrency = (queue: QueueDefinition, concurrency: number): QueueDefinition =>
  queue.concurrency === 1 ? queue : { ...queue, concurrency };

/** Kinds of jobs that are started every night, where this version can do them. */
const NIGHTLY: readonly JobKind[] = [
  'redemption-expiry',
  'ledger-expiry',
  'loyalty-tiers',
  'referral-decisions',
  'birthday-rewards',
  'points-reminders',
  'self-check',
];

const reportTo =
  (log: Log): OnError =>
  (error, context) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    log.error({ ...context, error: loggable(cause) }, 'job attempt failed');
  };

/** Starts to work on jobs; resolves when new jobs are heard of. */
export async function startWorker(
  config: Config,
  { url, pool }: { url: string; pool: pg.Pool },
  log: Log,
  metrics?: Metrics,
): Promise<RunningWorker> {
  const settings = queueSettings(config, url);
  const queues = await openQueues(settings, QUEUES);
  metrics?.watchQueues(queues);
  const mail = await openMail(config, metrics);
  const own = {
    ...handlersOf(pool, { ...SLICES, import: importWork(orderReader()) }, log, {
      fallbackSender: mail.way.fallbackSender,
    }),
    [MAIL.name]: mailHandler(pool, mail.way, queues, log),
  };
  const handlers = metrics?.observeHandlers(own) ?? own;
  const served = QUEUES.filter(({ name }) => name in handlers).map((queue) =>
    withConcurrency(queue, config.WORKER_CONCURRENCY),
  );
  const workers = await startWorkers(settings, served, handlers, reportTo(log));
  const relay = startRelay({
    databaseUrl: url,
    pool,
    queues,
    sweepIntervalMs: config.SWEEP_INTERVAL_MS,
    log,
  });
  const schedules = startSchedules(
    pool,
    NIGHTLY.filter((kind) => kind in handlers),
    log,
  );
  await relay.ready;
  return {
    queues,
    async stop(graceMs) {
      await Promise.allSettled([relay.stop(), schedules.stop(), workers.stop(graceMs)]);
      await mail.close();
      await queues.close();
    },
  };
}
