// A customer's account as the rules see it: lots, overdrafts and holds at one moment, and what of them counts at an instant.
import assert from 'node:assert';

/** Unit of loyalty accounts; every other unit is an ISO 4217 currency. */
export const POINTS = 'points';

/** A part of an earlier credit that is still there. */
export interface Lot {
  id: string;
  remaining: number;
  /** L5: counts from here … */
  activeFrom: Date;
  /** … and no more from here, to the millisecond. */
  expiresAt: Date | null;
}

/** An amount of one lot. */
export interface LotShare {
  lotId: string;
  amount: number;
}

export const HOLD_STATUSES = ['open', 'captured', 'voided'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** As holds are shown: time makes an open one `expired`. */
export const SHOWN_HOLD_STATUSES = [...HOLD_STATUSES, 'expired'] as const;
export type ShownHoldStatus = (typeof SHOWN_HOLD_STATUSES)[number];

/** A reservation (K6). Past `expiresAt` it reserves nothing, whatever its row says. */
export interface Hold {
  id: string;
  status: HoldStatus;
  amount: number;
  lots: readonly LotShare[];
  captured: number;
  /** The transfer that captured it. */
  transferId: string | null;
  expiresAt: Date;
}

/** A debit that went beyond all lots, with what no later lot has covered yet. */
export interface Overdraft {
  transferId: string;
  remaining: number;
}

/** An account with all that decides about it: open lots, open holds, open overdrafts. */
export interface AccountState {
  id: string;
  unit: string;
  balance: number;
  /** Number of the last transfer; 0 = none yet. */
  seq: number;
  /** Grows with every change, holds too. */
  version: number;
  /** Hash of the last transfer in hex; empty before the first (L8). */
  hash: string;
  /** When it changed last. */
  updatedAt: Date;
  lots: readonly Lot[];
  holds: readonly Hold[];
  overdrafts: readonly Overdraft[];
}

/** What an account is worth at an instant, in its unit. `balance = available + held + pending + expired` (L2). */
export interface Balances {
  balance: number;
  /** Can be spent now; below 0 only after an allowed overdraft. */
  available: number;
  /** Reserved by holds. */
  held: number;
  /** Will be active later (P3). */
  pending: number;
  /** Has expired and is not booked to `breakage` yet. */
  expired: number;
}

const sum = (amounts: Iterable<number>): number => {
  let total = 0;
  for (const amount of amounts) total += amount;
  return total;
};

export const sharesTotal = (shares: readonly LotShare[]): number => sum(shares.map(({ amount }) => amount));

export const hasExpired = ({ expiresAt }: Pick<Lot, 'expiresAt'>, at: Date): boolean =>
  expiresAt !== null && expiresAt <= at;

/** L5. */
export const isActive = (lot: Pick<Lot, 'activeFrom' | 'expiresAt'>, at: Date): boolean =>
  lot.activeFrom <= at && !hasExpired(lot, at);

export const LOT_STATUSES = ['pending', 'active', 'expired', 'used'] as const;
export type LotStatus = (typeof LOT_STATUSES)[number];

/** What time and spending made of a lot. */
export function lotStatusAt(lot: Omit<Lot, 'id'>, at: Date): LotStatus {
  if (lot.remaining === 0) return 'used';
  if (lot.activeFrom > at) return 'pending';
  return hasExpired(lot, at) ? 'expired' : 'active';
}

/** K6: time frees, not a job. */
export const isLive = (hold: Pick<Hold, 'status' | 'expiresAt'>, at: Date): boolean =>
  hold.status === 'open' && at < hold.expiresAt;

/**
 * The instant of a decision: now, but never before the account's last change. A request that had to wait, or a slower
 * clock, would otherwise count a hold or a lot again that time had freed or ended for somebody else's spend.
 */
export const momentOf = ({ updatedAt }: Pick<AccountState, 'updatedAt'>, now: Date): Date =>
  updatedAt > now ? updatedAt : now;

/** The same for a change of several accounts at once. */
export const momentOfAll = (states: readonly Pick<AccountState, 'updatedAt'>[], now: Date): Date =>
  states.reduce((at, state) => momentOf(state, at), now);

/** Reserved amounts by lot. */
export function reservedAt(holds: readonly Hold[], at: Date): Map<string, number> {
  const reserved = new Map<string, number>();
  for (const hold of holds) {
    if (!isLive(hold, at)) continue;
    for (const { lotId, amount } of hold.lots) reserved.set(lotId, (reserved.get(lotId) ?? 0) + amount);
  }
  return reserved;
}

/** What each lot has beside its reservations. */
export function freeLots({ lots, holds }: Pick<AccountState, 'lots' | 'holds'>, at: Date): Lot[] {
  const reserved = reservedAt(holds, at);
  return lots.flatMap((lot) => {
    const free = lot.remaining - (reserved.get(lot.id) ?? 0);
    assert(free >= 0, 'no lot is reserved beyond what remains of it');
    return free === 0 ? [] : [{ ...lot, remaining: free }];
  });
}

/** The account in numbers at the instant. */
export function balancesAt(state: AccountState, at: Date): Balances {
  const free = freeLots(state, at);
  const total = (wanted: (lot: Lot) => boolean) => sum(free.filter(wanted).map(({ remaining }) => remaining));
  const overdrawn = sum(state.overdrafts.map(({ remaining }) => remaining));
  return {
    balance: state.balance,
    available: total((lot) => isActive(lot, at)) - overdrawn,
    held: sum(reservedAt(state.holds, at).values()),
    pending: total((lot) => lot.activeFrom > at),
    expired: total((lot) => hasExpired(lot, at)),
  };
}

/** What can be spent now and is the next to stop counting; undefined where nothing ends. */
export function expiringNext(state: AccountState, at: Date): { amount: number; expiresAt: Date } | undefined {
  const ending = freeLots(state, at).filter((lot) => lot.expiresAt !== null && isActive(lot, at));
  const [first] = ending.sort(byConsumption);
  if (!first?.expiresAt) return undefined;
  const { expiresAt } = first;
  const together = ending.filter((lot) => lot.expiresAt?.getTime() === expiresAt.getTime());
  return { amount: sum(together.map(({ remaining }) => remaining)), expiresAt };
}

/** L4: soonest expiry first, those without expiry last, then the oldest. Ids are UUID v7, so they sort by age. */
export function byConsumption(one: Lot, other: Lot): number {
  const [first, second] = [one.expiresAt?.getTime() ?? Infinity, other.expiresAt?.getTime() ?? Infinity];
  if (first !== second) return first - second;
  return one.id < other.id ? -1 : 1;
}

/** L4: takes up to `amount` from the lots, in the order of consumption. */
export function allocate(lots: readonly Lot[], amount: number): LotShare[] {
  const shares: LotShare[] = [];
  let wanted = amount;
  for (const lot of [...lots].sort(byConsumption)) {
    if (wanted === 0) break;
    const taken = Math.min(wanted, lot.remaining);
    shares.push({ lotId: lot.id, amount: taken });
    wanted -= taken;
  }
  return shares;
}
