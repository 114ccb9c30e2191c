// Programmes and orders for tests of points.
import type { OrderDelivery } from '../../src/actions/orders.ts';
import { DEFAULT_PROGRAMME, type ProgrammeSettings } from '../../src/domain/loyalty/programme.ts';
import type { TestDatabase, TestStore } from './harness.ts';
import { incoming, item } from './order-examples.ts';

/** A point for each 1.00, at once, for good, without tiers. */
export const programme = (changes: Partial<ProgrammeSettings> = {}): ProgrammeSettings => ({
  ...DEFAULT_PROGRAMME,
  pending: { basis: 'order', days: 0 },
  expiry: { kind: 'none' },
  tiers: null,
  ...changes,
});

export const minute = (count: number): Date => new Date(Date.UTC(2026, 0, 1, 0, count));

/** An order of 100.00 by `ann@example.com`, placed in minute 0, unless told. */
export function delivery(
  externalId: string,
  {
    email = 'ann@example.com',
    total = 10_000,
    minutes = 0,
    ...changes
  }: Partial<OrderDelivery['order']> & { minutes?: number } = {},
): OrderDelivery {
  const order = incoming({
    email,
    shippingAddress: null,
    placedAt: minute(0),
    platformUpdatedAt: minute(minutes),
    items: [item({ unitPrice: total })],
    total,
    ...changes,
  });
  return { externalId, customer: {}, order };
}

/** What of somebody's points the database has, by email; in all customers, if it is left out. */
export async function pointsIn(
  database: TestDatabase,
  store: TestStore,
  email = 'ann@example.com',
): Promise<{ balance: number; earned: number; pending: number; tier: string | null }> {
  const { rows } = await database.owner.query(
    `select coalesce(a.balance, 0)::integer as balance, coalesce(m.points_earned, 0)::integer as earned, m.tier,
      coalesce((select sum(l.remaining) from lots l
        where l.account_id = a.id and l.active_from > now()), 0)::integer as pending
    from customers c
    left join ledger_accounts a on a.store_id = c.store_id and a.customer_id = c.id and a.unit = 'points'
    left join loyalty_members m on m.store_id = c.store_id and m.customer_id = c.id
    where c.store_id = $1 and c.email_norm = $2`,
    [store.storeId, email],
  );
  return rows[0] ?? { balance: 0, earned: 0, pending: 0, tier: null };
}

/** Rows that should not be: books that do not agree with themselves, or members that do not agree with their earnings. */
export async function pointsFaults(database: TestDatabase, store: TestStore): Promise<unknown[]> {
  const { rows } = await database.owner.query(
    `select 'balance' as fault, a.id from ledger_accounts a where a.store_id = $1 and (
        a.balance <> (select coalesce(sum(case when t.is_credit then t.amount else -t.amount end), 0)
          from transfers t where t.account_id = a.id)
        or a.balance <> (select coalesce(sum(l.remaining), 0) from lots l where l.account_id = a.id) - a.overdraft)
    union all select 'member', m.customer_id from loyalty_members m where m.store_id = $1
      and m.points_earned <> (select coalesce(sum(e.points - e.reversed), 0) from loyalty_earnings e
        where e.store_id = $1 and e.customer_id = m.customer_id)
    union all select 'earning', e.id from loyalty_earnings e where e.store_id = $1 and not exists (
      select from transfers t where t.id = e.transfer_id and t.amount = e.points and t.kind = 'earn')`,
    [store.storeId],
  );
  return rows;
}
