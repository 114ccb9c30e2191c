// Mails of the loyalty programme: to members who rose to a tier, and to those whose points end soon.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import type { LotPosition } from '../db/ledger/expiry.ts';
import { type EndingLot, listEndingPoints, listOpenPoints } from '../db/ledger/reminders.ts';
import { listTiersOf } from '../db/loyalty-members.ts';
import type { DueMessage } from '../db/messages.ts';
import { daysAfter, daysBefore } from '../domain/days.ts';
import { grouped } from '../domain/grouped.ts';
import { programmeMailsOf, REMINDER_DAYS, REMINDER_PAUSE_DAYS, riseIn } from '../domain/loyalty/mails.ts';
import type { ProgrammeSettings } from '../domain/loyalty/programme.ts';
import type { TierChange } from '../domain/loyalty/tiers.ts';
import { quietUntil } from '../domain/mail/quiet-hours.ts';
import { storeOf } from './customers.ts';
import type { Slice } from './jobs.ts';
import { currentProgramme } from './loyalty-programme.ts';
import { type NewMessage, queueMessages } from './messages.ts';

/** A change of a member's tier. */
export interface MemberTierChange {
  customerId: string;
  change: TierChange;
}

/** Tells members who rose, where the programme does: each once for a tier and a day. The changes are in order. */
export async function queueTierMails(
  ctx: Ctx,
  tx: Tx,
  settings: Pick<ProgrammeSettings, 'mails' | 'tiers'>,
  changes: readonly MemberTierChange[],
): Promise<void> {
  const { tiers } = settings;
  if (!tiers || !programmeMailsOf(settings).tierReached) return;
  const ofMembers = grouped(changes, ({ customerId }) => customerId);
  const mails = [...ofMembers].flatMap(([customerId, list]): NewMessage[] => {
    const rise = riseIn(
      list.map(({ change }) => change),
      tiers,
    );
    if (!rise) return [];
    const day = rise.at.toISOString().slice(0, 10);
    const reference = `tier:${customerId}:${rise.to}:${day}`;
    return [{ kind: 'tier_reached', customerId, data: { tier: rise.to }, reference }];
  });
  await queueMessages(ctx, tx, mails);
}

/** Lots of one slice. */
const LOTS_PER_SLICE = 500;
/** A nightly job finds them; nobody is to be woken up by it. */
const NIGHT = { from: '20:00', to: '09:00' };

/** Of several lots of a customer the one that ends first. */
const firstOfEach = (lots: readonly EndingLot[]): EndingLot[] =>
  [...grouped(lots, ({ customerId }) => customerId).values()].flatMap(([first]) => first ?? []);

/** One slice of points that end soon: their owners hear of each lot once, and not too often. */
export const pointsRemindersSlice: Slice = async (ctx, tx, job) => {
  const programme = await currentProgramme(tx);
  if (!programme || !programmeMailsOf(programme.settings).pointsExpiring) return { done: 0, outcomes: {} };
  const { after } = job.position as { after?: LotPosition };
  const { timezone } = await storeOf({ ...ctx, db: tx });
  const lots = await listEndingPoints(tx, {
    after,
    from: ctx.now,
    until: daysAfter(ctx.now, REMINDER_DAYS),
    pausedSince: daysBefore(ctx.now, REMINDER_PAUSE_DAYS),
    limit: LOTS_PER_SLICE,
  });
  const queued = await queueMessages(
    ctx,
    tx,
    firstOfEach(lots.filter(({ isToHear }) => isToHear)).map(({ customerId, lotId }) => ({
      kind: 'points_expiring',
      customerId,
      data: { lotId },
      reference: `points_expiring:${lotId}`,
      sendAfter: quietUntil(ctx.now, timezone, NIGHT),
    })),
  );
  const last = lots.at(-1);
  return {
    done: lots.length,
    outcomes: { reminded: queued.length },
    ...(last !== undefined &&
      lots.length === LOTS_PER_SLICE && {
        position: { after: { expiresAt: last.expiresAt, accountId: last.accountId, lotId: last.lotId } },
      }),
  };
};

type LoyaltyMail = Pick<DueMessage, 'id' | 'customerId' | 'data'>;

/** What a mail is about that belongs to a customer. */
const ofCustomers = (mails: readonly LoyaltyMail[], member: string) =>
  mails.flatMap(({ id, customerId, data }) => {
    const value = data[member];
    return customerId !== null && typeof value === 'string' ? [{ id, customerId, value }] : [];
  });

/** Points that were spent meanwhile end no more: nothing is to be said of them. */
async function pointsExpiring(ctx: Ctx, tx: Tx, mails: readonly LoyaltyMail[]) {
  const lots = ofCustomers(mails, 'lotId').map(({ value: lotId, ...mail }) => ({ ...mail, lotId }));
  const open = await listOpenPoints(tx, lots, ctx.now);
  return new Map(lots.flatMap(({ id, lotId }) => (open.has(lotId) ? [[id, {}] as const] : [])));
}

/** Whoever has another tier by now is not welcomed to the old one. */
async function tierReached(_ctx: Ctx, tx: Tx, mails: readonly LoyaltyMail[]) {
  const reached = ofCustomers(mails, 'tier');
  const tiers = await listTiersOf(
    tx,
    reached.map(({ customerId }) => customerId),
  );
  return new Map(
    reached.flatMap(({ id, customerId, value }) =>
      tiers.get(customerId) === value ? [[id, {}] as const] : [],
    ),
  );
}

/** Contents of the mails of the programme; their words take the customer's points and tier as they are. */
export const LOYALTY_MAILS = { points_expiring: pointsExpiring, tier_reached: tierReached };
