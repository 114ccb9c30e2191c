// The whole service in one process, or the part of it that ROLE names.
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { Redis } from 'ioredis';
import pino from 'pino';
import { openStore } from './actions/stores.ts';
import { buildApp } from './app.ts';
import type { Config } from './config.ts';
import { newId, systemContext } from './context.ts';
import { type Database, openDatabase } from './database.ts';
import { dbOf } from './db/connection.ts';
import { listStoreIds } from './db/stores.ts';
import { ROLES } from './domain/scopes.ts';
import { saveToken, signToken, withSecret } from './tokens.ts';
import { type RunningWorker, startWorker } from './worker.ts';

export interface RunningService {
  config: Config;
  database: Database;
  app?: FastifyInstance;
  /** Base URL of the API; the port is the real one when PORT is 0. */
  url?: string;
  /** Development only. */
  token?: string;
  storeId?: string;
  stop(): Promise<void>;
}

/** Version of the package, for the document and the logs. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

const DAY_S = 86_400;
const PING_MS = 2_000;

/** Paths that may hold a secret or personal data never reach the log. */
const REDACTED = ['req.headers.authorization', '*.token', '*.password', '*.secret', '*.email', '*.phone'];

export const makeLogger = (config: Config): pino.Logger =>
  pino({ level: config.LOG_LEVEL, redact: { paths: REDACTED, censor: '[redacted]' } });

/** The store of a development installation: the oldest one, opened at the first start. */
export async function developmentStore(database: Database, log: pino.Logger): Promise<string> {
  const [existing] = (await listStoreIds(database.pool)).sort();
  if (existing) return existing;
  const storeId = newId();
  const ctx = systemContext(dbOf(database.pool, storeId), log);
  await openStore(ctx, { name: 'My store', currency: 'EUR', timezone: 'Europe/Berlin', locale: 'en' });
  return storeId;
}

async function developmentToken(config: Config, storeId: string): Promise<string> {
  const token = signToken(config, {
    storeId,
    subject: 'developer',
    scopes: ROLES.owner,
    lifetimeSeconds: 30 * DAY_S,
  });
  await saveToken(config, token);
  return token;
}

const redisOf = (config: Config): Redis | undefined =>
  config.REDIS_URL && !config.REDIS_URL.includes(',')
    ? new Redis(config.REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: 1, enableOfflineQueue: false })
    : undefined;

/** The parts that run; stopped in the order in which they stand on each other. */
interface Parts {
  database: Database;
  worker?: RunningWorker;
  redis?: Redis;
  app?: FastifyInstance;
}

/** API and worker end side by side within the grace time; then what they stand on. */
async function stopParts(
  { database, worker, redis, app }: Parts,
  graceMs: number,
  log: pino.Logger,
): Promise<void> {
  const ended = await Promise.allSettled([app?.stop(graceMs), worker?.stop(graceMs)]);
  redis?.disconnect();
  ended.push(...(await Promise.allSettled([database.close()])));
  for (const end of ended) if (end.status === 'rejected') log.error({ message: String(end.reason) }, 'stop');
}

/** Starts what ROLE asks for; resolves when it answers. */
export async function startService(
  given: Config,
  logger: pino.Logger = makeLogger(given),
): Promise<RunningService> {
  const config = await withSecret(given);
  const database = await openDatabase(config, (error) =>
    logger.warn({ message: error.message }, 'idle connection lost'),
  );
  const parts: Parts = { database };
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopParts(parts, config.SHUTDOWN_GRACE_MS, logger);
    return stopping;
  };
  try {
    const service: RunningService = { config, database, stop };
    if (config.NODE_ENV === 'development') {
      service.storeId = await developmentStore(database, logger);
      service.token = await developmentToken(config, service.storeId);
    }
    if (config.ROLE !== 'api') parts.worker = await startWorker(config, database, logger);
    if (config.ROLE !== 'worker') await startApi(service, parts, logger);
    return service;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startApi(service: RunningService, parts: Parts, logger: pino.Logger): Promise<void> {
  const { config, database, token } = service;
  const { worker } = parts;
  const redis = redisOf(config);
  if (redis) parts.redis = redis;
  const app = await buildApp({
    config,
    pool: database.pool,
    version: VERSION,
    logger,
    redis,
    documentToken: token,
    ...(worker && { pingQueue: () => worker.queues.ping(PING_MS) }),
  });
  parts.app = app;
  service.app = app;
  service.url = await app.listen({ host: config.HOST, port: config.PORT });
}
