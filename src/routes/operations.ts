// HTTP: health for balancers, metrics for Prometheus. No store, no customer data.
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { pendingMigrations } from '../db/migrate.ts';
import { endpoint } from '../endpoint.ts';
import { RETRY_AFTER_S } from '../errors.ts';
import { ref } from '../schemas/helpers.ts';
import { Health, Readiness } from '../schemas/operations.ts';

export interface OperationsOptions {
  pool: pg.Pool;
  registry: Registry;
  /** Throws when the queue does not answer; missing where this process has none. */
  pingQueue?: (() => Promise<void>) | undefined;
}

const tag = 'Operations';
const PROBE_MS = 2_000;

/** `ok` when the probe ends well within two seconds. */
async function probe(work: () => Promise<unknown>): Promise<'ok' | 'failed'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), PROBE_MS);
  });
  try {
    await Promise.race([work(), late]);
    return 'ok';
  } catch {
    return 'failed';
  } finally {
    clearTimeout(timer);
  }
}

async function failOnPending(pool: pg.Pool): Promise<void> {
  if ((await pendingMigrations(pool)).length > 0) throw new Error('migrations are pending');
}

async function readiness({ pool, pingQueue }: OperationsOptions) {
  const [database, migrations, queue] = await Promise.all([
    probe(() => pool.query('select 1')),
    probe(() => failOnPending(pool)),
    pingQueue ? probe(pingQueue) : undefined,
  ]);
  const ok = database === 'ok' && migrations === 'ok' && queue !== 'failed';
  return {
    status: ok ? ('ok' as const) : ('failed' as const),
    database,
    migrations,
    ...(queue && { queue }),
  };
}

export async function operations(app: FastifyInstance, options: OperationsOptions): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/livez',
    operationId: 'getLiveness',
    tag,
    summary: 'Is the process alive',
    description: 'Answers as long as the event loop turns; restart the process when it does not.',
    zone: 'public',
    returns: { 200: ref(Health) },
    handle: () => ({ status: 'ok' }),
  });

  endpoint(app, {
    method: 'GET',
    url: '/readyz',
    operationId: 'getReadiness',
    tag,
    summary: 'Should requests come here',
    description:
      'Asks the database, the schema and the queue; 503 when one fails or the process is stopping.',
    zone: 'public',
    returns: { 200: ref(Readiness), 503: ref(Readiness) },
    handle: async (_ctx, { reply }) => {
      const state = await readiness(options);
      const status = app.stopping() ? 'stopping' : state.status;
      if (status !== 'ok') reply.header('retry-after', RETRY_AFTER_S);
      return reply.code(status === 'ok' ? 200 : 503).send({ ...state, status });
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/metrics',
    operationId: 'getMetrics',
    tag,
    summary: 'Metrics',
    description: 'Prometheus text format. Needs a token for operations: `clientele token --ops`.',
    zone: 'ops',
    produces: ['text/plain'],
    returns: { 200: { type: 'string', description: 'Prometheus text format.' } as never },
    handle: async (_ctx, { reply }) =>
      reply
        .type(options.registry.contentType)
        .serializer(String)
        .send(await options.registry.metrics()),
  });
}
