import assert from 'node:assert';
import t, { type Test } from 'tap';
import { type Literal, OPERATORS, type Query } from '../../../src/domain/segments/ast.ts';
import { type BindEnv, bind } from '../../../src/domain/segments/bind.ts';
import type { ListTest, Test as ValueTest } from '../../../src/domain/segments/bound.ts';
import { catalogueOf, operatorsOf, type ValueAttribute } from '../../../src/domain/segments/fields.ts';
import { parseQuery } from '../../../src/domain/segments/parse.ts';
import { isRefusal, type QueryProblem } from '../../../src/domain/segments/problems.ts';
import { bindEnv, bound, clauseOf, parsed, savedSegments } from '../../support/segment-binding.ts';
import { CUSTOM_FIELDS } from '../../support/segment-pools.ts';

const catalogue = catalogueOf(CUSTOM_FIELDS);
const ENV = bindEnv({ catalogue });
const NAMES = [...catalogue.keys()];

/** What is wrong with a text; `at` is what stands at its place. */
function faults(text: string, env: BindEnv = ENV): (Omit<QueryProblem, 'place'> & { at?: string })[] {
  const read = parseQuery(text);
  if (isRefusal(read)) throw new Error(read.problems[0]?.message);
  const result = bind(read.query, env, read.places);
  if (!isRefusal(result)) return [];
  assert.equal(result.refused, result.problems[0]?.code, 'the first fault gives the code');
  return result.problems.map(({ place, ...problem }) => {
    if (!place || !('offset' in place)) return problem;
    return { ...problem, at: text.slice(place.offset, place.offset + place.length) };
  });
}

const textsOf = (name: string): string[] => {
  const attribute = catalogue.get(name);
  return attribute ? operatorsOf(attribute).map((op) => OPERATORS[op].text) : [];
};

t.test('a value is tested for ranges, keys or text in it, and NOT turns the answer round', async (t) => {
  const table: [text: string, test: ValueTest, negated?: true][] = [
    ['number_of_orders > 5', { is: 'within', ranges: [{ from: 5, fromOpen: true }] }],
    ['number_of_orders != 5', { is: 'within', ranges: [{ from: 5, to: 5 }] }, true],
    [
      'number_of_orders NOT BETWEEN 1 AND 2',
      { is: 'within', ranges: [{ from: 1, to: 2, toOpen: false }] },
      true,
    ],
    ['custom.shoe_size = 42.5', { is: 'within', ranges: [{ from: 42.5, to: 42.5 }] }],
    ['custom.since < today', { is: 'within', ranges: [{ to: '2026-11-22', toOpen: true }] }],
    ["company = 'ÄCME'", { is: 'among', keys: ['acme'] }],
    ["company != 'a'", { is: 'among', keys: ['a'] }, true],
    ["company IN ('A', 'a', 'B')", { is: 'among', keys: ['a', 'b'] }],
    ["company NOT IN ('A')", { is: 'among', keys: ['a'] }, true],
    ["company STARTS WITH 'ÁC'", { is: 'starts', text: 'ac' }],
    ["company CONTAINS 'GmbH'", { is: 'holds', text: 'gmbh' }],
    ["company NOT CONTAINS 'X'", { is: 'holds', text: 'x' }, true],
    ["sales_agent = 'Jane'", { is: 'among', keys: ['Jane'] }],
    ["language = 'DE-at'", { is: 'among', keys: ['de-at'] }],
    ["email_domain = 'Example.COM'", { is: 'among', keys: ['example.com'] }],
    ["phone_country IN ('de', 'AT')", { is: 'among', keys: ['DE', 'AT'] }],
    ["default_country = 'gb'", { is: 'among', keys: ['GB'] }],
    ["account_status = 'ACTIVE'", { is: 'among', keys: ['active'] }],
    ["custom.level != 'gold'", { is: 'among', keys: ['Gold'] }, true],
    ["custom.nick = 'Zoë'", { is: 'among', keys: ['Zoë'] }],
    ['has_account = true', { is: 'among', keys: [true] }],
    ['wholesale != false', { is: 'among', keys: [false] }, true],
  ];
  for (const [text, test, negated = false] of table) {
    const query = clauseOf(text);
    t.strictSame(
      bound(text, ENV),
      { is: 'value', attribute: catalogue.get(query.attribute), at: ENV.calendar.at, test, negated, query },
      text,
    );
  }
});

