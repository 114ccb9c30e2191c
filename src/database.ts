// Which database the service stands on: the embedded one of DATA_DIR, or the one that DATABASE_URL names.
import pg from 'pg';
import { type Config, ConfigError } from './config.ts';
import { openPool } from './db/connection.ts';
import { runningServerUrl, startEmbeddedPostgres } from './db/embedded.ts';
import { DataDirInUse } from './db/embedded-lock.ts';
import { migrate } from './db/migrate.ts';
import { findSessionFault, type SessionFault } from './db/pooled-sessions.ts';
import { migrateQueueSchema, queueGrants } from './jobs/queue.ts';

/** The role that owns nothing; row-level security holds for it. */
export const APP_ROLE = 'clientele_app';
const DATABASE_NAME = 'clientele';

export interface Database {
  /** Login of the service on the server itself: sessions that listen need it, past any pooler. */
  url: string;
  pool: pg.Pool;
  close(): Promise<void>;
}

/** Brings schema and queue tables up to date; `url` is a login that owns them. Names of the files applied now. */
export async function migrateAll(url: string): Promise<string[]> {
  const applied = await migrate(url);
  const client = new pg.Client({ connectionString: url, application_name: 'clientele-migrate' });
  await client.connect();
  try {
    await migrateQueueSchema(client);
    await client.query(queueGrants(APP_ROLE));
  } finally {
    await client.end();
  }
  return applied;
}

/** Makes the database `name` on the server of `serverUrl` if it is not there; its URL. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return databaseUrl(serverUrl, name);
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

const SESSION_FAULTS: Readonly<Record<SessionFault, string>> = {
  settings_refused: 'refuses `options` of a connection',
  settings_dropped: 'drops `options` of a connection, so that role and time-outs do not hold',
  session_shared: 'lends a session for one transaction',
};

/** @throws ConfigError when a pooler stands where sessions are needed; `advice`: what to set instead */
async function demandSessions(
  pool: pg.Pool,
  { setting, advice, role }: { setting: string; advice: string; role?: string },
): Promise<void> {
  try {
    const fault = await findSessionFault(pool, role);
    if (fault) throw new ConfigError(`${setting} leads to a pooler that ${SESSION_FAULTS[fault]}. ${advice}`);
  } finally {
    await pool.end();
  }
}

const USE_POOL_MODE =
  'Set DATABASE_POOL_MODE=transaction and DATABASE_DIRECT_URL, or give the URL of the server itself.';
const USE_SERVER = 'Give the URL of the server itself.';

/** Sessions, where they are needed, are what they seem. */
async function checkSessions(
  { ROLE, DATABASE_POOL_MODE: mode }: Config,
  urls: { pool: string; direct: string },
) {
  const open = (url: string) => openPool({ url, size: 2, statementTimeoutMs: 5_000, role: APP_ROLE });
  if (mode === 'session')
    await demandSessions(open(urls.pool), { setting: 'DATABASE_URL', advice: USE_POOL_MODE, role: APP_ROLE });
  else if (ROLE !== 'api')
    await demandSessions(open(urls.direct), {
      setting: 'DATABASE_DIRECT_URL',
      advice: USE_SERVER,
      role: APP_ROLE,
    });
}

/** @throws ConfigError for a pooler that could leave the lock of a migration behind in a session of others */
export const checkMigrationSessions = (url: string): Promise<void> =>
  demandSessions(new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 5_000 }), {
    setting: 'The URL of the migration',
    advice: 'Set MIGRATION_DATABASE_URL to that of the server itself.',
  });

function poolOf(config: Config, url: string, onError: (error: Error) => void): pg.Pool {
  return openPool({
    url,
    size: config.DATABASE_POOL_SIZE,
    statementTimeoutMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
    role: APP_ROLE,
    mode: config.DATABASE_URL ? config.DATABASE_POOL_MODE : 'session',
    onError,
  });
}

/**
 * Opens the database. The embedded one is started, made and migrated; a real one is only migrated by
 * `clientele migrate`, so that many processes can start at once.
 */
export async function openDatabase(config: Config, onError: (error: Error) => void): Promise<Database> {
  if (config.DATABASE_URL) {
    const { DATABASE_URL: poolUrl, DATABASE_DIRECT_URL: url = poolUrl } = config;
    await checkSessions(config, { pool: poolUrl, direct: url });
    const pool = poolOf(config, poolUrl, onError);
    return { url, pool, close: () => pool.end() };
  }
  const server = await startEmbeddedPostgres({ dataDir: config.DATA_DIR });
  try {
    const url = await ensureDatabase(server.url, DATABASE_NAME);
    await migrateAll(url);
    const pool = poolOf(config, url, onError);
    const close = async () => {
      await pool.end();
      await server.stop();
    };
    return { url, pool, close };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Opens the database for an operator command: like openDatabase, but where a running service owns the embedded one,
 * the command uses that server beside it.
 */
export async function joinDatabase(config: Config, onError: (error: Error) => void): Promise<Database> {
  try {
    return await openDatabase(config, onError);
  } catch (error) {
    const serverUrl = error instanceof DataDirInUse ? await runningServerUrl(config.DATA_DIR) : undefined;
    if (serverUrl === undefined) throw error;
    const url = databaseUrl(serverUrl, DATABASE_NAME);
    const pool = poolOf(config, url, onError);
    return { url, pool, close: () => pool.end() };
  }
}
