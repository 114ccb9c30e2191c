// What browsers need: security headers, and CORS by the origins that each store lists.
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type pg from 'pg';
import { findStore, isOriginKnown } from '../db/stores.ts';

const EXPOSED = ['ETag', 'Link', 'Location', 'Idempotency-Replayed', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id'];

export const browsers = fp(async (app: FastifyInstance, { pool }: { pool: pg.Pool }) => {
  await app.register(helmet, { global: true, contentSecurityPolicy: false, crossOriginResourcePolicy: { policy: 'cross-origin' } });
  // A preflight carries no credential, so it can only ask whether any store lists the origin …
  await app.register(cors, {
    origin: async (origin?: string) => origin !== undefined && (await isOriginKnown(pool, origin)),
    exposedHeaders: EXPOSED,
    maxAge: 600,
  });
  // … the request itself is held to the list of its own store.
  app.addHook('preHandler', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !request.ctx) return;
    const store = await findStore(request.ctx.db);
    if (!store?.settings.corsOrigins.includes(origin)) reply.removeHeader('access-control-allow-origin');
  });
});
