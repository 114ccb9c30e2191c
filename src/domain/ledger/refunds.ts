// Giving back what a debit took (K7, P5, P6): to the very lots that paid.
import { daysAfter } from '../days.ts';
import { byConsumption, hasExpired, type Lot, type LotShare, sharesTotal } from './accounts.ts';

/** What becomes of a part whose lot expired meanwhile: a new lot for some days, or it goes to breakage. */
export const EXPIRED_REFUNDS = ['grace', 'breakage'] as const;
export type ExpiredRefunds = (typeof EXPIRED_REFUNDS)[number];

/** A lot that the debit took from. */
export interface SpentLot extends Lot {
  /** Taken by the debit, and given back by refunds so far. */
  taken: number;
  givenBack: number;
}

/** A debit as its refunds find it. */
export interface RefundableDebit {
  amount: number;
  lots: readonly SpentLot[];
  refunded: number;
}

export interface RefundPlan {
  /** Given back to lots; with `breakage` also to expired ones, from where the expiry books it. */
  shares: LotShare[];
  /** For expired lots: one new lot, valid until `expiresAt`. */
  renewed: { amount: number; expiresAt: Date } | undefined;
}

export type RefundRefusal = { refused: 'REFUND_EXCEEDS_CAPTURE'; refundable: number };

/**
 * K7: gives `amount` back, last taken first: what would have been spent last is first to return, so that many partial
 * refunds end where one full refund ends. Never more than was taken.
 */
export function planRefund(
  debit: RefundableDebit,
  amount: number,
  policy: { expired: ExpiredRefunds; graceDays: number },
  at: Date,
): RefundPlan | RefundRefusal {
  const refundable = debit.amount - debit.refunded;
  if (amount > refundable) return { refused: 'REFUND_EXCEEDS_CAPTURE', refundable };
  const shares = returnTo(debit.lots, amount);
  const lots = new Map(debit.lots.map((lot) => [lot.id, lot]));
  const isOver = ({ lotId }: LotShare) => hasExpired(lots.get(lotId) as SpentLot, at);
  const over = shares.filter(isOver);
  if (over.length === 0 || policy.expired === 'breakage') return { shares, renewed: undefined };
  const expiresAt = daysAfter(at, policy.graceDays);
  return {
    shares: shares.filter((share) => !isOver(share)),
    renewed: { amount: sharesTotal(over), expiresAt },
  };
}

function returnTo(lots: readonly SpentLot[], amount: number): LotShare[] {
  let left = amount;
  return [...lots]
    .sort((one, other) => byConsumption(other, one))
    .flatMap((lot) => {
      const returned = Math.min(left, lot.taken - lot.givenBack);
      left -= returned;
      return returned > 0 ? [{ lotId: lot.id, amount: returned }] : [];
    });
}
