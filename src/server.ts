// The whole service in one process, or the part of it that ROLE names.
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Cluster, Redis } from 'ioredis';
import pino from 'pino';
import { openStore } from './actions/stores.ts';
import { type AppOptions, buildApp, buildProbes } from './app.ts';
import type { Config } from './config.ts';
import { newId, systemContext } from './context.ts';
import { type Database, openDatabase } from './database.ts';
import { dbOf } from './db/connection.ts';
import { listStoreIds } from './db/stores.ts';
import { ROLES } from './domain/scopes.ts';
import { SHOWCASE_IDS } from './domain/showcase.ts';
import { redisClient } from './jobs/queue.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { DocumentTokens } from './plugins/openapi.ts';
import {
  findCredential,
  saveCredential,
  signCustomerToken,
  signOpsToken,
  signToken,
  withSecret,
} from './tokens.ts';
import { startTracing } from './tracing.ts';
import { type RunningWorker, startWorker } from './worker.ts';

export interface RunningService {
  config: Config;
  database: Database;
  app?: FastifyInstance;
  /** Base URL of the API; the port is the real one when PORT is 0. */
  url?: string;
  /** Base URL of the probes of a process without the API. */
  probesUrl?: string;
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
const COUNTER_MS = 500;

/** Paths that may hold a secret or personal data never reach the log. */
const REDACTED = [
  'req.headers.authorization',
  // The parser of multipart bodies tells all headers at the level `trace`.
  'busboyOptions.headers',
  '*.token',
  '*.password',
  '*.secret',
  '*.email',
  '*.phone',
];

/** What Drizzle says of a statement that failed: its text and its parameters, which are customer data. */
const FAILED_QUERY = /Failed query:[\s\S]*?(?=\n {4}at |$)/g;

/** A log line without parameters of statements, wherever in it an error is told. */
function withoutParameters(line: Record<string, unknown>): Record<string, unknown> {
  const clean = (value: unknown): unknown =>
    typeof value === 'string' ? value.replace(FAILED_QUERY, 'A statement failed') : value;
  return Object.fromEntries(
    Object.entries(line).map(([name, value]) => [
      name,
      name === 'error' ? withoutParameters(Object(value)) : clean(value),
    ]),
  );
}

/** The log of a process: JSON lines on standard output, or to `destination`. */
export function makeLogger(config: Config, destination?: pino.DestinationStream): pino.Logger {
  const options: pino.LoggerOptions = {
    level: config.LOG_LEVEL,
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { log: withoutParameters },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** The store of a development installation: the oldest one, opened at the first start. */
export async function developmentStore(
  config: Config,
  database: Database,
  log: pino.Logger,
): Promise<string> {
  const [existing] = (await listStoreIds(database.pool)).sort();
  if (existing) return existing;
  const storeId = newId();
  const ctx = systemContext(dbOf(database.pool, storeId), log);
  const facts = { name: 'My store', currency: 'EUR', timezone: 'Europe/Berlin', locale: 'en' };
  await saveCredential(config, 'publishable-key', (await openStore(ctx, facts)).publishableKey);
  return storeId;
}

async function developmentToken(config: Config, storeId: string): Promise<string> {
  const token = signToken(config, {
    storeId,
    subject: 'developer',
    scopes: ROLES.owner,
    lifetimeSeconds: 30 * DAY_S,
  });
  await saveCredential(config, 'token', token);
  return token;
}

/** What Swagger UI is filled with, so that every operation can be tried; the customer is the one of its examples. */
async function documentTokensOf(config: Config, storeId: string, bearer: string): Promise<DocumentTokens> {
  const lifetimeSeconds = 30 * DAY_S;
  const { customerId } = SHOWCASE_IDS;
  const publishableKey = await findCredential(config, 'publishable-key');
  return {
    bearer,
    ops: signOpsToken(config, lifetimeSeconds),
    customerToken: signCustomerToken(config, { storeId, customerId, lifetimeSeconds }),
    ...(publishableKey && { publishableKey }),
  };
}

/** Counts of the rate limits; a Redis that is away or slow holds no request up, and is taken up again once it is back. */
async function openCounters(redisUrl: string): Promise<Redis | Cluster> {
  const client = await redisClient(redisUrl, {
    retryStrategy: (times) => Math.min(times * 100, 2_000),
    maxRetriesPerRequest: 1,
    commandTimeout: COUNTER_MS,
    enableOfflineQueue: false,
  });
  client.on('error', () => undefined);
  await client.connect().catch(() => undefined);
  return client;
}

/** The parts that run; stopped in the order in which they stand on each other. */
interface Parts {
  database: Database;
  stopTracing?: (() => Promise<void>) | undefined;
  worker?: RunningWorker;
  redis?: Redis | Cluster;
  app?: FastifyInstance;
}

/** API and worker end side by side within the grace time; then what they stand on. */
async function stopParts(
  { database, worker, redis, app, stopTracing }: Parts,
  graceMs: number,
  log: pino.Logger,
): Promise<void> {
  const ended = await Promise.allSettled([app?.stop(graceMs), worker?.stop(graceMs)]);
  redis?.disconnect();
  ended.push(...(await Promise.allSettled([database.close()])));
  ended.push(...(await Promise.allSettled([stopTracing?.()])));
  for (const end of ended) if (end.status === 'rejected') log.error({ message: String(end.reason) }, 'stop');
}

/** Starts what ROLE asks for; resolves when it answers. */
export async function startService(
  given: Config,
  logger: pino.Logger = makeLogger(given),
): Promise<RunningService> {
  const config = await withSecret(given);
  // Before the pool: its connections tell their statements only if somebody listens.
  const stopTracing = config.OTEL_EXPORTER_OTLP_ENDPOINT ? await startTracing(VERSION) : undefined;
  const database = await openDatabase(config, (error) =>
    logger.warn({ message: error.message }, 'idle connection lost'),
  );
  const parts: Parts = { database, stopTracing };
  const metrics = createMetrics(database.pool, VERSION);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopParts(parts, config.SHUTDOWN_GRACE_MS, logger);
    return stopping;
  };
  try {
    const service: RunningService = { config, database, stop };
    if (config.NODE_ENV === 'development') {
      service.storeId = await developmentStore(config, database, logger);
      service.token = await developmentToken(config, service.storeId);
    }
    if (config.ROLE !== 'api') parts.worker = await startWorker(config, database, logger, metrics);
    if (config.ROLE !== 'worker') await startApi(service, parts, { logger, metrics });
    else if (config.WORKER_PORT !== undefined) await startProbes(service, parts, { logger, metrics });
    return service;
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Shared {
  logger: pino.Logger;
  metrics: Metrics;
}

/** What API and probes are built with alike. */
const appOptionsOf = (
  { config, database }: RunningService,
  { worker }: Parts,
  shared: Shared,
): AppOptions => ({
  config,
  pool: database.pool,
  version: VERSION,
  ...shared,
  ...(worker && { pingQueue: () => worker.queues.ping(PING_MS) }),
});

async function startApi(service: RunningService, parts: Parts, shared: Shared): Promise<void> {
  const { config, token, storeId } = service;
  const documentTokens = token && storeId ? await documentTokensOf(config, storeId, token) : undefined;
  const redis = config.REDIS_URL ? await openCounters(config.REDIS_URL) : undefined;
  if (redis) parts.redis = redis;
  const app = await buildApp({ ...appOptionsOf(service, parts, shared), redis, documentTokens });
  parts.app = app;
  service.app = app;
  service.url = await app.listen({ host: config.HOST, port: config.PORT });
}

async function startProbes(service: RunningService, parts: Parts, shared: Shared): Promise<void> {
  const { config } = service;
  const app = await buildProbes(appOptionsOf(service, parts, shared));
  parts.app = app;
  service.probesUrl = await app.listen({ host: config.HOST, port: config.WORKER_PORT ?? 0 });
}
