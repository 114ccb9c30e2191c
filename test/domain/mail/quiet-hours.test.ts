import fc from 'fast-check';
import t from 'tap';
import { isQuiet, quietUntil } from '../../../src/domain/mail/quiet-hours.ts';
import { clockChangeBetween, firstInstantOfLocal } from '../../../src/domain/zoned-time.ts';

const NIGHT = { from: '22:00', to: '08:00' };
const MINUTE = 60_000;

t.test('quiet hours end at the next allowed instant on the recipient’s clock', async (t) => {
  const cases: [at: string, zone: string, from: string, to: string, until: string][] = [
    ['2026-01-10T12:00:00Z', 'Europe/Berlin', '22:00', '08:00', '2026-01-10T12:00:00.000Z'],
    ['2026-01-10T21:00:00Z', 'Europe/Berlin', '22:00', '08:00', '2026-01-11T07:00:00.000Z'],
    ['2026-01-10T06:59:59Z', 'Europe/Berlin', '22:00', '08:00', '2026-01-10T07:00:00.000Z'],
    ['2026-01-10T07:00:00Z', 'Europe/Berlin', '22:00', '08:00', '2026-01-10T07:00:00.000Z'],
    ['2026-01-10T12:00:00Z', 'Asia/Tokyo', '20:00', '23:00', '2026-01-10T14:00:00.000Z'],
    // The night in which an hour is skipped, and the one in which an hour comes twice.
    ['2026-03-28T23:00:00Z', 'Europe/Berlin', '22:00', '08:00', '2026-03-29T06:00:00.000Z'],
    ['2026-10-24T22:00:00Z', 'Europe/Berlin', '22:00', '08:00', '2026-10-25T07:00:00.000Z'],
    // Quiet until 02:30, which is skipped: 03:00 is the next minute that the clock shows.
    ['2026-03-29T00:30:00Z', 'Europe/Berlin', '22:00', '02:30', '2026-03-29T01:00:00.000Z'],
    // Quiet from 02:30, and 02:00 comes again: then it is not quiet.
    ['2026-10-25T00:45:00Z', 'Europe/Berlin', '02:30', '08:00', '2026-10-25T01:00:00.000Z'],
    ['2026-10-25T01:45:00Z', 'Europe/Berlin', '02:30', '08:00', '2026-10-25T07:00:00.000Z'],
    ['2026-01-10T12:00:00Z', 'Europe/Berlin', '13:00', '13:00', '2026-01-10T12:00:00.000Z'],
  ];
  for (const [at, zone, from, to, until] of cases)
    t.equal(quietUntil(new Date(at), zone, { from, to }).toISOString(), until, `${at} ${from}–${to}`);
  const at = new Date('2026-01-10T23:00:00Z');
  t.equal(quietUntil(at, 'Europe/Berlin', null), at, 'without quiet hours nothing waits');
});

const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];
/** Days around changes of clocks, among others. */
const minutes = fc
  .oneof(
    fc.integer({ min: Date.UTC(2026, 2, 28), max: Date.UTC(2026, 2, 30) }),
    fc.integer({ min: Date.UTC(2026, 9, 24), max: Date.UTC(2026, 10, 2) }),
    fc.integer({ min: Date.UTC(2026, 3, 4), max: Date.UTC(2026, 3, 6) }),
    fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
  )
  .map((ms) => new Date(Math.floor(ms / MINUTE) * MINUTE));
const clock = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);

t.test('over any change of the clock, it is the first minute that is not quiet', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(minutes, fc.constantFrom(...ZONES), clock, clock, (at, zone, from, to) => {
        const quiet = { from, to };
        const until = quietUntil(at, zone, quiet);
        if (isQuiet(until, zone, quiet) || until < at) return false;
        for (let ms = at.getTime(); ms < until.getTime(); ms += MINUTE)
          if (!isQuiet(new Date(ms), zone, quiet)) return false;
        return true;
      }),
      { numRuns: 400 },
    ),
  );
  t.ok(isQuiet(new Date('2026-01-10T22:00:00Z'), 'Europe/Berlin', NIGHT));
});

t.test('a skipped local time is the instant of the skip, a whole skipped day included', async (t) => {
  const local = (year: number, month: number, day: number, hour: number, minute: number) => ({
    year,
    month,
    day,
    hour,
    minute,
    second: 0,
  });
  const cases: [ReturnType<typeof local>, string, string][] = [
    [local(2026, 3, 29, 2, 30), 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    [local(2026, 10, 25, 2, 30), 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    [local(2026, 10, 4, 2, 15), 'Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
    [local(2011, 12, 30, 10, 0), 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ];
  for (const [wanted, zone, instant] of cases)
    t.equal(firstInstantOfLocal(wanted, zone)?.toISOString(), instant, zone);
  t.equal(firstInstantOfLocal(local(2026, 2, 30, 10, 0), 'Europe/Berlin'), undefined);
  t.equal(clockChangeBetween(new Date('2026-01-01'), new Date('2026-01-02'), 'Europe/Berlin'), undefined);
});