t.test('IS NULL asks for what is missing, of values and lists', async (t) => {
  for (const [text, negated] of [
    ['company IS NULL', false],
    ['company IS NOT NULL', true],
    ['customer_tags IS NULL', false],
    ['customer_tags IS NOT NULL', true],
    ['has_account IS NULL', false],
  ] as const) {
    const query = clauseOf(text);
    t.strictSame(bound(text, ENV), {
      is: 'missing',
      attribute: catalogue.get(query.attribute),
      at: ENV.calendar.at,
      negated,
      query,
    });
  }
});

t.test('a list is asked for any or every key, or for a beginning', async (t) => {
  const table: [text: string, test: ListTest, negated?: true][] = [
    ["customer_tags CONTAINS 'VIP'", { is: 'any', keys: ['vip'] }],
    ["customer_tags NOT CONTAINS 'VIP'", { is: 'any', keys: ['vip'] }, true],
    ["customer_tags CONTAINS ANY ('a', 'B', 'A')", { is: 'any', keys: ['a', 'b'] }],
    ["customer_tags CONTAINS ALL ('a', 'B')", { is: 'every', keys: ['a', 'b'] }],
    ["customer_tags CONTAINS NONE ('a', 'B')", { is: 'any', keys: ['a', 'b'] }, true],
    ["postcodes STARTS WITH '10 1'", { is: 'starts', text: '101' }],
    ["customer_cities CONTAINS 'Łódź'", { is: 'any', keys: ['lodz'] }],
    ["customer_countries CONTAINS 'de'", { is: 'any', keys: ['DE'] }],
    [
      "customer_regions CONTAINS ANY ('de-by', 'Île-de-France')",
      { is: 'any', keys: ['DE-BY', 'ile-de-france'] },
    ],
  ];
  for (const [text, test, negated = false] of table) {
    const query = clauseOf(text);
    t.strictSame(bound(text, ENV), {
      is: 'list',
      attribute: catalogue.get(query.attribute),
      test,
      negated,
      query,
    });
  }
});

t.test('a function tests rows one by one and what they are together', async (t) => {
  const text =
    "orders_placed MATCHES (date >= today, status != 'CANCELLED', coupon IN ('A', 'b'), amount NOT BETWEEN 1 AND 2, sum_amount > 10.00, count != 3)";
  t.strictSame(bound(text, ENV), {
    is: 'rows',
    attribute: catalogue.get('orders_placed'),
    currency: 'EUR',
    where: [
      {
        parameter: 'date',
        test: { is: 'within', ranges: [{ from: Date.parse('2026-11-21T23:00:00Z') }] },
        negated: false,
      },
      { parameter: 'status', test: { is: 'among', keys: ['cancelled'] }, negated: true },
      { parameter: 'coupon', test: { is: 'among', keys: ['a', 'b'] }, negated: false },
      {
        parameter: 'amount',
        test: { is: 'within', ranges: [{ from: 100, to: 200, toOpen: false }] },
        negated: true,
      },
    ],
    totals: [
      { aggregate: 'sum_amount', ranges: [{ from: 1_000, fromOpen: true }], negated: false },
      { aggregate: 'count', ranges: [{ from: 3, to: 3 }], negated: true },
    ],
    mayBeNone: true,
    negated: false,
    query: parsed(text),
  });
  for (const [short, mayBeNone, negated] of [
    ['products_purchased MATCHES ()', false, false],
    ['products_purchased NOT MATCHES ()', false, true],
    ['products_purchased MATCHES (sum_quantity > 5)', false, false],
    ['products_purchased NOT MATCHES (sum_amount < 5, count = 0)', true, true],
  ] as const) {
    t.match(bound(short, ENV), { is: 'rows', mayBeNone, negated }, short);
  }
});

t.test('AND, OR and NOT keep their order and their queries', async (t) => {
  const text = "age > 18 AND (wholesale = true OR NOT company = 'a')";
  const query = parsed(text);
  const both = bound(text, ENV);
  t.equal(both.query.op, 'and');
  t.strictSame(both.query, query);
  t.match(both, {
    is: 'all',
    of: [
      { is: 'value', attribute: { name: 'age' } },
      {
        is: 'any',
        of: [
          { is: 'value', attribute: { name: 'wholesale' } },
          { is: 'not', of: { is: 'value', negated: false }, query: { op: 'not' } },
        ],
      },
    ],
  });
});

