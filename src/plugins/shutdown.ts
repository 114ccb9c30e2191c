// Stopping without losing anything: readiness says 503 first, requests in flight finish, then connections close.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

const ANNOUNCED_MS = 500;
/** For a request that was cut off to take back what it had begun. */
const AFTERMATH_MS = 500;

declare module 'fastify' {
  interface FastifyInstance {
    /** True from the first sign of a stop. */
    stopping(): boolean;
    /**
     * Stops accepting, lets requests finish for at most `graceMs`, closes what is left, then runs onClose hooks.
     * Plain `app.close()` can wait 72 s for idle keep-alive connections.
     */
    stop(graceMs: number): Promise<void>;
  }
}

export const shutdown = fp(async (app: FastifyInstance) => {
  const sockets = new Set<Socket>();
  const ends: (() => void)[] = [];
  let inFlight = 0;
  let stopping = false;

  app.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  app.addHook('onRequest', (_request, reply, done) => {
    inFlight++;
    // The response's own event: it fires once, whether the answer was sent or the client went away.
    reply.raw.once('close', () => {
      inFlight--;
      if (inFlight === 0) for (const end of ends.splice(0)) end();
    });
    if (stopping) reply.header('connection', 'close');
    done();
  });

  const drained = (graceMs: number) =>
    new Promise<void>((resolve) => {
      if (inFlight === 0) return resolve();
      const timer = setTimeout(resolve, graceMs);
      ends.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });

  app.decorate('stopping', () => stopping);
  app.decorate('stop', async (graceMs: number) => {
    if (stopping) return;
    stopping = true;
    // Balancers hear the 503 of /readyz while connections are still taken.
    await sleep(ANNOUNCED_MS);
    app.server.close();
    app.server.closeIdleConnections();
    await drained(graceMs - ANNOUNCED_MS);
    app.server.closeIdleConnections();
    const isCutOff = inFlight > 0;
    for (const socket of sockets) socket.destroySoon();
    if (isCutOff) await sleep(AFTERMATH_MS);
    await app.close();
  });
});
