// What the query planner expects of a selection, without running it.
import { sql } from 'drizzle-orm';
import { type Db, execute } from '../connection.ts';
import { resolveNames, type Selection, selectionCondition } from '../customer-selection.ts';

/** `cost` is in the planner's own units: about one for each page that is read in order. */
export interface Estimate {
  customers: number;
  cost: number;
}

type Explained = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number; 'Total Cost': number } }] };

/** How many customers the planner expects, and at what cost. */
export async function estimateSelection(db: Db, selection: Selection): Promise<Estimate> {
  const condition = selectionCondition(db.storeId, await resolveNames(db, selection));
  const [row] = await execute<Explained>(
    db,
    sql`explain (format json) select from customers where ${condition}`,
  );
  const plan = row?.['QUERY PLAN'][0].Plan;
  return { customers: plan?.['Plan Rows'] ?? 0, cost: plan?.['Total Cost'] ?? 0 };
}
