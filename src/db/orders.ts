// Orders and their lines.
import { and, asc, desc, eq, gte, lt, or, type SQL, sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import type { OrderCounters } from '../domain/order-counters.ts';
import { itemKeys, type OrderSort, type OrderStatus, type RefundStatus } from '../domain/orders.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { insertRows, updateRows } from './record-sets.ts';
import { customers } from './tables/customers.ts';
import { orderItems, orders } from './tables/orders.ts';

export type OrderRow = Omit<typeof orders.$inferSelect, 'storeId'>;
type ItemColumns = Omit<typeof orderItems.$inferSelect, 'storeId'>;
export type OrderItemRow = Omit<ItemColumns, 'orderId' | 'position' | 'categoryKeys' | 'tagKeys'>;
/** An order as it is stored, its items in their order. */
export type StoredOrder = OrderRow & { items: OrderItemRow[] };

const count = statement<{ customerId: string }, { count: number }>(
  'count_orders_of',
  (p) => sql`
    select count(*)::integer as count from orders where store_id = ${p.storeId} and customer_id = ${p.customerId}`,
);

/** All orders that exist, cancelled and test ones too (C6). */
export async function countOrdersOf(db: Db, customerId: string): Promise<number> {
  return (await count(db, { customerId }))[0]?.count ?? 0;
}

// Whom orders belong to (O2)

export interface OrderCustomerKeys {
  orderExternalIds: readonly string[];
  ids: readonly string[];
  externalIds: readonly string[];
  emails: readonly string[];
}

export interface OrderCustomerHit {
  via: 'order' | 'id' | 'externalId' | 'email';
  /** The key of `OrderCustomerKeys` that was found. */
  key: string;
  customerId: string;
  accountStatus: AccountStatus;
  orderEmail: string | null;
}

/** Every customer that one of the keys means, in one round trip; merged and erased ones by order and id only. */
export const listOrderCustomers = statement<OrderCustomerKeys, OrderCustomerHit>(
  'list_order_customers',
  (p) => sql`
    select 'order' as via, o.external_id as key, c.id as "customerId", c.account_status as "accountStatus",
      o.email as "orderEmail"
    from orders o join customers c on c.store_id = o.store_id and c.id = o.customer_id
    where o.store_id = ${p.storeId} and c.store_id = ${p.storeId}
      and o.external_id = any(${p.orderExternalIds}::text[])
    union all
    select 'id', c.id::text, c.id, c.account_status, null from customers c
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])
    union all
    select 'externalId', c.external_id, c.id, c.account_status, null from customers c
    where c.store_id = ${p.storeId} and c.external_id = any(${p.externalIds}::text[])
      and c.account_status not in ('merged', 'erased')
    union all
    select 'email', c.email_norm, c.id, c.account_status, null from customers c
    where c.store_id = ${p.storeId} and c.email_norm = any(${p.emails}::text[])
      and c.account_status not in ('merged', 'erased')`,
);

/** What an order needs of its customer: standing, counters (C7) and what the snapshot keeps (O7). */
export interface Purchaser extends OrderCounters {
  id: string;
  accountStatus: AccountStatus;
  wholesale: boolean;
  primaryGroupId: string | null;
  version: number;
  groupIds: string[];
  /** Of an active member. */
  tier: string | null;
}

/** Locks the customers in id order, so that two writers never wait for each other crosswise. */
export const lockPurchasers = statement<{ ids: readonly string[] }, Purchaser>(
  'lock_purchasers',
  (p) => sql`
    select c.id, c.account_status as "accountStatus", c.wholesale, c.primary_group_id as "primaryGroupId", c.version,
      c.orders_count as "ordersCount", c.total_spent as "totalSpent", c.refunded_total as "refundedTotal",
      c.first_order_at as "firstOrderAt", c.last_order_at as "lastOrderAt", c.last_order_id as "lastOrderId",
      array(select gm.group_id from group_members gm
        where gm.store_id = ${p.storeId} and gm.customer_id = c.id order by gm.group_id) as "groupIds",
      (select m.tier from loyalty_members m
        where m.store_id = ${p.storeId} and m.customer_id = c.id and m.status = 'active') as tier
    from customers c where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])
    order by c.id for update`,
);

/** Adds guests; one whose email or externalId somebody has by now is left out. Resolves to the ids that were added. */
export const insertGuests = insertRows<Omit<typeof customers.$inferInsert, 'storeId'> & { id: string }>(
  'insert_guests',
  customers,
  { quiet: true },
);

/** Takes guests back that no order turned out to need, in the transaction that added them. */
export const deleteGuests = statement<{ ids: readonly string[] }, never>(
  'delete_guests',
  (p) => sql`delete from customers where store_id = ${p.storeId} and id = any(${p.ids}::uuid[])`,
);

// Reading orders

const itemFields = {
  productId: orderItems.productId,
  sku: orderItems.sku,
  title: orderItems.title,
  categories: orderItems.categories,
  tags: orderItems.tags,
  quantity: orderItems.quantity,
  unitPrice: orderItems.unitPrice,
  discount: orderItems.discount,
  tax: orderItems.tax,
  isGiftCard: orderItems.isGiftCard,
  total: orderItems.total,
};

const selectItems = prepared<{ orderIds: readonly string[] }>()('list_order_items', (queries, p) =>
  queries
    .select({ orderId: orderItems.orderId, ...itemFields })
    .from(orderItems)
    .where(and(eq(orderItems.storeId, p.storeId), sql`${orderItems.orderId} = any(${p.orderIds}::uuid[])`))
    .orderBy(orderItems.orderId, orderItems.position),
);

async function withItems(db: Db, rows: readonly OrderRow[]): Promise<StoredOrder[]> {
  if (rows.length === 0) return [];
  const found = rows.map((row): StoredOrder => ({ ...row, items: [] }));
  const byId = new Map(found.map((order) => [order.id, order]));
  for (const { orderId, ...item } of await selectItems(db, { orderIds: [...byId.keys()] })) {
    byId.get(orderId)?.items.push(item);
  }
  return found;
}

const selectByExternalIds = prepared<{ externalIds: readonly string[] }>()(
  'list_orders_by_external_id',
  (queries, p) =>
    queries
      .select()
      .from(orders)
      .where(and(eq(orders.storeId, p.storeId), sql`${orders.externalId} = any(${p.externalIds}::text[])`)),
);

/** The stored ones of these orders. */
export const listOrdersByExternalId = async (
  db: Db,
  externalIds: readonly string[],
): Promise<StoredOrder[]> => withItems(db, await selectByExternalIds(db, { externalIds }));

const selectOne = prepared<{ externalId: string; id: string | null }>()('find_order', (queries, p) =>
  queries
    .select()
    .from(orders)
    .where(
      and(
        eq(orders.storeId, p.storeId),
        or(eq(orders.externalId, sql`${p.externalId}::text`), eq(orders.id, sql`${p.id}::uuid`)),
      ),
    ),
);

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** One order by the platform's id, or by ours; the platform's goes first where one text is both. */
export async function findOrder(db: Db, key: string): Promise<StoredOrder | undefined> {
  const rows = await selectOne(db, { externalId: key, id: UUID.test(key) ? key : null });
  const row = rows.find((order) => order.externalId === key) ?? rows[0];
  return row && (await withItems(db, [row]))[0];
}

const selectOfCustomer = prepared<{ customerId: string }>()('list_all_orders_of', (queries, p) =>
  queries
    .select()
    .from(orders)
    .where(and(eq(orders.storeId, p.storeId), eq(orders.customerId, p.customerId))),
);

/** Every order of one customer, for insights. */
export const listAllOrdersOf = async (db: Db, customerId: string): Promise<StoredOrder[]> =>
  withItems(db, await selectOfCustomer(db, { customerId }));

/** Value of the sort column and id of the row; instants as RFC 3339. */
export type OrderKey = readonly [value: string | number, id: string];

export interface OrderFilter {
  customerId?: string | undefined;
  status?: OrderStatus | undefined;
  refundStatus?: RefundStatus | undefined;
  /** From this instant on. */
  placedFrom?: Date | undefined;
  /** Before this instant. */
  placedBefore?: Date | undefined;
}

const SORT_COLUMNS = { placedAt: orders.placedAt, total: orders.total } as const;

function sortOf(sort: OrderSort) {
  const descending = sort.startsWith('-');
  const column = SORT_COLUMNS[sort.replace('-', '') as keyof typeof SORT_COLUMNS];
  const direction = descending ? desc : asc;
  return {
    column,
    order: [direction(column), direction(orders.id)],
    beyond: sql.raw(descending ? '<' : '>'),
  };
}

export function orderKeyOf(order: OrderRow, sort: OrderSort): OrderKey {
  return [sort.endsWith('total') ? order.total : order.placedAt.toISOString(), order.id];
}

function conditionOf(db: Db, filter: OrderFilter): SQL | undefined {
  const { customerId, status, refundStatus, placedFrom, placedBefore } = filter;
  return and(
    eq(orders.storeId, db.storeId),
    customerId === undefined ? undefined : eq(orders.customerId, customerId),
    status === undefined ? undefined : eq(orders.status, status),
    refundStatus === undefined ? undefined : eq(orders.refundStatus, refundStatus),
    placedFrom === undefined ? undefined : gte(orders.placedAt, placedFrom),
    placedBefore === undefined ? undefined : lt(orders.placedAt, placedBefore),
  );
}

/** A page of orders with their items. */
export async function listOrders(
  db: Db,
  filter: OrderFilter,
  sort: OrderSort,
  { after, limit }: PageStart<OrderKey>,
): Promise<StoredOrder[]> {
  const { column, order, beyond } = sortOf(sort);
  const start = after && sql`(${column}, ${orders.id}) ${beyond} (${after[0]}, ${after[1]}::uuid)`;
  const rows = await db.use(({ queries }) =>
    queries
      .select()
      .from(orders)
      .where(and(conditionOf(db, filter), start))
      .orderBy(...order)
      .limit(limit),
  );
  return withItems(db, rows);
}

// Writing orders

const insertRowsOfOrders = insertRows<OrderRow>('insert_orders', orders, { quiet: true });
const insertRowsOfItems = insertRows<ItemColumns>('insert_order_items', orderItems);

const itemRowsOf = (order: StoredOrder) =>
  order.items.map((item, position) => ({ ...item, ...itemKeys(item), orderId: order.id, position }));

/** Resolves to the number of orders that were added: fewer when another writer took one of the externalIds meanwhile. */
export async function insertOrders(tx: Tx, list: readonly StoredOrder[]): Promise<number> {
  const ids = await insertRowsOfOrders(tx, list);
  if (ids.length === list.length) await insertRowsOfItems(tx, list.flatMap(itemRowsOf));
  return ids.length;
}

const updateRowsOfOrders = updateRows<OrderRow>('update_orders', orders, [
  'customerId',
  'status',
  'refundStatus',
  'currency',
  'placedAt',
  'platformUpdatedAt',
  'shipping',
  'tax',
  'taxesIncluded',
  'discount',
  'total',
  'refundedTotal',
  'refunds',
  'creditPaid',
  'pointsPaid',
  'deliveredAt',
  'paymentMethod',
  'channel',
  'couponCodes',
  'email',
  'isTest',
  'shippingAddress',
  'billingAddress',
  'version',
  'updatedAt',
]);

const deleteItems = statement<{ orderIds: readonly string[] }, never>(
  'delete_order_items',
  (p) => sql`delete from order_items where store_id = ${p.storeId} and order_id = any(${p.orderIds}::uuid[])`,
);

/** Writes the orders as they are now; the snapshot of O7 and the time of their arrival stay. */
export const updateOrders = (tx: Tx, list: readonly OrderRow[]): Promise<void> =>
  updateRowsOfOrders(tx, list);

/** Puts the items of these orders in place of the stored ones. */
export async function replaceItems(tx: Tx, list: readonly StoredOrder[]): Promise<void> {
  if (list.length === 0) return;
  await deleteItems(tx, { orderIds: list.map((order) => order.id) });
  await insertRowsOfItems(tx, list.flatMap(itemRowsOf));
}
