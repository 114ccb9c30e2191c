import fc from 'fast-check';
import t from 'tap';
import {
  checkOrder,
  itemKeys,
  lineTotal,
  type OrderAmounts,
  refundedQuantities,
  refundedTotalOf,
  refundStatusOf,
} from '../../src/domain/orders.ts';
import { amounts, item, refund } from '../support/order-examples.ts';

t.test('O1 totals that add up pass', async (t) => {
  const cases: [string, Partial<OrderAmounts>][] = [
    ['one item', {}],
    ['tax on top', { tax: 190, total: 1190 }],
    ['tax included is not added', { tax: 160, taxesIncluded: true }],
    ['shipping and discount', { shipping: 500, discount: 300, total: 1200 }],
    ['discount of a line is for the line', { items: [item({ quantity: 3, discount: 500 })], total: 2500 }],
    ['given away', { items: [item({ discount: 1000 })], total: 0 }],
    ['no items, shipping alone', { items: [], shipping: 700, total: 700 }],
    ['a free order', { items: [item({ unitPrice: 0 })], total: 0 }],
    [
      'item taxes below the order tax: shipping is taxed too',
      { items: [item({ tax: 190 })], tax: 200, total: 1200 },
    ],
    ['item taxes above it by rounding', { items: [item({ tax: 191 })], tax: 190, total: 1190 }],
    ['refunds up to the total', { refunds: [refund('a', 400), refund('b', 600)] }],
    ['a refund of nothing, a restock', { refunds: [refund('a', 0, [{ sku: 's1', quantity: 1 }])] }],
    ['beyond 2^31', { items: [item({ quantity: 3, unitPrice: 2 ** 40 })], total: 3 * 2 ** 40 }],
  ];
  for (const [name, changes] of cases) t.equal(checkOrder(amounts(changes)), undefined, name);
});

t.test('O1 each wrong sum is refused and names its field', async (t) => {
  const cases: [string, Partial<OrderAmounts>, string, string, number | string][] = [
    ['/total', { total: 999 }, 'ORDER_TOTAL_MISMATCH', 'total', 1000],
    ['/total', { tax: 190, total: 1000 }, 'ORDER_TOTAL_MISMATCH', 'tax forgotten', 1190],
    ['/total', { tax: 190, taxesIncluded: true, total: 1190 }, 'ORDER_TOTAL_MISMATCH', 'tax twice', 1000],
    ['/discount', { discount: 1001, total: 0 }, 'ORDER_TOTAL_MISMATCH', 'discount above all', 'at most 1000'],
    [
      '/creditPaid',
      { creditPaid: 1001 },
      'ORDER_PAID_EXCEEDS_TOTAL',
      'credit above the total',
      'at most 1000',
    ],
    [
      '/pointsPaid',
      { creditPaid: 400, pointsPaid: 601 },
      'ORDER_PAID_EXCEEDS_TOTAL',
      'credit and points above the total',
      'at most 600',
    ],
    [
      '/items/0/discount',
      { items: [item({ discount: 1001 })] },
      'ORDER_TOTAL_MISMATCH',
      'line',
      'at most 1000',
    ],
    [
      '/tax',
      { items: [item({ tax: 300 })], tax: 190, total: 1190 },
      'ORDER_TOTAL_MISMATCH',
      'item tax',
      'at least 300, as in the items',
    ],
    [
      '/refunds/1/amount',
      { refunds: [refund('a', 600), refund('b', 500)] },
      'REFUND_EXCEEDS_TOTAL',
      'sum',
      'at most 400',
    ],
    ['/refunds/1/id', { refunds: [refund('a', 1), refund('a', 1)] }, 'REFUND_ID_TWICE', 'id', 'a unique id'],
    [
      '/refunds/0/at',
      { refunds: [{ id: 'a', amount: 1, at: 'now' }] },
      'REFUND_AT_INVALID',
      'at',
      'an instant',
    ],
    [
      '/refunds/0/items/0/quantity',
      { refunds: [refund('a', 1, [{ sku: 's1', quantity: 2 }])] },
      'REFUND_ITEMS_MISMATCH',
      'more pieces than bought',
      'at most 1',
    ],
    [
      '/refunds/0/items/0/quantity',
      { refunds: [refund('a', 1, [{ productId: 'p1', sku: 's2', quantity: 1 }])] },
      'REFUND_ITEMS_MISMATCH',
      'another variant',
      'at most 0',
    ],
    [
      '/refunds/0/items/0/quantity',
      { refunds: [refund('a', 1, [{ quantity: 1 }])] },
      'REFUND_ITEMS_MISMATCH',
      'no id',
      'at most 0',
    ],
    ['/currency', { currency: 'BTC' }, 'CURRENCY_UNKNOWN', 'currency', 'an ISO 4217 code'],
    ['/total', { total: 10.5 }, 'AMOUNT_INVALID', 'fraction', 'an integer of at least 0'],
    ['/shipping', { shipping: -1 }, 'AMOUNT_INVALID', 'negative', 'an integer of at least 0'],
    [
      '/items/0/quantity',
      { items: [item({ quantity: 0 })] },
      'AMOUNT_INVALID',
      'nothing',
      'an integer of at least 1',
    ],
    [
      '/items/0/unitPrice',
      { items: [item({ quantity: 2, unitPrice: Number.MAX_SAFE_INTEGER })] },
      'AMOUNT_TOO_LARGE',
      'product',
      'sums below 2^53',
    ],
    ['/total', { shipping: Number.MAX_SAFE_INTEGER }, 'AMOUNT_TOO_LARGE', 'sum', 'sums below 2^53'],
  ];
  for (const [pointer, changes, code, name, expected] of cases) {
    const refusal = checkOrder(amounts(changes));
    t.match(
      refusal,
      { refused: code, errors: [{ pointer, code, expected: [`${expected}`] }] },
      `${name} ${pointer}`,
    );
    t.equal(refusal?.errors.length, 1, `${name}: one error`);
  }
});

