// The invariants of the ledger in plain SQL, over everything that a store ever booked: a second definition of what the
// rules must keep, without any code of theirs.
import type pg from 'pg';
import { chainHash } from '../../src/actions/ledger.ts';
import { type ChainedTransfer, ChainVerifier } from '../../src/domain/ledger/chain.ts';

/** Each finds what breaks the rule in store $1. */
const RULES: Readonly<Record<string, string>> = {
  'L2 balance is credits less debits': `
    select a.id from ledger_accounts a left join lateral (
      select sum(case when t.is_credit then t.amount else -t.amount end) as moved
      from transfers t where t.store_id = a.store_id and t.account_id = a.id) s on true
    where a.store_id = $1 and a.balance <> coalesce(s.moved, 0)`,
  'L2 balance is lots less overdraft': `
    select a.id from ledger_accounts a where a.store_id = $1 and a.balance <> coalesce((
      select sum(l.remaining) from lots l where l.store_id = a.store_id and l.account_id = a.id), 0) - a.overdraft`,
  'L2 the overdraft is what overdrafts owe': `
    select a.id from ledger_accounts a where a.store_id = $1 and a.overdraft <> coalesce((
      select sum(o.remaining) from overdrafts o where o.store_id = a.store_id and o.account_id = a.id), 0)`,
  'L3 a lot has what was not taken from it': `
    select l.id from lots l where l.store_id = $1 and (l.remaining < 0 or l.remaining > l.amount
      or l.remaining <> l.amount - coalesce((select sum(al.amount) from allocations al
        where al.store_id = l.store_id and al.account_id = l.account_id and al.lot_id = l.id), 0))`,
  'L3 a debit is what it took and owes': `
    select t.id from transfers t where t.store_id = $1 and not t.is_credit and t.amount <>
      coalesce((select sum(al.amount) from allocations al where al.store_id = t.store_id and al.transfer_id = t.id), 0)
      + coalesce((select sum(o.remaining) from overdrafts o where o.store_id = t.store_id and o.transfer_id = t.id), 0)`,
  'L3 a credit is what it opened and gave back': `
    select t.id from transfers t where t.store_id = $1 and t.is_credit and t.amount <>
      coalesce((select sum(l.amount) from lots l where l.store_id = t.store_id and l.transfer_id = t.id), 0)
      - coalesce((select sum(al.amount) from allocations al where al.store_id = t.store_id and al.transfer_id = t.id), 0)`,
  'L3 shares are of the own account': `
    select al.transfer_id as id from allocations al
    join transfers t on t.store_id = al.store_id and t.id = al.transfer_id
    join ledger_accounts a on a.store_id = t.store_id and a.id = t.account_id
    where al.store_id = $1 and (t.account_id <> al.account_id or t.unit <> a.unit)`,
  'L5 nothing is paid from a lot that is over or not yet active': `
    select t.id from transfers t
    join allocations al on al.store_id = t.store_id and al.transfer_id = t.id and al.amount > 0 and al.seq = t.seq
    join lots l on l.store_id = al.store_id and l.account_id = al.account_id and l.id = al.lot_id
    left join holds h on h.store_id = t.store_id and h.id = t.hold_id
    where t.store_id = $1 and t.kind in ('redemption', 'adjustment')
      and (l.active_from > t.recorded_at or l.expires_at <= coalesce(h.created_at, t.recorded_at))`,
  'L5 a lot expires at its end and not before': `
    select t.id from transfers t
    join allocations al on al.store_id = t.store_id and al.transfer_id = t.id
    join lots l on l.store_id = al.store_id and l.account_id = al.account_id and l.id = al.lot_id
    where t.store_id = $1 and t.kind = 'expiry'
      and (l.expires_at is null or l.expires_at > t.recorded_at or l.expires_at > t.effective_at)`,
  'L6 live holds reserve no more of a lot than remains': `
    select r.lot_id as id from (
      select h.store_id, h.account_id, (share ->> 'lotId')::uuid as lot_id, sum((share ->> 'amount')::bigint) as held
      from holds h cross join jsonb_array_elements(h.lots) share
      where h.store_id = $1 and h.status = 'open' and h.expires_at > $2 group by 1, 2, 3) r
    left join lots l on l.store_id = r.store_id and l.account_id = r.account_id and l.id = r.lot_id
    where r.held > coalesce(l.remaining, 0)`,
  'L8 numbers have no gaps': `
    select a.id from ledger_accounts a left join lateral (
      select count(*) as n, coalesce(max(t.seq), 0) as last from transfers t
      where t.store_id = a.store_id and t.account_id = a.id) s on true
    where a.store_id = $1 and (s.n <> a.seq or s.last <> a.seq)`,
  'L9 what was recorded later has the later number': `
    select t.id from transfers t
    join transfers p on p.store_id = t.store_id and p.account_id = t.account_id and p.seq = t.seq - 1
    where t.store_id = $1 and p.recorded_at > t.recorded_at`,
  'K6 a hold reserves its amount': `
    select h.id from holds h where h.store_id = $1 and h.amount <>
      (select sum((share ->> 'amount')::bigint) from jsonb_array_elements(h.lots) share)`,
  'K6 a captured hold has one transfer, any other none': `
    select h.id from holds h left join lateral (
      select count(*) as n, sum(t.amount) as amount, min(t.id::text) as id from transfers t
      where t.store_id = h.store_id and t.hold_id = h.id) s on true
    where h.store_id = $1 and case when h.status = 'captured'
      then s.n <> 1 or s.amount <> h.captured or s.id <> h.transfer_id::text
      else s.n <> 0 or h.captured <> 0 or h.transfer_id is not null end`,
  'K7 no more is refunded than was taken': `
    select d.id from transfers d where d.store_id = $1 and not d.is_credit and d.amount < (
      select coalesce(sum(r.amount), 0) from transfers r
      where r.store_id = d.store_id and r.corrects_id = d.id and r.is_credit)`,
  'each change of credit is told once': `
    select t.id from transfers t where t.store_id = $1 and t.unit <> 'points'
      and t.kind in ('grant', 'adjustment', 'redemption', 'refund')
      and 1 <> (select count(*) from events e where e.store_id = t.store_id and e.subject_id = t.id)`,
};

