import t from 'tap';
import type { AccountState, Hold, Lot } from '../../../src/domain/ledger/accounts.ts';
import {
  allocate,
  balancesAt,
  expiringNext,
  freeLots,
  hasExpired,
  isActive,
  isLive,
  momentOf,
} from '../../../src/domain/ledger/accounts.ts';
import { planExpiry } from '../../../src/domain/ledger/expiry.ts';
import {
  MAX_HOLD_TTL_MS,
  planCapture,
  planDebit,
  planExtension,
  planSpend,
  planTakeBack,
  planVoid,
} from '../../../src/domain/ledger/spending.ts';
import { emptyState } from '../../support/ledger-world.ts';

const AT = new Date('2032-02-29T12:00:00.000Z');
const after = (ms: number): Date => new Date(AT.getTime() + ms);

const lot = (id: string, remaining: number, expiresInMs: number | null = null, startsInMs = -1000): Lot => ({
  id,
  remaining,
  activeFrom: after(startsInMs),
  expiresAt: expiresInMs === null ? null : after(expiresInMs),
});

const hold = (changes: Partial<Hold> = {}): Hold => ({
  id: 'h',
  status: 'open',
  amount: 30,
  lots: [
    { lotId: 'a', amount: 10 },
    { lotId: 'b', amount: 20 },
  ],
  captured: 0,
  transferId: null,
  expiresAt: after(1000),
  ...changes,
});

const account = (lots: Lot[], holds: Hold[] = [], owed = 0): AccountState => ({
  ...emptyState(),
  balance: lots.reduce((sum, { remaining }) => sum + remaining, 0) - owed,
  lots,
  holds,
  overdrafts: owed > 0 ? [{ transferId: 'o', remaining: owed }] : [],
});

t.test('L5: a lot counts from activeFrom and stops at expiresAt, to the millisecond', async (t) => {
  for (const [startsInMs, expiresInMs, active, expired] of [
    [-1, 1, true, false],
    [0, 1, true, false],
    [1, 2, false, false],
    [-2, 0, false, true],
    [-2, -1, false, true],
    [0, null, true, false],
  ] as const) {
    const one = lot('a', 1, expiresInMs, startsInMs);
    t.same([isActive(one, AT), hasExpired(one, AT)], [active, expired], `${startsInMs} ${expiresInMs}`);
  }
});

t.test('K6: a hold is live while it is open and before its end', async (t) => {
  for (const [status, endsInMs, live] of [
    ['open', 1, true],
    ['open', 0, false],
    ['open', -1, false],
    ['captured', 1, false],
    ['voided', 1, false],
  ] as const)
    t.equal(isLive(hold({ status, expiresAt: after(endsInMs) }), AT), live, `${status} ${endsInMs}`);
});

t.test('L4: soonest expiry first, no expiry last, then oldest; what is not needed stays whole', async (t) => {
  const lots = [lot('a', 5), lot('b', 5, 2000), lot('c', 5, 1000), lot('d', 5, 2000), lot('e', 5)];
  const taken = (amount: number) =>
    allocate(lots, amount)
      .map((share) => `${share.lotId}${share.amount}`)
      .join(' ');
  for (const [amount, expected] of [
    [0, ''],
    [5, 'c5'],
    [6, 'c5 b1'],
    [14, 'c5 b5 d4'],
    [21, 'c5 b5 d5 a5 e1'],
    [99, 'c5 b5 d5 a5 e5'],
  ] as const)
    t.equal(taken(amount), expected);
  t.same(lots.map(({ id }) => id).join(''), 'abcde', 'the state is not sorted in place');
});

t.test(
  'L2: balance = available + held + pending + expired, overdrafts lessen what is available',
  async (t) => {
    const lots = [lot('a', 10), lot('b', 25, 500), lot('c', 7, 900, 100), lot('d', 4, 0)];
    const state = account(lots, [hold(), hold({ id: 'over', expiresAt: AT })], 3);
    t.same(balancesAt(state, AT), { balance: 43, available: 2, held: 30, pending: 7, expired: 4 });
    t.same(
      freeLots(state, AT).map(({ id, remaining }) => [id, remaining]),
      [
        ['b', 5],
        ['c', 7],
        ['d', 4],
      ],
    );
    t.throws(
      () => freeLots(account([lot('a', 1)], [hold()]), AT),
      'a lot reserved beyond what remains is a bug',
    );
  },
);

