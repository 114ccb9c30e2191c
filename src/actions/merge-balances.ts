// Balances in a merge and its undoing (C10): transfers over the system account `merge`, never edited entries.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { ensureAccounts, type LedgerAccount, lockAccounts, lockAccountsOf } from '../db/ledger/accounts.ts';
import { listLotOrigins, listLots, listReturnableLots } from '../db/ledger/moves.ts';
import { findRefundable } from '../db/ledger/transfers.ts';
import { type AccountState, momentOfAll, POINTS } from '../domain/ledger/accounts.ts';
import { type Booking, book, type Entry, type NewLot, ownReference } from '../domain/ledger/entries.ts';
import {
  countSpentLots,
  type MovedBalance,
  movesNothing,
  planDebtReturn,
  planMove,
  planReturn,
  type ReturnableLot,
} from '../domain/ledger/moves.ts';
import { planDebit } from '../domain/ledger/spending.ts';
import { accepted } from '../errors.ts';
import { chainHash, saveBookings } from './ledger.ts';
import type { Happening } from './timeline.ts';

/** Whose accounts, and which merge. */
export interface BalancesOfMerge {
  mergeId: string;
  intoId: string;
  fromId: string;
}

/** The accounts of both customers by unit, locked; the instant that decides. */
export interface LockedBalances {
  into: Map<string, AccountState>;
  from: Map<string, AccountState>;
  at: Date;
}

const statesOf = (accounts: readonly LedgerAccount[], customerId: string): Map<string, AccountState> =>
  new Map(
    accounts.flatMap((account) =>
      account.customerId === customerId && account.state ? [[account.state.unit, account.state]] : [],
    ),
  );

/** Locks the accounts of both; the locks of the customers are held, so no account can be added meanwhile. */
export async function lockBalances(
  ctx: Ctx,
  tx: Tx,
  { intoId, fromId }: Pick<BalancesOfMerge, 'intoId' | 'fromId'>,
): Promise<LockedBalances> {
  const accounts = await lockAccountsOf(tx, [intoId, fromId]);
  const states = accounts.flatMap(({ state }) => state ?? []);
  return {
    into: statesOf(accounts, intoId),
    from: statesOf(accounts, fromId),
    at: momentOfAll(states, ctx.now),
  };
}

/** What moves of each unit, and what the survivor will have of it. */
export function previewBalances({ into, from }: LockedBalances) {
  return [...from.values()].flatMap((state) => {
    const move = planMove(state);
    if (movesNothing(move)) return [];
    const { unit } = state;
    const balance = move.amount - move.debt;
    return [
      {
        unit,
        lots: move.lots.length,
        amount: move.amount,
        overdraft: move.debt,
        balance,
        survivorBalance: (into.get(unit)?.balance ?? 0) + balance,
      },
    ];
  });
}

/** What is to be booked in one account, and whose it is. */
interface Movement {
  customerId: string;
  otherId: string;
  state: AccountState;
  entries: Entry[];
}

function happeningOf(mergeId: string, { customerId, otherId }: Movement, booking: Booking): Happening[] {
  const { before, after, transfers } = booking;
  const [first] = transfers;
  if (!first) return [];
  const amount = after.balance - before.balance;
  return [
    {
      kind: before.unit === POINTS ? 'points.moved' : 'credit.moved',
      customerId,
      subjectId: first.id,
      data: { unit: before.unit, amount, balanceAfter: after.balance, mergeId, otherId },
    },
  ];
}

async function bookMovements(ctx: Ctx, tx: Tx, mergeId: string, movements: readonly Movement[], at: Date) {
  if (movements.length === 0) return;
  const bookings = movements.map(({ state, entries }) => book(state, entries, at, chainHash));
  const happenings = movements.flatMap((movement, index) =>
    happeningOf(mergeId, movement, bookings[index] as Booking),
  );
  await saveBookings(ctx, tx, bookings, happenings);
}

/** Who the entries of one unit are: each part of a movement happens once (L7). */
const naming = (ctx: Ctx, at: Date, name: string) => (part: string) => ({
  id: ctx.newId(),
  effectiveAt: at,
  reference: ownReference(name, part),
});

