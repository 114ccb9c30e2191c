// The counters of customers (C7): written with each change of an order, and counted anew from the orders.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { OrderCounters } from '../domain/order-counters.ts';
import { COUNTED_STATUSES } from '../domain/orders.ts';
import { type Db, statement, type Tx } from './connection.ts';
import { updateRows } from './record-sets.ts';
import { customers } from './tables/customers.ts';

/** The counters of the customers that `range` picks (a condition on `o.customer_id`), as `counterContribution` has it. */
const countedOrders = (
  p: { storeId: Placeholder; currency: Placeholder; statuses: Placeholder },
  range: SQL,
): SQL => sql`
      select o.customer_id, count(*)::integer as orders_count, min(o.placed_at) as first_order_at,
        max(o.placed_at) as last_order_at, (array_agg(o.id order by o.placed_at desc, o.id desc))[1] as last_order_id,
        coalesce(sum(o.total - o.refunded_total) filter (where o.currency = ${p.currency}), 0)::bigint as total_spent,
        coalesce(sum(o.refunded_total) filter (where o.currency = ${p.currency}), 0)::bigint as refunded_total
      from orders o
      where o.store_id = ${p.storeId} and ${range} and not o.is_test and o.status = any(${p.statuses}::text[])
      group by o.customer_id`;

const recount = statement<
  { customerIds: readonly string[]; currency: string; statuses: readonly string[] },
  never
>(
  'recount_orders',
  (p) => sql`
    with counted as (${countedOrders(p, sql`o.customer_id = any(${p.customerIds}::uuid[])`)})
    update customers c set orders_count = coalesce(k.orders_count, 0), total_spent = coalesce(k.total_spent, 0),
      refunded_total = coalesce(k.refunded_total, 0), first_order_at = k.first_order_at,
      last_order_at = k.last_order_at, last_order_id = k.last_order_id
    from unnest(${p.customerIds}::uuid[]) i (id) left join counted k on k.customer_id = i.id
    where c.store_id = ${p.storeId} and c.id = i.id`,
);

/**
 * Counts all counters of these customers anew, where orders changed hands; the rules are `counterContribution`'s.
 * `currency` is the store's. The caller holds the customers' locks and gives them their next version.
 */
export async function recountOrders(tx: Tx, customerIds: readonly string[], currency: string): Promise<void> {
  await recount(tx, { customerIds, currency, statuses: COUNTED_STATUSES });
}

interface OrderDates {
  customerId: string;
  firstOrderAt: Date | null;
  lastOrderAt: Date | null;
  lastOrderId: string | null;
}

const dates = statement<{ customerIds: readonly string[]; statuses: readonly string[] }, OrderDates>(
  'list_order_dates',
  (p) => sql`
    select c.id as "customerId", first.placed_at as "firstOrderAt", last.placed_at as "lastOrderAt",
      last.id as "lastOrderId"
    from unnest(${p.customerIds}::uuid[]) c (id)
    left join lateral (select o.placed_at from orders o
      where o.store_id = ${p.storeId} and o.customer_id = c.id and o.status = any(${p.statuses}::text[])
        and not o.is_test order by o.placed_at, o.id limit 1) first on true
    left join lateral (select o.placed_at, o.id from orders o
      where o.store_id = ${p.storeId} and o.customer_id = c.id and o.status = any(${p.statuses}::text[])
        and not o.is_test order by o.placed_at desc, o.id desc limit 1) last on true`,
);

/** First and last counted order of each customer: one index look-up at each end. */
export const listOrderDates = (tx: Tx, customerIds: readonly string[]): Promise<OrderDates[]> =>
  dates(tx, { customerIds, statuses: COUNTED_STATUSES });

export interface CounterRow extends OrderCounters {
  id: string;
  version: number;
  updatedAt: Date;
}

/** Writes counters and next versions of customers whose locks the caller holds. */
export const updateCounters = updateRows<CounterRow>('update_counters', customers, [
  'ordersCount',
  'totalSpent',
  'refundedTotal',
  'firstOrderAt',
  'lastOrderAt',
  'lastOrderId',
  'version',
  'updatedAt',
]);

