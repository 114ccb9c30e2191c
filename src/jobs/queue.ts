// How jobs travel: BullMQ on PostgreSQL, or on Redis when a Redis URL is given; one code above both. A job carries two
// ids and nothing else: the row in our database is the truth, so a delivery may be lost (the sweeper adds it again) or
// come twice (the handler reads the row first).
import assert from 'node:assert';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendFactory,
  type ConnectionOptions,
  createRedisBackend,
  type IQueueBackend,
  type Job,
  type PgQueryable,
  PostgresConnection,
  PostgresQueueBackend,
  Queue,
  type QueueOptions,
  runMigrations,
  UnrecoverableError,
  WaitingError,
  Worker,
} from 'bullmq';
import type { Cluster, Redis } from 'ioredis';

/** The whole payload of a job. `jobId` is a UUID: BullMQ refuses integers and anything with a colon. */
export interface JobRef {
  storeId: string;
  jobId: string;
}

export interface QueueSettings {
  /** PostgreSQL that speaks LISTEN: a direct connection, not a transaction-mode pooler. Unused with a `redisUrl`. */
  databaseUrl: string;
  /** Role to act as, if it is not the login's own: see queueGrants. */
  role?: string;
  /** redis:// or rediss://; several, comma-separated, name a cluster (one endpoint of a cluster: name it twice). */
  redisUrl?: string;
  /** Connections for statements, shared by all queues of one client or worker; 4 unless told. */
  poolSize?: number;
}

export interface QueueDefinition {
  name: string;
  /** Jobs that one worker process runs at a time. */
  concurrency: number;
  /** Deliveries in all, the first included. */
  attempts: number;
  /** Wait before the second delivery; doubles with each one, see retryDelayMs. */
  backoffMs: number;
  /** How long a silent worker keeps its job; renewed while the handler runs. 6 s unless told. */
  lockMs?: number;
}

export interface Attempt {
  /** 1 for the first delivery. A delivery that a killed or stopping worker lost does not count. */
  number: number;
  /** No further delivery comes when this one throws. */
  isLast: boolean;
  /** Raised when the worker stops or lost the job's lock: finish the slice, then throw or return. */
  signal: AbortSignal;
}

/**
 * Returning ends the job, throwing delivers it again later; a throw after the signal was raised puts it back at once
 * and costs no attempt.
 */
export type Handler = (ref: JobRef, attempt: Attempt) => Promise<void>;

export type OnError = (error: unknown, context: { queue: string; ref?: JobRef }) => void;

/** Thrown by a handler: the answer is no and stays no, so the job is not delivered again. */
export class FinalRefusal extends Error {
  override name = 'FinalRefusal';
}

