// Everything that a decision changes, in one statement: accounts guarded by their versions, transfers, lots, allocations,
// holds, events, mails and the kept answer. Either all of it is written or nothing.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Hold } from '../../domain/ledger/accounts.ts';
import type { Booking } from '../../domain/ledger/entries.ts';
import { type Db, statement } from '../connection.ts';
import type { NewEvent } from '../events.ts';
import type { KeptRow } from '../idempotency-keys.ts';
import { columnsOf, definitionOf } from '../record-sets.ts';
import { events } from '../tables/events.ts';
import { idempotencyKeys } from '../tables/idempotency-keys.ts';
import {
  allocations,
  holds,
  ledgerAccounts,
  lots,
  messages,
  overdrafts,
  transferNotes,
  transfers,
} from '../tables/ledger.ts';
import type { HoldView } from './holds.ts';

/** A hold that is new in its account. */
export type NewHold = Omit<HoldView, 'customerId' | 'unit'>;

export type NewMessage = Omit<typeof messages.$inferInsert, 'storeId'>;

/** What is to be written. Holds are new or changed; an account whose holds change has a booking, be it an empty one. */
export interface LedgerChange {
  bookings: readonly Booking[];
  newHolds?: readonly NewHold[];
  changedHolds?: readonly (Pick<Hold, 'id' | 'status' | 'captured' | 'transferId' | 'expiresAt'> & {
    closedAt: Date | null;
  })[];
  events?: readonly NewEvent[];
  messages?: readonly NewMessage[];
  /** The answer of an idempotent request. */
  kept?: KeptRow;
  at: Date;
}

interface PartInput {
  storeId: Placeholder;
  rows: Placeholder;
}

/** Nothing is written when an account was changed meanwhile. */
const IF_WON = sql`(select ok from won)`;

const recordsOf = (rows: Placeholder, table: PgTable, properties?: readonly string[]): SQL =>
  sql`json_to_recordset(${rows}::json) as r(${definitionOf(columnsOf(table, properties))})`;

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
    from ${recordsOf(rows, lots, ['id', 'accountId', 'remaining'])}
    where l.store_id = ${storeId} and l.account_id = r."accountId" and l.id = r.id and ${IF_WON}`,
  allocations: insertInto(allocations),
  overdrafts: insertInto(overdrafts),
  covered: ({ storeId, rows }: PartInput) => sql`
    update overdrafts o set remaining = r.remaining
    from ${recordsOf(rows, overdrafts, ['accountId', 'transferId', 'remaining'])}
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
type Values = { accounts: string; accountsCount: number } & { [P in Part]?: string };

/** Many small statements instead of one with idle parts: each idle part costs as much as a small one. */
const composed = new Map<string, (db: Db, values: Values) => Promise<{ ok: boolean }[]>>();

function compose(parts: readonly Part[]) {
  const name = `write_ledger ${parts.map((part) => PART_NAMES.indexOf(part)).join(' ')}`;
  const known = composed.get(name);
  if (known) return known;
  const built = statement<Values, { ok: boolean }>(name, (p) => {
    const { storeId } = p;
    const writes = parts.map(
      (part) => sql`, ${sql.raw(`"${part}"`)} as (${PARTS[part]({ storeId, rows: p[part] })})`,
    );
    return sql`
      with changed as (
        update ledger_accounts a set balance = r.balance, overdraft = r.overdraft, seq = r.seq, hash = r.hash,
          version = r.version, updated_at = r."updatedAt"
        from ${recordsOf(p.accounts, ledgerAccounts)}
        where a.store_id = ${storeId} and a.id = r.id and a.version = r.version - 1
        returning a.id
      ), won as (select count(*) = ${p.accountsCount}::integer as ok from changed)
      ${sql.join(writes)}
      select ok from won`;
  });
  composed.set(name, built);
  return built;
}

/** Hex as Postgres reads bytea in JSON. */
const bytea = (hex: string | null): string | null => (hex === null ? null : `\\x${hex}`);

function rowsOf(change: LedgerChange): Rows {
  const { bookings, newHolds = [], changedHolds = [], events = [], messages = [], kept, at } = change;
  const each = <T>(pick: (booking: Booking) => readonly T[]): (T & { accountId: string })[] =>
    bookings.flatMap((booking) => pick(booking).map((row) => ({ ...row, accountId: booking.before.id })));
  const transfers = each((booking) => booking.transfers);
  return {
    transfers: transfers.map((row) => ({
      ...row,
      hash: bytea(row.hash),
      fingerprint: bytea(row.fingerprint),
    })),
    notes: transfers.flatMap(({ id, reason }) => (reason === null ? [] : [{ transferId: id, reason }])),
    opened: each((booking) => booking.opened).map((lot) => ({
      ...lot,
      isOpen: lot.remaining > 0,
      createdAt: at,
    })),
    remaining: each((booking) => booking.remaining),
    allocations: each((booking) => booking.allocations),
    overdrafts: each((booking) => booking.overdrafts.map((row) => ({ ...row, remaining: row.amount }))),
    covered: each((booking) => booking.covered),
    newHolds: newHolds.map((hold) => ({ ...hold, fingerprint: bytea(hold.fingerprint) })),
    changedHolds,
    events,
    messages,
    kept: kept ? [{ ...kept, fingerprint: bytea(kept.fingerprint.toString('hex')) }] : [],
  };
}

const accountRowOf = ({ after }: Booking, updatedAt: Date) => ({
  ...after,
  overdraft: after.overdrafts.reduce((total, { remaining }) => total + remaining, 0),
  hash: bytea(after.hash),
  updatedAt,
});

/**
 * Writes the change; false = an account was changed by somebody else since it was read, and nothing is written. Works
 * with and without a transaction around it. A taken reference or idempotency key is a unique violation.
 */
export async function writeLedger(db: Db, change: LedgerChange): Promise<boolean> {
  const rows = rowsOf(change);
  const parts = PART_NAMES.filter((part) => rows[part].length > 0);
  const values: Values = {
    accounts: JSON.stringify(change.bookings.map((booking) => accountRowOf(booking, change.at))),
    accountsCount: change.bookings.length,
  };
  for (const part of parts) values[part] = JSON.stringify(rows[part]);
  const [result] = await compose(parts)(db, values);
  return result?.ok === true;
}
