// What the values beside an operator stand for, as ranges over the values of facts: `last_order_date < -90d` is the
// range before the first instant of that day. So both evaluators only ever look whether a value lies in a range.
import { daysInMonth } from '../fields.ts';
import { currencyExponent, parseMajor } from '../money.ts';
import type { Literal, Operator } from './ast.ts';
import type { Range } from './bound.ts';
import type { ScalarType } from './fields.ts';
import { addMonths, type Calendar, dayOfNumber, formatDay, type Moment, momentOf } from './moments.ts';

export interface SpanEnv {
  calendar: Calendar;
  /** Of the store: what money is in. */
  currency: string;
}

/** Types whose values have an order. */
export type OrderedType = Exclude<ScalarType, 'boolean' | 'word' | 'text'>;

/** What one value stands for; undefined for a literal that the type cannot mean. */
type ReadSpan = (literal: Literal, env: SpanEnv) => Range | undefined;

const point = (value: number | undefined): Range | undefined =>
  value === undefined ? undefined : { from: value, to: value };

function integerOf({ type, text }: Literal): number | undefined {
  const value = Number(text);
  return type === 'number' && !text.includes('.') && Number.isSafeInteger(value) ? value : undefined;
}

/** At most 15 digits: as many as a number of JSON keeps exactly. */
function decimalOf({ type, text }: Literal): number | undefined {
  const digits = text.replace(/\D/g, '').replace(/^0+/, '');
  return type === 'number' && digits.length <= 15 ? Number(text) : undefined;
}

const moneyOf = ({ type, text }: Literal, currency: string): number | undefined =>
  type === 'number' ? parseMajor(text, currency) : undefined;

/** The instants of a day, or the one millisecond of an instant. */
function instantsOf(moment: Moment | undefined, calendar: Calendar): Range | undefined {
  if (!moment) return undefined;
  const { day, instant } = moment;
  if (instant !== undefined) return { from: instant, to: instant };
  return { from: calendar.startOf(day), to: calendar.startOf(day + 1), toOpen: true };
}

const isLeapYear = (year: number): boolean => daysInMonth(2, year) === 29;

/** Month × 100 + day; 28 February of a common year stands for the 29th too, where a range ends. */
function yearlyCode(day: number, isEnd: boolean): number {
  const { year, month, day: ofMonth } = dayOfNumber(day);
  const code = month * 100 + ofMonth;
  return isEnd && code === 228 && !isLeapYear(year) ? 229 : code;
}

/** Today as age counts it: year × 10,000 + month × 100 + day. */
export function ageCode(calendar: Calendar): number {
  return dayOfNumber(calendar.today).year * 10_000 + yearlyCode(calendar.today, true);
}

const READ: Readonly<Record<OrderedType, ReadSpan>> = {
  integer: (literal) => point(integerOf(literal)),
  number: (literal) => point(decimalOf(literal)),
  money: (literal, { currency }) => point(moneyOf(literal, currency)),
  date: (literal, { calendar }) => instantsOf(momentOf(literal, calendar), calendar),
  calendar_date(literal, { calendar }) {
    const moment = momentOf(literal, calendar);
    return moment && { from: formatDay(moment.day), to: formatDay(moment.day) };
  },
  yearly_date(literal, { calendar }) {
    const moment = momentOf(literal, calendar);
    return moment && { from: moment.day, to: moment.day };
  },
  // The days of birth of those who are n full years old today.
  age(literal, { calendar }) {
    const years = integerOf(literal);
    if (years === undefined || Math.abs(years) > 9_999) return undefined;
    const newest = ageCode(calendar) - years * 10_000;
    return { from: newest - 9_999, to: newest };
  },
  days_since(literal, { calendar }) {
    const days = integerOf(literal);
    if (days === undefined || Math.abs(days) > 999_999) return undefined;
    return instantsOf(
      momentOf({ type: 'offset', text: `${days < 0 ? '+' : '-'}${Math.abs(days)}d` }, calendar),
      calendar,
    );
  },
};

/** What one value stands for; undefined for a literal that does not fit the type. */
export const spanOf = (type: OrderedType, literal: Literal, env: SpanEnv): Range | undefined =>
  READ[type](literal, env);

/** What a value of the type is written like, for messages. */
export function spellingOf(type: ScalarType, { currency }: Pick<SpanEnv, 'currency'>): string {
  const exponent = currencyExponent(currency) ?? 0;
  const decimals = exponent === 0 ? 'without decimals' : `with at most ${exponent} decimals`;
  const date = 'a date such as 2026-01-31, -90d, +1m, today or yesterday';
  const spellings: Readonly<Record<ScalarType, string>> = {
    integer: 'a whole number such as 5',
    number: 'a number such as 42 or 1.5',
    money: `an amount in ${currency} ${decimals}`,
    date,
    calendar_date: date,
    yearly_date: date,
    age: 'a whole number of years such as 18',
    days_since: 'a whole number of days such as 30',
    boolean: 'true or false',
    word: 'one of its words in single quotes',
    text: "text in single quotes, such as 'abc'",
  };
  return spellings[type];
}

/** Types that grow as the value gets older: `age > 18` asks for earlier days of birth. */
const REVERSED: readonly ScalarType[] = ['age', 'days_since'];

const below = ({ from }: Range): Range => ({ to: from as number | string, toOpen: true });
const upTo = ({ to, toOpen = false }: Range): Range => ({ to: to as number | string, toOpen });
const above = ({ to, toOpen = false }: Range): Range => ({ from: to as number | string, fromOpen: !toOpen });
const onwards = ({ from }: Range): Range => ({ from: from as number | string });
const through = (first: Range, last: Range): Range => ({ ...onwards(first), ...upTo(last) });

/** Both ends included, over New Year when the second day is the earlier one; a year or more is every day. */
function yearlyRanges(first: number, last: number): Range[] {
  let end = last;
  for (let years = 1; end < first; years++) end = addMonths(last, 12 * years);
  if (end - first >= 365) return [{ from: 101, to: 1231 }];
  const [from, to] = [yearlyCode(first, false), yearlyCode(end, true)];
  return from <= to
    ? [{ from, to }]
    : [
        { from, to: 1231 },
        { from: 101, to },
      ];
}

function yearly(op: Operator, spans: readonly Range[]): Range[] {
  const days = spans.map(({ from }) => from as number);
  const [first = 0, last = 0] = days;
  if (op === 'between' || op === 'not_between') return yearlyRanges(first, last);
  return days.flatMap((day) => yearlyRanges(day, day));
}

/** The ranges in which the operator, without its NOT, is true. `spans` has as many members as the operator takes values. */
export function rangesOf(type: OrderedType, op: Operator, spans: readonly Range[]): readonly Range[] {
  if (type === 'yearly_date') return yearly(op, spans);
  const isReversed = REVERSED.includes(type);
  const [first = {}, second = first] = spans;
  switch (op) {
    case '<':
      return [isReversed ? above(first) : below(first)];
    case '<=':
      return [isReversed ? onwards(first) : upTo(first)];
    case '>':
      return [isReversed ? below(first) : above(first)];
    case '>=':
      return [isReversed ? upTo(first) : onwards(first)];
    case 'between':
    case 'not_between':
      return [isReversed ? through(second, first) : through(first, second)];
    default:
      return spans;
  }
}
