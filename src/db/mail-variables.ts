// What mails tell of customers and orders, for many of them in one statement each.
import { sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import type { OrderAddress } from '../domain/orders.ts';
import { statement } from './connection.ts';

/** A customer as mails need it, with the membership. */
export interface MailCustomer {
  id: string;
  accountStatus: AccountStatus;
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  language: string | null;
  timezone: string | null;
  ordersCount: number;
  totalSpent: number;
  lastOrderAt: Date | null;
  registeredAt: Date | null;
  custom: Record<string, unknown>;
  /** Null: no member. */
  referralCode: string | null;
  tier: string | null;
  tierSince: Date | null;
  periodEndsAt: Date | null;
}

export const listMailCustomers = statement<{ ids: readonly string[] }, MailCustomer>(
  'list_mail_customers',
  (p) => sql`
    select c.id, c.account_status as "accountStatus", c.email, c.phone, c.first_name as "firstName",
      c.last_name as "lastName", c.company, c.language, c.timezone, c.orders_count as "ordersCount",
      c.total_spent as "totalSpent", c.last_order_at as "lastOrderAt", c.registered_at as "registeredAt", c.custom,
      m.referral_code as "referralCode", m.tier, m.tier_since as "tierSince", m.period_ends_at as "periodEndsAt"
    from customers c
    left join loyalty_members m on m.store_id = ${p.storeId} and m.customer_id = c.id and m.status = 'active'
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])`,
);

export interface MailOrderItem {
  title: string;
  sku: string | null;
  quantity: number;
  unitPrice: number;
  discount: number;
  total: number;
}

/** An order as mails need it. */
export interface MailOrder {
  id: string;
  number: string;
  currency: string;
  placedAt: Date;
  shipping: number;
  discount: number;
  tax: number;
  total: number;
  shippingAddress: OrderAddress | null;
  items: MailOrderItem[];
}

export const listMailOrders = statement<{ ids: readonly string[] }, MailOrder>(
  'list_mail_orders',
  (p) => sql`
    select o.id, o.external_id as number, o.currency, o.placed_at as "placedAt", o.shipping, o.discount, o.tax, o.total,
      o.shipping_address as "shippingAddress",
      coalesce((
        select json_agg(json_build_object('title', i.title, 'sku', i.sku, 'quantity', i.quantity,
          'unitPrice', i.unit_price, 'discount', i.discount, 'total', i.total) order by i.position)
        from order_items i where i.store_id = ${p.storeId} and i.order_id = o.id), '[]') as items
    from orders o where o.store_id = ${p.storeId} and o.id = any(${p.ids}::uuid[])`,
);