t.test('calls: shares, groups without case, segments with all they refer to', async (t) => {
  const query = parsed("sample(12.5, 'spring')");
  t.strictSame(bound("sample(12.5, 'spring')", ENV), { is: 'sample', below: 2 ** 29, salt: 'spring', query });

  t.strictSame(bound("in_group('BUSINESS')", ENV), {
    is: 'list',
    attribute: catalogue.get('customer_groups'),
    test: { is: 'any', keys: ['business'] },
    negated: false,
    query: parsed("in_group('BUSINESS')"),
  });

  const segments = savedSegments({
    vip: 'amount_spent > 500',
    good: "in_segment('vip') OR NOT in_segment('vip')",
  });
  const good = bound("in_segment('good')", { ...ENV, segments });
  t.match(good, {
    is: 'segment',
    slug: 'good',
    of: {
      is: 'any',
      of: [
        { is: 'segment', slug: 'vip', of: { is: 'value', attribute: { name: 'amount_spent' } } },
        { is: 'not', of: { is: 'segment', slug: 'vip' } },
      ],
    },
    query: { op: 'in_segment' },
  });
});

async function expectFaults(
  t: Test,
  table: readonly (readonly [text: string, fault: ReturnType<typeof faults>[number], env?: BindEnv])[],
): Promise<void> {
  for (const [text, fault, env] of table) t.strictSame(faults(text, env), [fault], text);
}

t.test('UNKNOWN_ATTRIBUTE: at the name, with all names and the nearest', (t) =>
  expectFaults(t, [
    [
      'age > 18 AND nummer_of_orders > 5',
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'There is no attribute nummer_of_orders. Did you mean number_of_orders?',
        expected: NAMES,
        nearest: 'number_of_orders',
        at: 'nummer_of_orders',
      },
    ],
    [
      'zzz IS NULL',
      { code: 'UNKNOWN_ATTRIBUTE', message: 'There is no attribute zzz.', expected: NAMES, at: 'zzz' },
    ],
    [
      'order_placed MATCHES (date > today)',
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'There is no attribute order_placed. Did you mean orders_placed?',
        expected: NAMES,
        nearest: 'orders_placed',
        at: 'order_placed',
      },
    ],
  ]),
);

t.test('parameters of a function: every one that is wrong is told', async (t) => {
  const parameters = [
    'date',
    'amount',
    'status',
    'currency',
    'channel',
    'payment_method',
    'coupon',
    'count',
    'sum_amount',
  ];
  const comparisons = ['=', '!=', 'IN', 'NOT IN'];
  t.strictSame(
    faults(
      "orders_placed MATCHES (dat > today, zzzz = 1, constructor = 1, status < 'a', sum_amount > 1.005, count = 1)",
    ),
    [
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'orders_placed has no parameter dat. Did you mean date?',
        expected: parameters,
        nearest: 'date',
        at: 'dat',
      },
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'orders_placed has no parameter zzzz.',
        expected: parameters,
        at: 'zzzz',
      },
      {
        code: 'UNKNOWN_ATTRIBUTE',
        message: 'orders_placed has no parameter constructor.',
        expected: parameters,
        at: 'constructor',
      },
      {
        code: 'SEGMENT_TYPE',
        message: 'status cannot be compared by <; it takes =, !=, IN, NOT IN.',
        expected: comparisons,
        at: "status < 'a'",
      },
      {
        code: 'SEGMENT_TYPE',
        message: '1.005 does not fit sum_amount, which takes an amount in EUR with at most 2 decimals.',
        expected: ['an amount in EUR with at most 2 decimals'],
        at: '1.005',
      },
    ],
  );
  const [typed] = faults("products_purchased MATCHES (count = 'x')");
  t.equal(typed?.message, "'x' does not fit count, which takes a whole number such as 5.");
  const starts: Query = {
    op: 'matches',
    attribute: 'products_purchased',
    where: [{ op: 'contains', attribute: 'sku', values: [{ type: 'string', text: 'x' }] }],
  };
  const refused = bind(starts, ENV);
  t.match(refused, { problems: [{ code: 'SEGMENT_TYPE', expected: comparisons }] }, 'JSON says it, too');
  const aggregate: Query = {
    op: 'matches',
    attribute: 'products_purchased',
    where: [{ op: 'is_null', attribute: 'count', values: [] }],
  };
  t.match(bind(aggregate, ENV), {
    problems: [
      {
        message:
          'count cannot be compared by IS NULL; it takes =, !=, IN, NOT IN, <, <=, >, >=, BETWEEN, NOT BETWEEN.',
      },
    ],
  });
});

