// How many customers are selected: counted, or as the planner expects.
import { sql } from 'drizzle-orm';
import { searchTerm } from '../domain/customer-filter.ts';
import { type Db, execute } from './connection.ts';
import { resolveNames, type Selection, selectionCondition } from './customer-selection.ts';

/** How many customers a quick search finds, counted up to `limit`. */
export async function countHits(db: Db, q: string, limit: number): Promise<number> {
  const hits = sql`matching_customers(${searchTerm(q)}, ${limit})`;
  const [row] = await execute<{ hits: number }>(db, sql`select count(*) as hits from ${hits}`);
  return row?.hits ?? 0;
}

/** How many customers are selected. */
export async function countCustomers(db: Db, selection: Selection): Promise<number> {
  const condition = selectionCondition(db.storeId, await resolveNames(db, selection));
  const [row] = await execute<{ total: number }>(
    db,
    sql`select count(*) as total from customers where ${condition}`,
  );
  return row?.total ?? 0;
}

/** What the query planner expects. `cost` is in its own units: about one for each page that is read in order. */
export interface Estimate {
  customers: number;
  cost: number;
}

type Explained = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number; 'Total Cost': number } }] };

/** How many customers the planner expects to be selected, and at what cost; costs the planning alone. */
export async function estimateSelection(db: Db, selection: Selection): Promise<Estimate> {
  const condition = selectionCondition(db.storeId, await resolveNames(db, selection));
  const [row] = await execute<Explained>(
    db,
    sql`explain (format json) select from customers where ${condition}`,
  );
  const plan = row?.['QUERY PLAN'][0].Plan;
  return { customers: plan?.['Plan Rows'] ?? 0, cost: plan?.['Total Cost'] ?? 0 };
}

/** How many customers the planner expects to be selected. */
export const estimateCustomers = async (db: Db, selection: Selection): Promise<number> =>
  (await estimateSelection(db, selection)).customers;
