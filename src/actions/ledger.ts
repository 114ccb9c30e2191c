// How every change of a balance is made: read the account, let a rule decide, write all of it in one statement, without a
// lock. Commands that come while others run share the statements of the next batch. Whoever was overtaken decides again
// under the account's lock.
import assert from 'node:assert';
import { hash } from 'node:crypto';
import type { Ctx } from '../context.ts';
import { type Db, Overtaken, sqlStateOf, type Tx, UNIQUE_VIOLATION } from '../db/connection.ts';
import type { KeptRow } from '../db/idempotency-keys.ts';
import {
  type AccountKey,
  ensureAccounts,
  findLedgerAccount,
  findLedgerAccounts,
  type LedgerAccount,
  lockAccounts,
} from '../db/ledger/accounts.ts';
import { type LedgerChange, writeLedger } from '../db/ledger/write.ts';
import { grouped } from '../domain/grouped.ts';
import { type AccountState, momentOf, momentOfAll } from '../domain/ledger/accounts.ts';
import type { Hash } from '../domain/ledger/chain.ts';
import { type Booking, book, type Entry } from '../domain/ledger/entries.ts';
import { Problem } from '../errors.ts';
import { batches } from './batches.ts';
import { type NewMessage, newMessage } from './messages.ts';
import { eventsOf, type Happening } from './timeline.ts';
import { writeAtOnce } from './write.ts';

/** L8. `crypto.hash` takes half the time of `createHash`. */
export const chainHash: Hash = (previous, content) => hash('sha256', `${previous}\n${content}`);

/** An account that is there, with whose it is. */
export interface OpenAccount extends LedgerAccount {
  state: AccountState;
  /** The instant that decides. */
  at: Date;
}

/** The account as decisions take it. */
const opened = (ctx: Ctx, account: Omit<LedgerAccount, 'state'>, state: AccountState): OpenAccount => ({
  ...account,
  state,
  at: momentOf(state, ctx.now),
});

/** What a rule decided for one account. */
export interface Decision<T> extends Pick<LedgerChange, 'newHolds' | 'changedHolds'> {
  entries: readonly Entry[];
  /** What to tell of it, and whom to write to. */
  tell(booking: Booking): readonly Happening[];
  messages?: readonly NewMessage[];
  answer(booking: Booking): T;
}

/** An answer without any change: the command was carried out before. */
export interface Known<T> {
  known: T;
}

/** Decides by what it reads through `db`: the store's handle, or the transaction that holds the lock. */
export type Decide<T> = (account: OpenAccount, db: Db) => Promise<Decision<T> | Known<T>>;

/** Books what was decided; holds that are no longer open are none of the account's afterwards. */
function bookingOf<T>({ state, at }: OpenAccount, decision: Decision<T>): Booking {
  const booking = book(state, decision.entries, at, chainHash);
  const changed = new Map(decision.changedHolds?.map((hold) => [hold.id, hold]));
  const holds = [
    ...state.holds.map((hold) => ({ ...hold, ...changed.get(hold.id) })),
    ...(decision.newHolds ?? []),
  ].filter(({ status }) => status === 'open');
  return { ...booking, after: { ...booking.after, holds } };
}

function changeOf<T>(ctx: Ctx, booking: Booking, decision: Decision<T>, kept?: KeptRow): LedgerChange {
  const { newHolds, changedHolds, messages } = decision;
  return {
    bookings: [booking],
    events: eventsOf(ctx, decision.tell(booking)),
    ...(newHolds && { newHolds }),
    ...(changedHolds && { changedHolds }),
    ...(messages && { messages: messages.map((message) => newMessage(ctx, message)) }),
    ...(kept && { kept }),
    at: booking.after.updatedAt,
  };
}

const emptyAccount = (ctx: Ctx, unit: string): AccountState => ({
  id: ctx.newId(),
  unit,
  balance: 0,
  seq: 0,
  version: 0,
  hash: '',
  updatedAt: ctx.now,
  lots: [],
  holds: [],
  overdrafts: [],
});

