// What every suite with a database uses: a database of its own per file, a store of its own per test.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import pg from 'pg';
import pino from 'pino';
import type { Test } from 'tap';
import { openStore } from '../../src/actions/stores.ts';
import { buildApp } from '../../src/app.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { type Ctx, newId, systemContext } from '../../src/context.ts';
import { APP_ROLE } from '../../src/database.ts';
import { dbOf, openPool } from '../../src/db/connection.ts';
import { ROLES, type Scope } from '../../src/domain/scopes.ts';
import { signToken } from '../../src/tokens.ts';
import { CLUSTER_DIR, CLUSTER_FILE, TEMPLATE } from './cluster-place.ts';

export interface TestDatabase {
  /** Superuser URL of this file's database. */
  url: string;
  /** Pool as the service has it: the role that owns nothing. */
  pool: pg.Pool;
  /** Superuser pool, past row-level security. */
  owner: pg.Pool;
}

function serverUrl(): string {
  try {
    return JSON.parse(readFileSync(join(CLUSTER_DIR, CLUSTER_FILE), 'utf8')).url;
  } catch {
    throw new Error('No test cluster: run `npm test`, or `npm run test:cluster` before a single file.');
  }
}

/** A fresh clone of the migrated template (0.1 s), dropped at the file's end. */
export async function testDatabase(t: Test): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  await admin.query(`create database ${name} template ${TEMPLATE} strategy file_copy`);
  const target = new URL(serverUrl());
  target.pathname = `/${name}`;
  const pool = openPool({ url: target.href, size: 20, statementTimeoutMs: 30_000, role: APP_ROLE });
  const owner = new pg.Pool({ connectionString: target.href, max: 3 });
  // end() answers before the sockets are closed; the drop below may cut one off.
  owner.on('error', () => {});
  t.teardown(async () => {
    await Promise.all([pool.end(), owner.end()]);
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  return { url: target.href, pool, owner };
}

export const TEST_CONFIG: Config = readConfig({
  NODE_ENV: 'test',
  APP_SECRET: 'a secret that only tests know, long enough',
  RATE_LIMIT_PER_MINUTE: '1000000',
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000',
  LOG_LEVEL: 'silent',
});

/** The app on this database; closed at the file's end. */
export async function testApp(
  t: Test,
  database: TestDatabase,
  config: Partial<Config> = {},
): Promise<FastifyInstance> {
  const app = await buildApp({
    config: { ...TEST_CONFIG, ...config },
    pool: database.pool,
    version: '0.0.0-test',
    logger: pino({ level: 'silent' }),
  });
  await app.ready();
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