t.test('SEGMENT_TYPE: operators that an attribute does not take', (t) =>
  expectFaults(t, [
    [
      "company > 'a'",
      {
        code: 'SEGMENT_TYPE',
        message:
          'company cannot be compared by >; it takes =, !=, IN, NOT IN, STARTS WITH, CONTAINS, NOT CONTAINS, IS NULL, IS NOT NULL.',
        expected: textsOf('company'),
        at: "company > 'a'",
      },
    ],
    [
      'birthday < today',
      {
        code: 'SEGMENT_TYPE',
        message:
          'birthday cannot be compared by <; it takes =, !=, IN, NOT IN, BETWEEN, NOT BETWEEN, IS NULL, IS NOT NULL.',
        expected: textsOf('birthday'),
        at: 'birthday < today',
      },
    ],
    [
      'wholesale IN (true)',
      {
        code: 'SEGMENT_TYPE',
        message: 'wholesale cannot be compared by IN; it takes =, !=, IS NULL, IS NOT NULL.',
        expected: textsOf('wholesale'),
        at: 'wholesale IN (true)',
      },
    ],
    [
      "customer_tags STARTS WITH 'a'",
      {
        code: 'SEGMENT_TYPE',
        message:
          'customer_tags cannot be compared by STARTS WITH; it takes CONTAINS, NOT CONTAINS, CONTAINS ANY, CONTAINS ALL, CONTAINS NONE, IS NULL, IS NOT NULL.',
        expected: textsOf('customer_tags'),
        at: "customer_tags STARTS WITH 'a'",
      },
    ],
    [
      'orders_placed > 5',
      {
        code: 'SEGMENT_TYPE',
        message: 'orders_placed is a function: write orders_placed MATCHES ( … ).',
        expected: ['MATCHES', 'NOT MATCHES'],
        at: 'orders_placed > 5',
      },
    ],
    [
      'wholesale MATCHES ()',
      {
        code: 'SEGMENT_TYPE',
        message: 'wholesale is no function; it takes =, !=, IS NULL, IS NOT NULL.',
        expected: textsOf('wholesale'),
        at: 'wholesale MATCHES ()',
      },
    ],
  ]),
);

t.test('SEGMENT_TYPE: values that an attribute does not take, at the value', async (t) => {
  const date = 'a date such as 2026-01-31, -90d, +1m, today or yesterday';
  for (const [text, value, name, takes, env] of [
    ['age = 1.5', '1.5', 'age', 'a whole number of years such as 18'],
    ["number_of_orders IN (1, 'x')", "'x'", 'number_of_orders', 'a whole number such as 5'],
    ['days_since_last_order > today', 'today', 'days_since_last_order', 'a whole number of days such as 30'],
    ['amount_spent > 1.005', '1.005', 'amount_spent', 'an amount in EUR with at most 2 decimals'],
    [
      'amount_spent > 1.5',
      '1.5',
      'amount_spent',
      'an amount in JPY without decimals',
      { ...ENV, currency: 'JPY' },
    ],
    [
      'amount_spent > 1.0005',
      '1.0005',
      'amount_spent',
      'an amount in KWD with at most 3 decimals',
      { ...ENV, currency: 'KWD' },
    ],
    ['created_date BETWEEN 5 AND today', '5', 'created_date', date],
    ['last_order_date < 9999-12-31', '9999-12-31', 'last_order_date', date],
    ["birthday = 'x'", "'x'", 'birthday', date],
    ['custom.since = -999999y', '-999999y', 'custom.since', date],
    ["custom.shoe_size = '42'", "'42'", 'custom.shoe_size', 'a number such as 42 or 1.5'],
    ["has_account = 'true'", "'true'", 'has_account', 'true or false'],
    ['company = 5', '5', 'company', "text in single quotes, such as 'abc'"],
    ['account_status = true', 'true', 'account_status', 'one of its words in single quotes'],
    ["phone_country = 'XX'", "'XX'", 'phone_country', 'a country code (ISO 3166-1), such as DE'],
    ['customer_tags CONTAINS 5', '5', 'customer_tags', "text in single quotes, such as 'abc'"],
    [
      "customer_countries CONTAINS ANY ('DE', 'xx')",
      "'xx'",
      'customer_countries',
      'a country code (ISO 3166-1), such as DE',
    ],
    ["sample(101, 'a')", '101', 'sample', 'a share from 0 to 100 with at most 2 decimals'],
    ["sample(1.005, 'a')", '1.005', 'sample', 'a share from 0 to 100 with at most 2 decimals'],
  ] as const) {
    const fault = {
      code: 'SEGMENT_TYPE' as const,
      message: `${value} does not fit ${name}, which takes ${takes}.`,
      expected: [takes],
      at: value,
    };
    t.strictSame(faults(text, env), [fault], text);
  }
  const company = catalogue.get('company') as ValueAttribute;
  const strict = new Map(catalogue).set('company', { ...company, key: () => undefined });
  t.match(faults("company = 'a'", { ...ENV, catalogue: strict }), [
    { message: "'a' does not fit company, which takes other text.", expected: ['other text'] },
  ]);
});

