import fc from 'fast-check';
import t from 'tap';
import { applyCounterDelta, counterDelta, NO_ORDERS } from '../../src/domain/order-counters.ts';
import {
  type IncomingOrder,
  nextStatuses,
  type PlannedOrder,
  planOrderUpsert,
  resolveStatus,
  sameOrder,
} from '../../src/domain/order-upserts.ts';
import {
  ORDER_STATUSES,
  type OrderStatus,
  PLATFORM_STATUSES,
  type PlatformStatus,
} from '../../src/domain/orders.ts';
import { at, incoming, item, refund } from '../support/order-examples.ts';

const T1 = at('2026-01-01T10:00:00Z');
const T2 = at('2026-01-02T10:00:00Z');

function stored(changes: Partial<IncomingOrder> = {}): PlannedOrder {
  const plan = planOrderUpsert(undefined, incoming(changes));
  if (!('apply' in plan)) throw new Error(JSON.stringify(plan));
  return plan.apply;
}

t.test('O1 a first delivery is stored with what follows from it', async (t) => {
  const order = stored({
    items: [item({ quantity: 2, discount: 500 })],
    total: 1500,
    refunds: [refund('a', 500)],
  });
  t.match(order, {
    status: 'confirmed',
    refundStatus: 'partially_refunded',
    refundedTotal: 500,
    items: [{ total: 1500 }],
  });
});

t.test('O3 an older delivery is ignored, even one that would be refused', async (t) => {
  const existing = stored({ platformUpdatedAt: T2 });
  t.same(planOrderUpsert(existing, incoming({ platformUpdatedAt: T1, paymentMethod: 'cash' })), {
    ignored: 'STALE',
  });
  t.same(planOrderUpsert(existing, incoming({ platformUpdatedAt: T1, total: 1 })), { ignored: 'STALE' });
});

t.test('O1 the same delivery again changes nothing, whatever the row has beside it', async (t) => {
  const row = { ...stored({ refunds: [refund('a', 100), refund('b', 200)] }), id: 'o1', version: 3 };
  const again = incoming({
    refunds: [{ ...refund('b', 200), at: '2026-02-01T01:00:00+01:00' }, refund('a', 100)],
  });
  t.same(planOrderUpsert(row, again), { unchanged: true });
  t.same(planOrderUpsert(row, { ...again, platformUpdatedAt: T2 }), {
    unchanged: true,
    platformUpdatedAt: T2,
  });
  const { city, ...address } = { city: 'Berlin', countryCode: 'DE' };
  t.same(planOrderUpsert(row, { ...again, shippingAddress: { ...address, city, line2: null } }), {
    unchanged: true,
  });
});

t.test('O1 every field that differs is a change', async (t) => {
  const order = stored();
  const changes: Partial<PlannedOrder>[] = [
    { status: 'shipped' },
    { currency: 'USD' },
    { placedAt: T2 },
    { shipping: 1 },
    { tax: 1 },
    { taxesIncluded: true },
    { discount: 1 },
    { total: 1 },
    { paymentMethod: null },
    { channel: 'shop' },
    { couponCodes: ['X'] },
    { email: null },
    { isTest: true },
    { shippingAddress: null },
    { billingAddress: { city: 'Bonn' } },
    { refunds: [refund('a', 1)] },
    { items: [] },
    { items: [{ ...item({ title: 'Lamp' }), total: 1000 }] },
    { items: [{ ...item({ categories: ['Light'] }), total: 1000 }] },
    { items: [{ ...item({ tags: ['handmade'] }), total: 1000 }] },
    { items: [{ ...item({ sku: null }), total: 1000 }] },
  ];
  for (const change of changes) t.notOk(sameOrder(order, { ...order, ...change }), JSON.stringify(change));
  t.ok(sameOrder(order, { ...order, platformUpdatedAt: T2 }));
});

t.test('O3 at the same stamp the later delivery wins, unless its status could not follow', async (t) => {
  const existing = stored({ status: 'shipped' });
  t.match(planOrderUpsert(existing, incoming({ status: 'delivered' })), { apply: { status: 'delivered' } });
  t.match(planOrderUpsert(existing, incoming({ status: 'shipped', channel: 'app' })), {
    apply: { channel: 'app' },
  });
  t.same(planOrderUpsert(existing, incoming({ status: 'confirmed' })), { ignored: 'STALE' });
});