t.test('O1 all wrong fields are named at once', async (t) => {
  const refusal = checkOrder(amounts({ total: 999, refunds: [refund('a', 1000), refund('a', 0)] }));
  t.same(
    refusal?.errors.map(({ pointer, code }) => [pointer, code]),
    [
      ['/total', 'ORDER_TOTAL_MISMATCH'],
      ['/refunds/1/id', 'REFUND_ID_TWICE'],
      ['/refunds/0/amount', 'REFUND_EXCEEDS_TOTAL'],
    ],
  );
});

t.test('refund lines go to the items they name, the particular ones first', async (t) => {
  const items = [item({ sku: 's1', quantity: 2 }), item({ sku: 's2', quantity: 1 })];
  const refunds = [
    refund('a', 0, [{ productId: 'p1', quantity: 1 }]),
    refund('b', 0, [{ sku: 's1', quantity: 2 }]),
  ];
  t.same(refundedQuantities(items, refunds), [2, 1]);
  t.equal(checkOrder(amounts({ items, total: 3000, refunds })), undefined);
});

t.test('O3 the refund status follows from the amounts', async (t) => {
  t.equal(refundStatusOf(1000, 0), 'none');
  t.equal(refundStatusOf(1000, 1), 'partially_refunded');
  t.equal(refundStatusOf(1000, 1000), 'refunded');
  t.equal(refundStatusOf(0, 0), 'none');
});

t.test('O1 a total computed in whole numbers passes; any other does not', async () => {
  const price = fc.nat({ max: 10 ** 6 });
  const arbitrary = fc.record({
    items: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 50 }), price, fc.double({ min: 0, max: 1, noNaN: true })),
    ),
    shipping: price,
    tax: price,
    taxesIncluded: fc.boolean(),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    wrong: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ items: lines, shipping, tax, taxesIncluded, share, wrong }) => {
      const items = lines.map(([quantity, unitPrice, part]) =>
        item({ quantity, unitPrice, discount: Math.floor(quantity * unitPrice * part) }),
      );
      const sum = items.reduce((all, one) => all + lineTotal(one), shipping + (taxesIncluded ? 0 : tax));
      const discount = Math.floor(sum * share);
      const order = amounts({ items, shipping, tax, taxesIncluded, discount, total: sum - discount });
      return (
        checkOrder(order) === undefined &&
        checkOrder({ ...order, total: order.total + wrong })?.refused === 'ORDER_TOTAL_MISMATCH'
      );
    }),
  );
});

t.test('many partial refunds are one full refund', async () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 10_000 }), { minLength: 1 }), (parts) => {
      const total = parts.reduce((sum, part) => sum + part, 0);
      const refunds = parts.map((part, index) => refund(String(index), part));
      const order = amounts({ items: [item({ unitPrice: total })], total, refunds });
      const refunded = refundedTotalOf(refunds);
      return (
        checkOrder(order) === undefined &&
        refunded === total &&
        refundStatusOf(total, refunded) === refundStatusOf(total, total)
      );
    }),
  );
});

t.test(
  'an item is found by each category and tag once, without regard to case, width and spaces',
  async (t) => {
    const words = item({
      categories: ['Light', 'LIGHT', 'Ｌｉｇｈｔ', 'two  words'],
      tags: ['İ', 'ΟΔΟΣ', 'a,b'],
    });
    t.same(itemKeys(words), { categoryKeys: ['light', 'two words'], tagKeys: ['i̇', 'οδος', 'a,b'] });
    t.same(itemKeys(item()), { categoryKeys: [], tagKeys: [] });
  },
);
