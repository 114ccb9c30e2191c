// Points that orders and events earn, and what takes them back (P1–P4, P6, P7): read what decides for a whole batch, let
// the rules decide in memory, book it in one statement.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  type EarningRow,
  listCapSums,
  listEarningsBySource,
  listEarningsOfEvents,
  listSegmentHits,
  type ValueQuestion,
} from '../db/loyalty-earnings.ts';
import type { MemberRow } from '../db/loyalty-members.ts';
import { findProgrammeVersions } from '../db/loyalty-programme.ts';
import { sameValue } from '../domain/fields.ts';
import { grouped } from '../domain/grouped.ts';
import {
  type Earning,
  type EarningRule,
  type EarningSource,
  earningDay,
  sourceOf,
} from '../domain/loyalty/earning.ts';
import {
  type CapUse,
  capKey,
  hasLastingCap,
  type PointsChange,
  type PointsEvent,
  type PointsSource,
  PointsWalk,
  tierContribution,
} from '../domain/loyalty/order-points.ts';
import type { ProgrammeSettings } from '../domain/loyalty/programme.ts';
import { windowAt } from '../domain/loyalty/tiers.ts';
import { bind } from '../domain/segments/bind.ts';
import { isRefusal } from '../domain/segments/problems.ts';
import { storeOf } from './customers.ts';
import { lockAndEnsureMembers } from './loyalty-members.ts';
import { currentProgramme } from './loyalty-programme.ts';
import { bookPoints, type PointsRoom } from './points-booking.ts';
import { loadNames, openQueries } from './segment-queries.ts';
import { type ReviewedMember, reviewMembers, tierChangesOf, tierRoom } from './tiers.ts';

export type { PointsEvent } from '../domain/loyalty/order-points.ts';

/** The room, or undefined while the store has no programme. */
export async function openPoints(ctx: Ctx, tx: Tx): Promise<PointsRoom | undefined> {
  const programme = await currentProgramme(tx);
  return programme && { ctx, tx, programme, store: await storeOf({ ...ctx, db: tx }) };
}

/** Who may earn, and when: what caps and segments are asked for. */
export interface Earner {
  customerId: string;
  at: Date;
}

/** Sums of rules with caps per day or customer. */
async function readCaps(
  { tx, programme, store }: PointsRoom,
  earners: readonly Earner[],
): Promise<Map<string, CapUse>> {
  const ruleIds = programme.settings.rules.filter(hasLastingCap).map(({ id }) => id);
  const caps = new Map<string, CapUse>();
  if (ruleIds.length === 0 || earners.length === 0) return caps;
  const days = new Map(
    earners.map(({ customerId, at }) => {
      const day = { customerId, ...earningDay(at, store.timezone) };
      return [`${customerId} ${day.from.getTime()}`, day];
    }),
  );
  for (const { customerId, ruleId, from, day, customer } of await listCapSums(
    tx,
    [...days.values()],
    ruleIds,
  )) {
    const key = capKey(customerId, ruleId);
    const use = caps.get(key) ?? { customer, days: new Map<number, number>() };
    use.days.set(from.getTime(), day);
    caps.set(key, use);
  }
  return caps;
}

const segmentSlugs = (rules: readonly EarningRule[]): Set<string> =>
  new Set(
    rules.flatMap(({ multipliers = [] }) =>
      multipliers.flatMap(({ kind, key }) => (kind === 'segment' && key !== undefined ? [key] : [])),
    ),
  );

/**
 * The segments of the earners that rules name, as they are with the orders of the batch. One that is gone, or cannot be
 * asked any more, multiplies nothing.
 */
async function readSegments(
  { ctx, tx, programme }: PointsRoom,
  earners: readonly Earner[],
): Promise<(customerId: string) => string[]> {
  const slugs = segmentSlugs(programme.settings.rules);
  if (slugs.size === 0 || earners.length === 0) return () => [];
  const env = { ...(await openQueries(ctx, ctx.now, tx)), ...(await loadNames(tx)) };
  const segments = [...slugs].flatMap((slug) => {
    const query = env.segments.get(slug);
    const bound = query && bind(query, env);
    return bound === undefined || isRefusal(bound) ? [] : [{ slug, bound }];
  });
  const customerIds = [...new Set(earners.map(({ customerId }) => customerId))];
  const hits = grouped(await listSegmentHits(tx, customerIds, segments), ({ customerId }) => customerId);
  return (customerId) => (hits.get(customerId) ?? []).map(({ slug }) => slug);
}

async function readVersions(
  { tx, programme }: PointsRoom,
  earnings: readonly EarningRow[],
): Promise<Map<number, ProgrammeSettings>> {
  const versions = new Set(earnings.map(({ programmeVersion }) => programmeVersion));
  versions.delete(programme.version);
  if (versions.size === 0) return new Map();
  const rows = await findProgrammeVersions(tx, [...versions]);
  return new Map(rows.map(({ version, settings }) => [version, settings]));
}

/** The value of a tier before the changes: they are stored already, so the sums have them. */
function withoutChanges({ programme, store }: PointsRoom, changes: readonly PointsChange[]) {
  return (question: ValueQuestion, value: number): number =>
    changes.reduce((left, { before, after }) => {
      const amountOf = (order: PointsChange['before']) =>
        order?.customerId === question.customerId
          ? tierContribution(programme, order, store.currency, question)
          : 0;
      return left - amountOf(after) + amountOf(before);
    }, value);
}

