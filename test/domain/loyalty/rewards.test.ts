// Rewards (P5): who can have one, where a redemption may go; the terms of each kind are tested over HTTP.
import t from 'tap';
import {
  planRedemption,
  REDEMPTION_STATUSES,
  type Redeemer,
  type RewardTerms,
  redemptionStatusAt,
  rewardCode,
  rewardObstacle,
} from '../../../src/domain/loyalty/rewards.ts';

const AT = new Date('2026-05-01T12:00:00.000Z');
const before = new Date(AT.getTime() - 1);
const after = new Date(AT.getTime() + 1);
const TIERS = ['bronze', 'silver', 'gold'];

const REWARD: RewardTerms = {
  name: 'Free shipping',
  kind: 'free_shipping',
  points: 100,
  status: 'active',
  amount: null,
  currency: null,
  percent: null,
  productId: null,
  earlyAccessHours: null,
  minTier: null,
  startsAt: null,
  endsAt: null,
  stock: null,
  maxPerCustomer: null,
  validDays: null,
};
const MEMBER: Redeemer = { memberStatus: 'active', tier: 'silver', redemptionsCount: 0 };

t.test('P5 what stands in the way, to the millisecond and the last piece', async (t) => {
  const cases: [Partial<RewardTerms>, Partial<Redeemer>, string | undefined][] = [
    [{}, {}, undefined],
    [{ status: 'archived' }, {}, 'archived'],
    [{ startsAt: AT }, {}, undefined],
    [{ startsAt: after }, {}, 'not_started'],
    [{ endsAt: after }, {}, undefined],
    [{ endsAt: AT }, {}, 'ended'],
    [{}, { memberStatus: 'left' }, 'not_a_member'],
    [{}, { memberStatus: null }, 'not_a_member'],
    [{ minTier: 'silver' }, {}, undefined],
    [{ minTier: 'gold' }, {}, 'tier_too_low'],
    [{ minTier: 'bronze' }, { tier: null }, 'tier_too_low'],
    [{ minTier: 'retired' }, { tier: 'gold' }, 'tier_too_low'],
    [{ minTier: 'bronze' }, { tier: 'retired' }, 'tier_too_low'],
    [{ maxPerCustomer: 2 }, { redemptionsCount: 1 }, undefined],
    [{ maxPerCustomer: 2 }, { redemptionsCount: 2 }, 'customer_limit'],
    [{ stock: 1 }, {}, undefined],
    [{ stock: 0 }, {}, 'out_of_stock'],
    [{ stock: 0, maxPerCustomer: 1, endsAt: before }, { redemptionsCount: 1 }, 'ended'],
  ];
  for (const [terms, redeemer, expected] of cases) {
    const why = rewardObstacle({ ...REWARD, ...terms }, { ...MEMBER, ...redeemer }, TIERS, AT);
    t.equal(why, expected, JSON.stringify([terms, redeemer]));
  }
});

t.test('P5, K6 a redemption goes one way, and time ends a held one', async (t) => {
  const heldUntil = AT;
  t.equal(redemptionStatusAt({ status: 'held', heldUntil }, before), 'held');
  t.equal(redemptionStatusAt({ status: 'held', heldUntil }, AT), 'expired');
  t.equal(redemptionStatusAt({ status: 'fulfilled', heldUntil }, after), 'fulfilled');
  const table = REDEMPTION_STATUSES.map((status) =>
    (['fulfilled', 'refused', 'reversed'] as const).map((to) => {
      const plan = planRedemption({ status, heldUntil }, to, before);
      return 'refused' in plan ? 'no' : plan.done ? 'done' : 'yes';
    }),
  );
  t.same(table, [
    ['yes', 'yes', 'no'],
    ['done', 'no', 'yes'],
    ['no', 'done', 'no'],
    ['no', 'no', 'no'],
    ['no', 'no', 'done'],
  ]);
  t.same(planRedemption({ status: 'held', heldUntil }, 'fulfilled', AT), {
    refused: 'REDEMPTION_CLOSED',
    redemptionStatus: 'expired',
  });
});

t.test('P5 a code has one character from each byte, and too few bytes are a bug', async (t) => {
  t.equal(rewardCode(new Uint8Array(16)), '000000000000');
  t.equal(rewardCode(new Uint8Array(12).fill(255)), 'ZZZZZZZZZZZZ');
  t.throws(() => rewardCode(new Uint8Array(11)));
});
