// Everything that decisions change, in one statement: accounts guarded by their versions, transfers, lots, allocations,
// holds, events, mails and the kept answers. Of an account either all of it is written or nothing.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Hold } from '../../domain/ledger/accounts.ts';
import type { Booking } from '../../domain/ledger/entries.ts';
import { type Db, statement } from '../connection.ts';
import type { NewEvent } from '../events.ts';
import type { KeptRow } from '../idempotency-keys.ts';
import type { NewMessageRow } from '../messages.ts';
import { columnsOf, definitionOf, type RecordColumn } from '../record-sets.ts';
import { events } from '../tables/events.ts';
import { idempotencyKeys } from '../tables/idempotency-keys.ts';
import {
  allocations,
  holds,
  ledgerAccounts,
  lots,
  overdrafts,
  transferNotes,
  transfers,
} from '../tables/ledger.ts';
import { messages } from '../tables/messages.ts';
import type { HoldView } from './holds.ts';

/** A hold that is new in its account. */
export type NewHold = Omit<HoldView, 'customerId' | 'unit'>;

/** What is to be written. Holds are new or changed; an account whose holds change has a booking, be it an empty one. */
export interface LedgerChange {
  bookings: readonly Booking[];
  newHolds?: readonly NewHold[];
  changedHolds?: readonly (Pick<Hold, 'id' | 'status' | 'captured' | 'transferId' | 'expiresAt'> & {
    closedAt: Date | null;
  })[];
  events?: readonly NewEvent[];
  messages?: readonly NewMessageRow[];
  /** The answer of an idempotent request. */
  kept?: KeptRow;
  at: Date;
}

interface PartInput {
  storeId: Placeholder;
  rows: Placeholder;
}

/** Nothing is written of an account that was changed meanwhile: each row says whose it is. */
const IF_WON = sql`r."accountId" = any ((select ids from won)::uuid[])`;
const OWNER: RecordColumn = { property: 'accountId', name: 'account_id', type: 'uuid' };

function recordsOf(rows: Placeholder, table: PgTable, properties?: readonly string[]): SQL {
  const columns = columnsOf(table, properties).filter(({ property }) => property !== OWNER.property);
  return sql`json_to_recordset(${rows}::json) as r(${definitionOf([OWNER, ...columns])})`;
}

function insertInto(table: PgTable, without: readonly string[] = []) {
  const columns = columnsOf(table).filter(({ property }) => !without.includes(property));
  const names = sql.raw(columns.map(({ name }) => `"${name}"`).join(', '));
  const values = sql.raw(columns.map(({ property }) => `r."${property}"`).join(', '));
  return ({ storeId, rows }: PartInput): SQL => sql`
    insert into ${table} (store_id, ${names}) select ${storeId}, ${values}
    from ${recordsOf(
      rows,
      table,
      columns.map(({ property }) => property),
    )} where ${IF_WON}`;
}

const PARTS = {
  transfers: insertInto(transfers),
  notes: insertInto(transferNotes),
  opened: insertInto(lots),
  remaining: ({ storeId, rows }: PartInput) => sql`
    update lots l set remaining = r.remaining, is_open = r.remaining > 0
    from ${recordsOf(rows, lots, ['id', 'remaining'])}
    where l.store_id = ${storeId} and l.account_id = r."accountId" and l.id = r.id and ${IF_WON}`,
  allocations: insertInto(allocations),
  overdrafts: insertInto(overdrafts),
  covered: ({ storeId, rows }: PartInput) => sql`
    update overdrafts o set remaining = r.remaining
    from ${recordsOf(rows, overdrafts, ['transferId', 'remaining'])}
    where o.store_id = ${storeId} and o.account_id = r."accountId" and o.transfer_id = r."transferId" and ${IF_WON}`,
  newHolds: insertInto(holds),
  changedHolds: ({ storeId, rows }: PartInput) => sql`
    update holds h set status = r.status, captured = r.captured, transfer_id = r."transferId",
      expires_at = r."expiresAt", closed_at = r."closedAt"
    from ${recordsOf(rows, holds, ['id', 'status', 'captured', 'transferId', 'expiresAt', 'closedAt'])}
    where h.store_id = ${storeId} and h.id = r.id and ${IF_WON}`,
  events: insertInto(events, ['transactionId']),
  messages: insertInto(messages),
  kept: insertInto(idempotencyKeys),
} as const;

type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as readonly Part[];

type Rows = Readonly<Record<Part, readonly object[]>>;
type Values = { accounts: string } & { [P in Part]?: string };
type Written = { ids: string[] | null };

/** Many small statements instead of one with idle parts: each idle part costs as much as a small one. */
const composed = new Map<string, (db: Db, values: Values) => Promise<Written[]>>();

const ACCOUNT = columnsOf(ledgerAccounts, [
  'id',
  'balance',
  'overdraft',
  'seq',
  'version',
  'hash',
  'updatedAt',
]);

