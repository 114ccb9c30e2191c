// A pgbouncer in transaction mode before a server of the tests.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../src/db/embedded.ts';

const START_MS = 10_000;
const POLL_MS = 50;

export const isPgbouncerInstalled = (): boolean => spawnSync('pgbouncer', ['--version']).status === 0;

export interface Pgbouncer {
  readonly pid: number;
  /** URL of the same database as `url`, by way of the pooler. */
  urlOf(url: string): string;
  end(): Promise<void>;
}

export interface PgbouncerOptions {
  poolMode?: 'session' | 'transaction';
  /** Server connections for each database. */
  poolSize?: number;
  /** Further settings of its ini file. */
  settings?: Record<string, string>;
}

/** The file names all databases of the server, with its login: whoever may connect to the pooler is that login. */
function iniOf(serverUrl: string, port: number, options: PgbouncerOptions): string {
  const { hostname, port: serverPort, username, password } = new URL(serverUrl);
  const { poolMode = 'transaction', poolSize = 20, settings = {} } = options;
  const database = `host=${hostname} port=${serverPort} user=${username} password=${decodeURIComponent(password)}`;
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: poolMode,
    default_pool_size: String(poolSize),
    max_client_conn: '1000',
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  return `[databases]\n* = ${database}\n[pgbouncer]\n${lines.join('\n')}\n`;
}

/** Starts one that keeps its file in the folder; resolves when it answers. */
export async function startPgbouncer(
  serverUrl: string,
  folder: string,
  options: PgbouncerOptions = {},
): Promise<Pgbouncer> {
  const port = await freePort();
  const file = join(folder, `pgbouncer-${port}.ini`);
  // It refuses to be root, and gives that up only after it has read the file.
  const settings = process.getuid?.() === 0 ? { user: 'nobody', ...options.settings } : options.settings;
  await writeFile(file, iniOf(serverUrl, port, { ...options, ...(settings && { settings }) }), {
    mode: 0o600,
  });
  await chmod(file, 0o600);
  const server = spawn('pgbouncer', ['--quiet', file], { stdio: 'ignore' });
  const urlOf = (url: string): string => {
    const target = new URL(url);
    target.port = String(port);
    return target.href;
  };
  await untilReady(urlOf(serverUrl), server);
  return {
    pid: server.pid ?? 0,
    urlOf,
    async end() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
  };
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(POLL_MS)) {
    if (server.exitCode !== null) break;
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined);
    const isReady = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (isReady) return;
  }
  throw new Error('pgbouncer does not answer.');
}
