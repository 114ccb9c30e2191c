// An account at a past or future instant on both axes (L9): what had been recorded by then, and what counts then.
import type { AccountState, Hold, Lot, LotShare, Overdraft } from './accounts.ts';

/** The instant that is asked about, on both axes. */
export interface AsOf {
  /** What counts then. */
  effectiveAt: Date;
  /** What had been written down by then. */
  recordedAt: Date;
}

/** The entries of an account that count, added up. */
export interface AsOfSums {
  balance: number;
  /** Number and hash of the last recorded transfer; 0 and empty before the first. */
  seq: number;
  hash: string;
  /** Below 0 where a booking that is effective earlier took what came later. */
  lots: readonly Lot[];
  holds: readonly Hold[];
  overdrafts: readonly Overdraft[];
}

/** What of the reserved shares the lots still have. */
function cappedHolds(holds: readonly Hold[], lots: readonly Lot[]): Hold[] {
  const left = new Map(lots.map(({ id, remaining }) => [id, remaining]));
  return holds.map((hold) => ({
    ...hold,
    lots: hold.lots.map(({ lotId, amount }): LotShare => {
      const remaining = left.get(lotId) ?? 0;
      const reserved = Math.min(amount, remaining);
      left.set(lotId, remaining - reserved);
      return { lotId, amount: reserved };
    }),
  }));
}

/**
 * The account as every rule sees one. Expiry is booked back to the instant of its lot, so on the effective axis a lot can
 * be empty that a hold still had, or owe what a later refund gave back: the one reserves nothing, the other is an
 * overdraft. So balance = available + held + pending + expired holds at every instant.
 */
export function stateAsOf(
  account: Pick<AccountState, 'id' | 'unit' | 'version'>,
  { lots, holds, overdrafts, ...sums }: AsOfSums,
  { effectiveAt }: AsOf,
): AccountState {
  const there = lots.filter(({ remaining }) => remaining > 0);
  const owed = lots
    .filter(({ remaining }) => remaining < 0)
    .map(({ id, remaining }): Overdraft => ({ transferId: id, remaining: -remaining }));
  return {
    ...account,
    ...sums,
    updatedAt: effectiveAt,
    lots: there,
    holds: cappedHolds(holds, there),
    overdrafts: [...overdrafts, ...owed],
  };
}