interface TransferRow extends Omit<ChainedTransfer, 'seq' | 'amount' | 'balanceAfter'> {
  seq: string;
  amount: string;
  balanceAfter: string;
}

interface AccountRow {
  id: string;
  unit: string;
  seq: string;
  hash: string;
  balance: string;
}

async function brokenChains(owner: pg.Pool, storeId: string): Promise<string[]> {
  const { rows: transfers } = await owner.query<TransferRow>(
    `select id, account_id as "accountId", seq, unit, kind, is_credit as "isCredit",
       counter_account as "counterAccount", amount, balance_after as "balanceAfter", effective_at as "effectiveAt",
       recorded_at as "recordedAt", reference, corrects_id as "correctsId", hold_id as "holdId",
       order_id as "orderId", encode(hash, 'hex') as hash
     from transfers where store_id = $1 order by account_id, seq`,
    [storeId],
  );
  const { rows: accounts } = await owner.query<AccountRow>(
    `select id, unit, seq, encode(hash, 'hex') as hash, balance from ledger_accounts where store_id = $1 order by id`,
    [storeId],
  );
  const verifier = new ChainVerifier(chainHash);
  for (const account of accounts) {
    for (const transfer of transfers) {
      if (transfer.accountId !== account.id) continue;
      const { seq, amount, balanceAfter } = transfer;
      verifier.add({
        ...transfer,
        seq: Number(seq),
        amount: Number(amount),
        balanceAfter: Number(balanceAfter),
      });
    }
    verifier.end({ ...account, seq: Number(account.seq), balance: Number(account.balance) });
  }
  return verifier.broken.map((broken) => `L8 ${JSON.stringify(broken)}`);
}

/** What is wrong in the books of the store; empty when nothing is. Holds count as at `at`. */
export async function ledgerFaults(owner: pg.Pool, storeId: string, at = new Date()): Promise<string[]> {
  const faults: string[] = [];
  for (const [rule, text] of Object.entries(RULES)) {
    const { rows } = await owner.query<{ id: string }>(text, text.includes('$2') ? [storeId, at] : [storeId]);
    if (rows.length > 0) faults.push(`${rule}: ${rows.map(({ id }) => id)}`);
  }
  return [...faults, ...(await brokenChains(owner, storeId))];
}