/** A debit that takes over a debt: from active lots as far as they go, beyond them as an overdraft. */
function debtEntry(
  { state, entries }: Pick<Movement, 'state' | 'entries'>,
  named: Pick<Entry, 'id' | 'effectiveAt' | 'reference'>,
  amount: number,
): Entry {
  const at = named.effectiveAt;
  const { after } = book(state, entries, at, chainHash);
  const shares = accepted(planDebit(after, amount, at, true));
  return { ...named, kind: 'merge_out', amount, shares };
}

/** The survivor's lots for those of `from`: what remains of them, with the same dates, source and rule. */
async function lotsForSurvivor(ctx: Ctx, tx: Tx, from: AccountState): Promise<NewLot[]> {
  const origins = new Map((await listLotOrigins(tx, { accountId: from.id })).map((row) => [row.lotId, row]));
  return from.lots.map(({ id, remaining, activeFrom, expiresAt }) => ({
    id: ctx.newId(),
    amount: remaining,
    activeFrom,
    expiresAt,
    source: origins.get(id)?.source ?? null,
    rule: origins.get(id)?.rule ?? null,
  }));
}

interface UnitPair {
  into: Movement;
  from: Movement;
  at: Date;
}

/** One unit: its lots go first, then its debt, which the survivor pays from what it has then. */
async function moveUnit(
  ctx: Ctx,
  tx: Tx,
  { into, from, at }: UnitPair,
  mergeId: string,
): Promise<MovedBalance> {
  const { unit } = from.state;
  const { lots, amount, debt } = planMove(from.state);
  const named = naming(ctx, at, `merge:${mergeId}:${unit}`);
  const opens = await lotsForSurvivor(ctx, tx, from.state);
  const moved: MovedBalance = {
    unit,
    amount,
    debt,
    lots: lots.map(({ lotId }, index) => ({ fromLotId: lotId, intoLotId: opens[index]?.id ?? '' })),
  };
  if (amount > 0) {
    from.entries.push({ ...named('merge_out'), kind: 'merge_out', amount, shares: lots });
    into.entries.push({ ...named('merge_in'), kind: 'merge_in', amount, opens });
  }
  if (debt > 0) {
    const paid = {
      id: ctx.newId(),
      amount: debt,
      activeFrom: at,
      expiresAt: null,
      source: `merge:${mergeId}`,
    };
    from.entries.push({ ...named('debt_in'), kind: 'merge_in', amount: debt, opens: [paid] });
    const taken = debtEntry(into, named('debt_out'), debt);
    into.entries.push(taken);
    moved.debtTransferId = taken.id;
  }
  return moved;
}

/** The survivor's accounts, with those that it did not have yet. */
async function openMissing(
  ctx: Ctx,
  tx: Tx,
  intoId: string,
  into: LockedBalances['into'],
  units: readonly string[],
): Promise<Map<string, AccountState>> {
  const missing = units.filter((unit) => !into.has(unit)).map((unit) => ({ customerId: intoId, unit }));
  if (missing.length === 0) return into;
  await ensureAccounts(tx, missing, ctx);
  return new Map([...into, ...statesOf(await lockAccounts(tx, missing), intoId)]);
}

const stateOf = (states: ReadonlyMap<string, AccountState>, unit: string): AccountState => {
  const state = states.get(unit);
  if (!state) throw new Error(`no account of ${unit}`);
  return state;
};

/**
 * Moves every balance to the survivor. Each account of `from` becomes a version newer, an empty one too: whoever read it
 * before the merge and writes after it has to decide anew, and finds the customer gone.
 */
export async function moveBalances(
  ctx: Ctx,
  tx: Tx,
  { mergeId, intoId, fromId }: BalancesOfMerge,
  { into, from, at }: LockedBalances,
): Promise<MovedBalance[]> {
  const units = [...from.values()].filter((state) => !movesNothing(planMove(state))).map(({ unit }) => unit);
  const survivor = await openMissing(ctx, tx, intoId, into, units);
  const leaving = [...from.values()].map(
    (state): Movement => ({ customerId: fromId, otherId: intoId, state, entries: [] }),
  );
  const arriving: Movement[] = [];
  const moved: MovedBalance[] = [];
  for (const source of leaving.filter(({ state }) => units.includes(state.unit))) {
    const state = stateOf(survivor, source.state.unit);
    const target: Movement = { customerId: intoId, otherId: fromId, state, entries: [] };
    moved.push(await moveUnit(ctx, tx, { into: target, from: source, at }, mergeId));
    arriving.push(target);
  }
  await bookMovements(ctx, tx, mergeId, [...leaving, ...arriving], at);
  return moved;
}

