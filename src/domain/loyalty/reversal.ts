// What refunds take back of earned points (P6): how many in all, and what becomes of those that are spent already.
import assert from 'node:assert';

export const REVERSAL_POLICIES = ['pending_only', 'within_balance', 'allow_negative'] as const;
export type ReversalPolicy = (typeof REVERSAL_POLICIES)[number];

/** What was earned by one source under one rule, and how much of the source came back. */
export interface EarnedAndRefunded {
  /** Points that the source earned. */
  earned: number;
  /** Points that earlier refunds settled: taken, forgiven or overdrawn, so that nothing is asked for twice. */
  alreadyReversed: number;
  /** What the points were earned by, in any one measure: the order's total, its pieces. */
  base: number;
  /** Σ of all refunds so far in the same measure; the whole `base` for an order that was cancelled. */
  refundedBase: number;
}

/** The parts of a reversal; they add up to what was wanted. */
export interface ReversalPlan {
  /** Points to take from lots, pending ones first. */
  take: number;
  /** Points that the customer keeps. */
  forgiven: number;
  /** Points by which the balance goes below zero. */
  overdraft: number;
}

/**
 * P6: how many points the latest refund takes back. In proportion to the cumulative refund, rounded down until
 * everything came back, so that many partial refunds take what one full refund takes, and never more than was earned.
 */
export function pointsToReverse({ earned, alreadyReversed, base, refundedBase }: EarnedAndRefunded): number {
  return Math.max(0, reversedInAll(earned, base, refundedBase) - alreadyReversed);
}

/**
 * P6: where the wanted points come from. `pendingRemaining` and `availableRemaining` are what the customer has of
 * points that are not active yet and that can be spent; for `pending_only` the pending ones of this very source.
 */
export function planReversal(
  policy: ReversalPolicy,
  points: { wanted: number; pendingRemaining: number; availableRemaining: number },
): ReversalPlan {
  const { wanted } = points;
  const pending = Math.max(0, points.pendingRemaining);
  const available = policy === 'pending_only' ? 0 : Math.max(0, points.availableRemaining);
  const take = Math.min(wanted, pending + available);
  const missing = wanted - take;
  return policy === 'allow_negative'
    ? { take, forgiven: 0, overdraft: missing }
    : { take, forgiven: missing, overdraft: 0 };
}

function reversedInAll(earned: number, base: number, refundedBase: number): number {
  assert([earned, base, refundedBase].every(Number.isSafeInteger));
  if (refundedBase <= 0) return 0;
  if (refundedBase >= base) return earned;
  return Number((BigInt(earned) * BigInt(refundedBase)) / BigInt(base));
}
