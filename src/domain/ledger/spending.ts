// Taking from an account: spends, corrections downward, and holds (L4–L6, K2, K6).
import {
  type AccountState,
  allocate,
  balancesAt,
  freeLots,
  type Hold,
  hasExpired,
  isActive,
  isLive,
  type LotShare,
  POINTS,
  sharesTotal,
} from './accounts.ts';

/** K6: how long a hold can be made to live. */
export const MAX_HOLD_TTL_MS = 7 * 24 * 3600_000;

export type ShortRefusal = { refused: 'INSUFFICIENT_CREDIT' | 'INSUFFICIENT_POINTS'; available: number };

/** `INSUFFICIENT_POINTS` for points, `INSUFFICIENT_CREDIT` for money. */
const short = ({ unit }: AccountState, available: number): ShortRefusal => ({
  refused: unit === POINTS ? 'INSUFFICIENT_POINTS' : 'INSUFFICIENT_CREDIT',
  available,
});

/** L4–L6: the lots that pay `amount` at the instant, or the refusal with what is available. */
export function planSpend(state: AccountState, amount: number, at: Date): LotShare[] | ShortRefusal {
  const { available } = balancesAt(state, at);
  if (amount > available) return short(state, available);
  return allocate(activeLots(state, at), amount);
}

/** K2, P6: as a spend, but what the lots do not have becomes an overdraft where the store allows it. */
export function planDebit(
  state: AccountState,
  amount: number,
  at: Date,
  allowNegative: boolean,
): LotShare[] | ShortRefusal {
  return allowNegative ? allocate(activeLots(state, at), amount) : planSpend(state, amount, at);
}

/** A credit that is taken back: from its own lot as far as that has it, the rest as a spend (P5). */
export function planTakeBack(
  state: AccountState,
  lotId: string | undefined,
  amount: number,
  at: Date,
): LotShare[] | ShortRefusal {
  const { available } = balancesAt(state, at);
  if (amount > available) return short(state, available);
  const lots = activeLots(state, at);
  const own = allocate(
    lots.filter(({ id }) => id === lotId),
    amount,
  );
  const rest = amount - sharesTotal(own);
  return [
    ...own,
    ...allocate(
      lots.filter(({ id }) => id !== lotId),
      rest,
    ),
  ];
}

const activeLots = (state: AccountState, at: Date) => freeLots(state, at).filter((lot) => isActive(lot, at));

/** Why a hold cannot be changed. */
export type HoldRefusal =
  | { refused: 'HOLD_EXPIRED'; expiresAt: Date }
  | { refused: 'HOLD_CAPTURED'; captured: number }
  | { refused: 'HOLD_VOIDED' }
  | { refused: 'HOLD_EXCEEDED'; held: number };

/**
 * K6: what capturing takes, soonest expiring first as reserved; `done` when it was captured with this amount before. What
 * is not captured is free again. A reserved lot pays within the hold's life even if it has expired meanwhile: the
 * decision to spend it was made when it was valid.
 */
export function planCapture(
  hold: Hold,
  amount: number | undefined,
  at: Date,
): { shares: LotShare[]; amount: number } | { done: true } | HoldRefusal {
  if (hold.status === 'voided') return { refused: 'HOLD_VOIDED' };
  if (hold.status === 'captured') {
    const isSame = amount === undefined || amount === hold.captured;
    return isSame ? { done: true } : { refused: 'HOLD_CAPTURED', captured: hold.captured };
  }
  if (!isLive(hold, at)) return { refused: 'HOLD_EXPIRED', expiresAt: hold.expiresAt };
  const wanted = amount ?? hold.amount;
  if (wanted > hold.amount) return { refused: 'HOLD_EXCEEDED', held: hold.amount };
  return { amount: wanted, shares: firstShares(hold.lots, wanted) };
}

function firstShares(shares: readonly LotShare[], amount: number): LotShare[] {
  let wanted = amount;
  return shares.flatMap((share) => {
    const taken = Math.min(wanted, share.amount);
    wanted -= taken;
    return taken > 0 ? [{ lotId: share.lotId, amount: taken }] : [];
  });
}

/** K6: voiding twice, or after time has freed it, is no change and no error. */
export function planVoid(hold: Hold): { done: boolean } | HoldRefusal {
  if (hold.status === 'captured') return { refused: 'HOLD_CAPTURED', captured: hold.captured };
  return { done: hold.status === 'voided' };
}

/**
 * K6: a later end of a live hold. Extending is deciding anew, so credit that has expired since cannot be kept any longer.
 */
export function planExtension(
  state: AccountState,
  hold: Hold,
  createdAt: Date,
  expiresAt: Date,
  at: Date,
): { expiresAt: Date } | HoldRefusal | { refused: 'HOLD_LOTS_EXPIRED' } | { refused: 'HOLD_TOO_LONG' } {
  if (hold.status === 'voided') return { refused: 'HOLD_VOIDED' };
  if (hold.status === 'captured') return { refused: 'HOLD_CAPTURED', captured: hold.captured };
  if (!isLive(hold, at)) return { refused: 'HOLD_EXPIRED', expiresAt: hold.expiresAt };
  if (expiresAt.getTime() - createdAt.getTime() > MAX_HOLD_TTL_MS) return { refused: 'HOLD_TOO_LONG' };
  const reserved = new Set(hold.lots.map(({ lotId }) => lotId));
  if (state.lots.some((lot) => reserved.has(lot.id) && hasExpired(lot, at)))
    return { refused: 'HOLD_LOTS_EXPIRED' };
  return { expiresAt: expiresAt > hold.expiresAt ? expiresAt : hold.expiresAt };
}

/** P10: everything that is not reserved, pending and expired too. */
export const planForfeit = (state: AccountState, at: Date): LotShare[] =>
  freeLots(state, at).map(({ id, remaining }) => ({ lotId: id, amount: remaining }));
