// Metrics of the programme (P10): every count against what was done, and the points against the ledger.
import t from 'tap';
import { LOYALTY_METRICS } from '../../src/domain/loyalty/metrics.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { loyaltyStore } from '../support/loyalty.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

interface Metric {
  key: string;
  numerator: { name: string; value: number };
  denominator: { name: string; value: number };
  ratio: number | null;
}

t.test('P10 every metric names its two counts and means what it says', async (t) => {
  const store = await loyaltyStore(app, database, {
    rules: [
      { id: 'a', kind: 'event', event: 'referral', side: 'advocate', points: 10 },
      { id: 'f', kind: 'event', event: 'referral', side: 'friend', points: 5 },
    ],
    tiers: null,
    referrals: { minimumAmount: 0, returnDays: 0, onRefund: 'keep' },
  });
  const [one, two, three] = [
    await store.member({ points: 1_000 }),
    await store.member({ points: 3_000_000_000 }),
    await store.member(),
  ];
  const guest = (await store.call('POST', '/v1/customers', { email: 'guest@example.com' })).data.id;
  const disabled = await store.member();
  await store.call('PATCH', `/v1/customers/${disabled}`, { accountStatus: 'disabled' });
  const reward = await store.call('POST', '/v1/loyalty/rewards', {
    name: 'Free shipping',
    kind: 'free_shipping',
    points: 100,
  });
  const redeem = (id: string, fulfil: boolean) =>
    store.post(`/v1/customers/${id}/loyalty/redemptions`, { rewardId: reward.data.id, fulfil });
  await redeem(one, true);
  await redeem(two, false);
  const back = await redeem(two, true);
  await store.post(`/v1/customers/${two}/loyalty/redemptions/${back.data.redemption.id}/reverse`, {
    reason: 'x',
  });
  const { code } = (await store.call('GET', `/v1/customers/${one}/loyalty/referral-code`)).data;
  await store.call('POST', '/v1/loyalty/referrals', { code, friendId: three });
  await store.call('POST', '/v1/loyalty/referrals', { code, email: 'someone@example.com' });
  const buy = (id: string, key: string) =>
    store.call('PUT', `/v1/orders/${key}`, {
      status: 'confirmed',
      currency: 'EUR',
      placedAt: new Date().toISOString(),
      updatedAt: new Date().toISOString(),
      customer: { id },
      items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
      total: 100,
    });
  for (const [id, key] of [
    [three, 'x'],
    [three, 'y'],
    [one, 'z'],
    [guest, 'g'],
  ] as const)
    await buy(id, key);
  const { data, statusCode, body } = await store.call('GET', '/v1/loyalty/metrics');
  t.equal(statusCode, 200, body);
  const metrics = new Map<string, Metric>(data.metrics.map((metric: Metric) => [metric.key, metric]));
  const counts = (key: string) => {
    const metric = metrics.get(key);
    return [metric?.numerator.value, metric?.denominator.value, metric?.ratio];
  };
  t.same(
    [...metrics.keys()],
    LOYALTY_METRICS.map(({ key }) => key),
  );
  t.same(counts('enrolmentRate'), [3, 4, 0.75], 'a disabled account is not eligible');
  t.same(counts('redemptionRate'), [100, 3_000_001_015, 0]);
  t.same(counts('redeemingMembersRate'), [1, 3, 0.3333], 'held and reversed ones are no redemption');
  t.same(counts('referralConversion'), [1, 2, 0.5]);
  t.same(counts('memberRepeatRate'), [1, 2, 0.5]);
  t.same(counts('otherRepeatRate'), [0, 1, 0]);
  t.same(counts('breakageRate'), [0, 3_000_001_015, 0]);
  t.equal(data.points.outstanding, 3_000_000_915);
  const { issued, redeemed, expired, forfeited, adjusted, outstanding } = data.points;
  t.equal(issued - redeemed - expired - forfeited + adjusted, outstanding, 'issued = gone + still there');
  const { rows } = await database.owner.query(
    `select sum(balance)::bigint::text as balance from ledger_accounts where store_id = $1 and unit = 'points'`,
    [store.storeId],
  );
  t.equal(Number(rows[0].balance), outstanding, 'the liability is what the accounts say');
});

t.test('P10 a period has what happened in it; nothing to divide by is null', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 100 });
  const from = new Date(Date.now() + 50).toISOString();
  await new Promise((resolve) => setTimeout(resolve, 60));
  await store.grant(id, 7);
  const later = await store.call('GET', `/v1/loyalty/metrics?from=${from}`);
  t.match(later.data.points, { issued: 7, outstanding: 107 }, later.body);
  const before = await store.call('GET', `/v1/loyalty/metrics?until=${from}`);
  t.match(before.data.points, { issued: 100, outstanding: 100 });
  const empty = await testStore(app, database);
  const nothing = await empty.call('GET', '/v1/loyalty/metrics');
  t.ok(nothing.data.metrics.every(({ ratio }: Metric) => ratio === null));
});
