// When a referral earns both people their points, and when it ends without (P9): decided from what is stored, for many
// referrals at once, under their locks.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { lockCustomers } from '../db/customers.ts';
import { findProgrammeVersions } from '../db/loyalty-programme.ts';
import {
  countReferralsOf,
  listDueReferrals,
  listFirstOrders,
  listInvitationsOf,
  listPeople,
  listReferralsOfFriends,
  lockReferrals,
  type PersonRow,
  type ReferralKey,
  type ReferralRow,
  updateReferrals,
} from '../db/referrals.ts';
import { REFERRAL_SIDES } from '../domain/loyalty/earning.ts';
import {
  checkReferral,
  planReferralRefund,
  qualify,
  type ReferralOutcome,
  type ReferralSettings,
  type RejectionReason,
} from '../domain/loyalty/referrals.ts';
import type { CountableOrder } from '../domain/order-counters.ts';
import { storeOf } from './customers.ts';
import type { Slice } from './jobs.ts';
import { earnForEvents, reverseEvents } from './loyalty-earnings.ts';
import { currentProgramme } from './loyalty-programme.ts';
import type { OrderPlan } from './order-plans.ts';
import { type Happening, tell } from './timeline.ts';

export const asAdvocate = (person: PersonRow) => ({ ...person, isMember: person.memberStatus === 'active' });

/** The referral as its next version. */
export const nextReferral = (referral: ReferralRow, change: Partial<ReferralRow>): ReferralRow => ({
  ...referral,
  ...change,
  version: referral.version + 1,
});

/** A referral that is over. */
export const rejectedReferral = (referral: ReferralRow, reason: RejectionReason, at: Date): ReferralRow =>
  nextReferral(referral, { state: 'rejected', reason, rejectedAt: at, decidesAt: null });

/** What the timeline of the advocate says of a referral. */
export const tellReferral = (referral: ReferralRow): Happening => ({
  kind: `referral.${referral.state}`,
  customerId: referral.advocateId,
  subjectId: referral.id,
  data: {
    ...(referral.friendId && { friendId: referral.friendId }),
    ...(referral.orderId && { orderId: referral.orderId }),
    ...(referral.reason && { reason: referral.reason }),
  },
});

/** Terms of a referral: those of the version of the programme under which it was made. */
async function readTerms(tx: Tx, rows: readonly ReferralRow[]): Promise<Map<number, ReferralSettings>> {
  const versions = await findProgrammeVersions(tx, [
    ...new Set(rows.map(({ programmeVersion }) => programmeVersion)),
  ]);
  return new Map(
    versions.flatMap(({ version, settings }) => (settings.referrals ? [[version, settings.referrals]] : [])),
  );
}

/** Everything that decides about a batch, in one read each. */
async function readFacts(ctx: Ctx, tx: Tx, rows: readonly ReferralRow[]) {
  const advocateIds = [...new Set(rows.map(({ advocateId }) => advocateId))];
  const friendIds = rows.flatMap(({ friendId }) => friendId ?? []);
  const people = await listPeople(tx, [...new Set([...advocateIds, ...friendIds])]);
  const orders = await listFirstOrders(tx, { customerIds: friendIds });
  const counts = await countReferralsOf(tx, { advocateIds });
  return {
    store: await storeOf({ ...ctx, db: tx }),
    terms: await readTerms(tx, rows),
    people: new Map(people.map((person) => [person.id, person])),
    firstOrders: new Map<string, CountableOrder>(
      orders.map(({ customerId, ...order }) => [customerId, order]),
    ),
    counts: new Map(counts.map(({ advocateId, count }) => [advocateId, count])),
  };
}

type Facts = Awaited<ReturnType<typeof readFacts>>;

