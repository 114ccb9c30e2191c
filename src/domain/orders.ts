// Orders as the store platform tells them (O1, O3): the words, the shape, and the arithmetic that must hold.
// All amounts are integer minor units of the order's one currency. What a new version changes is in order-upserts.ts.
import { caseKey } from './fields.ts';
import { currencyExponent, multiplyAmount, sumAmounts } from './money.ts';

/** O3: where the goods are. Refunds are a second fact and have their own words, so neither overwrites the other. */
export const ORDER_STATUSES = [
  'pending',
  'confirmed',
  'processing',
  'shipped',
  'delivered',
  'completed',
  'cancelled',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** O3: follows from the refund amounts alone. */
export const REFUND_STATUSES = ['none', 'partially_refunded', 'refunded'] as const;
export type RefundStatus = (typeof REFUND_STATUSES)[number];

/** What platforms may send as `status`: many have one word for both facts (`resolveStatus` takes them apart). */
export const PLATFORM_STATUSES = [...ORDER_STATUSES, 'partially_refunded', 'refunded'] as const;
export type PlatformStatus = (typeof PLATFORM_STATUSES)[number];

/** C7: the statuses that count for a customer. */
export const COUNTED_STATUSES = [
  'confirmed',
  'processing',
  'shipped',
  'delivered',
  'completed',
] as const satisfies readonly OrderStatus[];

/** P3: the goods are with the customer. */
export const hasArrived = (status: OrderStatus): boolean => status === 'delivered' || status === 'completed';

/** O1: most orders of one batch. */
export const MAX_ORDER_BATCH = 500;

/** O5: what a list of orders is sorted by, ties by id. */
export const ORDER_SORTS = ['placedAt', '-placedAt', 'total', '-total'] as const;
export type OrderSort = (typeof ORDER_SORTS)[number];

export interface OrderItem {
  productId: string | null;
  sku: string | null;
  title: string;
  categories: string[];
  tags: string[];
  quantity: number;
  unitPrice: number;
  /** Taken off this line as a whole, not per piece. */
  discount: number;
  /** Information: the part of the order's `tax` that belongs to this line. */
  tax: number;
  /** Money in advance: it earns no points when it is bought (P1). */
  isGiftCard: boolean;
}

/** Names the ids that tell the line apart; each one given must be that of an item of the order. */
export interface RefundItem {
  productId?: string | null;
  sku?: string | null;
  quantity: number;
}

export interface OrderRefund {
  /** The platform's id, unique in the order. */
  id: string;
  amount: number;
  /** RFC 3339. A string, because refunds are stored as JSON. */
  at: string;
  items?: RefundItem[];
}

/** A5: the order's own copy. */
export interface OrderAddress {
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  line1?: string | null;
  line2?: string | null;
  city?: string | null;
  region?: string | null;
  postcode?: string | null;
  countryCode?: string | null;
  phone?: string | null;
}

/** O7: what applied when the order was placed. */
export interface OrderSnapshot {
  groupIds: string[];
  primaryGroupId: string | null;
  tier: string | null;
  priceBasis: 'retail' | 'wholesale';
}

/** O1: what has to add up. */
export interface OrderAmounts {
  currency: string;
  items: readonly OrderItem[];
  shipping: number;
  tax: number;
  /** True when unit prices and shipping contain the tax already, as in most shops of Europe; then it is not added. */
  taxesIncluded: boolean;
  /** Taken off the order as a whole, beyond the discounts of the lines. */
  discount: number;
  total: number;
  /** The parts of `total` that were paid with store credit and with points (P1). */
  creditPaid: number;
  pointsPaid: number;
  refunds: readonly OrderRefund[];
}

export type OrderErrorCode =
  | 'AMOUNT_INVALID'
  | 'AMOUNT_TOO_LARGE'
  | 'CURRENCY_UNKNOWN'
  | 'ORDER_PAID_EXCEEDS_TOTAL'
  | 'ORDER_TOTAL_MISMATCH'
  | 'REFUND_AT_INVALID'
  | 'REFUND_EXCEEDS_TOTAL'
  | 'REFUND_ID_TWICE'
  | 'REFUND_ITEMS_MISMATCH'
  | 'REFUND_STATUS_MISMATCH';

/** One wrong field; `pointer` is a JSON Pointer into the order. */
export interface OrderError {
  pointer: string;
  code: OrderErrorCode;
  message: string;
  /** As everywhere in problem documents: a list of texts. */
  expected: readonly string[];
  given: number | string;
}

/** `refused` is the code of the first error. */
export interface OrderRefusal {
  refused: OrderErrorCode;
  errors: OrderError[];
}

/** The words by which segments find an item, each once without regard to case and width. */
export function itemKeys({ categories, tags }: Pick<OrderItem, 'categories' | 'tags'>) {
  return { categoryKeys: keysOf(categories), tagKeys: keysOf(tags) };
}

const keysOf = (words: readonly string[]): string[] => [...new Set(words.map(caseKey))];

/** Quantity × unit price − discount. Only for items that `checkOrder` let pass. */
export function lineTotal(item: Pick<OrderItem, 'quantity' | 'unitPrice' | 'discount'>): number {
  return item.quantity * item.unitPrice - item.discount;
}

/** Σ refund amounts. Only for refunds that `checkOrder` let pass. */
export function refundedTotalOf(refunds: readonly OrderRefund[]): number {
  return refunds.reduce((sum, refund) => sum + refund.amount, 0);
}

/** O3. An order of total 0 has nothing to refund and stays `none`. */
export function refundStatusOf(total: number, refundedTotal: number): RefundStatus {
  if (refundedTotal === 0) return 'none';
  return refundedTotal < total ? 'partially_refunded' : 'refunded';
}

/**
 * O1: total = Σ (quantity × unitPrice − discount) + shipping + tax (unless included) − discount, exactly; no part below
 * zero; credit and points pay no more than the total; Σ refunds ≤ total, refund ids unique, refunded quantities within
 * the ordered ones. Undefined when all holds.
 */
export function checkOrder(order: OrderAmounts): OrderRefusal | undefined {
  const malformed = [...currencyErrors(order), ...fieldErrors(order)];
  const errors = malformed.length > 0 ? malformed : [...totalErrors(order), ...refundErrors(order)];
  return refusalOf(errors);
}

function refusalOf(errors: OrderError[]): OrderRefusal | undefined {
  const first = errors[0];
  return first === undefined ? undefined : { refused: first.code, errors };
}

/** Also for rules of other rooms about the same order (`REFUND_STATUS_MISMATCH`). */
export function orderError(
  code: OrderErrorCode,
  pointer: string,
  expected: number | string,
  given: number | string,
): OrderError {
  return { pointer, code, message: `expected ${expected}, given ${given}`, expected: [`${expected}`], given };
}

function currencyErrors({ currency }: OrderAmounts): OrderError[] {
  if (currencyExponent(currency) !== undefined) return [];
  return [orderError('CURRENCY_UNKNOWN', '/currency', 'an ISO 4217 code', currency)];
}

/** Amounts are whole and not negative, quantities at least 1. The schema says so too; sums below rely on it. */
function fieldErrors(order: OrderAmounts): OrderError[] {
  const wholes: [pointer: string, value: number, least: number][] = [
    ...order.items.flatMap((item, index): [string, number, number][] => [
      [`/items/${index}/quantity`, item.quantity, 1],
      [`/items/${index}/unitPrice`, item.unitPrice, 0],
      [`/items/${index}/discount`, item.discount, 0],
      [`/items/${index}/tax`, item.tax, 0],
    ]),
    ['/shipping', order.shipping, 0],
    ['/tax', order.tax, 0],
    ['/discount', order.discount, 0],
    ['/total', order.total, 0],
    ['/creditPaid', order.creditPaid, 0],
    ['/pointsPaid', order.pointsPaid, 0],
    ...order.refunds.flatMap((refund, index): [string, number, number][] => [
      [`/refunds/${index}/amount`, refund.amount, 0],
      ...(refund.items ?? []).map((item, at): [string, number, number] => [
        `/refunds/${index}/items/${at}/quantity`,
        item.quantity,
        1,
      ]),
    ]),
  ];
  return wholes
    .filter(([, value, least]) => !Number.isSafeInteger(value) || value < least)
    .map(([pointer, given, least]) =>
      orderError('AMOUNT_INVALID', pointer, `an integer of at least ${least}`, given),
    );
}

function totalErrors(order: OrderAmounts): OrderError[] {
  const lines = order.items.map((item) => multiplyAmount(item.quantity, item.unitPrice));
  const grossErrors = order.items.flatMap((item, index) => lineErrors(item, index, lines[index]));
  if (grossErrors.length > 0) return grossErrors;
  const sum = sumAmounts([
    ...order.items.map(lineTotal),
    order.shipping,
    ...(order.taxesIncluded ? [] : [order.tax]),
  ]);
  if (typeof sum !== 'number') return [tooLarge('/total', order.total)];
  if (order.discount > sum) return [mismatch('/discount', `at most ${sum}`, order.discount)];
  const expected = sum - order.discount;
  return [
    ...(order.total === expected ? [] : [mismatch('/total', expected, order.total)]),
    ...itemTaxErrors(order),
    ...paidErrors(order),
  ];
}

/** P1: names the part with which credit and points pass the total. */
function paidErrors({ creditPaid, pointsPaid, total }: OrderAmounts): OrderError[] {
  const exceeds = (pointer: string, most: number, given: number) => [
    orderError('ORDER_PAID_EXCEEDS_TOTAL', pointer, `at most ${most}`, given),
  ];
  if (creditPaid > total) return exceeds('/creditPaid', total, creditPaid);
  return pointsPaid > total - creditPaid ? exceeds('/pointsPaid', total - creditPaid, pointsPaid) : [];
}

function lineErrors(
  item: OrderItem,
  index: number,
  gross: ReturnType<typeof multiplyAmount> | undefined,
): OrderError[] {
  if (typeof gross !== 'number') return [tooLarge(`/items/${index}/unitPrice`, item.unitPrice)];
  if (item.discount <= gross) return [];
  return [mismatch(`/items/${index}/discount`, `at most ${gross}`, item.discount)];
}

/**
 * The taxes of the items are a part of the order's tax: less is right (shipping is taxed, platforms leave them out),
 * more is not, up to the one minor unit that rounding per line can add for each item.
 */
function itemTaxErrors({ items, tax }: OrderAmounts): OrderError[] {
  const taxed = items.filter((item) => item.tax > 0);
  const sum = sumAmounts(taxed.map((item) => item.tax));
  if (typeof sum !== 'number') return [tooLarge('/tax', tax)];
  return sum <= tax + taxed.length ? [] : [mismatch('/tax', `at least ${sum}, as in the items`, tax)];
}

function refundErrors(order: OrderAmounts): OrderError[] {
  return [
    ...refundTimeErrors(order),
    ...refundIdErrors(order),
    ...refundAmountErrors(order),
    ...refundItemErrors(order),
  ];
}

/** A leap second passes a pattern for RFC 3339, but no clock here knows it. */
function refundTimeErrors({ refunds }: OrderAmounts): OrderError[] {
  return refunds.flatMap(({ at }, index) =>
    Number.isNaN(Date.parse(at))
      ? [orderError('REFUND_AT_INVALID', `/refunds/${index}/at`, 'an instant', at)]
      : [],
  );
}

function refundIdErrors({ refunds }: OrderAmounts): OrderError[] {
  const seen = new Set<string>();
  return refunds.flatMap(({ id }, index) => {
    if (seen.has(id)) return [orderError('REFUND_ID_TWICE', `/refunds/${index}/id`, 'a unique id', id)];
    seen.add(id);
    return [];
  });
}

/** Names the refund with which the sum passes the total. */
function refundAmountErrors({ refunds, total }: OrderAmounts): OrderError[] {
  let left = total;
  for (const [index, { amount }] of refunds.entries()) {
    if (amount > left) {
      return [orderError('REFUND_EXCEEDS_TOTAL', `/refunds/${index}/amount`, `at most ${left}`, amount)];
    }
    left -= amount;
  }
  return [];
}

function refundItemErrors(order: OrderAmounts): OrderError[] {
  return allotRefunds(order.items, order.refunds).excess.map(({ refund, item, quantity, most }) =>
    orderError(
      'REFUND_ITEMS_MISMATCH',
      `/refunds/${refund}/items/${item}/quantity`,
      `at most ${most}`,
      quantity,
    ),
  );
}

/** How many pieces of each item of the order came back, in the order of `items`. */
export function refundedQuantities(items: readonly OrderItem[], refunds: readonly OrderRefund[]): number[] {
  return allotRefunds(items, refunds).refunded;
}

/**
 * Lays refund lines on the items they name. Lines with a sku go first: they fit fewer items, so a line that names only
 * the product does not take their place.
 */
function allotRefunds(items: readonly OrderItem[], refunds: readonly OrderRefund[]) {
  const refunded = items.map(() => 0);
  const excess: { refund: number; item: number; quantity: number; most: number }[] = [];
  for (const { refund, item, line } of refundLines(refunds)) {
    let wanted = line.quantity;
    for (const [index, ordered] of items.entries()) {
      if (wanted === 0 || !names(line, ordered)) continue;
      const taken = Math.min(wanted, ordered.quantity - (refunded[index] ?? 0));
      refunded[index] = (refunded[index] ?? 0) + taken;
      wanted -= taken;
    }
    if (wanted > 0) excess.push({ refund, item, quantity: line.quantity, most: line.quantity - wanted });
  }
  return { refunded, excess };
}

function refundLines(refunds: readonly OrderRefund[]) {
  const lines = refunds.flatMap(({ items = [] }, refund) =>
    items.map((line, item) => ({ refund, item, line })),
  );
  const rank = ({ line }: { line: RefundItem }) =>
    (line.sku == null ? 2 : 0) + (line.productId == null ? 1 : 0);
  return lines.sort((a, b) => rank(a) - rank(b));
}

function names(line: RefundItem, item: OrderItem): boolean {
  if (line.productId == null && line.sku == null) return false;
  return (
    (line.productId == null || line.productId === item.productId) &&
    (line.sku == null || line.sku === item.sku)
  );
}

function mismatch(pointer: string, expected: number | string, given: number): OrderError {
  return orderError('ORDER_TOTAL_MISMATCH', pointer, expected, given);
}

function tooLarge(pointer: string, given: number): OrderError {
  return orderError('AMOUNT_TOO_LARGE', pointer, 'sums below 2^53', given);
}
