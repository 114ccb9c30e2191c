// What every suite with a database uses: a database of its own per file, a store of its own per test.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import pg from 'pg';
import pino from 'pino';
import type { Test } from 'tap';
import { openStore } from '../../src/actions/stores.ts';
import { type AppOptions, buildApp } from '../../src/app.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { type Ctx, newId, systemContext } from '../../src/context.ts';
import { APP_ROLE } from '../../src/database.ts';
import { dbOf, openPool } from '../../src/db/connection.ts';
import { ROLES, type Scope } from '../../src/domain/scopes.ts';
import { signToken } from '../../src/tokens.ts';
import { checkAnswersOf } from './answer-check.ts';
import { CLUSTER_DIR, CLUSTER_FILE, TEMPLATE } from './cluster-place.ts';

export interface TestDatabase {
  /** Superuser URL of this file's database. */
  url: string;
  /** Pool as the service has it: the role that owns nothing. */
  pool: pg.Pool;
  /** Superuser pool, past row-level security. */
  owner: pg.Pool;
}

interface ClusterFile {
  url: string;
  /** Where pools go: the server itself, or a pooler before it. */
  poolUrl: string;
}

function cluster(): ClusterFile {
  try {
    return JSON.parse(readFileSync(join(CLUSTER_DIR, CLUSTER_FILE), 'utf8'));
  } catch {
    throw new Error('No test cluster: run `npm test`, or `npm run test:cluster` before a single file.');
  }
}

/** A fresh clone of the migrated template (0.1 s), dropped at the file's end. */
export async function testDatabase(t: Test): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const { url, poolUrl } = cluster();
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database ${name} template ${TEMPLATE} strategy file_copy`);
  const onServer = (server: string) => new URL(`/${name}`, server).href;
  const { close, ...database } = openTestDatabase(onServer(url), onServer(poolUrl));
  t.teardown(async () => {
    await close();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  return database;
}

/** The pools of a migrated database; `poolUrl`: by way of a pooler that lends connections for one transaction. */
export function openTestDatabase(url: string, poolUrl = url): TestDatabase & { close(): Promise<void> } {
  const mode = poolUrl === url ? 'session' : 'transaction';
  const pool = openPool({ url: poolUrl, size: 20, statementTimeoutMs: 30_000, role: APP_ROLE, mode });
  const owner = new pg.Pool({ connectionString: url, max: 3 });
  // end() answers before the sockets are closed; whoever drops the database or ends its server may cut one off.
  owner.on('error', () => {});
  const close = async () => {
    await Promise.all([pool.end(), owner.end()]);
  };
  return { url, pool, owner, close };
}

export const TEST_CONFIG: Config = readConfig({
  NODE_ENV: 'test',
  APP_SECRET: 'a secret that only tests know, long enough',
  RATE_LIMIT_PER_MINUTE: '1000000',
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000',
  LOG_LEVEL: 'silent',
});

/** The app on this database, its answers held against the document; closed at the file's end. */
export async function testApp(
  t: Test,
  database: TestDatabase,
  config: Partial<Config> = {},
  options: Partial<AppOptions> = {},
): Promise<FastifyInstance> {
  const app = await buildApp({
    ...options,
    config: { ...TEST_CONFIG, ...config },
    pool: database.pool,
    version: '0.0.0-test',
    logger: pino({ level: 'silent' }),
  });
  await app.ready();
  checkAnswersOf(app);
  t.teardown(() => app.close());
  return app;
}

export interface TestStore {
  storeId: string;
  token: string;
  publishableKey: string;
  /** Context of an action in this store. */
  ctx(at?: Date): Ctx;
  /** Sends a request as staff of this store; a body that is given goes as JSON. */
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** An answer with its JSON parsed. */
export interface Answer extends LightMyRequestResponse {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data: any;
}

/** A new store, with a token of all scopes unless told. */
export async function testStore(
  app: FastifyInstance,
  database: TestDatabase,
  options: { scopes?: readonly Scope[]; currency?: string; timezone?: string } = {},
): Promise<TestStore> {
  const storeId = newId();
  const ctx = (at = new Date()) => ({
    ...systemContext(dbOf(database.pool, storeId), pino({ level: 'silent' }), 'staff:tester'),
    now: at,
  });
  const { currency = 'EUR', timezone = 'Europe/Berlin' } = options;
  const { publishableKey } = await openStore(ctx(), { name: 'Test store', currency, timezone, locale: 'en' });
  const scopes = options.scopes ?? ROLES.owner;
  const token = signToken(TEST_CONFIG, { storeId, subject: 'tester', scopes, lifetimeSeconds: 3600 });
  return { storeId, token, publishableKey, ctx, call: (...args) => call(app, token, ...args) };
}

/** One request with a bearer credential. */
export async function call(
  app: FastifyInstance,
  credential: string,
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request: InjectOptions = {
    method: method as 'GET',
    url,
    headers: { authorization: `Bearer ${credential}`, ...headers },
    ...(body !== undefined && { payload: body as object }),
  };
  const response = (await app.inject(request)) as Answer;
  const isJson = /\bjson/.test(String(response.headers['content-type']));
  response.data = isJson ? JSON.parse(response.body) : undefined;
  return response;
}
