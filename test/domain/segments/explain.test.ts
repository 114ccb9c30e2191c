import t, { type Test } from 'tap';
import type { BindEnv } from '../../../src/domain/segments/bind.ts';
import { type Explained, explain, isTimed, missing } from '../../../src/domain/segments/explain.ts';
import type { Facts } from '../../../src/domain/segments/facts.ts';
import { catalogueOf } from '../../../src/domain/segments/fields.ts';
import { isRefusal } from '../../../src/domain/segments/problems.ts';
import { bindEnv, bound, factsWith, parsed, savedSegments } from '../../support/segment-binding.ts';
import { CUSTOM_FIELDS } from '../../support/segment-pools.ts';

const SEGMENTS = savedSegments({ vip: 'amount_spent > 500', fresh: 'last_order_date >= -7d' });
const ENV = bindEnv({ catalogue: catalogueOf(CUSTOM_FIELDS), segments: SEGMENTS });
const ms = (instant: string): number => Date.parse(instant);

function explained(text: string, facts: Partial<Facts> = {}, env: BindEnv = ENV) {
  const answer = explain(parsed(text), env, factsWith(facts));
  if (isRefusal(answer)) throw new Error(answer.problems[0]?.message);
  return answer;
}

const tree = (text: string, facts?: Partial<Facts>, env?: BindEnv): Explained =>
  explained(text, facts, env).tree;

/** Each clause with facts and the sentence about them. */
function expectWords(
  t: Test,
  table: readonly (readonly [text: string, facts: Partial<Facts>, says: string])[],
): void {
  for (const [text, facts, says] of table) t.equal(tree(text, facts).says, says, text);
}

const value = (name: string, known: number | string | boolean | null): Partial<Facts> => ({
  values: { [name]: known },
});

t.test('a number: how often, how much, what is needed', async (t) => {
  const orders = (count: number) => value('number_of_orders', count);
  t.strictSame(tree('number_of_orders > 5', orders(3)), {
    op: '>',
    text: 'number_of_orders > 5',
    matches: false,
    seen: '3',
    needed: 'more than 5',
    says: 'ordered 3 times, needs more than 5',
  });
  expectWords(t, [
    ['number_of_orders > 5', orders(7), 'ordered 7 times, as needed: more than 5'],
    ['number_of_orders >= 5', orders(1), 'ordered once, needs at least 5'],
    ['number_of_orders < 5', orders(0), 'never ordered, as needed: less than 5'],
    ['number_of_orders <= 5', orders(6), 'ordered 6 times, needs at most 5'],
    ['number_of_orders = 5', orders(5), 'ordered 5 times, as needed: 5'],
    ['number_of_orders != 5', orders(5), 'ordered 5 times, needs anything but 5'],
    ['number_of_orders BETWEEN 2 AND 4', orders(5), 'ordered 5 times, needs 2 to 4'],
    ['number_of_orders NOT BETWEEN 2 AND 5', orders(5), 'ordered 5 times, needs anything but 2 to 5'],
    ['number_of_orders IN (1, 2)', orders(5), 'ordered 5 times, needs one of 1, 2'],
    ['number_of_orders IN (1)', orders(5), 'ordered 5 times, needs 1'],
    ['number_of_orders NOT IN (4, 5)', orders(5), 'ordered 5 times, needs none of 4, 5'],
    ['number_of_orders NOT IN (5)', orders(5), 'ordered 5 times, needs anything but 5'],
    ['custom.shoe_size > 42', value('custom.shoe_size', 41.5), 'Shoe size is 41.5, needs more than 42'],
    ['custom.shoe_size > 42', {}, 'Shoe size is missing, needs more than 42'],
  ]);
  t.notOk('seen' in tree('custom.shoe_size > 42'), 'nothing was seen');
});

