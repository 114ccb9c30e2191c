// Credit notes of imported files name a customer but no order. Here is which orders they refund, and how much.
//
// The rule: a credit note lowers earlier orders of its customer (counted ones, placed before it, in its currency), and
// never below zero. What exceeds them is unmatched: reported, counted nowhere. So, whichever orders are chosen, after
// every note  refunded += min(amount, Σ what is left of the earlier orders),  and for a customer with sales s and notes
// c in time order (notes first at equal times)  totalSpent = S − min(0, S₁, S₂, …)  with Sₖ the running sum of s − c
// and S the last one: one window function in SQL. Choosing decides only which order shows the refund.
import { isCounted } from '../order-counters.ts';
import {
  type OrderItem,
  type OrderRefund,
  type OrderStatus,
  refundedQuantities,
  refundedTotalOf,
} from '../orders.ts';
import type { CreditNote } from './orders-from-lines.ts';

/** A stored order of the note's customer, with its items; rows fit. */
export interface RefundableOrder {
  id: string;
  status: OrderStatus;
  isTest: boolean;
  currency: string;
  placedAt: Date;
  total: number;
  items: readonly OrderItem[];
  refunds: readonly OrderRefund[];
}

export type CreditNotePlan =
  /** The note was applied before. */
  | { unchanged: true }
  /** At most one refund per order, with the note's id. `unmatched` is the amount that fits no earlier order. */
  | { refunds: { orderId: string; refund: OrderRefund }[]; unmatched: number };

/**
 * First the newest earlier order that holds the same sku at the same price, piece by piece; then, for what is left
 * (discounts, postage, goods bought before the file begins), the newest earlier order that has money left.
 */
export function planCreditNote(note: CreditNote, orders: readonly RefundableOrder[]): CreditNotePlan {
  if (orders.some((order) => order.refunds.some((refund) => refund.id === note.id)))
    return { unchanged: true };
  const shares = orders
    .filter((order) => isEarlier(order, note))
    .sort(newestFirst)
    .map(shareOf);
  const left = note.amount - takePieces(note, shares);
  const unmatched = left - takeMoney(left, shares);
  return {
    refunds: shares.filter((share) => share.taken > 0).map((share) => refundOf(note, share)),
    unmatched,
  };
}

/** What one order can give, and what the note has taken from it. */
interface Share {
  order: RefundableOrder;
  moneyLeft: number;
  piecesLeft: number[];
  taken: number;
  items: { sku: string | null; quantity: number }[];
}

function shareOf(order: RefundableOrder): Share {
  const refunded = refundedQuantities(order.items, order.refunds);
  return {
    order,
    moneyLeft: order.total - refundedTotalOf(order.refunds),
    piecesLeft: order.items.map((item, index) => item.quantity - (refunded[index] ?? 0)),
    taken: 0,
    items: [],
  };
}

/** Strictly before the note, so that the outcome does not hang on the order of rows with the same minute. */
function isEarlier(order: RefundableOrder, note: CreditNote): boolean {
  return isCounted(order) && order.currency === note.currency && order.placedAt < note.at;
}

function newestFirst(a: RefundableOrder, b: RefundableOrder): number {
  const gapMs = b.placedAt.getTime() - a.placedAt.getTime();
  if (gapMs !== 0) return gapMs;
  return a.id < b.id ? 1 : -1;
}

function takePieces(note: CreditNote, shares: readonly Share[]): number {
  let taken = 0;
  for (const { sku, quantity, unitPrice } of note.items) {
    if (sku === null || unitPrice === 0) continue;
    let wanted = quantity;
    for (const share of shares) {
      const pieces = takeFrom(share, sku, unitPrice, wanted);
      wanted -= pieces;
      taken += pieces * unitPrice;
    }
  }
  return taken;
}

function takeFrom(share: Share, sku: string, unitPrice: number, wanted: number): number {
  let pieces = 0;
  for (const [index, item] of share.order.items.entries()) {
    if (item.sku !== sku || item.unitPrice !== unitPrice) continue;
    const affordable = Math.floor(share.moneyLeft / unitPrice);
    const quantity = Math.min(wanted - pieces, share.piecesLeft[index] ?? 0, affordable);
    share.piecesLeft[index] = (share.piecesLeft[index] ?? 0) - quantity;
    share.moneyLeft -= quantity * unitPrice;
    pieces += quantity;
  }
  share.taken += pieces * unitPrice;
  if (pieces > 0) share.items.push({ sku, quantity: pieces });
  return pieces;
}

function takeMoney(amount: number, shares: readonly Share[]): number {
  let taken = 0;
  for (const share of shares) {
    const part = Math.min(amount - taken, share.moneyLeft);
    share.moneyLeft -= part;
    share.taken += part;
    taken += part;
  }
  return taken;
}

function refundOf(
  note: CreditNote,
  { order, taken, items }: Share,
): { orderId: string; refund: OrderRefund } {
  const refund: OrderRefund = { id: note.id, amount: taken, at: note.at.toISOString() };
  return { orderId: order.id, refund: items.length === 0 ? refund : { ...refund, items } };
}