/** The customer with this account. @throws Problem NOT_FOUND */
export async function readAccount(db: Db, key: AccountKey): Promise<LedgerAccount> {
  const account = await findLedgerAccount(db, key);
  if (!account) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return account;
}

/** What a command comes to, if the account is as it was read. */
interface Outcome {
  change?: LedgerChange;
  /** Gives the answer, or the refusal. */
  tell(): void;
}

/** A command that waits for its batch. */
interface Command {
  ctx: Ctx;
  key: AccountKey;
  plan(account: OpenAccount, db: Db): Promise<Outcome>;
  /** There is no account yet, or somebody was faster. */
  giveUp(): void;
  fail(error: unknown): void;
}

/** The commands of one account, in their order. */
type Turn = readonly [Command, ...Command[]];

interface PlannedTurn {
  turn: Turn;
  accountId: string | undefined;
  outcomes: readonly Outcome[];
}

const accountName = ({ key }: Command): string => `${key.customerId} ${key.unit}`;

/** Says that a decision needs what only the database knows. */
class Postponed extends Error {}

/** What a decision may read that stands on another one of its batch: nothing, because the other is not written yet. */
const unreadable = ({ storeId }: Db): Db => ({ storeId, use: () => Promise.reject(new Postponed()) });

/**
 * Decides the commands of one account one after the other, each on what the one before leaves. The first that has to
 * read waits for the next batch, with all behind it.
 */
async function planTurn(turn: Turn, account: LedgerAccount | undefined, db: Db): Promise<PlannedTurn> {
  if (!account) return { turn, accountId: undefined, outcomes: turn.map(refuseUnknown) };
  const outcomes: Outcome[] = [];
  let { state } = account;
  for (const command of turn) {
    if (!state) outcomes.push({ tell: command.giveUp });
    else {
      const readable = state === account.state ? db : unreadable(db);
      const outcome = await planOne(command, opened(command.ctx, account, state), readable);
      if (!outcome) break;
      outcomes.push(outcome);
      state = outcome.change?.bookings[0]?.after ?? state;
    }
  }
  for (const command of turn.slice(outcomes.length)) enqueue(db.storeId, command);
  return { turn, accountId: state?.id, outcomes };
}

const refuseUnknown = ({ fail }: Command): Outcome => ({
  tell: () => fail(new Problem('NOT_FOUND', { resource: 'customer' })),
});

async function planOne(command: Command, account: OpenAccount, db: Db): Promise<Outcome | undefined> {
  try {
    return await command.plan(account, db);
  } catch (error) {
    if (error instanceof Postponed) return undefined;
    // What it read beside the account may be newer than the account: under the lock both are of one moment.
    if (error instanceof assert.AssertionError) return { tell: command.giveUp };
    return { tell: () => command.fail(error) };
  }
}

async function planAll(commands: readonly Command[], db: Db): Promise<PlannedTurn[]> {
  const turns: Turn[] = [...grouped(commands, accountName).values()];
  const accounts = await findLedgerAccounts(
    db,
    turns.map(([{ key }]) => key),
  );
  return Promise.all(turns.map((turn, index) => planTurn(turn, accounts[index], db)));
}

const changesOf = ({ outcomes }: PlannedTurn): LedgerChange[] =>
  outcomes.flatMap(({ change }) => change ?? []);

/** Refusals wait for the write too: they stand on what the commands before them leave. */
function conclude(planned: PlannedTurn, won: ReadonlySet<string>): void {
  const isOvertaken = changesOf(planned).length > 0 && !won.has(planned.accountId ?? '');
  if (isOvertaken) for (const { giveUp } of planned.turn.slice(0, planned.outcomes.length)) giveUp();
  else for (const { tell } of planned.outcomes) tell();
}

