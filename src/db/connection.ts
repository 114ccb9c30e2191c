// How statements reach Postgres: one pool, each connection bound to one store at a time, statements built once.
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/node-postgres';
import { PgDialect } from 'drizzle-orm/pg-core';
import { fillPlaceholders, type Placeholder, type SQL, sql } from 'drizzle-orm/sql';
import pg from 'pg';
import { traceStatements } from './statement-spans.ts';

export type Queries = NodePgDatabase;

declare const transactional: unique symbol;

/** A store-bound handle: every statement runs on a connection whose row-level security is set to `storeId`. */
export interface Db {
  readonly storeId: string;
  /** Runs `work` on one connection of the store; the connection goes back to the pool afterwards. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
}

/** A handle inside an open transaction. Functions that must run in one ask for it; a plain Db does not compile. */
export interface Tx extends Db {
  readonly [transactional]: true;
}

/** One physical connection with the statements that were built on it. */
export interface Connection {
  readonly client: pg.PoolClient;
  readonly queries: Queries;
  readonly built: Map<string, Built>;
}

type Built = { execute(values: Record<string, unknown>): Promise<unknown> };

/** `broken` is set when a rollback failed: such a connection is closed, never pooled again. */
type BoundConnection = Connection & { storeId: string | undefined; broken: boolean; inTransaction: boolean };

/** What a connection keeps: all that was set on it, or, behind a pooler, only what its transaction set. */
export type PoolMode = 'session' | 'transaction';

/** Runtime settings of a pool; times in milliseconds. */
export interface PoolSettings {
  url: string;
  size: number;
  statementTimeoutMs: number;
  /** Role to act as: owns nothing, so row-level security applies. */
  role?: string;
  /** `transaction`: behind `url` is a pooler that keeps nothing between two transactions. `session` unless told. */
  mode?: PoolMode;
  applicationName?: string;
  onError?: (error: Error) => void;
}

const parsers = { ...pg.types.builtins };

/** bigint columns are numbers here: money, counters and file positions stay below 2^53 by CHECK. */
const typeParsers = {
  getTypeParser(id: number, format?: 'text' | 'binary') {
    if (id === parsers.INT8) return Number;
    if (id === parsers.DATE) return (text: string) => text;
    return pg.types.getTypeParser(id, format as 'text');
  },
};

/** What holds on every connection. */
const settingsOf = ({ role, statementTimeoutMs }: PoolSettings): [name: string, value: string][] => [
  ...(role ? [['role', role] as [string, string]] : []),
  ['statement_timeout', String(statementTimeoutMs)],
  ['lock_timeout', '5000'],
  ['idle_in_transaction_session_timeout', '30000'],
  ['timezone', 'UTC'],
];

/** What begins each transaction of a pool whose connections keep nothing. */
const localSettings = new WeakMap<pg.Pool, string>();

type Query = (...parameters: unknown[]) => unknown;

/** Statements lose their names: what is prepared on one connection is unknown on the one of the next transaction. */
function forgetNames(pool: pg.Pool): void {
  pool.on('connect', (client) => {
    const query: Query = client.query.bind(client);
    const unnamed: Query = (first, ...others) => {
      const isNamed = typeof first === 'object' && first !== null && 'name' in first && !('submit' in first);
      return query(isNamed ? { ...first, name: undefined } : first, ...others);
    };
    Object.assign(client, { query: unnamed });
  });
}

/**
 * Opens the pool. Role and time-outs are set in the start-up packet, without a round trip; where a connection keeps
 * nothing, by each transaction in the round trip of its BEGIN.
 */
export function openPool(settings: PoolSettings): pg.Pool {
  const keepsNothing = settings.mode === 'transaction';
  const pool = new pg.Pool({
    connectionString: settings.url,
    max: settings.size,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: settings.applicationName ?? 'clientele',
    ...(!keepsNothing && {
      options: settingsOf(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    }),
    types: typeParsers,
  } as pg.PoolConfig);
  if (keepsNothing) {
    const statements = settingsOf(settings).map(([name, value]) => `set local ${name} = '${value}'`);
    localSettings.set(pool, statements.join('; '));
    forgetNames(pool);
  }
  pool.on('error', (error) => settings.onError?.(error));
  traceStatements(pool);
  // The pool listens to idle connections only: one that is lost while it is lent out would end the process. Whoever has it
  // hears of it from the next statement.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

const connections = new WeakMap<pg.PoolClient, BoundConnection>();

function connectionOf(client: pg.PoolClient): BoundConnection {
  let connection = connections.get(client);
  if (!connection) {
    connection = {
      client,
      queries: drizzle(client),
      built: new Map(),
      storeId: undefined,
      broken: false,
      inTransaction: false,
    };
    connections.set(client, connection);
  }
  return connection;
}

/** Binds the connection to the store; free when it is bound to it already (BEGIN + set + COMMIT costs half the throughput). */
async function bind(connection: BoundConnection, storeId: string): Promise<void> {
  if (connection.storeId === storeId) return;
  connection.storeId = undefined;
  await connection.client.query({ name: 'set_store', text: 'select set_store($1)', values: [storeId] });
  connection.storeId = storeId;
}

/**
 * The handle of one store on the pool. Where connections keep nothing, each use is a transaction that binds itself: by SET,
 * for a function would take the snapshot before the work can choose its isolation.
 */
export function dbOf(pool: pg.Pool, storeId: string): Db {
  const settings = localSettings.get(pool);
  const begin = settings && `begin; ${settings}; set local clientele.store = ${pg.escapeLiteral(storeId)}`;
  return {
    storeId,
    async use(work) {
      const client = await pool.connect();
      const connection = connectionOf(client);
      try {
        if (begin) return await inTransaction(connection, () => work(connection), begin);
        await bind(connection, storeId);
        return await work(connection);
      } finally {
        client.release(connection.broken);
      }
    },
  };
}

/** SQLSTATE of a database error, also when Drizzle wrapped it; undefined for everything else. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = databaseErrorOf(error);
  return cause?.code;
}

/** The pg error inside `error`, if there is one. */
export function databaseErrorOf(error: unknown): pg.DatabaseError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof pg.DatabaseError) return current;
  }
  return undefined;
}

