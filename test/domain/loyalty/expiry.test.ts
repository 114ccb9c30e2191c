import fc from 'fast-check';
import t from 'tap';
import { daysInMonth } from '../../../src/domain/fields.ts';
import {
  EXPIRY_ROUNDINGS,
  type ExpiryPolicy,
  expiresAt,
  yearlyDay,
} from '../../../src/domain/loyalty/expiry.ts';
import { formatDay } from '../../../src/domain/segments/moments.ts';
import { localTimeAt } from '../../../src/domain/zoned-time.ts';

const ZONES = ['UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Kathmandu'];

const rolling = (months: number, roundUp: ExpiryPolicy['roundUp'] = 'none'): ExpiryPolicy => ({
  kind: 'rolling_months',
  months,
  roundUp,
});
const fixed = (month: number, day: number): ExpiryPolicy => ({ kind: 'fixed_day', month, day });

t.test('P4 points count through their last local day, whatever the clocks do', async (t) => {
  const cases: [ExpiryPolicy, from: string, timezone: string, expires: string | null][] = [
    [{ kind: 'none' }, '2026-01-15T12:00:00Z', 'UTC', null],
    [rolling(12), '2026-01-15T12:00:00Z', 'UTC', '2027-01-16T00:00:00.000Z'],
    // The end of the month.
    [rolling(1), '2026-01-31T12:00:00Z', 'UTC', '2026-03-01T00:00:00.000Z'],
    [rolling(1), '2024-01-31T12:00:00Z', 'UTC', '2024-03-01T00:00:00.000Z'],
    [rolling(1), '2024-01-29T12:00:00Z', 'UTC', '2024-03-01T00:00:00.000Z'],
    [rolling(1), '2024-01-28T12:00:00Z', 'UTC', '2024-02-29T00:00:00.000Z'],
    [rolling(12), '2024-02-29T12:00:00Z', 'UTC', '2025-03-01T00:00:00.000Z'],
    [rolling(48), '2024-02-29T12:00:00Z', 'UTC', '2028-03-01T00:00:00.000Z'],
    [rolling(2), '2025-12-31T12:00:00Z', 'UTC', '2026-03-01T00:00:00.000Z'],
    // The local day decides: late in the evening it is tomorrow in Berlin.
    [rolling(1), '2026-01-31T23:30:00Z', 'Europe/Berlin', '2026-03-01T23:00:00.000Z'],
    // Summer time begins on the 29th of March in Berlin, ends on the 25th of October.
    [rolling(1), '2026-02-28T12:00:00Z', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    [rolling(1), '2026-03-01T12:00:00Z', 'Europe/Berlin', '2026-04-01T22:00:00.000Z'],
    [rolling(1), '2026-09-25T12:00:00Z', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    // São Paulo had no midnight on the 4th of November 2018: the day began at 1 o'clock.
    [rolling(1), '2018-10-03T12:00:00Z', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    [rolling(1), '2018-10-04T12:00:00Z', 'America/Sao_Paulo', '2018-11-05T02:00:00.000Z'],
    // Midnight came twice at the end of the 17th of February 2018.
    [rolling(1), '2018-01-17T12:00:00Z', 'America/Sao_Paulo', '2018-02-18T03:00:00.000Z'],
    // Samoa had no 30th of December 2011: what ends after the 29th and what ends after the 30th end at once.
    [rolling(1), '2011-11-29T20:00:00Z', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    [rolling(1), '2011-12-01T09:00:00Z', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    [rolling(1), '2011-12-01T20:00:00Z', 'Pacific/Apia', '2012-01-01T10:00:00.000Z'],
    // Rounded up.
    [rolling(1, 'month'), '2026-01-10T12:00:00Z', 'UTC', '2026-03-01T00:00:00.000Z'],
    [rolling(1, 'month'), '2026-01-31T12:00:00Z', 'UTC', '2026-03-01T00:00:00.000Z'],
    [rolling(1, 'quarter'), '2026-01-10T12:00:00Z', 'UTC', '2026-04-01T00:00:00.000Z'],
    [rolling(1, 'quarter'), '2026-02-28T12:00:00Z', 'UTC', '2026-04-01T00:00:00.000Z'],
    [rolling(1, 'quarter'), '2026-03-01T12:00:00Z', 'UTC', '2026-07-01T00:00:00.000Z'],
    [rolling(12, 'year'), '2026-01-01T12:00:00Z', 'UTC', '2028-01-01T00:00:00.000Z'],
    [rolling(12, 'year'), '2026-12-31T12:00:00Z', 'UTC', '2028-01-01T00:00:00.000Z'],
    [rolling(1, 'year'), '2026-12-31T23:30:00Z', 'Europe/Berlin', '2027-12-31T23:00:00.000Z'],
    // A fixed day, the day itself included; 29 February is the 28th in common years.
    [fixed(12, 31), '2026-01-01T00:00:00Z', 'UTC', '2027-01-01T00:00:00.000Z'],
    [fixed(12, 31), '2026-12-31T23:59:59.999Z', 'UTC', '2027-01-01T00:00:00.000Z'],
    [fixed(12, 31), '2026-12-31T23:30:00Z', 'Europe/Berlin', '2027-12-31T23:00:00.000Z'],
    [fixed(6, 30), '2026-07-01T00:00:00Z', 'UTC', '2027-07-01T00:00:00.000Z'],
    [fixed(2, 29), '2026-01-01T00:00:00Z', 'UTC', '2026-03-01T00:00:00.000Z'],
    [fixed(2, 29), '2027-03-01T00:00:00Z', 'UTC', '2028-03-01T00:00:00.000Z'],
    // From the last activity on.
    [{ kind: 'inactivity_months', months: 6 }, '2026-08-31T12:00:00Z', 'UTC', '2027-03-01T00:00:00.000Z'],
  ];
  for (const [policy, from, timezone, expected] of cases) {
    const expires = expiresAt(policy, new Date(from), timezone);
    t.equal(expires?.toISOString() ?? null, expected, `${JSON.stringify(policy)} ${from} ${timezone}`);
  }
});

const instant = fc.date({
  min: new Date('2000-01-01'),
  max: new Date('2037-01-01'),
  noInvalidDate: true,
});
const zone = fc.constantFrom(...ZONES);
const policy: fc.Arbitrary<ExpiryPolicy> = fc.oneof(
  fc.record({
    kind: fc.constant('rolling_months' as const),
    months: fc.integer({ min: 1, max: 120 }),
    roundUp: fc.constantFrom(...EXPIRY_ROUNDINGS),
  }),
  fc.record({
    kind: fc.constant('inactivity_months' as const),
    months: fc.integer({ min: 1, max: 120 }),
  }),
  fc
    .integer({ min: 1, max: 12 })
    .chain((month) => fc.integer({ min: 1, max: daysInMonth(month) }).map((day) => fixed(month, day))),
);

t.test(
  'P4 expiry lies ahead, at the first moment of a local day, and never overtakes a later lot',
  async () => {
    fc.assert(
      fc.property(policy, instant, instant, zone, (policy, one, other, timezone) => {
        const [first, second] = one <= other ? [one, other] : [other, one];
        const [early, late] = [expiresAt(policy, first, timezone), expiresAt(policy, second, timezone)];
        if (early === null || late === null) return false;
        const before = localTimeAt(new Date(early.getTime() - 1), timezone);
        return early > first && early <= late && before.day !== localTimeAt(early, timezone).day;
      }),
    );
  },
);

t.test('P4 rounding up never takes time away and ends with a month, quarter or year', async () => {
  const months = fc.integer({ min: 1, max: 120 });
  fc.assert(
    fc.property(months, instant, zone, (count, from, timezone) => {
      const ends = EXPIRY_ROUNDINGS.map((roundUp) => expiresAt(rolling(count, roundUp), from, timezone));
      const [none = null, month = null, quarter = null, year = null] = ends;
      if (none === null || month === null || quarter === null || year === null) return false;
      const starts = [month, quarter, year].map((end) => localTimeAt(end, timezone));
      const [ofMonth, ofQuarter, ofYear] = starts;
      return (
        none <= month &&
        month <= quarter &&
        quarter <= year &&
        starts.every(({ day }) => day === 1) &&
        ((ofQuarter?.month ?? 0) - 1) % 3 === 0 &&
        ofYear?.month === 1 &&
        ofMonth !== undefined
      );
    }),
  );
});

t.test('a day of the year exists every year', async (t) => {
  t.equal(formatDay(yearlyDay({ month: 2, day: 29 }, 2024)), '2024-02-29');
  t.equal(formatDay(yearlyDay({ month: 2, day: 29 }, 2026)), '2026-02-28');
  t.equal(formatDay(yearlyDay({ month: 2, day: 29 }, 2100)), '2100-02-28');
  t.equal(formatDay(yearlyDay({ month: 12, day: 31 }, 2026)), '2026-12-31');
});
