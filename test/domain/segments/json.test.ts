import t from 'tap';
import { LIMITS, type Query } from '../../../src/domain/segments/ast.ts';
import { fromJson, type QueryJson, toJson } from '../../../src/domain/segments/json.ts';
import { parseQuery } from '../../../src/domain/segments/parse.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import { isRefusal, type QueryProblem } from '../../../src/domain/segments/problems.ts';
import { CATALOGUE } from '../../support/segment-queries.ts';

function parsed(text: string): Query {
  const read = parseQuery(text);
  if (isRefusal(read)) throw new Error(JSON.stringify(read.problems));
  return read.query;
}

function read(json: unknown) {
  const found = fromJson(json, CATALOGUE);
  if (isRefusal(found)) throw new Error(JSON.stringify(found.problems));
  return found;
}

function refused(json: unknown): QueryProblem | undefined {
  const found = fromJson(json, CATALOGUE);
  return isRefusal(found) ? found.problems[0] : undefined;
}

t.test('the JSON form mirrors the tree', async (t) => {
  const text =
    "customer_tags CONTAINS ANY ('a', 'b') AND NOT (age BETWEEN 18 AND 30 OR birthday IS NULL) AND " +
    "orders_placed NOT MATCHES (date >= -1m, sum_amount > 1000.00) AND in_group('G') AND sample(12.50, 's') AND wholesale = true";
  const json: QueryJson = {
    op: 'and',
    of: [
      { op: 'contains_any', attribute: 'customer_tags', values: ['a', 'b'] },
      {
        op: 'not',
        of: [
          {
            op: 'or',
            of: [
              { op: 'between', attribute: 'age', values: [18, 30] },
              { op: 'is_null', attribute: 'birthday' },
            ],
          },
        ],
      },
      {
        op: 'not_matches',
        attribute: 'orders_placed',
        where: [
          { op: '>=', attribute: 'date', values: ['-1m'] },
          { op: '>', attribute: 'sum_amount', values: ['1000.00'] },
        ],
      },
      { op: 'in_group', values: ['G'] },
      { op: 'sample', values: ['12.50', 's'] },
      { op: '=', attribute: 'wholesale', values: [true] },
    ],
  };
  t.strictSame(toJson(parsed(text)), json);
  t.equal(printQuery(read(json).query), text);
});

t.test('numbers are JSON numbers where JSON keeps them as they are written, else text', async (t) => {
  const cases: [string, string | number][] = [
    ['5', 5],
    ['-5', -5],
    ['0', 0],
    ['10.5', 10.5],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', '9007199254740992'],
    ['1000.00', '1000.00'],
    ['0.00', '0.00'],
    ['0.0000001', '0.0000001'],
    ['0.1000000000000000055', '0.1000000000000000055'],
    ['100000000000000000000000', '100000000000000000000000'],
  ];
  for (const [number, json] of cases) {
    const written = toJson(parsed(`number_of_orders = ${number}`));
    t.strictSame(written.values, [json], number);
    t.equal(printQuery(read(written).query), `number_of_orders = ${number}`);
  }
});

t.test(
  'strings become what the attribute, the parameter or the call asks for, in canonical spelling',
  async (t) => {
    const clause = (attribute: string, value: unknown) => ({ op: '=', attribute, values: [value] });
    const inside = (attribute: string, value: unknown) => ({
      op: 'matches',
      attribute: 'orders_placed',
      where: [clause(attribute, value)],
    });
    const cases: [unknown, string][] = [
      [clause('created_date', '2026-01-31'), 'created_date = 2026-01-31'],
      [clause('created_date', 'TODAY'), 'created_date = today'],
      [clause('registered_date', '2026-01-31t10:00z'), 'registered_date = 2026-01-31T10:00Z'],
      [clause('birthday', '-07D'), 'birthday = -7d'],
      [clause('custom.anniversary', 'yesterday'), 'custom.anniversary = yesterday'],
      [clause('created_date', '2026-02-30'), "created_date = '2026-02-30'"],
      [clause('created_date', '5'), "created_date = '5'"],
      [clause('amount_spent', '0500.00'), 'amount_spent = 500.00'],
      [clause('age', '18'), 'age = 18'],
      [clause('days_since_last_order', 'many'), "days_since_last_order = 'many'"],
      [clause('custom.shoe_size', '41.5'), 'custom.shoe_size = 41.5'],
      [clause('custom.nickname', '41.5'), "custom.nickname = '41.5'"],
      [clause('company', 'today'), "company = 'today'"],
      [clause('company', 5), 'company = 5'],
      [clause('wholesale', 'true'), "wholesale = 'true'"],
      [clause('no_such_thing', '-90d'), "no_such_thing = '-90d'"],
      [clause('orders_placed', '5'), "orders_placed = '5'"],
      [clause('customer_tags', '5'), "customer_tags = '5'"],
      [inside('date', '-1m'), 'orders_placed MATCHES (date = -1m)'],
      [inside('sum_amount', '10.00'), 'orders_placed MATCHES (sum_amount = 10.00)'],
      [inside('coupon', '10'), "orders_placed MATCHES (coupon = '10')"],
      [inside('constructor', '10'), "orders_placed MATCHES (constructor = '10')"],
      [{ op: 'sample', values: ['10', '10'] }, "sample(10, '10')"],
      [{ op: 'in_segment', values: ['10'] }, "in_segment('10')"],
      [{ op: 'is_null', attribute: 'age', values: [] }, 'age IS NULL'],
    ];
    for (const [json, text] of cases) t.equal(printQuery(read(json).query), text);
  },
);

