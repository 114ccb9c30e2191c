import fc from 'fast-check';
import t from 'tap';
import { planReversal, pointsToReverse, REVERSAL_POLICIES } from '../../../src/domain/loyalty/reversal.ts';

t.test('P6 a refund takes points in proportion, rounded down until all came back', async (t) => {
  const cases: [earned: number, reversed: number, base: number, refunded: number, points: number][] = [
    [100, 0, 10_000, 0, 0],
    [100, 0, 10_000, 99, 0],
    [100, 0, 10_000, 100, 1],
    [100, 0, 10_000, 5_000, 50],
    [100, 50, 10_000, 5_000, 0],
    [100, 33, 10_000, 6_666, 33],
    [100, 99, 10_000, 10_000, 1],
    [100, 0, 10_000, 10_000, 100],
    [7, 0, 3, 2, 4],
    // What comes back beyond the base takes no more than was earned; what was forgiven counts as settled.
    [100, 0, 10_000, 20_000, 100],
    [100, 100, 10_000, 20_000, 0],
    // A gift of base 0 stays until it comes back.
    [5, 0, 0, 0, 0],
    [5, 0, 0, 1, 5],
    // Beyond 2^53 on the way.
    [1_000_000_000_000, 0, 9_007_199_254_740_991, 9_007_199_254_740_990, 999_999_999_999],
  ];
  for (const [earned, alreadyReversed, base, refundedBase, points] of cases) {
    const facts = { earned, alreadyReversed, base, refundedBase };
    t.equal(pointsToReverse(facts), points, JSON.stringify(facts));
  }
});

t.test('P6 many partial refunds take what one full refund takes, never more than was earned', async () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 1_000_000 }),
      fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 30 }),
      (earned, parts) => {
        const base = parts.reduce((sum, part) => sum + part, 0);
        let [alreadyReversed, refundedBase] = [0, 0];
        for (const part of parts) {
          refundedBase += part;
          const points = pointsToReverse({ earned, alreadyReversed, base, refundedBase });
          if (points < 0) return false;
          alreadyReversed += points;
          const atOnce = pointsToReverse({ earned, alreadyReversed: 0, base, refundedBase });
          if (alreadyReversed !== atOnce || alreadyReversed > earned) return false;
        }
        return base === 0 || alreadyReversed === earned;
      },
    ),
  );
});

t.test('P6 a refund told again takes nothing', async () => {
  const whole = fc.nat({ max: 1_000_000 });
  fc.assert(
    fc.property(whole, whole, whole, (earned, base, refundedBase) => {
      const facts = { earned, base, refundedBase };
      const alreadyReversed = pointsToReverse({ ...facts, alreadyReversed: 0 });
      return pointsToReverse({ ...facts, alreadyReversed }) === 0;
    }),
  );
});

t.test('P6 the policy says what becomes of points that are spent', async (t) => {
  const points = { wanted: 100, pendingRemaining: 30, availableRemaining: 50 };
  t.strictSame(planReversal('pending_only', points), { take: 30, forgiven: 70, overdraft: 0 });
  t.strictSame(planReversal('within_balance', points), { take: 80, forgiven: 20, overdraft: 0 });
  t.strictSame(planReversal('allow_negative', points), { take: 80, forgiven: 0, overdraft: 20 });
  const rich = { ...points, availableRemaining: 500 };
  t.strictSame(planReversal('allow_negative', rich), { take: 100, forgiven: 0, overdraft: 0 });
  const indebted = { wanted: 100, pendingRemaining: 30, availableRemaining: -50 };
  t.strictSame(planReversal('within_balance', indebted), { take: 30, forgiven: 70, overdraft: 0 });
});

t.test(
  'P6 taken, forgiven and overdrawn points are together what was wanted; none is below zero',
  async () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REVERSAL_POLICIES),
        fc.nat(),
        fc.nat(),
        fc.integer(),
        (policy, wanted, pendingRemaining, availableRemaining) => {
          const plan = planReversal(policy, { wanted, pendingRemaining, availableRemaining });
          const { take, forgiven, overdraft } = plan;
          const held = pendingRemaining + Math.max(0, availableRemaining);
          const fits = take <= held && [take, forgiven, overdraft].every((part) => part >= 0);
          return fits && take + forgiven + overdraft === wanted;
        },
      ),
    );
  },
);
