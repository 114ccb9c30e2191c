// When points stop to count (P4). A lot keeps the instant that its policy gave it; later settings change nothing in it.
import assert from 'node:assert';
import { daysInMonth } from '../fields.ts';
import { addMonths, Calendar, dayNumber, dayOfNumber } from '../segments/moments.ts';

export const EXPIRY_KINDS = ['none', 'rolling_months', 'fixed_day', 'inactivity_months'] as const;
export type ExpiryKind = (typeof EXPIRY_KINDS)[number];

export const EXPIRY_ROUNDINGS = ['none', 'month', 'quarter', 'year'] as const;
export type ExpiryRounding = (typeof EXPIRY_ROUNDINGS)[number];

/** P4. One flat object: `checkProgramme` says which fields belong to which kind. */
export interface ExpiryPolicy {
  kind: ExpiryKind;
  /** Of `rolling_months` and `inactivity_months`. */
  months?: number;
  /** Of `rolling_months`: on to the end of the month, quarter or year in which the last day lies. */
  roundUp?: ExpiryRounding;
  /** Of `fixed_day`: 1 to 12. */
  month?: number;
  /** Of `fixed_day`; 29 February is the 28th in common years. */
  day?: number;
}

const MONTHS_OF_ROUNDING = { month: 1, quarter: 3, year: 12 } as const;

/**
 * P4: the instant from which a lot no longer counts; null = never. `from` is the lot's `activeFrom`, for
 * `inactivity_months` the customer's last activity. Points count through the whole last local day, so the instant is
 * the start of the day after: the first one that the zone's clock shows, which summer time may move off midnight.
 * Months end where the calendar ends them (31 January + 1 month = the last of February). With `fixed_day` the points
 * that become active on that very day expire with it: after it nobody has any.
 */
export function expiresAt(policy: ExpiryPolicy, from: Date, timezone: string): Date | null {
  const calendar = new Calendar(from, timezone);
  const lastDay = lastDayOf(policy, calendar.today);
  return lastDay === null ? null : new Date(calendar.startOf(lastDay + 1));
}

/** The far instant from which points count whose order was not delivered yet (P3). */
export const UNDATED = new Date('9999-01-01T00:00:00.000Z');

/**
 * P3, P4: when a lot counts. `from` is null while its delivery is waited for. Under `inactivity_months` it lasts from the
 * owner's last activity, but no shorter than from the day when it begins to count.
 */
export function lotDates(
  policy: ExpiryPolicy,
  from: Date | null,
  lastActivityAt: Date,
  timezone: string,
): { activeFrom: Date; expiresAt: Date | null } {
  if (from === null) return { activeFrom: UNDATED, expiresAt: null };
  const isIdle = policy.kind === 'inactivity_months' && lastActivityAt > from;
  return { activeFrom: from, expiresAt: expiresAt(policy, isIdle ? lastActivityAt : from, timezone) };
}

/** The day number of a day of the year; 29 February is the 28th in common years, as segments read birthdays. */
export function yearlyDay({ month, day }: { month: number; day: number }, year: number): number {
  return dayNumber({ year, month, day: Math.min(day, daysInMonth(month, year)) });
}

function lastDayOf(policy: ExpiryPolicy, from: number): number | null {
  switch (policy.kind) {
    case 'none':
      return null;
    case 'rolling_months':
      return roundUp(addMonths(from, monthsOf(policy)), policy.roundUp ?? 'none');
    case 'inactivity_months':
      return addMonths(from, monthsOf(policy));
    case 'fixed_day':
      return nextFixedDay(policy, from);
  }
}

function monthsOf({ months }: ExpiryPolicy): number {
  assert(months !== undefined);
  return months;
}

function roundUp(day: number, rounding: ExpiryRounding): number {
  if (rounding === 'none') return day;
  const { year, month } = dayOfNumber(day);
  const size = MONTHS_OF_ROUNDING[rounding];
  const lastMonth = Math.ceil(month / size) * size;
  return dayNumber({ year, month: lastMonth, day: daysInMonth(lastMonth, year) });
}

function nextFixedDay({ month, day }: ExpiryPolicy, from: number): number {
  assert(month !== undefined && day !== undefined);
  const { year } = dayOfNumber(from);
  const thisYear = yearlyDay({ month, day }, year);
  return thisYear >= from ? thisYear : yearlyDay({ month, day }, year + 1);
}
