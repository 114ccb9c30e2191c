// The evaluator against a second one that knows nothing of it: made from the words of docs/segments.md, it reads the
// tree and plain facts, walks days one by one and asks each clause for itself. SEGMENT_SEED repeats a run.
import assert from 'node:assert';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { Call, Clause, Literal, Match, Query } from '../../../src/domain/segments/ast.ts';
import { bind } from '../../../src/domain/segments/bind.ts';
import { matches } from '../../../src/domain/segments/evaluate.ts';
import type { FactRow, Facts, FactValue } from '../../../src/domain/segments/facts.ts';
import {
  type Attribute,
  catalogueOf,
  type Scalar,
  type ScalarType,
} from '../../../src/domain/segments/fields.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import { isRefusal } from '../../../src/domain/segments/problems.ts';
import { bindEnv, savedSegments } from '../../support/segment-binding.ts';
import { guesses } from '../../support/segment-guesses.ts';
import {
  AMOUNTS,
  CATEGORIES,
  CHANNELS,
  CITIES,
  COMPANIES,
  COUNTRIES,
  COUPONS,
  CURRENCIES,
  CUSTOM_FIELDS,
  DOMAINS,
  GROUPS,
  MOMENTS,
  POSTCODES,
  TAGS,
  WORDS,
} from '../../support/segment-pools.ts';

const PLACES = [
  ['Europe/Berlin', 'EUR', 2],
  ['America/Santiago', 'JPY', 0],
  ['Pacific/Kiritimati', 'KWD', 3],
] as const;
const CUSTOMERS = 40;
const QUERIES = Number(process.env.SEGMENT_QUERIES ?? 250);
const seed = Number(process.env.SEGMENT_SEED ?? Date.now() % 2 ** 31);
const catalogue = catalogueOf(CUSTOM_FIELDS);
const segments = savedSegments({
  buyers: "number_of_orders > 0 AND customer_tags CONTAINS ANY ('VIP', 'friend')",
  outer: "NOT in_segment('buyers') OR company IS NULL",
});

// --- days are texts such as 2026-01-31; they compare and are walked as such

const plusDays = (day: string, count: number): string =>
  new Date(Date.parse(`${day}T00:00Z`) + count * 86_400_000).toISOString().slice(0, 10);

function plusMonths(day: string, count: number): string {
  const [year = 0, month = 0, ofMonth = 0] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month + count, 0));
  last.setUTCDate(Math.min(ofMonth, last.getUTCDate()));
  return last.toISOString().slice(0, 10);
}

/** What the clocks of a zone show. */
class Wall {
  private readonly format: Intl.DateTimeFormat;
  private readonly shown = new Map<number, string>();

  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
  }

  /** `2026-01-31 10:00:00`. */
  timeAt(instant: number): string {
    const known = this.shown.get(instant);
    if (known !== undefined) return known;
    const text = this.format.format(instant);
    this.shown.set(instant, text);
    return text;
  }

  dayAt(instant: number): string {
    return this.timeAt(instant).slice(0, 10);
  }

  /** The first quarter of an hour, from half a day before the day in UTC, at which `isIt` is true. */
  first(day: string, isIt: (instant: number) => boolean): number {
    const start = Date.parse(`${day}T00:00Z`) - 15 * 3_600_000;
    for (let instant = start; ; instant += 900_000) if (isIt(instant)) return instant;
  }
}

// --- the second evaluator

interface World {
  at: number;
  wall: Wall;
  today: string;
  decimals: number;
}

/** A whole day, or an instant. */
type When = { day: string } | { instant: number };

function whenOf({ type, text }: Literal, { at, wall, today }: World): When {
  if (type === 'date') return { day: text };
  if (type === 'day') return { day: text === 'today' ? today : plusDays(today, -1) };
  if (type === 'datetime') {
    if (/(Z|[+-]\d\d:\d\d)$/.test(text)) return { instant: Date.parse(text) };
    return {
      instant: wall.first(text.slice(0, 10), (one) => wall.timeAt(one) === `${text.replace('T', ' ')}:00`),
    };
  }
  const amount = Number(text.slice(0, -1));
  if (text.endsWith('h')) return { instant: at + amount * 3_600_000 };
  if (text.endsWith('d')) return { day: plusDays(today, amount) };
  if (text.endsWith('w')) return { day: plusDays(today, 7 * amount) };
  return { day: plusMonths(today, text.endsWith('y') ? 12 * amount : amount) };
}

const dayOf = (when: When, { wall }: World): string => ('day' in when ? when.day : wall.dayAt(when.instant));

/** Below 0, 0 or above 0, as the one is less, the same or more. */
const order = <T extends number | string>(one: T, other: T): number =>
  one < other ? -1 : one > other ? 1 : 0;