/** What a merge moved, as it is now; both accounts are locked. */
export interface ReturnableBalances extends LockedBalances {
  units: { moved: MovedBalance; lots: ReturnableLot[] }[];
  spentLotsCount: number;
}

/** Locks what a merge moved and counts what of it was spent since. */
export async function lockMovedBalances(
  ctx: Ctx,
  tx: Tx,
  merge: Pick<BalancesOfMerge, 'intoId' | 'fromId'> & { moved: readonly MovedBalance[] },
): Promise<ReturnableBalances> {
  const locked = await lockBalances(ctx, tx, merge);
  const units: ReturnableBalances['units'] = [];
  let spentLotsCount = 0;
  for (const moved of merge.moved) {
    const { id, holds } = stateOf(locked.into, moved.unit);
    const lotIds = moved.lots.map(({ intoLotId }) => intoLotId);
    const lots = await listReturnableLots(tx, { accountId: id, lotIds });
    units.push({ moved, lots });
    spentLotsCount += countSpentLots(lots, holds, locked.at);
  }
  return { ...locked, units, spentLotsCount };
}

async function returnLots(
  ctx: Ctx,
  tx: Tx,
  { into, from, at }: UnitPair,
  { moved, lots }: ReturnableBalances['units'][number],
  name: string,
): Promise<void> {
  const { taken, givenBack, amount } = planReturn(moved.lots, lots);
  if (amount === 0) return;
  const lotIds = givenBack.map(({ lotId }) => lotId);
  const revives = await listLots(tx, { accountId: from.state.id, lotIds });
  const named = naming(ctx, at, name);
  into.entries.push({ ...named('merge_out'), kind: 'merge_out', amount, shares: taken });
  from.entries.push({ ...named('merge_in'), kind: 'merge_in', amount, shares: givenBack, revives });
}

async function returnDebt(
  ctx: Ctx,
  tx: Tx,
  { into, from, at }: UnitPair,
  { debt, debtTransferId }: MovedBalance,
  name: string,
): Promise<void> {
  if (debtTransferId === undefined) return;
  const debit = await findRefundable(tx, { id: debtTransferId, accountId: into.state.id, amount: debt });
  const { shares, rest } = planDebtReturn(debit, debt);
  const named = naming(ctx, at, name);
  // First what covers the overdraft: else the lots that come back would be used up for it.
  if (rest > 0) {
    const opens = [{ id: ctx.newId(), amount: rest, activeFrom: at, expiresAt: null, source: name }];
    into.entries.push({ ...named('overdraft_in'), kind: 'merge_in', amount: rest, opens });
  }
  if (shares.length > 0) {
    const amount = debt - rest;
    const back = { shares, revives: debit.lots, correctsId: debtTransferId };
    into.entries.push({ ...named('debt_in'), kind: 'merge_in', amount, ...back });
  }
  from.entries.push(debtEntry(from, named('debt_out'), debt));
}

/** Gives back what a merge moved: to the very lots that it came from. */
export async function returnBalances(
  ctx: Ctx,
  tx: Tx,
  { mergeId, intoId, fromId }: BalancesOfMerge,
  { into, from, at, units }: ReturnableBalances,
): Promise<void> {
  const movements: Movement[] = [];
  for (const unit of units) {
    const name = `unmerge:${mergeId}:${unit.moved.unit}`;
    const movement = (customerId: string, otherId: string, states: ReadonlyMap<string, AccountState>) => ({
      customerId,
      otherId,
      state: stateOf(states, unit.moved.unit),
      entries: [],
    });
    const pair: UnitPair = {
      into: movement(intoId, fromId, into),
      from: movement(fromId, intoId, from),
      at,
    };
    await returnLots(ctx, tx, pair, unit, name);
    await returnDebt(ctx, tx, pair, unit.moved, name);
    movements.push(pair.into, pair.from);
  }
  await bookMovements(ctx, tx, mergeId, movements, at);
}