/** P9: asked when the referral is made and again before the reward; a friend may turn out to be nobody new. */
function rejectionOf(
  referral: ReferralRow,
  facts: Facts,
  terms: ReferralSettings,
): RejectionReason | undefined {
  const advocate = facts.people.get(referral.advocateId);
  const friend = facts.people.get(referral.friendId ?? '');
  if (!advocate || !friend) return undefined;
  const first = facts.firstOrders.get(friend.id);
  const others = (facts.counts.get(advocate.id) ?? 1) - 1;
  return checkReferral(
    asAdvocate(advocate),
    friend,
    {
      friendOrdersBefore: first && first.placedAt < referral.invitedAt ? 1 : 0,
      friendWasReferred: false,
      advocateReferrals: others,
    },
    terms,
  )?.reason;
}

function outcomeOf(ctx: Ctx, referral: ReferralRow, facts: Facts): ReferralOutcome | undefined {
  const terms = facts.terms.get(referral.programmeVersion);
  if (!terms || referral.friendId === null) return undefined;
  const outcome = qualify(facts.firstOrders.get(referral.friendId), terms, facts.store, ctx.now);
  if (outcome.state !== 'qualified') return outcome;
  const reason = rejectionOf(referral, facts, terms);
  return reason ? { state: 'rejected', reason } : outcome;
}

/** The referral after its outcome; undefined when nothing changes. */
function decided(ctx: Ctx, referral: ReferralRow, facts: Facts): ReferralRow | undefined {
  const outcome = outcomeOf(ctx, referral, facts);
  if (!outcome) return undefined;
  const orderId = facts.firstOrders.get(referral.friendId ?? '')?.id ?? null;
  if (outcome.state === 'rejected')
    return { ...rejectedReferral(referral, outcome.reason, ctx.now), orderId };
  if (outcome.state === 'qualified') {
    const { now } = ctx;
    const change = { state: 'rewarded', qualifiedAt: now, rewardedAt: now, decidesAt: null } as const;
    return nextReferral(referral, { ...change, orderId });
  }
  const isSame = referral.orderId === orderId && referral.decidesAt?.getTime() === outcome.until?.getTime();
  return isSame ? undefined : nextReferral(referral, { orderId, decidesAt: outcome.until });
}

/** P9: both sides in the transaction of the decision; unique by source, so that nobody is rewarded twice (P2). */
async function reward(ctx: Ctx, tx: Tx, rewarded: readonly ReferralRow[]): Promise<void> {
  const events = rewarded.flatMap(({ id, advocateId, friendId }) =>
    REFERRAL_SIDES.flatMap((side) => {
      const customerId = side === 'advocate' ? advocateId : friendId;
      return customerId ? [{ customerId, kind: 'referral' as const, side, sourceId: id, at: ctx.now }] : [];
    }),
  );
  await earnForEvents(ctx, tx, events);
}

/** Decides about registered referrals, whose locks are held. Resolves to how many were rewarded and rejected. */
async function decide(ctx: Ctx, tx: Tx, rows: readonly ReferralRow[]) {
  const facts = await readFacts(ctx, tx, rows);
  const changed = rows.flatMap((row) => decided(ctx, row, facts) ?? []);
  await updateReferrals(tx, changed);
  const rewarded = changed.filter(({ state }) => state === 'rewarded');
  const rejected = changed.filter(({ state }) => state === 'rejected');
  const qualified = rewarded.map((row) => tellReferral({ ...row, state: 'qualified' }));
  await tell(ctx, tx, ...qualified, ...[...rewarded, ...rejected].map(tellReferral));
  await reward(ctx, tx, rewarded);
  return { rewarded: rewarded.length, rejected: rejected.length };
}

