// What browsers need: security headers, and CORS by the origins that each store lists.
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import helmet from 'helmet';
import type pg from 'pg';
import { findStore, isOriginKnown } from '../db/stores.ts';

const EXPOSED = [
  'ETag',
  'Link',
  'Location',
  'Idempotency-Replayed',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
];

/** Headers that mean something for an API; the rest of helmet's are for pages, and each costs on every answer. */
const HELMET = {
  contentSecurityPolicy: false,
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: false,
  crossOriginResourcePolicy: false,
  dnsPrefetchControl: false,
  ieNoOpen: false,
  originAgentCluster: false,
  permittedCrossDomainPolicies: false,
  xXssProtection: false,
} as const;

type Headers = Record<string, string>;

/**
 * What helmet sets, which is the same on every answer and so is asked once. As a hook of each request, and as the
 * plugin around it, which puts helmet together anew for each, it cost a tenth of a small read.
 */
function securityHeaders(): Headers {
  const headers: Headers = {};
  const listener = {
    setHeader: (name: string, value: string) => Object.assign(headers, { [name.toLowerCase()]: value }),
    // Of X-Powered-By, which nobody here sets.
    removeHeader: () => undefined,
  };
  helmet(HELMET)({} as IncomingMessage, listener as unknown as ServerResponse, (error) => {
    if (error) throw error;
  });
  return headers;
}

export const browsers = fp(async (app: FastifyInstance, { pool }: { pool: pg.Pool }) => {
  const always = securityHeaders();
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(always);
    done();
  });
  // A preflight carries no credential, so it can only ask whether any store lists the origin …
  await app.register(cors, {
    origin: (origin, decide) => {
      if (origin === undefined) return decide(null, false);
      isOriginKnown(pool, origin).then(
        (known) => decide(null, known),
        (error) => decide(error, false),
      );
    },
    exposedHeaders: EXPOSED,
    maxAge: 600,
  });
  // … the request itself is held to the list of its own store.
  app.addHook('preHandler', (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined || !request.ctx) return done();
    findStore(request.ctx.db).then((store) => {
      if (!store?.settings.corsOrigins.includes(origin)) reply.removeHeader('access-control-allow-origin');
      done();
    }, done);
  });
});
