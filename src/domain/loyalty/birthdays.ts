// Birthday rewards (P8): when one is due, and how often a birthday may be edited.
import type { Birthday, CalendarDay } from '../customers.ts';
import { Calendar, dayNumber, dayOfNumber } from '../segments/moments.ts';
import { yearlyDay } from './expiry.ts';

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

/** P2, P8: the id of a birthday as a source of points: one per customer and calendar year. */
export function birthdaySourceId(customerId: string, year: number): string {
  return `${customerId}:${year}`;
}

/**
 * P8: edited once a calendar year of the store. Giving the birthday for the first time is no edit, so it leaves
 * `lastEditedYear` null.
 */
export function mayEditBirthday(lastEditedYear: number | null, at: Date, timezone: string): boolean {
  const { year } = dayOfNumber(new Calendar(at, timezone).today);
  return lastEditedYear === null || lastEditedYear < year;
}
