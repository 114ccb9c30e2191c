// Dates and times of a query at an instant, in the zone of a store: whole local days, calendar arithmetic (segments.md,
// Meaning). Days are counted from 1970-01-01, so that they add up; instants are in milliseconds.
import { DAY_MS } from '../days.ts';
import { daysInMonth } from '../fields.ts';
import { instantOfLocal, localTimeAt } from '../zoned-time.ts';
import type { Literal } from './ast.ts';

const HOUR_MS = 3_600_000;

export interface CalendarDay {
  year: number;
  month: number;
  day: number;
}

export const dayNumber = ({ year, month, day }: CalendarDay): number =>
  Math.floor(Date.UTC(year, month - 1, day) / DAY_MS);

export function dayOfNumber(number: number): CalendarDay {
  const date = new Date(number * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** `2026-01-31`. */
export function formatDay(number: number): string {
  const { year, month, day } = dayOfNumber(number);
  return [String(year).padStart(4, '0'), String(month).padStart(2, '0'), String(day).padStart(2, '0')].join(
    '-',
  );
}

export const parseDay = (text: string): number => {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  return dayNumber({ year, month, day });
};

/** Months later or earlier, clamped to the end of the month: 31 January + 1 month is the last of February. */
export function addMonths(number: number, months: number): number {
  const { year, month, day } = dayOfNumber(number);
  const count = year * 12 + month - 1 + months;
  const target = { year: Math.floor(count / 12), month: (((count % 12) + 12) % 12) + 1 };
  return dayNumber({ ...target, day: Math.min(day, daysInMonth(target.month, target.year)) });
}

/** Years that dates of a query can lie in: four digits, and a day of room for every zone. */
const FIRST_DAY = dayNumber({ year: 1000, month: 1, day: 2 });
const LAST_DAY = dayNumber({ year: 9999, month: 12, day: 30 });

/** The clock and the calendar of a store at one instant; remembers what it has worked out. */
export class Calendar {
  readonly at: number;
  readonly timezone: string;
  readonly today: number;
  private readonly starts: Map<number, number>;

  constructor(at: Date, timezone: string, starts = new Map<number, number>()) {
    this.at = at.getTime();
    this.timezone = timezone;
    this.starts = starts;
    this.today = this.dayAt(this.at);
  }

  /** The same zone at the last moment of a day. */
  atEndOf(day: number): Calendar {
    return new Calendar(new Date(this.startOf(day + 1) - 1), this.timezone, this.starts);
  }

  /** The local day of an instant. */
  dayAt(instant: number): number {
    return dayNumber(localTimeAt(new Date(instant), this.timezone));
  }

  /** The first instant of a local day, which is not midnight where summer time begins at midnight. */
  startOf(day: number): number {
    const known = this.starts.get(day);
    if (known !== undefined) return known;
    const local = { ...dayOfNumber(day), hour: 0, minute: 0, second: 0 };
    const start = instantOfLocal(local, this.timezone)?.getTime() ?? Number.NaN;
    this.starts.set(day, start);
    return start;
  }
}

/** A day, or an instant with the day it lies in. */
export type Moment = { day: number; instant?: number };

const OFFSET = /^([+-])(\d{1,6})([hdwmy])$/;

function offsetMoment(text: string, calendar: Calendar): Moment {
  const [, sign, digits, unit] = OFFSET.exec(text) ?? [];
  const amount = Number(digits) * (sign === '-' ? -1 : 1);
  switch (unit) {
    case 'h': {
      const instant = calendar.at + amount * HOUR_MS;
      return { day: calendar.dayAt(instant), instant };
    }
    case 'd':
      return { day: calendar.today + amount };
    case 'w':
      return { day: calendar.today + 7 * amount };
    case 'm':
      return { day: addMonths(calendar.today, amount) };
    default:
      return { day: addMonths(calendar.today, 12 * amount) };
  }
}

const LOCAL = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?(?:\.(\d{1,3}))?$/;

/** With an offset from UTC it is that instant, without one the store's clock shows it. */
function instantOf(text: string, calendar: Calendar): number {
  const match = LOCAL.exec(text);
  if (!match) return Date.parse(text);
  const [, year, month, day, hour, minute, second = '0', fraction = '0'] = match;
  const local = { year, month, day, hour, minute, second };
  const numbers = Object.fromEntries(Object.entries(local).map(([name, digits]) => [name, Number(digits)]));
  const start = instantOfLocal(numbers as never, calendar.timezone)?.getTime() ?? Number.NaN;
  return start + Number(fraction.padEnd(3, '0'));
}

function readMoment({ type, text }: Literal, calendar: Calendar): Moment | undefined {
  switch (type) {
    case 'date':
      return { day: parseDay(text) };
    case 'day':
      return { day: calendar.today - (text === 'yesterday' ? 1 : 0) };
    case 'offset':
      return offsetMoment(text, calendar);
    case 'datetime': {
      const instant = instantOf(text, calendar);
      return { day: calendar.dayAt(instant), instant };
    }
    default:
      return undefined;
  }
}

/** What a literal of a date means; undefined for what is no date or lies beyond the years 1000 to 9999. */
export function momentOf(literal: Literal, calendar: Calendar): Moment | undefined {
  const moment = readMoment(literal, calendar);
  return moment && moment.day >= FIRST_DAY && moment.day <= LAST_DAY ? moment : undefined;
}

/** True for literals whose meaning moves with time. */
export const isRelative = ({ type }: Literal): boolean => type === 'offset' || type === 'day';