t.test('O3 the machine: forward with skips, cancel before completed, nothing else', async (t) => {
  const allowed: Record<OrderStatus, OrderStatus[]> = {
    pending: ['confirmed', 'processing', 'shipped', 'delivered', 'completed', 'cancelled'],
    confirmed: ['processing', 'shipped', 'delivered', 'completed', 'cancelled'],
    processing: ['shipped', 'delivered', 'completed', 'cancelled'],
    shipped: ['delivered', 'completed', 'cancelled'],
    delivered: ['completed', 'cancelled'],
    completed: [],
    cancelled: [],
  };
  for (const from of ORDER_STATUSES) {
    t.same(nextStatuses(from), allowed[from], from);
    for (const to of ORDER_STATUSES.filter((status) => status !== from)) {
      const plan = planOrderUpsert(stored({ status: from }), incoming({ status: to, platformUpdatedAt: T2 }));
      const expected = allowed[from].includes(to)
        ? { apply: { status: to } }
        : { refused: 'ORDER_STATUS_CONFLICT', from, to, allowed: allowed[from] };
      t.match(plan, expected, `${from} → ${to}`);
    }
  }
});

t.test('O3 refund words leave the fulfilment where it is', async (t) => {
  const cases: [PlatformStatus, OrderStatus | undefined, OrderStatus][] = [
    ['refunded', undefined, 'completed'],
    ['refunded', 'pending', 'completed'],
    ['refunded', 'shipped', 'shipped'],
    ['refunded', 'cancelled', 'cancelled'],
    ['partially_refunded', undefined, 'confirmed'],
    ['partially_refunded', 'pending', 'confirmed'],
    ['partially_refunded', 'delivered', 'delivered'],
    ['processing', 'shipped', 'processing'],
  ];
  for (const [given, before, expected] of cases)
    t.equal(resolveStatus(given, before), expected, `${given} ${before}`);
});

t.test('O3 a refund word that the amounts contradict is refused', async (t) => {
  const cases: [PlatformStatus, number[], boolean][] = [
    ['refunded', [1000], true],
    ['refunded', [400, 600], true],
    ['refunded', [400], false],
    ['refunded', [], false],
    ['partially_refunded', [400], true],
    ['partially_refunded', [1000], false],
    ['partially_refunded', [], false],
    ['completed', [1000], true],
  ];
  for (const [status, parts, good] of cases) {
    const refunds = parts.map((part, index) => refund(String(index), part));
    const plan = planOrderUpsert(undefined, incoming({ status, refunds }));
    t.match(
      plan,
      good ? { apply: {} } : { refused: 'REFUND_STATUS_MISMATCH', errors: [{ pointer: '/refunds' }] },
      `${status} ${parts}`,
    );
  }
});

t.test('O1 refunds left out are kept and still checked; an empty list takes them away', async (t) => {
  const existing = stored({ refunds: [refund('a', 400)] });
  t.match(planOrderUpsert(existing, incoming({ channel: 'app' })), { apply: { refundedTotal: 400 } });
  t.match(planOrderUpsert(existing, incoming({ refunds: [] })), {
    apply: { refundedTotal: 0, refundStatus: 'none' },
  });
  const smaller = incoming({ items: [item({ unitPrice: 300 })], total: 300 });
  t.match(planOrderUpsert(existing, smaller), { refused: 'REFUND_EXCEEDS_TOTAL' });
});

const delivery = fc.record({
  id: fc.constantFrom('a', 'b', 'c'),
  status: fc.constantFrom(...PLATFORM_STATUSES),
  updated: fc.nat({ max: 20 }),
  day: fc.integer({ min: 1, max: 5 }),
  price: fc.nat({ max: 5000 }),
  refunds: fc.option(fc.array(fc.nat({ max: 3000 }), { maxLength: 3 }), { nil: undefined }),
  currency: fc.constantFrom('EUR', 'EUR', 'USD'),
  isTest: fc.boolean(),
});

