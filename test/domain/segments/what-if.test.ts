import t from 'tap';
import type { Facts } from '../../../src/domain/segments/facts.ts';
import { catalogueOf } from '../../../src/domain/segments/fields.ts';
import { isRefusal, type QueryRefusal } from '../../../src/domain/segments/problems.ts';
import { type Changes, imagine } from '../../../src/domain/segments/what-if.ts';
import { bindEnv, factsWith } from '../../support/segment-binding.ts';
import { CUSTOM_FIELDS } from '../../support/segment-pools.ts';

const catalogue = catalogueOf([
  ...CUSTOM_FIELDS,
  { key: 'odd', label: 'Odd', type: 'enum', options: ['true'] },
]);
const ENV = bindEnv({ catalogue });
const NOW = Date.parse('2026-11-22T10:30:00Z');

function imagined(changes: Changes, facts: Partial<Facts> = {}): Facts {
  const result = imagine(factsWith(facts), changes, ENV);
  if (isRefusal(result)) throw new Error(result.problems[0]?.message);
  return result;
}

const refused = (set: NonNullable<Changes['set']>): QueryRefusal | undefined => {
  const result = imagine(factsWith(), { set }, ENV);
  return isRefusal(result) ? result : undefined;
};

t.test('nothing changes without changes, and never the facts that are given', async (t) => {
  const facts = factsWith({
    values: { number_of_orders: 2 },
    lists: { customer_tags: ['a'], customer_groups: ['b'], customer_cities: ['c'] },
    rows: { orders_placed: [{ amount: 1 }] },
  });
  const before = structuredClone(facts);
  t.strictSame(imagine(facts, {}, ENV), facts);
  imagine(facts, { order: { amount: 5 }, addTags: ['x'], removeGroups: ['b'], set: { company: 'y' } }, ENV);
  t.strictSame(facts, before);
});

t.test(
  'C7 one more order changes the counters, is a row and, without items, one line without a product',
  async (t) => {
    const order = Date.parse('2026-11-20T12:00:00Z');
    const earlier = Date.parse('2026-01-01T12:00:00Z');
    const facts = {
      values: {
        number_of_orders: 2,
        amount_spent: 5_000_000_000,
        average_order_value: 2_500_000_000,
        first_order_date: earlier,
        last_order_date: earlier,
        days_since_last_order: earlier,
        company: 'Acme',
      },
      rows: { orders_placed: [{ amount: 1 }], products_purchased: [{ amount: 2 }], other: [{ amount: 3 }] },
    };
    const after = imagined({ order: { amount: 8_000, placedAt: new Date(order) } }, facts);
    t.strictSame(after.values, {
      number_of_orders: 3,
      amount_spent: 5_000_008_000,
      average_order_value: 1_666_669_333,
      first_order_date: earlier,
      last_order_date: order,
      days_since_last_order: order,
      company: 'Acme',
    });
    t.strictSame(after.rows, {
      other: [{ amount: 3 }],
      orders_placed: [
        { amount: 1 },
        {
          date: order,
          amount: 8_000,
          status: 'confirmed',
          currency: 'EUR',
          channel: null,
          payment_method: null,
          coupon: [],
        },
      ],
      products_purchased: [
        { amount: 2 },
        {
          product_id: null,
          sku: null,
          category: null,
          tag: null,
          date: order,
          quantity: null,
          amount: null,
        },
      ],
    });
  },
);

t.test('an order is placed now unless told, and may lie before all others', async (t) => {
  const first = imagined({ order: { amount: 101 } });
  t.strictSame(first.values, {
    number_of_orders: 1,
    amount_spent: 101,
    average_order_value: 101,
    first_order_date: NOW,
    last_order_date: NOW,
    days_since_last_order: NOW,
  });
  t.equal(first.rows.orders_placed?.[0]?.date, NOW);
  const past = new Date('2020-01-01T00:00:00Z');
  const second = imagined({ order: { amount: 0, placedAt: past } }, first);
  t.match(second.values, {
    number_of_orders: 2,
    average_order_value: 51,
    first_order_date: past.getTime(),
    last_order_date: NOW,
    days_since_last_order: NOW,
  });
});

t.test('the items of an order are lines, with what is not told left out', async (t) => {
  const items = [
    { productId: 'p', sku: 's', categories: ['shoes'], tags: ['new'], quantity: 2, amount: 900 },
    { quantity: 1, amount: 100 },
  ];
  t.strictSame(imagined({ order: { amount: 1_000, items } }).rows.products_purchased, [
    { product_id: 'p', sku: 's', category: ['shoes'], tag: ['new'], date: NOW, quantity: 2, amount: 900 },
    { product_id: null, sku: null, category: [], tag: [], date: NOW, quantity: 1, amount: 100 },
  ]);
});

