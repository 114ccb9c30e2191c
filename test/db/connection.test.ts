// The store-bound connection: what one store can never see of another.
import { sql } from 'drizzle-orm';
import t from 'tap';
import { newId } from '../../src/context.ts';
import { APP_ROLE } from '../../src/database.ts';
import { dbOf, execute, openPool, prepared, statement, transaction } from '../../src/db/connection.ts';
import { customers } from '../../src/db/tables/customers.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const countAll = statement<object, { count: number }>(
  'test_count_without_store',
  () => sql`select count(*)::integer as count from customers`,
);

t.test('a statement that forgets the store sees its own store only', async (t) => {
  const [one, two] = [await testStore(app, database), await testStore(app, database)];
  await one.call('POST', '/v1/customers', { lastName: 'One' });
  await two.call('POST', '/v1/customers', { lastName: 'Two' });
  await two.call('POST', '/v1/customers', { lastName: 'Three' });
  t.same(await countAll(one.ctx().db, {}), [{ count: 1 }]);
  t.same(await countAll(two.ctx().db, {}), [{ count: 2 }]);
});

t.test('many stores on few connections at once never mix', async (t) => {
  const stores = await Promise.all(Array.from({ length: 6 }, () => testStore(app, database)));
  await Promise.all(
    stores.flatMap((store, index) =>
      Array.from({ length: index + 1 }, (_, n) =>
        store.call('POST', '/v1/customers', { lastName: `Customer ${n}` }),
      ),
    ),
  );
  const rounds = Array.from({ length: 20 }, () =>
    stores.map(async (store) => (await countAll(store.ctx().db, {}))[0]?.count),
  );
  for (const round of rounds) t.same(await Promise.all(round), [1, 2, 3, 4, 5, 6]);
});

t.test('where connections keep nothing, each use sets role, store and time-outs for itself', async (t) => {
  const pool = openPool({
    url: database.url,
    size: 1,
    statementTimeoutMs: 4_321,
    role: APP_ROLE,
    mode: 'transaction',
  });
  t.teardown(() => pool.end());
  const [one, two] = [await testStore(app, database), await testStore(app, database)];
  await one.call('POST', '/v1/customers', { lastName: 'One' });
  const counts = await Promise.all(
    [one, two, one, two].map(async ({ storeId }) => (await countAll(dbOf(pool, storeId), {}))[0]?.count),
  );
  t.same(counts, [1, 0, 1, 0]);
  const state = sql`select current_user as role, current_setting('statement_timeout') as timeout,
    current_setting('lock_timeout') as lock, current_setting('clientele.store', true) as store,
    (select count(*)::integer from pg_prepared_statements) as named`;
  t.same(await execute(dbOf(pool, one.storeId), state), [
    { role: APP_ROLE, timeout: '4321ms', lock: '5s', store: one.storeId, named: 0 },
  ]);
  const left = await pool.query(`select current_user = session_user as "isItself",
    coalesce(current_setting('clientele.store', true), '') as store`);
  t.same(left.rows, [{ isItself: true, store: '' }], 'nothing stays behind');

  const db = dbOf(pool, one.storeId);
  const failing = transaction(db, async (tx) => {
    await execute(tx, sql`update customers set last_name = 'Two' where store_id = ${one.storeId}`);
    throw new Error('no');
  });
  await t.rejects(failing, { message: 'no' });
  await t.rejects(
    execute(db, sql`select 1 / 0`),
    { code: '22012' },
    'a statement alone is taken back, and its connection serves on',
  );
  t.same(await execute(db, sql`select last_name as name from customers where store_id = ${one.storeId}`), [
    { name: 'One' },
  ]);
});

t.test(
  'a connection that is lost while it is lent out fails its next statement, and nothing else',
  async (t) => {
    const { db } = (await testStore(app, database)).ctx();
    const work = db.use(async ({ client }) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      // Not once(): that listens to errors itself.
      const ended = new Promise((resolve) => client.once('end', resolve));
      await database.owner.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await ended;
      await client.query('select 1');
    });
    await t.rejects(work, /not queryable|closed/);
    t.same(await countAll(db, {}), [{ count: 0 }], 'the next caller has another one');
  },
);

t.test('a row of another store can neither be written nor moved there', async (t) => {
  const [one, two] = [await testStore(app, database), await testStore(app, database)];
  const insert = execute(
    one.ctx().db,
    sql`insert into tags (store_id, id, name, name_key, created_at) values (${two.storeId}, ${newId()}, 'x', 'x', now())`,
  );
  await t.rejects(insert, { code: '42501' });
  await t.rejects(execute(one.ctx().db, sql`update tags set store_id = ${two.storeId}`), { code: '42501' });
});

t.test('a transaction that throws leaves nothing, and its connection serves the next caller', async (t) => {
  const store = await testStore(app, database);
  const { db } = store.ctx();
  const failing = transaction(db, async (tx) => {
    await execute(
      tx,
      sql`insert into tags (store_id, id, name, name_key, created_at) values (${tx.storeId}, ${newId()}, 'gone', 'gone', now())`,
    );
    throw new Error('on purpose');
  });
  await t.rejects(failing, { message: 'on purpose' });
  t.same(await execute(db, sql`select name from tags where name_key = 'gone'`), []);
});

t.test('two transactions that lock crosswise both end: the deadlock is run again', async (t) => {
  const store = await testStore(app, database);
  const ids = await Promise.all(
    ['A', 'B'].map(async (lastName) => (await store.call('POST', '/v1/customers', { lastName })).data.id),
  );
  const touch = (first: string, second: string) =>
    transaction(dbOf(database.pool, store.storeId), async (tx) => {
      await execute(
        tx,
        sql`update customers set version = version + 1 where store_id = ${tx.storeId} and id = ${first}`,
      );
      await execute(tx, sql`select pg_sleep(0.05)`);
      await execute(
        tx,
        sql`update customers set version = version + 1 where store_id = ${tx.storeId} and id = ${second}`,
      );
    });
  await Promise.all([touch(ids[0], ids[1]), touch(ids[1], ids[0])]);
  t.same(await execute(store.ctx().db, sql`select version from customers`), [{ version: 3 }, { version: 3 }]);
});

t.test('two statements of one name stop the start: a connection would answer one for the other', (t) => {
  t.throws(() => statement('test_count_without_store', () => sql`select 1`), /Two statements are called/);
  t.throws(
    () => prepared()('test_count_without_store', (queries) => queries.select().from(customers)),
    /Two statements are called/,
  );
  t.end();
});
