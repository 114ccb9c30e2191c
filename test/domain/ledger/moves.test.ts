// Moving balances between accounts (C10): nothing is lost or doubled, and what came goes back where it was.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { AccountState } from '../../../src/domain/ledger/accounts.ts';
import { book } from '../../../src/domain/ledger/entries.ts';
import {
  countSpentLots,
  liveHoldsCount,
  movesNothing,
  planDebtReturn,
  planMove,
  planReturn,
} from '../../../src/domain/ledger/moves.ts';

const AT = new Date('2026-03-01T00:00:00Z');
const hash = (previous: string, content: string) =>
  createHash('sha256').update(`${previous}\n${content}`).digest('hex');

function account(remaining: readonly number[], debt = 0): AccountState {
  const lots = remaining.map((amount, index) => ({
    id: `lot ${index}`,
    remaining: amount,
    activeFrom: AT,
    expiresAt: index % 2 === 0 ? null : new Date(AT.getTime() + index),
  }));
  const overdrafts = debt > 0 ? [{ transferId: 'debit', remaining: debt }] : [];
  const balance = remaining.reduce((total, amount) => total + amount, 0) - debt;
  return {
    id: 'a',
    unit: 'EUR',
    balance,
    seq: 4,
    version: 9,
    hash: '',
    updatedAt: AT,
    lots,
    holds: [],
    overdrafts,
  };
}

t.test(
  'C10 everything moves: Σ lots is the amount, Σ overdrafts the debt, and the rest is zero',
  async () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { maxLength: 20 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        (remaining, debt) => {
          const state = account(remaining, debt);
          const move = planMove(state);
          if (move.amount - move.debt !== state.balance) return false;
          if (movesNothing(move)) return state.lots.length === 0;
          const entries = [
            ...(move.amount > 0
              ? [
                  {
                    id: 'out',
                    kind: 'merge_out' as const,
                    amount: move.amount,
                    effectiveAt: AT,
                    shares: move.lots,
                  },
                ]
              : []),
            ...(move.debt > 0
              ? [
                  {
                    id: 'in',
                    kind: 'merge_in' as const,
                    amount: move.debt,
                    effectiveAt: AT,
                    opens: [{ id: 'paid', amount: move.debt, activeFrom: AT, expiresAt: null }],
                  },
                ]
              : []),
          ];
          const { after } = book(state, entries, AT, hash);
          return after.balance === 0 && after.lots.length === 0 && after.overdrafts.length === 0;
        },
      ),
    );
  },
);

t.test('C10 K6 only live holds stand in the way', async (t) => {
  const hold = { id: 'h', status: 'open' as const, amount: 5, lots: [], captured: 0, transferId: null };
  const state = { holds: [{ ...hold, expiresAt: new Date(AT.getTime() + 1) }] };
  t.equal(liveHoldsCount(state, AT), 1);
  t.equal(liveHoldsCount(state, new Date(AT.getTime() + 1)), 0, 'time frees');
});

t.test(
  'C10 a lot is spent when anything but its expiry took of it, or a live hold reserves it',
  async (t) => {
    const lots = [
      { lotId: 'untouched', remaining: 10, spent: 0 },
      { lotId: 'expired', remaining: 0, spent: 0 },
      { lotId: 'spent', remaining: 4, spent: 6 },
      { lotId: 'held', remaining: 10, spent: 0 },
    ];
    const hold = { id: 'h', status: 'open' as const, amount: 1, captured: 0, transferId: null };
    const holds = [{ ...hold, lots: [{ lotId: 'held', amount: 1 }], expiresAt: new Date(AT.getTime() + 1) }];
    t.equal(countSpentLots(lots, holds, AT), 2);
    t.equal(countSpentLots(lots, holds, new Date(AT.getTime() + 1)), 1);
  },
);

t.test('C10 what is left of moved lots goes back to the lots that they came from', async (t) => {
  const moved = [
    { fromLotId: 'a', intoLotId: 'A' },
    { fromLotId: 'b', intoLotId: 'B' },
  ];
  const lots = [
    { lotId: 'A', remaining: 3_000_000_000, spent: 0 },
    { lotId: 'B', remaining: 0, spent: 0 },
  ];
  t.same(planReturn(moved, lots), {
    taken: [{ lotId: 'A', amount: 3_000_000_000 }],
    givenBack: [{ lotId: 'a', amount: 3_000_000_000 }],
    amount: 3_000_000_000,
  });
});

t.test('C10 a debt goes back to the lots that paid it, the rest against what is owed', async (t) => {
  const lot = { activeFrom: AT, expiresAt: null, remaining: 0 };
  const lots = [
    { ...lot, id: 'a', taken: 30, givenBack: 0 },
    { ...lot, id: 'b', taken: 5, givenBack: 5 },
  ];
  t.same(planDebtReturn({ lots }, 80), { shares: [{ lotId: 'a', amount: 30 }], rest: 50 });
});
