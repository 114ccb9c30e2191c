// Limits per credential and, without one, per address; shared over processes when Redis is there.
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Cluster, Redis } from 'ioredis';
import { Counter, type Registry } from 'prom-client';
import { Problem } from '../errors.ts';

export interface RateLimitOptions {
  perCredential: number;
  perAddress: number;
  redis?: Redis | Cluster | undefined;
  registry: Registry;
}

const WINDOW_S = 60;

interface Limit {
  isAllowed: boolean;
  max: number;
  remaining: number;
  ttlInSeconds: number;
  isExceeded: boolean;
}

/** RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers, and Retry-After. */
function announce(reply: FastifyReply, limit: Limit): void {
  reply.header('ratelimit-policy', `"default";q=${limit.max};w=${WINDOW_S}`);
  reply.header('ratelimit', `"default";r=${limit.remaining};t=${limit.ttlInSeconds}`);
  if (!limit.isExceeded) return;
  reply.header('retry-after', String(limit.ttlInSeconds));
  throw new Problem('RATE_LIMITED');
}

export const rateLimit = fp(async (app: FastifyInstance, options: RateLimitOptions) => {
  const refused = new Counter({
    name: 'clientele_rate_limited_total',
    help: 'Requests that were over a limit, by what the limit is for',
    labelNames: ['by'],
    registers: [options.registry],
  });
  await app.register(fastifyRateLimit, {
    global: false,
    timeWindow: WINDOW_S * 1000,
    // A limiter that cannot reach Redis must not take the service down.
    skipOnError: true,
    ...(options.redis && { redis: options.redis, nameSpace: '{clientele}:rate:' }),
  });
  const byCredential = app.createRateLimit({
    max: options.perCredential,
    keyGenerator: (request: FastifyRequest) => `${request.identity.storeId}:${request.identity.actor}`,
  });
  const byAddress = app.createRateLimit({
    max: options.perAddress,
    keyGenerator: (request: FastifyRequest) => request.ip,
  });

  app.addHook('onRequest', async (request, reply) => {
    const { zone } = request.routeOptions.config;
    if (zone === undefined || zone === 'ops') return;
    // A publishable key is in every page of the shop: its callers are told apart by address.
    const isOne = request.identity?.zone === 'staff' || request.identity?.customerId !== undefined;
    const limiter = isOne ? byCredential : byAddress;
    const limit = await limiter(request);
    if (!('max' in limit)) return;
    if (limit.isExceeded) refused.inc({ by: isOne ? 'credential' : 'address' });
    announce(reply, limit as Limit);
  });
});
