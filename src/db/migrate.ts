// Applies migrations/*.sql in order, each once, under an advisory lock; refuses files that changed after the fact.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** The folder stands beside dist/ in the package and beside src/ in a checkout. */
const FOLDER = new URL('../../../migrations/', import.meta.url);
const LOCK_KEY = 727_431_905;
const LOCK_ATTEMPTS = 20;
const LOCK_RETRY_MS = 250;
/** First line of a file whose statements must not share a transaction (CREATE INDEX CONCURRENTLY). */
const NO_TRANSACTION = '-- no-transaction';
const BREAKPOINT = '--> statement-breakpoint';

interface Migration {
  name: string;
  text: string;
  checksum: string;
}

async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(fileURLToPath(folder))).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8');
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

async function appliedChecksums(client: pg.Client): Promise<Map<string, string>> {
  await client.query(
    `create table if not exists schema_migrations (
       name text primary key, checksum text not null, applied_at timestamptz not null default now())`,
  );
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from schema_migrations',
  );
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

async function record(client: pg.Client, { name, checksum }: Migration): Promise<void> {
  await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum]);
}

async function applyAsOne(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.text);
    await record(client, migration);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function applyPartByPart(client: pg.Client, migration: Migration): Promise<void> {
  for (const part of migration.text.split(BREAKPOINT)) await client.query(part);
  await record(client, migration);
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const applyNow = migration.text.startsWith(NO_TRANSACTION) ? applyPartByPart : applyAsOne;
  try {
    await applyNow(client, migration);
  } catch (error) {
    throw new Error(`migration ${migration.name} failed: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Asks again and again instead of waiting: a statement that waits holds a snapshot, and CREATE INDEX CONCURRENTLY of
 * the one who migrates would wait for that, which is a deadlock.
 */
async function holdLock(client: pg.Client): Promise<void> {
  const isHeld = async () =>
    (await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [LOCK_KEY])).rows[0]
      ?.held;
  while (!(await isHeld())) await setTimeout(LOCK_RETRY_MS);
}

/** A short lock_timeout with retries: a migration that waits for a lock must not hold up all who queue behind it. */
async function applyWithRetries(client: pg.Client, migration: Migration): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await apply(client, migration);
    } catch (error) {
      const cause = (error as Error).cause as { code?: string } | undefined;
      if (cause?.code !== '55P03' || attempt === LOCK_ATTEMPTS) throw error;
      await setTimeout(LOCK_RETRY_MS * attempt);
    }
  }
}

/**
 * Brings the database at `url` (a login that owns the schema) to the newest schema.
 * @returns names of the files that were applied now
 * @throws when a file that was applied before has another content today
 */
export async function migrate(url: string, folder: URL = FOLDER): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'clientele-migrate' });
  await client.connect();
  try {
    await client.query("set lock_timeout = '2s'; set client_min_messages = warning");
    await holdLock(client);
    const applied = await appliedChecksums(client);
    const names: string[] = [];
    for (const migration of await readMigrations(folder)) {
      const checksum = applied.get(migration.name);
      if (checksum === migration.checksum) continue;
      if (checksum) throw new Error(`migration ${migration.name} was changed after it had been applied`);
      await applyWithRetries(client, migration);
      names.push(migration.name);
    }
    return names;
  } finally {
    await client.end();
  }
}

/** Names of migrations that the database at `query` lacks; for readiness. */
export async function pendingMigrations(pool: pg.Pool, folder: URL = FOLDER): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('select name from schema_migrations');
  const applied = new Set(rows.map((row) => row.name));
  return (await readMigrations(folder)).map(({ name }) => name).filter((name) => !applied.has(name));
}