/** SQLSTATE of a row whose key is taken. */
export const UNIQUE_VIOLATION = '23505';
/** SQLSTATEs of a serialisation failure and a deadlock: the same work may succeed when it runs again. */
export const RETRIED: ReadonlySet<string> = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 5;
const MAX_TURNS = 50;

/** Thrown by work that another writer overtook: what it read first is not what it locked later. It is run again. */
export class Overtaken extends Error {}

const attemptsFor = (error: unknown): number => {
  if (error instanceof Overtaken) return MAX_TURNS;
  return RETRIED.has(sqlStateOf(error) ?? '') ? MAX_ATTEMPTS : 1;
};

/**
 * L3: one transaction on one connection; rolled back on any throw. Deadlocks, serialisation failures and `Overtaken`
 * are run again, so `work` must have no effect outside the database. Whoever was overtaken goes on in turn: the store's
 * overtaken run one by one, so that only newcomers, of whom each commits once, can overtake them again.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  let run = work;
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.use((connection) =>
        inTransaction(connectionOf(connection.client), () => run(txOn(connection, db.storeId))),
      );
    } catch (error) {
      if (attempt >= attemptsFor(error)) throw error;
      if (error instanceof Overtaken) run = inTurn(work);
      await new Promise((resolve) => setTimeout(resolve, Math.min(attempt, 10) * 5 + Math.random() * 20));
    }
  }
}

const inTurn =
  <T>(work: (tx: Tx) => Promise<T>) =>
  async (tx: Tx): Promise<T> => {
    await tx.use(({ client }) =>
      client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`turn ${tx.storeId}`]),
    );
    return work(tx);
  };

const txOn = (connection: Connection, storeId: string): Tx =>
  ({ storeId, use: (inner) => inner(connection) }) as Tx;

/** In a transaction of its own, or in the one that the connection was lent for. */
async function inTransaction<T>(
  connection: BoundConnection,
  work: () => Promise<T>,
  begin = 'begin',
): Promise<T> {
  if (connection.inTransaction) return work();
  connection.inTransaction = true;
  try {
    await connection.client.query(begin);
    const result = await work();
    await connection.client.query('commit');
    return result;
  } catch (error) {
    await connection.client.query('rollback').catch(() => {
      connection.broken = true;
    });
    throw error;
  } finally {
    connection.inTransaction = false;
  }
}

