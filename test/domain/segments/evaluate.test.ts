import t, { type Test } from 'tap';
import {
  type Bound,
  type BoundRows,
  countTotals,
  holdsForNone,
  isWithin,
} from '../../../src/domain/segments/bound.ts';
import { fittingRows, holds, matches, totalOf } from '../../../src/domain/segments/evaluate.ts';
import type { Facts, FactValue } from '../../../src/domain/segments/facts.ts';
import { catalogueOf } from '../../../src/domain/segments/fields.ts';
import { sampleBucket } from '../../../src/domain/segments/sample.ts';
import { bindEnv, bound, factsWith, savedSegments } from '../../support/segment-binding.ts';
import { CUSTOM_FIELDS } from '../../support/segment-pools.ts';

const ENV = bindEnv({
  catalogue: catalogueOf(CUSTOM_FIELDS),
  segments: savedSegments({
    buyers: 'number_of_orders > 0',
    spenders: 'orders_placed MATCHES (sum_amount > 5)',
  }),
});
const ms = (instant: string): number => Date.parse(instant);

/** Each text with those of the customers whom it means, by their names. */
function expectMembers(
  t: Test,
  people: Readonly<Record<string, Partial<Facts>>>,
  table: readonly (readonly [text: string, members: string])[],
): void {
  for (const [text, members] of table) {
    const query = bound(text, ENV);
    const found = Object.keys(people).filter((name) => matches(query, factsWith(people[name])));
    t.equal(found.join(' '), members, text);
  }
}

const having = (name: string, values: Readonly<Record<string, FactValue>>): Record<string, Partial<Facts>> =>
  Object.fromEntries(
    Object.entries(values).map(([person, value]) => [person, { values: { [name]: value } }]),
  );

t.test('numbers: every operator, and a missing value compares with nothing', async (t) => {
  const people = { ...having('custom.shoe_size', { a: 41, b: 42, c: 42.5, none: null }), unknown: {} };
  expectMembers(t, people, [
    ['custom.shoe_size = 42', 'b'],
    ['custom.shoe_size != 42', 'a c none unknown'],
    ['custom.shoe_size IN (41, 42.50)', 'a c'],
    ['custom.shoe_size NOT IN (41, 42.50)', 'b none unknown'],
    ['custom.shoe_size < 42', 'a'],
    ['custom.shoe_size <= 42', 'a b'],
    ['custom.shoe_size > 42', 'c'],
    ['custom.shoe_size >= 42', 'b c'],
    ['custom.shoe_size BETWEEN 42 AND 42.5', 'b c'],
    ['custom.shoe_size NOT BETWEEN 42 AND 42.5', 'a none unknown'],
    ['custom.shoe_size BETWEEN 43 AND 41', ''],
    ['custom.shoe_size IS NULL', 'none unknown'],
    ['custom.shoe_size IS NOT NULL', 'a b c'],
  ]);
});

t.test('money beyond 2^31, and dates at both ends of a day', async (t) => {
  expectMembers(t, having('amount_spent', { poor: 0, rich: 5_000_000_000, richer: 5_000_000_001 }), [
    ['amount_spent > 50000000', 'richer'],
    ['amount_spent >= 50000000.00', 'rich richer'],
    ['amount_spent = 50000000.01', 'richer'],
    ['amount_spent < 50000000', 'poor'],
  ]);
  const days = having('last_order_date', {
    before: ms('2026-11-21T22:59:59.999Z'),
    first: ms('2026-11-21T23:00:00Z'),
    last: ms('2026-11-22T22:59:59.999Z'),
    after: ms('2026-11-22T23:00:00Z'),
    never: null,
  });
  expectMembers(t, days, [
    ['last_order_date = today', 'first last'],
    ['last_order_date != today', 'before after never'],
    ['last_order_date < today', 'before'],
    ['last_order_date <= today', 'before first last'],
    ['last_order_date > today', 'after'],
    ['last_order_date >= today', 'first last after'],
    ['last_order_date NOT BETWEEN yesterday AND today', 'after never'],
  ]);
});

