// The registry as a rule builder needs it: what can be asked, by which operators and with which values.
import {
  type Arity,
  CALL_VALUES,
  CALLS,
  type CallName,
  type LiteralType,
  MATCH_TEXTS,
  OPERATORS,
  type Operator,
} from './ast.ts';
import {
  type Aggregate,
  type Attribute,
  type Catalogue,
  operatorsOf,
  type Parameter,
  parameterOperators,
  type Scalar,
  type ScalarType,
} from './fields.ts';
import { spellingOf } from './spans.ts';

/** Lists of the API that offer values, by their path. */
export const SUGGESTIONS = ['/v1/tags', '/v1/groups', '/v1/agents', '/v1/segments'] as const;
export type Suggestion = (typeof SUGGESTIONS)[number];

/** `clauses`: parameters in parentheses, as functions take them. */
export const DESCRIBED_ARITIES = ['none', 'one', 'two', 'some', 'clauses'] as const;

export interface DescribedOperator {
  op: string;
  text: string;
  arity: Arity | 'clauses';
}

interface DescribedValue {
  name: string;
  label: string;
  description: string;
  type: ScalarType;
  operators: DescribedOperator[];
  /** All values there are, of a word. */
  values?: readonly string[];
  takes?: string;
}

export interface DescribedAttribute extends Omit<DescribedValue, 'type'> {
  area: string;
  kind: Attribute['kind'];
  /** Missing for functions, which have parameters. */
  type?: ScalarType;
  example: string;
  since: string;
  suggest?: Suggestion;
  parameters?: DescribedValue[];
  aggregates?: DescribedValue[];
}

const operator = (op: Operator): DescribedOperator => ({ op, ...OPERATORS[op] });

const MATCHES: DescribedOperator[] = Object.entries(MATCH_TEXTS).map(([op, text]) => ({
  op,
  text,
  arity: 'clauses',
}));

const ofScalar = ({ type, words, takes }: Scalar) => ({
  type,
  ...(words && { values: words }),
  ...(takes && { takes }),
});

const parameter = (name: string, scalar: Parameter): DescribedValue => ({
  name,
  label: scalar.label,
  description: scalar.description,
  operators: parameterOperators(scalar).map(operator),
  ...ofScalar(scalar),
});

const aggregate = (name: string, { label, description, type }: Aggregate): DescribedValue => ({
  name,
  label,
  description,
  type,
  operators: parameterOperators({ type }).map(operator),
});

const LISTS_OF_NAMES: Readonly<Record<string, Suggestion>> = { tags: '/v1/tags', groups: '/v1/groups' };
const SUGGESTED: Readonly<Record<string, Suggestion>> = { sales_agent: '/v1/agents' };

function suggestionFor(attribute: Attribute): Suggestion | undefined {
  const list = attribute.kind === 'list' ? attribute.dictionary : undefined;
  return list ? LISTS_OF_NAMES[list] : SUGGESTED[attribute.name];
}

function ofKind(attribute: Attribute): Partial<DescribedAttribute> {
  switch (attribute.kind) {
    case 'value':
      return ofScalar(attribute);
    case 'list':
      return { type: 'text', ...(attribute.takes && { takes: attribute.takes }) };
    case 'rows':
      return {
        parameters: Object.entries(attribute.parameters).map(([name, scalar]) => parameter(name, scalar)),
        aggregates: Object.entries(attribute.aggregates).map(([name, one]) => aggregate(name, one)),
      };
  }
}

function describe(attribute: Attribute): DescribedAttribute {
  const { name, label, description, area, kind, example, since } = attribute;
  const suggest = suggestionFor(attribute);
  return {
    name,
    label,
    description,
    area,
    kind,
    operators: kind === 'rows' ? MATCHES : operatorsOf(attribute).map(operator),
    example,
    since,
    ...ofKind(attribute),
    ...(suggest && { suggest }),
  };
}

/** Every attribute, in the order of the areas. */
export const describeAttributes = (catalogue: Catalogue): DescribedAttribute[] =>
  [...catalogue.values()].map(describe);

export interface DescribedCall {
  op: CallName;
  label: string;
  description: string;
  example: string;
  takes: readonly { label: string; type: LiteralType; suggest?: Suggestion }[];
}

type CallWords = Pick<DescribedCall, 'label' | 'description'> & {
  takes: readonly { label: string; suggest?: Suggestion }[];
};

const CALL_WORDS: Readonly<Record<CallName, CallWords>> = {
  in_segment: {
    label: 'Is in segment',
    description: 'Is in another saved segment, named by its slug.',
    takes: [{ label: 'Slug', suggest: '/v1/segments' }],
  },
  in_group: {
    label: 'Is in group',
    description: 'Is in a group, named without regard to case.',
    takes: [{ label: 'Name', suggest: '/v1/groups' }],
  },
  sample: {
    label: 'Share of all customers',
    description:
      'A stable share of all customers in percent, with at most 2 decimals; another salt gives other customers.',
    takes: [{ label: 'Percent' }, { label: 'Salt' }],
  },
};

/** The clauses that are no attribute. */
export const describeCalls = (): DescribedCall[] =>
  CALLS.map((op) => {
    const { label, description, takes } = CALL_WORDS[op];
    const { types, example } = CALL_VALUES[op];
    const typed = takes.map((one, index) => ({ ...one, type: types[index] ?? 'string' }));
    return { op, label, description, example, takes: typed };
  });

const DATES: readonly LiteralType[] = ['date', 'datetime', 'offset', 'day'];
/** How values of each type can be spelled. */
const LITERALS: Readonly<Record<ScalarType, readonly LiteralType[]>> = {
  integer: ['number'],
  number: ['number'],
  money: ['number'],
  date: DATES,
  calendar_date: DATES,
  yearly_date: DATES,
  age: ['number'],
  days_since: ['number'],
  boolean: ['boolean'],
  word: ['string'],
  text: ['string'],
};

export const SCALAR_TYPES = Object.keys(LITERALS) as ScalarType[];

/** Each type with the kinds of literals that it takes and how they are written. */
export const describeTypes = (currency: string) =>
  SCALAR_TYPES.map((type) => ({ type, literals: LITERALS[type], spelling: spellingOf(type, { currency }) }));

/** Units of offsets such as `-90d`. */
export const OFFSET_UNITS = [
  { unit: 'h', label: 'Hours' },
  { unit: 'd', label: 'Days' },
  { unit: 'w', label: 'Weeks' },
  { unit: 'm', label: 'Months' },
  { unit: 'y', label: 'Years' },
] as const;