t.test('tags and groups come and go without regard to case, and none twice', async (t) => {
  const facts = {
    lists: { customer_tags: ['VIP', 'friend'], customer_groups: ['Standard'], customer_cities: ['Lyon'] },
  };
  const after = imagined(
    {
      addTags: ['vip', 'New'],
      removeTags: ['FRIEND', 'nothing'],
      addGroups: ['Été'],
      removeGroups: ['STANDARD'],
    },
    facts,
  );
  t.strictSame(after.lists, {
    customer_tags: ['VIP', 'New'],
    customer_groups: ['Été'],
    customer_cities: ['Lyon'],
  });
  const swapped = imagined({ addTags: ['Vip'], removeTags: ['vip'] }, facts);
  t.strictSame(swapped.lists.customer_tags, ['friend', 'Vip'], 'first gone, then there again');
  t.strictSame(imagined({ addTags: ['a'] }).lists, { customer_tags: ['a'], customer_groups: [] });
});

t.test('any attribute with one value can be set, in the form that its type has', async (t) => {
  for (const [name, given, fact] of [
    ['number_of_orders', 7, 7],
    ['number_of_orders', -1, -1],
    ['custom.shoe_size', 42.5, 42.5],
    ['amount_spent', 5_000_000_000, 5_000_000_000],
    ['average_order_value', null, null],
    ['last_order_date', '2026-11-21', Date.parse('2026-11-20T23:00:00Z')],
    ['last_order_date', null, null],
    ['custom.since', '2025-12-31', '2025-12-31'],
    ['birthday', '2026-03-05', 305],
    ['age', 18, 20_081_122],
    ['age', null, null],
    ['days_since_last_order', 1, Date.parse('2026-11-20T23:00:00Z')],
    ['has_account', true, true],
    ['wholesale', false, false],
    ['source', 'API', 'api'],
    ['custom.level', 'gold', 'Gold'],
    ['company', 'Acme GmbH', 'Acme GmbH'],
    ['company', '2026-01-01', '2026-01-01'],
    ['company', null, null],
  ] as const) {
    const { values } = imagined({ set: { [name]: given } }, { values: { gender: 'other' } });
    t.strictSame(values, { gender: 'other', [name]: fact }, `${name} = ${given}`);
  }
});

t.test('what is set wins over the order', async (t) => {
  const { values } = imagined({ order: { amount: 5 }, set: { number_of_orders: 9 } });
  t.match(values, { number_of_orders: 9, amount_spent: 5 });
});

t.test('a value that does not fit is refused with what would', async (t) => {
  const date = 'a date such as 2026-01-31, -90d, +1m, today or yesterday';
  for (const [name, given, shown, expected] of [
    ['number_of_orders', '7', '"7"', 'a whole number such as 5'],
    ['number_of_orders', 1.5, '1.5', 'a whole number such as 5'],
    ['number_of_orders', null, 'null', 'a whole number such as 5'],
    ['number_of_orders', true, 'true', 'a whole number such as 5'],
    ['custom.shoe_size', '42', '"42"', 'a number such as 42 or 1.5'],
    ['amount_spent', 1.5, '1.5', 'an amount in EUR with at most 2 decimals'],
    ['amount_spent', '500', '"500"', 'an amount in EUR with at most 2 decimals'],
    ['last_order_date', 'today', '"today"', date],
    ['last_order_date', '2026-11-21T10:00Z', '"2026-11-21T10:00Z"', date],
    ['last_order_date', 'x2026-11-21', '"x2026-11-21"', date],
    ['last_order_date', '2026-02-30', '"2026-02-30"', date],
    ['last_order_date', 5, '5', date],
    ['birthday', 'x', '"x"', date],
    ['age', '18', '"18"', 'a whole number of years such as 18'],
    ['days_since_last_order', 1.5, '1.5', 'a whole number of days such as 30'],
    ['has_account', 'true', '"true"', 'true or false'],
    ['has_account', 1, '1', 'true or false'],
    ['source', 'x', '"x"', 'one of its words in single quotes'],
    ['source', false, 'false', 'one of its words in single quotes'],
    ['custom.odd', true, 'true', 'one of its words in single quotes'],
    ['company', 5, '5', "text in single quotes, such as 'abc'"],
    ['company', true, 'true', "text in single quotes, such as 'abc'"],
    ['customer_tags', 'a', '"a"', 'nothing: it has no single value'],
    ['orders_placed', 5, '5', 'nothing: it has no single value'],
  ] as const) {
    const problem = {
      code: 'SEGMENT_TYPE',
      message: `${shown} does not fit ${name}, which takes ${expected}.`,
      expected: [expected],
      place: { pointer: `/changes/set/${name}` },
    };
    t.strictSame(
      refused({ [name]: given }),
      { refused: 'SEGMENT_TYPE', problems: [problem] },
      `${name} = ${given}`,
    );
  }
});

t.test('names that do not exist are refused, all faults at once', async (t) => {
  t.strictSame(refused({ companny: 'x', company: 'y', age: 'old', zzz: 1 }), {
    refused: 'UNKNOWN_ATTRIBUTE',
    problems: [
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'There is no attribute companny.',
        expected: [...catalogue.keys()],
        nearest: 'company',
        place: { pointer: '/changes/set/companny' },
      },
      {
        code: 'SEGMENT_TYPE',
        message: '"old" does not fit age, which takes a whole number of years such as 18.',
        expected: ['a whole number of years such as 18'],
        place: { pointer: '/changes/set/age' },
      },
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'There is no attribute zzz.',
        expected: [...catalogue.keys()],
        nearest: undefined,
        place: { pointer: '/changes/set/zzz' },
      },
    ],
  });
});