function birthdayFallsOn(code: number, day: string): boolean {
  const monthAndDay = Number(day.slice(5, 7)) * 100 + Number(day.slice(8));
  const isCommonFebruary = monthAndDay === 228 && plusDays(day, 1).endsWith('-03-01');
  return code === monthAndDay || (code === 229 && isCommonFebruary);
}

function birthdayFallsBetween(code: number, first: string, last: string): boolean {
  let end = last;
  for (let years = 1; end < first; years++) end = plusMonths(last, 12 * years);
  for (let day = first, walked = 0; day <= end && walked < 366; day = plusDays(day, 1), walked++)
    if (birthdayFallsOn(code, day)) return true;
  return false;
}

function yearsSince(code: number, today: string): number {
  const born = Math.floor(code / 10_000);
  const year = Number(today.slice(0, 4));
  return year - born - (birthdayFallsBetween(code % 10_000, `${year}-01-01`, today) ? 0 : 1);
}

const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 86_400_000;

/** How the value stands to a literal; several values of yearly days have no order and are asked otherwise. */
function compare(type: ScalarType, value: number | string, literal: Literal, world: World): number {
  const { wall, today, decimals } = world;
  switch (type) {
    case 'date': {
      const when = whenOf(literal, world);
      return 'day' in when ? order(wall.dayAt(Number(value)), when.day) : order(Number(value), when.instant);
    }
    case 'calendar_date':
      return order(String(value), dayOf(whenOf(literal, world), world));
    case 'money': {
      const [whole = '', fraction = ''] = literal.text.split('.');
      return order(Number(value), Number(whole + fraction.padEnd(decimals, '0')));
    }
    case 'age':
      return order(yearsSince(Number(value), today), Number(literal.text));
    case 'days_since':
      return order(daysBetween(wall.dayAt(Number(value)), today), Number(literal.text));
    default:
      return order(Number(value), Number(literal.text));
  }
}

const withoutAccents = (text: string): string =>
  text.toLowerCase().replaceAll('ł', 'l').replaceAll('ß', 'ss').normalize('NFD').replace(/\p{M}/gu, '');
const withoutSpaces = (text: string): string => text.toLowerCase().replaceAll(' ', '');
const exactly = (text: string): string => text;

/** What may differ between a value and what is asked for; everything else differs in case only. */
const SAME: Readonly<Record<string, (text: string) => string>> = {
  company: withoutAccents,
  customer_cities: withoutAccents,
  customer_regions: withoutAccents,
  postcodes: withoutSpaces,
  sales_agent: exactly,
  product_id: exactly,
  sku: exactly,
  'custom.nick': exactly,
};
const sameFor = (name: string) => SAME[name] ?? ((text: string) => text.toLowerCase());

const POSITIVE: Readonly<Partial<Record<Clause['op'], Clause['op']>>> = {
  '!=': '=',
  not_in: 'in',
  not_between: 'between',
  not_contains: 'contains',
  contains_none: 'contains_any',
  is_not_null: 'is_null',
};

/** Of consent: everything but `subscribed`. */
const NOT_SUBSCRIBED = 'not_subscribed';

/** Whether a clause without NOT holds for a value that is there. */
function isTrueOf(
  type: ScalarType,
  value: number | string | boolean,
  { op, attribute, values }: Clause,
  world: World,
): boolean {
  const [first, last = first] = values;
  assert(first && last);
  if (typeof value === 'boolean' || type === 'text' || type === 'word') {
    const same = sameFor(attribute);
    const [seen, wanted] = [same(String(value)), values.map(({ text }) => same(text))];
    if (op === 'starts_with') return seen.startsWith(wanted[0] ?? '');
    if (op === 'contains') return seen.includes(wanted[0] ?? '');
    return wanted.includes(seen) || (wanted.includes(NOT_SUBSCRIBED) && seen !== 'subscribed');
  }
  if (type === 'yearly_date') {
    const days = values.map((literal) => dayOf(whenOf(literal, world), world));
    if (op === 'between') return birthdayFallsBetween(Number(value), days[0] ?? '', days[1] ?? '');
    return days.some((day) => birthdayFallsOn(Number(value), day));
  }
  const against = (literal: Literal) => compare(type, value, literal, world);
  switch (op) {
    case '<':
      return against(first) < 0;
    case '<=':
      return against(first) <= 0;
    case '>':
      return against(first) > 0;
    case '>=':
      return against(first) >= 0;
    case 'between':
      return against(first) >= 0 && against(last) <= 0;
    default:
      return values.some((literal) => against(literal) === 0);
  }
}

