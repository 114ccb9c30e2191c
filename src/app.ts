// The Fastify app: plugins in the order in which a request meets them, then the routes.
import multipart from '@fastify/multipart';
import fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify';
import type { Cluster, Redis } from 'ioredis';
import type pg from 'pg';
import type { IdentityDesk } from './actions/identity-providers.ts';
import { makeMails } from './actions/mail-making.ts';
import { createThrottles } from './actions/throttles.ts';
import { mayAsk } from './clients/guarded-fetch.ts';
import { createIdentityClient } from './clients/identity-provider.ts';
import { offerHashOf } from './clients/mail-identity.ts';
import { createRenderer } from './clients/mail-renderer.ts';
import type { Config } from './config.ts';
import { createCursors } from './cursors.ts';
import { fallbackSenderOf, openWorkshop, shownOutboxOf } from './mail.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { auth, deriveSecret } from './plugins/auth.ts';
import { browsers } from './plugins/browsers.ts';
import { answerBrokenRequest, answerFrameworkError, errors } from './plugins/errors.ts';
import { idempotency } from './plugins/idempotency.ts';
import { useStrictJson } from './plugins/json-body.ts';
import { type DocumentTokens, openapi } from './plugins/openapi.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { LazyChild, requestIdOf, requests } from './plugins/requests.ts';
import { useSerialization } from './plugins/serialization.ts';
import { shutdown } from './plugins/shutdown.ts';
import { slowBodies } from './plugins/slow-bodies.ts';
import { useValidation } from './plugins/validation.ts';
import { addSchemas, routes } from './routes/index.ts';
import { operations } from './routes/operations.ts';
import { operationsSchemas } from './schemas/operations.ts';
import { signCustomerToken } from './tokens.ts';

export interface AppOptions {
  config: Config;
  pool: pg.Pool;
  version: string;
  logger: FastifyServerOptions['logger'] | FastifyServerOptions['loggerInstance'];
  redis?: Redis | Cluster | undefined;
  /** Throws when the queue does not answer; missing where this process has none. */
  pingQueue?: (() => Promise<void>) | undefined;
  /** Filled into Swagger UI; development only. */
  documentTokens?: DocumentTokens | undefined;
  /** For tests: a slip in any schema stops the start. */
  compileEarly?: boolean;
  /** Those of the process, where a worker counts beside the API. */
  metrics?: Metrics;
}

const BODY_LIMIT = 1024 * 1024;
const BODY_TIMEOUT_MS = 15_000;
/** Imports are streamed; 2 GiB is some ten million rows. */
const FILE_LIMIT = 2 * 1024 ** 3;

/** What log-ins with identity providers need; a development set-up may have one on its own machine. */
function identityDeskOf(config: Config): IdentityDesk {
  const guard = { allowLoopback: config.NODE_ENV !== 'production' };
  return {
    sealingKey: deriveSecret(config.APP_SECRET ?? '', 'identity-providers'),
    client: createIdentityClient(guard),
    mayAsk: (address) => mayAsk(address, guard),
  };
}

/** What every app of ours has: limits of time and size, errors, a calm stop, request ids, and who is calling. */
async function openApp(options: AppOptions): Promise<{ app: FastifyInstance; metrics: Metrics }> {
  const { config, pool, version, compileEarly = false } = options;
  const app = fastify({
    loggerInstance: options.logger as never,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestIdOf(request),
    childLoggerFactory: (logger, bindings, options) => new LazyChild(logger, bindings, options),
    trustProxy: config.TRUST_PROXY ?? false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: 0,
    keepAliveTimeout: 5_000,
    forceCloseConnections: 'idle',
    // The longest are links of mails, which carry where they lead.
    routerOptions: { maxParamLength: 2_000, ignoreTrailingSlash: false },
    // Node looks for headers that are late every 30 s unless told.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000, maxHeaderSize: 16_384 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerFrameworkError,
  }) as unknown as FastifyInstance;
  const metrics = options.metrics ?? createMetrics(pool, version);
  const { registry } = metrics;
  app.decorate('cursors', createCursors(deriveSecret(config.APP_SECRET ?? '', 'cursors')));
  useStrictJson(app);
  useValidation(app, { compileEarly });
  useSerialization(app, { compileEarly, checkAnswers: config.NODE_ENV === 'test' });
  await app.register(errors);
  await app.register(shutdown);
  await app.register(slowBodies, { limitMs: BODY_TIMEOUT_MS });
  await app.register(requests, { logAll: config.LOG_REQUESTS === 'all', registry });
  await app.register(auth, { config, pool, fallbackSender: fallbackSenderOf(config) });
  return { app, metrics };
}

/** What a process without the API answers: health and metrics. */
export async function buildProbes(options: AppOptions): Promise<FastifyInstance> {
  const { app, metrics } = await openApp(options);
  for (const schema of operationsSchemas) app.addSchema(schema);
  const { pool, pingQueue } = options;
  await app.register(operations, { pool, pingQueue, registry: metrics.registry });
  return app;
}

/** Builds the app without listening; every option has been checked by readConfig. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, pool } = options;
  const { app, metrics } = await openApp(options);
  const publicUrl = config.PUBLIC_URL ?? `http://${config.HOST}:${config.PORT}`;
  await app.register(rateLimit, {
    perCredential: config.RATE_LIMIT_PER_MINUTE,
    perAddress: config.RATE_LIMIT_ANONYMOUS_PER_MINUTE,
    redis: options.redis,
    registry: metrics.registry,
  });
  await app.register(browsers, { pool });
  await app.register(multipart, {
    throwFileSizeLimit: true,
    limits: { files: 1, fields: 10, fieldSize: 65_536, fileSize: FILE_LIMIT },
  });
  await app.register(idempotency);
  addSchemas(app);
  await app.register(openapi, {
    version: options.version,
    publicUrl,
    tokens: options.documentTokens,
  });
  const renderer = createRenderer({ threads: 1 });
  app.addHook('onClose', () => renderer.close());
  const workshop = await openWorkshop(config, renderer);
  await app.register(routes, {
    pool,
    publicUrl,
    signCustomerToken: (request) => signCustomerToken(config, request),
    registry: metrics.registry,
    pingQueue: options.pingQueue,
    sweepIntervalMs: config.SWEEP_INTERVAL_MS,
    segmentTimeoutMs: config.SEGMENT_TIMEOUT_MS,
    identityDesk: identityDeskOf(config),
    renderer,
    makeMails: (ctx, mails) => makeMails(ctx, workshop, mails),
    offerHashOf: (row) => offerHashOf(workshop.secrets, row),
    mailSecrets: workshop.secrets,
    outbox: shownOutboxOf(config),
    throttles: createThrottles(deriveSecret(config.APP_SECRET ?? '', 'throttles')),
  });
  return app;
}
