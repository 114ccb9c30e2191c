// Orders and their lines.
import { sql } from 'drizzle-orm';
import { type Db, statement } from './connection.ts';

const count = statement<{ customerId: string }, { count: number }>(
  'count_orders_of',
  (p) => sql`
    select count(*)::integer as count from orders where store_id = ${p.storeId} and customer_id = ${p.customerId}`,
);

/** All orders that exist, cancelled and test ones too (C6). */
export async function countOrdersOf(db: Db, customerId: string): Promise<number> {
  return (await count(db, { customerId }))[0]?.count ?? 0;
}
