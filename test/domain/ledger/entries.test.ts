import t from 'tap';
import { book, type Entry, type NewLot } from '../../../src/domain/ledger/entries.ts';
import { emptyState, sha256 } from '../../support/ledger-world.ts';

const AT = new Date('2031-12-31T23:59:59.999Z');
const newLot = (id: string, amount: number, changes: Partial<NewLot> = {}): NewLot => ({
  id,
  amount,
  activeFrom: AT,
  expiresAt: null,
  ...changes,
});
const grant = (id: string, ...opens: NewLot[]): Entry => ({
  id,
  kind: 'grant',
  amount: opens.reduce((sum, { amount }) => sum + amount, 0),
  effectiveAt: AT,
  opens,
});
const debit = (id: string, amount: number, shares: Entry['shares'] = []): Entry => ({
  id,
  kind: 'adjustment',
  amount,
  effectiveAt: AT,
  shares,
});
const books = (...entries: Entry[]) => book(emptyState(), entries, AT, sha256);

t.test('each kind has its direction and its other side', async (t) => {
  const state = books(grant('g', newLot('l', 100))).after;
  const take = { amount: 1, effectiveAt: AT, shares: [{ lotId: 'l', amount: 1 }] };
  for (const [kind, counterAccount] of [
    ['adjustment', 'manual'],
    ['redemption', 'redeemed'],
    ['expiry', 'breakage'],
    ['forfeit', 'breakage'],
    ['merge_out', 'merge'],
    ['reversal', 'issued:order'],
  ] as const)
    t.match(book(state, [{ ...take, id: 'd', kind }], AT, sha256).transfers, [
      { isCredit: false, counterAccount, balanceAfter: 99, seq: 2, reference: 'd' },
    ]);
  for (const [kind, counterAccount] of [
    ['grant', 'issued:grant'],
    ['earn', 'issued:order'],
    ['merge_in', 'merge'],
  ] as const)
    t.match(book(state, [{ ...grant('c', newLot('m', 5)), kind }], AT, sha256).transfers, [
      { isCredit: true, counterAccount, balanceAfter: 105 },
    ]);
  t.match(book(state, [{ ...grant('c', newLot('m', 5)), issuedFor: 'referral' }], AT, sha256).transfers, [
    { counterAccount: 'issued:referral' },
  ]);
});

t.test('L3: entries that do not add up are bugs of their rule, and nothing is booked', async (t) => {
  const state = books(grant('g', newLot('l', 10))).after;
  for (const wrong of [
    debit('d', 5, [{ lotId: 'l', amount: 6 }]),
    debit('d', 11, [{ lotId: 'l', amount: 11 }]),
    debit('d', 5, [{ lotId: 'unknown', amount: 5 }]),
    debit('d', 0),
    debit('d', -5),
    { ...grant('g2', newLot('m', 5)), amount: 6 },
    { ...grant('g2', newLot('m', 5)), amount: 4 },
    grant('g2', newLot('m', Number.MAX_SAFE_INTEGER)),
  ])
    t.throws(() => book(state, [wrong], AT, sha256));
});

t.test('L3: what was taken beyond the lots is paid by what comes in, the oldest debt first', async (t) => {
  const { after } = books(
    grant('g', newLot('l', 10)),
    debit('d1', 15, [{ lotId: 'l', amount: 10 }]),
    debit('d2', 7),
  );
  t.same(
    [after.balance, after.overdrafts],
    [
      -12,
      [
        { transferId: 'd1', remaining: 5 },
        { transferId: 'd2', remaining: 7 },
      ],
    ],
  );
  const booking = book(after, [grant('g2', newLot('m', 4), newLot('n', 5))], AT, sha256);
  t.same(
    booking.allocations.map(({ transferId, lotId, amount }) => [transferId, lotId, amount]),
    [
      ['d1', 'm', 4],
      ['d1', 'n', 1],
      ['d2', 'n', 4],
    ],
  );
  t.same(booking.covered, [
    { transferId: 'd1', remaining: 0 },
    { transferId: 'd2', remaining: 3 },
  ]);
  t.match(booking.after, { balance: -3, overdrafts: [{ transferId: 'd2', remaining: 3 }], lots: [] });
});

t.test('L5: what has expired pays no overdraft', async (t) => {
  const { after } = books(debit('d1', 5));
  const old = newLot('m', 4, { activeFrom: new Date(0), expiresAt: AT });
  const { allocations, after: then } = book(after, [{ ...grant('in', old), kind: 'merge_in' }], AT, sha256);
  t.same(allocations, []);
  t.match(then, { balance: -1, lots: [{ id: 'm', remaining: 4 }], overdrafts: [{ remaining: 5 }] });
});

t.test('only lots that changed are told, also when they come back from nothing', async (t) => {
  const { after } = books(
    grant('g', newLot('l', 10), newLot('m', 10)),
    debit('d', 10, [{ lotId: 'l', amount: 10 }]),
  );
  const revives = [{ id: 'l', remaining: 0, activeFrom: AT, expiresAt: null }];
  const refund: Entry = {
    id: 'r',
    kind: 'refund',
    amount: 4,
    effectiveAt: AT,
    shares: [{ lotId: 'l', amount: 4 }],
    revives,
  };
  const booking = book(after, [refund], AT, sha256);
  t.same(booking.remaining, [{ id: 'l', remaining: 4 }]);
  t.match(booking.allocations, [{ transferId: 'r', lotId: 'l', amount: -4 }]);
});

t.test('the time of an account never goes back, and its version grows with every booking', async (t) => {
  const { after } = books(grant('g', newLot('l', 10)));
  const earlier = new Date(AT.getTime() - 5);
  const booking = book(after, [debit('d', 1, [{ lotId: 'l', amount: 1 }])], earlier, sha256);
  t.same(booking.transfers[0]?.recordedAt, AT);
  t.same([booking.after.updatedAt, booking.after.version], [AT, 2]);
  t.equal(book(after, [], AT, sha256).after.version, 2, 'without entries too: holds change');
});
