// This release on the schema of the next one, which arrives while it runs: what an upgrade without a pause rests on.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { migrate } from '../../src/db/migrate.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { makeOneOfEverything } from '../support/one-of-everything.ts';
import { documentOf, operationsOf, pathWith } from '../support/openapi-operations.ts';

const database = await testDatabase(t);
const { owner, pool } = database;
const app = await testApp(t, database);
const reads = operationsOf(documentOf(app)).filter(
  ({ zone, method, isStream }) => zone === 'staff' && method === 'GET' && !isStream,
);

/** What expand steps of migrations do: tables and columns come, old code knows nothing of them. */
async function expand(): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r' and not c.relispartition and c.relname <> 'schema_migrations'`,
  );
  for (const { name } of rows) {
    await owner.query(
      `alter table ${name} add column next_note text, add column next_count integer not null default 0`,
    );
  }
  await owner.query('create table next_things (store_id uuid not null, id uuid primary key)');
  await owner.query(
    `insert into schema_migrations (name, checksum) values ('9999_next.sql', 'of the next release')`,
  );
}

/** Every statement that reads, on connections that have prepared it perhaps. */
async function readEverything(ids: Record<string, string>, store: Awaited<ReturnType<typeof testStore>>) {
  const statuses: Record<string, number> = {};
  for (const { name, method, path } of reads) {
    statuses[name] = (await store.call(method, pathWith(path, ids))).statusCode;
  }
  return statuses;
}

t.test('tables and columns that arrive under it disturb no read and no write', async (t) => {
  const store = await testStore(app, database);
  const ids = await makeOneOfEverything(store);
  const before = await readEverything(ids, store);
  const connections = pool.totalCount;

  await expand();

  t.strictSame(await readEverything(ids, store), before, 'every read as before');
  const renamed = await store.call(
    'PATCH',
    `/v1/customers/${ids.customerId}`,
    { lastName: 'Next' },
    { 'idempotency-key': randomUUID() },
  );
  t.equal(renamed.statusCode, 200, renamed.body);
  await t.resolves(makeOneOfEverything(await testStore(app, database)), 'every write as before');
  t.ok(pool.totalCount <= connections + 10, 'on the connections that were there');
  t.equal((await app.inject('/readyz')).statusCode, 200, 'and it stays ready');
});

t.test('an older release that migrates finds nothing to do', async (t) => {
  t.strictSame(await migrate(database.url), []);
});
