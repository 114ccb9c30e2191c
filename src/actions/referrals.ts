// Referrals: an advocate's code, and friends who come with it (P9). What becomes of them is in referral-decisions.ts.
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import { findByIdentity, lockCustomers } from '../db/customers.ts';
import { findMember } from '../db/loyalty-members.ts';
import {
  countReferralsOf,
  findAdvocateId,
  findReferral,
  insertReferral,
  isReferred,
  listFirstOrders,
  listPeople,
  lockInvitation,
  lockReferralsOf,
  type PersonRow,
  type ReferralRow,
  updateReferrals,
} from '../db/referrals.ts';
import { normaliseEmail } from '../domain/emails.ts';
import {
  checkReferral,
  mergeReferral,
  type ReferralPerson,
  type ReferralSettings,
  readReferralCode,
} from '../domain/loyalty/referrals.ts';
import { accepted, Problem } from '../errors.ts';
import { readPresent } from './customers.ts';
import { requireProgramme } from './loyalty-programme.ts';
import { asAdvocate, nextReferral, rejectedReferral, tellReferral } from './referral-decisions.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** A referral in the shape of the contract; the address of an invitation is nobody's business but the mail's. */
export function toReferral({ invitedEmail: _, ...row }: ReferralRow) {
  const {
    friendId,
    reason,
    orderId,
    decidesAt,
    registeredAt,
    qualifiedAt,
    rewardedAt,
    rejectedAt,
    ...shown
  } = row;
  return {
    ...shown,
    ...(friendId && { friendId }),
    ...(reason && { reason }),
    ...(orderId && { orderId }),
    ...(decidesAt && { decidesAt }),
    ...(registeredAt && { registeredAt }),
    ...(qualifiedAt && { qualifiedAt }),
    ...(rewardedAt && { rewardedAt }),
    ...(rejectedAt && { rejectedAt }),
  };
}

export type Referral = ReturnType<typeof toReferral>;

/** @throws Problem NOT_FOUND */
export async function readReferral(db: Db, id: string): Promise<Referral> {
  const referral = await findReferral(db, id);
  if (!referral) throw new Problem('NOT_FOUND', { resource: 'referral' });
  return toReferral(referral);
}

/**
 * The code that a member hands on.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, MEMBER_NOT_ACTIVE
 */
export async function readCode(ctx: Ctx, customerId: string): Promise<{ customerId: string; code: string }> {
  await readPresent(ctx.db, customerId);
  const member = await findMember(ctx.db, customerId);
  if (member?.status !== 'active') throw new Problem('MEMBER_NOT_ACTIVE');
  return { customerId, code: member.referralCode };
}

export interface ReferralInput {
  code: string;
  /** Exactly one of the two. */
  friendId?: string | undefined;
  email?: string | undefined;
}

function normalisedEmail(email: string): string {
  const emailNorm = normaliseEmail(email);
  if (emailNorm) return emailNorm;
  const errors = [{ pointer: '/email', code: 'EMAIL_INVALID', message: 'Not an email address.' }];
  throw new Problem('REFERRAL_INVALID', { errors });
}

/** Whom a request means: a customer by id or address, or an address that is nobody's yet. */
async function readFriend(tx: Tx, { friendId, email }: ReferralInput) {
  if ((friendId === undefined) === (email === undefined)) {
    const message = 'Exactly one of friendId and email.';
    const errors = [{ pointer: '/friendId', code: 'ONE_OF', message }];
    throw new Problem('REFERRAL_INVALID', { errors });
  }
  if (email === undefined) return { id: friendId, email: null };
  const emailNorm = normalisedEmail(email);
  const [known] = await findByIdentity(tx, { emailNorm });
  return { id: known?.id, email: emailNorm };
}

async function readAdvocateId(tx: Tx, text: string): Promise<string> {
  const code = readReferralCode(text);
  const advocateId = code && (await findAdvocateId(tx, code));
  if (!advocateId) throw new Problem('REFERRAL_CODE_UNKNOWN');
  return advocateId;
}

/** Both people, locked in id order, so that limits and uniqueness hold for whoever comes at the same time. */
async function lockPeople(tx: Tx, advocateId: string, friendId: string | undefined) {
  const ids = [...new Set(friendId === undefined ? [advocateId] : [advocateId, friendId])];
  await lockCustomers(tx, ids);
  const people = new Map((await listPeople(tx, ids)).map((person) => [person.id, person]));
  const advocate = people.get(advocateId);
  if (!advocate) throw new Problem('REFERRAL_CODE_UNKNOWN');
  return { advocate, friend: friendId === undefined ? undefined : people.get(friendId) };
}

