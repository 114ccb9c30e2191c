// Random segment queries, made from the registry: every attribute with every operator it takes.
import fc from 'fast-check';
import {
  type Call,
  type Clause,
  join,
  type Literal,
  type Match,
  noPlaces,
  OPERATORS,
  type Operator,
  type Query,
} from '../../src/domain/segments/ast.ts';
import { QueryFault } from '../../src/domain/segments/faults.ts';
import {
  type Aggregate,
  type Attribute,
  type Catalogue,
  catalogueOf,
  operatorsOf,
  type Parameter,
  parameterOperators,
  type ScalarType,
} from '../../src/domain/segments/fields.ts';
import { checkSize } from '../../src/domain/segments/limits.ts';
import { FORBIDDEN_IN_STRING } from '../../src/domain/segments/literals.ts';
import { dayNumber, formatDay } from '../../src/domain/segments/moments.ts';
import { CAMPAIGNS } from './segment-pools.ts';

/** A store with a custom field of each type. */
export const CATALOGUE: Catalogue = catalogueOf([
  { key: 'nickname', label: 'Nickname', type: 'string' },
  { key: 'shoe_size', label: 'Shoe size', type: 'number' },
  { key: 'newsletter', label: 'Newsletter', type: 'boolean' },
  { key: 'anniversary', label: 'Anniversary', type: 'date' },
  { key: 'colour', label: 'Colour', type: 'enum', options: ['Red', 'Green', "Robin's egg"] },
]);

/** What a value stands beside: an attribute, or a parameter of a function. */
export interface Subject {
  attribute: string;
  parameter?: string;
  /** `text` for lists. */
  type: ScalarType;
  words?: readonly string[];
  key?: (text: string) => string | undefined;
  takes?: string;
}

/** The values that a subject is compared with. */
export type LiteralSource = (subject: Subject) => fc.Arbitrary<Literal>;

const literal = (type: Literal['type']) => (text: string | number | boolean) => ({
  type,
  text: String(text),
});

/** Text that has broken other languages; none of it may mean anything here. */
const NASTY_TEXTS = [
  '',
  "'",
  "''",
  "'; drop table customers; --",
  "O'Brien",
  '\\',
  "\\'",
  '%_%',
  '$1',
  ':currency',
  '-- no comment',
  'a AND b',
  'null',
  'today',
  '-90d',
  '2026-01-31',
  '1000.00',
  ' \t\n\r\u2028',
  '\u200b',
  '“”‘’„',
  'Łódź İSTANBUL ß',
  '😀👩‍👩‍👧',
  'ﷺ',
  '{"op":"and"}',
];
const texts = fc
  .oneof(
    fc.constantFrom(...NASTY_TEXTS),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  .filter((text) => !FORBIDDEN_IN_STRING.test(text));
const strings = texts.map(literal('string'));

const integers = fc.integer({ min: -3, max: 120 }).map(literal('number'));
const money = fc
  .oneof(
    fc.integer({ min: 0, max: 2_000 }),
    fc.integer({ min: 0, max: 200_000 }).map((cents) => (cents / 100).toFixed(2)),
  )
  .map(literal('number'));
const decimals = fc
  .tuple(fc.integer({ min: -9_999, max: 9_999 }), fc.integer({ min: 0, max: 4 }))
  .map(([number, places]) =>
    literal('number')((number / 10 ** places).toFixed(places).replace(/^-(?=[0.]*$)/, '')),
  );
const booleans = fc.boolean().map(literal('boolean'));

const days = fc
  .integer({
    min: dayNumber({ year: 1950, month: 1, day: 1 }),
    max: dayNumber({ year: 2040, month: 12, day: 31 }),
  })
  .map(formatDay);
const twoDigits = (most: number) =>
  fc.integer({ min: 0, max: most }).map((number) => String(number).padStart(2, '0'));
const times = fc
  .tuple(twoDigits(23), twoDigits(59), fc.constantFrom('', ':00', ':59', ':07.1', ':30.123'))
  .map(([hour, minute, rest]) => `${hour}:${minute}${rest}`);
const zones = fc.constantFrom('', 'Z', '+00:00', '-03:30', '+14:00');
const moments: fc.Arbitrary<Literal> = fc.oneof(
  days.map(literal('date')),
  fc.tuple(days, times, zones).map(([day, time, zone]) => literal('datetime')(`${day}T${time}${zone}`)),
  fc
    .tuple(
      fc.constantFrom('+', '-'),
      fc.integer({ min: 0, max: 800 }),
      fc.constantFrom('h', 'd', 'w', 'm', 'y'),
    )
    .map(([sign, amount, unit]) => literal('offset')(`${amount === 0 ? '+' : sign}${amount}${unit}`)),
  fc.constantFrom('today', 'yesterday').map(literal('day')),
);

/** Any value whatever, fitting or not. */
export const anyLiteral: LiteralSource = () =>
  fc.oneof(
    strings,
    integers,
    decimals,
    booleans,
    moments,
    fc.constant(literal('number')('123456789012345678901234.50')),
  );

const recased = (words: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...words), fc.boolean())
    .map(([word, isUpper]) => (isUpper ? word.toUpperCase() : word));

