import fc from 'fast-check';
import t from 'tap';
import {
  expectedNextOrder,
  type InsightOrder,
  insightsOf,
  paymentMethodShares,
  peaksOf,
} from '../../src/domain/insights.ts';
import { at, countable, item, refund } from '../support/order-examples.ts';

function order(changes: Partial<InsightOrder> = {}): InsightOrder {
  return { ...countable(), paymentMethod: 'card', items: [item()], refunds: [], ...changes };
}

t.test('O6 the next order is expected after the average gap; it takes two orders', async (t) => {
  const none = { averageDaysBetweenOrders: null, expectedNextOrderAt: null };
  t.same(expectedNextOrder([]), none);
  t.same(expectedNextOrder([at('2026-01-01T00:00:00Z')]), none);
  const dates = ['2026-01-31T12:00:00Z', '2026-01-01T12:00:00Z', '2026-01-06T12:00:00Z'].map(at);
  t.same(expectedNextOrder(dates), {
    averageDaysBetweenOrders: 15,
    expectedNextOrderAt: at('2026-02-15T12:00:00Z'),
  });
  const twice = [at('2026-01-01T00:00:00Z'), at('2026-01-01T00:00:00Z')];
  t.same(expectedNextOrder(twice), { averageDaysBetweenOrders: 0, expectedNextOrderAt: null });
});

t.test('O6 shares of payment methods are of the orders that name one', async (t) => {
  const methods = ['paypal', 'card', null, 'card', 'invoice'].map((paymentMethod) => ({ paymentMethod }));
  t.same(paymentMethodShares(methods), [
    { method: 'card', orders: 2, share: 0.5 },
    { method: 'invoice', orders: 1, share: 0.25 },
    { method: 'paypal', orders: 1, share: 0.25 },
  ]);
});

t.test(
  "O6 peaks are in the store's time zone on both sides of summer time; ties go to the earlier",
  async (t) => {
    const dates = ['2026-01-05T08:30:00Z', '2026-07-06T07:30:00Z'].map(at);
    t.match(peaksOf(dates, 'Europe/Berlin'), { peakHour: 9, peakWeekday: 1 });
    t.match(peaksOf(dates, 'UTC'), { peakHour: 7, peakWeekday: 1 });
    t.match(peaksOf([at('2026-01-05T03:00:00Z')], 'America/New_York'), { peakHour: 22, peakWeekday: 7 });
    t.match(peaksOf([], 'UTC'), { peakHour: null, peakWeekday: null });
  },
);

t.test('O6 only counted orders count, money in one currency and net of refunds', async (t) => {
  const insights = insightsOf(
    [
      order({ id: 'a', total: 1000, refundedTotal: 400 }),
      order({ id: 'b', total: 501, placedAt: at('2026-03-01T10:00:00Z') }),
      order({ id: 'c', status: 'cancelled' }),
      order({ id: 'd', isTest: true }),
      order({ id: 'e', currency: 'USD', placedAt: at('2026-02-01T10:00:00Z') }),
    ],
    'UTC',
    'EUR',
  );
  t.match(insights, { orders: 3, totalSpent: 1101, averageOrderValue: 551, currency: 'EUR' });
  t.same(
    [insights.firstOrderAt, insights.lastOrderAt],
    ['2026-01-01T10:00:00Z', '2026-03-01T10:00:00Z'].map(at),
  );
});

t.test('O6 products and categories by quantity and by money, without what came back', async (t) => {
  const insights = insightsOf(
    [
      order({
        items: [
          item({
            sku: 'cheap',
            title: 'Pin',
            quantity: 10,
            unitPrice: 10,
            categories: ['Small', 'Gift', 'Gift'],
          }),
          item({
            sku: 'dear',
            title: 'Old name',
            quantity: 1,
            unitPrice: 5000,
            discount: 500,
            categories: ['Gift'],
          }),
          item({ sku: 'back', quantity: 50, unitPrice: 100 }),
          item({ sku: 'half', title: 'Half', quantity: 4, unitPrice: 25, discount: 1 }),
        ],
        refunds: [
          refund('r', 5050, [
            { sku: 'back', quantity: 50 },
            { sku: 'half', quantity: 2 },
          ]),
        ],
      }),
      order({
        placedAt: at('2026-02-01T00:00:00Z'),
        items: [item({ sku: 'dear', title: 'New name', unitPrice: 5000, categories: ['Gift'] })],
      }),
    ],
    'UTC',
    'EUR',
  );
  const row = ({ title, quantity, amount }: { title: string; quantity: number; amount: number }) => [
    title,
    quantity,
    amount,
  ];
  t.same(insights.products.byQuantity.map(row), [
    ['Pin', 10, 100],
    ['New name', 2, 9500],
    ['Half', 2, 50],
  ]);
  t.same(insights.products.byAmount.map(row), [
    ['New name', 2, 9500],
    ['Pin', 10, 100],
    ['Half', 2, 50],
  ]);
  t.same(insights.categories.byAmount, [
    { category: 'Gift', quantity: 12, amount: 9600 },
    { category: 'Small', quantity: 10, amount: 100 },
  ]);
});

t.test('O6 ties of products are settled by the other measure, then by the ids', async (t) => {
  const items = [
    item({ sku: 'b', quantity: 2, unitPrice: 100 }),
    item({ sku: 'a', quantity: 2, unitPrice: 100 }),
    item({ sku: 'c', quantity: 2, unitPrice: 500 }),
    item({ sku: 'd', quantity: 1, unitPrice: 1000 }),
  ];
  const { products } = insightsOf([order({ items })], 'UTC', 'EUR');
  t.same(
    products.byQuantity.map((rank) => rank.sku),
    ['c', 'a', 'b', 'd'],
  );
  t.same(
    products.byAmount.map((rank) => rank.sku),
    ['c', 'd', 'a', 'b'],
  );
});

t.test('O6 without orders everything is empty, nothing is NaN', async (t) => {
  t.match(insightsOf([], 'UTC', 'EUR'), {
    orders: 0,
    totalSpent: 0,
    averageOrderValue: null,
    firstOrderAt: null,
    lastOrderAt: null,
    paymentMethods: [],
    products: { byQuantity: [], byAmount: [] },
  });
});

t.test('O6 the answer does not depend on the order of the rows', async () => {
  const rows = fc.uniqueArray(
    fc.record({
      day: fc.nat({ max: 300 }),
      sku: fc.constantFrom('a', 'b', 'c', null),
      quantity: fc.integer({ min: 1, max: 3 }),
      unitPrice: fc.constantFrom(0, 100, 200),
      paymentMethod: fc.constantFrom('card', 'cash', null),
    }),
    { selector: (row) => row.day, maxLength: 20 },
  );
  fc.assert(
    fc.property(rows, (list) => {
      const orders = list.map(({ day, sku, quantity, unitPrice, paymentMethod }) =>
        order({
          id: String(day),
          placedAt: new Date(Date.UTC(2026, 0, 1 + day)),
          total: quantity * unitPrice,
          paymentMethod,
          items: [
            item({
              sku,
              productId: null,
              title: `Title ${sku}`,
              quantity,
              unitPrice,
              categories: [sku ?? 'none'],
            }),
          ],
        }),
      );
      const there = JSON.stringify(insightsOf(orders, 'Europe/London', 'EUR'));
      return there === JSON.stringify(insightsOf(orders.toReversed(), 'Europe/London', 'EUR'));
    }),
  );
});