t.test('money has its currency, of each exponent', async (t) => {
  const spent = value('amount_spent', 12_345);
  expectWords(t, [
    ['amount_spent >= 500', spent, 'spent 123.45 EUR, needs at least 500 EUR'],
    ['amount_spent BETWEEN 1 AND 2.50', spent, 'spent 123.45 EUR, needs 1 EUR to 2.50 EUR'],
    ['refunded_total > 0', value('refunded_total', 0), 'was refunded 0.00 EUR, needs more than 0 EUR'],
    [
      'average_order_value > 5',
      value('average_order_value', 5_000_000_000),
      'Average order value is 50000000.00 EUR, as needed: more than 5 EUR',
    ],
    ['average_order_value > 5', {}, 'Average order value is missing, needs more than 5 EUR'],
  ]);
  t.equal(tree('amount_spent > 500', spent, { ...ENV, currency: 'JPY' }).seen, '12345 JPY');
  t.equal(tree('amount_spent > 1.500', spent, { ...ENV, currency: 'KWD' }).needed, 'more than 1.500 KWD');
});

t.test('dates are days, and relative ones say which day that is', async (t) => {
  const ordered = value('last_order_date', ms('2026-10-31T23:30:00Z'));
  expectWords(t, [
    ['last_order_date < -90d', ordered, 'Last order is 2026-11-01, needs earlier than 2026-08-24 (-90d)'],
    ['last_order_date <= 2026-01-31', ordered, 'Last order is 2026-11-01, needs 2026-01-31 or earlier'],
    ['last_order_date > today', ordered, 'Last order is 2026-11-01, needs later than 2026-11-22 (today)'],
    [
      'last_order_date >= yesterday',
      ordered,
      'Last order is 2026-11-01, needs 2026-11-21 (yesterday) or later',
    ],
    ['last_order_date = -3w', ordered, 'Last order is 2026-11-01, as needed: 2026-11-01 (-3w)'],
    [
      'last_order_date >= 2026-11-22T10:30Z',
      ordered,
      'Last order is 2026-11-01, needs 2026-11-22T10:30Z or later',
    ],
    [
      'last_order_date BETWEEN -1m AND today',
      ordered,
      'Last order is 2026-11-01, as needed: 2026-10-22 (-1m) to 2026-11-22 (today)',
    ],
    ['last_order_date < today', {}, 'Last order is missing, needs earlier than 2026-11-22 (today)'],
    [
      'custom.since > 2026-01-01',
      value('custom.since', '2025-12-31'),
      'Since is 2025-12-31, needs later than 2026-01-01',
    ],
    [
      'birthday BETWEEN today AND +7d',
      value('birthday', 229),
      'Birthday is 29 February, needs 22 November (today) to 29 November (+7d)',
    ],
    ['birthday = 2026-12-01', value('birthday', 1_201), 'Birthday is 1 December, as needed: 1 December'],
    [
      'birthday IN (2026-01-31, 2026-05-01)',
      value('birthday', 1_201),
      'Birthday is 1 December, needs one of 31 January, 1 May',
    ],
  ]);
  const months =
    'January February March April May June July August September October November December'.split(' ');
  for (const [index, month] of months.entries())
    t.equal(tree('birthday IS NULL', value('birthday', (index + 1) * 100 + 9)).seen, `9 ${month}`);
});

t.test('age and days are counted at the instant', async (t) => {
  expectWords(t, [
    ['age >= 18', value('age', 20_081_123), 'is 17 years old, needs at least 18'],
    ['age >= 18', value('age', 20_081_122), 'is 18 years old, as needed: at least 18'],
    ['age < 1', value('age', 20_250_101), 'is a year old, needs less than 1'],
    ['age >= 0', {}, 'Age is missing, needs at least 0'],
    [
      'days_since_last_order > 90',
      value('days_since_last_order', ms('2026-11-21T23:30:00Z')),
      'last ordered today, needs more than 90',
    ],
    [
      'days_since_last_order > 90',
      value('days_since_last_order', ms('2026-11-21T22:30:00Z')),
      'last ordered a day ago, needs more than 90',
    ],
    [
      'days_since_last_order > 90',
      value('days_since_last_order', ms('2026-08-01T12:00:00Z')),
      'last ordered 113 days ago, as needed: more than 90',
    ],
  ]);
});

