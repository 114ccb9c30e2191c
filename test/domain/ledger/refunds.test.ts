import fc from 'fast-check';
import t from 'tap';
import { type ExpiredRefunds, planRefund, type SpentLot } from '../../../src/domain/ledger/refunds.ts';

const AT = new Date('2031-03-30T01:00:00.000Z');
const DAY_MS = 24 * 3600_000;
const inDays = (days: number): Date => new Date(AT.getTime() + days * DAY_MS);

const spent = (id: string, taken: number, expiresInDays: number | null, givenBack = 0): SpentLot => ({
  id,
  remaining: 0,
  activeFrom: inDays(-9),
  expiresAt: expiresInDays === null ? null : inDays(expiresInDays),
  taken,
  givenBack,
});

const GRACE = { expired: 'grace', graceDays: 30 } as const;
const BREAKAGE = { expired: 'breakage', graceDays: 30 } as const;

t.test('K7: what comes back, and where', async (t) => {
  const lots = [spent('over', 10, 0), spent('soon', 20, 1), spent('never', 30, null)];
  const share = (lotId: string, amount: number) => ({ lotId, amount });
  for (const [amount, refunded, givenBack, policy, expected] of [
    [5, 0, 0, GRACE, { shares: [share('never', 5)], renewed: undefined }],
    [50, 0, 0, GRACE, { shares: [share('never', 30), share('soon', 20)], renewed: undefined }],
    [
      60,
      0,
      0,
      GRACE,
      {
        shares: [share('never', 30), share('soon', 20)],
        renewed: { amount: 10, expiresAt: inDays(30) },
      },
    ],
    [
      60,
      0,
      0,
      BREAKAGE,
      {
        shares: [share('never', 30), share('soon', 20), share('over', 10)],
        renewed: undefined,
      },
    ],
    [25, 30, 30, GRACE, { shares: [share('soon', 20)], renewed: { amount: 5, expiresAt: inDays(30) } }],
    [61, 0, 0, GRACE, { refused: 'REFUND_EXCEEDS_CAPTURE', refundable: 60 }],
    [31, 30, 30, GRACE, { refused: 'REFUND_EXCEEDS_CAPTURE', refundable: 30 }],
    [1, 60, 30, GRACE, { refused: 'REFUND_EXCEEDS_CAPTURE', refundable: 0 }],
  ] as const) {
    // biome-ignore format: a table
    const taken = lots.map((lot) => (lot.id === 'never' ? { ...lot, givenBack } : lot));
    t.same(
      planRefund({ amount: 60, lots: taken, refunded }, amount, policy, AT),
      expected,
      `${amount} after ${refunded}`,
    );
  }
});

t.test(
  'K7: a lot that ends this very millisecond has expired; one that ends in the next has not',
  async (t) => {
    const plan = (ms: number) => {
      const lots = [{ ...spent('a', 10, 0), expiresAt: new Date(AT.getTime() + ms) }];
      return planRefund({ amount: 10, lots, refunded: 0 }, 10, GRACE, AT);
    };
    t.match(plan(0), { shares: [], renewed: { amount: 10 } });
    t.match(plan(1), { shares: [{ lotId: 'a', amount: 10 }], renewed: undefined });
  },
);

t.test('K7: many partial refunds end where one full refund ends', async (t) => {
  const someLots = fc.array(
    fc.record({ taken: fc.integer({ min: 1, max: 50 }), days: fc.option(fc.nat(5)) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  const policy = fc.constantFrom<ExpiredRefunds>('grace', 'breakage');
  fc.assert(
    fc.property(someLots, policy, fc.array(fc.integer({ min: 1, max: 30 })), (given, expired, parts) => {
      const lots = given.map(({ taken, days }, index) => spent(`lot-${index}`, taken, days));
      const amount = lots.reduce((sum, { taken }) => sum + taken, 0);
      const back = new Map<string, number>();
      let refunded = 0;
      let renewed = 0;
      const refund = (wanted: number) => {
        const now = lots.map((lot) => ({ ...lot, givenBack: back.get(lot.id) ?? 0 }));
        const plan = planRefund({ amount, lots: now, refunded }, wanted, { expired, graceDays: 1 }, AT);
        if ('refused' in plan) return;
        for (const share of plan.shares) back.set(share.lotId, (back.get(share.lotId) ?? 0) + share.amount);
        renewed += plan.renewed?.amount ?? 0;
        refunded += wanted;
      };
      for (const part of parts) refund(part);
      if (refunded < amount) refund(amount - refunded);
      const whole = planRefund({ amount, lots, refunded: 0 }, amount, { expired, graceDays: 1 }, AT);
      if ('refused' in whole) return false;
      return (
        refunded === amount &&
        renewed === (whole.renewed?.amount ?? 0) &&
        whole.shares.every((share) => back.get(share.lotId) === share.amount) &&
        back.size === whole.shares.length
      );
    }),
  );
  t.pass();
});
