// Quiet hours: local clock times between which no marketing is sent.
import { DAY_MS } from '../days.ts';
import { clockChangeBetween, localMsAt } from '../zoned-time.ts';
import type { QuietHours } from './settings.ts';

const MINUTE_MS = 60_000;

/** Milliseconds since midnight of `HH:MM`. */
function msOfDay(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return (hours * 60 + minutes) * MINUTE_MS;
}

const forward = (ms: number): number => ((ms % DAY_MS) + DAY_MS) % DAY_MS;

/**
 * Whether the zone's clock shows a time from `from` (included) to `to` (not included); equal ones are no time at all.
 */
export function isQuiet(at: Date, timezone: string, { from, to }: QuietHours): boolean {
  const sinceFrom = forward(localMsAt(at, timezone) - msOfDay(from));
  return sinceFrom < forward(msOfDay(to) - msOfDay(from));
}

/**
 * The first instant, `at` or later, that is not quiet in the zone. Where the clock is changed meanwhile, the quiet
 * hours are those that it shows: an hour that comes twice can be quiet twice, one that is skipped is quiet for
 * nobody.
 */
export function quietUntil(at: Date, timezone: string, quietHours: QuietHours | null): Date {
  let instant = at;
  while (quietHours && isQuiet(instant, timezone, quietHours)) {
    const left = forward(msOfDay(quietHours.to) - localMsAt(instant, timezone));
    const end = new Date(instant.getTime() + left);
    instant = clockChangeBetween(instant, end, timezone) ?? end;
  }
  return instant;
}