/** P7: tiers as they are when the batch comes, so that its first order earns by them. */
async function contact(
  room: PointsRoom,
  members: readonly MemberRow[],
  changes: readonly PointsChange[],
): Promise<ReviewedMember[]> {
  const { ctx, tx, programme, store } = room;
  const active = members.filter(({ status }) => status === 'active');
  if (active.length === 0) return [];
  const ofCustomer = grouped(
    changes.flatMap((change) => {
      const owners = new Set([change.before?.customerId, change.after.customerId]);
      return [...owners].map((customerId) => ({ customerId, change }));
    }),
    ({ customerId }) => customerId,
  );
  return reviewMembers(tx, tierRoom(programme, store, ctx.now), active, (question, value) => {
    const own = (ofCustomer.get(question.customerId) ?? []).map(({ change }) => change);
    return withoutChanges(room, own)(question, value);
  });
}

function newEarning({ ctx, programme }: PointsRoom) {
  return (
    earned: Earning,
    { kind, customerId, orderId, at }: PointsSource,
    sourceKey: string,
  ): EarningRow => ({
    id: ctx.newId(),
    customerId,
    sourceKey,
    sourceKind: kind,
    ruleId: earned.ruleId,
    programmeVersion: programme.version,
    orderId,
    points: earned.points,
    base: earned.base,
    formula: earned.formula,
    lines: earned.lines,
    transferId: ctx.newId(),
    // Known when the account is locked.
    accountId: '',
    lotId: ctx.newId(),
    reversed: 0,
    earnedAt: at,
    createdAt: ctx.now,
  });
}

interface Batch {
  /** Locked, with those who have just become members. */
  members: readonly MemberRow[];
  earners: readonly Earner[];
  earnings: readonly EarningRow[];
  changes: readonly PointsChange[];
}

/**
 * Lets `take` decide and books what came of it. The customers and members are locked; statements do not depend on the
 * size of the batch.
 */
export async function changePoints(
  room: PointsRoom,
  { members, earners, earnings, changes }: Batch,
  take: (walk: PointsWalk<EarningRow, MemberRow>) => void,
): Promise<void> {
  const { ctx, programme, store } = room;
  const versions = await readVersions(room, earnings);
  const caps = await readCaps(room, earners);
  const segmentsOf = await readSegments(room, earners);
  const reviewed = await contact(room, members, changes);
  const { settings: tiers } = tierRoom(programme, store, ctx.now);
  const known = new Map(members.map((member) => [member.customerId, { member, value: 0 }]));
  for (const { member, value } of reviewed) known.set(member.customerId, { member, value });
  const walk = new PointsWalk<EarningRow, MemberRow>({
    programme,
    versions,
    store,
    earnings,
    members: known,
    segmentsOf,
    caps,
    window: windowAt(tiers, ctx.now, store.timezone),
    at: ctx.now,
    newEarning: newEarning(room),
  });
  take(walk);
  const after = members.flatMap((before) => {
    const member = walk.changed.get(before.customerId) ?? known.get(before.customerId)?.member ?? before;
    return sameValue(member, before) ? [] : [{ ...member, updatedAt: ctx.now }];
  });
  await bookPoints(room, {
    steps: walk.steps,
    members: new Map([...known].map(([id, { member }]) => [id, walk.changed.get(id) ?? member])),
    changedMembers: after,
    versions,
    tierChanges: tierChangesOf(reviewed),
  });
}

const keysOf = ({ rules }: ProgrammeSettings, { kind, side, sourceId }: PointsEvent): string[] =>
  rules
    .filter((rule) => rule.kind === 'event' && rule.event === kind && rule.side === side)
    .map(({ id }) => sourceOf(id, { kind, id: sourceId }));

/**
 * P1, P2, P8, P9: books the points of events in a transaction of the caller's, each event once for good. Customers are
 * locked here, in id order, and become members where the programme enrols at the first earning; who is no member earns
 * nothing. Resolves to the earnings that these events have, new or old.
 */
export async function earnForEvents(ctx: Ctx, tx: Tx, events: readonly PointsEvent[]): Promise<EarningRow[]> {
  const room = await openPoints(ctx, tx);
  if (!room) return [];
  const { settings } = room.programme;
  const rewarded = events.filter((event) => keysOf(settings, event).length > 0);
  if (rewarded.length === 0) return [];
  const earners = rewarded.map(({ customerId, at }) => ({ customerId, at }));
  const members = await lockAndEnsureMembers(
    ctx,
    tx,
    room.programme,
    earners.map(({ customerId }) => customerId),
  );
  const keys = rewarded.flatMap((event) => keysOf(settings, event));
  const earnings = await listEarningsBySource(tx, keys);
  await changePoints(room, { members: [...members.values()], earners, earnings, changes: [] }, (walk) => {
    for (const event of rewarded) walk.takeEvent(event);
  });
  return listEarningsBySource(tx, keys);
}

/**
 * P6, P9: takes back all that events gave, by the programme's policy for reversals. What was taken back before stays so.
 */
export async function reverseEvents(ctx: Ctx, tx: Tx, sources: readonly EarningSource[]): Promise<void> {
  const room = await openPoints(ctx, tx);
  if (!room) return;
  const earnings = await listEarningsOfEvents(tx, sources);
  if (earnings.length === 0) return;
  const customerIds = earnings.map(({ customerId }) => customerId);
  const members = await lockAndEnsureMembers(ctx, tx, { settings: { enrolment: 'explicit' } }, customerIds);
  // Read again under the locks.
  const batch = { earners: [], changes: [], earnings: await listEarningsOfEvents(tx, sources) };
  await changePoints(room, { ...batch, members: [...members.values()] }, (walk) => {
    for (const earning of batch.earnings) walk.takeBack(earning, ctx.now);
  });
}
