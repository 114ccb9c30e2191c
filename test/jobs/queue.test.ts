// The guarantees of src/jobs/queue.ts, run against PostgreSQL and, when TEST_REDIS_URL is set, against Redis.
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { on, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { Cluster, Redis } from 'ioredis';
import pg from 'pg';
import t, { type Test } from 'tap';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import {
  FinalRefusal,
  type Handler,
  type JobRef,
  migrateQueueSchema,
  type OnError,
  openQueues,
  type QueueDefinition,
  type QueueSettings,
  queueGrants,
  redisClient,
  retryDelayMs,
  startWorkers,
} from '../../src/jobs/queue.ts';

const newRef = (): JobRef => ({ storeId: randomUUID(), jobId: randomUUID() });

function define(settings: Partial<QueueDefinition> = {}): QueueDefinition {
  return { name: `test-${randomUUID()}`, concurrency: 4, attempts: 3, backoffMs: 100, ...settings };
}

async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(20);
  }
}

const silent: OnError = () => undefined;

/** A client and a worker of one queue, closed after the test. */
async function run(
  test: Test,
  settings: QueueSettings,
  queue: QueueDefinition,
  handler: Handler,
  onError = silent,
) {
  const workers = await startWorkers(settings, [queue], { [queue.name]: handler }, onError);
  const client = await openQueues(settings, [queue]);
  test.teardown(async () => {
    await workers.stop(1_000);
    await client.close();
  });
  return { client, workers, add: (ref: JobRef, delayMs = 0) => client.enqueue(queue, [ref], { delayMs }) };
}

/** A worker in a process of its own, so that it can be killed; resolves when it has a job in hand. */
async function forkHolder(settings: QueueSettings, queue: QueueDefinition): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, HOLD: JSON.stringify({ settings, queue }) },
  });
  // tap in the child sends messages of its own.
  for await (const [message] of on(child, 'message')) if (message === 'holding') break;
  return child;
}

async function holdJob(task: string): Promise<void> {
  const { settings, queue } = JSON.parse(task) as { settings: QueueSettings; queue: QueueDefinition };
  const hold = async () => {
    process.send?.('holding');
    await sleep(3_600_000);
  };
  await startWorkers(settings, [queue], { [queue.name]: hold }, silent);
}

