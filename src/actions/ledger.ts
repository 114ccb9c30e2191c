// How every change of a balance is made: read the account, let a rule decide, write all of it in one statement (L2 of
// architecture.md). Whoever was overtaken decides again under the account's lock.
import assert from 'node:assert';
import { createHash } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import type { KeptRow } from '../db/idempotency-keys.ts';
import {
  type AccountKey,
  ensureAccounts,
  findLedgerAccount,
  type LedgerAccount,
  lockAccounts,
} from '../db/ledger/accounts.ts';
import { findHoldByReference, type HoldView } from '../db/ledger/holds.ts';
import { findTransferByReference, type TransferView } from '../db/ledger/transfers.ts';
import { type LedgerChange, type NewMessage, writeLedger } from '../db/ledger/write.ts';
import { type AccountState, type Balances, balancesAt } from '../domain/ledger/accounts.ts';
import type { Hash } from '../domain/ledger/chain.ts';
import { type Booking, book, type Entry, type Transfer } from '../domain/ledger/entries.ts';
import { Problem } from '../errors.ts';
import { eventsOf, type Happening } from './timeline.ts';
import { inTurn } from './turns.ts';
import { writeAtOnce } from './write.ts';

/** L8. */
export const chainHash: Hash = (previous, content) =>
  createHash('sha256').update(`${previous}\n${content}`).digest('hex');

/** What a command said, so that a repeat under the same reference can be told from another command (L7). */
export const fingerprintOf = (...said: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(said)).digest('hex');

/** An account that is there, with whose it is. */
export interface OpenAccount extends LedgerAccount {
  state: AccountState;
}

/** What a rule decided for one account. */
export interface Decision<T> extends Pick<LedgerChange, 'newHolds' | 'changedHolds'> {
  entries: readonly Entry[];
  /** What to tell of it, and whom to write to. */
  tell(booking: Booking): readonly Happening[];
  messages?: readonly Omit<NewMessage, 'id' | 'status' | 'createdAt'>[];
  answer(booking: Booking): T;
}

/** An answer without any change: the command was carried out before. */
export interface Known<T> {
  known: T;
}

/** Decides by what it reads through `db`: the store's handle, or the transaction that holds the lock. */
export type Decide<T> = (account: OpenAccount, db: Db) => Promise<Decision<T> | Known<T>>;

/** Books what was decided; holds that are no longer open are none of the account's afterwards. */
function bookingOf<T>(ctx: Ctx, { state }: OpenAccount, decision: Decision<T>): Booking {
  const booking = book(state, decision.entries, ctx.now, chainHash);
  const changed = new Map(decision.changedHolds?.map((hold) => [hold.id, hold]));
  const holds = [
    ...state.holds.map((hold) => ({ ...hold, ...changed.get(hold.id) })),
    ...(decision.newHolds ?? []),
  ].filter(({ status }) => status === 'open');
  return { ...booking, after: { ...booking.after, holds } };
}

async function save<T>(
  ctx: Ctx,
  db: Db,
  booking: Booking,
  decision: Decision<T>,
  kept?: KeptRow,
): Promise<boolean> {
  const { newHolds, changedHolds, messages } = decision;
  return writeLedger(db, {
    bookings: [booking],
    events: eventsOf(ctx, decision.tell(booking)),
    ...(newHolds && { newHolds }),
    ...(changedHolds && { changedHolds }),
    ...(messages && {
      messages: messages.map((message) => ({
        ...message,
        id: ctx.newId(),
        status: 'pending' as const,
        createdAt: ctx.now,
      })),
    }),
    ...(kept && { kept }),
    at: ctx.now,
  });
}

const emptyAccount = (ctx: Ctx, unit: string): AccountState => ({
  id: ctx.newId(),
  unit,
  balance: 0,
  seq: 0,
  version: 0,
  hash: '',
  lots: [],
  holds: [],
  overdrafts: [],
});

async function readAccount(db: Db, key: AccountKey): Promise<LedgerAccount> {
  const account = await findLedgerAccount(db, key);
  if (!account) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return account;
}

/** Without locks and without a transaction; undefined when there is no account yet, or somebody was faster. */
async function attempt<T>(
  ctx: Ctx,
  key: AccountKey,
  decide: Decide<T>,
  keptOf: (answer: T) => KeptRow | undefined,
): Promise<T | undefined> {
  const { state, ...account } = await readAccount(ctx.db, key);
  if (!state) return undefined;
  const decision = await decide({ ...account, state }, ctx.db);
  if ('known' in decision) return repeat(ctx, decision.known);
  const booking = bookingOf(ctx, { ...account, state }, decision);
  const answer = decision.answer(booking);
  return (await save(ctx, ctx.db, booking, decision, keptOf(answer))) ? answer : undefined;
}

function repeat<T>(ctx: Ctx, known: T): T {
  if (ctx.idempotency) ctx.idempotency.replayed = true;
  return known;
}

