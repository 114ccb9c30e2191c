import fc from 'fast-check';
import t from 'tap';
import { instantOfLocal, localTimeAt } from '../../src/domain/zoned-time.ts';

const zones = [
  'UTC',
  'Europe/London',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
];

t.test('local time follows summer time; weekdays are those of ISO 8601', async (t) => {
  const cases: [string, string, number, number][] = [
    ['2011-03-27T00:59:59Z', 'Europe/London', 0, 7],
    ['2011-03-27T01:00:00Z', 'Europe/London', 2, 7],
    ['2011-07-01T23:30:00Z', 'Europe/London', 0, 6],
    ['2026-01-05T03:00:00Z', 'America/New_York', 22, 7],
    ['2026-01-05T18:15:00Z', 'Asia/Kathmandu', 0, 2],
  ];
  for (const [instant, zone, hour, weekday] of cases) {
    const local = localTimeAt(new Date(instant), zone);
    t.same([local.hour, local.weekday], [hour, weekday], `${instant} ${zone}`);
  }
  t.throws(() => localTimeAt(new Date(), 'Mars/Olympus'), RangeError);
});

t.test('the hour that occurs twice is the first one, the skipped hour moves forward', async (t) => {
  const cases: [string, string, string][] = [
    ['2011-06-01T12:00:00', 'Europe/London', '2011-06-01T11:00:00.000Z'],
    ['2011-12-01T12:00:00', 'Europe/London', '2011-12-01T12:00:00.000Z'],
    ['2011-10-30T01:30:00', 'Europe/London', '2011-10-30T00:30:00.000Z'],
    ['2011-03-27T01:30:00', 'Europe/London', '2011-03-27T01:30:00.000Z'],
    ['2026-03-08T02:30:00', 'America/New_York', '2026-03-08T07:30:00.000Z'],
    ['2026-11-01T01:30:00', 'America/New_York', '2026-11-01T05:30:00.000Z'],
  ];
  for (const [local, zone, instant] of cases) {
    t.equal(instantOfLocal(fields(local), zone)?.toISOString(), instant, `${local} ${zone}`);
  }
});

t.test('dates that do not exist have no instant', async (t) => {
  for (const text of [
    '2026-02-29T00:00:00',
    '2026-13-01T00:00:00',
    '2026-00-10T00:00:00',
    '2026-01-01T24:00:00',
  ]) {
    t.equal(instantOfLocal(fields(text), 'UTC'), undefined, text);
  }
  t.equal(instantOfLocal(fields('0026-01-01T00:00:00'), 'UTC'), undefined);
  t.ok(instantOfLocal(fields('2024-02-29T00:00:00'), 'UTC'));
});

t.test('there and back is the same wall clock in every zone', async () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1990-01-01'), max: new Date('2037-01-01'), noInvalidDate: true }),
      fc.constantFrom(...zones),
      (instant, zone) => {
        const local = localTimeAt(instant, zone);
        const back = instantOfLocal(local, zone);
        if (back === undefined) return false;
        const again = localTimeAt(back, zone);
        // Equal up to milliseconds, or the first of the two instants that the clock shows.
        return JSON.stringify(again) === JSON.stringify(local) && back <= instant;
      },
    ),
  );
});

function fields(text: string) {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = text.split(/[-T:]/).map(Number);
  return { year, month, day, hour, minute, second };
}