/** Values that `bind` takes. */
export const fittingLiteral: LiteralSource = ({ type, words, key, takes }) => {
  switch (type) {
    case 'integer':
    case 'age':
    case 'days_since':
      return integers;
    case 'number':
      return decimals;
    case 'money':
      return money;
    case 'boolean':
      return booleans;
    case 'word':
      return recased(words ?? []).map(literal('string'));
    case 'text':
      if (takes?.startsWith('a country'))
        return fc.constantFrom('DE', 'at', 'GB', 'fr').map(literal('string'));
      // No text by chance is an id.
      if (takes?.startsWith('the id of')) return fc.constantFrom(...CAMPAIGNS).map(literal('string'));
      return key ? strings.filter(({ text }) => key(text) !== undefined) : strings;
    default:
      return moments;
  }
};

function valuesFor(op: Operator, literals: fc.Arbitrary<Literal>): fc.Arbitrary<Literal[]> {
  switch (OPERATORS[op].arity) {
    case 'none':
      return fc.constant([]);
    case 'one':
      return fc.array(literals, { minLength: 1, maxLength: 1 });
    case 'two':
      return fc.array(literals, { minLength: 2, maxLength: 2 });
    case 'some':
      return fc.array(literals, { minLength: 1, maxLength: 4 });
  }
}

function clauses(
  name: string,
  ops: readonly Operator[],
  literals: fc.Arbitrary<Literal>,
): fc.Arbitrary<Clause> {
  return fc.oneof(
    ...ops.map((op) => valuesFor(op, literals).map((values): Clause => ({ op, attribute: name, values }))),
  );
}

function parameters(attribute: string, name: string, found: Parameter | Aggregate, source: LiteralSource) {
  const literals = source({ ...found, attribute, parameter: name });
  return clauses(name, parameterOperators(found), literals);
}

/** Clauses of one attribute, with every operator that it takes. */
export function leavesOf(attribute: Attribute, source: LiteralSource): fc.Arbitrary<Clause | Match> {
  const { name } = attribute;
  if (attribute.kind === 'value') {
    return clauses(name, operatorsOf(attribute), source({ ...attribute, attribute: name }));
  }
  if (attribute.kind === 'list') {
    const { key, takes } = attribute;
    const literals = source({ attribute: name, type: 'text', key, ...(takes !== undefined && { takes }) });
    return clauses(name, operatorsOf(attribute), literals);
  }
  const asked = Object.entries({ ...attribute.parameters, ...attribute.aggregates });
  return fc.record(
    {
      op: fc.constantFrom('matches' as const, 'not_matches' as const),
      attribute: fc.constant(name),
      where: fc.array(fc.oneof(...asked.map(([key, found]) => parameters(name, key, found, source))), {
        maxLength: 4,
      }),
    },
    { noNullPrototype: true },
  );
}

/** `sample(…)` with any share and salt. */
export const samples: fc.Arbitrary<Call> = fc
  .tuple(fc.constantFrom('0', '0.01', '12.50', '50', '100'), strings)
  .map(([share, salt]) => ({ op: 'sample', values: [literal('number')(share), salt] }));

/** A call with one text: `in_group('…')`, `in_segment('…')`. */
export const calls = (op: 'in_segment' | 'in_group', names: fc.Arbitrary<string>): fc.Arbitrary<Call> =>
  names.map((name) => ({ op, values: [literal('string')(name)] }));

/** Calls with any names: whether these exist is no matter of the language. */
export const anyCalls: readonly fc.Arbitrary<Call>[] = [
  samples,
  calls('in_segment', texts),
  calls('in_group', texts),
];

function isInLimits(query: Query): boolean {
  try {
    checkSize(query, noPlaces());
    return true;
  } catch (error) {
    if (error instanceof QueryFault) return false;
    throw error;
  }
}

export interface QueryOptions {
  catalogue?: Catalogue;
  /** Values that attributes are compared with; those that fit, if it is left out. */
  literals?: LiteralSource;
  /** Calls that may stand beside clauses; only `sample`, if it is left out. */
  calls?: readonly fc.Arbitrary<Call>[];
  /** How deep AND, OR and NOT nest. */
  maxDepth?: number;
}

/** Queries of any shape within the limits, flat as the tree has to be. */
export function queries({
  catalogue = CATALOGUE,
  literals = fittingLiteral,
  calls: known = [samples],
  maxDepth = 4,
}: QueryOptions = {}): fc.Arbitrary<Query> {
  const leaves = fc.oneof(
    ...[...catalogue.values()].map((attribute) => leavesOf(attribute, literals)),
    ...known,
  );
  const { query } = fc.letrec<{ query: Query }>((tie) => ({
    query: fc.oneof(
      { maxDepth, depthIdentifier: 'query' },
      { weight: 2, arbitrary: leaves },
      {
        weight: 2,
        arbitrary: fc
          .tuple(
            fc.constantFrom('and' as const, 'or' as const),
            fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
          )
          .map(([op, of]) => join(op, of)),
      },
      { weight: 1, arbitrary: tie('query').map((of): Query => ({ op: 'not', of: [of] })) },
    ),
  }));
  return query.filter(isInLimits);
}
