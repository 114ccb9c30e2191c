// What a query and the facts behind its answer are in people's words: "ordered 3 times, needs more than 5".
import { formatMajor } from '../money.ts';
import type { Clause, Literal } from './ast.ts';
import type { BoundLeaf, BoundList, BoundRows, BoundValue } from './bound.ts';
import { fittingRows, totalOf } from './evaluate.ts';
import { type Facts, type FactValue, listIn, valueIn } from './facts.ts';
import type { ScalarType } from './fields.ts';
import { dayOfNumber, formatDay, isRelative, momentOf } from './moments.ts';
import { ageCode, type SpanEnv } from './spans.ts';

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DATES: readonly (ScalarType | undefined)[] = ['date', 'calendar_date', 'yearly_date'];

const dayOfYear = (month: number, day: number): string => `${day} ${MONTHS[month - 1]}`;

const money = (amount: number, { currency }: Pick<SpanEnv, 'currency'>): string =>
  `${formatMajor(amount, currency)} ${currency}`;

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');

/** A value as people read it; undefined where it is missing. */
export function shownValue(type: ScalarType, value: FactValue, env: SpanEnv): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'boolean') return yesOrNo(value);
  if (typeof value === 'string') return value;
  const { calendar } = env;
  switch (type) {
    case 'money':
      return money(value, env);
    case 'date':
      return formatDay(calendar.dayAt(value));
    case 'yearly_date':
      return dayOfYear(Math.floor(value / 100), value % 100);
    case 'age':
      return String(Math.floor((ageCode(calendar) - value) / 10_000));
    case 'days_since':
      return String(calendar.today - calendar.dayAt(value));
    default:
      return String(value);
  }
}

/** A value of the query as people read it: amounts with their currency, relative dates as the day they mean now. */
function shownLiteral(type: ScalarType | undefined, literal: Literal, env: SpanEnv): string {
  if (type === 'money') return `${literal.text} ${env.currency}`;
  if (literal.type === 'boolean') return yesOrNo(literal.text === 'true');
  const moment = DATES.includes(type) ? momentOf(literal, env.calendar) : undefined;
  if (!moment || literal.type === 'datetime')
    return literal.type === 'string' ? `'${literal.text}'` : literal.text;
  const { month, day } = dayOfNumber(moment.day);
  const shown = type === 'yearly_date' ? dayOfYear(month, day) : formatDay(moment.day);
  return isRelative(literal) ? `${shown} (${literal.text})` : shown;
}

type Comparison = '<' | '<=' | '>' | '>=';
type Compared = Readonly<Record<Comparison, (shown: string) => string>>;

const AMOUNTS: Compared = {
  '<': (shown) => `less than ${shown}`,
  '<=': (shown) => `at most ${shown}`,
  '>': (shown) => `more than ${shown}`,
  '>=': (shown) => `at least ${shown}`,
};
const DAYS: Compared = {
  '<': (shown) => `earlier than ${shown}`,
  '<=': (shown) => `${shown} or earlier`,
  '>': (shown) => `later than ${shown}`,
  '>=': (shown) => `${shown} or later`,
};

/** What a clause asks for: "more than 5", "2026-01-01 to 2026-02-01". */
function wanted(type: ScalarType | undefined, { op, values }: Clause, env: SpanEnv): string {
  const shown = values.map((literal) => shownLiteral(type, literal, env));
  const [first = '', second = ''] = shown;
  const isDate = DATES.includes(type);
  switch (op) {
    case '=':
      return first;
    case '!=':
      return `anything but ${first}`;
    case 'between':
      return `${first} to ${second}`;
    case 'not_between':
      return `anything but ${first} to ${second}`;
    case 'in':
    case 'contains_any':
      return shown.length === 1 ? first : `one of ${shown.join(', ')}`;
    case 'not_in':
    case 'contains_none':
      return shown.length === 1 ? `anything but ${first}` : `none of ${shown.join(', ')}`;
    case 'contains_all':
      return shown.join(' and ');
    case 'starts_with':
      return `something that begins with ${first}`;
    case 'contains':
      return type === undefined ? first : `something with ${first} in it`;
    case 'not_contains':
      return type === undefined ? `anything but ${first}` : `nothing with ${first} in it`;
    case 'is_null':
      return 'no value';
    case 'is_not_null':
      return 'any value';
    default:
      return (isDate ? DAYS : AMOUNTS)[op](first);
  }
}

