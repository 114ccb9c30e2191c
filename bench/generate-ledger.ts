// Fills a store with credit accounts whose chains hold: each begins with one large grant, half of what follows pays from
// it, the other half pays from small grants of its own, so that most lots are used up, as in a shop that has run for years.
import type pg from 'pg';
import { bulkLoad } from './bulk-load.ts';
import { generateCustomers } from './generate.ts';

/** What the first grant of every account brings, in minor units: more than a bench can spend. */
const OPENING = 1_000_000_000;
const AMOUNT = 100;

/** Customers that are made for one active one, rounded up. */
const PER_ACTIVE = 4;

const TABLES = ['ledger_accounts', 'transfers', 'transfer_notes', 'lots', 'allocations', 'events'] as const;

const ACCOUNTS = `
  insert into ledger_accounts (store_id, id, customer_id, unit, balance, overdraft, seq, version, hash, created_at, updated_at)
  select $1, uuidv7(), id, 'EUR', 0, 0, 0, 0, '', created_at, created_at
  from (select id, created_at from customers where store_id = $1 and account_status = 'active' order by id limit $2) c`;

/** One row per transfer. Number 1 and all that are 3 more than a multiple of 4 are grants; the number after those spends their lot. */
const CHAINS = `
  create temporary table filled on commit drop as
  with recursive chain as (
    select a.id as account_id, a.customer_id, 0::bigint as seq, null::uuid as id, null::uuid as before_id, 0::bigint as amount,
      true as is_credit, 0::bigint as balance, null::timestamptz as at, '' as hash
    from ledger_accounts a where a.store_id = $1
    union all
    select account_id, customer_id, seq, id, before_id, amount, is_credit, balance, at,
      encode(sha256(convert_to(hash || E'\\n' || concat_ws('|', '1', account_id, seq, id, 'EUR',
        case when is_credit then 'grant|issued:grant' else 'redemption|redeemed' end,
        case when is_credit then amount else -amount end, balance, ms, ms, '', '', '', id), 'UTF8')), 'hex')
    from (
      select account_id, customer_id, seq + 1 as seq, uuidv7() as id, id as before_id, new.amount, new.is_credit,
        balance + case when new.is_credit then new.amount else -new.amount end as balance, new.at, hash,
        (extract(epoch from new.at) * 1000)::bigint as ms
      from chain cross join lateral (
        select case seq when 0 then ${OPENING}::bigint else ${AMOUNT} end as amount,
          seq = 0 or seq % 4 = 2 as is_credit,
          timestamptz '2022-01-01' + (seq * interval '1 hour') as at
      ) new
      where seq < $2
    ) entry
  )
  select * from chain where seq > 0`;

const TRANSFERS = `
  insert into transfers (store_id, id, account_id, seq, unit, kind, is_credit, counter_account, amount, balance_after,
    effective_at, recorded_at, reference, hash)
  select $1, id, account_id, seq, 'EUR', case when is_credit then 'grant' else 'redemption' end, is_credit,
    case when is_credit then 'issued:grant' else 'redeemed' end, amount, balance, at, at, id::text, decode(hash, 'hex')
  from filled`;

const NOTES = `
  insert into transfer_notes (store_id, transfer_id, reason) select $1, id, 'Goodwill' from filled where is_credit`;

/** A lot has the id of its transfer. Of the first one everything is taken that no lot of its own pays for. */
const LOTS = `
  insert into lots (store_id, account_id, id, transfer_id, amount, remaining, is_open, active_from, source, created_at)
  select $1, f.account_id, f.id, f.id, f.amount, left_over, left_over > 0, f.at, 'grant', f.at
  from filled f cross join lateral (
    select case when f.seq = 1 then f.amount - ${AMOUNT} * (select count(*) from generate_series(2, $2::bigint) n
        where n % 4 in (1, 2))
      when f.seq = $2 then f.amount else 0 end as left_over
  ) l where is_credit`;

const ALLOCATIONS = `
  insert into allocations (store_id, transfer_id, account_id, lot_id, seq, amount)
  select $1, f.id, f.account_id, case when f.seq % 4 = 0 then f.before_id else first.id end, f.seq, f.amount
  from filled f join filled first on first.account_id = f.account_id and first.seq = 1 where not f.is_credit`;

const EVENTS = `
  insert into events (store_id, id, customer_id, kind, subject_id, actor, data, occurred_at)
  select $1, uuidv7(), customer_id, case when is_credit then 'credit.granted' else 'credit.redeemed' end, id, 'staff:bench',
    jsonb_build_object('unit', 'EUR', 'amount', amount, 'balanceAfter', balance), at
  from filled`;

const CLOSE = `
  update ledger_accounts a set balance = f.balance, seq = f.seq, version = f.seq, hash = decode(f.hash, 'hex')
  from filled f where a.store_id = $1 and a.id = f.account_id and f.seq = $2`;

export interface LedgerOptions {
  storeId: string;
  accounts: number;
  /** Transfers of each account, at least 1. */
  entriesEach: number;
}

/**
 * Makes active customers, each with an account that can spend. Resolves to the customers' ids.
 * `client` is a superuser on a migrated database; the store exists.
 */
export async function generateLedger(
  client: pg.ClientBase,
  { storeId, accounts, entriesEach }: LedgerOptions,
): Promise<string[]> {
  await generateCustomers(client, { storeId, customers: accounts * PER_ACTIVE });
  await bulkLoad(client, TABLES, async () => {
    await client.query(ACCOUNTS, [storeId, accounts]);
    await client.query(CHAINS, [storeId, entriesEach]);
    await client.query('create index on filled (account_id, seq)');
    await client.query('analyze filled');
    await client.query(TRANSFERS, [storeId]);
    await client.query(NOTES, [storeId]);
    await client.query(LOTS, [storeId, entriesEach]);
    await client.query(ALLOCATIONS, [storeId]);
    await client.query(EVENTS, [storeId]);
    await client.query(CLOSE, [storeId, entriesEach]);
  });
  const { rows } = await client.query<{ customer_id: string }>(
    'select customer_id from ledger_accounts where store_id = $1 order by md5(customer_id::text)',
    [storeId],
  );
  return rows.map((row) => row.customer_id);
}
