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

/** A state that is costly to read is asked for less often: reading takes at most a fifth of the time. */
const REST = 4;

/** What is followed: its state now, undefined when it is gone, and whether nothing follows that state. */
interface Followed<Status> {
  read(): Promise<{ status: Status } | undefined>;
  isFinal(status: Status): boolean;
}

/** One message; JSON has no line breaks. */
const message = (state: object, isLast: boolean): string =>
  `event: ${isLast ? 'finished' : 'progress'}\ndata: ${JSON.stringify(state)}\n\n`;

/** Each state once; ends behind the final one, when `signal` is raised, or when the thing is gone. */
async function* messages<Status>(
  { read, isFinal }: Followed<Status>,
  signal: AbortSignal,
  isStopping: () => boolean,
) {
  let told = '';
  let toldAt = Date.now();
  yield RECONNECT;
  while (!signal.aborted && !isStopping()) {
    const askedAt = Date.now();
    const state = await read();
    if (!state) return;
    const isLast = isFinal(state.status);
    const next = message(state, isLast);
    if (next !== told || Date.now() - toldAt >= HEARTBEAT_MS) {
      yield next === told ? HEARTBEAT : next;
      told = next;
      toldAt = Date.now();
    }
    if (isLast) return;
    await sleep(Math.max(POLL_MS, REST * (Date.now() - askedAt)), undefined, { signal }).catch(
      () => undefined,
    );
  }
}

/** Answers with the states of what is followed; stops when the client goes away or the service stops. */
export function follow<Status>(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  followed: Followed<Status>,
): FastifyReply {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const stream = Readable.from(
    messages(followed, gone.signal, () => request.server.stopping()),
    { objectMode: false },
  );
  return reply
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .type('text/event-stream')
    .send(stream);
}

/** Answers with the states that a job goes through. */
export const sendProgress = (
  where: { request: FastifyRequest; reply: FastifyReply },
  read: () => Promise<{ status: JobStatus } | undefined>,
): FastifyReply => follow(where, { read, isFinal: isFinished });