t.test('a decision is made now, but never before the last change', async (t) => {
  for (const [changedMs, nowMs, expectedMs] of [
    [0, 5, 5],
    [5, 5, 5],
    [5, 0, 5],
  ] as const)
    t.same(momentOf({ updatedAt: after(changedMs) }, after(nowMs)), after(expectedMs));
});

t.test('L6: a spend up to what is available is paid, one more is refused by unit', async (t) => {
  const lots = [lot('a', 10), lot('b', 25, 500), lot('c', 7, null, 100), lot('d', 4, 0)];
  const state = account(lots, [hold()]);
  t.same(planSpend(state, 5, AT), [{ lotId: 'b', amount: 5 }]);
  t.same(planSpend(state, 6, AT), { refused: 'INSUFFICIENT_CREDIT', available: 5 });
  t.same(planSpend({ ...state, unit: 'points' }, 6, AT), { refused: 'INSUFFICIENT_POINTS', available: 5 });
  t.same(
    planSpend(state, 35, after(1000)),
    { refused: 'INSUFFICIENT_CREDIT', available: 17 },
    'freed, b expired',
  );
  t.same(planSpend(account([lot('a', 10)], [], 4), 7, AT), { refused: 'INSUFFICIENT_CREDIT', available: 6 });
});

t.test('K2: a correction is a spend, unless the store allows an overdraft', async (t) => {
  const state = account([lot('a', 10), lot('d', 4, 0)]);
  t.same(planDebit(state, 11, AT, false), { refused: 'INSUFFICIENT_CREDIT', available: 10 });
  t.same(planDebit(state, 11, AT, true), [{ lotId: 'a', amount: 10 }], 'never from what has expired');
  t.same(planDebit(state, 3, AT, true), [{ lotId: 'a', amount: 3 }]);
});

t.test('K6: what a capture takes', async (t) => {
  const a = { lotId: 'a', amount: 10 };
  for (const [changes, amount, expected] of [
    [{}, undefined, { amount: 30, shares: [a, { lotId: 'b', amount: 20 }] }],
    [{}, 30, { amount: 30, shares: [a, { lotId: 'b', amount: 20 }] }],
    [{}, 12, { amount: 12, shares: [a, { lotId: 'b', amount: 2 }] }],
    [{}, 10, { amount: 10, shares: [a] }],
    [{}, 31, { refused: 'HOLD_EXCEEDED', held: 30 }],
    [{ status: 'voided' }, undefined, { refused: 'HOLD_VOIDED' }],
    [{ status: 'captured', captured: 12 }, undefined, { done: true }],
    [{ status: 'captured', captured: 12 }, 12, { done: true }],
    [{ status: 'captured', captured: 12 }, 13, { refused: 'HOLD_CAPTURED', captured: 12 }],
    [{ expiresAt: AT }, undefined, { refused: 'HOLD_EXPIRED', expiresAt: AT }],
    [{ expiresAt: AT, status: 'captured', captured: 30 }, undefined, { done: true }],
  ] as const)
    t.same(planCapture(hold(changes), amount, AT), expected, JSON.stringify([changes, amount]));
});

t.test('K6: voiding is possible until the capture, also after time has freed it', async (t) => {
  t.same(planVoid(hold()), { done: false });
  t.same(planVoid(hold({ expiresAt: AT })), { done: false });
  t.same(planVoid(hold({ status: 'voided' })), { done: true });
  t.same(planVoid(hold({ status: 'captured', captured: 3 })), { refused: 'HOLD_CAPTURED', captured: 3 });
});