/** Carries out commands: one statement reads, one writes. If it fails, each of them has to answer for itself. */
async function carryOut(commands: readonly Command[]): Promise<void> {
  const { db } = (commands[0] as Command).ctx;
  let open = commands;
  try {
    const planned = await planAll(commands, db);
    open = planned.flatMap(({ turn, outcomes }) => turn.slice(0, outcomes.length));
    const changes = planned.flatMap(changesOf);
    const won = changes.length > 0 ? await writeLedger(db, changes) : new Set<string>();
    for (const turn of planned) conclude(turn, won);
  } catch (error) {
    if (open.length === 1) open[0]?.fail(error);
    else for (const command of open) await carryOut([command]);
  }
}

const enqueue = batches(accountName, carryOut);

/** Without locks and without a transaction; undefined when there is no account yet, or somebody was faster. */
const attempt = <T>(
  ctx: Ctx,
  key: AccountKey,
  decide: Decide<T>,
  keptOf: (answer: T) => KeptRow | undefined,
): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    enqueue(ctx.storeId, {
      ctx,
      key,
      async plan(account, db) {
        const decision = await decide(account, db);
        if ('known' in decision) return { tell: () => resolve(repeat(ctx, decision.known)) };
        const booking = bookingOf(account, decision);
        const answer = decision.answer(booking);
        const change = changeOf(ctx, booking, decision, keptOf(answer));
        return { change, tell: () => resolve(answer) };
      },
      giveUp: () => resolve(undefined),
      fail: reject,
    });
  });

function repeat<T>(ctx: Ctx, known: T): T {
  if (ctx.idempotency) ctx.idempotency.replayed = true;
  return known;
}

/** The same in a transaction of the caller's, under the account's lock. */
export async function postIn<T>(ctx: Ctx, tx: Tx, key: AccountKey, decide: Decide<T>): Promise<T> {
  await ensureAccounts(tx, [key], ctx);
  const [account] = await lockAccounts(tx, [key]);
  if (!account?.state) throw new Problem('NOT_FOUND', { resource: 'customer' });
  const open = opened(ctx, account, account.state);
  const decision = await decide(open, tx);
  if ('known' in decision) return repeat(ctx, decision.known);
  const booking = bookingOf(open, decision);
  await writeLocked(tx, changeOf(ctx, booking, decision));
  return decision.answer(booking);
}

/** A reference that was taken in the meantime is found when the work runs again (L7). */
function again(error: unknown): never {
  throw sqlStateOf(error) === UNIQUE_VIOLATION
    ? new Overtaken('a reference was taken', { cause: error })
    : error;
}

async function writeLocked(tx: Tx, change: LedgerChange): Promise<void> {
  const won = await writeLedger(tx, [change]).catch(again);
  assert(
    change.bookings.every(({ before }) => won.has(before.id)),
    'a locked account is nobody else’s',
  );
}

/** Writes bookings, made at one moment, of accounts that the transaction has locked, with what is told of them. */
export async function saveBookings(
  ctx: Ctx,
  tx: Tx,
  bookings: readonly Booking[],
  happenings: readonly Happening[],
): Promise<void> {
  const at = momentOfAll(
    bookings.map(({ after }) => after),
    ctx.now,
  );
  await writeLocked(tx, { bookings, events: eventsOf(ctx, happenings), at });
}

/** L10: what would be answered; nothing is stored. */
async function rehearse<T>(ctx: Ctx, key: AccountKey, decide: Decide<T>): Promise<T> {
  const { state = emptyAccount(ctx, key.unit), ...account } = await readAccount(ctx.db, key);
  const open = opened(ctx, account, state);
  const decision = await decide(open, ctx.db);
  if ('known' in decision) return decision.known;
  return decision.answer(bookingOf(open, decision));
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
  return writeAtOnce(
    ctx,
    (keptOf) => attempt(ctx, key, decide, keptOf),
    (tx) => postIn(ctx, tx, key, decide),
  );
}