export interface QueueClient {
  /**
   * Adds jobs; an id that is waiting, delayed or running already stays as it is. One that ended runs again.
   * @throws when the backend does not take them; some may have been added
   */
  enqueue(queue: QueueDefinition, refs: readonly JobRef[], options?: { delayMs?: number }): Promise<void>;
  /** Jobs per queue and state. Ended jobs are removed, so `failed` stays 0: count failures in rows. */
  counts(): Promise<Record<string, JobCounts>>;
  /** @throws when the backend does not answer within `timeoutMs` */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface JobCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

export interface RunningWorkers {
  /**
   * Takes no further job, raises the signal of the running ones, waits for them at most `graceMs`, closes. What still
   * runs then is delivered again once its lock is over.
   */
  stop(graceMs: number): Promise<void>;
}

const SCHEMA = 'bullmq';
/** The hash tag keeps every key in one slot: BullMQ's scripts touch several keys at once, which a cluster refuses otherwise. */
const REDIS_PREFIX = '{clientele}';
/** On PostgreSQL the workers' own clocks decide when a lock is over, so they must agree to a second or two. */
const LOCK_MS = 6_000;
/** A killed worker's job is found in lock + one or two checks: 6 s on average, 10 s at worst. A check costs 0.9 ms. */
const STALLED_CHECKS_PER_LOCK = 3;
/** Kills that one job survives; BullMQ's default of 1 loses a long import in the second roll-out. */
const MAX_STALLED = 5;
/** BullMQ asks every 5 s. LISTEN tells us on PostgreSQL, so asking there is only the net below it. */
const POSTGRES_POLL_S = 30;
const REDIS_POLL_S = 5;
/** After a refused connection; BullMQ's 15 s would be the pause after every restart of the database. */
const RECONNECT_MS = 1_000;
/** The same trouble of the backend is told once in this time. */
const TROUBLE_PAUSE_MS = 10_000;
/** For telling the backend about the last jobs; more only when it is away, and then it is in vain. */
const CLOSE_MS = 2_000;
const RETRY_DELAY_MAX_MS = 15 * 60_000;
const ENQUEUED_AT_ONCE = 100;

/**
 * Wait before the delivery after `attempt` (1 for the first): doubles each time up to 15 minutes, of which the last
 * half is random, so that jobs that failed together do not come back together.
 */
export function retryDelayMs(attempt: number, backoffMs: number, random = Math.random()): number {
  const longest = Math.min(backoffMs * 2 ** (attempt - 1), RETRY_DELAY_MAX_MS);
  return Math.max(1, Math.round(longest * (0.5 + random / 2)));
}

/** Creates or updates BullMQ's tables in their own schema, in a transaction of its own. Run as the schema's owner. */
export async function migrateQueueSchema(client: PgQueryable): Promise<void> {
  await runMigrations(client, SCHEMA);
}

/**
 * What a role needs that owns nothing; run after each migrateQueueSchema. No CREATE and no TEMPORARY: those are what
 * BullMQ's addBulk needs (a sequence, two temp tables a call), which enqueue therefore avoids.
 */
export function queueGrants(role: string): string {
  const name = `"${role.replaceAll('"', '""')}"`;
  return `
    grant usage on schema ${SCHEMA} to ${name};
    grant select, insert, update, delete on all tables in schema ${SCHEMA} to ${name};
    revoke insert, update, delete on ${SCHEMA}.migration from ${name};
    grant usage on all sequences in schema ${SCHEMA} to ${name};
    grant execute on all functions in schema ${SCHEMA} to ${name};`;
}

/** Connects; throws when the backend is away or, on PostgreSQL, not migrated. */
export async function openQueues(
  settings: QueueSettings,
  definitions: readonly QueueDefinition[],
): Promise<QueueClient> {
  // Nothing to report on: what goes wrong is thrown by the call that needed it.
  const transport = await openTransport(settings, { blocking: false, onError: () => undefined });
  const queues = new Map(definitions.map(({ name }) => [name, openQueue(name, transport)]));
  return {
    async enqueue({ name, attempts }, refs, { delayMs = 0 } = {}) {
      const queue = queues.get(name);
      if (!queue) throw new Error(`The queue ${name} is not open`);
      const add = ({ storeId, jobId }: JobRef) =>
        queue.add(name, { storeId, jobId }, { jobId, attempts, delay: delayMs });
      for (let start = 0; start < refs.length; start += ENQUEUED_AT_ONCE) {
        await Promise.all(refs.slice(start, start + ENQUEUED_AT_ONCE).map(add));
      }
    },
    async counts() {
      const counted = [...queues].map(async ([name, queue]) => [name, await countJobs(queue)] as const);
      return Object.fromEntries(await Promise.all(counted));
    },
    async ping(timeoutMs) {
      const answered = await within(timeoutMs, transport.ping());
      if (!answered) throw new Error(`The queue did not answer within ${timeoutMs} ms`);
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await transport.close();
    },
  };
}

/**
 * Runs `handlers`, by queue name, until stopped. `onError` hears every throw of a handler, jobs given up after too
 * many kills, and trouble with the backend (queue `*`), from which the workers recover by themselves.
 * @throws when the backend is away at the start, or a queue has no handler
 */
export async function startWorkers(
  settings: QueueSettings,
  definitions: readonly QueueDefinition[],
  handlers: Record<string, Handler>,
  onError: OnError,
): Promise<RunningWorkers> {
  const missing = definitions.find(({ name }) => !handlers[name]);
  if (missing) throw new Error(`The queue ${missing.name} has no handler`);
  const run: Run = {
    stopping: false,
    deliveries: new Set(),
    onError,
    reported: new WeakSet(),
    told: new Map(),
  };
  const transport = await openTransport(settings, {
    blocking: true,
    onError: (error) => tellTrouble(run, error, '*'),
  });
  const workers = definitions.map((definition) =>
    startWorker(definition, handlers[definition.name] as Handler, transport, run),
  );
  return {
    async stop(graceMs) {
      run.stopping = true;
      const closed = Promise.allSettled(workers.map((worker) => worker.close()));
      for (const worker of workers) worker.cancelAllJobs();
      await within(graceMs, Promise.allSettled(run.deliveries));
      if (run.deliveries.size === 0) await within(CLOSE_MS, closed);
      await Promise.all(workers.map((worker) => worker.endRenewals()));
      await transport.close();
    },
  };
}

/** What the workers of one process share. */
interface Run {
  stopping: boolean;
  /** The handlers at work. */
  deliveries: Set<Promise<void>>;
  onError: OnError;
  /** Errors that onError heard already, as BullMQ brings them again. */
  reported: WeakSet<Error>;
  /** When a message of the backend was told last. */
  told: Map<string, number>;
}

/** While the backend is away every queue says so with each attempt, 30 times a second for twelve queues on Redis. */
function tellTrouble(run: Run, error: Error, queue: string): void {
  const now = Date.now();
  for (const [message, at] of run.told) if (at < now - TROUBLE_PAUSE_MS) run.told.delete(message);
  if (run.stopping || run.told.has(error.message)) return;
  run.told.set(error.message, now);
  run.onError(error, { queue });
}

type JobQueue = Queue<JobRef, void, string, JobRef, void, string, IQueueBackend>;

function openQueue(name: string, transport: Transport) {
  const options: QueueOptions = {
    connection: transport.connection,
    prefix: REDIS_PREFIX,
    // Nobody reads BullMQ's event stream, but it cannot be off: 0 means "never trim" on PostgreSQL.
    streams: { events: { maxLen: 1_000 } },
    defaultJobOptions: {
      // An ended job must go, or its id could never be added again.
      removeOnComplete: true,
      removeOnFail: true,
      backoff: { type: 'clientele' },
      stackTraceLimit: 0,
      keepLogs: 0,
    },
  };
  const queue: JobQueue = new Queue(name, options, transport.factory);
  return queue.on('error', () => undefined);
}

async function countJobs(queue: Pick<Queue, 'getJobCounts'>): Promise<JobCounts> {
  const {
    waiting = 0,
    active = 0,
    delayed = 0,
    failed = 0,
  } = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  return { waiting, active, delayed, failed };
}

class JobWorker extends Worker<JobRef, void, string, IQueueBackend> {
  /** close() does this too, but only when the last handler is done, so its job would stay locked for as long. */
  async endRenewals(): Promise<void> {
    await this.lockManager.close();
  }
}

function startWorker(definition: QueueDefinition, handler: Handler, transport: Transport, run: Run) {
  const { name, concurrency, backoffMs, lockMs = LOCK_MS } = definition;
  const worker = new JobWorker(
    name,
    // Three parameters without defaults: BullMQ counts them to learn whether the signal is wanted.
    async (job, token, signal) => {
      const delivery = deliver(job, token, signal, handler, run);
      run.deliveries.add(delivery);
      await delivery.finally(() => run.deliveries.delete(delivery));
    },
    {
      connection: transport.connection,
      prefix: REDIS_PREFIX,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: lockMs / STALLED_CHECKS_PER_LOCK,
      maxStalledCount: MAX_STALLED,
      drainDelay: transport.pollSeconds,
      runRetryDelay: RECONNECT_MS,
      settings: { backoffStrategy: (attemptsMade) => retryDelayMs(attemptsMade, backoffMs) },
    },
    transport.factory,
  );
  worker.on('error', (error) => tellTrouble(run, error, name));
  // A lost lock means that another worker has the job: two must not go on.
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId);
  });
  worker.on('failed', (job, error) => {
    if (!run.reported.has(error)) run.onError(error, { queue: name, ...(job && { ref: job.data }) });
  });
  return worker;
}