t.test('K6: when a hold can be extended', async (t) => {
  const fresh = account([lot('a', 10), lot('b', 20, 500)], [hold()]);
  const stale = account([lot('a', 10), lot('b', 20, 0)], [hold()]);
  const other = account([lot('a', 10), lot('b', 20), lot('z', 5, 0)], [hold()]);
  const end = after(MAX_HOLD_TTL_MS);
  for (const [state, changes, expiresAt, expected] of [
    [fresh, {}, after(5000), { expiresAt: after(5000) }],
    [fresh, {}, after(500), { expiresAt: after(1000) }],
    [fresh, {}, end, { expiresAt: end }],
    [fresh, {}, after(MAX_HOLD_TTL_MS + 1), { refused: 'HOLD_TOO_LONG' }],
    [stale, {}, after(5000), { refused: 'HOLD_LOTS_EXPIRED' }],
    [other, {}, after(5000), { expiresAt: after(5000) }],
    [fresh, { expiresAt: AT }, after(5000), { refused: 'HOLD_EXPIRED', expiresAt: AT }],
    [fresh, { status: 'voided' }, after(5000), { refused: 'HOLD_VOIDED' }],
    [fresh, { status: 'captured', captured: 1 }, after(5000), { refused: 'HOLD_CAPTURED', captured: 1 }],
  ] as const)
    t.same(planExtension(state, hold(changes), AT, expiresAt, AT), expected);
});

t.test('L5: the expiry books what has expired and nobody holds, soonest first', async (t) => {
  const lots = [lot('a', 10, -5), lot('b', 25, 0), lot('c', 7, 1), lot('d', 4), lot('e', 3, -9)];
  const state = account(lots, [hold()]);
  t.same(planExpiry(state, AT), [
    { lotId: 'e', amount: 3, expiredAt: after(-9) },
    { lotId: 'b', amount: 5, expiredAt: AT },
  ]);
  t.same(
    planExpiry(state, after(1000)).map(({ lotId, amount }) => [lotId, amount]),
    [
      ['e', 3],
      ['a', 10],
      ['b', 25],
      ['c', 7],
    ],
    'once the hold is over',
  );
  t.same(planExpiry(account([]), AT), []);
});

t.test(
  'P5 a credit is taken back from its own lot first, the rest as a spend, never below zero',
  async (t) => {
    const state = account([lot('a', 50, 1000), lot('b', 30), lot('c', 20, 500)]);
    const taken = (lotId: string | undefined, amount: number) => planTakeBack(state, lotId, amount, AT);
    t.same(taken('b', 30), [{ lotId: 'b', amount: 30 }]);
    t.same(taken('b', 40), [
      { lotId: 'b', amount: 30 },
      { lotId: 'c', amount: 10 },
    ]);
    t.same(taken(undefined, 25), [
      { lotId: 'c', amount: 20 },
      { lotId: 'a', amount: 5 },
    ]);
    t.same(taken('b', 101), { refused: 'INSUFFICIENT_CREDIT', available: 100 });
    const reserved = account([lot('a', 10), lot('b', 20), lot('c', 5)], [hold()]);
    t.same(planTakeBack(reserved, 'b', 5, AT), [{ lotId: 'c', amount: 5 }], 'what a hold reserves stays');
  },
);

t.test('P11 what expires next: everything of that instant that can be spent, and nothing else', async (t) => {
  const next = (lots: Lot[], holds: Hold[] = []) => expiringNext(account(lots, holds), AT);
  t.equal(next([]), undefined);
  t.equal(next([lot('a', 10)]), undefined);
  t.same(next([lot('a', 10, 900), lot('b', 5, 500), lot('c', 7, 500), lot('d', 9)]), {
    amount: 12,
    expiresAt: after(500),
  });
  t.same(next([lot('a', 10, 0), lot('b', 5, 1), lot('c', 7, 900, 1)]), { amount: 5, expiresAt: after(1) });
  t.same(next([lot('a', 10, 500), lot('b', 25, 900)], [hold()]), { amount: 5, expiresAt: after(900) });
});
