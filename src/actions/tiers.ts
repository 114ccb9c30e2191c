// Tiers of members (P7): looked at in batches, the values of their windows summed by the database.
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import { sumTierValues, type ValueQuestion } from '../db/loyalty-earnings.ts';
import {
  listDueMemberIds,
  listMemberIds,
  lockMembers,
  type MemberRow,
  updateMembers,
} from '../db/loyalty-members.ts';
import { findProgramme, type Programme } from '../db/loyalty-programme.ts';
import type { Store } from '../db/stores.ts';
import { sameValue } from '../domain/fields.ts';
import { tierStateOf, tiersOf, withTierAt } from '../domain/loyalty/members.ts';
import type { ProgrammeSettings } from '../domain/loyalty/programme.ts';
import {
  checkOverride,
  reviewOf,
  type TierChange,
  type TierSettings,
  windowAt,
} from '../domain/loyalty/tiers.ts';
import { accepted, Problem } from '../errors.ts';
import { storeOf } from './customers.ts';
import type { Slice } from './jobs.ts';
import { type MemberTierChange, queueTierMails } from './loyalty-mails.ts';
import { requireProgramme } from './loyalty-programme.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

/** What decides about tiers, beside the members. */
export interface TierRoom {
  settings: TierSettings;
  programme: Pick<ProgrammeSettings, 'mails' | 'tiers'>;
  store: Pick<Store, 'currency' | 'timezone'>;
  at: Date;
}

export const tierRoom = (
  { settings }: Pick<Programme, 'settings'>,
  { currency, timezone }: Pick<Store, 'currency' | 'timezone'>,
  at: Date,
): TierRoom => ({ settings: tiersOf(settings), programme: settings, store: { currency, timezone }, at });

/** The value of the window of now, and of the period whose end is looked at next. */
export interface TierValues {
  value: number;
  periodValue: number | null;
}

/** Corrects a sum of the database; the batch that is being worked on may be in it already. */
type Correct = (question: ValueQuestion, value: number) => number;
const asStored: Correct = (_, value) => value;

/** The values of members at the instant of the room, two windows each, in one statement. */
export async function tierValuesOf(
  db: Db,
  { settings, store, at }: TierRoom,
  members: readonly MemberRow[],
  correct: Correct = asStored,
): Promise<TierValues[]> {
  const now = windowAt(settings, at, store.timezone);
  const reviews = members.map((member) => reviewOf(tierStateOf(member), settings, store.timezone));
  const questions = members.flatMap(({ customerId }, index): ValueQuestion[] => {
    const review = reviews[index]?.window;
    return [{ customerId, ...now }, ...(review ? [{ customerId, ...review }] : [])];
  });
  const sums = await sumTierValues(db, settings.basis, questions, store.currency);
  const values = questions.map((question, index) => correct(question, sums[index] ?? 0)).values();
  const next = () => values.next().value ?? 0;
  return reviews.map((review) => ({ value: next(), periodValue: review ? next() : null }));
}

/** A member whose tier was looked at. */
export interface ReviewedMember {
  member: MemberRow;
  value: number;
  changes: TierChange[];
}

/** A job that is later than this many periods goes on the next night. */
const MAX_PERIODS = 200;

const isDue = ({ tierDueAt }: MemberRow, at: Date): boolean => tierDueAt !== null && tierDueAt <= at;

/** P7: every member's tier at the instant of the room: up at once, and period by period what has ended. */
export async function reviewMembers(
  db: Db,
  room: TierRoom,
  members: readonly MemberRow[],
  correct?: Correct,
): Promise<ReviewedMember[]> {
  const reviewed = new Map<string, ReviewedMember>();
  let open = members;
  for (let round = 0; open.length > 0 && round < MAX_PERIODS; round++) {
    const values = await tierValuesOf(db, room, open, correct);
    open = open.flatMap((before, index) => {
      const value = values[index] ?? { value: 0, periodValue: null };
      const { member, change } = withTierAt(before, room.settings, value, room.store.timezone, room.at);
      const changes = reviewed.get(member.customerId)?.changes ?? [];
      reviewed.set(member.customerId, {
        member,
        value: value.value,
        changes: change ? [...changes, change] : changes,
      });
      return isDue(member, room.at) && !sameValue(member, before) ? [member] : [];
    });
  }
  return members.flatMap(({ customerId }) => reviewed.get(customerId) ?? []);
}

/** One event for each change, with the facts that led to it. */
export const tierHappening = ({ customerId, change: { at, ...facts } }: MemberTierChange): Happening => ({
  kind: 'tier.changed',
  customerId,
  data: facts,
  at,
});

/** The changes of all members, in order. */
export const tierChangesOf = (reviewed: readonly ReviewedMember[]): MemberTierChange[] =>
  reviewed.flatMap(({ member: { customerId }, changes }) =>
    changes.map((change) => ({ customerId, change })),
  );

