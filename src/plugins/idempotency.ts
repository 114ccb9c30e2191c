// Reads the Idempotency-Key header; the transaction in actions/write.ts does the rest.
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../errors.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;

/** What of a body is compared: a fingerprint is kept for days, and a password could be guessed from it. */
function comparedPart(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('password' in body)) return body ?? null;
  return { ...body, password: typeof body.password };
}

/** Names the request by what it asks for; a repeat must ask for the same. Multipart bodies are named by their headers. */
function fingerprintOf(request: FastifyRequest): Buffer {
  const body = request.isMultipart()
    ? request.headers['content-length']
    : JSON.stringify(comparedPart(request.body));
  return createHash('sha256').update(`${request.method} ${request.url}\n${body}`).digest();
}

/** Notes the key in the context; throws when it is missing or unusable. */
function takeKey(request: FastifyRequest): void {
  const { idempotency: mode, operationId = '', zone } = request.routeOptions.config;
  if (mode === undefined || mode === 'none' || zone === 'public' || zone === 'ops') return;
  const key = request.headers['idempotency-key'];
  if (key === undefined) {
    if (mode === 'required') throw new Problem('IDEMPOTENCY_KEY_REQUIRED');
    return;
  }
  if (typeof key !== 'string' || !KEY.test(key)) throw new Problem('IDEMPOTENCY_KEY_INVALID');
  request.ctx.idempotency = {
    credential: request.identity.actor,
    operation: operationId,
    key,
    fingerprint: fingerprintOf(request),
  };
}

export const idempotency = fp(async (app: FastifyInstance) => {
  app.addHook('preHandler', (request, _reply, done) => {
    try {
      takeKey(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
});