/** A customer whose counters are not what the orders say. */
export interface DriftedCustomer {
  id: string;
  stored: OrderCounters;
  expected: OrderCounters;
}

interface CounterColumns {
  id: string;
  isDrifted: boolean;
  ordersCount: number;
  totalSpent: number;
  refundedTotal: number;
  firstOrderAt: Date | null;
  lastOrderAt: Date | null;
  lastOrderId: string | null;
  expectedCount: number;
  expectedSpent: number;
  expectedRefunded: number;
  expectedFirstAt: Date | null;
  expectedLastAt: Date | null;
  expectedLastId: string | null;
}

/** The page's last customer comes back in any case: it says where the next one begins. */
const compare = statement<
  { after: string; limit: number; currency: string; statuses: readonly string[] },
  CounterColumns & { checked: number }
>(
  'compare_counters',
  (p) => sql`
    with page as materialized (
      select c.* from customers c where c.store_id = ${p.storeId} and c.id > ${p.after}::uuid
      order by c.id limit ${p.limit}),
    counted as (${countedOrders(p, sql`o.customer_id > ${p.after}::uuid and o.customer_id <= (select max(id::text)::uuid from page)`)}),
    compared as (
      select c.id, c.account_status <> 'merged' and (c.orders_count, c.total_spent, c.refunded_total, c.first_order_at,
          c.last_order_at, c.last_order_id) is distinct from (coalesce(k.orders_count, 0), coalesce(k.total_spent, 0),
          coalesce(k.refunded_total, 0), k.first_order_at, k.last_order_at, k.last_order_id) as "isDrifted",
        c.orders_count as "ordersCount", c.total_spent as "totalSpent", c.refunded_total as "refundedTotal",
        c.first_order_at as "firstOrderAt", c.last_order_at as "lastOrderAt", c.last_order_id as "lastOrderId",
        coalesce(k.orders_count, 0) as "expectedCount", coalesce(k.total_spent, 0) as "expectedSpent",
        coalesce(k.refunded_total, 0) as "expectedRefunded", k.first_order_at as "expectedFirstAt",
        k.last_order_at as "expectedLastAt", k.last_order_id as "expectedLastId",
        (select count(*) from page)::integer as checked, row_number() over (order by c.id desc) as place
      from page c left join counted k on k.customer_id = c.id)
    select * from compared where "isDrifted" or place = 1 order by id`,
);

export interface CounterPage {
  /** Customers that were looked at. */
  checked: number;
  drifted: DriftedCustomer[];
  /** Where the next page begins; undefined after the last one. */
  next: string | undefined;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * Compares stored and counted counters of up to `limit` customers behind `after`, in one statement and so in one
 * snapshot: a change that commits meanwhile is seen on both sides or on none. Merged customers are nobody's.
 */
export async function compareCounters(
  db: Db,
  { after = NIL_UUID, limit, currency }: { after?: string | undefined; limit: number; currency: string },
): Promise<CounterPage> {
  const rows = await compare(db, { after, limit, currency, statuses: COUNTED_STATUSES });
  const last = rows.at(-1);
  const checked = last?.checked ?? 0;
  return {
    checked,
    drifted: rows.filter((row) => row.isDrifted).map(driftOf),
    next: checked < limit ? undefined : last?.id,
  };
}

function driftOf(row: CounterColumns): DriftedCustomer {
  const { id, ordersCount, totalSpent, refundedTotal, firstOrderAt, lastOrderAt, lastOrderId } = row;
  return {
    id,
    stored: { ordersCount, totalSpent, refundedTotal, firstOrderAt, lastOrderAt, lastOrderId },
    expected: {
      ordersCount: row.expectedCount,
      totalSpent: row.expectedSpent,
      refundedTotal: row.expectedRefunded,
      firstOrderAt: row.expectedFirstAt,
      lastOrderAt: row.expectedLastAt,
      lastOrderId: row.expectedLastId,
    },
  };
}
