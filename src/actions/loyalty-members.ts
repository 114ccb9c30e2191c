// Members of the programme (P10): who becomes one, and what becomes of the points of those who leave.
import { randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { lockCustomers } from '../db/customers.ts';
import { insertMembers, lockMembers, type MemberRow, updateMembers } from '../db/loyalty-members.ts';
import type { AccountStatus } from '../domain/account-states.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { planForfeit } from '../domain/ledger/spending.ts';
import type { ProgrammeSettings } from '../domain/loyalty/programme.ts';
import { REFERRAL_CODE_LENGTH, referralCode } from '../domain/loyalty/referrals.ts';
import { Problem } from '../errors.ts';
import { lockPresent, storeOf } from './customers.ts';
import { type Decide, postIn } from './ledger.ts';
import { requireProgramme } from './loyalty-programme.ts';
import { tellTransfer } from './spending.ts';
import { settleTiers, tierRoom } from './tiers.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

/** A customer whose lock is held. */
export interface LockedCustomer {
  id: string;
  accountStatus: AccountStatus;
  /** What makes somebody a member at the first earning: now, unless it happened before. */
  activityAt?: Date;
}

type NewMember = Pick<LockedCustomer, 'id' | 'activityAt'>;

const isGone = ({ accountStatus }: LockedCustomer): boolean =>
  accountStatus === 'merged' || accountStatus === 'erased';

const newMember = (ctx: Ctx, { id: customerId, activityAt = ctx.now }: NewMember): MemberRow => ({
  customerId,
  status: 'active',
  enrolledAt: ctx.now,
  leftAt: null,
  pointsEarned: 0,
  lastActivityAt: activityAt,
  tier: null,
  tierEarned: null,
  tierSince: ctx.now,
  periodEndsAt: null,
  overrideTier: null,
  overrideUntil: null,
  overrideReason: null,
  tierDueAt: null,
  referralCode: referralCode(randomBytes(REFERRAL_CODE_LENGTH)),
  birthdayRewardedYear: null,
  birthdayEditedYear: null,
  version: 1,
  updatedAt: ctx.now,
});

/** Two of 2^40 codes meet so seldom that a third try is more than enough. */
const CODE_ATTEMPTS = 3;

const tellEnrolment = (customerId: string): Happening => ({ kind: 'loyalty.enrolled', customerId });

async function addMembers(ctx: Ctx, tx: Tx, customers: readonly NewMember[]): Promise<MemberRow[]> {
  const added = new Map<string, MemberRow>();
  let missing = customers;
  for (let attempt = 0; missing.length > 0 && attempt < CODE_ATTEMPTS; attempt++) {
    const rows = missing.map((customer) => newMember(ctx, customer));
    const ids = await insertMembers(tx, rows);
    for (const row of rows) if (ids.has(row.customerId)) added.set(row.customerId, row);
    missing = missing.filter(({ id }) => !ids.has(id));
  }
  if (missing.length > 0) throw new Error('no free referral code was found');
  await tell(ctx, tx, ...[...added.keys()].map(tellEnrolment));
  return [...added.values()];
}

/**
 * The members among customers whose locks are held, locked too; where the programme enrols at the first earning, those
 * who are none become members. Tiers are not looked at yet.
 */
export async function ensureMembers(
  ctx: Ctx,
  tx: Tx,
  { settings }: { settings: Pick<ProgrammeSettings, 'enrolment'> },
  customers: readonly LockedCustomer[],
): Promise<Map<string, MemberRow>> {
  const present = customers.filter((customer) => !isGone(customer));
  const known = await lockMembers(
    tx,
    present.map(({ id }) => id),
  );
  const isKnown = new Set(known.map(({ customerId }) => customerId));
  const missing = settings.enrolment === 'at_first_earn' ? present.filter(({ id }) => !isKnown.has(id)) : [];
  const added = await addMembers(ctx, tx, missing);
  return new Map([...known, ...added].map((member) => [member.customerId, member]));
}

/** The same for customers who are not locked yet: locks them first, in id order. */
export async function lockAndEnsureMembers(
  ctx: Ctx,
  tx: Tx,
  programme: { settings: Pick<ProgrammeSettings, 'enrolment'> },
  customerIds: readonly string[],
): Promise<Map<string, MemberRow>> {
  const ids = [...new Set(customerIds)];
  if (ids.length === 0) return new Map();
  return ensureMembers(ctx, tx, programme, await lockCustomers(tx, ids));
}

async function returning(ctx: Ctx, tx: Tx, member: MemberRow): Promise<MemberRow> {
  if (member.status === 'active') return member;
  const back: MemberRow = { ...member, status: 'active', leftAt: null, updatedAt: ctx.now };
  await updateMembers(tx, [back]);
  await tell(ctx, tx, tellEnrolment(member.customerId));
  return back;
}

/**
 * Makes a customer a member, or a member again: frozen points can be used again. Resolves to whether that is new.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, PROGRAMME_MISSING
 */
export function enrolMember(ctx: Ctx, customerId: string): Promise<{ enrolled: boolean }> {
  return write(ctx, async (tx) => {
    const programme = await requireProgramme(tx);
    await lockPresent(tx, customerId, undefined);
    const [known] = await lockMembers(tx, [customerId]);
    if (known?.status === 'active') return { enrolled: false };
    const members = known
      ? [await returning(ctx, tx, known)]
      : await addMembers(ctx, tx, [{ id: customerId }]);
    await settleTiers(ctx, tx, tierRoom(programme, await storeOf({ ...ctx, db: tx }), ctx.now), members);
    return { enrolled: true };
  });
}

/** Everything that no hold reserves goes to breakage. */
const forfeitDecision =
  (ctx: Ctx, customerId: string): Decide<number> =>
  async ({ state, at }) => {
    const shares = planForfeit(state, at);
    const amount = shares.reduce((sum, share) => sum + share.amount, 0);
    if (amount === 0) return { entries: [], tell: () => [], answer: () => 0 };
    return {
      entries: [{ id: ctx.newId(), kind: 'forfeit', amount, effectiveAt: at, shares }],
      tell: tellTransfer(customerId, 'points.forfeited'),
      answer: () => amount,
    };
  };

/**
 * Takes a member out of the programme: the points stay where they are until the customer comes back, or by setting are
 * forfeited. Nothing changes for somebody who left before.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, MEMBER_NOT_ACTIVE for somebody who never was a member, PROGRAMME_MISSING
 */
export function leaveProgramme(ctx: Ctx, customerId: string): Promise<{ forfeited: number }> {
  return write(ctx, async (tx) => {
    const { settings } = await requireProgramme(tx);
    await lockPresent(tx, customerId, undefined);
    const [member] = await lockMembers(tx, [customerId]);
    if (!member) throw new Problem('MEMBER_NOT_ACTIVE');
    if (member.status === 'left') return { forfeited: 0 };
    await updateMembers(tx, [
      { ...member, status: 'left', leftAt: ctx.now, tierDueAt: null, updatedAt: ctx.now },
    ]);
    await tell(ctx, tx, { kind: 'loyalty.left', customerId, data: { onLeave: settings.onLeave } });
    if (settings.onLeave === 'freeze') return { forfeited: 0 };
    const key = { customerId, unit: POINTS };
    return { forfeited: await postIn(ctx, tx, key, forfeitDecision(ctx, customerId)) };
  });
}
