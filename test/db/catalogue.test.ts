// The schema as Postgres has it: tenancy on every table, keys that a distributed Postgres can hold.
import t from 'tap';
import { testDatabase } from '../support/harness.ts';

const { owner } = await testDatabase(t);
const GLOBAL = ['schema_migrations'];

const rows = async <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await owner.query(sql, values)).rows;
const names = async (sql: string): Promise<string[]> =>
  (await rows<{ name: string }>(sql)).map((row) => row.name);

const TABLES = `select c.relname as name from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`;
const tenantTables = (await names(TABLES)).filter((name) => !GLOBAL.includes(name));

t.test('every tenant table has row-level security enabled and forced', async (t) => {
  t.ok(tenantTables.length >= 20, 'the catalogue is read');
  t.same(await names(`${TABLES} and not (c.relrowsecurity and c.relforcerowsecurity)`), GLOBAL);
});

t.test('every tenant table compares its store with the setting, for reading and writing', async (t) => {
  const policies = await rows<{ table: string; reads: string; writes: string }>(
    `select tablename as table, qual as reads, with_check as writes from pg_policies where policyname = 'tenant'`,
  );
  t.same(policies.map((policy) => policy.table).sort(), [...tenantTables].sort());
  for (const { table, reads, writes } of policies) {
    const column = table === 'stores' ? 'id' : 'store_id';
    t.equal(reads, `(${column} = current_store())`, table);
    t.equal(writes, reads, table);
  }
});

t.test(
  'store_id comes first in every primary, unique and foreign key and in every index but the global ones',
  async (t) => {
    const keys = await rows<{ name: string; table: string; first: string }>(`
    select con.conname as name, con.conrelid::regclass::text as table, a.attname as first
    from pg_constraint con join pg_attribute a on a.attrelid = con.conrelid and a.attnum = con.conkey[1]
    where con.contype in ('p', 'u', 'f') and con.connamespace = 'public'::regnamespace`);
    const wrong = keys.filter(
      ({ table, first }) => first !== 'store_id' && table !== 'stores' && !GLOBAL.includes(table),
    );
    t.same(wrong, []);
    const indexes = await rows<{ name: string; first: string | null }>(`
    select i.indexrelid::regclass::text as name, a.attname as first
    from pg_index i join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
    left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and i.indkey[0] > 0`);
    // The trigram index has one column; the sweeper looks over all stores through functions of its own.
    const ACROSS_STORES = [
      'customers_by_search',
      'jobs_open',
      'messages_due_anywhere',
      'campaigns_open',
      'stores_pkey',
      'schema_migrations_pkey',
    ];
    t.same(
      indexes
        .filter(({ first }) => first !== 'store_id')
        .map(({ name }) => name)
        .sort(),
      [...ACROSS_STORES].sort(),
    );
  },
);

t.test('foreign keys and checks are named, short, and CASCADE or RESTRICT', async (t) => {
  const constraints = await rows<{ name: string; type: string; action: string; deferrable: boolean }>(`
    select conname as name, contype as type, confdeltype as action, condeferrable as deferrable
    from pg_constraint where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c')`);
  t.same(
    constraints.filter(({ name }) => name.length > 45),
    [],
  );
  t.same(
    constraints.filter(({ deferrable }) => deferrable),
    [],
  );
  t.same(
    constraints.filter(({ type, action }) => type === 'f' && !['c', 'r'].includes(action)),
    [],
  );
});

t.test('no triggers, sequences or identity columns stand in tenant tables', async (t) => {
  t.same(await names(`select tgname as name from pg_trigger where not tgisinternal`), []);
  t.same(
    await names(
      `select relname as name from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace`,
    ),
    [],
  );
});

t.test('the application role owns nothing and cannot look past row-level security', async (t) => {
  const [role] = await rows<{ super: boolean; bypass: boolean; owned: string }>(`
    select rolsuper as super, rolbypassrls as bypass,
      (select count(*) from pg_class where relowner = r.oid) as owned from pg_roles r where rolname = 'clientele_app'`);
  t.same(role, { super: false, bypass: false, owned: '0' });
});

t.test('history cannot be changed by the application role', async (t) => {
  for (const table of ['events', 'note_revisions', 'segment_revisions']) {
    const [may] = await rows<{ update: boolean; delete: boolean }>(
      `select has_table_privilege('clientele_app', $1, 'update') as update, has_table_privilege('clientele_app', $1, 'delete') as delete`,
      [table],
    );
    t.same(may, { update: false, delete: false }, table);
  }
});

t.test(
  'functions that look past row-level security fix their search path and are not open to everybody',
  async (t) => {
    const functions = await rows<{ name: string; settings: string[] | null; open: boolean }>(`
    select p.proname as name, p.proconfig as settings, has_function_privilege('public', p.oid, 'execute') as open
    from pg_proc p where p.prosecdef and p.pronamespace = 'public'::regnamespace`);
    t.ok(functions.length >= 4);
    for (const { name, settings, open } of functions) {
      t.ok(
        settings?.some((setting) => setting.startsWith('search_path=')),
        name,
      );
      t.notOk(open, name);
    }
  },
);