t.test('UNKNOWN_VALUE: at the word, with all words and the nearest', (t) =>
  expectFaults(t, [
    [
      "source IN ('API', 'newsleter')",
      {
        code: 'UNKNOWN_VALUE',
        message:
          "source is never 'newsleter'; it is one of first_order, registration, newsletter, manual, import, api.",
        expected: ['first_order', 'registration', 'newsletter', 'manual', 'import', 'api'],
        nearest: 'newsletter',
        at: "'newsleter'",
      },
    ],
    [
      "custom.level = 'platinum'",
      {
        code: 'UNKNOWN_VALUE',
        message: "custom.level is never 'platinum'; it is one of Gold, silver.",
        expected: ['Gold', 'silver'],
        at: "'platinum'",
      },
    ],
  ]),
);

t.test('UNKNOWN_GROUP and UNKNOWN_SEGMENT: with what there is and the nearest', (t) => {
  const env = { ...ENV, segments: savedSegments({ vip: 'age > 5', buyers: 'age > 6' }) };
  return expectFaults(t, [
    [
      "in_group('Busines')",
      {
        code: 'UNKNOWN_GROUP',
        message: "There is no group 'Busines'. Did you mean 'Business'?",
        expected: ['Standard', 'Business'],
        nearest: 'Business',
        at: "'Busines'",
      },
      env,
    ],
    [
      "in_group('nothing')",
      {
        code: 'UNKNOWN_GROUP',
        message: "There is no group 'nothing'.",
        expected: ['Standard', 'Business'],
        at: "'nothing'",
      },
      env,
    ],
    [
      "in_segment('buyer')",
      {
        code: 'UNKNOWN_SEGMENT',
        message: 'There is no segment buyer. Did you mean buyers?',
        expected: ['vip', 'buyers'],
        nearest: 'buyers',
        at: "'buyer'",
      },
      env,
    ],
    [
      "in_segment('nothing')",
      {
        code: 'UNKNOWN_SEGMENT',
        message: 'There is no segment nothing.',
        expected: ['vip', 'buyers'],
        at: "'nothing'",
      },
      env,
    ],
  ]);
});

t.test('all faults come at once, in the order of the text', async (t) => {
  const text = "zzz = 1 AND (age > 'x' OR NOT source = 'y') AND in_group('z') AND age > 5";
  t.strictSame(
    faults(text).map(({ code, at }) => [code, at]),
    [
      ['UNKNOWN_ATTRIBUTE', 'zzz'],
      ['SEGMENT_TYPE', "'x'"],
      ['UNKNOWN_VALUE', "'y'"],
      ['UNKNOWN_GROUP', "'z'"],
    ],
  );
  t.equal(faults('NOT zzz = 1').length, 1);
});

t.test('without places a fault has none', async (t) => {
  const refused = bind(parsed("age > 'x'"), ENV);
  t.strictSame(refused, {
    refused: 'SEGMENT_TYPE',
    problems: [
      {
        code: 'SEGMENT_TYPE',
        message: "'x' does not fit age, which takes a whole number of years such as 18.",
        expected: ['a whole number of years such as 18'],
      },
    ],
  });
});