t.test('words, text and truth', async (t) => {
  const company = value('company', 'Acme');
  expectWords(t, [
    ["source = 'api'", value('source', 'manual'), "Source is manual, needs 'api'"],
    [
      "source NOT IN ('api', 'manual')",
      value('source', 'manual'),
      "Source is manual, needs none of 'api', 'manual'",
    ],
    ["company = 'x'", company, "Company is Acme, needs 'x'"],
    ["company CONTAINS 'x'", company, "Company is Acme, needs something with 'x' in it"],
    ["company NOT CONTAINS 'a'", company, "Company is Acme, needs nothing with 'a' in it"],
    ["company STARTS WITH 'a'", company, "Company is Acme, as needed: something that begins with 'a'"],
    ['company IS NULL', company, 'Company is Acme, needs no value'],
    ['company IS NOT NULL', {}, 'Company is missing, needs any value'],
    ['company IS NULL', {}, 'Company is missing, as needed: no value'],
    ['wholesale = true', value('wholesale', false), 'Wholesale: no, needs yes'],
    ['has_account != true', value('has_account', true), 'Has an account: yes, needs anything but yes'],
    ['custom.b2b = false', value('custom.b2b', false), 'B2B: no, as needed: no'],
    ["custom.nick = 'today'", value('custom.nick', 'x'), "Nickname is x, needs 'today'"],
  ]);
});

t.test('lists: what is there, what should be', async (t) => {
  const tags = { lists: { customer_tags: ['friend', 'VIP'], customer_groups: [] } };
  t.strictSame(tree("customer_tags CONTAINS 'x'", tags), {
    op: 'contains',
    text: "customer_tags CONTAINS 'x'",
    matches: false,
    seen: 'friend, VIP',
    needed: "'x'",
    says: "Tags: friend, VIP, needs 'x'",
  });
  expectWords(t, [
    ["customer_tags NOT CONTAINS 'vip'", tags, "Tags: friend, VIP, needs anything but 'vip'"],
    ["customer_tags CONTAINS ANY ('a', 'b')", tags, "Tags: friend, VIP, needs one of 'a', 'b'"],
    ["customer_tags CONTAINS ALL ('a', 'b')", tags, "Tags: friend, VIP, needs 'a' and 'b'"],
    ["customer_tags CONTAINS NONE ('a', 'vip')", tags, "Tags: friend, VIP, needs none of 'a', 'vip'"],
    ["postcodes STARTS WITH '101'", {}, "Postcodes: none, needs something that begins with '101'"],
    ['customer_tags IS NULL', tags, 'Tags: friend, VIP, needs no value'],
    ['customer_tags IS NULL', {}, 'Tags: none, as needed: no value'],
    ["in_group('Business')", tags, "Groups: none, needs 'Business'"],
  ]);
});

t.test('rows: how many fit and what they are together', async (t) => {
  const orders = (...amounts: (number | null)[]) => ({
    rows: { orders_placed: amounts.map((amount) => ({ amount, date: ms('2026-11-20T12:00:00Z') })) },
  });
  const lines = { rows: { products_purchased: [{ quantity: 7, amount: 100 }] } };
  t.strictSame(
    tree('orders_placed MATCHES (date >= -1m, count > 1, sum_amount > 200)', orders(10_000, 5_000)),
    {
      op: 'matches',
      text: 'orders_placed MATCHES (date >= -1m, count > 1, sum_amount > 200)',
      matches: false,
      seen: '2 orders fit, sum 150.00 EUR',
      needed: 'count more than 1 and sum more than 200 EUR',
      says: '2 orders fit, sum 150.00 EUR, needs count more than 1 and sum more than 200 EUR',
    },
  );
  expectWords(t, [
    ['orders_placed MATCHES (amount > 1)', orders(), '0 orders fit, needs at least one order that fits'],
    ['orders_placed MATCHES ()', orders(5), '1 order fits, as needed: at least one order that fits'],
    ['orders_placed NOT MATCHES ()', orders(5), '1 order fits, needs no order that fits'],
    [
      'orders_placed NOT MATCHES (count >= 1)',
      orders(5),
      '1 order fits, needs anything but count at least 1',
    ],
    [
      'orders_placed NOT MATCHES (count >= 1, sum_amount < 9)',
      orders(5),
      '1 order fits, sum 0.05 EUR, needs anything but count at least 1 and sum less than 9 EUR',
    ],
    [
      'products_purchased MATCHES (sum_quantity > 9)',
      lines,
      '1 order line fits, pieces 7, needs pieces more than 9',
    ],
    [
      'products_purchased MATCHES (quantity > 9)',
      lines,
      '0 order lines fit, needs at least one order line that fits',
    ],
  ]);
});

