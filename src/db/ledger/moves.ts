// Lots that move between accounts (C10): what made them, and what became of them since.
import { sql } from 'drizzle-orm';
import type { Lot } from '../../domain/ledger/accounts.ts';
import type { LotRule } from '../../domain/ledger/entries.ts';
import type { ReturnableLot } from '../../domain/ledger/moves.ts';
import { statement, type Tx } from '../connection.ts';

/** What a lot keeps when it moves. */
export interface LotOrigin {
  lotId: string;
  source: string | null;
  rule: LotRule | null;
}

/** Of all open lots of the account, whose lock is held. */
export const listLotOrigins: (tx: Tx, params: { accountId: string }) => Promise<LotOrigin[]> = statement(
  'list_lot_origins',
  (p) => sql`
    select l.id as "lotId", l.source, l.rule from lots l
    where l.store_id = ${p.storeId} and l.account_id = ${p.accountId} and l.is_open`,
);

interface LotsOf {
  accountId: string;
  lotIds: readonly string[];
}

/** These lots of an account whose lock is held, with what was spent of them. */
export const listReturnableLots: (tx: Tx, params: LotsOf) => Promise<ReturnableLot[]> = statement(
  'list_returnable_lots',
  (p) => sql`
    select l.id as "lotId", l.remaining, coalesce(spent.amount, 0)::bigint as spent
    from lots l
    left join lateral (
      select sum(al.amount) as amount from allocations al
      join transfers t on t.store_id = ${p.storeId} and t.id = al.transfer_id and t.kind <> 'expiry'
      where al.store_id = ${p.storeId} and al.account_id = l.account_id and al.lot_id = l.id) spent on true
    where l.store_id = ${p.storeId} and l.account_id = ${p.accountId} and l.id = any(${p.lotIds}::uuid[])`,
);

/** These lots of an account as they are, empty ones too. */
export const listLots: (tx: Tx, params: LotsOf) => Promise<Lot[]> = statement(
  'list_lots_by_id',
  (p) => sql`
    select l.id, l.remaining, l.active_from as "activeFrom", l.expires_at as "expiresAt" from lots l
    where l.store_id = ${p.storeId} and l.account_id = ${p.accountId} and l.id = any(${p.lotIds}::uuid[])`,
);
