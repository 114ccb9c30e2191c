// Accounts as decisions read them: with open lots, open holds and open overdrafts, in one snapshot.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { AccountStatus } from '../../domain/account-states.ts';
import type { AccountState, Hold, Lot, Overdraft } from '../../domain/ledger/accounts.ts';
import { type Db, statement, type Tx } from '../connection.ts';

/** Names an account: whose, and of which unit. */
export interface AccountKey {
  customerId: string;
  unit: string;
}

/** An account with what its customer is. */
export interface LedgerAccount {
  customerId: string;
  accountStatus: AccountStatus;
  mergedIntoId: string | null;
  /** Absent while the customer never had any of this unit. */
  state: AccountState | undefined;
}

type Instants<T, K extends keyof T> = Omit<T, K> & { [P in K]: string };

/** Lots and holds as JSON tells them. */
export type StoredLot = Instants<Lot, 'activeFrom'>;
export type StoredHold = Instants<Hold, 'expiresAt'>;

interface AccountRow {
  customerId: string;
  accountStatus: AccountStatus;
  mergedIntoId: string | null;
  id: string | null;
  unit: string;
  balance: number;
  seq: number;
  version: number;
  hash: string;
  updatedAt: Date;
  lots: LotColumns;
  holds: StoredHold[] | null;
  overdrafts: Overdraft[] | null;
}

/** One list per column: of a thousand lots Postgres writes this in a third of the time that objects take. */
type LotColumns = { [K in keyof StoredLot]: StoredLot[K][] | null };

/**
 * Lists come as JSON, so that one statement reads an account in one snapshot. A hold that ran out before the account's
 * last change can never be live again (`momentOf`), so it is left out however long its row stays open.
 */
const accountQuery = (storeId: Placeholder, from: SQL, more: SQL = sql``): SQL => sql`
  select c.id as "customerId", c.account_status as "accountStatus", c.merged_into_id as "mergedIntoId",
    a.id, a.unit, a.balance, a.seq, a.version, encode(a.hash, 'hex') as hash,
    a.updated_at as "updatedAt",
    (select json_build_object('id', array_agg(l.id), 'remaining', array_agg(l.remaining),
        'activeFrom', array_agg(l.active_from), 'expiresAt', array_agg(l.expires_at))
      from lots l where l.store_id = ${storeId} and l.account_id = a.id and l.is_open) as lots,
    (select json_agg(json_build_object('id', h.id, 'status', h.status, 'amount', h.amount, 'lots', h.lots,
        'captured', h.captured, 'transferId', h.transfer_id, 'expiresAt', h.expires_at))
      from holds h where h.store_id = ${storeId} and h.account_id = a.id and h.status = 'open'
        and h.expires_at > a.updated_at) as holds,
    case when a.overdraft > 0 then
      (select json_agg(json_build_object('transferId', o.transfer_id, 'remaining', o.remaining) order by o.transfer_id)
        from overdrafts o where o.store_id = ${storeId} and o.account_id = a.id and o.remaining > 0)
    end as overdrafts${more}
  from ${from}`;

interface KeyColumns {
  customerIds: readonly string[];
  units: readonly string[];
}

const columnsOfKeys = (keys: readonly AccountKey[]): KeyColumns => ({
  customerIds: keys.map(({ customerId }) => customerId),
  units: keys.map(({ unit }) => unit),
});

/** The keys come as JSON: of arrays the number is guessed from the values, and the statement planned each time. */
const readByKeys = statement<{ keys: string }, AccountRow & { place: number }>(
  'read_ledger_accounts_by_keys',
  (p) =>
    accountQuery(
      p.storeId,
      sql`json_to_recordset(${p.keys}::json) k (customer_id uuid, unit text, place integer)
      join customers c on c.store_id = ${p.storeId} and c.id = k.customer_id
      left join ledger_accounts a on a.store_id = ${p.storeId} and a.customer_id = c.id and a.unit = k.unit`,
      sql`, k.place`,
    ),
);

const readMany = statement<{ ids: readonly string[] }, AccountRow>('read_ledger_accounts', (p) =>
  accountQuery(
    p.storeId,
    sql`ledger_accounts a join customers c on c.store_id = ${p.storeId} and c.id = a.customer_id
    where a.store_id = ${p.storeId} and a.id = any(${p.ids}::uuid[])`,
  ),
);

export const lotOf = ({ activeFrom, expiresAt, ...lot }: StoredLot): Lot => ({
  ...lot,
  activeFrom: new Date(activeFrom),
  expiresAt: expiresAt === null ? null : new Date(expiresAt),
});

export const holdOf = ({ expiresAt, ...hold }: StoredHold): Hold => ({
  ...hold,
  expiresAt: new Date(expiresAt),
});

function accountOf(row: AccountRow): LedgerAccount {
  const { customerId, accountStatus, mergedIntoId, id, unit, balance, seq, version, hash, updatedAt } = row;
  const state =
    id === null ? undefined : { id, unit, balance, seq, version, hash, updatedAt, ...listsOf(row) };
  return { customerId, accountStatus, mergedIntoId, state };
}

