// The self-check of the ledger over a slice of accounts, in one statement and so in one snapshot: a transfer that is
// written meanwhile is seen whole or not at all.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import { EARN_PREFIX } from '../../domain/ledger/entries.ts';
import { type LedgerCheckName, type LedgerFinding, MAX_EXAMPLES } from '../../domain/ledger/self-check.ts';
import { type Db, statement } from '../connection.ts';

/** The key of the source that stands behind the prefix of an earning's reference. */
const earnedBy = (reference: SQL): SQL =>
  sql`substr(${reference}, ${sql.raw(String(EARN_PREFIX.length + 1))})`;

interface CheckParameters {
  storeId: Placeholder;
  at: Placeholder;
}

/** Rows that are broken where `stored` and `expected` differ. */
const compared = (rows: SQL): SQL => sql`select r.*, r.stored <> r.expected as is_broken from (${rows}) r`;

/**
 * Rows `account_id, subject_id, stored, expected, is_broken` for everything that the check looks at. Each reads `acc`, the
 * accounts of the slice, `tr`, their transfers, and `al`, allocations by lot.
 */
const CHECKS: Readonly<Record<LedgerCheckName, (p: CheckParameters) => SQL>> = {
  balance_equals_transfers: () =>
    compared(sql`
    select acc.id as account_id, acc.id as subject_id, acc.balance as stored, coalesce(t.total, 0) as expected
    from acc left join (select account_id, sum(signed) as total from tr group by account_id) t on t.account_id = acc.id`),
  balance_equals_lots: ({ storeId }) =>
    compared(sql`
    select acc.id as account_id, acc.id as subject_id, acc.balance as stored,
      coalesce((select sum(l.remaining) from lots l where l.store_id = ${storeId} and l.account_id = acc.id), 0)
        - acc.overdraft as expected
    from acc`),
  overdraft_equals_debits: ({ storeId }) =>
    compared(sql`
    select acc.id as account_id, acc.id as subject_id, acc.overdraft as stored,
      coalesce((select sum(o.remaining) from overdrafts o where o.store_id = ${storeId} and o.account_id = acc.id), 0)
        as expected
    from acc`),
  balance_runs_through: () =>
    compared(sql`
    select account_id, id as subject_id, balance_after as stored,
      coalesce(lag(balance_after) over (partition by account_id order by seq), 0) + signed as expected
    from tr`),
  lot_remains: ({ storeId }) => sql`
    select l.account_id, l.id as subject_id, l.remaining as stored, l.amount - coalesce(al.total, 0) as expected,
      l.remaining <> l.amount - coalesce(al.total, 0) or l.remaining not between 0 and l.amount
        or l.is_open <> (l.remaining > 0) as is_broken
    from acc join lots l on l.store_id = ${storeId} and l.account_id = acc.id
    left join (select account_id, lot_id, sum(amount) as total from al group by account_id, lot_id) al
      on al.account_id = l.account_id and al.lot_id = l.id`,
  debit_is_allocated: ({ storeId }) =>
    compared(sql`
    select tr.account_id, tr.id as subject_id, tr.amount as stored,
      coalesce(al.total, 0) + coalesce(o.remaining, 0) as expected
    from tr left join (select transfer_id, sum(amount) as total from al group by transfer_id) al on al.transfer_id = tr.id
    left join overdrafts o
      on o.store_id = ${storeId} and o.account_id = tr.account_id and o.transfer_id = tr.id
    where not tr.is_credit`),
  credit_is_placed: ({ storeId }) =>
    compared(sql`
    select tr.account_id, tr.id as subject_id, tr.amount as stored,
      coalesce(opened.total, 0) - coalesce(al.total, 0) as expected
    from tr left join (select transfer_id, sum(amount) as total from al group by transfer_id) al on al.transfer_id = tr.id
    left join (
      select l.transfer_id, sum(l.amount) as total
      from acc join lots l on l.store_id = ${storeId} and l.account_id = acc.id group by l.transfer_id) opened
      on opened.transfer_id = tr.id
    where tr.is_credit`),
  hold_is_covered: ({ storeId, at }) => sql`
    select h.account_id, h.lot_id as subject_id, coalesce(l.remaining, 0) as stored, h.amount as expected,
      h.amount > coalesce(l.remaining, 0) as is_broken
    from (
      select h.account_id, (share->>'lotId')::uuid as lot_id, sum((share->>'amount')::bigint) as amount
      from acc join holds h on h.store_id = ${storeId} and h.account_id = acc.id and h.status = 'open'
        and h.expires_at > ${at}
      cross join lateral jsonb_array_elements(h.lots) share group by 1, 2) h
    left join lots l on l.store_id = ${storeId} and l.account_id = h.account_id and l.id = h.lot_id`,
  hold_is_its_lots: ({ storeId }) =>
    compared(sql`
    select h.account_id, h.id as subject_id, h.amount as stored,
      (select sum((share->>'amount')::bigint) from jsonb_array_elements(h.lots) share) as expected
    from acc join holds h on h.store_id = ${storeId} and h.account_id = acc.id`),
  capture_within_hold: ({ storeId }) => sql`
    select h.account_id, h.id as subject_id, h.captured as stored, coalesce(t.amount, 0) as expected,
      h.captured <> coalesce(t.amount, 0) or h.captured > h.amount
        or (h.status = 'captured') <> (t.amount is not null) as is_broken
    from acc join holds h on h.store_id = ${storeId} and h.account_id = acc.id
    left join (select hold_id, sum(amount) as amount from tr where not is_credit group by hold_id) t on t.hold_id = h.id`,
  refund_within_debit: () => sql`
    select debit.account_id, debit.id as subject_id, debit.amount as stored, sum(refund.amount) as expected,
      sum(refund.amount) > debit.amount as is_broken
    from tr refund join tr debit on debit.id = refund.corrects_id and not debit.is_credit
    where refund.is_credit group by debit.account_id, debit.id, debit.amount`,
  numbers_without_gaps: () => sql`
    select acc.id as account_id, acc.id as subject_id, acc.seq as stored, coalesce(t.count, 0) as expected,
      coalesce(t.count, 0) <> acc.seq or coalesce(t.last, 0) <> acc.seq as is_broken
    from acc left join (select account_id, count(*), max(seq) as last from tr group by account_id) t
      on t.account_id = acc.id`,
  transfer_is_named: () => sql`
    select tr.account_id, tr.id as subject_id, 0 as stored, 0 as expected,
      coalesce(tr.reference, '') = '' or tr.unit <> acc.unit as is_broken
    from tr join acc on acc.id = tr.account_id`,
  earning_is_paid: ({ storeId }) =>
    compared(sql`
    select tr.account_id, tr.id as subject_id, tr.amount as stored,
      case when e.transfer_id = tr.id then e.points else 0 end as expected
    from tr left join loyalty_earnings e on e.store_id = ${storeId} and e.source_key = ${earnedBy(sql`tr.reference`)}
    where tr.is_credit and tr.reference ^@ ${EARN_PREFIX}`),
  reversal_within_earning: ({ storeId }) => sql`
    select earn.account_id, earn.id as subject_id, coalesce(max(e.reversed), 0) as stored,
      sum(reversal.amount) as expected, sum(reversal.amount) > coalesce(max(e.reversed), 0) as is_broken
    from tr reversal join tr earn on earn.id = reversal.corrects_id and earn.reference ^@ ${EARN_PREFIX}
    left join loyalty_earnings e on e.store_id = ${storeId} and e.source_key = ${earnedBy(sql`earn.reference`)}
    where not reversal.is_credit group by earn.account_id, earn.id`,
  member_has_earned: ({ storeId }) =>
    compared(sql`
    select acc.id as account_id, m.customer_id as subject_id, m.points_earned as stored,
      coalesce((select sum(e.points - e.reversed) from loyalty_earnings e
        where e.store_id = ${storeId} and e.customer_id = m.customer_id), 0) as expected
    from acc join loyalty_members m on m.store_id = ${storeId} and m.customer_id = acc.customer_id
    where acc.unit = 'points'`),
};

