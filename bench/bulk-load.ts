// How benches fill tables: many rows in one transaction without triggers and plain indexes, by dice that fall the same
// way each time, whatever the plan of the statement.
import type pg from 'pg';

const saltOf = (name: string): number =>
  [...name].reduce((salt, letter) => (salt * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003, 0);

/** SQL of a number from 0 to 1 (excluded) for the bigint expression `n`; each name is a die of its own. */
export const roll = (n: string, name: string): string =>
  `((hashint8extended(${n}, ${saltOf(name)}) & 1073741823)::float8 / 1073741824)`;

/** SQL of one of the words, each as often as its share says; the shares are whole numbers, none of them large. */
export function spread(n: string, name: string, shares: Readonly<Record<string, number>>): string {
  const faces = Object.entries(shares).flatMap(([word, share]) => Array<string>(share).fill(`'${word}'`));
  return `(array[${faces.join()}])[1 + floor(${faces.length} * ${roll(n, name)})::int]`;
}

/** Indexes that hold no constraint: built after the rows they cost a third. */
const PLAIN_INDEXES = `
  select indexname as name, indexdef as definition from pg_indexes
  where schemaname = 'public' and tablename = any($1) and indexdef not like 'CREATE UNIQUE%'`;

/** Runs `work`, which fills `tables`, in one transaction. `client` is a superuser. */
export async function bulkLoad(
  client: pg.ClientBase,
  tables: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  await client.query('begin');
  await client.query(`set local session_replication_role = replica`);
  await client.query(`set local maintenance_work_mem = '512MB'`);
  await client.query(`set local work_mem = '512MB'`);
  const indexes = (await client.query<{ name: string; definition: string }>(PLAIN_INDEXES, [tables])).rows;
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  await work();
  for (const { definition } of indexes) await client.query(definition);
  await client.query('commit');
  await client.query(`vacuum (analyze) ${tables.join()}`);
}
