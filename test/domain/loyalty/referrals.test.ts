import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  canMoveReferral,
  checkReferral,
  mergeReferral,
  planReferralRefund,
  qualify,
  REFERRAL_CODE_LENGTH,
  REFERRAL_STATES,
  type ReferralPerson,
  readReferralCode,
  referralCode,
} from '../../../src/domain/loyalty/referrals.ts';
import { at, countable } from '../../support/order-examples.ts';

const HOME = { line1: 'Müllerstr. 5', postcode: '13353', city: 'Berlin', countryCode: 'DE' };
const ADVOCATE = {
  id: 'a',
  emailNorm: 'ann@gmail.com',
  phone: '+4930123456',
  addresses: [HOME],
  accountStatus: 'active' as const,
  isMember: true,
};
const FRIEND: ReferralPerson = {
  id: 'f',
  emailNorm: 'bob@example.com',
  phone: '+4930999999',
  addresses: [{ ...HOME, line1: 'Müllerstr. 6' }],
};
const FACTS = { friendOrdersBefore: 0, friendWasReferred: false, advocateReferrals: 0 };
const STORE = { currency: 'EUR', timezone: 'Europe/Berlin' };
const TERMS = { minimumAmount: 1_000, returnDays: 14 };

t.test('P9 nobody refers themselves: one mailbox, phone or place is one person', async (t) => {
  const cases: [Partial<ReferralPerson>, shared: string | undefined][] = [
    [{}, undefined],
    [{ id: 'a' }, 'customer'],
    [{ emailNorm: 'ann@gmail.com' }, 'email'],
    [{ emailNorm: 'a.n.n+friend@googlemail.com' }, 'email'],
    [{ phone: '+4930123456' }, 'phone'],
    [{ addresses: [HOME] }, 'address'],
    [{ addresses: [{ ...HOME, line1: 'MULLERSTR 5', postcode: '13 353' }] }, 'address'],
    [{ addresses: [{ countryCode: 'DE' }, { ...HOME, line1: 'Müllerstr. 55' }] }, undefined],
    [{ emailNorm: null, phone: null, addresses: [] }, undefined],
  ];
  for (const [changes, shared] of cases) {
    const refusal = checkReferral(ADVOCATE, { ...FRIEND, ...changes }, FACTS, {});
    const expected = { refused: 'SELF_REFERRAL' as const, reason: 'self_referral' as const, shared };
    t.same(refusal, shared ? expected : undefined, JSON.stringify(changes));
  }
  const vague = { line1: null, city: 'Berlin', countryCode: 'DE' };
  const nobody = { emailNorm: null, phone: null, addresses: [vague, { line1: 'Hof 1' }] };
  const refusal = checkReferral({ ...ADVOCATE, ...nobody }, { ...FRIEND, ...nobody }, FACTS, {});
  t.equal(refusal, undefined, 'what says no place, phone or address is shared by many');
});

t.test(
  'P9 refused: a customer, a friend of another, an advocate who is not active, one too many',
  async (t) => {
    const refusalOf = (advocate: object, facts: object, maxPerAdvocate?: number) =>
      checkReferral(
        { ...ADVOCATE, ...advocate },
        FRIEND,
        { ...FACTS, ...facts },
        maxPerAdvocate ? { maxPerAdvocate } : {},
      );
    like(t, refusalOf({}, { friendOrdersBefore: 1 }), { refused: 'FRIEND_ALREADY_CUSTOMER' });
    like(t, refusalOf({}, { friendWasReferred: true }), { refused: 'FRIEND_ALREADY_REFERRED' });
    like(t, refusalOf({ accountStatus: 'disabled' }, {}), { refused: 'ADVOCATE_NOT_ACTIVE' });
    like(t, refusalOf({ accountStatus: 'guest' }, {}), { refused: 'ADVOCATE_NOT_ACTIVE' });
    like(t, refusalOf({ isMember: false }, {}), { refused: 'ADVOCATE_NOT_ACTIVE' });
    t.equal(refusalOf({}, { advocateReferrals: 4 }, 5), undefined);
    like(t, refusalOf({}, { advocateReferrals: 5 }, 5), { refused: 'REFERRAL_LIMIT', limit: 5 });
    t.equal(refusalOf({}, { advocateReferrals: 500 }), undefined);
  },
);

t.test(
  'P9 the first confirmed order qualifies after the return window, by what it is worth then',
  async (t) => {
    const placedAt = at('2026-03-20T10:00:00Z');
    const before = '2026-04-03T08:59:59.999Z';
    const after = '2026-04-03T09:00:00Z';
    const waits = { state: 'registered', waitsFor: 'return_window', until: at(after) };
    const cases: [Parameters<typeof countable>[0], when: string, outcome: object][] = [
      [{}, before, waits],
      [{}, after, { state: 'qualified' }],
      [{ total: 999 }, before, waits],
      [{ total: 999 }, after, { state: 'rejected', reason: 'below_minimum' }],
      [{ total: 2_000, refundedTotal: 1_000 }, after, { state: 'qualified' }],
      [{ total: 2_000, refundedTotal: 1_001 }, after, { state: 'rejected', reason: 'below_minimum' }],
      [{ refundedTotal: 1_000 }, after, { state: 'rejected', reason: 'refunded' }],
      [{ currency: 'USD' }, after, { state: 'rejected', reason: 'below_minimum' }],
      [{ status: 'cancelled' }, after, { state: 'registered', waitsFor: 'order' }],
      [{ status: 'pending' }, after, { state: 'registered', waitsFor: 'order' }],
      [{ isTest: true }, after, { state: 'registered', waitsFor: 'order' }],
    ];
    for (const [changes, when, outcome] of cases) {
      const order = countable({ placedAt, ...changes });
      like(t, qualify(order, TERMS, STORE, at(when)), outcome, `${JSON.stringify(changes)} ${when}`);
    }
    like(t, qualify(undefined, TERMS, STORE, at(after)), { waitsFor: 'order' });
    const free = { minimumAmount: 0, returnDays: 0 };
    t.strictSame(qualify(countable({ placedAt, total: 0 }), free, STORE, placedAt), { state: 'qualified' });
  },
);

