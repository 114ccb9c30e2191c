import t, { type Test } from 'tap';
import { LIMITS, type Query } from '../../../src/domain/segments/ast.ts';
import { parseQuery } from '../../../src/domain/segments/parse.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import { isRefusal, type QueryProblem } from '../../../src/domain/segments/problems.ts';

function parsed(text: string): Query {
  const read = parseQuery(text);
  if (isRefusal(read)) throw new Error(`${text}\n${JSON.stringify(read.problems)}`);
  return read.query;
}

function refused(text: string): QueryProblem | undefined {
  const read = parseQuery(text);
  return isRefusal(read) ? read.problems[0] : undefined;
}

/** Reads each text on the left and writes it as the text on the right. */
function canonical(t: Test, table: readonly (readonly [text: string, canonical: string])[]): void {
  for (const [text, expected] of table) {
    t.equal(printQuery(parsed(text)), expected, text);
    t.equal(printQuery(parsed(expected)), expected, 'stays as it is');
  }
}

t.test('the examples of the specification are canonical text, but for a comment', async (t) => {
  const examples = [
    "customer_tags CONTAINS 'friend' AND number_of_orders > 5",
    "customer_tags CONTAINS ALL ('family', 'friend')",
    "customer_tags CONTAINS 'wholesale' AND orders_placed MATCHES (date >= -1m, sum_amount > 1000.00)",
    "products_purchased MATCHES (category = 'shoes', date >= -6m) AND customer_countries CONTAINS ANY ('DE', 'AT')",
    'products_purchased NOT MATCHES ()',
    'birthday BETWEEN today AND +7d',
    "customer_cities CONTAINS 'Lyon' AND email_consent = 'subscribed'",
  ];
  canonical(
    t,
    examples.map((text) => [text, text]),
  );
  canonical(t, [
    [
      'amount_spent >= 500 AND last_order_date < -90d                       -- valuable and at risk',
      'amount_spent >= 500 AND last_order_date < -90d',
    ],
  ]);
});

t.test('the tree says what the text says', async (t) => {
  t.strictSame(parsed("a = 1 AND NOT (b IN ('x', 'it''s') OR c IS NULL) AND in_group('G')"), {
    op: 'and',
    of: [
      { op: '=', attribute: 'a', values: [{ type: 'number', text: '1' }] },
      {
        op: 'not',
        of: [
          {
            op: 'or',
            of: [
              {
                op: 'in',
                attribute: 'b',
                values: [
                  { type: 'string', text: 'x' },
                  { type: 'string', text: "it's" },
                ],
              },
              { op: 'is_null', attribute: 'c', values: [] },
            ],
          },
        ],
      },
      { op: 'in_group', values: [{ type: 'string', text: 'G' }] },
    ],
  });
  t.strictSame(parsed('f NOT MATCHES (date NOT BETWEEN -1m AND today)'), {
    op: 'not_matches',
    attribute: 'f',
    where: [
      {
        op: 'not_between',
        attribute: 'date',
        values: [
          { type: 'offset', text: '-1m' },
          { type: 'day', text: 'today' },
        ],
      },
    ],
  });
});

t.test('AND binds tighter than OR, both are flat, and only needed parentheses are printed', async (t) => {
  canonical(t, [
    ['a = 1 OR b = 1 AND c = 1', 'a = 1 OR b = 1 AND c = 1'],
    ['(a = 1 OR b = 1) AND c = 1', '(a = 1 OR b = 1) AND c = 1'],
    ['((a = 1) OR ((b = 1 AND c = 1)))', 'a = 1 OR b = 1 AND c = 1'],
    ['a = 1 AND (b = 1 AND (c = 1 AND d = 1))', 'a = 1 AND b = 1 AND c = 1 AND d = 1'],
    ['(a = 1 OR b = 1) OR c = 1', 'a = 1 OR b = 1 OR c = 1'],
    ['NOT (a = 1)', 'NOT a = 1'],
    ['NOT(a = 1 AND b = 1)', 'NOT (a = 1 AND b = 1)'],
    ['not (not(a=1))', 'NOT (NOT a = 1)'],
    ['NOT a = 1 AND b = 1', 'NOT a = 1 AND b = 1'],
    ['NOT a NOT IN (1)', 'NOT a NOT IN (1)'],
  ]);
});

t.test('keywords and calls are read without regard to case, names are kept as they are', async (t) => {
  canonical(t, [
    ['a Between 1 aNd 2 or B not between 1 and 2', 'a BETWEEN 1 AND 2 OR B NOT BETWEEN 1 AND 2'],
    ["a starts\n\twith 'x'", "a STARTS WITH 'x'"],
    ["a not contains 'x' and a contains none('x')", "a NOT CONTAINS 'x' AND a CONTAINS NONE ('x')"],
    ["a contains any('x') and a contains all('y')", "a CONTAINS ANY ('x') AND a CONTAINS ALL ('y')"],
    ['a is null or a Is Not Null', 'a IS NULL OR a IS NOT NULL'],
    [
      "IN_SEGMENT ( 'x' ) OR In_Group('y') OR SAMPLE(010,'z')",
      "in_segment('x') OR in_group('y') OR sample(10, 'z')",
    ],
    ['custom.shoe_size=1 AND größe=2 AND Name=3', 'custom.shoe_size = 1 AND größe = 2 AND Name = 3'],
  ]);
});

