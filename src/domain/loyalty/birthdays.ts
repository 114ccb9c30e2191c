// Birthday rewards (P8): when one is due, and how often a birthday may be edited.
import type { Birthday, CalendarDay } from '../customers.ts';
import { daysInMonth } from '../fields.ts';
import { Calendar, dayNumber, dayOfNumber } from '../segments/moments.ts';
import { yearlyDay } from './expiry.ts';

/** A job that was down for longer makes up for the last year. */
const MAX_MISSED_DAYS = 365;

/**
 * P8: whether a reward is due on a local date of the store; 29 February is the 28th in common years, as in segments.
 * Once per calendar year, whatever day the birthday was edited to. A job that was down asks for each day that it missed.
 */
export function isBirthdayRewardDue(
  birthday: Pick<Birthday, 'month' | 'day'>,
  lastRewardedYear: number | null,
  today: CalendarDay,
): boolean {
  if (lastRewardedYear !== null && lastRewardedYear >= today.year) return false;
  return yearlyDay(birthday, today.year) === dayNumber(today);
}

/** The birthdays that are celebrated on a day: its own, and on the last of February in common years the 29th too. */
export function birthdaysOn({ year, month, day }: CalendarDay): Pick<Birthday, 'month' | 'day'>[] {
  const own = { month, day };
  return month === 2 && day === 28 && daysInMonth(2, year) === 28 ? [own, { month, day: 29 }] : [own];
}

/** P8: local days from that of the last run to today, the latest first, at most a year of them. */
export function daysToCelebrate(lastRunAt: Date | null, now: Date, timezone: string): CalendarDay[] {
  const { today } = new Calendar(now, timezone);
  const first = lastRunAt === null ? today : new Calendar(lastRunAt, timezone).today;
  const count = Math.min(MAX_MISSED_DAYS, Math.max(0, today - first)) + 1;
  return Array.from({ length: count }, (_, back) => dayOfNumber(today - back));
}

/** P2, P8: the id of a birthday as a source of points: one per customer and calendar year. */
export function birthdaySourceId(customerId: string, year: number): string {
  return `${customerId}:${year}`;
}

/** P8: whether the day itself changes. Giving it for the first time is no edit, taking it away is one. */
export function isBirthdayEdit(
  before: { birthdayMonth: number | null; birthdayDay: number | null },
  after: Pick<Birthday, 'month' | 'day'> | null,
): boolean {
  if (before.birthdayMonth === null || before.birthdayDay === null) return false;
  return after?.month !== before.birthdayMonth || after.day !== before.birthdayDay;
}

/**
 * P8: edited once a calendar year of the store. Giving the birthday for the first time is no edit, so it leaves
 * `lastEditedYear` null.
 */
export function mayEditBirthday(lastEditedYear: number | null, at: Date, timezone: string): boolean {
  const { year } = dayOfNumber(new Calendar(at, timezone).today);
  return lastEditedYear === null || lastEditedYear < year;
}