/** What holds on every backend. */
function deliverySuite(test: Test, settings: QueueSettings): void {
  test.test('an enqueued job reaches its handler with its ids as attempt 1', async (t) => {
    const seen: unknown[] = [];
    const { add } = await run(t, settings, define(), async (ref, { number, isLast, signal }) => {
      seen.push([ref, number, isLast, signal.aborted]);
    });
    const ref = newRef();
    await add({ ...ref, extra: 'never stored' } as JobRef);
    await until('delivered', () => seen.length > 0);
    t.same(seen, [[ref, 1, false, false]]);
  });

  test.test('an id that is waiting, delayed or running is not delivered twice', async (t) => {
    const queue = define();
    const delivered: string[] = [];
    const client = await openQueues(settings, [queue]);
    t.teardown(() => client.close());
    const [waiting, delayed] = [newRef(), newRef()];
    await client.enqueue(queue, [waiting, waiting]);
    await client.enqueue(queue, [waiting]);
    await client.enqueue(queue, [delayed], { delayMs: 300 });
    await client.enqueue(queue, [delayed], { delayMs: 300 });
    await client.enqueue(queue, [delayed]);
    t.match(await client.counts(), { [queue.name]: { waiting: 1, delayed: 1, active: 0, failed: 0 } });
    const { add } = await run(t, settings, queue, async ({ jobId }) => {
      delivered.push(jobId);
      await sleep(200);
    });
    await until('running', () => delivered.length > 0);
    t.match(await client.counts(), { [queue.name]: { waiting: 0, active: 1 } });
    await add(waiting);
    await until('both', () => delivered.length > 1);
    await sleep(400);
    t.strictSame(delivered, [waiting.jobId, delayed.jobId]);
    t.match(await client.counts(), { [queue.name]: { waiting: 0, delayed: 0, active: 0, failed: 0 } });
  });

  test.test(
    'a job that completed, was refused or ran out of attempts runs again when it is added again',
    async (t) => {
      const outcomes: (Error | undefined)[] = [
        undefined,
        new FinalRefusal('no'),
        new Error('down'),
        undefined,
      ];
      let ended = 0;
      const { add, client } = await run(t, settings, define({ attempts: 1 }), async () => {
        const outcome = outcomes[ended++];
        if (outcome) throw outcome;
      });
      const ref = newRef();
      for (const [index] of outcomes.entries()) {
        await add(ref);
        await until(`delivery ${index + 1}`, () => ended === index + 1);
        await until('gone', async () => Object.values(await client.counts())[0]?.active === 0);
      }
      t.equal(ended, 4);
    },
  );

  test.test(
    'a final refusal ends a job; any other error delivers it again after a growing, bounded wait',
    async (t) => {
      const times = new Map<string, number[]>();
      const errors: unknown[] = [];
      const lasts: boolean[] = [];
      const [refused, failing] = [newRef(), newRef()];
      const handler: Handler = async ({ jobId }, { number, isLast }) => {
        times.set(jobId, [...(times.get(jobId) ?? []), Date.now()]);
        if (jobId === refused.jobId) throw new FinalRefusal('the card is expired');
        lasts.push(isLast);
        throw new Error(`attempt ${number}`);
      };
      const { add } = await run(
        t,
        settings,
        define({ attempts: 4, backoffMs: 150 }),
        handler,
        (error, { ref }) => {
          errors.push([(error as Error).message, ref?.jobId]);
        },
      );
      await Promise.all([add(refused), add(failing)]);
      await until('four deliveries', () => times.get(failing.jobId)?.length === 4);
      await sleep(500);
      t.equal(times.get(refused.jobId)?.length, 1);
      t.strictSame(lasts, [false, false, false, true]);
      const waits =
        times
          .get(failing.jobId)
          ?.map((time, index, all) => time - (all[index - 1] ?? 0))
          .slice(1) ?? [];
      for (const [index, wait] of waits.entries()) {
        const longest = 150 * 2 ** index;
        t.ok(
          wait >= longest / 2 - 5 && wait < longest + 250,
          `wait ${wait} ms of ${longest / 2} to ${longest}`,
        );
      }
      const messages = [1, 2, 3, 4].map((number) => [`attempt ${number}`, failing.jobId]);
      t.strictSame(
        new Set(errors.map(String)),
        new Set([...messages, ['the card is expired', refused.jobId]].map(String)),
      );
    },
  );

  test.test('a handler that runs longer than its lock keeps the job', async (t) => {
    const queue = define({ lockMs: 600 });
    let deliveries = 0;
    const errors: unknown[] = [];
    const handler: Handler = async () => {
      deliveries++;
      await sleep(2_500);
    };
    const { add, client } = await run(t, settings, queue, handler, (error) => errors.push(error));
    await run(t, settings, queue, handler, (error) => errors.push(error));
    await add(newRef());
    await until('done', async () => deliveries > 0 && (await client.counts())[queue.name]?.active === 0);
    t.equal(deliveries, 1);
    t.strictSame(errors, []);
  });

  test.test(
    'the job of a worker killed by SIGKILL is delivered again within two lock times, as the same attempt',
    async (t) => {
      const queue = define({ lockMs: 1_500 });
      const client = await openQueues(settings, [queue]);
      t.teardown(() => client.close());
      const ref = newRef();
      await client.enqueue(queue, [ref]);
      const child = await forkHolder(settings, queue);
      const attempts: number[] = [];
      await run(t, settings, queue, async (_ref, { number }) => {
        attempts.push(number);
      });
      await sleep(2_000);
      t.strictSame(attempts, [], 'the living holder keeps it');
      child.kill('SIGKILL');
      const killed = Date.now();
      await until('delivered again', () => attempts.length > 0);
      t.ok(Date.now() - killed < 3_500, `after ${Date.now() - killed} ms`);
      t.strictSame(attempts, [1]);
    },
  );

  test.test(
    'stop raises the signal; the interrupted job goes to another worker and costs no attempt',
    async (t) => {
      const queue = define({ attempts: 1 });
      const errors: unknown[] = [];
      let started = false;
      const first = await run(
        t,
        settings,
        queue,
        async (_ref, { signal }) => {
          started = true;
          await sleep(60_000, undefined, { signal });
        },
        (error) => errors.push(error),
      );
      await first.add(newRef());
      await until('started', () => started);
      const before = Date.now();
      await first.workers.stop(5_000);
      t.ok(Date.now() - before < 1_000, `stopped in ${Date.now() - before} ms`);
      t.strictSame(errors, []);
      const attempts: number[] = [];
      await run(t, settings, queue, async (_ref, { number }) => {
        attempts.push(number);
      });
      await until('delivered again', () => attempts.length > 0, 1_000);
      t.strictSame(attempts, [1]);
    },
  );

  test.test('stop lets a job finish within the grace time and leaves behind one that does not', async (t) => {
    const queue = define({ lockMs: 900 });
    const finished: string[] = [];
    const [quick, endless] = [newRef(), newRef()];
    let started = 0;
    const first = await run(t, settings, queue, async ({ jobId }) => {
      started++;
      await sleep(jobId === quick.jobId ? 300 : 3_000);
      finished.push(jobId);
    });
    await first.client.enqueue(queue, [quick, endless]);
    await until('both started', () => started === 2);
    const before = Date.now();
    await first.workers.stop(700);
    const took = Date.now() - before;
    t.ok(took >= 690 && took < 1_500, `stopped in ${took} ms`);
    t.strictSame(finished, [quick.jobId]);
    const again: string[] = [];
    await run(t, settings, queue, async ({ jobId }) => {
      again.push(jobId);
    });
    await until('the endless one again', () => again.length > 0, 4_000);
    t.strictSame(again, [endless.jobId]);
  });

  test.test('an idle worker stops, and a client closes, in less than a second', async (t) => {
    const queues = Array.from({ length: 12 }, () => define());
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    t.teardown(() => process.off('warning', warn));
    const handlers = Object.fromEntries(queues.map(({ name }) => [name, async () => undefined]));
    const workers = await startWorkers(settings, queues, handlers, silent);
    const client = await openQueues(settings, queues);
    await client.ping(1_000);
    await sleep(500);
    const before = Date.now();
    await workers.stop(5_000);
    await client.close();
    t.ok(Date.now() - before < 1_000, `${Date.now() - before} ms`);
    t.strictSame(warnings, [], 'twelve queues make no warning');
  });

  test.test('a delayed job comes when it is due, an instant one at once', async (t) => {
    const arrived = new Map<string, number>();
    const { add } = await run(t, settings, define(), async ({ jobId }) => {
      arrived.set(jobId, Date.now());
    });
    await sleep(300);
    const [instant, delayed] = [newRef(), newRef()];
    const before = Date.now();
    await add(delayed, 700);
    await add(instant);
    await until('both', () => arrived.size === 2);
    const instantMs = (arrived.get(instant.jobId) ?? 0) - before;
    const delayedMs = (arrived.get(delayed.jobId) ?? 0) - before;
    t.ok(instantMs < 300, `instant after ${instantMs} ms`);
    t.ok(delayedMs >= 690 && delayedMs < 1_200, `delayed after ${delayedMs} ms`);
  });

  test.test('a queue that is not open and a queue without handler are refused', async (t) => {
    const client = await openQueues(settings, []);
    t.teardown(() => client.close());
    await t.rejects(client.enqueue(define({ name: 'other' }), [newRef()]), /other is not open/);
    await t.rejects(startWorkers(settings, [define({ name: 'other' })], {}, silent), /other has no handler/);
  });
}

