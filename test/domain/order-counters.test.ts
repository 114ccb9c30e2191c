import fc from 'fast-check';
import t from 'tap';
import {
  applyCounterDelta,
  averageOrderValue,
  counterContribution,
  counterDelta,
  NO_ORDERS,
} from '../../src/domain/order-counters.ts';
import { COUNTED_STATUSES, ORDER_STATUSES } from '../../src/domain/orders.ts';
import { at, countable } from '../support/order-examples.ts';

t.test('C7 only counted statuses count; test orders never', async (t) => {
  for (const status of ORDER_STATUSES) {
    const counts = COUNTED_STATUSES.some((counted) => counted === status) ? 1 : 0;
    t.equal(counterContribution(countable({ status }), 'EUR').orders, counts, status);
    t.equal(counterContribution(countable({ status, isTest: true }), 'EUR').orders, 0, `${status}, test`);
  }
  t.match(counterContribution(countable({ status: 'cancelled', refundedTotal: 400 }), 'EUR'), {
    spent: 0,
    refunded: 0,
  });
});

t.test('C7 refunds lower what was spent; a full refund leaves the order counted', async (t) => {
  t.match(counterContribution(countable({ refundedTotal: 400 }), 'EUR'), {
    orders: 1,
    spent: 600,
    refunded: 400,
  });
  t.match(counterContribution(countable({ refundedTotal: 1000 }), 'EUR'), {
    orders: 1,
    spent: 0,
    refunded: 1000,
  });
});

t.test('C7 an order in another currency counts as an order, not as money', async (t) => {
  const foreign = counterContribution(countable({ currency: 'USD', refundedTotal: 400 }), 'EUR');
  t.match(foreign, { orders: 1, spent: 0, refunded: 0, placed: { id: 'o1' } });
});

t.test('C7 cancelling takes everything back, and says when dates must be read from the orders', async (t) => {
  const first = countable({ id: 'a', placedAt: at('2026-01-01T00:00:00Z') });
  const second = countable({ id: 'b', placedAt: at('2026-01-05T00:00:00Z'), total: 500 });
  const one = applied(NO_ORDERS, undefined, first);
  const two = applied(one.counters, undefined, second);
  t.match(two, { counters: { ordersCount: 2, totalSpent: 1500, lastOrderId: 'b' }, datesFromOrders: false });
  const less = applied(two.counters, second, { ...second, status: 'cancelled' as const });
  t.match(less, { counters: { ordersCount: 1, totalSpent: 1000 }, datesFromOrders: true });
  const none = applied(less.counters, first, { ...first, status: 'cancelled' as const });
  t.same(none, { counters: NO_ORDERS, datesFromOrders: false });
});

t.test('of two orders at one instant the greater id is the last', async (t) => {
  const { counters } = applied(NO_ORDERS, undefined, countable({ id: 'b' }));
  t.equal(applied(counters, undefined, countable({ id: 'a' })).counters.lastOrderId, 'b');
  t.equal(applied(counters, undefined, countable({ id: 'c' })).counters.lastOrderId, 'c');
});

t.test('sums beyond 2^53 are refused', async (t) => {
  const rich = { ...NO_ORDERS, ordersCount: 1, totalSpent: Number.MAX_SAFE_INTEGER };
  const delta = counterDelta(undefined, countable(), 'EUR');
  t.same(applyCounterDelta(rich, delta), { refused: 'AMOUNT_TOO_LARGE' });
});

t.test('the average is rounded to the minor unit; none without orders', async (t) => {
  t.equal(averageOrderValue(1001, 2), 501);
  t.equal(averageOrderValue(1000, 3), 333);
  t.equal(averageOrderValue(0, 0), null);
});

t.test('many partial refunds are one full refund', async () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 1 }), (parts) => {
      const total = parts.reduce((sum, part) => sum + part, 0);
      const order = countable({ total });
      let { counters } = applied(NO_ORDERS, undefined, order);
      let refundedTotal = 0;
      for (const part of parts) {
        const before = { ...order, refundedTotal };
        refundedTotal += part;
        counters = applied(counters, before, { ...order, refundedTotal }).counters;
      }
      const atOnce = applied(NO_ORDERS, undefined, { ...order, refundedTotal: total }).counters;
      return JSON.stringify(counters) === JSON.stringify(atOnce);
    }),
  );
});

function applied(
  counters: typeof NO_ORDERS,
  ...change: [Parameters<typeof counterDelta>[0], Parameters<typeof counterDelta>[1]]
) {
  const result = applyCounterDelta(counters, counterDelta(...change, 'EUR'));
  if ('refused' in result) throw new Error(result.refused);
  return result;
}
