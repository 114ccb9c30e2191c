// Request ids, request log lines, request metrics and, when they are wanted, request spans.
import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, Histogram, type Registry } from 'prom-client';
import { isTracing, type OpenSpan, openSpan } from '../tracing.ts';

const USABLE_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const SLOW_MS = 1_000;

/** A usable X-Request-Id is kept, so that one id follows a call through all services; else a new one is made. */
export function requestIdOf(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && USABLE_ID.test(given) ? given : randomUUID();
}

type Line = Parameters<FastifyBaseLogger['info']>;

/**
 * A request's logger that is made at its first line: most requests write none, and a pino child for each costs more
 * than verifying its token.
 */
export class LazyChild implements FastifyBaseLogger {
  readonly level: string;
  readonly #make: () => FastifyBaseLogger;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: object, options: object) {
    this.level = parent.level;
    this.#make = () => parent.child(bindings, options);
  }

  get #child(): FastifyBaseLogger {
    this.#made ??= this.#make();
    return this.#made;
  }

  fatal(...line: Line) {
    this.#child.fatal(...line);
  }
  error(...line: Line) {
    this.#child.error(...line);
  }
  warn(...line: Line) {
    this.#child.warn(...line);
  }
  info(...line: Line) {
    this.#child.info(...line);
  }
  debug(...line: Line) {
    this.#child.debug(...line);
  }
  trace(...line: Line) {
    this.#child.trace(...line);
  }
  silent(...line: Line) {
    this.#child.silent(...line);
  }
  child(...more: Parameters<FastifyBaseLogger['child']>) {
    return this.#child.child(...more);
  }
}

export interface RequestOptions {
  /** A line for each request costs a quarter of a small read's throughput; so by default only slow and failed ones. */
  logAll: boolean;
  registry: Registry;
}

/** The route's pattern, never the URL: its query may hold personal data. */
const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? 'unknown';

function logLine(request: FastifyRequest, reply: FastifyReply): object {
  return {
    method: request.method,
    route: routeOf(request),
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 10) / 10,
    actor: request.identity?.actor,
  };
}

/** One span for each request; what the request does belongs to it. Only there while somebody wants traces. */
function traceRequests(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, headers } = request;
    const route = routeOf(request);
    const span = openSpan(`${method} ${route}`, {
      kind: 'server',
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'clientele.request_id': String(request.id),
      },
      traceparent: typeof headers.traceparent === 'string' ? headers.traceparent : undefined,
    });
    if (!span) return done();
    spans.set(request, span);
    span.run(done);
  });
  // The events of a body that was read belong to its socket, and not to the request.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.run(done);
    else done();
  });
  app.addHook('onError', (request, _reply, error, done) => {
    if ((error.statusCode ?? 500) >= 500) spans.get(request)?.fail(error);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request);
    span?.set({ 'http.response.status_code': reply.statusCode });
    span?.end();
    done();
  });
}

export const requests = fp(async (app: FastifyInstance, { logAll, registry }: RequestOptions) => {
  const duration = new Histogram({
    name: 'clientele_http_request_duration_seconds',
    help: 'Time from request to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers: [registry],
  });
  const replays = new Counter({
    name: 'clientele_idempotency_replays_total',
    help: 'Requests that got the kept answer of an earlier one with the same Idempotency-Key, by route',
    labelNames: ['route'],
    registers: [registry],
  });
  // prom-client builds the key of a series from its labels at each call; the few there are stay at hand.
  const series = new Map<string, ReturnType<typeof duration.labels>>();
  const seriesOf = (method: string, route: string, status: number) => {
    const key = `${method} ${status} ${route}`;
    let known = series.get(key);
    if (!known) {
      known = duration.labels({ method, route, status });
      series.set(key, known);
    }
    return known;
  };

  if (isTracing()) traceRequests(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', String(request.id));
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = routeOf(request);
    seriesOf(request.method, route, reply.statusCode).observe(reply.elapsedTime / 1000);
    if (request.ctx?.idempotency?.replayed) replays.inc({ route });
    const failed = reply.statusCode >= 500;
    if (logAll || failed || reply.elapsedTime > SLOW_MS) {
      request.log[failed ? 'error' : 'info'](logLine(request, reply), 'request');
    }
    done();
  });
});
