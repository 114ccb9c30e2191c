// The liability report from its sums: bands, months, forecast, reconciliation.
import t from 'tap';
import { ageBounds, forecastPeriod, liabilityOf } from '../../../src/domain/ledger/liability.ts';

const AT = new Date('2026-11-15T12:00:00Z');
const CELL = { unit: 'EUR', band: 0, month: null, lots: 1, active: 0, pending: 0, held: 0, expired: 0 };
const SUMS = { unit: 'EUR', accounts: 1, balances: 0, entries: 0, overdrafts: 0, booked: 0 };

t.test('a lot is a day older at the very instant', async (t) => {
  t.equal(ageBounds(AT)[0]?.toISOString(), '2026-10-15T12:00:00.000Z', '31 days');
  t.equal(ageBounds(AT).length, 4);
});

t.test('the forecast has 12 months of the store’s calendar and ends with the last of them', async (t) => {
  const { months, until } = forecastPeriod(new Date('2026-12-31T23:30:00Z'), 'Europe/Berlin');
  t.equal(months[0], '2027-01', 'January has begun in Berlin');
  t.equal(months.at(-1), '2027-12');
  t.equal(until.toISOString(), '2027-12-31T23:00:00.000Z');
});

t.test('the expected breakage is the rate × all lots of the month, but no more than is left', async (t) => {
  const months = ['2026-11', '2026-12'];
  const expiring = (month: string, isPast: boolean, amount: number, unbooked = 0) => ({
    unit: 'EUR',
    month,
    isPast,
    amount,
    unbooked,
  });
  const [eur] = liabilityOf(
    {
      cells: [
        { ...CELL, month: '2026-11', active: 10 },
        { ...CELL, month: '2026-12', active: 900, held: 100 },
      ],
      sums: [{ ...SUMS, booked: 150 }],
      expiring: [
        expiring('2026-01', true, 1000, 50),
        expiring('2026-11', false, 100),
        expiring('2026-12', false, 2000),
      ],
    },
    months,
  );
  t.same(eur?.history, { due: 1000, expired: 200, rate: 0.2 });
  t.same(eur?.forecast, [
    { month: '2026-11', amount: 10, expectedBreakage: 10 },
    { month: '2026-12', amount: 1000, expectedBreakage: 400 },
  ]);
});

t.test('without a history nothing is expected', async (t) => {
  const [eur] = liabilityOf({ cells: [], sums: [SUMS], expiring: [] }, ['2026-11']);
  t.same(eur?.history, { due: 0, expired: 0, rate: null });
  t.same(eur?.forecast, [{ month: '2026-11', amount: 0 }]);
});

t.test(
  'L2 the difference is the largest gap between transfers, balances and lots − overdrafts',
  async (t) => {
    const cells = [{ ...CELL, active: 3_000_000_000, expired: 7 }];
    const sums = { ...SUMS, balances: 2_999_999_907, entries: 2_999_999_907, overdrafts: 100 };
    const differenceOf = (change: object) =>
      liabilityOf({ cells, sums: [{ ...sums, ...change }], expiring: [] }, [])[0]?.reconciliation.difference;
    t.equal(differenceOf({}), 0);
    t.equal(differenceOf({ entries: 2_999_999_900 }), 7);
    t.equal(differenceOf({ overdrafts: 101 }), 1);
  },
);