/** What was seen, what is needed, and both as one sentence. */
export interface Told {
  seen?: string;
  needed: string;
  says: string;
}

const tell = (matches: boolean, observed: string, needed: string): string =>
  `${observed}${matches ? ', as needed: ' : ', needs '}${needed}`;

function observe({ label, type, says }: BoundValue['attribute'], seen: string): string {
  if (says) return says(seen);
  return type === 'boolean' ? `${label}: ${seen}` : `${label} is ${seen}`;
}

function tellValue(
  { attribute, query }: Pick<BoundValue, 'attribute' | 'query'>,
  facts: Facts,
  env: SpanEnv,
  matches: boolean,
): Told {
  const seen = shownValue(attribute.type, valueIn(facts, attribute), env);
  const needed = wanted(attribute.type, query, env);
  const observed = seen === undefined ? `${attribute.label} is missing` : observe(attribute, seen);
  return { ...(seen !== undefined && { seen }), needed, says: tell(matches, observed, needed) };
}

function tellList(
  { attribute, query }: Pick<BoundList, 'attribute' | 'query'>,
  facts: Facts,
  env: SpanEnv,
  matches: boolean,
): Told {
  const seen = listIn(facts, attribute).join(', ') || 'none';
  const asClause =
    'attribute' in query
      ? query
      : { op: 'contains' as const, attribute: attribute.name, values: query.values };
  const needed = wanted(undefined, asClause, env);
  return { seen, needed, says: tell(matches, `${attribute.label}: ${seen}`, needed) };
}

/** "2 orders fit, sum 150.00 EUR". */
function seenRows(bound: BoundRows, facts: Facts, env: SpanEnv): string {
  const { attribute, totals } = bound;
  const rows = fittingRows(bound, facts);
  const [one, many] = attribute.noun;
  const sums = totals.flatMap(({ aggregate: name }) => {
    const aggregate = attribute.aggregates[name];
    if (!aggregate || aggregate.of === 'rows') return [];
    const total = totalOf(attribute, name, rows);
    return [`${aggregate.label.toLowerCase()} ${aggregate.type === 'money' ? money(total, env) : total}`];
  });
  return [`${rows.length} ${rows.length === 1 ? `${one} fits` : `${many} fit`}`, ...sums].join(', ');
}

function neededRows({ attribute, query, negated }: BoundRows, env: SpanEnv): string {
  const totals = query.where.flatMap((clause) => {
    const aggregate = attribute.aggregates[clause.attribute];
    return aggregate ? [`${aggregate.label.toLowerCase()} ${wanted(aggregate.type, clause, env)}`] : [];
  });
  const [one] = attribute.noun;
  if (totals.length === 0) return negated ? `no ${one} that fits` : `at least one ${one} that fits`;
  return negated ? `anything but ${totals.join(' and ')}` : totals.join(' and ');
}

const tellMembership = (needed: string, matches: boolean): Told => ({
  needed,
  says: `${matches ? 'is in' : 'is not in'} ${needed}`,
});

/** A leaf of an answer in words. */
export function tellLeaf(bound: BoundLeaf, facts: Facts, env: SpanEnv, matches: boolean): Told {
  switch (bound.is) {
    case 'value':
      return tellValue(bound, facts, env, matches);
    case 'list':
      return tellList(bound, facts, env, matches);
    case 'missing': {
      const { attribute, query } = bound;
      if (attribute.kind === 'list') return tellList({ attribute, query }, facts, env, matches);
      return tellValue({ attribute, query }, facts, env, matches);
    }
    case 'rows': {
      const [seen, needed] = [seenRows(bound, facts, env), neededRows(bound, env)];
      return { seen, needed, says: tell(matches, seen, needed) };
    }
    case 'sample': {
      const [share, salt] = bound.query.values.map(({ text }) => text);
      return tellMembership(`the ${share} % sample '${salt}'`, matches);
    }
    case 'segment':
      return tellMembership(`segment ${bound.slug}`, matches);
  }
}
