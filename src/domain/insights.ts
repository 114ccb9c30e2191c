// O6: what the orders of one customer say about habits. Computed from loaded rows: customers have at most a few
// thousand orders. Only counted orders (C7), net of what was refunded; every tie has one fixed outcome.
import { DAY_MS } from './days.ts';
import { averageOrderValue, type CountableOrder, counterContribution, isCounted } from './order-counters.ts';
import { lineTotal, type OrderItem, type OrderRefund, refundedQuantities } from './orders.ts';
import { localTimeAt } from './zoned-time.ts';

/** A stored order with its items; rows fit. */
export interface InsightOrder extends CountableOrder {
  paymentMethod: string | null;
  items: readonly OrderItem[];
  refunds: readonly OrderRefund[];
}

export interface ProductRank {
  productId: string | null;
  sku: string | null;
  title: string;
  quantity: number;
  /** Line totals in minor units; discounts of the whole order are not spread over lines. */
  amount: number;
}

export interface CategoryRank {
  category: string;
  quantity: number;
  amount: number;
}

export interface PaymentMethodShare {
  method: string;
  orders: number;
  /** 0 to 1, of the orders that name a method; four decimals. */
  share: number;
}

export interface Insights {
  orders: number;
  /** All amounts are in this currency; orders in others count as orders and quantities only. */
  currency: string;
  totalSpent: number;
  averageOrderValue: number | null;
  firstOrderAt: Date | null;
  lastOrderAt: Date | null;
  /** One decimal. */
  averageDaysBetweenOrders: number | null;
  expectedNextOrderAt: Date | null;
  paymentMethods: PaymentMethodShare[];
  /** Orders by hour of day, 0 to 23, in the store's time zone. */
  hours: number[];
  /** Orders by weekday, Monday first. */
  weekdays: number[];
  peakHour: number | null;
  /** 1 = Monday. */
  peakWeekday: number | null;
  products: { byQuantity: ProductRank[]; byAmount: ProductRank[] };
  categories: { byQuantity: CategoryRank[]; byAmount: CategoryRank[] };
}

const MAX_RANKS = 10;

/** O6. `timezone` is the store's IANA zone, `currency` the store's currency. */
export function insightsOf(orders: readonly InsightOrder[], timezone: string, currency: string): Insights {
  const counted = orders.filter(isCounted).sort((a, b) => a.placedAt.getTime() - b.placedAt.getTime());
  const dates = counted.map((order) => order.placedAt);
  return {
    ...spendingOf(counted, currency),
    orders: counted.length,
    currency,
    firstOrderAt: dates[0] ?? null,
    lastOrderAt: dates.at(-1) ?? null,
    ...expectedNextOrder(dates),
    paymentMethods: paymentMethodShares(counted),
    ...peaksOf(dates, timezone),
    ...ranksOf(counted, currency),
  };
}

/**
 * O6: average = (last − first) ÷ (orders − 1); expected = last + average, which may lie in the past. Null for fewer
 * than two orders, and no expectation when all were placed at one instant. The dates come in any order.
 */
export function expectedNextOrder(
  dates: readonly Date[],
): Pick<Insights, 'averageDaysBetweenOrders' | 'expectedNextOrderAt'> {
  const times = dates.map((date) => date.getTime()).sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || times.length < 2) {
    return { averageDaysBetweenOrders: null, expectedNextOrderAt: null };
  }
  const gapMs = (last - first) / (times.length - 1);
  return {
    averageDaysBetweenOrders: Math.round((gapMs / DAY_MS) * 10) / 10,
    expectedNextOrderAt: gapMs === 0 ? null : new Date(Math.round(last + gapMs)),
  };
}

/** Most used first, then by name. */
export function paymentMethodShares(
  orders: readonly Pick<InsightOrder, 'paymentMethod'>[],
): PaymentMethodShare[] {
  const counts = new Map<string, number>();
  for (const { paymentMethod } of orders) {
    if (paymentMethod !== null) counts.set(paymentMethod, (counts.get(paymentMethod) ?? 0) + 1);
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts]
    .map(([method, count]) => ({ method, orders: count, share: Math.round((count / all) * 10_000) / 10_000 }))
    .sort((a, b) => b.orders - a.orders || compare(a.method, b.method));
}

