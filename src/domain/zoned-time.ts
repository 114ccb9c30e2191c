// Wall clocks: from an instant to the local time of an IANA zone and back. Formatters are costly, so one per zone is kept.
import { DAY_MS } from './days.ts';

/** What a clock on the wall and the calendar beside it show; months and days from 1. */
export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  formatters.set(timezone, made);
  return made;
}

/** Summer time included; `weekday` as in ISO 8601, 1 = Monday. An unknown zone throws a RangeError. */
export function localTimeAt(instant: Date, timezone: string): LocalTime & { weekday: number } {
  const offsetMs = steadyOffsetMs(instant.getTime(), timezone);
  if (offsetMs === undefined) return formattedTimeAt(instant, timezone);
  const local = new Date(instant.getTime() + offsetMs);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    weekday: local.getUTCDay() || 7,
  };
}

/** Shorter than the time between any two changes of a zone's clock. */
const STRETCH_MS = 6 * 3_600_000;
const MAX_STRETCHES = 100_000;
/** Offsets of the stretches of a zone that were asked for; null where the clock changes within. */
const stretches = new Map<string, Map<number, number | null>>();

/**
 * The zone's offset from UTC, if it is the same all through the stretch of time that the instant lies in: formatting
 * takes twenty times as long. Undefined where the clock changes, and before 1970.
 */
function steadyOffsetMs(ms: number, timezone: string): number | undefined {
  if (!(ms >= 0)) return undefined;
  const known = stretches.get(timezone) ?? new Map<number, number | null>();
  const stretch = Math.floor(ms / STRETCH_MS);
  const offset = known.get(stretch);
  if (offset !== undefined) return offset ?? undefined;
  const from = formattedOffsetMs(stretch * STRETCH_MS, timezone);
  const isSteady = from === formattedOffsetMs((stretch + 1) * STRETCH_MS - 1, timezone);
  if (known.size >= MAX_STRETCHES) known.clear();
  stretches.set(timezone, known.set(stretch, isSteady ? from : null));
  return isSteady ? from : undefined;
}

function formattedTimeAt(instant: Date, timezone: string): LocalTime & { weekday: number } {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const part of formatterOf(timezone).formatToParts(instant)) parts[part.type] = Number(part.value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  return { year, month, day, hour, minute, second, weekday: weekdayOf({ year, month, day }) };
}

function weekdayOf(date: { year: number; month: number; day: number }): number {
  return new Date(Date.UTC(date.year, date.month - 1, date.day)).getUTCDay() || 7;
}

/**
 * The instant at which the zone's clock shows the local time. An hour that occurs twice means the first one; an hour
 * that is skipped moves forward by the gap (as Temporal's "compatible"). Undefined for a date that does not exist.
 */
export function instantOfLocal(local: LocalTime, timezone: string): Date | undefined {
  const asUtcMs = utcMsOf(local);
  if (asUtcMs === undefined) return undefined;
  const before = asUtcMs - offsetMsAt(asUtcMs - DAY_MS, timezone);
  const after = asUtcMs - offsetMsAt(asUtcMs + DAY_MS, timezone);
  const shown = [before, after].find((ms) => ms + offsetMsAt(ms, timezone) === asUtcMs);
  return new Date(shown ?? before);
}

/**
 * The first instant at which the zone's clock shows the local time or, where the clock skips it, the instant of the
 * skip: the next minute that the clock shows. Undefined for a date that does not exist.
 */
export function firstInstantOfLocal(local: LocalTime, timezone: string): Date | undefined {
  const instant = instantOfLocal(local, timezone);
  if (instant === undefined || localMsAt(instant, timezone) === utcMsOf(local)) return instant;
  return clockChangeBetween(new Date(instant.getTime() - LONGEST_SKIP_MS), instant, timezone) ?? instant;
}

/** What the zone's clock shows, as milliseconds since 1970 on that clock. */
export const localMsAt = (instant: Date, timezone: string): number =>
  instant.getTime() + offsetMsAt(instant.getTime(), timezone);

/** Zones that crossed the date line skipped a whole day. */
const LONGEST_SKIP_MS = 26 * 3_600_000;

/**
 * When between the two instants the zone's clock is changed; undefined when it is not. They are less than two changes
 * apart.
 */
export function clockChangeBetween(from: Date, until: Date, timezone: string): Date | undefined {
  let [before, after] = [from.getTime(), until.getTime()];
  const offset = offsetMsAt(before, timezone);
  if (offsetMsAt(after, timezone) === offset) return undefined;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetMsAt(middle, timezone) === offset) before = middle;
    else after = middle;
  }
  return new Date(after);
}

/** Undefined for the 30th of February, 25 o'clock and years before 1000, which are typing errors here. */
function utcMsOf({ year, month, day, hour, minute, second }: LocalTime): number | undefined {
  if (year < 1000 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  return new Date(ms).getUTCDate() === day ? ms : undefined;
}

const offsetMsAt = (ms: number, timezone: string): number =>
  steadyOffsetMs(ms, timezone) ?? formattedOffsetMs(ms, timezone);

function formattedOffsetMs(ms: number, timezone: string): number {
  const { year, month, day, hour, minute, second } = formattedTimeAt(new Date(ms), timezone);
  const wholeSeconds = Math.floor(ms / 1000) * 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSeconds;
}
