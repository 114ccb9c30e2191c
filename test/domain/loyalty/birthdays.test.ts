import fc from 'fast-check';
import t from 'tap';
import {
  birthdaySourceId,
  birthdaysOn,
  daysToCelebrate,
  isBirthdayRewardDue,
  mayEditBirthday,
} from '../../../src/domain/loyalty/birthdays.ts';
import { dayNumber, dayOfNumber } from '../../../src/domain/segments/moments.ts';
import { at } from '../../support/order-examples.ts';

const date = (text: string) => {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  return { year, month, day };
};

t.test('P8 a reward is due on the birthday; 29 February is the 28th in common years', async (t) => {
  const cases: [birthday: string, lastRewarded: number | null, today: string, due: boolean][] = [
    ['0000-05-17', null, '2026-05-17', true],
    ['0000-05-17', 2025, '2026-05-17', true],
    ['0000-05-17', 2026, '2026-05-17', false],
    ['0000-05-17', 2027, '2026-05-17', false],
    ['0000-05-17', null, '2026-05-16', false],
    ['0000-05-17', null, '2026-05-18', false],
    ['0000-02-29', null, '2026-02-28', true],
    ['0000-02-29', null, '2026-03-01', false],
    ['0000-02-29', null, '2024-02-28', false],
    ['0000-02-29', null, '2024-02-29', true],
    ['0000-02-28', null, '2024-02-28', true],
    ['0000-12-31', 2025, '2026-12-31', true],
    ['0000-01-01', 2026, '2027-01-01', true],
  ];
  for (const [birthday, lastRewarded, today, due] of cases) {
    t.equal(isBirthdayRewardDue(date(birthday), lastRewarded, date(today)), due, `${birthday} ${today}`);
  }
});

t.test('P8 every birthday has one reward a year, also if it is edited every day', async () => {
  const birthday = fc.record({
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 28 }),
  });
  const leap = fc.constant({ month: 2, day: 29 });
  const year = fc.constantFrom(2023, 2024, 2025, 2100);
  fc.assert(
    fc.property(fc.oneof(birthday, leap), year, fc.array(birthday), (birthday, year, edits) => {
      const rewards = (birthdayOn: (index: number) => typeof birthday) => {
        let [count, last]: [number, number | null] = [0, year - 1];
        const first = dayNumber({ year, month: 1, day: 1 });
        for (let day = first; dayOfNumber(day).year === year; day += 1) {
          if (!isBirthdayRewardDue(birthdayOn(day - first), last, dayOfNumber(day))) continue;
          [count, last] = [count + 1, year];
        }
        return count;
      };
      const edited = rewards((index) => edits[index % Math.max(1, edits.length)] ?? birthday);
      return rewards(() => birthday) === 1 && edited <= 1;
    }),
  );
});

t.test('P8 the source of a birthday is the customer and the year', async (t) => {
  t.equal(birthdaySourceId('c1', 2026), 'c1:2026');
});

t.test('P8 a birthday may be edited once a calendar year of the store', async (t) => {
  const cases: [number | null, at: string, timezone: string, may: boolean][] = [
    [null, '2026-05-01T00:00:00Z', 'UTC', true],
    [2025, '2026-05-01T00:00:00Z', 'UTC', true],
    [2026, '2026-05-01T00:00:00Z', 'UTC', false],
    [2026, '2026-12-31T23:30:00Z', 'UTC', false],
    [2026, '2026-12-31T23:30:00Z', 'Europe/Berlin', true],
    [2026, '2027-01-01T02:00:00Z', 'America/Sao_Paulo', false],
  ];
  for (const [lastEdited, when, timezone, may] of cases) {
    t.equal(mayEditBirthday(lastEdited, at(when), timezone), may, `${lastEdited} ${when} ${timezone}`);
  }
});

t.test('P8 the birthdays of a day are those whose reward is due on it', async (t) => {
  const first = dayNumber({ year: 2023, month: 1, day: 1 });
  for (let number = first; number < first + 3 * 366; number++) {
    const today = dayOfNumber(number);
    const due = [
      { month: today.month, day: today.day },
      { month: 2, day: 29 },
    ].filter((birthday) => isBirthdayRewardDue(birthday, null, today));
    const unique = new Set(due.map(({ month, day }) => `${month}-${day}`));
    t.same(
      birthdaysOn(today).map(({ month, day }) => `${month}-${day}`),
      [...unique],
    );
  }
});

t.test(
  'P8 a job celebrates its own day and all since the last run, on the calendar of the store',
  async (t) => {
    const days = (lastRunAt: string | null, now: string) =>
      daysToCelebrate(lastRunAt === null ? null : at(lastRunAt), at(now), 'Europe/Berlin').map(
        ({ year, month, day }) => `${year}-${month}-${day}`,
      );
    t.same(days(null, '2026-05-17T02:00:00Z'), ['2026-5-17']);
    t.same(days(null, '2026-05-16T22:30:00Z'), ['2026-5-17'], 'it is tomorrow already in Berlin');
    t.same(days('2026-05-17T00:00:00Z', '2026-05-17T02:00:00Z'), ['2026-5-17']);
    t.same(days('2025-12-30T02:00:00Z', '2026-01-01T02:00:00Z'), ['2026-1-1', '2025-12-31', '2025-12-30']);
    t.same(days('2026-05-19T02:00:00Z', '2026-05-17T02:00:00Z'), ['2026-5-17'], 'a clock that went back');
    t.equal(days('2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z').length, 366, 'a year at most');
  },
);
