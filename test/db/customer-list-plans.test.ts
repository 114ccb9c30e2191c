// How the customer list reads: by indexes and few rows, under row-level security, at 50,000 customers. And since small
// stores never walk that far, the pages of the large one are compared with plain SQL.
import t from 'tap';
import { generateCustomers } from '../../bench/generate.ts';
import { type Connection, type Db, dbOf } from '../../src/db/connection.ts';
import { type ListKey, listCustomerIds } from '../../src/db/customer-list.ts';
import {
  CUSTOMER_SORTS,
  type CustomerFilter,
  type CustomerSort,
  type CustomerSortColumn,
} from '../../src/domain/customer-filter.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

t.setTimeout(300_000);

const CUSTOMERS = 50_000;
const LIMIT = 21;

const database = await testDatabase(t);
const { storeId } = await testStore(await testApp(t, database), database);
const client = await database.owner.connect();
await generateCustomers(client, { storeId, customers: CUSTOMERS });
client.release();
const db = dbOf(database.pool, storeId);

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Tables that grow with the store. */
const LARGE = ['customers', 'customer_tags', 'group_members', 'events'];

const rowsRead = (node: PlanNode): number =>
  node['Relation Name'] === undefined
    ? 0
    : node['Actual Loops'] *
      (node['Actual Rows'] +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0));

interface Reads {
  rows: number;
  wholeTables: string[];
}

/** EXPLAIN of a statement as it is planned: a named one for all its values at once, an unnamed one for these. */
async function explain({ client }: Connection, { name, text, values }: Statement): Promise<PlanNode> {
  const explained = 'explain (analyze, format json)';
  if (name === undefined)
    return (await client.query(`${explained} ${text}`, values)).rows[0]['QUERY PLAN'][0].Plan;
  const literals = values.map((value) => (value === null ? 'null' : client.escapeLiteral(String(value))));
  await client.query(`set plan_cache_mode = force_generic_plan; prepare explained as ${text}`);
  const { rows } = await client.query(`${explained} execute explained(${literals})`);
  await client.query('deallocate explained; reset plan_cache_mode');
  return rows[0]['QUERY PLAN'][0].Plan;
}

interface Statement {
  name?: string;
  text: string;
  values: unknown[];
}

/** The same handle, which explains each statement that reads the list and adds up what it reads. */
function explaining(inner: Db, reads: Reads): Db {
  const add = (plan: PlanNode) => {
    for (const node of nodesOf(plan)) {
      reads.rows += rowsRead(node);
      const table = node['Relation Name'] ?? '';
      if (node['Node Type'] === 'Seq Scan' && LARGE.includes(table)) reads.wholeTables.push(table);
    }
  };
  return {
    storeId: inner.storeId,
    use: (work) =>
      inner.use((connection) => {
        const query = async (statement: Statement) => {
          const isOfList = statement.name === undefined || statement.name.startsWith('walk_');
          if (isOfList && !statement.text.startsWith('explain')) add(await explain(connection, statement));
          return connection.client.query(statement);
        };
        const client = new Proxy(connection.client, {
          get: (target, member) => (member === 'query' ? query : Reflect.get(target, member)),
        });
        return work({ ...connection, client });
      }),
  };
}

async function readsOf(filter: CustomerFilter, sort: CustomerSort, after?: ListKey): Promise<Reads> {
  const reads: Reads = { rows: 0, wholeTables: [] };
  await listCustomerIds(explaining(db, reads), { filter, sort, after, limit: LIMIT });
  return reads;
}

const SORTS: CustomerSort[] = CUSTOMER_SORTS.flatMap((column) => [column, `-${column}` as const]);