/** From here on this transaction only reads, and a statement of it that takes longer ends with SQLSTATE 57014. */
export const holdToReading = (tx: Tx, timeoutMs: number): Promise<unknown> =>
  tx.use(({ client }) =>
    client.query(
      `set transaction read only; set local statement_timeout = ${Math.max(1, Math.ceil(timeoutMs))}`,
    ),
  );

/** Does the work and takes it back: the answer is the true one, and nothing of it is stored. */
export async function rehearse<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  const say = (text: string) => tx.use(({ client }) => client.query(text));
  await say('savepoint rehearsal');
  const result = await work();
  await say('rollback to savepoint rehearsal');
  return result;
}

type Parameters<P> = { [K in keyof P]-?: Placeholder } & { storeId: Placeholder };

function placeholders<P>(): Parameters<P> {
  return new Proxy({}, { get: (_, name) => sql.placeholder(String(name)) }) as Parameters<P>;
}

const names = new Set<string>();

/** A connection knows one statement by each name: a second one of that name would fail wherever the first one ran. */
function claimName(name: string): void {
  if (names.has(name)) throw new Error(`Two statements are called ${name}.`);
  names.add(name);
}

/**
 * A select or change by the Drizzle builder, built once per connection and prepared by name: the builder alone costs
 * three to four times the CPU of the prepared statement. `storeId` is always there as a parameter.
 */
export function prepared<P extends object = Record<never, never>>() {
  return <R>(
    name: string,
    build: (
      queries: Queries,
      p: Parameters<P>,
    ) => { prepare(name: string): { execute(values?: Record<string, unknown>): Promise<R> } },
  ) => {
    claimName(name);
    return (db: Db, params: P): Promise<R> =>
      db.use((connection) => {
        let statement = connection.built.get(name);
        if (!statement) {
          statement = build(connection.queries, placeholders<P>()).prepare(name) as Built;
          connection.built.set(name, statement);
        }
        return statement.execute({ ...params, storeId: db.storeId }) as Promise<R>;
      });
  };
}

const dialect = new PgDialect();

/**
 * A hand-written statement (a CTE of several changes, a set operation), built once and prepared by name.
 * Rows come back as objects with the names that the SQL gives its columns.
 */
export function statement<P extends object, R>(name: string, build: (p: Parameters<P>) => SQL) {
  claimName(name);
  let text: string | undefined;
  let slots: unknown[] = [];
  return (db: Db, params: P): Promise<R[]> => {
    if (text === undefined) {
      const query = dialect.sqlToQuery(build(placeholders<P>()));
      text = query.sql;
      slots = query.params;
    }
    const values = fillPlaceholders(slots, { ...params, storeId: db.storeId });
    return db.use(
      async ({ client }) => (await client.query({ name, text: text as string, values })).rows as R[],
    );
  };
}

/** A statement whose text depends on the question (lists with filters): not prepared, so it is planned for its values. */
export function execute<R>(db: Db, query: SQL): Promise<R[]> {
  const { sql: text, params } = dialect.sqlToQuery(query);
  return db.use(
    async ({ client }) => (await client.query({ text, values: params as unknown[] })).rows as R[],
  );
}
