// What customers have in the ledger: what stands in the way of deleting them (C6).
import { sql } from 'drizzle-orm';
import { type Db, statement } from '../connection.ts';

export interface LedgerCounts {
  customerId: string;
  /** Currencies with a balance that is not zero. */
  creditAccountsCount: number;
  /** 1 when the balance of points is not zero. */
  pointsAccountsCount: number;
  /** Holds that reserve something at the instant. */
  openHoldsCount: number;
  /** All transfers, those of customers that were merged into this one too: they would go along. */
  ledgerEntriesCount: number;
}

/** Counts for those of the customers that have, or had, anything. */
const countLedgerAmong = statement<{ ids: readonly string[]; at: Date }, LedgerCounts>(
  'count_ledger_among',
  (p) => sql`
    with recursive stands_for (customer_id, id, depth) as (
      select k.id, k.id, 0 from unnest(${p.ids}::uuid[]) k (id)
      union all
      select s.customer_id, c.id, s.depth + 1
      from stands_for s join customers c on c.store_id = ${p.storeId} and c.merged_into_id = s.id
      where s.depth < 100)
    select s.customer_id as "customerId",
      count(*) filter (where a.balance <> 0 and a.unit <> 'points')::integer as "creditAccountsCount",
      count(*) filter (where a.balance <> 0 and a.unit = 'points')::integer as "pointsAccountsCount",
      coalesce(sum(h.count), 0)::integer as "openHoldsCount",
      sum(a.seq)::bigint as "ledgerEntriesCount"
    from stands_for s
    join ledger_accounts a on a.store_id = ${p.storeId} and a.customer_id = s.id
    left join lateral (
      select count(*) from holds h
      where h.store_id = ${p.storeId} and h.account_id = a.id and h.status = 'open' and h.expires_at > ${p.at}) h on true
    group by s.customer_id`,
);

const NOTHING = {
  creditAccountsCount: 0,
  pointsAccountsCount: 0,
  openHoldsCount: 0,
  ledgerEntriesCount: 0,
} as const;

/** The counts of each customer; zero for those without any account. */
export async function ledgerCountsOf(
  db: Db,
  ids: readonly string[],
  at: Date,
): Promise<(customerId: string) => Omit<LedgerCounts, 'customerId'>> {
  const rows = await countLedgerAmong(db, { ids, at });
  const byCustomer = new Map(rows.map(({ customerId, ...counts }) => [customerId, counts]));
  return (customerId) => byCustomer.get(customerId) ?? NOTHING;
}