t.test('values have one canonical spelling', async (t) => {
  canonical(
    t,
    [
      ['007', '7'],
      ['000', '0'],
      ['-0', '0'],
      ['-0.00', '0.00'],
      ['-00.50', '-0.50'],
      ['1000.00', '1000.00'],
      ['-5', '-5'],
      ['99999999999999999999.999', '99999999999999999999.999'],
      ['TRUE', 'true'],
      ['False', 'false'],
      ['Today', 'today'],
      ['YESTERDAY', 'yesterday'],
      ['2024-02-29', '2024-02-29'],
      ['1000-01-01', '1000-01-01'],
      ['9999-12-31', '9999-12-31'],
      ['2026-01-31t10:00', '2026-01-31T10:00'],
      ['2026-01-31T10:00:59z', '2026-01-31T10:00:59Z'],
      ['2026-01-31T23:59:00.1+05:30', '2026-01-31T23:59:00.1+05:30'],
      ['2026-01-31T00:00-03:00', '2026-01-31T00:00-03:00'],
      ['+7D', '+7d'],
      ['-090W', '-90w'],
      ['+0d', '+0d'],
      ['-0h', '+0h'],
      ['-999999y', '-999999y'],
      ["''", "''"],
      ["''''", "''''"],
      ["'a -- b ''AND'' (\n\t“”'", "'a -- b ''AND'' (\n\t“”'"],
    ].map(([text, expected]) => [`a = ${text}`, `a = ${expected}`]),
  );
});

t.test('comments end with their line, and begin anywhere but in text', async (t) => {
  canonical(t, [
    ['-- first\na = 5-- five\r\nAND b = -5 -- the end', 'a = 5 AND b = -5'],
    ["a = '--'", "a = '--'"],
    ['a--b\n= 1', 'a = 1'],
  ]);
});

t.test('limits: what fits is read, one more is SEGMENT_TOO_LARGE at the place', async (t) => {
  const place = (text: string) => {
    const problem = refused(text);
    return problem && [problem.code, problem.place, problem.expected];
  };
  const text = (bytes: number) => `a = '${'ä'.repeat((bytes - 6) / 2)}'`;
  t.equal(Buffer.byteLength(text(LIMITS.bytes)), LIMITS.bytes);
  t.equal(place(text(LIMITS.bytes)), undefined);
  t.strictSame(place(text(LIMITS.bytes + 2)), [
    'SEGMENT_TOO_LARGE',
    { offset: 4_098, length: 2 },
    ['at most 8,192 bytes'],
  ]);
  t.equal(place(`a = 1${' '.repeat(LIMITS.bytes - 5)}`), undefined);
  t.strictSame(place(`a = 1${' '.repeat(LIMITS.bytes - 4)}`)?.[1], { offset: 8_192, length: 1 });

  const dense = (count: number) => `a in(${'1,'.repeat(count - 1)}1)`;
  t.equal(place(dense(LIMITS.values)), undefined);
  t.strictSame(place(dense(LIMITS.values + 1)), [
    'SEGMENT_TOO_LARGE',
    { offset: 2_005, length: 1 },
    ['at most 1,000 values'],
  ]);

  const clauses = (count: number) => Array.from({ length: count }, () => 'a=1').join(' or ');
  t.equal(place(clauses(LIMITS.nodes - 1)), undefined, 'OR is one node, too');
  t.strictSame(place(clauses(LIMITS.nodes)), [
    'SEGMENT_TOO_LARGE',
    { offset: 199 * 7, length: 3 },
    ['at most 200 nodes'],
  ]);

  const nested = (depth: number) => `${'NOT ('.repeat(depth - 2)}NOT a = 1${')'.repeat(depth - 2)}`;
  t.equal(place(nested(LIMITS.depth)), undefined);
  t.strictSame(place(nested(LIMITS.depth + 1)), [
    'SEGMENT_TOO_LARGE',
    { offset: 11 * 5 + 4, length: 5 },
    ['at most 12 levels'],
  ]);
  const inParentheses = (depth: number) => `${'('.repeat(depth)}a = 1${')'.repeat(depth)}`;
  t.equal(place(inParentheses(LIMITS.depth)), undefined);
  t.strictSame(place(inParentheses(LIMITS.depth + 1)), [
    'SEGMENT_TOO_LARGE',
    { offset: 12, length: 1 },
    ['at most 12 levels'],
  ]);
});

t.test('what is read can be read again: canonical text is held to the limit, too', async (t) => {
  const dense = `a in(${Array.from({ length: 990 }, (_, index) => `${1_000_000 + index}`).join(',')})`;
  t.ok(Buffer.byteLength(dense) < LIMITS.bytes);
  t.strictSame(refused(dense), {
    code: 'SEGMENT_TOO_LARGE',
    message: 'A query in canonical text has at most 8,192 bytes.',
    expected: ['at most 8,192 bytes'],
    place: { offset: 0, length: dense.length },
  });
});

t.test('the longest and the most tedious texts are answered at once', async (t) => {
  const tedious = [
    '('.repeat(8_000),
    'NOT '.repeat(2_000),
    "'".repeat(8_001),
    `a = ${'0'.repeat(8_000)}x`,
    `a = ${'1-'.repeat(4_000)}`,
    `a = +${'1'.repeat(8_000)}`,
    `${'a-'.repeat(4_000)}`,
    `a ${'b'.repeat(8_000)}`,
    '-'.repeat(8_000),
    `a = "${'x'.repeat(8_000)}`,
    '('.repeat(2_000_000),
  ];
  const before = process.cpuUsage().user;
  for (const text of tedious) t.ok(refused(text), text.slice(0, 20));
  t.ok(process.cpuUsage().user - before < 1_000_000, 'a second for all of them is a hundred times too long');
});