t.test('words, truth and text', async (t) => {
  expectMembers(t, having('has_account', { yes: true, no: false }), [
    ['has_account = true', 'yes'],
    ['has_account != true', 'no'],
    ['has_account = false', 'no'],
  ]);
  expectMembers(t, having('source', { one: 'api', two: 'import' }), [
    ["source = 'API'", 'one'],
    ["source IN ('api', 'import')", 'one two'],
    ["source NOT IN ('api')", 'two'],
  ]);
  expectMembers(t, having('company', { acme: 'ÄCME GmbH', other: 'Öther', none: null }), [
    ["company = 'acme gmbh'", 'acme'],
    ["company != 'acme gmbh'", 'other none'],
    ["company STARTS WITH 'Acme'", 'acme'],
    ["company STARTS WITH 'gmbh'", ''],
    ["company CONTAINS 'GMBH'", 'acme'],
    ["company NOT CONTAINS 'gmbh'", 'other none'],
    ["company CONTAINS ''", 'acme other'],
  ]);
  expectMembers(t, having('phone_country', { right: 'de', wrong: 'XX' }), [
    ["phone_country = 'DE'", 'right'],
    ["phone_country != 'DE'", 'wrong'],
  ]);
  expectMembers(t, having('custom.nick', { exact: 'Zoë', lower: 'zoë', number: 7 as number }), [
    ["custom.nick = 'Zoë'", 'exact'],
    ["custom.nick CONTAINS 'o'", 'exact lower'],
  ]);
  expectMembers(t, having('number_of_orders', { flag: true }), [
    ['number_of_orders = 1', ''],
    ['number_of_orders != 1', 'flag'],
  ]);
});

t.test('lists: any, every, none, beginnings, empty ones', async (t) => {
  const tagged = {
    both: { lists: { customer_tags: ['VIP', 'Friend'] } },
    one: { lists: { customer_tags: ['vip'] } },
    empty: { lists: { customer_tags: [] } },
    unknown: {},
  };
  expectMembers(t, tagged, [
    ["customer_tags CONTAINS 'Vip'", 'both one'],
    ["customer_tags NOT CONTAINS 'Vip'", 'empty unknown'],
    ["customer_tags CONTAINS ANY ('friend', 'x')", 'both'],
    ["customer_tags CONTAINS ALL ('friend', 'vip')", 'both'],
    ["customer_tags CONTAINS ALL ('friend', 'x')", ''],
    ["customer_tags CONTAINS NONE ('friend', 'x')", 'one empty unknown'],
    ['customer_tags IS NULL', 'empty unknown'],
    ['customer_tags IS NOT NULL', 'both one'],
  ]);
  const places = {
    a: { lists: { postcodes: ['10115', 'SW1A 1AA'] } },
    b: { lists: { postcodes: ['21011'] } },
  };
  expectMembers(t, places, [
    ["postcodes STARTS WITH '10 1'", 'a'],
    ["postcodes STARTS WITH 'sw1a1'", 'a'],
    ["postcodes CONTAINS 'sw1a1aa'", 'a'],
    ["postcodes STARTS WITH '11'", ''],
  ]);
  const countries = {
    odd: { lists: { customer_countries: ['XX', 'DE'] } },
    odder: { lists: { customer_countries: ['XX'] } },
  };
  expectMembers(t, countries, [
    ["customer_countries CONTAINS 'de'", 'odd'],
    ["customer_countries NOT CONTAINS 'de'", 'odder'],
    ['customer_countries IS NULL', ''],
  ]);
});

const ORDERS = {
  two: {
    rows: {
      orders_placed: [
        {
          date: ms('2026-11-20T12:00:00Z'),
          amount: 60_000,
          status: 'confirmed',
          channel: 'Web',
          coupon: ['A', 'b'],
        },
        { date: ms('2026-11-21T12:00:00Z'), amount: 50_000, status: 'shipped', channel: null, coupon: [] },
      ],
    },
  },
  old: {
    rows: {
      orders_placed: [{ date: ms('2020-01-01T12:00:00Z'), amount: null, status: 'cancelled', coupon: ['c'] }],
    },
  },
  none: { rows: { orders_placed: [] } },
};