t.test('samples and segments: in or not', async (t) => {
  expectWords(t, [
    ["sample(0, 'spring')", {}, "is not in the 0 % sample 'spring'"],
    ["sample(100, 'spring')", {}, "is in the 100 % sample 'spring'"],
    ["in_segment('vip')", value('amount_spent', 0), 'is not in segment vip'],
    ["in_segment('vip')", value('amount_spent', 50_001), 'is in segment vip'],
  ]);
  t.strictSame(tree("in_segment('vip')", value('amount_spent', 0)), {
    op: 'in_segment',
    text: "in_segment('vip')",
    matches: false,
    of: [
      {
        op: '>',
        text: 'amount_spent > 500',
        matches: false,
        seen: '0.00 EUR',
        needed: 'more than 500 EUR',
        says: 'spent 0.00 EUR, needs more than 500 EUR',
      },
    ],
    needed: 'segment vip',
    says: 'is not in segment vip',
  });
});

t.test('the tree is that of the query, each node with its text and answer', async (t) => {
  const text = 'number_of_orders > 5 AND (wholesale = true OR NOT age > 18)';
  const {
    matches,
    changesOn,
    tree: root,
  } = explained(text, { values: { number_of_orders: 7, wholesale: false, age: null } });
  t.equal(matches, true);
  t.equal(changesOn, null);
  const shape = ({ op, text: own, matches: answer, of }: Explained): unknown => [
    op,
    own,
    answer,
    ...(of ?? []).map(shape),
  ];
  t.strictSame(shape(root), [
    'and',
    text,
    true,
    ['>', 'number_of_orders > 5', true],
    [
      'or',
      'wholesale = true OR NOT age > 18',
      true,
      ['=', 'wholesale = true', false],
      ['not', 'NOT age > 18', true, ['>', 'age > 18', false]],
    ],
  ]);
  t.notOk('says' in root);
});

t.test('a query that cannot be bound is refused as it is', async (t) => {
  t.match(explain(parsed('zzz = 1'), ENV, factsWith()), { refused: 'UNKNOWN_ATTRIBUTE' });
});

t.test('queries that time alone can turn', async (t) => {
  for (const [text, expected] of [
    ['age > 18', true],
    ['days_since_last_order > 5', true],
    ['last_order_date < -90d', true],
    ['birthday = today', true],
    ['last_order_date < 2026-01-01', false],
    ['last_order_date BETWEEN 2026-01-01 AND today', true],
    ['number_of_orders > 5', false],
    ['company IS NULL', false],
    ["customer_tags CONTAINS 'a'", false],
    ['orders_placed MATCHES (date >= -1m)', true],
    ['orders_placed MATCHES (amount > 5, date IN (2026-01-01, yesterday))', true],
    ['orders_placed MATCHES (date > 2026-01-01, count = 1)', false],
    ['orders_placed MATCHES ()', false],
    ["in_segment('fresh')", true],
    ["in_segment('vip')", false],
    ['NOT age > 18', true],
    ['NOT wholesale = true', false],
    ['wholesale = true OR age > 18', true],
    ['wholesale = true AND age > 18', true],
    ['wholesale = true AND number_of_orders > 5', false],
    ["sample(10, 'a')", false],
  ] as const)
    t.equal(isTimed(bound(text, ENV)), expected, text);
});

/** The days on which the first clause and the whole query turn. */
function turns(
  text: string,
  facts: Partial<Facts>,
  env?: BindEnv,
): [leaf: string | undefined, root: string | null] {
  const { tree: root, changesOn } = explained(text, facts, env);
  let leaf = root;
  while (leaf.of?.[0]) leaf = leaf.of[0];
  return [leaf.changesOn, changesOn];
}

