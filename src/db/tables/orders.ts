// Orders and their lines, as the store platform tells them.
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type {
  OrderAddress,
  OrderRefund,
  OrderSnapshot,
  OrderStatus,
  RefundStatus,
} from '../../domain/orders.ts';
import { id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';

const money = (name: string) => bigint(name, { mode: 'number' }).notNull();

export const orders = pgTable(
  'orders',
  {
    storeId: storeId(),
    id: id(),
    externalId: keyText('external_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    status: keyText('status').$type<OrderStatus>().notNull(),
    refundStatus: keyText('refund_status').$type<RefundStatus>().notNull(),
    currency: keyText('currency').notNull(),
    placedAt: instant('placed_at').notNull(),
    /** O3: the platform's time of this version; older ones are ignored. */
    platformUpdatedAt: instant('platform_updated_at').notNull(),
    shipping: money('shipping'),
    tax: money('tax'),
    taxesIncluded: boolean('taxes_included').notNull(),
    discount: money('discount'),
    total: money('total'),
    refundedTotal: money('refunded_total'),
    refunds: jsonb('refunds').$type<OrderRefund[]>().notNull(),
    /** Parts of `total` that were paid with store credit and with points: they earn nothing (P1). */
    creditPaid: money('credit_paid').default(0),
    pointsPaid: money('points_paid').default(0),
    /** When the platform first told that the goods had arrived (P3). */
    deliveredAt: instant('delivered_at'),
    paymentMethod: text('payment_method'),
    channel: text('channel'),
    couponCodes: text('coupon_codes').array().notNull(),
    email: text('email'),
    isTest: boolean('is_test').notNull(),
    shippingAddress: jsonb('shipping_address').$type<OrderAddress | null>(),
    billingAddress: jsonb('billing_address').$type<OrderAddress | null>(),
    /** O7: groups and price basis that applied when the order was placed. */
    snapshot: jsonb('snapshot').$type<OrderSnapshot>().notNull(),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'orders_pk', columns: [table.storeId, table.id] }),
    unique('orders_external_id_unique').on(table.storeId, table.externalId),
    foreignKey({
      name: 'orders_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('restrict'),
    index('orders_by_customer').on(table.storeId, table.customerId, table.placedAt, table.id),
    index('orders_by_placed').on(table.storeId, table.placedAt, table.id),
    check('orders_money_valid', sql`total >= 0 and refunded_total >= 0 and refunded_total <= total`),
  ],
);

export const orderItems = pgTable(
  'order_items',
  {
    storeId: storeId(),
    orderId: uuid('order_id').notNull(),
    position: smallint('position').notNull(),
    productId: keyText('product_id'),
    sku: keyText('sku'),
    title: text('title').notNull(),
    categories: text('categories').array().notNull(),
    tags: text('tags').array().notNull().default([]),
    /** Each category and tag once, as segments compare them. */
    categoryKeys: text('category_keys').array().notNull().default([]),
    tagKeys: text('tag_keys').array().notNull().default([]),
    isGiftCard: boolean('is_gift_card').notNull().default(false),
    quantity: integer('quantity').notNull(),
    unitPrice: money('unit_price'),
    discount: money('discount'),
    tax: money('tax'),
    total: money('total'),
  },
  (table) => [
    primaryKey({ name: 'order_items_pk', columns: [table.storeId, table.orderId, table.position] }),
    foreignKey({
      name: 'order_items_order_fk',
      columns: [table.storeId, table.orderId],
      foreignColumns: [orders.storeId, orders.id],
    }).onDelete('cascade'),
    check('order_items_quantity_valid', sql`quantity > 0`),
  ],
);
