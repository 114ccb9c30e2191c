// Moving what one account has to another account of the same unit, and back (C10): lots keep their dates, debts are paid
// or go along.
import { type AccountState, isLive, type LotShare, reservedAt, sharesTotal } from './accounts.ts';
import type { RefundableDebit } from './refunds.ts';

/** What leaves an account: all that remains of its lots, and all that it owes beyond them. */
export interface BalanceMove {
  lots: LotShare[];
  /** Σ of `lots`. */
  amount: number;
  /** Σ of open overdrafts. */
  debt: number;
}

/** A lot that a merge moved: what it was, and what stands for it in the other account. */
export interface MovedLot {
  fromLotId: string;
  intoLotId: string;
}

/** What a merge moved of one unit, as plain JSON: kept with the merge, so that it can be taken back. */
export interface MovedBalance {
  unit: string;
  lots: MovedLot[];
  amount: number;
  debt: number;
  /** The survivor's debit that took over the debt. */
  debtTransferId?: string;
}

/**
 * C10: everything goes, also what is pending, or has expired and is not booked yet. Live holds are a blocker of the
 * merge, so nothing is reserved.
 */
export function planMove({ lots, overdrafts }: Pick<AccountState, 'lots' | 'overdrafts'>): BalanceMove {
  const shares = lots.map(({ id, remaining }) => ({ lotId: id, amount: remaining }));
  return {
    lots: shares,
    amount: sharesTotal(shares),
    debt: overdrafts.reduce((total, { remaining }) => total + remaining, 0),
  };
}

export const movesNothing = ({ amount, debt }: Pick<BalanceMove, 'amount' | 'debt'>): boolean =>
  amount === 0 && debt === 0;

/** Live holds: they name lots of this account, which must stay until the checkout has ended. */
export const liveHoldsCount = ({ holds }: Pick<AccountState, 'holds'>, at: Date): number =>
  holds.filter((hold) => isLive(hold, at)).length;

/** A moved lot as it is when the merge is to be taken back. */
export interface ReturnableLot {
  lotId: string;
  remaining: number;
  /** Taken by anything but its expiry, less what was given back. */
  spent: number;
}

/** C10: how many moved lots were spent or are held, so that they cannot go back as they came. */
export function countSpentLots(
  lots: readonly ReturnableLot[],
  holds: AccountState['holds'],
  at: Date,
): number {
  const reserved = reservedAt(holds, at);
  return lots.filter(({ lotId, spent }) => spent !== 0 || reserved.has(lotId)).length;
}

/** What goes back into the lots of the account that they came from; those that expired meanwhile are gone. */
export function planReturn(
  moved: readonly MovedLot[],
  lots: readonly ReturnableLot[],
): { taken: LotShare[]; givenBack: LotShare[]; amount: number } {
  const remaining = new Map(lots.map((lot) => [lot.lotId, lot.remaining]));
  const left = moved.filter(({ intoLotId }) => (remaining.get(intoLotId) ?? 0) > 0);
  const share = (lotId: string, intoLotId: string) => ({ lotId, amount: remaining.get(intoLotId) ?? 0 });
  const taken = left.map(({ intoLotId }) => share(intoLotId, intoLotId));
  return {
    taken,
    givenBack: left.map(({ fromLotId, intoLotId }) => share(fromLotId, intoLotId)),
    amount: sharesTotal(taken),
  };
}

/** What the survivor gets for a debt that goes back: the lots that paid for it, and the rest against what it still owes. */
export function planDebtReturn(
  { lots }: Pick<RefundableDebit, 'lots'>,
  debt: number,
): { shares: LotShare[]; rest: number } {
  const shares = lots
    .map(({ id, taken, givenBack }) => ({ lotId: id, amount: taken - givenBack }))
    .filter(({ amount }) => amount > 0);
  return { shares, rest: debt - sharesTotal(shares) };
}
