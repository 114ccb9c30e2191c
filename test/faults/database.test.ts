// The database answers too late, not at all, or its answer does not arrive: what was asked for happens once.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import t, { type Test } from 'tap';
import { APP_ROLE } from '../../src/database.ts';
import { openPool } from '../../src/db/connection.ts';
import { newShopper } from '../support/credit.ts';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { orderOf, rounds } from '../support/faults.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';

const database = await testDatabase(t);
t.setTimeout(120_000);

function ownPool(t: Test, url: string, size: number): pg.Pool {
  const pool = openPool({ url, size, statementTimeoutMs: 10_000, role: APP_ROLE });
  t.teardown(() => pool.end());
  return pool;
}

interface Command {
  name: string;
  /** The words after which the answer of the database is lost. */
  at: RegExp;
  send(store: TestStore, customerId: string, headers: Record<string, string>): Promise<Answer>;
  /** How many rows there are once it was carried out: of the table, in the store. */
  table: string;
  /** A PUT needs no key: the same content is the same order. */
  isReplayed?: false;
  /** One statement that keeps its own answer: the service looks it up by itself, and nobody has to ask again. */
  isHealed?: true;
}

const COMMIT = /commit/;
const ONE_STATEMENT = /write_ledger/;
const COMMANDS: readonly Command[] = [
  {
    name: 'a new customer',
    at: COMMIT,
    send: (store, _id, headers) => store.call('POST', '/v1/customers', { email: 'new@example.com' }, headers),
    table: `customers where email_norm = 'new@example.com' and store_id`,
  },
  {
    name: 'an order',
    at: COMMIT,
    send: (store) => store.call('PUT', '/v1/orders/one', orderOf('buyer@example.com')),
    table: 'orders where store_id',
    isReplayed: false,
  },
  {
    name: 'a redemption',
    at: ONE_STATEMENT,
    isHealed: true,
    send: (store, id, headers) =>
      store.call('POST', `/v1/customers/${id}/credit/redeem`, { amount: 700, currency: 'EUR' }, headers),
    table: 'transfers where amount = 700 and store_id',
  },
  {
    name: 'a hold',
    at: ONE_STATEMENT,
    isHealed: true,
    send: (store, id, headers) =>
      store.call('POST', `/v1/customers/${id}/credit/holds`, { amount: 500, currency: 'EUR' }, headers),
    table: 'holds where store_id',
  },
  {
    name: 'a bulk job',
    at: COMMIT,
    send: (store, _id, headers) =>
      store.call('POST', '/v1/customers/bulk', { action: 'addTags', tags: ['x'], all: true }, headers),
    table: `jobs where kind = 'bulk' and store_id`,
  },
];

t.test(
  'the answer to COMMIT is lost: whoever asks again hears what was done, and it was done once',
  async (t) => {
    const proxy = await startDatabaseProxy(t, database.url);
    const app = await testApp(t, { ...database, pool: ownPool(t, proxy.url, 4) });
    for (let round = 0; round < rounds(1, 20); round++) {
      for (const { name, at, send, table, isReplayed = true, isHealed = false } of COMMANDS) {
        const store = await testStore(app, database);
        const customer = await newShopper(store);
        await customer.grant(3_000_000_000);
        const key = { 'idempotency-key': randomUUID() };
        const lostBefore = proxy.lost;
        proxy.loseAnswerTo(at);
        const first = await send(store, customer.id, key);
        t.equal(proxy.lost, lostBefore + 1, `${name}: the answer was lost`);
        if (isHealed) t.equal(first.statusCode, 201, `${name}: ${first.body}`);
        else {
          t.match(first, { statusCode: 503, data: { code: 'UNAVAILABLE' } }, name);
          t.ok(Number(first.headers['retry-after']) > 0, 'says when to ask again');
        }
        const second = await send(store, customer.id, key);
        t.ok(second.statusCode >= 200 && second.statusCode < 300, `${name}: ${second.body}`);
        if (isReplayed)
          t.equal(second.headers['idempotency-replayed'], 'true', 'it is the answer of the first time');
        const { rows } = await database.owner.query(`select count(*)::int as rows from ${table} = $1`, [
          store.storeId,
        ]);
        t.same(rows, [{ rows: 1 }], `${name} is there once`);
        await checkSound(t, database, store);
      }
    }
  },
);

t.test(
  'all connections are taken: 503 with Retry-After after five seconds, and all is well once one is free',
  async (t) => {
    const pool = ownPool(t, database.url, 2);
    const app = await testApp(t, { ...database, pool });
    const store = await testStore(app, database);
    const held = [await pool.connect(), await pool.connect()];
    const began = Date.now();
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, (_, n) =>
        store.call('POST', '/v1/customers', { email: `p${n}@example.com` }),
      ),
      store.call('GET', '/v1/customers'),
    ]);
    const waited = Date.now() - began;
    for (const answer of answers) {
      t.match(answer, { statusCode: 503, data: { code: 'UNAVAILABLE' } });
      t.ok(Number(answer.headers['retry-after']) > 0);
    }
    t.ok(waited > 4_500 && waited < 9_000, `${waited} ms`);
    t.equal((await app.inject('/readyz')).statusCode, 503, 'others are told not to come');
    t.equal((await app.inject('/livez')).statusCode, 200);
    for (const client of held) client.release();
    const after = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        store.call('POST', '/v1/customers', { email: `p${n}@example.com` }),
      ),
    );
    t.same(
      after.filter(({ statusCode }) => statusCode !== 201),
      [],
      'none of those that were refused was carried out, and now all are',
    );
    t.equal((await app.inject('/readyz')).statusCode, 200);
    t.equal(pool.waitingCount, 0);
    await checkSound(t, database, store);
  },
);