const FILTERS: [string, CustomerFilter][] = [
  ['no filter', {}],
  ['a common tag', { tag: ['tag 001'] }],
  ['a tag of some', { tag: ['tag 010'] }],
  ['a rare tag', { tag: ['tag 200'] }],
  ['a common country', { country: ['DE'] }],
  ['a small country', { country: ['IS'] }],
  ['tag and country', { tag: ['tag 001'], country: ['DE'] }],
  ['a tag of some and a small country', { tag: ['tag 010'], country: ['IS'] }],
];

/** What each sort goes by, in plain SQL. */
const KEYS: Record<CustomerSortColumn, string> = {
  name: 'c.sort_name',
  group: '(select g.name_key from groups g where g.store_id = c.store_id and g.id = c.primary_group_id)',
  email: 'c.email_norm',
  company: 'c.sort_company',
  tags: `(select min(t.name_key) from customer_tags ct join tags t on t.store_id = ct.store_id and t.id = ct.tag_id
    where ct.store_id = c.store_id and ct.customer_id = c.id)`,
  city: 'c.default_city',
  country: 'c.default_country',
  ordersCount: 'c.orders_count',
  lastOrderAt: 'c.last_order_at',
  totalSpent: 'c.total_spent',
  accountStatus: 'c.account_status',
  createdAt: 'c.created_at',
};

async function plainIds({ tag = [], country = [] }: CustomerFilter, sort: CustomerSort): Promise<string[]> {
  const column = sort.replace('-', '') as CustomerSortColumn;
  const direction = sort.startsWith('-') ? 'desc' : 'asc';
  const { rows } = await database.owner.query<{ id: string }>(
    `select c.id from (select c.*, ${KEYS[column]} as key from customers c where c.store_id = $1) c
     where (cardinality($2::text[]) = 0 or exists (select from customer_tags ct join tags t on t.id = ct.tag_id
       where ct.customer_id = c.id and t.name_key = any($2))) and (cardinality($3::text[]) = 0 or c.default_country = any($3))
     order by key ${direction} nulls last, id ${direction}`,
    [storeId, tag, country],
  );
  return rows.map((row) => row.id);
}

for (const [name, filter] of FILTERS) {
  t.test(`with ${name}, every sort reads few rows by index`, async (t) => {
    for (const sort of SORTS) {
      const first = await readsOf(filter, sort);
      const [, ...rows] = await listCustomerIds(db, { filter, sort, after: undefined, limit: 101 });
      const next = await readsOf(filter, sort, rows.at(-1)?.key);
      t.same([first.wholeTables, next.wholeTables], [[], []], `${sort} reads no whole table`);
      const most = Math.max(first.rows, next.rows);
      t.ok(most < 8_000, `${sort} reads ${most} rows`);
    }
  });
}

t.test('pages at the beginning, in the middle and at the end are those of plain SQL', async (t) => {
  for (const [name, filter] of FILTERS) {
    for (const sort of SORTS) {
      const expected = await plainIds(filter, sort);
      const mismatches: number[] = [];
      let after: ListKey | undefined;
      for (let place = 0; place < expected.length; ) {
        const limit = place < 3 * LIMIT ? LIMIT : Math.ceil(expected.length / 3);
        const rows = await listCustomerIds(db, { filter, sort, after, limit });
        const ids = expected.slice(place, place + limit);
        if (rows.length !== ids.length || rows.some((row, index) => row.id !== ids[index]))
          mismatches.push(place);
        place += limit;
        after = rows.at(-1)?.key;
      }
      t.same(mismatches, [], `${name}, ${sort}`);
    }
  }
});

t.test('a filter that is against the order is answered all the same', async (t) => {
  const filter: CustomerFilter = { totalSpentMin: 100_000 };
  const few = await listCustomerIds(db, { filter, sort: 'ordersCount', after: undefined, limit: LIMIT });
  const { rows } = await database.owner.query(
    'select id from customers where store_id = $1 and total_spent >= 100000 order by orders_count, id limit $2',
    [storeId, LIMIT],
  );
  t.same(
    few.map((row) => row.id),
    rows.map((row) => row.id),
  );
});
