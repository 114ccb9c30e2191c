// The named limit for writing a transfer: one guarded CTE on two plain tables, without stores, lots, events or hashes.
import type pg from 'pg';

/** Makes the two tables with `accounts` rows that can pay for everything. Resolves to the ids of the accounts: 1 … n. */
export async function makeMinimalTables(client: pg.ClientBase, accounts: number): Promise<number[]> {
  await client.query(`
    drop table if exists minimal_accounts, minimal_entries;
    create table minimal_accounts (id bigint primary key, balance bigint not null) with (fillfactor = 60);
    create table minimal_entries (id bigint generated always as identity primary key, account_id bigint not null,
      amount bigint not null, at timestamptz not null)`);
  await client.query(
    'insert into minimal_accounts select n, 1000000000000 from generate_series(1, $1::bigint) n',
    [accounts],
  );
  await client.query('vacuum analyze minimal_accounts');
  return Array.from({ length: accounts }, (_, index) => index + 1);
}

const TRANSFER = `
  with taken as (update minimal_accounts set balance = balance - $2 where id = $1 and balance >= $2 returning id)
  insert into minimal_entries (account_id, amount, at) select id, $2, now() from taken`;

/** Takes `amount` from the account and notes it. */
export async function transferMinimally(pool: pg.Pool, account: number, amount: number): Promise<void> {
  const { rowCount } = await pool.query({ name: 'transfer', text: TRANSFER, values: [account, amount] });
  if (rowCount !== 1) throw new Error(`account ${account} cannot pay ${amount}`);
}