const isGone = ({ accountStatus }: PersonRow): boolean =>
  accountStatus === 'merged' || accountStatus === 'erased';

async function factsOf(
  tx: Tx,
  advocateId: string,
  friendId: string | null,
  email: string | null,
  id: string,
) {
  const orders = friendId === null ? [] : await listFirstOrders(tx, { customerIds: [friendId] });
  const [count] = await countReferralsOf(tx, { advocateIds: [advocateId] });
  return {
    friendOrdersBefore: orders.length,
    friendWasReferred: await isReferred(tx, { friendId, email, otherThan: id }),
    advocateReferrals: count?.count ?? 0,
  };
}

const nobody = (emailNorm: string | null): ReferralPerson => ({
  id: '',
  emailNorm,
  phone: null,
  addresses: [],
});

async function termsOf(tx: Tx): Promise<{ version: number; terms: ReferralSettings }> {
  const { version, settings } = await requireProgramme(tx);
  if (!settings.referrals) throw new Problem('REFERRALS_NOT_OFFERED');
  return { version, terms: settings.referrals };
}

/**
 * P9: notes that a friend came with an advocate's code, or that somebody not known yet was invited by address.
 * @throws Problem PROGRAMME_MISSING, REFERRALS_NOT_OFFERED, REFERRAL_CODE_UNKNOWN, REFERRAL_INVALID, REFERENCE_UNKNOWN,
 *   SELF_REFERRAL, FRIEND_ALREADY_CUSTOMER, FRIEND_ALREADY_REFERRED, ADVOCATE_NOT_ACTIVE, REFERRAL_LIMIT
 */
export function createReferral(ctx: Ctx, input: ReferralInput): Promise<Referral> {
  return write(ctx, async (tx) => {
    const { version, terms } = await termsOf(tx);
    const advocateId = await readAdvocateId(tx, input.code);
    const named = await readFriend(tx, input);
    const { advocate, friend } = await lockPeople(tx, advocateId, named.id);
    if (named.id !== undefined && (!friend || isGone(friend)))
      throw new Problem('REFERENCE_UNKNOWN', { reference: '/friendId' });
    const id = ctx.newId();
    const email = friend?.emailNorm ?? named.email;
    if (email) await lockInvitation(tx, { email });
    const facts = await factsOf(tx, advocateId, friend?.id ?? null, email, id);
    accepted(checkReferral(asAdvocate(advocate), friend ?? nobody(email), facts, terms));
    const referral: ReferralRow = {
      id,
      advocateId,
      friendId: friend?.id ?? null,
      invitedEmail: friend ? null : email,
      state: friend ? 'registered' : 'invited',
      reason: null,
      programmeVersion: version,
      orderId: null,
      decidesAt: null,
      invitedAt: ctx.now,
      registeredAt: friend ? ctx.now : null,
      qualifiedAt: null,
      rewardedAt: null,
      rejectedAt: null,
      version: 1,
    };
    await insertReferral(tx, referral);
    await tell(ctx, tx, tellReferral(referral));
    return toReferral(referral);
  });
}

/** C10: referrals follow a merge; both customers' locks are held. */
export async function mergeReferrals(
  ctx: Ctx,
  tx: Tx,
  { fromId, intoId }: { fromId: string; intoId: string },
): Promise<void> {
  const rows = await lockReferralsOf(tx, [fromId, intoId]);
  const isSurvivorReferred = rows.some(({ friendId }) => friendId === intoId);
  const moved = rows.flatMap((row) => {
    const { advocateId, friendId, rejected } = mergeReferral(row, { fromId, intoId, isSurvivorReferred });
    if (advocateId === row.advocateId && friendId === row.friendId && !rejected) return [];
    const after = nextReferral(row, { advocateId, friendId });
    return [rejected ? { ...rejectedReferral(row, rejected, ctx.now), advocateId, friendId } : after];
  });
  await updateReferrals(tx, moved);
  await tell(ctx, tx, ...moved.filter(({ state }) => state === 'rejected').map(tellReferral));
}