function compose(parts: readonly Part[]) {
  const name = `write_ledger ${parts.map((part) => PART_NAMES.indexOf(part)).join(' ')}`;
  const known = composed.get(name);
  if (known) return known;
  const built = statement<Values, Written>(name, (p) => {
    const { storeId } = p;
    const writes = parts.map(
      (part) => sql`, ${sql.raw(`"${part}"`)} as (${PARTS[part]({ storeId, rows: p[part] })})`,
    );
    return sql`
      with target as materialized (
        select r.* from json_to_recordset(${p.accounts}::json) as r(${definitionOf(ACCOUNT)}, before bigint)
        join ledger_accounts a on a.store_id = ${storeId} and a.id = r.id and a.version = r.before
        for no key update of a skip locked
      ), changed as (
        update ledger_accounts a set balance = r.balance, overdraft = r.overdraft, seq = r.seq, hash = r.hash,
          version = r.version, updated_at = r."updatedAt"
        from target r where a.store_id = ${storeId} and a.id = r.id
        returning a.id
      ), won as (select array_agg(id) as ids from changed)
      ${sql.join(writes)}
      select ids from won`;
  });
  composed.set(name, built);
  return built;
}

/** Hex as Postgres reads bytea in JSON. */
const bytea = (hex: string | null): string | null => (hex === null ? null : `\\x${hex}`);

/** What a later command of the same statement says of a row goes into the row: none is written twice. */
function settle<Added extends object, Changed extends object>(
  keyOf: (row: Added | Changed) => string,
  added: readonly Added[],
  changed: readonly Changed[],
): [Added[], Changed[]] {
  const fresh = new Map(added.map((row) => [keyOf(row), row]));
  const old = new Map<string, Changed>();
  for (const row of changed) {
    const known = fresh.get(keyOf(row));
    if (known) fresh.set(keyOf(row), { ...known, ...row });
    else old.set(keyOf(row), row);
  }
  return [[...fresh.values()], [...old.values()]];
}

type Owned<T> = T & { accountId: string };
const idOf = ({ id }: { id: string }): string => id;

function rowsOf(changes: readonly LedgerChange[]): Rows {
  const each = <T extends object>(
    pick: (booking: Booking, change: LedgerChange) => readonly T[],
  ): Owned<T>[] =>
    changes.flatMap((change) =>
      change.bookings.flatMap((booking) =>
        pick(booking, change).map((row) => ({ ...row, accountId: booking.before.id })),
      ),
    );
  const beside = <T extends object>(pick: (change: LedgerChange) => readonly T[] | undefined): Owned<T>[] =>
    changes.flatMap((change) => (pick(change) ?? []).map((row) => ({ ...row, accountId: ownerOf(change) })));
  const transfers = each((booking) => booking.transfers);
  const [opened, remaining] = settle(
    idOf,
    each((booking, { at }) => booking.opened.map((lot) => ({ ...lot, createdAt: at }))),
    each((booking) => booking.remaining),
  );
  const [overdrafts, covered] = settle(
    ({ transferId }) => transferId,
    each((booking) => booking.overdrafts.map((row) => ({ ...row, remaining: row.amount }))),
    each((booking) => booking.covered),
  );
  const [newHolds, changedHolds] = settle(
    idOf,
    beside((change) => change.newHolds),
    beside((change) => change.changedHolds),
  );
  return {
    transfers: transfers.map((row) => ({
      ...row,
      hash: bytea(row.hash),
      fingerprint: bytea(row.fingerprint),
    })),
    notes: transfers.flatMap(({ id, reason, accountId }) =>
      reason === null ? [] : [{ transferId: id, reason, accountId }],
    ),
    opened: opened.map((lot) => ({ ...lot, isOpen: lot.remaining > 0 })),
    remaining,
    allocations: each((booking) => booking.allocations),
    overdrafts,
    covered,
    newHolds: newHolds.map((hold) => ({ ...hold, fingerprint: bytea(hold.fingerprint) })),
    changedHolds,
    events: beside(({ events }) => events),
    messages: beside(({ messages }) => messages),
    kept: beside(({ kept }) => kept && [{ ...kept, fingerprint: bytea(kept.fingerprint.toString('hex')) }]),
  };
}

/** Whose what is beside the bookings is; of several accounts in one transaction any, because all of them are won. */
const ownerOf = ({ bookings: [booking] }: LedgerChange): string => (booking as Booking).before.id;

/** From the version that the first decision found to the state that the last one left. */
function accountRowsOf(changes: readonly LedgerChange[]): object[] {
  const rows = new Map<string, Record<string, unknown> & { before: number }>();
  for (const { before, after } of changes.flatMap(({ bookings }) => bookings)) {
    const { id, balance, seq, version, updatedAt } = after;
    rows.set(id, {
      ...{ id, balance, seq, version, updatedAt },
      overdraft: after.overdrafts.reduce((total, { remaining }) => total + remaining, 0),
      hash: bytea(after.hash),
      before: rows.get(id)?.before ?? before.version,
    });
  }
  return [...rows.values()];
}

/**
 * Writes the changes; several of one account are in the order of their decisions. Resolves to the accounts that were as
 * the decisions had read them: of the others nothing is written. An account that another transaction has locked counts as
 * changed, so that nobody waits for a stranger's account. Works with and without a transaction around it. A taken
 * reference or idempotency key is a unique violation.
 */
export async function writeLedger(db: Db, changes: readonly LedgerChange[]): Promise<ReadonlySet<string>> {
  const rows = rowsOf(changes);
  const parts = PART_NAMES.filter((part) => rows[part].length > 0);
  const values: Values = { accounts: JSON.stringify(accountRowsOf(changes)) };
  for (const part of parts) values[part] = JSON.stringify(rows[part]);
  const [written] = await compose(parts)(db, values);
  return new Set(written?.ids ?? []);
}