async function deliver(
  job: Job<JobRef, void>,
  token: string | undefined,
  signal: AbortSignal | undefined,
  handler: Handler,
  run: Run,
): Promise<void> {
  assert(signal && token, 'BullMQ passes both to a processor with three parameters');
  if (run.stopping) return putBack(job, token);
  if (!isRef(job.data)) return refuseStray(job.queueName, run);
  const number = job.attemptsMade + 1;
  try {
    await handler(job.data, { number, isLast: number >= (job.opts.attempts ?? 1), signal });
  } catch (error) {
    const isFinal = error instanceof FinalRefusal;
    const isInterruption = signal.aborted && !isFinal;
    if (!isInterruption || !isAbort(error)) run.onError(error, { queue: job.queueName, ref: job.data });
    if (isInterruption) return putBack(job, token);
    throw nameOnly(error, isFinal, run);
  }
}

const UUID = /^[0-9a-f-]{36}$/i;
const LONGEST_ID = 100;

function isRef(data: unknown): data is JobRef {
  const { storeId, jobId }: Partial<Record<keyof JobRef, unknown>> = Object(data);
  return (
    typeof storeId === 'string' &&
    UUID.test(storeId) &&
    typeof jobId === 'string' &&
    jobId.length <= LONGEST_ID
  );
}

