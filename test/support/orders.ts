// Orders that are simply there, past the API: for tests of what happens to a customer's orders.
import { sql } from 'drizzle-orm';
import { newId } from '../../src/context.ts';
import { execute, transaction } from '../../src/db/connection.ts';
import { recountOrders } from '../../src/db/order-counters.ts';
import type { TestStore } from './harness.ts';

export interface StoredOrder {
  total?: number;
  refundedTotal?: number;
  status?: string;
  currency?: string;
  isTest?: boolean;
  placedAt?: Date;
}

/** Stores orders of a customer and counts them; answers their ids. */
export async function storeOrders(
  store: TestStore,
  customerId: string,
  orders: readonly StoredOrder[],
): Promise<string[]> {
  const rows = orders.map((order) => ({
    id: newId(),
    total: 1000,
    refundedTotal: 0,
    status: 'confirmed',
    currency: 'EUR',
    isTest: false,
    placedAt: new Date('2026-01-01T10:00:00Z'),
    ...order,
  }));
  await transaction(store.ctx().db, async (tx) => {
    await execute(
      tx,
      sql`
        insert into orders (store_id, id, external_id, customer_id, status, refund_status, currency, placed_at,
          platform_updated_at, shipping, tax, taxes_included, discount, total, refunded_total, refunds, coupon_codes,
          is_test, snapshot, version, created_at, updated_at)
        select ${store.storeId}::uuid, o.id, o.id::text, ${customerId}::uuid, o.status, 'none', o.currency, o."placedAt",
          now(), 0, 0, true, 0, o.total, o."refundedTotal", '[]', '{}', o."isTest", '{}', 1, now(), now()
        from json_to_recordset(${JSON.stringify(rows)}::json) o (id uuid, status text, currency text,
          "placedAt" timestamptz, total bigint, "refundedTotal" bigint, "isTest" boolean)`,
    );
    await recountOrders(tx, [customerId], 'EUR');
  });
  return rows.map((row) => row.id);
}
