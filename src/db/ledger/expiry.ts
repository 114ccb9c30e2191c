// Lots that have expired and are still open: what the expiry job has to book.
import { sql } from 'drizzle-orm';
import { type Db, statement, type Tx } from '../connection.ts';
import type { AccountKey } from './accounts.ts';

/** Where a walk over expired lots stands: after this one. */
export interface LotPosition {
  expiresAt: string;
  accountId: string;
  lotId: string;
}

/** An expired lot of which something is left, and whose it is. */
export interface DueLot extends LotPosition, AccountKey {}

const due = statement<LotPosition & { at: Date; limit: number }, DueLot>(
  'list_expired_lots',
  (p) => sql`
    select l.expires_at::text as "expiresAt", l.account_id as "accountId", l.id as "lotId",
      a.customer_id as "customerId", a.unit
    from (
      select expires_at, account_id, id from lots
      where store_id = ${p.storeId} and is_open and expires_at <= ${p.at}
        and (expires_at, account_id, id) > (${p.expiresAt}::timestamptz, ${p.accountId}::uuid, ${p.lotId}::uuid)
      order by expires_at, account_id, id limit ${p.limit}) l
    join ledger_accounts a on a.store_id = ${p.storeId} and a.id = l.account_id
    order by l.expires_at, l.account_id, l.id`,
);

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';
/** Before all lots. */
export const FIRST_LOT: LotPosition = { expiresAt: '-infinity', accountId: BEFORE_ALL, lotId: BEFORE_ALL };

/** The next lots that have expired by `at`, soonest first. */
export const listDueLots = (
  db: Db,
  { after = FIRST_LOT, ...rest }: { after?: LotPosition | undefined; at: Date; limit: number },
): Promise<DueLot[]> => due(db, { ...after, ...rest });

/** What happened to a lot before this booking of it. */
export interface LotPast {
  lotId: string;
  /** How often it was booked as expired. */
  expiries: number;
  /** When something was last given back to it; null = never. */
  returnedAt: Date | null;
}

const pasts = statement<{ accountIds: readonly string[]; lotIds: readonly string[] }, LotPast>(
  'list_lot_pasts',
  (p) => sql`
    select al.lot_id as "lotId", count(*) filter (where t.kind = 'expiry')::integer as expiries,
      max(t.effective_at) filter (where al.amount < 0) as "returnedAt"
    from unnest(${p.accountIds}::uuid[], ${p.lotIds}::uuid[]) k (account_id, lot_id)
    join allocations al on al.store_id = ${p.storeId} and al.account_id = k.account_id and al.lot_id = k.lot_id
    join transfers t on t.store_id = ${p.storeId} and t.id = al.transfer_id
    group by al.lot_id`,
);

/** Of lots that were touched before; the caller holds their accounts' locks. */
export async function listLotPasts(
  tx: Tx,
  lots: readonly { accountId: string; lotId: string }[],
): Promise<Map<string, LotPast>> {
  const rows = await pasts(tx, {
    accountIds: lots.map(({ accountId }) => accountId),
    lotIds: lots.map(({ lotId }) => lotId),
  });
  return new Map(rows.map((row) => [row.lotId, row]));
}
