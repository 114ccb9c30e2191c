import t from 'tap';
import {
  type GroupOrders,
  groupResults,
  share,
  upliftOf,
} from '../../../src/domain/mail/campaign-results.ts';

const row = (heldOut: boolean, more: Partial<GroupOrders> = {}): GroupOrders => ({
  heldOut,
  currency: 'EUR',
  orders: 10,
  customers: 8,
  revenue: 3_000_000_000,
  ...more,
});

t.test('shares of nothing are nothing', async (t) => {
  t.equal(share(1, 0), 0);
  t.equal(share(1, 3), 0.333333);
});

t.test('each currency of each group stands for itself', async (t) => {
  const rows = [row(false), row(false, { currency: 'JPY', revenue: 70 }), row(true, { revenue: 5 })];
  t.same(
    groupResults(rows, { heldOut: false, people: 100 }).map(
      ({ currency, conversionRate, revenuePerPerson }) => [currency, conversionRate, revenuePerPerson],
    ),
    [
      ['EUR', 0.08, 30_000_000],
      ['JPY', 0.08, 1],
    ],
  );
  t.equal(groupResults(rows, { heldOut: true, people: 10 }).length, 1);
});

t.test('what the mails brought is what the hold-out group did not bring', async (t) => {
  const rows = [row(false, { customers: 20, revenue: 100_000 }), row(true, { customers: 1, revenue: 5_000 })];
  t.same(upliftOf(rows, { sent: 100, holdout: 10 }), [
    { currency: 'EUR', conversionRate: 0.1, revenuePerPerson: 500, revenue: 50_000 },
  ]);
  t.same(upliftOf(rows, { sent: 100, holdout: 0 }), [], 'without a hold-out group nobody knows');
  t.same(upliftOf([row(true, { revenue: 1_000 })], { sent: 10, holdout: 10 }), [
    { currency: 'EUR', conversionRate: -0.8, revenuePerPerson: -100, revenue: -1_000 },
  ]);
});