const lotsOf = ({ id, remaining, activeFrom, expiresAt }: LotColumns): Lot[] =>
  (id ?? []).map((lotId, place) => ({
    id: lotId,
    remaining: remaining?.[place] ?? 0,
    activeFrom: new Date(activeFrom?.[place] ?? Number.NaN),
    expiresAt: expiresAt?.[place] ? new Date(expiresAt[place]) : null,
  }));

const listsOf = ({ lots, holds, overdrafts }: AccountRow) => ({
  lots: lotsOf(lots),
  holds: (holds ?? []).map(holdOf),
  overdrafts: overdrafts ?? [],
});

/** The customers with these accounts, in the order of the keys; undefined where there is no such customer. */
export async function findLedgerAccounts(
  db: Db,
  keys: readonly AccountKey[],
): Promise<(LedgerAccount | undefined)[]> {
  const places = keys.map(({ customerId, unit }, place) => ({ customer_id: customerId, unit, place }));
  const rows = await readByKeys(db, { keys: JSON.stringify(places) });
  const byPlace = new Map(rows.map((row) => [row.place, accountOf(row)]));
  return keys.map((_, place) => byPlace.get(place));
}

/** The customer with this account, or undefined when there is no such customer. */
export const findLedgerAccount = async (db: Db, key: AccountKey): Promise<LedgerAccount | undefined> =>
  (await findLedgerAccounts(db, [key]))[0];

const ensure = statement<KeyColumns & { ids: readonly string[]; now: Date }, never>(
  'ensure_ledger_accounts',
  (p) => sql`
    insert into ledger_accounts (store_id, id, customer_id, unit, balance, overdraft, seq, version, hash, created_at,
      updated_at)
    select ${p.storeId}, k.id, k.customer_id, k.unit, 0, 0, 0, 0, '', ${p.now}, ${p.now}
    from unnest(${p.ids}::uuid[], ${p.customerIds}::uuid[], ${p.units}::text[]) k (id, customer_id, unit)
    join customers c on c.store_id = ${p.storeId} and c.id = k.customer_id
    order by k.customer_id, k.unit for key share of c
    on conflict (store_id, customer_id, unit) do nothing`,
);

/** Adds the accounts that are not there yet; those of customers who are unknown, or deleted meanwhile, are left out. */
export const ensureAccounts = (
  db: Db,
  keys: readonly AccountKey[],
  { now, newId }: { now: Date; newId(): string },
): Promise<unknown> =>
  ensure(db, {
    ...columnsOfKeys(keys),
    ids: keys.map(() => newId()),
    now,
  });

const lock = statement<KeyColumns, { id: string }>(
  'lock_ledger_accounts',
  (p) => sql`
    select a.id from ledger_accounts a
    join unnest(${p.customerIds}::uuid[], ${p.units}::text[]) k (customer_id, unit)
      on a.customer_id = k.customer_id and a.unit = k.unit
    where a.store_id = ${p.storeId} order by a.id for update of a`,
);

/**
 * The accounts, locked in the order of their ids. Two statements, because what is read beside a lock that had to wait is
 * as old as the statement's beginning.
 */
export async function lockAccounts(tx: Tx, keys: readonly AccountKey[]): Promise<LedgerAccount[]> {
  const ids = await lock(tx, columnsOfKeys(keys));
  if (ids.length === 0) return [];
  return (await readMany(tx, { ids: ids.map(({ id }) => id) })).map(accountOf);
}

const idsOf = statement<{ customerIds: readonly string[] }, AccountKey>(
  'list_ledger_account_keys',
  (p) => sql`
    select a.customer_id as "customerId", a.unit from ledger_accounts a
    where a.store_id = ${p.storeId} and a.customer_id = any(${p.customerIds}::uuid[])`,
);

/** All accounts of these customers, locked. */
export const lockAccountsOf = async (tx: Tx, customerIds: readonly string[]): Promise<LedgerAccount[]> =>
  lockAccounts(tx, await idsOf(tx, { customerIds }));

const ofCustomer = statement<{ customerId: string }, AccountRow>('read_accounts_of_customer', (p) =>
  accountQuery(
    p.storeId,
    sql`ledger_accounts a join customers c on c.store_id = ${p.storeId} and c.id = a.customer_id
    where a.store_id = ${p.storeId} and a.customer_id = ${p.customerId} order by a.unit`,
  ),
);

/** Every account of one customer, as it is now. */
export async function listAccountsOf(db: Db, customerId: string): Promise<AccountState[]> {
  const accounts = (await ofCustomer(db, { customerId })).map(accountOf);
  return accounts.flatMap(({ state }) => state ?? []);
}

/** An account that exists, with whose it is. */
export interface KnownAccount {
  customerId: string;
  state: AccountState;
}

/** The accounts with these ids, as they are now, in the order of their ids. */
export async function listAccounts(db: Db, ids: readonly string[]): Promise<KnownAccount[]> {
  const accounts = (await readMany(db, { ids })).map(accountOf);
  return accounts
    .flatMap(({ customerId, state }) => (state ? [{ customerId, state }] : []))
    .sort((one, other) => (one.state.id < other.state.id ? -1 : 1));
}

export const findAccount = async (db: Db, id: string): Promise<KnownAccount | undefined> =>
  (await listAccounts(db, [id]))[0];
