// C7: what an order adds to the counters of its customer, and what a change of the order changes in them.
// Orders in another currency than the store's count as orders but not as money: totalSpent has one currency, rates
// of exchange are not facts this service has. averageOrderValue divides by ordersCount; insights have it exactly.
import { type AmountRefusal, sumAmounts } from './money.ts';
import { COUNTED_STATUSES, type OrderStatus } from './orders.ts';

/** The part of a stored order that counts; rows fit. */
export interface CountableOrder {
  id: string;
  status: OrderStatus;
  isTest: boolean;
  currency: string;
  placedAt: Date;
  total: number;
  refundedTotal: number;
}

/** Money in minor units of the store's currency, net of refunds in `spent`. `placed` is null when nothing counts. */
export interface CounterContribution {
  orders: 0 | 1;
  spent: number;
  refunded: number;
  placed: PlacedOrder | null;
}

export interface PlacedOrder {
  id: string;
  at: Date;
}

/** `left` and `entered`: the order stopped or began to count at that date; both when its date was moved. */
export interface CounterDelta {
  orders: -1 | 0 | 1;
  spent: number;
  refunded: number;
  left: PlacedOrder | null;
  entered: PlacedOrder | null;
}

/** The counters of a customer; rows fit. */
export interface OrderCounters {
  ordersCount: number;
  totalSpent: number;
  refundedTotal: number;
  firstOrderAt: Date | null;
  lastOrderAt: Date | null;
  lastOrderId: string | null;
}

export const NO_ORDERS: OrderCounters = {
  ordersCount: 0,
  totalSpent: 0,
  refundedTotal: 0,
  firstOrderAt: null,
  lastOrderAt: null,
  lastOrderId: null,
};

/** The counters alone, of a row that has more. */
export function countersOf(row: OrderCounters): OrderCounters {
  const { ordersCount, totalSpent, refundedTotal, firstOrderAt, lastOrderAt, lastOrderId } = row;
  return { ordersCount, totalSpent, refundedTotal, firstOrderAt, lastOrderAt, lastOrderId };
}

const NOTHING: CounterContribution = { orders: 0, spent: 0, refunded: 0, placed: null };

/** C7: whether the order counts. A fully refunded order still counts as an order, with nothing spent. */
export function isCounted(order: { status: OrderStatus; isTest: boolean }): boolean {
  return !order.isTest && COUNTED_STATUSES.some((status) => status === order.status);
}

/** C7: never negative, because `checkOrder` keeps refunds within the total. */
export function counterContribution(
  order: CountableOrder | undefined,
  storeCurrency: string,
): CounterContribution {
  if (order === undefined || !isCounted(order)) return NOTHING;
  const placed = { id: order.id, at: order.placedAt };
  if (order.currency !== storeCurrency) return { ...NOTHING, orders: 1, placed };
  return { orders: 1, spent: order.total - order.refundedTotal, refunded: order.refundedTotal, placed };
}

/** C7: the change of the counters when the order goes from `before` to `after`; undefined = not there. */
export function counterDelta(
  before: CountableOrder | undefined,
  after: CountableOrder | undefined,
  storeCurrency: string,
): CounterDelta {
  const old = counterContribution(before, storeCurrency);
  const now = counterContribution(after, storeCurrency);
  const moved = old.placed?.at.getTime() !== now.placed?.at.getTime();
  return {
    orders: (now.orders - old.orders) as CounterDelta['orders'],
    spent: now.spent - old.spent,
    refunded: now.refunded - old.refunded,
    left: moved ? old.placed : null,
    entered: moved ? now.placed : null,
  };
}

/**
 * C7: the counters after the change. `datesFromOrders` says that the first or last order left: only the orders know
 * which one is next, so the three date fields have to be read from them (one index look-up at each end).
 */
export function applyCounterDelta(
  counters: OrderCounters,
  delta: CounterDelta,
): { counters: OrderCounters; datesFromOrders: boolean } | AmountRefusal {
  const totalSpent = sumAmounts([counters.totalSpent, delta.spent]);
  const refundedTotal = sumAmounts([counters.refundedTotal, delta.refunded]);
  if (typeof totalSpent !== 'number') return totalSpent;
  if (typeof refundedTotal !== 'number') return refundedTotal;
  const ordersCount = counters.ordersCount + delta.orders;
  const dates = ordersCount === 0 ? NO_ORDERS : withEntered(counters, delta.entered);
  return {
    counters: { ...dates, ordersCount, totalSpent, refundedTotal },
    datesFromOrders: ordersCount > 0 && isAtEdge(counters, delta.left),
  };
}

/** Minor units, rounded half up; null without orders (segments treat it as 0). */
export function averageOrderValue(totalSpent: number, ordersCount: number): number | null {
  return ordersCount === 0 ? null : Math.round(totalSpent / ordersCount);
}

function isAtEdge({ firstOrderAt, lastOrderAt }: OrderCounters, left: PlacedOrder | null): boolean {
  const leftMs = left?.at.getTime();
  return leftMs !== undefined && (leftMs === firstOrderAt?.getTime() || leftMs === lastOrderAt?.getTime());
}

function withEntered(counters: OrderCounters, entered: PlacedOrder | null): OrderCounters {
  if (entered === null) return counters;
  const { firstOrderAt, lastOrderAt, lastOrderId } = counters;
  const isLast =
    lastOrderAt === null || lastOrderId === null || isLater(entered, { at: lastOrderAt, id: lastOrderId });
  return {
    ...counters,
    firstOrderAt: firstOrderAt !== null && firstOrderAt <= entered.at ? firstOrderAt : entered.at,
    lastOrderAt: isLast ? entered.at : lastOrderAt,
    lastOrderId: isLast ? entered.id : lastOrderId,
  };
}

/** Of two orders at the same instant the greater id is the later one, as in the index of orders by customer. */
function isLater(a: PlacedOrder, b: PlacedOrder): boolean {
  const gapMs = a.at.getTime() - b.at.getTime();
  return gapMs === 0 ? a.id > b.id : gapMs > 0;
}