/** Of a value, or of several of which any will do: two-valued, so that NOT is the opposite of everything. */
function valueHolds(type: ScalarType, seen: readonly FactValue[], clause: Clause, world: World): boolean {
  const op = POSITIVE[clause.op] ?? clause.op;
  const there = seen.filter((value) => value !== null);
  const isTrue =
    op === 'is_null'
      ? there.length === 0
      : there.some((value) => isTrueOf(type, value, { ...clause, op }, world));
  return isTrue === (op === clause.op);
}

function listHolds(seen: readonly string[], clause: Clause): boolean {
  const op = POSITIVE[clause.op] ?? clause.op;
  const same = sameFor(clause.attribute);
  const has = ({ text }: Literal) => seen.some((value) => same(value) === same(text));
  const begins = ({ text }: Literal) => seen.some((value) => same(value).startsWith(same(text)));
  const isTrue =
    op === 'is_null'
      ? seen.length === 0
      : op === 'contains_all'
        ? clause.values.every(has)
        : clause.values.some(op === 'starts_with' ? begins : has);
  return isTrue === (op === clause.op);
}

function matchHolds({ op, attribute, where }: Match, facts: Facts, world: World): boolean {
  const known = catalogue.get(attribute);
  assert(known?.kind === 'rows');
  const parameters = where.filter((clause) => clause.attribute in known.parameters);
  const totals = where.filter((clause) => !(clause.attribute in known.parameters));
  const rows = (facts.rows[attribute] ?? []).filter((row) =>
    parameters.every((clause) => {
      const value = row[clause.attribute] as FactValue | readonly string[];
      const type = known.parameters[clause.attribute]?.type ?? 'text';
      return valueHolds(type, Array.isArray(value) ? value : [value as FactValue], clause, world);
    }),
  );
  const asksCount = totals.some((clause) => clause.attribute === 'count');
  const holds = totals.every((clause) => {
    const summed = clause.attribute.replace('sum_', '');
    const total =
      clause.attribute === 'count' ? rows.length : rows.reduce((sum, row) => sum + Number(row[summed]), 0);
    return valueHolds(summed === 'amount' ? 'money' : 'integer', [total], clause, world);
  });
  return (holds && (rows.length > 0 || asksCount)) === (op === 'matches');
}

function callHolds({ op, values: [first, second] }: Call, facts: Facts, world: World): boolean {
  const name = first?.text ?? '';
  if (op === 'in_segment') return isTrue(segments.get(name) as Query, facts, world);
  if (op === 'in_group')
    return (facts.lists.customer_groups ?? []).some((group) => group.toLowerCase() === name.toLowerCase());
  const hash = createHash('md5').update(`${second?.text}:${facts.customerId}`).digest('hex');
  return Number.parseInt(hash.slice(0, 8), 16) / 2 ** 32 < Number(name) / 100;
}

function isTrue(query: Query, facts: Facts, world: World): boolean {
  switch (query.op) {
    case 'and':
      return query.of.every((part) => isTrue(part, facts, world));
    case 'or':
      return query.of.some((part) => isTrue(part, facts, world));
    case 'not':
      return !isTrue(query.of[0], facts, world);
    case 'matches':
    case 'not_matches':
      return matchHolds(query, facts, world);
    case 'in_segment':
    case 'in_group':
    case 'sample':
      return callHolds(query, facts, world);
    default: {
      const attribute = catalogue.get(query.attribute);
      if (attribute?.kind === 'list') return listHolds(facts.lists[query.attribute] ?? [], query);
      assert(attribute?.kind === 'value');
      return valueHolds(attribute.type, [facts.values[query.attribute] ?? null], query, world);
    }
  }
}

// --- customers

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  language: ['de', 'de-AT', 'en-GB', 'EN'],
  company: COMPANIES,
  sales_agent: ['Jane', 'jane'],
  email_domain: DOMAINS,
  phone_country: COUNTRIES,
  default_country: COUNTRIES,
  customer_tags: TAGS,
  customer_groups: GROUPS,
  customer_countries: COUNTRIES,
  customer_regions: ['DE-BY', 'Bayern', 'Île-de-France', 'Nowhere'],
  customer_cities: CITIES,
  postcodes: POSTCODES,
  currency: CURRENCIES,
  channel: CHANNELS,
  payment_method: ['card', 'Card', 'invoice'],
  coupon: COUPONS,
  product_id: ['p1', 'p2', 'P1'],
  sku: ['s-1', "s'2"],
  category: CATEGORIES,
  tag: TAGS,
};
const SHIFTS = [-365, -91, -90, -89, -31, -30, -8, -7, -6, -1, 0, 1, 6, 7, 8];

/** Beginnings of days near the moments, what lies beside them, and the moments themselves. */
function instantsNear(wall: Wall): number[] {
  const moments = MOMENTS.map((moment) => Date.parse(moment));
  const days = new Set(moments.flatMap((at) => SHIFTS.map((shift) => plusDays(wall.dayAt(at), shift))));
  const starts = [...days].map((day) => wall.first(day, (instant) => wall.dayAt(instant) === day));
  return [...moments, ...starts.flatMap((start) => [start - 1, start, start + 1, start + 3_600_000])];
}

