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

/**
 * The transfers that the whole is corrected by: those after the instant are taken back in thought, with what they changed
 * of lots; those that a merge brought open lots that count where they came from.
 */
const MARKED = (storeId: string, at: SQL): SQL => sql`
  marked as materialized (
    select t.id, t.account_id, t.seq, t.recorded_at > ${at} as is_later,
      case when t.is_credit then t.amount else -t.amount end as amount
    from transfers t where t.store_id = ${storeId} and (t.recorded_at > ${at} or t.kind = 'merge_in')),
  undone as materialized (
    select al.account_id, al.lot_id, al.transfer_id, al.amount from marked
    join allocations al on al.store_id = ${storeId} and al.account_id = marked.account_id and al.seq = marked.seq
    where marked.is_later),
  returned as (
    select account_id, lot_id, sum(amount)::bigint as amount from undone group by account_id, lot_id)`;

/** Live holds by lot. One that was closed after the instant was open then. */
const RESERVED = (storeId: string, at: SQL): SQL => sql`
  reserved as (
    select h.account_id, (share->>'lotId')::uuid as lot_id, sum((share->>'amount')::bigint)::bigint as amount
    from holds h cross join lateral jsonb_array_elements(h.lots) share
    where h.store_id = ${storeId} and h.created_at <= ${at} and h.expires_at > ${at}
      and (h.status = 'open' or h.closed_at > ${at})
    group by 1, 2)`;

/** Lots of a source by unit, age, month of expiry and what time made of them at the instant, with amounts of the source. */
function summed(storeId: string, question: LiabilityQuestion, source: SQL, amounts: SQL): SQL {
  const { at, timezone, ageBounds, historySince, forecastUntil } = question;
  const now = instant(at);
  const bands = sql.join(
    ageBounds.map((bound) => sql`(l.active_from <= ${instant(bound)})::integer`),
    sql` + `,
  );
  return sql`
    select unit, band, month, is_expired, is_pending, is_due, sum(lots)::integer as lots,
      sum(remaining)::bigint as remaining, sum(held)::bigint as held, sum(amount)::bigint as amount
    from (
      select a.unit, ${bands} as band, date_trunc('month', l.expires_at at time zone ${timezone}::text) as month,
        coalesce(l.expires_at <= ${now}, false) as is_expired, l.active_from > ${now} as is_pending,
        coalesce(l.expires_at > ${instant(historySince)} and l.expires_at < ${instant(forecastUntil)}, false) as is_due,
        ${amounts}
      from ${source} join ledger_accounts a on a.store_id = ${storeId} and a.id = l.account_id
      where l.store_id = ${storeId} and l.created_at <= ${now}) shown
    group by unit, band, month, is_expired, is_pending, is_due`;
}

/** First all lots as they are now, in one parallel scan; then the few that were something else at the instant. */
const LOTS = (storeId: string, question: LiabilityQuestion): SQL => sql`
  lot_sums as (
    ${summed(storeId, question, sql`lots l`, sql`l.is_open::integer as lots, l.remaining, 0 as held, l.amount`)}
    union all
    ${summed(
      storeId,
      question,
      sql`returned r join lots l on l.store_id = ${storeId} and l.account_id = r.account_id and l.id = r.lot_id`,
      sql`(l.remaining + r.amount > 0)::integer - l.is_open::integer as lots, r.amount as remaining, 0 as held,
        0 as amount`,
    )}
    union all
    ${summed(
      storeId,
      question,
      sql`reserved r join lots l on l.store_id = ${storeId} and l.account_id = r.account_id and l.id = r.lot_id`,
      sql`0 as lots, 0 as remaining, r.amount as held, 0 as amount`,
    )}
    union all
    ${summed(
      storeId,
      question,
      sql`marked m join lots l on l.store_id = ${storeId} and l.account_id = m.account_id and l.transfer_id = m.id`,
      sql`0 as lots, 0 as remaining, 0 as held, -l.amount as amount`,
    )}),
  cells as (
    select unit, band, to_char(month, 'YYYY-MM') as month, sum(lots)::integer as lots,
      coalesce(sum(remaining - held) filter (where not is_expired and not is_pending), 0)::bigint as active,
      coalesce(sum(remaining - held) filter (where is_pending), 0)::bigint as pending,
      sum(held)::bigint as held,
      coalesce(sum(remaining - held) filter (where is_expired), 0)::bigint as expired
    from lot_sums group by unit, band, lot_sums.month having sum(remaining) > 0),
  expiring as (
    select unit, to_char(month, 'YYYY-MM') as month, is_expired as "isPast", sum(amount)::bigint as amount,
      coalesce(sum(remaining) filter (where is_expired), 0)::bigint as unbooked
    from lot_sums where is_due group by unit, lot_sums.month, is_expired)`;

const SUMS = (storeId: string, { at, historySince }: LiabilityQuestion): SQL => {
  const now = instant(at);
  return sql`
    entries as (
      select t.unit,
        sum(case when t.is_credit then t.amount else -t.amount end)::bigint as entries,
        coalesce(sum(t.amount) filter (
          where t.kind = 'expiry' and t.effective_at > ${instant(historySince)}), 0)::bigint as booked
      from transfers t where t.store_id = ${storeId} and t.recorded_at <= ${now} group by t.unit),
    later_by_account as (
      select account_id, sum(amount)::bigint as amount from marked where is_later group by account_id),
    covered as (
      select undone.transfer_id, sum(undone.amount)::bigint as amount from undone
      where undone.amount > 0 and undone.transfer_id not in (select id from marked where is_later) group by undone.transfer_id),
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
    MARKED(storeId, now),
    RESERVED(storeId, now),
    LOTS(storeId, question),
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
