// Many rows in one statement: they travel as one JSON text, and Postgres reads them with the column types of the table.
// Next to unnest of one array per column this takes lists and documents as they are, and its text never changes with
// the number of rows, so it is prepared once.
import { getTableColumns, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { statement, type Tx } from './connection.ts';

export interface RecordColumn {
  /** Name of the property in JavaScript, and so in the JSON. */
  property: string;
  name: string;
  type: string;
}

/** The table's columns without its store: that one comes with the connection, never with a row. */
export function columnsOf(table: PgTable, properties?: readonly string[]): RecordColumn[] {
  return Object.entries(getTableColumns(table))
    .filter(([property]) => property !== 'storeId' && (properties?.includes(property) ?? true))
    .map(([property, column]) => ({
      property,
      name: column.name,
      type: column.getSQLType().replace(/ collate .*/, ''),
    }));
}

/** `json_to_recordset` takes the JSON once and gives each property its column's type. */
export const definitionOf = (columns: readonly RecordColumn[]) =>
  sql.raw(columns.map(({ property, type }) => `"${property}" ${type}`).join(', '));

const jsonOf = (rows: readonly object[]) => ({ rows: JSON.stringify(rows) });

/**
 * Inserts rows whose properties are columns of the table; what else they carry is left out. With `quiet`, rows whose
 * key is taken are left out too. Resolves to the ids that were inserted, for tables that have ids.
 */
export function insertRows<Row extends object>(
  name: string,
  table: PgTable,
  options: { quiet?: boolean } = {},
) {
  const columns = columnsOf(table);
  const names = sql.raw(columns.map((column) => `"${column.name}"`).join(', '));
  const values = sql.raw(columns.map((column) => `r."${column.property}"`).join(', '));
  const hasIds = columns.some((column) => column.name === 'id');
  const tail = sql.raw(`${options.quiet ? 'on conflict do nothing' : ''} ${hasIds ? 'returning id' : ''}`);
  const insert = statement<{ rows: string }, { id: string }>(
    name,
    (p) => sql`
      insert into ${table} (store_id, ${names})
      select ${p.storeId}, ${values} from json_to_recordset(${p.rows}::json) as r(${definitionOf(columns)}) ${tail}`,
  );
  return async (tx: Tx, rows: readonly Row[]): Promise<string[]> => {
    if (rows.length === 0) return [];
    return (await insert(tx, jsonOf(rows))).map((row) => row.id);
  };
}

/** Writes these columns of the rows with these ids; the caller holds their locks. */
export function updateRows<Row extends { id: string }>(
  name: string,
  table: PgTable,
  properties: readonly (keyof Row & string)[],
) {
  const columns = columnsOf(table, ['id', ...properties]);
  const set = sql.raw(
    columns
      .filter((column) => column.name !== 'id')
      .map((column) => `"${column.name}" = r."${column.property}"`)
      .join(', '),
  );
  const update = statement<{ rows: string }, never>(
    name,
    (p) => sql`
      update ${table} t set ${set} from json_to_recordset(${p.rows}::json) as r(${definitionOf(columns)})
      where t.store_id = ${p.storeId} and t.id = r."id"`,
  );
  return async (tx: Tx, rows: readonly Row[]): Promise<void> => {
    if (rows.length > 0) await update(tx, jsonOf(rows));
  };
}