t.test('rows: those that fit all parameters, together in totals', async (t) => {
  expectMembers(t, ORDERS, [
    ['orders_placed MATCHES ()', 'two old'],
    ['orders_placed NOT MATCHES ()', 'none'],
    ['orders_placed MATCHES (date >= -1m)', 'two'],
    ['orders_placed NOT MATCHES (date >= -1m)', 'old none'],
    ["orders_placed MATCHES (amount = 600.00, status = 'SHIPPED')", ''],
    ["orders_placed MATCHES (amount = 500.00, status = 'SHIPPED')", 'two'],
    ['orders_placed MATCHES (count = 2)', 'two'],
    ['orders_placed MATCHES (count < 2)', 'old none'],
    ['orders_placed NOT MATCHES (count < 2)', 'two'],
    ['orders_placed MATCHES (count != 2)', 'old none'],
    ['orders_placed MATCHES (count != 0)', 'two old'],
    ['orders_placed MATCHES (sum_amount = 1100)', 'two'],
    ['orders_placed MATCHES (sum_amount < 1100)', 'old'],
    ['orders_placed MATCHES (sum_amount = 0, count >= 0)', 'old none'],
    ['orders_placed MATCHES (sum_amount NOT BETWEEN 1 AND 1100)', 'old'],
    ['orders_placed MATCHES (amount != 600.00)', 'two old'],
    ['orders_placed MATCHES (amount NOT BETWEEN 1 AND 600, count = 1)', 'old'],
    ["orders_placed MATCHES (channel = 'WEB')", 'two'],
    ["orders_placed MATCHES (channel != 'web', count = 1)", 'two old'],
  ]);
});

t.test('a parameter with many values fits when any of them does, and with NOT when none does', async (t) => {
  expectMembers(t, ORDERS, [
    ["orders_placed MATCHES (coupon = 'B')", 'two'],
    ["orders_placed MATCHES (coupon IN ('b', 'C'))", 'two old'],
    ["orders_placed MATCHES (coupon != 'a', count = 1)", 'two old'],
    ["orders_placed MATCHES (coupon NOT IN ('a', 'c'))", 'two'],
  ]);
  const absent = { absent: { rows: { orders_placed: [{ amount: 5 }] } }, nothing: {} };
  expectMembers(t, absent, [
    ["orders_placed MATCHES (coupon = 'a')", ''],
    ["orders_placed MATCHES (coupon != 'a')", 'absent'],
    ['orders_placed NOT MATCHES ()', 'nothing'],
  ]);
});

t.test('sums take a missing value as 0, counts take each row', async (t) => {
  const query = bound(
    'products_purchased MATCHES (quantity > 1, sum_quantity > 0, sum_amount > 0)',
    ENV,
  ) as BoundRows;
  const rows = [
    { quantity: 1, amount: 100 },
    { quantity: 2, amount: null },
    { quantity: 3, amount: 5_000_000_000 },
    { quantity: 4 },
  ];
  const fitting = fittingRows(query, factsWith({ rows: { products_purchased: rows } }));
  t.strictSame(fitting, rows.slice(1));
  t.equal(totalOf(query.attribute, 'count', fitting), 3);
  t.equal(totalOf(query.attribute, 'sum_quantity', fitting), 9);
  t.equal(totalOf(query.attribute, 'sum_amount', fitting), 5_000_000_000);
  t.equal(totalOf(query.attribute, 'sum_amount', []), 0);
  t.equal(totalOf(query.attribute, 'of what there is not', fitting), 3);
});