const BIRTHDAYS = [228, 229, 301, 1_231, 101, 1_122, 1_129, 531];

function factOf(
  name: string,
  { type, words, always }: Scalar,
  instants: readonly number[],
): fc.Arbitrary<FactValue> {
  const values: Readonly<Record<ScalarType, fc.Arbitrary<FactValue>>> = {
    integer: pick([0, 0, 1, 2, 5, 6, 10]),
    number: pick([0, 42, 42.5, -1.25]),
    money: pick(AMOUNTS),
    date: pick(instants),
    days_since: pick(instants),
    calendar_date: pick(['2024-02-29', '2025-12-31', '2026-11-22', '2026-11-15']),
    yearly_date: pick(BIRTHDAYS),
    age: fc.tuple(pick([1985, 2000, 2004, 2008]), pick(BIRTHDAYS)).map(([year, day]) => year * 10_000 + day),
    boolean: fc.boolean(),
    word: pick(words?.filter((word) => word !== NOT_SUBSCRIBED) ?? ['']),
    text: pick(TEXTS[name] ?? WORDS),
  };
  return always ? values[type] : fc.option(values[type], { nil: null, freq: 3 });
}

const someTexts = (name: string) => fc.subarray([...(TEXTS[name] ?? WORDS)], { maxLength: 3 });

function rowValue(
  name: string,
  scalar: Scalar,
  instants: readonly number[],
): fc.Arbitrary<FactValue | string[]> {
  if (!scalar.many) return factOf(name, scalar, instants);
  return scalar.always ? someTexts(name) : fc.option(someTexts(name), { nil: null, freq: 3 });
}

function membersOf<Kind extends Attribute['kind'], Value>(
  kind: Kind,
  value: (attribute: Extract<Attribute, { kind: Kind }>) => fc.Arbitrary<Value>,
): fc.Arbitrary<Record<string, Value>> {
  const found = [...catalogue.values()].filter(
    (attribute): attribute is Extract<Attribute, { kind: Kind }> => attribute.kind === kind,
  );
  return fc.record(Object.fromEntries(found.map((attribute) => [attribute.name, value(attribute)])));
}

function customers(instants: readonly number[]): fc.Arbitrary<Facts> {
  return fc.record({
    customerId: fc.uuid(),
    isListed: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0),
    values: membersOf('value', (attribute) => factOf(attribute.name, attribute, instants)),
    lists: membersOf('list', ({ name }) => someTexts(name)),
    rows: membersOf('rows', ({ parameters }): fc.Arbitrary<FactRow[]> => {
      const row = Object.entries(parameters).map(
        ([name, scalar]) => [name, rowValue(name, scalar, instants)] as const,
      );
      return fc.array(fc.record(Object.fromEntries(row)), { maxLength: 4 });
    }),
  });
}

for (const [index, [timezone, currency, decimals]] of PLACES.entries()) {
  t.test(`both evaluators agree in ${timezone} with ${currency}`, async (t) => {
    const wall = new Wall(timezone);
    const own = { seed: seed + index };
    const people = fc.sample(customers(instantsNear(wall)), { ...own, numRuns: CUSTOMERS });
    const queries = fc.sample(guesses(catalogue, currency), { ...own, numRuns: QUERIES });
    const disagreements: string[] = [];
    let mixed = 0;
    for (const [number, query] of queries.entries()) {
      const at = MOMENTS[number % MOMENTS.length] as string;
      const world: World = { at: Date.parse(at), wall, today: wall.dayAt(Date.parse(at)), decimals };
      const bound = bind(
        query,
        bindEnv({ at, timezone, currency, catalogue, segments, groups: [...GROUPS] }),
      );
      assert(!isRefusal(bound), printQuery(query));
      const answers = people.map((facts) => matches(bound, facts));
      const expected = people.map((facts) => facts.isListed && isTrue(query, facts, world));
      const wrong = answers.findIndex((answer, one) => answer !== expected[one]);
      if (wrong >= 0)
        disagreements.push(
          `${printQuery(query)} at ${at} is not ${answers[wrong]} of ${JSON.stringify(people[wrong])}`,
        );
      if (answers.includes(true) && people.some(({ isListed }, one) => isListed && !answers[one])) mixed++;
      if (disagreements.length >= 3) break;
    }
    t.same(disagreements, [], `seed ${seed}`);
    t.ok(mixed > QUERIES / 3 || QUERIES < 100, `${mixed} of ${QUERIES} queries tell customers apart`);
    t.comment(`seed ${seed}: ${CUSTOMERS * QUERIES} comparisons`);
  });
}