t.test('the day on which a clause turns by itself', async (t) => {
  const ordered = (instant: string) => ({
    values: { last_order_date: ms(instant), days_since_last_order: ms(instant) },
  });
  const born = (code: number) => value('age', code);
  const birthday = (code: number) => value('birthday', code);
  const rows = (instant: string) => ({ rows: { orders_placed: [{ date: ms(instant), amount: 1 }] } });
  for (const [text, facts, day] of [
    ['last_order_date < -90d', ordered('2026-11-20T12:00:00Z'), '2027-02-19'],
    ['last_order_date >= -90d', ordered('2026-11-20T12:00:00Z'), '2027-02-19'],
    ['last_order_date < -90d', ordered('2026-01-01T12:00:00Z'), undefined],
    ['last_order_date = today', ordered('2026-11-22T08:00:00Z'), '2026-11-23'],
    ['last_order_date = yesterday', ordered('2026-11-22T08:00:00Z'), '2026-11-23'],
    ['last_order_date > today', ordered('2026-12-24T12:00:00Z'), '2026-12-24'],
    ['last_order_date < 2026-01-01', ordered('2026-11-20T12:00:00Z'), undefined],
    ['days_since_last_order > 30', ordered('2026-11-20T12:00:00Z'), '2026-12-21'],
    ['orders_placed MATCHES (date >= -1m)', rows('2026-11-20T12:00:00Z'), '2026-12-21'],
    ['orders_placed NOT MATCHES (date >= -1m)', rows('2026-11-20T12:00:00Z'), '2026-12-21'],
    ['birthday = today', birthday(1_225), '2026-12-25'],
    ['birthday = today', birthday(1_122), '2026-11-23'],
    ['birthday = today', birthday(229), '2027-02-28'],
    ['birthday BETWEEN today AND +7d', birthday(105), '2026-12-29'],
    ['birthday BETWEEN today AND +7d', birthday(1_123), '2026-11-24'],
    ['birthday NOT BETWEEN today AND +7d', birthday(105), '2026-12-29'],
    ['age >= 18', born(20_081_225), '2026-12-25'],
    ['age >= 18', born(20_090_228), '2027-02-28'],
    ['age = 18', born(20_081_122), '2027-11-22'],
    ['age >= 30', born(20_081_122), undefined],
    ['age < 20', born(20_081_122), '2028-11-22'],
    ['age >= 18', {}, undefined],
  ] as const) {
    t.strictSame(turns(text, facts), [day, day ?? null], text);
  }
});

t.test('the horizon is three years: 1,096 days with today', async (t) => {
  const ordered = { values: { last_order_date: ms('2026-11-22T12:00:00Z') } };
  t.strictSame(turns('last_order_date < -1094d', ordered), ['2029-11-21', '2029-11-21']);
  t.strictSame(turns('last_order_date < -1095d', ordered), [undefined, null]);
});

t.test('an offset in hours turns within the day: today, if its time is still to come', async (t) => {
  const ordered = (instant: string) => ({ values: { last_order_date: ms(instant) } });
  // It is 11:30 in Berlin; the day ends at 24:00, twelve and a half hours later.
  t.strictSame(turns('last_order_date > -2h', ordered('2026-11-22T10:00:00Z')), ['2026-11-22', '2026-11-22']);
  t.strictSame(turns('last_order_date > -24h', ordered('2026-11-22T10:00:00Z')), [
    '2026-11-23',
    '2026-11-23',
  ]);
  t.strictSame(turns('last_order_date <= +6h', ordered('2026-11-23T20:00:00Z')), [
    '2026-11-23',
    '2026-11-23',
  ]);
});

t.test('nested segments turn with what is in them', async (t) => {
  const ordered = { values: { last_order_date: ms('2026-11-20T12:00:00Z') } };
  const { tree: root, changesOn } = explained("NOT in_segment('fresh')", ordered);
  t.equal(changesOn, '2026-11-28');
  t.equal(root.changesOn, undefined, 'only leaves say when');
  t.equal(root.of?.[0]?.changesOn, '2026-11-28');
  t.equal(root.of?.[0]?.of?.[0]?.changesOn, '2026-11-28');
});

