// Progress as server-sent events: asks for the state until it is final, so it works whichever process does the work.
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFinished, type JobStatus } from './domain/jobs.ts';

const POLL_MS = 500;
/** Proxies close connections that say nothing; most wait for a minute. */
const HEARTBEAT_MS = 15_000;
/** How long a client waits before it connects again, to another process if this one stopped. */
const RECONNECT = 'retry: 1000\n\n';
const HEARTBEAT = ': still here\n\n';

interface Progress {
  status: JobStatus;
}

/** One message; JSON has no line breaks. */
const message = (state: Progress): string =>
  `event: ${isFinished(state.status) ? 'finished' : 'progress'}\ndata: ${JSON.stringify(state)}\n\n`;

/** Each state once; ends behind the final one, when `signal` is raised, or when the thing is gone. */
async function* messages(
  read: () => Promise<Progress | undefined>,
  signal: AbortSignal,
  isStopping: () => boolean,
) {
  let told = '';
  let toldAt = Date.now();
  yield RECONNECT;
  while (!signal.aborted && !isStopping()) {
    const state = await read();
    if (!state) return;
    const next = message(state);
    if (next !== told || Date.now() - toldAt >= HEARTBEAT_MS) {
      yield next === told ? HEARTBEAT : next;
      told = next;
      toldAt = Date.now();
    }
    if (isFinished(state.status)) return;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Answers with the states that `read` finds; stops when the client goes away or the service stops. */
export function sendProgress(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  read: () => Promise<Progress | undefined>,
): FastifyReply {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const stream = Readable.from(
    messages(read, gone.signal, () => request.server.stopping()),
    { objectMode: false },
  );
  return reply
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .type('text/event-stream')
    .send(stream);
}
