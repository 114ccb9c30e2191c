// What is known about one customer when a query is asked about them: the value of every attribute under its name.
import type { ListAttribute, RowsAttribute, ValueAttribute } from './fields.ts';

/** A value as its type has it (fields.ts); null where it is missing. */
export type FactValue = number | string | boolean | null;
/** One row of a function: the value of each parameter under its name, several for parameters that have many. */
export type FactRow = Readonly<Record<string, FactValue | readonly string[]>>;

export interface Facts {
  customerId: string;
  /** False for merged and erased customers, whom no query finds. */
  isListed: boolean;
  values: Readonly<Record<string, FactValue>>;
  lists: Readonly<Record<string, readonly string[]>>;
  rows: Readonly<Record<string, readonly FactRow[]>>;
}

export const valueIn = (facts: Facts, { name }: Pick<ValueAttribute, 'name'>): FactValue =>
  facts.values[name] ?? null;
export const listIn = (facts: Facts, { name }: Pick<ListAttribute, 'name'>): readonly string[] =>
  facts.lists[name] ?? [];
export const rowsIn = (facts: Facts, { name }: Pick<RowsAttribute, 'name'>): readonly FactRow[] =>
  facts.rows[name] ?? [];