/** Ties go to the earlier hour and the earlier weekday. */
export function peaksOf(
  dates: readonly Date[],
  timezone: string,
): Pick<Insights, 'hours' | 'weekdays' | 'peakHour' | 'peakWeekday'> {
  const hours = new Array<number>(24).fill(0);
  const weekdays = new Array<number>(7).fill(0);
  for (const date of dates) {
    const { hour, weekday } = localTimeAt(date, timezone);
    hours[hour] = (hours[hour] ?? 0) + 1;
    weekdays[weekday - 1] = (weekdays[weekday - 1] ?? 0) + 1;
  }
  const none = dates.length === 0;
  return {
    hours,
    weekdays,
    peakHour: none ? null : hours.indexOf(Math.max(...hours)),
    peakWeekday: none ? null : weekdays.indexOf(Math.max(...weekdays)) + 1,
  };
}

function spendingOf(
  counted: readonly InsightOrder[],
  currency: string,
): Pick<Insights, 'totalSpent' | 'averageOrderValue'> {
  const own = counted.filter((order) => order.currency === currency);
  const totalSpent = own.reduce((sum, order) => sum + counterContribution(order, currency).spent, 0);
  return { totalSpent, averageOrderValue: averageOrderValue(totalSpent, own.length) };
}

type Purchase = { item: OrderItem; quantity: number; amount: number };

function ranksOf(
  counted: readonly InsightOrder[],
  currency: string,
): Pick<Insights, 'products' | 'categories'> {
  const purchases = counted.flatMap((order) => purchasesOf(order, currency));
  const products = tally(purchases.map((purchase) => ({ key: productKey(purchase.item), purchase }))).map(
    ({ purchase, quantity, amount }): ProductRank => {
      const { productId, sku, title } = purchase.item;
      return { productId, sku, title, quantity, amount };
    },
  );
  const categories = tally(
    purchases.flatMap((purchase) => [...new Set(purchase.item.categories)].map((key) => ({ key, purchase }))),
  ).map(({ key, quantity, amount }): CategoryRank => ({ category: key, quantity, amount }));
  return {
    products: bothRankings(products, productKey),
    categories: bothRankings(categories, (rank) => rank.category),
  };
}

/** What the customer kept of each line; the amount shrinks with the pieces. Refunds of money alone name no product. */
function purchasesOf(order: InsightOrder, currency: string): Purchase[] {
  const refunded = refundedQuantities(order.items, order.refunds);
  return order.items.flatMap((item, index) => {
    const quantity = item.quantity - (refunded[index] ?? 0);
    if (quantity === 0) return [];
    const amount = Math.round(lineTotal(item) * (quantity / item.quantity));
    return [{ item, quantity, amount: order.currency === currency ? amount : 0 }];
  });
}

/** One entry per key; `purchase` is the last one given, so a renamed product has its newest title. */
function tally(entries: readonly { key: string; purchase: Purchase }[]) {
  const byKey = new Map<string, { key: string; purchase: Purchase; quantity: number; amount: number }>();
  for (const { key, purchase } of entries) {
    const sum = byKey.get(key);
    byKey.set(key, {
      key,
      purchase,
      quantity: (sum?.quantity ?? 0) + purchase.quantity,
      amount: (sum?.amount ?? 0) + purchase.amount,
    });
  }
  return [...byKey.values()];
}

/** The other measure, then the key, settles ties. */
function bothRankings<Rank extends { quantity: number; amount: number }>(
  ranks: readonly Rank[],
  keyOf: (rank: Rank) => string,
): { byQuantity: Rank[]; byAmount: Rank[] } {
  const sorted = (first: 'quantity' | 'amount', second: 'quantity' | 'amount') =>
    ranks
      .toSorted((a, b) => b[first] - a[first] || b[second] - a[second] || compare(keyOf(a), keyOf(b)))
      .slice(0, MAX_RANKS);
  return { byQuantity: sorted('quantity', 'amount'), byAmount: sorted('amount', 'quantity') };
}

/** Variants of a product have skus of their own; an item without ids is known by its title. */
function productKey({
  productId,
  sku,
  title,
}: {
  productId: string | null;
  sku: string | null;
  title: string;
}): string {
  return JSON.stringify(productId === null && sku === null ? [title] : [productId, sku]);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