const startServer = (dataDir: string) => startEmbeddedPostgres({ dataDir, durable: false });

async function as<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A database of its own with BullMQ's tables, and a login that may do nothing but what queueGrants gives it. */
async function prepareDatabase(ownerUrl: string) {
  const name = `queue_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  const settings = new URL(url);
  settings.username = name;
  settings.password = name;
  await as(ownerUrl, async (client) => {
    await client.query(`create database ${name}`);
    await client.query(`create role ${name} login password '${name}'`);
    await client.query(`revoke all on database ${name} from public`);
    await client.query(`grant connect on database ${name} to ${name}`);
  });
  await as(url.href, async (client) => {
    await client.query('revoke all on schema public from public');
    await migrateQueueSchema(client);
    await migrateQueueSchema(client);
    await client.query(queueGrants(name));
  });
  const drop = () =>
    as(ownerUrl, async (client) => {
      await client.query(`drop database ${name} with (force)`);
      await client.query(`drop role ${name}`);
    });
  return { ownerUrl: url.href, role: name, settings: { databaseUrl: settings.href }, drop };
}

async function temporaryFolder(test: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-queue-'));
  test.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function postgresSuite(test: Test): Promise<void> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given
    ? { url: given, stop: async () => undefined }
    : await startServer(await temporaryFolder(test));
  const { ownerUrl, role, settings, drop } = await prepareDatabase(server.url);
  test.teardown(async () => {
    await drop();
    await server.stop();
  });

  deliverySuite(test, settings);

  test.test('a role named in the settings takes the place of the login', async (t) => {
    const { add } = await run(t, { databaseUrl: ownerUrl, role }, define(), async () => undefined);
    await add(newRef());
    const { rows } = await as(ownerUrl, (client) =>
      client.query(
        `select has_table_privilege($1, 'bullmq.job', 'insert') as job,
        has_table_privilege($1, 'bullmq.migration', 'insert') as migration`,
        [role],
      ),
    );
    t.strictSame(rows, [{ job: true, migration: false }]);
    await t.rejects(openQueues({ databaseUrl: ownerUrl, role: 'nobody_such' }, []), { code: '22023' });
  });

  test.test(
    'what a handler throws is not stored with the job: its message may hold customer data',
    async (t) => {
      let deliveries = 0;
      const queue = define({ backoffMs: 60_000 });
      const { add, client } = await run(t, settings, queue, async () => {
        deliveries++;
        throw new TypeError('secret@example.com');
      });
      await add(newRef());
      await until('delayed', async () => (await client.counts())[queue.name]?.delayed === 1);
      t.equal(deliveries, 1);
      const { rows } = await as(ownerUrl, (client) =>
        client.query('select failed_reason, job::text as whole from bullmq.job where queue = $1', [
          queue.name,
        ]),
      );
      t.equal(rows[0].failed_reason, 'TypeError');
      t.notMatch(rows[0].whole, /secret/);
    },
  );

  test.test('a database without the queue schema is refused at the start', async (t) => {
    const name = `empty_${randomUUID().replaceAll('-', '')}`;
    await as(server.url, (client) => client.query(`create database ${name}`));
    t.teardown(() => as(server.url, (client) => client.query(`drop database ${name} with (force)`)));
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    await t.rejects(openQueues({ databaseUrl: url.href }, []), /not initialized/);
    await t.rejects(startWorkers({ databaseUrl: url.href }, [], {}, silent), /not initialized/);
  });

  test.test(
    'a job whose workers were killed too often is given up, told, and may be added again',
    async (t) => {
      const queue = define({ lockMs: 600 });
      const [delivered, told]: [string[], unknown[]] = [[], []];
      const client = await openQueues(settings, [queue]);
      t.teardown(() => client.close());
      const ref = newRef();
      await client.enqueue(queue, [ref]);
      await as(ownerUrl, (owner) =>
        owner.query(
          `update bullmq.job set state = 'active', lock_token = 'dead', locked_until_ms = 0, stalled_count = 5
          where queue = $1`,
          [queue.name],
        ),
      );
      const { add } = await run(
        t,
        settings,
        queue,
        async ({ jobId }) => {
          delivered.push(jobId);
        },
        (error, context) => told.push([(error as Error).message, context]),
      );
      await until('told', () => told.length > 0);
      t.same(told, [['job stalled more than allowable limit', { queue: queue.name, ref }]]);
      t.strictSame(delivered, []);
      await add(ref);
      await until('delivered', () => delivered.length > 0);
    },
  );

  test.test('many queues share one LISTEN connection and the pool', async (t) => {
    const queues = Array.from({ length: 8 }, () => define());
    const handlers = Object.fromEntries(queues.map(({ name }) => [name, async () => undefined]));
    const workers = await startWorkers({ ...settings, poolSize: 2 }, queues, handlers, silent);
    t.teardown(() => workers.stop(0));
    await sleep(1_000);
    const { rows } = await as(ownerUrl, (client) =>
      client.query(
        `select count(*)::int as connections from pg_stat_activity
        where usename = $1 and application_name = 'clientele-queue'`,
        [role],
      ),
    );
    t.ok(rows[0].connections <= 3, `${rows[0].connections} connections`);
  });

  test.test(
    'after the server cut every connection the workers listen again and no job is lost',
    async (t) => {
      const delivered = new Map<string, number>();
      const errors: unknown[] = [];
      const { add } = await run(
        t,
        settings,
        define(),
        async ({ jobId }) => {
          delivered.set(jobId, Date.now());
        },
        (error) => errors.push(error),
      );
      await sleep(300);
      await as(ownerUrl, (client) =>
        client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]),
      );
      await sleep(1_000);
      const before = Date.now();
      const ref = newRef();
      await add(ref);
      await until('delivered', () => delivered.has(ref.jobId), 5_000);
      t.ok((delivered.get(ref.jobId) ?? 0) - before < 1_000, 'by LISTEN, not by the poll of 30 s');
      t.ok(errors.length > 0, 'and the trouble was told');
      const used = process.cpuUsage();
      await sleep(500);
      const { user, system } = process.cpuUsage(used);
      t.ok(user + system < 60_000, `and they wait quietly: ${(user + system) / 1_000} ms of CPU in 500 ms`);
    },
  );
}

/** A door with one address to a server whose port changes: what is behind it comes back at the same place. */
class Door {
  targetPort: number;
  #server: Server | undefined;
  #sockets = new Set<Socket>();

  constructor(targetPort: number) {
    this.targetPort = targetPort;
  }

  async open(port = 0): Promise<number> {
    this.#server = createServer((socket) => this.#pass(socket)).listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#server?.close();
  }

  /** The connections stay, but nothing comes through. */
  stall(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  #pass(socket: Socket): void {
    const inside = connect(this.targetPort, '127.0.0.1');
    for (const [from, to] of [
      [socket, inside],
      [inside, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  }
}

/** Stops the server under a running worker and starts it again at the same address. */
async function restartSuite(test: Test): Promise<void> {
  const dataDir = await temporaryFolder(test);
  let server = await startServer(dataDir);
  const door = new Door(server.port);
  const port = await door.open();
  test.teardown(async () => {
    await door.close();
    await server.stop();
  });
  const { settings } = await prepareDatabase(server.url);
  const url = new URL(settings.databaseUrl);
  url.port = String(port);

  test.test(
    'workers and clients outlive a restart of PostgreSQL; enqueue and ping say that it is away',
    async (t) => {
      const delivered: string[] = [];
      const { add, client } = await run(t, { databaseUrl: url.href }, define(), async ({ jobId }) => {
        delivered.push(jobId);
      });
      const [early, late] = [newRef(), newRef()];
      await add(early, 1_000);
      await door.close();
      await server.stop();
      await t.rejects(add(newRef()), { code: 'ECONNREFUSED' });
      await t.rejects(client.ping(1_000));
      await sleep(1_500);
      server = await startServer(dataDir);
      door.targetPort = server.port;
      await door.open(port);
      const answers = () =>
        client.ping(1_000).then(
          () => true,
          () => false,
        );
      await until('it answers', answers);
      await add(late);
      await until('both', () => delivered.length === 2, 15_000);
      t.strictSame(new Set(delivered), new Set([early.jobId, late.jobId]));
    },
  );

  test.test('a ping of a backend that accepts but never answers fails in time', async (t) => {
    const { client } = await run(t, { databaseUrl: url.href }, define(), async () => undefined);
    door.stall();
    const before = Date.now();
    await t.rejects(client.ping(300), /did not answer within 300 ms/);
    t.ok(Date.now() - before < 1_000);
    await door.close();
  });
}

async function freePort(): Promise<number> {
  const door = new Door(0);
  const port = await door.open();
  await door.close();
  return port;
}

async function suite(): Promise<void> {
  t.setTimeout(120_000);
  t.test('PostgreSQL', postgresSuite);
  t.test('PostgreSQL, restarted', restartSuite);

  const redisUrl = process.env.TEST_REDIS_URL;
  const skip = redisUrl ? false : 'TEST_REDIS_URL is not set: the Redis suite runs in CI';
  t.test('Redis', { skip }, async (t) => {
    deliverySuite(t, { databaseUrl: 'postgres://unused', redisUrl: redisUrl ?? '' });
  });

  t.test('a backend that is away is an error at the start, within seconds', async (t) => {
    const port = await freePort();
    const settings = { databaseUrl: `postgres://nobody@127.0.0.1:${port}/none` };
    await t.rejects(openQueues(settings, []), { code: 'ECONNREFUSED' });
    await t.rejects(startWorkers(settings, [], {}, silent), { code: 'ECONNREFUSED' });
    const redis = { ...settings, redisUrl: `redis://127.0.0.1:${port}` };
    await t.rejects(openQueues(redis, []));
    await t.rejects(startWorkers(redis, [], {}, silent));
    await t.rejects(openQueues({ ...settings, redisUrl: `${redis.redisUrl},${redis.redisUrl}` }, []));
  });

  t.test(
    'one Redis URL makes a client, several make a cluster client with the login and TLS of the first',
    async (t) => {
      const options = { maxRetriesPerRequest: null, retryStrategy: () => null };
      const single = await redisClient('rediss://user:p%40ss@cache.example:6380/2', options);
      t.ok(single instanceof Redis);
      t.match(single.options, {
        host: 'cache.example',
        port: 6380,
        username: 'user',
        password: 'p@ss',
        db: 2,
      });
      t.ok((single as Redis).options.tls);
      const cluster = await redisClient(
        'rediss://user:p%40ss@one.example:6380, rediss://two.example',
        options,
      );
      t.ok(cluster instanceof Cluster);
      const { redisOptions } = (cluster as Cluster).options;
      t.match(redisOptions, { username: 'user', password: 'p@ss', tls: {}, maxRetriesPerRequest: null });
    },
  );

  t.test('the wait doubles up to 15 minutes, and lies between its half and its whole', async () => {
    const properties = [
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 1e7 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ] as const;
    fc.assert(
      fc.property(...properties, (attempt, backoffMs, random) => {
        const longest = Math.min(backoffMs * 2 ** (attempt - 1), 15 * 60_000);
        const wait = retryDelayMs(attempt, backoffMs, random);
        return Number.isInteger(wait) && wait >= Math.max(1, Math.floor(longest / 2)) && wait <= longest;
      }),
    );
  });
}

await (process.env.HOLD ? holdJob(process.env.HOLD) : suite());
