// O1, O3: what a delivery of an order by the platform does to the stored one: nothing, a new version, or a refusal.
import {
  checkOrder,
  lineTotal,
  ORDER_STATUSES,
  type OrderAddress,
  type OrderAmounts,
  type OrderError,
  type OrderItem,
  type OrderRefund,
  type OrderRefusal,
  type OrderStatus,
  orderError,
  type PlatformStatus,
  type RefundStatus,
  refundedTotalOf,
  refundStatusOf,
} from './orders.ts';

/** What the platform tells and the service stores; rows fit. */
export interface Order extends OrderAmounts {
  status: OrderStatus;
  placedAt: Date;
  /** The platform's time of this version. */
  platformUpdatedAt: Date;
  paymentMethod: string | null;
  channel: string | null;
  couponCodes: readonly string[];
  email: string | null;
  isTest: boolean;
  shippingAddress: OrderAddress | null;
  billingAddress: OrderAddress | null;
}

/** As delivered. `refunds` left out keeps the stored ones; an empty list says that there are none. */
export interface IncomingOrder extends Omit<Order, 'status' | 'refunds'> {
  status: PlatformStatus;
  refunds?: readonly OrderRefund[] | undefined;
}

/** What to store: the incoming order with everything that follows from it. */
export interface PlannedOrder extends Order {
  refundStatus: RefundStatus;
  refundedTotal: number;
  items: readonly (OrderItem & { total: number })[];
}

export interface OrderStatusRefusal {
  refused: 'ORDER_STATUS_CONFLICT';
  from: OrderStatus;
  to: OrderStatus;
  allowed: OrderStatus[];
}

export type OrderUpsert =
  /** A newer version is stored already. */
  | { ignored: 'STALE' }
  /** Same content. With a time: only that is to be stored, so that versions in between stay stale. */
  | { unchanged: true; platformUpdatedAt?: Date }
  | { apply: PlannedOrder }
  | OrderRefusal
  | OrderStatusRefusal;

/**
 * O1, O3. Older deliveries are ignored before anything else is looked at. At the same stamp (platforms have whole
 * seconds) the later delivery wins, unless its status could not follow: then it is the older of the two.
 */
export function planOrderUpsert(existing: Order | undefined, incoming: IncomingOrder): OrderUpsert {
  const ageMs =
    existing === undefined ? 1 : incoming.platformUpdatedAt.getTime() - existing.platformUpdatedAt.getTime();
  if (ageMs < 0) return { ignored: 'STALE' };
  const order = resolve(existing, incoming);
  const refusal = checkOrder(order) ?? checkPlatformStatus(incoming.status, order);
  if (refusal !== undefined) return refusal;
  const conflict = existing && checkTransition(existing.status, order.status);
  if (conflict !== undefined) return ageMs === 0 ? { ignored: 'STALE' } : conflict;
  if (existing === undefined || !sameOrder(existing, order)) return { apply: planned(order) };
  return ageMs === 0 ? { unchanged: true } : { unchanged: true, platformUpdatedAt: order.platformUpdatedAt };
}

/** O3: along the chain, steps may be skipped; `cancelled` from everywhere before `completed`; both ends are final. */
export function nextStatuses(from: OrderStatus): OrderStatus[] {
  if (from === 'cancelled') return [];
  const later = ORDER_STATUSES.slice(ORDER_STATUSES.indexOf(from) + 1);
  return from === 'completed' ? [] : later;
}

function checkTransition(from: OrderStatus, to: OrderStatus): OrderStatusRefusal | undefined {
  const allowed = nextStatuses(from);
  return from === to || allowed.includes(to)
    ? undefined
    : { refused: 'ORDER_STATUS_CONFLICT', from, to, allowed };
}

function resolve(existing: Order | undefined, incoming: IncomingOrder): Order {
  const refunds = (incoming.refunds ?? existing?.refunds ?? []).map(withPlainTime);
  return { ...incoming, refunds, status: resolveStatus(incoming.status, existing?.status) };
}