t.test('an AND in an AND is taken apart, one of a single node is that node', async (t) => {
  const leaf = (attribute: string): QueryJson => ({ op: '=', attribute, values: [1] });
  const nested = {
    op: 'and',
    of: [leaf('a'), { op: 'and', of: [leaf('b'), { op: 'or', of: [leaf('c')] }] }],
  };
  t.strictSame(read(nested).query, parsed('a = 1 AND b = 1 AND c = 1'));
  t.strictSame(read({ op: 'or', of: [leaf('a')] }).query, parsed('a = 1'));
});

t.test('every node, value and name has its JSON Pointer', async (t) => {
  const json = toJson(parsed("NOT age > 5 OR orders_placed MATCHES (date IN (today)) OR in_group('G')"));
  const { query, places } = read(json);
  const pointers = (found: Map<object, unknown>) =>
    [...found.values()].map((place) => (place as { pointer: string }).pointer).sort();
  t.strictSame(pointers(places.of), [
    '',
    '/of/0',
    '/of/0/of/0',
    '/of/0/of/0/values/0',
    '/of/1',
    '/of/1/where/0',
    '/of/1/where/0/values/0',
    '/of/2',
    '/of/2/values/0',
  ]);
  t.strictSame(pointers(places.names), [
    '/of/0/of/0/attribute',
    '/of/1/attribute',
    '/of/1/where/0/attribute',
    '/of/2/op',
  ]);
  t.strictSame(places.of.get(query), { pointer: '' });
});