/** What somebody else put into the queue: it is not tried again, and what it holds is not told, for it could be anything. */
function refuseStray(queue: string, run: Run): never {
  run.onError(new Error('A delivery that names no job'), { queue });
  throw nameOnly(new FinalRefusal(), true, run);
}

/** Gives the job to the next worker without counting an attempt; the throw tells BullMQ that the job is gone. */
async function putBack(job: Job<JobRef, void>, token: string): Promise<never> {
  // Refused when the lock is lost: then another worker has the job already.
  await job.moveToWait(token).catch(() => undefined);
  throw new WaitingError();
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** BullMQ stores the message of what is thrown, and messages (DrizzleQueryError) carry customer data: the name must do. */
function nameOnly(error: unknown, isFinal: boolean, run: Run): Error {
  const name = error instanceof Error ? error.name : typeof error;
  const told = isFinal ? new UnrecoverableError(name) : new Error(name);
  run.reported.add(told);
  return told;
}

/** The one connection below all queues, or all workers, of a process. */
interface Transport {
  factory: BackendFactory<IQueueBackend, ConnectionOptions>;
  connection: ConnectionOptions;
  pollSeconds: number;
  ping(): Promise<unknown>;
  close(): Promise<void>;
}

interface TransportOptions {
  /** True below workers, which wait for jobs on the connection. */
  blocking: boolean;
  onError: (error: Error) => void;
}

function openTransport(settings: QueueSettings, options: TransportOptions): Promise<Transport> {
  return settings.redisUrl ? openRedis(settings.redisUrl, options) : openPostgres(settings, options);
}

/** Every queue listens on the same client, so it has more listeners than the ten that Node takes for a leak. */
class SharedConnection extends PostgresConnection {
  override async getListenClient() {
    const client = await super.getListenClient();
    if (client instanceof EventEmitter) client.setMaxListeners(0);
    return client;
  }
}

/** BullMQ asks again at once after an error: 400 times a second while, say, a grant is missing. */
class PatientBackend extends PostgresQueueBackend {
  override async moveToActive(...query: Parameters<PostgresQueueBackend['moveToActive']>) {
    try {
      return await super.moveToActive(...query);
    } catch (error) {
      await sleep(RECONNECT_MS);
      throw error;
    }
  }
}

/**
 * One pool and one LISTEN connection for all queues; createPostgresBackend would open one of each per queue.
 * Commits do not wait for the disk: what a crash loses here, the sweeper finds in our rows.
 */
async function openPostgres(
  { databaseUrl, role, poolSize = 4 }: QueueSettings,
  { onError }: TransportOptions,
): Promise<Transport> {
  const connection = new SharedConnection({
    connectionString: databaseUrl,
    schema: SCHEMA,
    max: poolSize,
    options: ['-c synchronous_commit=off', role && `-c role=${role}`].filter(Boolean).join(' '),
    application_name: 'clientele-queue',
    keepAlive: true,
    // All queues send LISTEN on the one client at once.
    pipeline: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  connection.setMaxListeners(0);
  connection.on('error', onError);
  try {
    // BullMQ remembers a failure of this for ever, so it must not be left to the first job.
    await connection.waitUntilReady();
  } catch (error) {
    await connection.close();
    throw error;
  }
  let closing = false;
  return {
    factory: (name, options) => {
      const backend = new PatientBackend(connection, name, { ...options, connection: databaseUrl }, false);
      // Only a backend that owns its connection listens again by itself after the LISTEN client broke.
      connection.on('listenerinvalidated', () => {
        if (closing) return;
        void backend.disconnectBlocking();
        void backend.reconnectBlocking();
      });
      return backend;
    },
    connection: {},
    pollSeconds: POSTGRES_POLL_S,
    ping: () => connection.pool.query('select 1'),
    close: () => {
      closing = true;
      return connection.close();
    },
  };
}

async function openRedis(redisUrl: string, { blocking, onError }: TransportOptions): Promise<Transport> {
  let closing: Promise<void> | undefined;
  const client = await redisClient(redisUrl, {
    // The clients that BullMQ makes from this one inherit it, and with it the end of their attempts.
    retryStrategy: (times) => (closing ? null : Math.min(times * 100, 2_000)),
    // Workers wait for ever, as BullMQ demands; a caller of enqueue wants to hear that Redis is away.
    ...(blocking ? { maxRetriesPerRequest: null } : { maxRetriesPerRequest: 3, commandTimeout: 10_000 }),
  });
  client.on('error', onError);
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return {
    factory: createRedisBackend,
    connection: client,
    pollSeconds: REDIS_POLL_S,
    ping: () => client.ping(),
    close: () => {
      closing ??= leave(client);
      return closing;
    },
  };
}

/** Once only: a second quit opens an ended cluster client again, for the sake of a handler that came late. */
async function leave(client: Redis | Cluster): Promise<void> {
  const left = client.quit().catch(() => undefined);
  if (!(await within(1_000, left))) client.disconnect();
}

interface RedisClientOptions {
  retryStrategy: (times: number) => number | null;
  maxRetriesPerRequest: number | null;
  commandTimeout?: number;
  /** False: what cannot be sent now fails at once. */
  enableOfflineQueue?: boolean;
}

/** A client of one Redis, or of a cluster for a comma-separated list; user, password and TLS are those of the first URL. */
export async function redisClient(
  redisUrl: string,
  { retryStrategy, ...options }: RedisClientOptions,
): Promise<Redis | Cluster> {
  // Loaded late: 45 ms and 7 MB that an installation on PostgreSQL does not need.
  const { Cluster, Redis } = await import('ioredis');
  const [first, ...others] = redisUrl.split(',').map((url) => new URL(url.trim()));
  if (!first) throw new Error('The Redis URL is empty');
  if (others.length === 0) return new Redis(first.href, { ...options, retryStrategy, lazyConnect: true });
  const nodes = [first, ...others].map(({ hostname, port }) => ({
    host: hostname,
    port: Number(port || 6379),
  }));
  const isTls = first.protocol === 'rediss:';
  return new Cluster(nodes, {
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    ...(options.enableOfflineQueue !== undefined && { enableOfflineQueue: options.enableOfflineQueue }),
    // With TLS the certificate names the host, so it must not be resolved before the handshake.
    ...(isTls && { dnsLookup: (address, callback) => callback(null, address) }),
    redisOptions: {
      ...options,
      ...(first.username && { username: decodeURIComponent(first.username) }),
      ...(first.password && { password: decodeURIComponent(first.password) }),
      ...(isTls && { tls: {} }),
    },
  });
}

/** True when `promise` was done within `timeoutMs`; its rejection is thrown in that time and dropped after it. */
async function within(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
