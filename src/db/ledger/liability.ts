// The sums of the liability report, in one statement and so in one snapshot: lots, accounts and transfers add up to the
// same whatever is written meanwhile.
import { type SQL, sql } from 'drizzle-orm';
import type { LiabilityFacts } from '../../domain/ledger/liability.ts';
import { type Db, execute } from '../connection.ts';

export interface LiabilityQuestion {
  /** The books as they stood then, with what counted then. */
  at: Date;
  timezone: string;
  /** Lots that were active before these are in the 2nd, 3rd … band of age. */
  ageBounds: readonly Date[];
  historySince: Date;
  forecastUntil: Date;
}

const instant = (date: Date): SQL => sql`${date}::timestamptz`;

/** What was written after the instant, and what of lots it changed: taken back in thought. */
const LATER = (storeId: string, at: SQL): SQL => sql`
  later as materialized (
    select t.account_id, t.seq, t.id, case when t.is_credit then t.amount else -t.amount end as amount
    from transfers t where t.store_id = ${storeId} and t.recorded_at > ${at}),
  undone as materialized (
    select al.account_id, al.lot_id, al.transfer_id, al.amount from later
    join allocations al on al.store_id = ${storeId} and al.account_id = later.account_id and al.seq = later.seq),
  returned as materialized (
    select account_id, lot_id, sum(amount)::bigint as amount from undone group by account_id, lot_id)`;

/** Live holds by lot. One that was closed after the instant was open then. */
const RESERVED = (storeId: string, at: SQL): SQL => sql`
  reserved as materialized (
    select h.account_id, (share->>'lotId')::uuid as lot_id, sum((share->>'amount')::bigint)::bigint as amount
    from holds h cross join lateral jsonb_array_elements(h.lots) share
    where h.store_id = ${storeId} and h.created_at <= ${at} and h.expires_at > ${at}
      and (h.status = 'open' or h.closed_at > ${at})
    group by 1, 2)`;

/** Lots as they were, each with what of it is held; the rest of it is active, pending or expired as a whole. */
const OPEN_LOTS = (storeId: string, at: SQL): SQL => sql`
  open_lots as (
    select l.account_id, l.active_from, l.expires_at, l.remaining + coalesce(returned.amount, 0) as remaining,
      coalesce(reserved.amount, 0) as held
    from lots l
    left join returned on returned.account_id = l.account_id and returned.lot_id = l.id
    left join reserved on reserved.account_id = l.account_id and reserved.lot_id = l.id
    where l.store_id = ${storeId} and l.created_at <= ${at} and (l.is_open or returned.amount > 0))`;

const monthOf = (timezone: string): SQL =>
  sql`date_trunc('month', l.expires_at at time zone ${timezone}::text)`;

const CELLS = (storeId: string, { at, timezone, ageBounds }: LiabilityQuestion): SQL => {
  const now = instant(at);
  const bands = sql.join(
    ageBounds.map((bound) => sql`(l.active_from <= ${instant(bound)})::integer`),
    sql` + `,
  );
  return sql`
    cells as (
      select a.unit, ${bands} as band, to_char(${monthOf(timezone)}, 'YYYY-MM') as month, count(*)::integer as lots,
        coalesce(sum(l.remaining - l.held) filter (
          where l.active_from <= ${now} and (l.expires_at is null or l.expires_at > ${now})), 0)::bigint as active,
        coalesce(sum(l.remaining - l.held) filter (where l.active_from > ${now}), 0)::bigint as pending,
        sum(l.held)::bigint as held,
        coalesce(sum(l.remaining - l.held) filter (where l.expires_at <= ${now}), 0)::bigint as expired
      from open_lots l join ledger_accounts a on a.store_id = ${storeId} and a.id = l.account_id
      group by a.unit, band, ${monthOf(timezone)})`;
};

/** All lots that expire in the history or the forecast. What a merge brought counts where it came from. */
const EXPIRING = (storeId: string, question: LiabilityQuestion): SQL => {
  const { at, timezone, historySince, forecastUntil } = question;
  const now = instant(at);
  return sql`
    moved as materialized (
      select t.id from transfers t where t.store_id = ${storeId} and t.kind = 'merge_in'),
    expiring as (
      select a.unit, to_char(${monthOf(timezone)}, 'YYYY-MM') as month, l.expires_at <= ${now} as "isPast",
        coalesce(sum(l.amount) filter (where moved.id is null), 0)::bigint as amount,
        coalesce(sum(l.remaining) filter (where l.expires_at <= ${now}), 0)::bigint as unbooked
      from lots l join ledger_accounts a on a.store_id = ${storeId} and a.id = l.account_id
      left join moved on moved.id = l.transfer_id
      where l.store_id = ${storeId} and l.created_at <= ${now}
        and l.expires_at > ${instant(historySince)} and l.expires_at < ${instant(forecastUntil)}
      group by a.unit, ${monthOf(timezone)}, "isPast")`;
};

const SUMS = (storeId: string, { at, historySince }: LiabilityQuestion): SQL => {
  const now = instant(at);
  return sql`
    entries as (
      select t.unit,
        sum(case when t.is_credit then t.amount else -t.amount end)::bigint as entries,
        coalesce(sum(t.amount) filter (
          where t.kind = 'expiry' and t.effective_at > ${instant(historySince)}), 0)::bigint as booked
      from transfers t where t.store_id = ${storeId} and t.recorded_at <= ${now} group by t.unit),
    later_by_account as (select account_id, sum(amount)::bigint as amount from later group by account_id),
    covered as (
      select undone.transfer_id, sum(undone.amount)::bigint as amount from undone
      where undone.amount > 0 and undone.transfer_id not in (select id from later) group by undone.transfer_id),
    balances as (
      select a.unit, count(*)::integer as accounts, sum(a.balance - coalesce(l.amount, 0))::bigint as balances
      from ledger_accounts a left join later_by_account l on l.account_id = a.id
      where a.store_id = ${storeId} and a.created_at <= ${now} group by a.unit),
    owing as (
      select t.unit, sum(o.remaining + coalesce(c.amount, 0))::bigint as overdrafts
      from overdrafts o join transfers t on t.store_id = ${storeId} and t.id = o.transfer_id
      left join covered c on c.transfer_id = o.transfer_id
      where o.store_id = ${storeId} and t.recorded_at <= ${now} group by t.unit),
    sums as (
      select b.unit, b.accounts, b.balances, coalesce(e.entries, 0) as entries,
        coalesce(o.overdrafts, 0) as overdrafts, coalesce(e.booked, 0) as booked
      from balances b left join entries e on e.unit = b.unit left join owing o on o.unit = b.unit)`;
};

/** Everything that the report adds up. */
export async function readLiability(db: Db, question: LiabilityQuestion): Promise<LiabilityFacts> {
  const { storeId } = db;
  const now = instant(question.at);
  const parts = [
    LATER(storeId, now),
    RESERVED(storeId, now),
    OPEN_LOTS(storeId, now),
    CELLS(storeId, question),
    EXPIRING(storeId, question),
    SUMS(storeId, question),
  ];
  const [facts] = await execute<LiabilityFacts>(
    db,
    sql`with ${sql.join(parts, sql`, `)}
      select coalesce((select json_agg(c) from cells c), '[]') as cells,
        coalesce((select json_agg(s order by s.unit) from sums s), '[]') as sums,
        coalesce((select json_agg(e) from expiring e), '[]') as expiring`,
  );
  return facts ?? { cells: [], sums: [], expiring: [] };
}