t.test('what is wrong is told with its pointer, what would be right and the nearest name', async (t) => {
  const clause = { op: '=', attribute: 'age', values: [5] };
  const inside = (parameter: unknown) => ({ op: 'matches', attribute: 'orders_placed', where: [parameter] });
  const cases: [json: unknown, pointer: string, message: string, nearest?: string][] = [
    [null, '', 'A node of a query is an object with the member op.'],
    ['age > 5', '', 'A node of a query is an object with the member op.'],
    [[], '', 'A node of a query is an object with the member op.'],
    [{}, '', 'The member op is missing.'],
    [Object.create({ op: 'and' }), '', 'The member op is missing.'],
    [{ op: 5 }, '/op', 'The member op is text.'],
    [{ op: 'AND', of: [clause] }, '/op', 'AND is no op here. Did you mean and?', 'and'],
    [
      { op: 'contain', attribute: 'a', values: [] },
      '/op',
      'contain is no op here. Did you mean contains?',
      'contains',
    ],
    [{ op: 'toString' }, '/op', 'toString is no op here.'],
    [{ op: 'and' }, '', 'A node and needs the member of.'],
    [{ op: 'and', of: {} }, '/of', 'and takes one node or more, in a list.'],
    [{ op: 'or', of: [] }, '/of', 'or takes one node or more.'],
    [{ op: 'not', of: [clause, clause] }, '/of', 'not takes one node.'],
    [{ op: 'and', of: [clause, 7] }, '/of/1', 'A node of a query is an object with the member op.'],
    [{ ...clause, value: 5 }, '/value', 'A node = has no member value.', 'values'],
    [{ ...clause, of: [] }, '/of', 'A node = has no member of.'],
    [JSON.parse('{"op":"and","of":[],"__proto__":1}'), '/__proto__', 'A node and has no member __proto__.'],
    [{ ...clause, 'a/b~': 5 }, '/a~1b~0', 'A node = has no member a/b~.'],
    [{ op: '=', values: [5] }, '', 'A node = needs the member attribute.'],
    [{ op: '=', attribute: 'age' }, '', 'A node = needs the member values.'],
    [{ op: 'matches', attribute: 'orders_placed' }, '', 'A node matches needs the member where.'],
    [{ op: '=', attribute: 'age', values: 5 }, '/values', '= takes one value, in a list.'],
    [{ op: '=', attribute: 'age', values: [] }, '/values', '= takes one value.'],
    [{ op: '=', attribute: 'age', values: [1, 2] }, '/values', '= takes one value.'],
    [{ op: 'between', attribute: 'age', values: [1] }, '/values', 'BETWEEN takes two values.'],
    [{ op: 'in', attribute: 'age', values: [] }, '/values', 'IN takes one value or more.'],
    [{ op: 'is_null', attribute: 'age', values: [1] }, '/values', 'IS NULL takes no value.'],
    [{ op: 'is_null', attribute: 'age', values: null }, '/values', 'IS NULL takes no value, in a list.'],
    [
      { ...clause, attribute: 5 },
      '/attribute',
      'The name of an attribute is a word: letters, digits and _, no keyword.',
    ],
    [
      { ...clause, attribute: 'number of orders' },
      '/attribute',
      'The name of an attribute is a word: letters, digits and _, no keyword.',
      'number_of_orders',
    ],
    [
      { ...clause, attribute: 'and' },
      '/attribute',
      'The name of an attribute is a word: letters, digits and _, no keyword.',
    ],
    [
      { ...clause, attribute: 'today' },
      '/attribute',
      'The name of an attribute is a word: letters, digits and _, no keyword.',
    ],
    [{ ...clause, values: [null] }, '/values/0', 'A value is text, a number, true or false.'],
    [{ ...clause, values: [{}] }, '/values/0', 'A value is text, a number, true or false.'],
    [{ ...clause, values: ['\0'] }, '/values/0', 'Text has no NUL and no half of a surrogate pair in it.'],
    [
      { ...clause, values: ['\ud800'] },
      '/values/0',
      'Text has no NUL and no half of a surrogate pair in it.',
    ],
    [{ ...clause, values: [1e21] }, '/values/0', 'JSON does not keep this number; write it as text.'],
    [{ ...clause, values: [2 ** 53] }, '/values/0', 'JSON does not keep this number; write it as text.'],
    [{ ...clause, values: [Number.NaN] }, '/values/0', 'JSON does not keep this number; write it as text.'],
    [{ ...clause, values: [1e-7] }, '/values/0', 'JSON does not keep this number; write it as text.'],
    [inside(clause.values), '/where/0', 'A node of a query is an object with the member op.'],
    [inside({ op: 'and', of: [clause] }), '/where/0/op', 'and is no op here.'],
    [inside({ ...clause, op: 'contains' }), '/where/0/op', 'contains is no op here.'],
    [inside({ ...clause, op: 'is_null' }), '/where/0/op', 'is_null is no op here.'],
    [
      { op: 'matches', attribute: 'orders_placed', where: {} },
      '/where',
      'MATCHES takes parameters, in a list.',
    ],
    [{ op: 'in_group', values: [] }, '/values', "in_group takes text, as in in_group('Business')."],
    [{ op: 'in_group', values: [5] }, '/values/0', "in_group takes text, as in in_group('Business')."],
    [
      { op: 'sample', values: [10] },
      '/values',
      "sample takes a number and text, as in sample(10, 'spring').",
    ],
    [
      { op: 'sample', values: ['x', 'y'] },
      '/values/0',
      "sample takes a number and text, as in sample(10, 'spring').",
    ],
    [
      { op: 'in_group', attribute: 'x', values: ['y'] },
      '/attribute',
      'A node in_group has no member attribute.',
    ],
  ];
  for (const [json, pointer, message, nearest] of cases) {
    const problem = refused(json);
    t.match(problem, { code: 'SEGMENT_SYNTAX', message, place: { pointer } }, message);
    t.equal(problem?.nearest, nearest);
    t.equal(refused({ op: 'not', of: [{ op: 'or', of: [clause, json] }] })?.place !== undefined, true);
  }
});

t.test('the limits are those of the text', async (t) => {
  const leaf: QueryJson = { op: '=', attribute: 'age', values: [1] };
  const many = (count: number) => ({ op: 'or', of: Array.from({ length: count }, () => leaf) });
  t.equal(refused(many(LIMITS.nodes - 1)), undefined);
  t.match(refused(many(LIMITS.nodes)), { code: 'SEGMENT_TOO_LARGE', place: { pointer: '/of/199' } });

  const list = (count: number) => ({
    op: 'in',
    attribute: 'age',
    values: Array.from({ length: count }, () => 1),
  });
  t.equal(refused(list(LIMITS.values)), undefined);
  t.match(refused(list(LIMITS.values + 1)), {
    code: 'SEGMENT_TOO_LARGE',
    place: { pointer: '/values/1000' },
  });

  const deep = (depth: number): QueryJson => (depth === 1 ? leaf : { op: 'not', of: [deep(depth - 1)] });
  t.equal(refused(deep(LIMITS.depth)), undefined);
  t.match(refused(deep(LIMITS.depth + 1)), {
    code: 'SEGMENT_TOO_LARGE',
    place: { pointer: '/of/0'.repeat(LIMITS.depth) },
  });
  t.match(refused(deep(5_000)), { code: 'SEGMENT_TOO_LARGE' });

  const long = (length: number) => ({ op: '=', attribute: 'a', values: ['x'.repeat(length)] });
  t.equal(refused(long(LIMITS.bytes - 6)), undefined);
  t.match(refused(long(LIMITS.bytes - 5)), { code: 'SEGMENT_TOO_LARGE', place: { pointer: '' } });
});