function findingOf(name: string, rows: SQL): SQL {
  return sql`
    select ${sql.raw(`'${name}'`)} as name, count(*)::integer as checked,
      count(*) filter (where c.is_broken)::integer as broken,
      coalesce(to_json((array_agg(json_build_object('accountId', c.account_id, 'subjectId', c.subject_id,
        'stored', c.stored, 'expected', c.expected) order by c.subject_id) filter (where c.is_broken)
      )[1:${sql.raw(String(MAX_EXAMPLES))}]), '[]') as examples
    from (${rows}) c`;
}

type Row = LedgerFinding & { accounts: number; last: string | null };

const check = statement<{ after: string; limit: number; at: Date }, Row>(
  'check_ledger',
  (p) => sql`
    with acc as materialized (
      select id, customer_id, unit, balance, overdraft, seq from ledger_accounts
      where store_id = ${p.storeId} and id > ${p.after} order by id limit ${p.limit}),
    tr as materialized (
      select t.id, t.account_id, t.seq, t.unit, t.is_credit, t.amount, t.balance_after, t.reference, t.corrects_id,
        t.hold_id, case when t.is_credit then t.amount else -t.amount end as signed
      from acc join transfers t on t.store_id = ${p.storeId} and t.account_id = acc.id),
    al as materialized (
      select al.account_id, al.lot_id, al.transfer_id, al.amount
      from acc join allocations al on al.store_id = ${p.storeId} and al.account_id = acc.id)
    select found.*, page.accounts, page.last
    from (${sql.join(
      Object.entries(CHECKS).map(([name, rows]) => findingOf(name, rows({ storeId: p.storeId, at: p.at }))),
      sql` union all `,
    )}) found
    cross join (select count(*)::integer as accounts, max(id::text) as last from acc) page`,
);

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

export interface LedgerSlice {
  findings: LedgerFinding[];
  accounts: number;
  /** Where the next slice begins; undefined: there are no more accounts. */
  next: string | undefined;
}

/** Checks the next accounts in the order of their ids. */
export async function checkLedgerSlice(
  db: Db,
  { after = BEFORE_ALL, limit, at }: { after?: string | undefined; limit: number; at: Date },
): Promise<LedgerSlice> {
  const rows = await check(db, { after, limit, at });
  const { accounts = 0, last = null } = rows[0] ?? {};
  const findings = rows.map(({ name, checked, broken, examples }) => ({ name, checked, broken, examples }));
  return { findings, accounts, next: accounts === limit && last !== null ? last : undefined };
}