/** Looks at locked members and stores what became of their tiers; resolves to the changes. */
export async function settleTiers(
  ctx: Ctx,
  tx: Tx,
  room: TierRoom,
  members: readonly MemberRow[],
): Promise<ReviewedMember[]> {
  const before = new Map(members.map((member) => [member.customerId, member]));
  const reviewed = await reviewMembers(tx, room, members);
  const changed = reviewed.filter(({ member }) => !sameValue(member, before.get(member.customerId)));
  await updateMembers(
    tx,
    changed.map(({ member }) => ({ ...member, updatedAt: ctx.now })),
  );
  const changes = tierChangesOf(changed);
  await tell(ctx, tx, ...changes.map(tierHappening));
  await queueTierMails(ctx, tx, room.programme, changes);
  return reviewed;
}

const MEMBERS_PER_SLICE = 500;

/**
 * One slice of tiers: of members who are due, or with `all`, after the thresholds changed, of all of them. `outcomes`
 * counts members whose tier went another way.
 */
export const loyaltyTiersSlice: Slice = async (ctx, tx, job) => {
  const programme = await findProgramme(tx);
  if (!programme) return { done: 0, outcomes: {} };
  const { after } = job.position as { after?: string };
  const isWhole = job.params.all === true;
  const ids = isWhole
    ? await listMemberIds(tx, after, MEMBERS_PER_SLICE)
    : await listDueMemberIds(tx, ctx.now, MEMBERS_PER_SLICE);
  const members = await lockMembers(tx, ids);
  const room = tierRoom(programme, await storeOf({ ...ctx, db: tx }), ctx.now);
  const reviewed = await settleTiers(ctx, tx, room, members);
  const changed = reviewed.filter(({ changes }) => changes.length > 0).length;
  // A member who stays due (later than MAX_PERIODS) waits for the next night.
  const goesOn = ids.length === MEMBERS_PER_SLICE && reviewed.some(({ member }) => !isDue(member, ctx.now));
  return {
    done: members.length,
    outcomes: { reviewed: members.length, changed },
    ...(goesOn && { position: isWhole ? { after: ids.at(-1) } : { slice: job.done + members.length } }),
  };
};

/** The member, locked behind the customer. @throws Problem MEMBER_NOT_ACTIVE */
async function lockActive(tx: Tx, customerId: string): Promise<MemberRow> {
  const [member] = await lockMembers(tx, [customerId]);
  if (member?.status !== 'active')
    throw new Problem('MEMBER_NOT_ACTIVE', member && { memberStatus: member.status });
  return member;
}

/** Stores the member with another override and what follows for the tier. */
async function override(
  ctx: Ctx,
  tx: Tx,
  customerId: string,
  change: (
    member: MemberRow,
    room: TierRoom,
  ) => Pick<MemberRow, 'overrideTier' | 'overrideUntil' | 'overrideReason'>,
): Promise<void> {
  const programme = await requireProgramme(tx);
  if (!programme.settings.tiers) throw new Problem('TIERS_NOT_OFFERED');
  const room = tierRoom(programme, await storeOf({ ...ctx, db: tx }), ctx.now);
  const member = await lockActive(tx, customerId);
  const changed = { ...member, ...change(member, room) };
  await updateMembers(tx, [{ ...changed, updatedAt: ctx.now }]);
  await settleTiers(ctx, tx, room, [changed]);
}

export interface OverrideInput {
  tier: string;
  until: Date;
  reason: string;
}

/**
 * P7: gives a tier by hand, whatever the value says, until an instant.
 * @throws Problem MEMBER_NOT_ACTIVE, TIERS_NOT_OFFERED, TIER_NOT_FOUND, OVERRIDE_END_PAST, PROGRAMME_MISSING
 */
export function overrideTier(ctx: Ctx, customerId: string, input: OverrideInput): Promise<void> {
  return write(ctx, (tx) =>
    override(ctx, tx, customerId, (_, { settings }) => {
      accepted(checkOverride(input, settings.levels, ctx.now));
      return { overrideTier: input.tier, overrideUntil: input.until, overrideReason: input.reason };
    }),
  );
}

/**
 * Ends a tier given by hand now; without one nothing changes.
 * @throws Problem MEMBER_NOT_ACTIVE, TIERS_NOT_OFFERED, PROGRAMME_MISSING
 */
export function endTierOverride(ctx: Ctx, customerId: string): Promise<void> {
  return write(ctx, (tx) =>
    override(ctx, tx, customerId, ({ overrideTier, overrideReason }) => ({
      overrideTier,
      overrideReason,
      overrideUntil: overrideTier === null ? null : ctx.now,
    })),
  );
}