function toOrder(given: typeof delivery extends fc.Arbitrary<infer D> ? D : never): IncomingOrder {
  return incoming({
    status: given.status,
    platformUpdatedAt: new Date(T1.getTime() + given.updated * 1000),
    placedAt: new Date(Date.UTC(2026, 0, given.day)),
    items: [item({ unitPrice: given.price })],
    total: given.price,
    refunds: given.refunds?.map((amount, index) => refund(String(index), amount)),
    currency: given.currency,
    isTest: given.isTest,
  });
}

const COUNTED = ['confirmed', 'processing', 'shipped', 'delivered', 'completed'];

/** Whatever the order of the keys. */
const sameFacts = (a: object, b: object) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

/** C7 once more and otherwise: from the final orders, with nothing of the code under test. */
function recomputed(orders: Map<string, PlannedOrder>) {
  const counted = [...orders].filter(([, order]) => COUNTED.includes(order.status) && !order.isTest);
  const euros = counted.filter(([, order]) => order.currency === 'EUR');
  const refunded = ([, order]: [string, PlannedOrder]) =>
    order.refunds.reduce((sum, one) => sum + one.amount, 0);
  const byDate = counted
    .map(([id, order]) => ({ id, at: order.placedAt }))
    .sort((a, b) => {
      return a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1);
    });
  return {
    ordersCount: counted.length,
    totalSpent: euros.reduce((sum, entry) => sum + entry[1].total - refunded(entry), 0),
    refundedTotal: euros.reduce((sum, entry) => sum + refunded(entry), 0),
    firstOrderAt: byDate[0]?.at ?? null,
    lastOrderAt: byDate.at(-1)?.at ?? null,
    lastOrderId: byDate.at(-1)?.id ?? null,
  };
}

t.test(
  'C7 after any deliveries the counters equal a recount of the orders, and are never negative',
  async (t) => {
    const seen = { datesRead: 0, datesKept: 0 };
    fc.assert(
      fc.property(fc.array(delivery, { maxLength: 40 }), (deliveries) => {
        const orders = new Map<string, PlannedOrder>();
        let counters = NO_ORDERS;
        for (const given of deliveries) {
          const before = orders.get(given.id);
          const plan = planOrderUpsert(before, toOrder(given));
          if (!('apply' in plan)) continue;
          orders.set(given.id, plan.apply);
          const withId = (order: PlannedOrder | undefined) => order && { ...order, id: given.id };
          const changed = applyCounterDelta(
            counters,
            counterDelta(withId(before), withId(plan.apply), 'EUR'),
          );
          if ('refused' in changed) return false;
          counters = changed.counters;
          if (changed.datesFromOrders) {
            seen.datesRead += 1;
            const { firstOrderAt, lastOrderAt, lastOrderId } = recomputed(orders);
            counters = { ...counters, firstOrderAt, lastOrderAt, lastOrderId };
          } else seen.datesKept += 1;
          if (counters.totalSpent < 0 || counters.refundedTotal < 0 || counters.ordersCount < 0) return false;
          if (!sameFacts(counters, recomputed(orders))) return false;
        }
        return true;
      }),
      { numRuns: 500 },
    );
    t.ok(seen.datesRead > 0 && seen.datesKept > 0, 'both ways of finding the dates were taken');
  },
);

t.test(
  'O3 deliveries with different stamps end the same in any order, when each status may follow',
  async () => {
    const steps = fc
      .uniqueArray(fc.nat({ max: 5 }), { minLength: 1 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(steps, fc.array(fc.nat({ max: 99 })), (chain, shuffle) => {
        const deliveries = chain.map((step, index) =>
          incoming({
            status: ORDER_STATUSES[step] ?? 'pending',
            platformUpdatedAt: new Date(T1.getTime() + index),
          }),
        );
        const shuffled = deliveries
          .map((order, index) => ({ order, key: shuffle[index] ?? 0 }))
          .sort((a, b) => a.key - b.key);
        let order: PlannedOrder | undefined;
        for (const next of [...shuffled, ...shuffled]) {
          const plan = planOrderUpsert(order, next.order);
          if ('apply' in plan) order = plan.apply;
        }
        return order?.status === deliveries.at(-1)?.status;
      }),
    );
  },
);
