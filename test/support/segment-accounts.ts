// Credit, points, memberships and referrals of the customers of segment tests: lots that are pending, active, expired or
// spent at one moment or another, accounts in other currencies, overdrafts, members who left.
import fc from 'fast-check';
import { newId } from '../../src/context.ts';
import type { Tx } from '../../src/db/connection.ts';
import { insertRows } from '../../src/db/record-sets.ts';
import { ledgerAccounts, lots, transfers } from '../../src/db/tables/ledger.ts';
import { loyaltyMembers, referrals } from '../../src/db/tables/loyalty.ts';
import { MEMBER_STATUSES } from '../../src/domain/loyalty/members.ts';
import { REFERRAL_STATES } from '../../src/domain/loyalty/referrals.ts';
import { AMOUNTS, TIERS } from './segment-pools.ts';

const insert = {
  accounts: insertRows<object>('test_ledger_accounts', ledgerAccounts),
  transfers: insertRows<object>('test_transfers', transfers),
  lots: insertRows<object>('test_lots', lots),
  members: insertRows<object>('test_loyalty_members', loyaltyMembers),
  referrals: insertRows<object>('test_referrals', referrals),
};

const NOW = new Date('2026-11-22T10:30:00Z');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 3 });
const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);

/** What a customer has beside profile and orders. */
export const possessions = (instant: fc.Arbitrary<Date>, currency: string) => {
  const lot = fc.record({
    amount: pick(AMOUNTS.filter((amount) => amount > 0)),
    isSpent: fc.integer({ min: 0, max: 3 }).map((roll) => roll === 0),
    dates: fc.tuple(instant, maybe(instant)),
  });
  const account = fc.record({
    unit: pick([currency, currency, 'points', 'points', 'USD']),
    overdraft: pick([0, 0, 1, 10_000]),
    lots: fc.array(lot, { maxLength: 4 }),
  });
  return fc.record({
    accounts: fc.uniqueArray(account, { maxLength: 3, selector: ({ unit }) => unit }),
    member: maybe(
      fc.record({
        status: pick([...MEMBER_STATUSES, 'active'] as const),
        enrolledAt: instant,
        pointsEarned: pick(AMOUNTS),
        tier: maybe(pick(TIERS)),
        tierSince: instant,
      }),
    ),
    referrals: fc.array(fc.record({ state: pick(REFERRAL_STATES), invitedAt: instant }), { maxLength: 3 }),
  });
};

export type Possessions = ReturnType<typeof possessions> extends fc.Arbitrary<infer T> ? T : never;
type GeneratedAccount = Possessions['accounts'][number];

function lotRow(accountId: string, { amount, isSpent, dates }: GeneratedAccount['lots'][number]) {
  const [one, other] = dates;
  const [activeFrom, expiresAt] = other !== null && other < one ? [other, one] : [one, other];
  return {
    id: newId(),
    accountId,
    transferId: newId(),
    amount,
    remaining: isSpent ? 0 : amount,
    isOpen: !isSpent,
    activeFrom,
    expiresAt: expiresAt !== null && expiresAt > activeFrom ? expiresAt : null,
    createdAt: NOW,
  };
}

function accountRows(customerId: string, { unit, overdraft, lots: generated }: GeneratedAccount) {
  const id = newId();
  const rows = generated.map((lot) => lotRow(id, lot));
  const balance = rows.reduce((sum, { remaining }) => sum + remaining, 0) - overdraft;
  const times = { createdAt: NOW, updatedAt: NOW };
  return {
    account: { id, customerId, unit, balance, overdraft, seq: rows.length, version: 1, hash: '', ...times },
    transfers: rows.map(({ transferId, amount }, index) => ({
      id: transferId,
      accountId: id,
      seq: index + 1,
      unit,
      kind: 'grant',
      isCredit: true,
      counterAccount: 'issued:grant',
      amount,
      balanceAfter: 0,
      effectiveAt: NOW,
      recordedAt: NOW,
      reference: transferId,
      hash: '',
    })),
    lots: rows,
  };
}

/** Gives the customers what they have. */
export async function possess(
  tx: Tx,
  people: readonly { id: string; facts: { possessions: Possessions } }[],
): Promise<void> {
  const rows = people.flatMap(({ id, facts }) =>
    facts.possessions.accounts.map((account) => accountRows(id, account)),
  );
  await insert.accounts(
    tx,
    rows.map(({ account }) => account),
  );
  await insert.transfers(
    tx,
    rows.flatMap((row) => row.transfers),
  );
  await insert.lots(
    tx,
    rows.flatMap((row) => row.lots),
  );
  await insert.members(
    tx,
    people.flatMap(({ id, facts: { possessions } }, index) =>
      possessions.member
        ? [
            {
              ...possessions.member,
              customerId: id,
              lastActivityAt: NOW,
              referralCode: `C${index}`,
              version: 1,
              updatedAt: NOW,
            },
          ]
        : [],
    ),
  );
  await insert.referrals(
    tx,
    people.flatMap(({ id, facts: { possessions } }) =>
      possessions.referrals.map((referral) => ({
        ...referral,
        id: newId(),
        advocateId: id,
        programmeVersion: 1,
        version: 1,
      })),
    ),
  );
}