t.test('the whole turns on a day of a clause, unless clauses cancel out', async (t) => {
  const ordered = {
    values: { last_order_date: ms('2026-11-20T12:00:00Z'), first_order_date: ms('2026-11-20T12:00:00Z') },
  };
  const root = (text: string, facts: Partial<Facts> = ordered) => explained(text, facts).changesOn;
  t.equal(root('last_order_date < -90d OR last_order_date >= -90d'), null, 'always one of them');
  t.equal(
    root('last_order_date < -90d AND number_of_orders > 5', {
      values: { ...ordered.values, number_of_orders: 0 },
    }),
    null,
  );
  t.equal(root('last_order_date >= -7d AND first_order_date >= -30d'), '2026-11-28');
  t.equal(root('last_order_date >= -7d OR first_order_date >= -30d'), '2026-12-21');
  t.equal(root('last_order_date BETWEEN -30d AND -10d'), '2026-11-30');
  t.equal(
    root('last_order_date BETWEEN -30d AND -10d OR last_order_date >= -9d'),
    '2026-12-21',
    'a later turn of a clause',
  );
  t.equal(root('last_order_date < -90d', { ...ordered, isListed: false }), null, 'merged ones stay out');
  t.equal(explained('last_order_date < -90d', { ...ordered, isListed: false }).matches, false);
  t.equal(explained('last_order_date >= -90d', { ...ordered, isListed: false }).matches, false);
});

t.test('days that have no midnight turn as well', async (t) => {
  const santiago = bindEnv({ at: '2025-09-06T12:00:00Z', timezone: 'America/Santiago' });
  const ordered = { values: { last_order_date: ms('2025-09-06T15:00:00Z') } };
  t.strictSame(turns('last_order_date = today', ordered, santiago), ['2025-09-07', '2025-09-07']);
  t.strictSame(turns('last_order_date = yesterday', ordered, santiago), ['2025-09-07', '2025-09-07']);
});

t.test('what is missing: all of AND, the shortest way of OR, the opposite below NOT', async (t) => {
  const facts = {
    values: { number_of_orders: 1, amount_spent: 0, wholesale: true },
    lists: { customer_tags: ['a'] },
  };
  const few = 'ordered once, needs more than 5';
  const poor = 'spent 0.00 EUR, needs more than 10 EUR';
  const untagged = "Tags: a, needs 'b'";
  for (const [text, expected] of [
    ['number_of_orders > 0', []],
    ['number_of_orders > 5', [few]],
    ['number_of_orders > 5 AND amount_spent > 10', [few, poor]],
    ['number_of_orders > 5 AND wholesale = true', [few]],
    ['number_of_orders > 5 OR amount_spent > 10', [few]],
    ["(number_of_orders > 5 AND amount_spent > 10) OR customer_tags CONTAINS 'b'", [untagged]],
    ["customer_tags CONTAINS 'b' OR (number_of_orders > 5 AND amount_spent > 10)", [untagged]],
    ['number_of_orders > 5 OR wholesale = true', []],
    ['NOT wholesale = true', ['must not hold: wholesale = true']],
    ['NOT number_of_orders > 5', []],
    [
      "NOT (wholesale = true OR customer_tags CONTAINS 'a' OR number_of_orders > 5)",
      ['must not hold: wholesale = true', "must not hold: customer_tags CONTAINS 'a'"],
    ],
    ["NOT (wholesale = true AND customer_tags CONTAINS 'a')", ['must not hold: wholesale = true']],
    ['NOT (NOT number_of_orders > 5)', [few]],
    ['NOT (wholesale = true AND NOT number_of_orders > 5)', ['must not hold: wholesale = true']],
    ["in_segment('vip')", ['spent 0.00 EUR, needs more than 500 EUR']],
    ["sample(0, 'a')", ["is not in the 0 % sample 'a'"]],
  ] as const)
    t.strictSame(missing(tree(text, facts)), expected, text);
  t.strictSame(
    missing({ op: '=', text: 'a = 1', matches: false }),
    ['a = 1'],
    'without words the clause itself',
  );
});