t.test('a fault inside a segment is told where that segment is named, and by its name', async (t) => {
  const segments = savedSegments({
    broken: "nummer_of_orders > 5 AND source = 'x'",
    outer: "age > 18 AND in_segment('broken')",
    fine: 'age > 18',
  });
  const env = { ...ENV, segments };
  const inside = (message: string, code: QueryProblem['code'], at: string) => ({
    code,
    message,
    expected: [],
    at,
  });
  const messages = [
    'There is no attribute nummer_of_orders. Did you mean number_of_orders?',
    "source is never 'x'; it is one of first_order, registration, newsletter, manual, import, api.",
  ] as const;
  for (const slug of ['broken', 'outer']) {
    const at = `in_segment('${slug}')`;
    t.strictSame(faults(`zz = 1 OR ${at} OR in_segment('fine')`, env).slice(1), [
      inside(`In segment broken: ${messages[0]}`, 'UNKNOWN_ATTRIBUTE', at),
      inside(`In segment broken: ${messages[1]}`, 'UNKNOWN_VALUE', at),
    ]);
  }
  t.equal(
    faults(`zz = 1 OR in_segment('fine')`, env).length,
    1,
    'a fault before it is no fault of the segment',
  );
  t.match(bind(parsed("in_segment('broken')"), env), {
    problems: [{ place: undefined }, { place: undefined }],
  });
});

t.test('SEGMENT_CYCLE: a segment that contains itself, over any number of others', async (t) => {
  const segments = savedSegments({
    self: "NOT in_segment('self')",
    one: "in_segment('two')",
    two: "age > 5 OR in_segment('three')",
    three: "in_segment('one')",
  });
  const env = { ...ENV, segments };
  for (const [slug, rounds] of [
    ['self', 'In segment self: A segment cannot contain itself: self → self.'],
    ['one', 'In segment three: A segment cannot contain itself: one → two → three → one.'],
    ['two', 'In segment one: A segment cannot contain itself: two → three → one → two.'],
  ] as const) {
    t.strictSame(faults(`age > 5 AND in_segment('${slug}')`, env), [
      { code: 'SEGMENT_CYCLE', message: rounds, expected: [], at: `in_segment('${slug}')` },
    ]);
  }
  const twice = { ...ENV, segments: savedSegments({ leaf: 'age > 5', tree: "in_segment('leaf')" }) };
  t.strictSame(
    faults("in_segment('leaf') AND in_segment('leaf') AND in_segment('tree')", twice),
    [],
    'twice is no round',
  );
});

t.test('SEGMENT_TOO_LARGE: all segments together have at most 2,000 nodes', async (t) => {
  const literal: Literal = { type: 'number', text: '5' };
  const leaf: Query = { op: '>', attribute: 'age', values: [literal] };
  const large = (nodes: number): Query => ({ op: 'or', of: Array.from({ length: nodes - 1 }, () => leaf) });
  const env = (nodes: number): BindEnv => ({
    ...ENV,
    segments: new Map<string, Query>([
      ['thousand', large(1_000)],
      ['rest', large(nodes - 1_000)],
    ]),
  });
  const text = "in_segment('thousand') AND in_segment('rest')";
  t.strictSame(faults(text, env(2_000)), []);
  t.strictSame(faults(text, env(2_001)), [
    {
      code: 'SEGMENT_TOO_LARGE',
      message: 'With the segments it refers to, the query has more than 2000 clauses.',
      expected: [],
      at: "in_segment('rest')",
    },
  ]);
});

t.test('a call without its values is refused, not guessed', async (t) => {
  const message = (query: Query) => {
    const result = bind(query, ENV);
    return isRefusal(result) ? result.problems[0]?.message : undefined;
  };
  const share = 'which takes a share from 0 to 100 with at most 2 decimals.';
  t.equal(message({ op: 'sample', values: [] }), ` does not fit sample, ${share}`);
  t.equal(
    message({ op: 'sample', values: [{ type: 'number', text: '5' }] }),
    `5 does not fit sample, ${share}`,
  );
  t.equal(message({ op: 'in_segment', values: [] }), 'There is no segment .');
  t.equal(message({ op: 'in_group', values: [] }), "There is no group ''.");
});

t.test('only faults of the query are answered; anything else is thrown', async (t) => {
  const thrower = new Map(catalogue);
  thrower.get = () => {
    throw new RangeError('broken');
  };
  for (const text of ['age > 5', 'orders_placed MATCHES ()'])
    t.throws(() => bind(parsed(text), { ...ENV, catalogue: thrower }), RangeError);
  const company = catalogue.get('orders_placed');
  const rows = new Map(catalogue).set('orders_placed', {
    ...(company as object),
    get parameters(): never {
      throw new RangeError('broken');
    },
  } as never);
  t.throws(() => bind(parsed('orders_placed MATCHES (count = 1)'), { ...ENV, catalogue: rows }), RangeError);
});