/** One spelling of an instant, so that the same refund told twice is the same. `checkOrder` refuses what is none. */
function withPlainTime(refund: OrderRefund): OrderRefund {
  const ms = Date.parse(refund.at);
  return Number.isNaN(ms) ? refund : { ...refund, at: new Date(ms).toISOString() };
}

/**
 * O3: a platform's refund word leaves the fulfilment where it is. Where none is known, money has moved, so the order
 * counts: `completed` for a full refund; `confirmed` for a part, from where every step is still open.
 */
export function resolveStatus(given: PlatformStatus, stored: OrderStatus | undefined): OrderStatus {
  if (given !== 'refunded' && given !== 'partially_refunded') return given;
  if (stored !== undefined && stored !== 'pending') return stored;
  return given === 'refunded' ? 'completed' : 'confirmed';
}

/** O3: the amounts decide; a refund word that they contradict would count money that the shop no longer has. */
function checkPlatformStatus(given: PlatformStatus, order: Order): OrderRefusal | undefined {
  const refunded = refundedTotalOf(order.refunds);
  if (given === 'refunded' && refunded !== order.total)
    return statusMismatch(`a sum of ${order.total}`, refunded);
  if (given === 'partially_refunded' && (refunded === 0 || refunded === order.total)) {
    return statusMismatch(`a sum above 0 and below ${order.total}`, refunded);
  }
  return undefined;
}

function statusMismatch(expected: string, given: number): OrderRefusal {
  const error: OrderError = orderError('REFUND_STATUS_MISMATCH', '/refunds', expected, given);
  return { refused: error.code, errors: [error] };
}

function planned(order: Order): PlannedOrder {
  const refundedTotal = refundedTotalOf(order.refunds);
  return {
    ...order,
    refundedTotal,
    refundStatus: refundStatusOf(order.total, refundedTotal),
    items: order.items.map((item) => ({ ...item, total: lineTotal(item) })),
  };
}

// The compiler keeps these lists complete: a new field of an order is compared or the build fails.
const ORDER_FIELDS: Record<Exclude<keyof Order, 'platformUpdatedAt' | 'items' | 'refunds'>, true> = {
  status: true,
  currency: true,
  placedAt: true,
  shipping: true,
  tax: true,
  taxesIncluded: true,
  discount: true,
  total: true,
  creditPaid: true,
  pointsPaid: true,
  paymentMethod: true,
  channel: true,
  couponCodes: true,
  email: true,
  isTest: true,
  shippingAddress: true,
  billingAddress: true,
};
const ITEM_FIELDS: Record<keyof OrderItem, true> = {
  productId: true,
  sku: true,
  title: true,
  categories: true,
  tags: true,
  quantity: true,
  unitPrice: true,
  discount: true,
  tax: true,
  isGiftCard: true,
};

/**
 * True when both say the same, apart from the time of the version. Columns that rows have beyond an order do not
 * matter, nor whether an empty field is null or absent, nor the order of refunds; the order of items does.
 */
export function sameOrder(a: Order, b: Order): boolean {
  return (
    sameFields(a, b, ORDER_FIELDS) &&
    a.items.length === b.items.length &&
    a.items.every((item, index) => sameFields(item, b.items[index], ITEM_FIELDS)) &&
    sameValue(byId(a.refunds), byId(b.refunds))
  );
}

function sameFields<T extends object>(
  a: T,
  b: T | undefined,
  fields: Partial<Record<keyof T, true>>,
): boolean {
  const names = Object.keys(fields) as (keyof T)[];
  return b !== undefined && names.every((name) => sameValue(a[name], b[name]));
}

function byId(refunds: readonly OrderRefund[]): Record<string, OrderRefund> {
  return Object.fromEntries(refunds.map((refund) => [refund.id, withPlainTime(refund)]));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a ?? null, b ?? null)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  }
  const left = new Map(Object.entries(a));
  const right = new Map(Object.entries(b));
  return [...new Set([...left.keys(), ...right.keys()])].every((key) =>
    sameValue(left.get(key), right.get(key)),
  );
}
