import t from 'tap';
import {
  DESCRIBED_ARITIES,
  describeAttributes,
  describeCalls,
  describeTypes,
  OFFSET_UNITS,
  SCALAR_TYPES,
  SUGGESTIONS,
} from '../../../src/domain/segments/attributes.ts';
import { catalogueOf } from '../../../src/domain/segments/fields.ts';
import { bindEnv, bound, savedSegments } from '../../support/segment-binding.ts';
import { CUSTOM_FIELDS } from '../../support/segment-pools.ts';

const catalogue = catalogueOf(CUSTOM_FIELDS);
const described = describeAttributes(catalogue);
const one = (name: string) => described.find((attribute) => attribute.name === name);
const ops = (operators: readonly { op: string }[] = []) => operators.map(({ op }) => op).join(' ');

t.test('every attribute is described, in the order of the registry', async (t) => {
  t.strictSame(
    described.map(({ name }) => name),
    [...catalogue.keys()],
  );
  for (const { name, label, description, area, kind, example, since } of described)
    t.match(catalogue.get(name), { label, description, area, kind, example, since });
});

t.test('a value has its type, words and what it takes', async (t) => {
  t.strictSame(one('source'), {
    name: 'source',
    label: 'Source',
    description: 'Where the customer came from.',
    area: 'Profile',
    kind: 'value',
    operators: [
      { op: '=', text: '=', arity: 'one' },
      { op: '!=', text: '!=', arity: 'one' },
      { op: 'in', text: 'IN', arity: 'some' },
      { op: 'not_in', text: 'NOT IN', arity: 'some' },
      { op: 'is_null', text: 'IS NULL', arity: 'none' },
      { op: 'is_not_null', text: 'IS NOT NULL', arity: 'none' },
    ],
    example: "source IN ('newsletter', 'registration')",
    since: '0.1.0',
    type: 'word',
    values: ['first_order', 'registration', 'newsletter', 'manual', 'import', 'api'],
  });
  t.match(one('phone_country'), { type: 'text', takes: 'a country code (ISO 3166-1), such as DE' });
  t.notOk('values' in (one('company') ?? {}));
  t.notOk('takes' in (one('company') ?? {}));
  t.notOk('suggest' in (one('company') ?? {}));
});

t.test('a list is text; names and agents can be looked up', async (t) => {
  t.match(one('customer_tags'), { type: 'text', suggest: '/v1/tags' });
  t.match(one('customer_groups'), { type: 'text', suggest: '/v1/groups' });
  t.match(one('sales_agent'), { suggest: '/v1/agents' });
  t.match(one('customer_countries'), { type: 'text', takes: 'a country code (ISO 3166-1), such as DE' });
  t.notOk('takes' in (one('customer_tags') ?? {}));
  t.notOk('suggest' in (one('customer_cities') ?? {}));
  t.strictSame(SUGGESTIONS, ['/v1/tags', '/v1/groups', '/v1/agents', '/v1/segments']);
});

t.test('a function has parameters and totals instead of a type', async (t) => {
  const orders = one('orders_placed');
  t.strictSame(orders?.operators, [
    { op: 'matches', text: 'MATCHES', arity: 'clauses' },
    { op: 'not_matches', text: 'NOT MATCHES', arity: 'clauses' },
  ]);
  t.notOk('type' in (orders ?? {}));
  t.equal(
    orders?.parameters?.map(({ name }) => name).join(' '),
    'date amount status currency channel payment_method coupon',
  );
  const status = orders?.parameters?.[2];
  t.match(status, { name: 'status', label: 'Status', description: 'Status of the order.', type: 'word' });
  t.ok(status?.values?.includes('shipped'));
  t.equal(ops(status?.operators), '= != in not_in');
  t.strictSame(
    orders?.aggregates?.map(({ operators, ...rest }) => ({ ...rest, ops: ops(operators) })),
    [
      {
        name: 'count',
        label: 'Count',
        description: 'How many orders fit.',
        type: 'integer',
        ops: '= != in not_in < <= > >= between not_between',
      },
      {
        name: 'sum_amount',
        label: 'Sum',
        description: 'Sum of `amount` of the orders that fit.',
        type: 'money',
        ops: '= != in not_in < <= > >= between not_between',
      },
    ],
  );
});

t.test('every arity that an operator has is one of those told', async (t) => {
  t.strictSame(DESCRIBED_ARITIES, ['none', 'one', 'two', 'some', 'clauses']);
  const arities = new Set(described.flatMap(({ operators }) => operators.map(({ arity }) => arity)));
  t.strictSame([...arities].sort(), [...DESCRIBED_ARITIES].sort());
});

t.test('calls have what they take, and an example that works', async (t) => {
  const env = bindEnv({ segments: savedSegments({ vip: 'age > 5' }) });
  const calls = describeCalls();
  for (const { label, description, example } of calls) {
    t.match(label, /^[A-Z]/);
    t.match(description, /^[A-Z].+\.$/);
    t.ok(bound(example, env));
  }
  t.strictSame(
    calls.map(({ op, takes }) => [op, takes]),
    [
      ['in_segment', [{ label: 'Slug', suggest: '/v1/segments', type: 'string' }]],
      ['in_group', [{ label: 'Name', suggest: '/v1/groups', type: 'string' }]],
      [
        'sample',
        [
          { label: 'Percent', type: 'number' },
          { label: 'Salt', type: 'string' },
        ],
      ],
    ],
  );
});

t.test('types have their literals and spelling, offsets their units', async (t) => {
  const types = describeTypes('JPY');
  const dates = 'date datetime offset day';
  t.strictSame(
    types.map(({ type, literals }) => `${type}: ${literals.join(' ')}`),
    [
      'integer: number',
      'number: number',
      'money: number',
      `date: ${dates}`,
      `calendar_date: ${dates}`,
      `yearly_date: ${dates}`,
      'age: number',
      'days_since: number',
      'boolean: boolean',
      'word: string',
      'text: string',
    ],
  );
  t.strictSame(
    SCALAR_TYPES,
    types.map(({ type }) => type),
  );
  t.equal(types[2]?.spelling, 'an amount in JPY without decimals');
  t.strictSame(
    OFFSET_UNITS.map(({ unit, label }) => `${unit} ${label}`),
    ['h Hours', 'd Days', 'w Weeks', 'm Months', 'y Years'],
  );
});