/** The same in a transaction of the caller's, under the account's lock. */
export async function postIn<T>(ctx: Ctx, tx: Tx, key: AccountKey, decide: Decide<T>): Promise<T> {
  await ensureAccounts(tx, [key], ctx);
  const [account] = await lockAccounts(tx, [key]);
  if (!account?.state) throw new Problem('NOT_FOUND', { resource: 'customer' });
  const open = { ...account, state: account.state };
  const decision = await decide(open, tx);
  if ('known' in decision) return repeat(ctx, decision.known);
  const booking = bookingOf(ctx, open, decision);
  assert(await save(ctx, tx, booking, decision), 'a locked account is nobody else’s');
  return decision.answer(booking);
}

/** L10: what would be answered; nothing is stored. */
async function rehearse<T>(ctx: Ctx, key: AccountKey, decide: Decide<T>): Promise<T> {
  const { state = emptyAccount(ctx, key.unit), ...account } = await readAccount(ctx.db, key);
  const decision = await decide({ ...account, state }, ctx.db);
  if ('known' in decision) return decision.known;
  return decision.answer(bookingOf(ctx, { ...account, state }, decision));
}

/**
 * Changes one account by what `decide` says.
 * @throws Problem NOT_FOUND, what `decide` throws, REFERENCE_REUSED
 */
export function post<T>(
  ctx: Ctx,
  key: AccountKey,
  { dryRun = false }: { dryRun?: boolean | undefined },
  decide: Decide<T>,
): Promise<T> {
  if (dryRun) return rehearse(ctx, key, decide);
  return inTurn(`${ctx.storeId} ${key.customerId} ${key.unit}`, () =>
    writeAtOnce(
      ctx,
      (keptOf) => attempt(ctx, key, decide, keptOf),
      (tx) => postIn(ctx, tx, key, decide),
    ),
  );
}

/** What the account is worth, as commands answer it. */
export interface AccountView extends Balances {
  id: string;
  customerId: string;
  unit: string;
}

export const accountView = (customerId: string, state: AccountState, at: Date): AccountView => ({
  id: state.id,
  customerId,
  unit: state.unit,
  ...balancesAt(state, at),
});

/** A transfer in the shape of the contract. */
export type TransferResource = ReturnType<typeof toTransfer>;

/** `from` and `to` by name; the fingerprint stays inside. */
export function toTransfer(transfer: TransferView) {
  const { isCredit, counterAccount, fingerprint, correctsId, holdId, orderId, reason, ...shown } = transfer;
  const own = transfer.unit === 'points' ? 'points' : `credit:${transfer.unit}`;
  return {
    ...shown,
    from: isCredit ? counterAccount : own,
    to: isCredit ? own : counterAccount,
    ...(correctsId && { correctsId }),
    ...(holdId && { holdId }),
    ...(orderId && { orderId }),
    ...(reason && { reason }),
  };
}

/** The one transfer of a booking, as it will be read. */
export const bookedTransfer = (customerId: string, booking: Booking): TransferResource =>
  toTransfer({ ...(booking.transfers[0] as Transfer), customerId });

/** A hold in the shape of the contract; `expired` is what time made of an open one. */
export function toHold({ fingerprint, transferId, orderId, closedAt, ...hold }: HoldView, at: Date) {
  const isOver = hold.status === 'open' && hold.expiresAt <= at;
  return {
    ...hold,
    status: isOver ? ('expired' as const) : hold.status,
    ...(transferId && { transferId }),
    ...(orderId && { orderId }),
    ...(closedAt && { closedAt }),
  };
}

export type HoldResource = ReturnType<typeof toHold>;

/** What every command on a balance answers. */
export interface LedgerResult {
  transfer?: TransferResource;
  hold?: HoldResource;
  account: AccountView;
  dryRun: boolean;
}

/** A command that may name itself. */
export interface Named {
  reference?: string | undefined;
  dryRun?: boolean | undefined;
}

/**
 * L7: the transfer that this command made already.
 * @throws Problem REFERENCE_REUSED when the reference was another command's
 */
export async function knownTransfer(
  db: Db,
  reference: string | undefined,
  fingerprint: string,
): Promise<TransferView | undefined> {
  if (reference === undefined) return undefined;
  const transfer = await findTransferByReference(db, reference);
  if (transfer && transfer.fingerprint !== fingerprint)
    throw new Problem('REFERENCE_REUSED', { transferId: transfer.id });
  return transfer;
}

/** L7 for holds. */
export async function knownHold(
  db: Db,
  reference: string | undefined,
  fingerprint: string,
): Promise<HoldView | undefined> {
  if (reference === undefined) return undefined;
  const hold = await findHoldByReference(db, reference);
  if (hold && hold.fingerprint !== fingerprint) throw new Problem('REFERENCE_REUSED', { holdId: hold.id });
  return hold;
}

/** The facts of a transfer that the timeline tells. */
export const factsOf = (booking: Booking): Record<string, unknown> => {
  const [transfer] = booking.transfers;
  if (!transfer) return {};
  const { unit, amount, balanceAfter, reason, orderId } = transfer;
  return { unit, amount, balanceAfter, ...(reason && { reason }), ...(orderId && { orderId }) };
};
