import fc from 'fast-check';
import t from 'tap';
import { estimateCampaignEnd, forecast, type Load } from '../../../src/domain/mail/campaign-forecast.ts';

const START = new Date('2026-06-01T10:00:00Z');
const load = (count: number, more: Partial<Load> = {}): Load => ({
  domain: null,
  timezone: 'Europe/Berlin',
  dueAt: START,
  count,
  ...more,
});
const FREE = { quietHours: null, deadline: null };

t.test('a rate says how long it takes', async (t) => {
  const { endsAt, hours, late } = forecast([load(7_200)], { ...FREE, perSecond: 1 });
  t.equal(endsAt?.toISOString(), '2026-06-01T12:00:00.000Z');
  t.same(hours, [
    { hour: START, count: 3_600 },
    { hour: new Date('2026-06-01T11:00:00Z'), count: 3_600 },
  ]);
  t.equal(late, 0);
  t.same(forecast([], FREE), { endsAt: null, hours: [], late: 0 });
});

t.test('a domain of its own rate holds up only itself', async (t) => {
  const { endsAt, hours } = forecast([load(3_600, { domain: 'slow.example' }), load(3_600)], {
    ...FREE,
    perSecond: 100,
    perDomain: { 'slow.example': 0.5 },
  });
  t.equal(endsAt?.toISOString(), '2026-06-01T12:00:00.000Z');
  t.same(
    hours.map(({ count }) => count),
    [5_400, 1_800],
  );
  const others = forecast([load(60, { domain: 'a.example' }), load(60, { domain: 'b.example' })], {
    ...FREE,
    perDomain: { '*': 0.1 },
  });
  t.equal(
    others.endsAt?.toISOString(),
    '2026-06-01T10:10:00.000Z',
    'each of the others has the rate for itself',
  );
});

t.test('nothing goes in quiet hours, and what is left at the deadline is late', async (t) => {
  const quietHours = { from: '13:00', to: '15:00' };
  const plan = { quietHours, deadline: null, perSecond: 1 };
  const { endsAt, hours } = forecast([load(7_200)], plan);
  t.same(
    hours.map(({ hour, count }) => [hour.getUTCHours(), count]),
    [
      [10, 3_600],
      [13, 3_600],
    ],
    'in Berlin it is two hours later',
  );
  t.equal(endsAt?.toISOString(), '2026-06-01T14:00:00.000Z');
  const deadline = new Date('2026-06-01T13:30:00Z');
  t.equal(forecast([load(7_200)], { ...plan, deadline }).late, 1_800);
});

t.test('people of later clocks wait for theirs', async (t) => {
  const dueAt = new Date('2026-06-01T14:00:00Z');
  const { hours } = forecast([load(10), load(5, { dueAt, timezone: 'America/New_York' })], FREE);
  t.same(
    hours.map(({ hour, count }) => [hour.getUTCHours(), count]),
    [
      [10, 10],
      [14, 5],
    ],
  );
});

t.test('everybody is in an hour or late', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 0, max: 30 })), {
          maxLength: 8,
        }),
        fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
        fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
        (counts, perSecond, deadlineHours) => {
          const loads = counts.map(([count, hours]) =>
            load(count, { dueAt: new Date(START.getTime() + hours * 3_600_000) }),
          );
          const deadline = deadlineHours ? new Date(START.getTime() + deadlineHours * 3_600_000) : null;
          const { hours, late } = forecast(loads, {
            quietHours: { from: '22:00', to: '06:00' },
            deadline,
            ...(perSecond && { perSecond }),
          });
          const total = counts.reduce((sum, [count]) => sum + count, 0);
          return Math.abs(hours.reduce((sum, { count }) => sum + count, late) - total) <= hours.length;
        },
      ),
      { numRuns: 60 },
    ),
  );
});

t.test('a running campaign ends when its speed and its last clock say so', async (t) => {
  const lastDue = new Date('2026-06-01T12:00:00Z');
  t.equal(estimateCampaignEnd({ waiting: 0, perSecond: 5, lastDue }, START), null);
  t.equal(estimateCampaignEnd({ waiting: 5, perSecond: 0, lastDue }, START), null);
  t.same(estimateCampaignEnd({ waiting: 10, perSecond: 5, lastDue }, START), lastDue);
  t.equal(
    estimateCampaignEnd({ waiting: 36_000, perSecond: 5, lastDue: START }, START)?.toISOString(),
    '2026-06-01T12:00:00.000Z',
  );
});
