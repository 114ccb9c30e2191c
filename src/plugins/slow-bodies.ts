// The time that a body may take. Node's own requestTimeout knows no difference between a JSON body, which is there at once,
// and a file of two gigabytes, which may take an hour on its way: so it is off, and this stands in its place.
import { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { answerBrokenRequest } from './errors.ts';

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Ends a request whose body is not there after `limitMs`; where a file comes in, one that stood still for as long. */
function watch({ raw, routeOptions }: FastifyRequest, limitMs: number): void {
  const { socket } = raw;
  const takesFile = routeOptions.config.form !== undefined;
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    if (raw.complete || socket.destroyed) return clearInterval(timer);
    // What came and was not read yet waits for us, not for the client.
    const isMoving = socket.bytesRead > seen || raw.readableLength > 0;
    seen = socket.bytesRead;
    if (takesFile && isMoving) return;
    clearInterval(timer);
    answerBrokenRequest(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    socket.destroySoon();
  }, limitMs);
  timer.unref();
  // An answer may be given before the body is there; the rest of it is still waited for.
  raw.once('close', () => {
    if (raw.complete || socket.destroyed) clearInterval(timer);
  });
}

export const slowBodies = fp(async (app: FastifyInstance, { limitMs }: { limitMs: number }) => {
  app.addHook('onRequest', (request, _reply, done) => {
    // What tests inject comes over no wire.
    if (hasBody(request) && request.raw.socket instanceof Socket) watch(request, limitMs);
    done();
  });
});