t.test('P9 a later refund rejects what is not rewarded; what is rewarded goes by the setting', async (t) => {
  const gone = countable({ refundedTotal: 1_000 });
  const [keep, reverse] = (['keep', 'reverse'] as const).map((onRefund) => ({
    minimumAmount: 500,
    onRefund,
  }));
  if (!keep || !reverse) throw new Error('two policies');
  const rejected = { state: 'rejected', reason: 'refunded' };
  like(t, planReferralRefund('qualified', gone, keep, 'EUR'), { ...rejected, reversesPoints: false });
  t.equal(planReferralRefund('rewarded', gone, keep, 'EUR'), undefined);
  like(t, planReferralRefund('rewarded', gone, reverse, 'EUR'), { ...rejected, reversesPoints: true });
  const cancelled = countable({ status: 'cancelled' });
  like(t, planReferralRefund('rewarded', cancelled, reverse, 'EUR'), { reversesPoints: true });
  const worth = countable({ refundedTotal: 500 });
  t.equal(planReferralRefund('rewarded', worth, reverse, 'EUR'), undefined);
  like(t, planReferralRefund('rewarded', countable({ refundedTotal: 501 }), reverse, 'EUR'), rejected);
  for (const state of ['invited', 'registered', 'rejected'] as const) {
    t.equal(planReferralRefund(state, gone, reverse, 'EUR'), undefined, state);
  }
});

t.test('P9 states go forward, and rejected is the end', async (t) => {
  const steps = REFERRAL_STATES.flatMap((from) =>
    REFERRAL_STATES.filter((to) => canMoveReferral(from, to)).map((to) => `${from} ${to}`),
  );
  t.strictSame(steps, [
    'invited registered',
    'invited rejected',
    'registered qualified',
    'registered rejected',
    'qualified rewarded',
    'qualified rejected',
    'rewarded rejected',
  ]);
});

t.test('P9 codes are readable, and read as people type them', async (t) => {
  const bytes = fc.uint8Array({ minLength: REFERRAL_CODE_LENGTH, maxLength: 16 });
  fc.assert(
    fc.property(bytes, (bytes) => {
      const code = referralCode(bytes);
      const typed = ` ${code.slice(0, 4)}-${code.slice(4)} `.toLowerCase().replaceAll('0', 'o');
      return (
        /^[0-9A-HJKMNP-TV-Z]{8}$/.test(code) &&
        readReferralCode(code) === code &&
        readReferralCode(typed.replaceAll('1', 'l')) === code &&
        readReferralCode(typed.replaceAll('1', 'I')) === code
      );
    }),
  );
  t.equal(referralCode(new Uint8Array([0, 31, 32, 63, 1, 16, 17, 255])), '0Z0Z1GHZ');
  for (const text of ['', 'ABC', 'ABCDEFGHJ', 'ABCDEFGU', 'ABCDEFG!', 'ÄBCDEFGH']) {
    t.equal(readReferralCode(text), undefined, text);
  }
  t.throws(() => referralCode(new Uint8Array(7)));
});

/** `t.match` takes any two dates for the same, so they are compared as texts. */
function like(t: Test, found: unknown, wanted: unknown, message = 'as wanted'): void {
  const [actual, expected] = [found, wanted].map((value) => JSON.parse(JSON.stringify(value ?? null)));
  t.match(actual, expected, message);
}

t.test('C10, P9 a referral after a merge: it follows, or it is over', async (t) => {
  const merge = { fromId: 'old', intoId: 'new', isSurvivorReferred: false };
  const open = { advocateId: 'a', friendId: 'f', state: 'registered' as const };
  const cases: [Parameters<typeof mergeReferral>[0], boolean, ReturnType<typeof mergeReferral>][] = [
    [open, false, { advocateId: 'a', friendId: 'f', rejected: undefined }],
    [{ ...open, advocateId: 'old' }, false, { advocateId: 'new', friendId: 'f', rejected: undefined }],
    [{ ...open, friendId: 'old' }, false, { advocateId: 'a', friendId: 'new', rejected: undefined }],
    [
      { ...open, friendId: 'old' },
      true,
      { advocateId: 'a', friendId: 'old', rejected: 'friend_already_referred' },
    ],
    [
      { ...open, advocateId: 'old', friendId: 'new' },
      true,
      { advocateId: 'new', friendId: 'new', rejected: 'self_referral' },
    ],
    [
      { ...open, advocateId: 'new', friendId: 'old' },
      false,
      { advocateId: 'new', friendId: 'new', rejected: 'self_referral' },
    ],
    [
      { ...open, advocateId: 'new', friendId: 'old' },
      true,
      { advocateId: 'new', friendId: 'old', rejected: 'self_referral' },
    ],
    [
      { advocateId: 'old', friendId: 'new', state: 'rewarded' },
      true,
      { advocateId: 'new', friendId: 'new', rejected: undefined },
    ],
    [
      { advocateId: 'old', friendId: null, state: 'invited' },
      false,
      { advocateId: 'new', friendId: null, rejected: undefined },
    ],
  ];
  for (const [referral, isSurvivorReferred, expected] of cases)
    t.same(mergeReferral(referral, { ...merge, isSurvivorReferred }), expected, JSON.stringify(referral));
});
