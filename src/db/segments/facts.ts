// The facts of one customer, read by the same registry that queries are made from: one statement.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { FactRow, Facts, FactValue } from '../../domain/segments/facts.ts';
import type {
  Attribute,
  Catalogue,
  ListAttribute,
  OneRow,
  RowsAttribute,
  Scalar,
  ValueAttribute,
} from '../../domain/segments/fields.ts';
import { type Db, statement } from '../connection.ts';
import { registrySql, type StoreId } from './compile.ts';

/** Places in the statement that reads facts. */
interface FactTokens {
  storeId: StoreId;
  at: Placeholder;
}

/** A value as facts hold it: instants in milliseconds, numbers of any kind as numbers. */
function factSql({ type, sql: compared, shown = compared }: Scalar, tokens: FactTokens): SQL {
  const expression = registrySql(shown, tokens);
  if (type === 'date' || type === 'days_since')
    return sql`(extract(epoch from ${expression}) * 1000)::bigint`;
  return expression;
}

const rowsOf = (
  { from, stores, customer }: Pick<OneRow, 'from' | 'stores' | 'customer'>,
  { storeId }: FactTokens,
  scope: SQL,
): SQL => {
  const bound = stores.map((column) => sql`${sql.raw(column)} = ${storeId}`);
  const where = sql.join([...bound, sql`${sql.raw(customer)} = customers.id`, scope], sql` and `);
  return sql`from ${registrySql(from, { storeId })} where ${where}`;
};

function listSql(attribute: ListAttribute, tokens: FactTokens): SQL {
  const values = attribute.shown.map((shown) => registrySql(shown, tokens));
  const rows = rowsOf(attribute, tokens, sql`true`);
  return sql`(
    select coalesce(json_agg(distinct value), '[]')
    from (select unnest(array[${sql.join(values, sql`, `)}]) as value ${rows}) listed where value is not null)`;
}

function rowsSql(attribute: RowsAttribute, tokens: FactTokens): SQL {
  const members = Object.entries(attribute.parameters).map(
    ([name, scalar]) => sql`${sql.raw(`'${name}'`)}, ${factSql(scalar, tokens)}`,
  );
  const rows = rowsOf(attribute, tokens, sql.raw(attribute.scope));
  return sql`(select coalesce(json_agg(json_build_object(${sql.join(members, sql`, `)})), '[]') ${rows})`;
}

/** The value in the one row that the customer has, or what stands for none. */
function oneRowSql(attribute: ValueAttribute, of: OneRow, tokens: FactTokens): SQL {
  const value = sql`(select ${factSql(attribute, tokens)} ${rowsOf(of, tokens, registrySql(of.scope, tokens))})`;
  return of.otherwise === undefined ? value : sql`coalesce(${value}, ${sql.raw(String(of.otherwise))})`;
}

function attributeSql(attribute: Attribute, tokens: FactTokens): SQL {
  if (attribute.kind === 'list') return listSql(attribute, tokens);
  if (attribute.kind === 'rows') return rowsSql(attribute, tokens);
  return attribute.of ? oneRowSql(attribute, attribute.of, tokens) : factSql(attribute, tokens);
}

type Row = Record<string, unknown> & { isListed: boolean };

function factsOf(customerId: string, { isListed, ...row }: Row, attributes: readonly Attribute[]): Facts {
  const values: Record<string, FactValue> = {};
  const lists: Record<string, string[]> = {};
  const rows: Record<string, FactRow[]> = {};
  for (const { kind, name } of attributes) {
    if (kind === 'value') values[name] = row[name] as FactValue;
    else if (kind === 'list') lists[name] = row[name] as string[];
    else rows[name] = row[name] as FactRow[];
  }
  return { customerId, isListed, values, lists, rows };
}

type Read = (db: Db, params: { id: string; at: Date }) => Promise<Row[]>;

/** Statements by the expressions they read: one for all stores without custom fields, one for each other set of them. */
const kept = new Map<string, Read>();
const MAX_KEPT = 200;
let count = 0;

function readerOf(attributes: readonly Attribute[]): Read {
  const key = attributes
    .map((attribute) => `${attribute.name} ${'sql' in attribute ? attribute.sql : ''}`)
    .join('\n');
  const known = kept.get(key);
  if (known) return known;
  count += 1;
  const read = statement<{ id: string; at: Date }, Row>(`load_facts_${count}`, ({ storeId, id, at }) => {
    const columns = attributes.map(
      (attribute) => sql`${attributeSql(attribute, { storeId, at })} as ${sql.identifier(attribute.name)}`,
    );
    const listed = sql`customers.account_status not in ('merged', 'erased') as "isListed"`;
    return sql`
      select ${sql.join([listed, ...columns], sql`, `)} from customers
      where customers.store_id = ${storeId} and customers.id = ${id}`;
  });
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(key, read);
  return read;
}

/** What is known of a customer at an instant (ms), merged and erased ones too; undefined when there is none. */
export async function loadFacts(
  db: Db,
  customerId: string,
  { catalogue, at }: { catalogue: Catalogue; at: number },
): Promise<Facts | undefined> {
  const attributes = [...catalogue.values()];
  const [row] = await readerOf(attributes)(db, { id: customerId, at: new Date(at) });
  return row && factsOf(customerId, row, attributes);
}