/** P9: a refund or cancellation of the first order of referrals that were decided. */
async function refund(
  ctx: Ctx,
  tx: Tx,
  rows: readonly ReferralRow[],
  orders: ReadonlyMap<string, CountableOrder>,
): Promise<void> {
  const terms = await readTerms(tx, rows);
  const { currency } = await storeOf({ ...ctx, db: tx });
  const plans = rows.flatMap((row) => {
    const order = orders.get(row.orderId ?? '');
    const settings = terms.get(row.programmeVersion);
    const plan = order && settings && planReferralRefund(row.state, order, settings, currency);
    return plan ? [{ row: rejectedReferral(row, plan.reason, ctx.now), ...plan }] : [];
  });
  const after = plans.map(({ row }) => row);
  await updateReferrals(tx, after);
  await tell(ctx, tx, ...after.map(tellReferral));
  const taken = plans.filter(({ reversesPoints }) => reversesPoints);
  const sources = taken.map(({ row }) => ({ kind: 'referral' as const, id: row.id }));
  if (sources.length > 0) await reverseEvents(ctx, tx, sources);
}

/** P9: whom an invitation meant, as soon as they are somebody. Their locks, or their newness, are the caller's. */
export async function linkInvitations(ctx: Ctx, tx: Tx, customerIds: readonly string[]): Promise<void> {
  if (!(await currentProgramme(tx))) return;
  const friends = new Map(
    (await listInvitationsOf(tx, { customerIds })).map(({ id, friendId }) => [id, friendId]),
  );
  if (friends.size === 0) return;
  const open = (await lockReferrals(tx, [...friends.keys()])).filter(({ state }) => state === 'invited');
  const taken = new Set(
    (await listReferralsOfFriends(tx, { friendIds: [...friends.values()] })).map(({ friendId }) => friendId),
  );
  const linked = open.map((referral) => {
    const friendId = friends.get(referral.id) ?? null;
    return taken.has(friendId)
      ? rejectedReferral(referral, 'friend_already_referred', ctx.now)
      : nextReferral(referral, { friendId, state: 'registered', registeredAt: ctx.now });
  });
  await updateReferrals(tx, linked);
  await tell(ctx, tx, ...linked.map(tellReferral));
}

/** What orders do to referrals of their customers, in the orders' own transaction (O4). */
export async function noteReferrals(
  ctx: Ctx,
  tx: Tx,
  { changes }: Pick<OrderPlan, 'changes'>,
): Promise<void> {
  if (!(await currentProgramme(tx))) return;
  const friendIds = [
    ...new Set(
      changes.flatMap(({ before, after }) => [after.customerId, before?.customerId ?? after.customerId]),
    ),
  ];
  await linkInvitations(ctx, tx, friendIds);
  const keys = await listReferralsOfFriends(tx, { friendIds });
  if (keys.length === 0) return;
  const rows = await lockReferrals(
    tx,
    keys.map(({ id }) => id),
  );
  const orders = new Map(changes.map(({ after }) => [after.id, after]));
  await refund(
    ctx,
    tx,
    rows.filter(({ state, orderId }) => state !== 'registered' && orders.has(orderId ?? '')),
    orders,
  );
  const registered = rows.filter(({ state }) => state === 'registered');
  if (registered.length > 0) await decide(ctx, tx, registered);
}

/** Referrals of one slice. */
const DECIDED_AT_ONCE = 200;

const peopleOf = ({ advocateId, friendId }: ReferralKey): string[] =>
  friendId === null ? [advocateId] : [advocateId, friendId];

/** P9: decides what became due. A referral that an order decided meanwhile is left alone. */
export const referralDecisionsSlice: Slice = async (ctx, tx) => {
  const due = await listDueReferrals(tx, { at: ctx.now, limit: DECIDED_AT_ONCE });
  if (due.length === 0) return { done: 0, outcomes: {} };
  await lockCustomers(tx, [...new Set(due.flatMap(peopleOf))]);
  const rows = await lockReferrals(
    tx,
    due.map(({ id }) => id),
  );
  const outcomes = await decide(
    ctx,
    tx,
    rows.filter(({ state }) => state === 'registered'),
  );
  const isLast = due.length < DECIDED_AT_ONCE;
  return { done: due.length, outcomes, ...(isLast ? {} : { position: {} }) };
};