t.test('who has no rows at all is meant where the totals allow 0', async (t) => {
  for (const [text, expected] of [
    ['orders_placed MATCHES ()', false],
    ['orders_placed MATCHES (sum_amount < 5)', false],
    ['orders_placed MATCHES (count = 0)', true],
    ['orders_placed MATCHES (count > 0)', false],
    ['orders_placed MATCHES (count < 5, sum_amount > 5)', false],
    ['orders_placed MATCHES (count != 5, sum_amount != 5)', true],
    ['orders_placed MATCHES (count != 0)', false],
  ] as const) {
    const query = bound(text, ENV) as BoundRows;
    t.equal(holdsForNone(query), expected, text);
    t.equal(holds(query, factsWith()), expected, text);
  }
});

t.test('totals are counted wherever they stand', async (t) => {
  const totals = 'orders_placed MATCHES (count > 1, sum_amount > 5)';
  for (const [text, count] of [
    [totals, 1],
    ['orders_placed MATCHES (amount > 5)', 0],
    ['number_of_orders > 5', 0],
    [`${totals} AND (${totals} OR NOT ${totals} OR age > 5)`, 3],
    ["in_segment('spenders') OR in_segment('spenders')", 2],
  ] as const)
    t.equal(countTotals(bound(text, ENV)), count, text);
});

t.test('ranges: closed, open, without an end, several', async (t) => {
  const closed = { from: 2, to: 4 };
  const open = { from: 2, fromOpen: true, to: 4, toOpen: true };
  const within = (range: object) => [1, 2, 3, 4, 5].filter((value) => isWithin(value, [range])).join('');
  t.equal(within(closed), '234');
  t.equal(within(open), '3');
  t.equal(within({ from: 2 }), '2345');
  t.equal(within({ from: 2, fromOpen: true }), '345');
  t.equal(within({ to: 4 }), '1234');
  t.equal(within({ to: 4, toOpen: true }), '123');
  t.equal(within({}), '12345');
  t.equal(isWithin(5, [closed, { from: 5, to: 5 }]), true);
  t.equal(isWithin(5, []), false);
  t.equal(isWithin('2026-01-02', [{ from: '2026-01-02', to: '2026-02-01', toOpen: true }]), true);
  t.equal(isWithin('2026-02-01', [{ from: '2026-01-02', to: '2026-02-01', toOpen: true }]), false);
});

t.test('AND, OR, NOT, segments, groups and samples', async (t) => {
  const people = {
    none: { values: { number_of_orders: 0, wholesale: false } },
    buyer: { values: { number_of_orders: 1, wholesale: false } },
    shop: { values: { number_of_orders: 0, wholesale: true } },
    both: { values: { number_of_orders: 1, wholesale: true }, lists: { customer_groups: ['BUSINESS'] } },
  };
  expectMembers(t, people, [
    ['number_of_orders = 1 AND wholesale = true', 'both'],
    ['number_of_orders = 1 OR wholesale = true', 'buyer shop both'],
    ['NOT (number_of_orders = 1 OR wholesale = true)', 'none'],
    ['NOT number_of_orders = 1', 'none shop'],
    ["in_segment('buyers')", 'buyer both'],
    ["NOT in_segment('buyers')", 'none shop'],
    ["in_group('Business')", 'both'],
    ["NOT in_group('Business')", 'none buyer shop'],
    ["sample(100, 'a')", 'none buyer shop both'],
    ["sample(0, 'a')", ''],
  ]);
  const ids = Array.from({ length: 50 }, (_, index) => `c${index}`);
  const half = bound("sample(50, 'a')", ENV);
  const inside = ids.filter((customerId) => matches(half, factsWith({ customerId })));
  t.ok(inside.length > 10 && inside.length < 40, 'by the id');
  const below = sampleBucket('a', 'c1');
  t.equal(holds({ ...half, below } as Bound, factsWith()), false, 'a bucket is not below itself');
  t.equal(holds({ ...half, below: below + 1 } as Bound, factsWith()), true);
});

t.test('merged and erased customers are never meant', async (t) => {
  const all = bound("sample(100, 'a')", ENV);
  t.equal(matches(all, factsWith({ isListed: false })), false);
  t.equal(holds(all, factsWith({ isListed: false })), true, 'though the tree holds');
});
