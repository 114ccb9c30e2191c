// An account as it was, added up from its entries (L9).
import { sql } from 'drizzle-orm';
import type { Overdraft } from '../../domain/ledger/accounts.ts';
import type { AsOf, AsOfSums } from '../../domain/ledger/as-of.ts';
import { type Db, statement } from '../connection.ts';
import { holdOf, lotOf, type StoredHold, type StoredLot } from './accounts.ts';

interface SumsRow {
  balance: number;
  seq: number;
  hash: string;
  lots: StoredLot[] | null;
  holds: StoredHold[] | null;
  overdrafts: Overdraft[] | null;
}

/**
 * A transfer counts when it was recorded and is effective; what it took from a lot, when the transfer that wrote that down
 * counts too. What was recorded by an instant ends at a number of the chain, never in between. Of a hold that was extended
 * only the last end is known.
 */
const sums = statement<AsOf & { accountId: string; earlier: Date }, SumsRow>(
  'sum_ledger_account_as_of',
  (p) => sql`
    with known as (
      select t.seq, encode(t.hash, 'hex') as hash from transfers t
      where t.store_id = ${p.storeId} and t.account_id = ${p.accountId} and t.recorded_at <= ${p.recordedAt}
      order by t.seq desc limit 1
    ), counted as (
      select t.id, t.seq, case when t.is_credit then t.amount else -t.amount end as amount from transfers t
      where t.store_id = ${p.storeId} and t.account_id = ${p.accountId} and t.seq <= (select seq from known)
        and t.effective_at <= ${p.effectiveAt}
    ), shares as (
      select al.lot_id, al.transfer_id, al.amount, al.seq > own.seq as is_late
      from allocations al
      join counted own on own.id = al.transfer_id
      join counted written on written.seq = al.seq
      where al.store_id = ${p.storeId} and al.account_id = ${p.accountId}
    ), lot_sums as (
      select l.id, l.active_from, l.expires_at,
        case when opening.id is null then 0 else l.amount end - coalesce(taken.amount, 0) as remaining
      from lots l
      left join counted opening on opening.id = l.transfer_id
      left join (select lot_id, sum(amount) as amount from shares group by lot_id) taken on taken.lot_id = l.id
      where l.store_id = ${p.storeId} and l.account_id = ${p.accountId}
    ), overdraft_sums as (
      select o.transfer_id, o.amount - coalesce(covered.amount, 0) as remaining
      from overdrafts o
      join counted own on own.id = o.transfer_id
      left join (select transfer_id, sum(amount) as amount from shares where is_late group by transfer_id) covered
        on covered.transfer_id = o.transfer_id
      where o.store_id = ${p.storeId} and o.account_id = ${p.accountId}
    )
    select
      coalesce((select sum(amount) from counted), 0)::bigint as balance,
      coalesce((select seq from known), 0) as seq,
      coalesce((select hash from known), '') as hash,
      (select json_agg(json_build_object('id', l.id, 'remaining', l.remaining, 'activeFrom', l.active_from,
          'expiresAt', l.expires_at))
        from lot_sums l where l.remaining <> 0) as lots,
      (select json_agg(json_build_object('id', h.id, 'status', 'open', 'amount', h.amount, 'lots', h.lots,
          'captured', 0, 'transferId', null, 'expiresAt', h.expires_at) order by h.id)
        from holds h where h.store_id = ${p.storeId} and h.account_id = ${p.accountId} and h.created_at <= ${p.earlier}
          and h.expires_at > ${p.effectiveAt} and (h.closed_at is null or h.closed_at > ${p.earlier})) as holds,
      (select json_agg(json_build_object('transferId', o.transfer_id, 'remaining', o.remaining))
        from overdraft_sums o where o.remaining > 0) as overdrafts`,
);

/** The account's entries that count at this instant of both axes. */
export async function sumAccountAsOf(
  db: Db,
  accountId: string,
  { effectiveAt, recordedAt }: AsOf,
): Promise<AsOfSums> {
  const earlier = effectiveAt < recordedAt ? effectiveAt : recordedAt;
  const [row] = await sums(db, { accountId, effectiveAt, recordedAt, earlier });
  const { lots, holds, overdrafts, ...totals } = row as SumsRow;
  return {
    ...totals,
    lots: (lots ?? []).map(lotOf),
    holds: (holds ?? []).map(holdOf),
    overdrafts: overdrafts ?? [],
  };
}
