// Which database the service stands on: the embedded one of DATA_DIR, or the one that DATABASE_URL names.
import pg from 'pg';
import type { Config } from './config.ts';
import { openPool } from './db/connection.ts';
import { runningServerUrl, startEmbeddedPostgres } from './db/embedded.ts';
import { DataDirInUse } from './db/embedded-lock.ts';
import { migrate } from './db/migrate.ts';
import { migrateQueueSchema, queueGrants } from './jobs/queue.ts';

/** The role that owns nothing; row-level security holds for it. */
export const APP_ROLE = 'clientele_app';
const DATABASE_NAME = 'clientele';

export interface Database {
  /** Login of the service. */
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

function poolOf(config: Config, url: string, onError: (error: Error) => void): pg.Pool {
  return openPool({
    url,
    size: config.DATABASE_POOL_SIZE,
    statementTimeoutMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
    role: APP_ROLE,
    onError,
  });
}

/**
 * Opens the database. The embedded one is started, made and migrated; a real one is only migrated by
 * `clientele migrate`, so that many processes can start at once.
 */
export async function openDatabase(config: Config, onError: (error: Error) => void): Promise<Database> {
  if (config.DATABASE_URL) {
    const pool = poolOf(config, config.DATABASE_URL, onError);
    return { url: config.DATABASE_URL, pool, close: () => pool.end() };
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
