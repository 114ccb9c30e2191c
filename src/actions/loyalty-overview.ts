// What the programme means for one customer: membership, points, tier, and what is missing for the next one (P7, P11).
import type { Ctx } from '../context.ts';
import { findMember, type MemberRow } from '../db/loyalty-members.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { levelOf, overrideOf, tierStateOf } from '../domain/loyalty/members.ts';
import { forecast, type TierGap, type TierLevel } from '../domain/loyalty/tiers.ts';
import { readPresent, recentStoreOf } from './customers.ts';
import { readAccount } from './ledger.ts';
import { currentProgramme } from './loyalty-programme.ts';
import { type PointsBalance, pointsBalance } from './points.ts';
import { tierRoom, tierValuesOf } from './tiers.ts';

export interface TierForecast {
  at: Date;
  /** Of the basis, in the window of that date. */
  value: number;
  next?: TierGap & { tier: string };
  keep?: TierGap;
}

/** A member's tier with its perks. */
export interface TierStanding {
  level?: TierLevel;
  since: Date;
  periodEndsAt: Date | null;
  override?: { tier: string; until: Date; reason: string };
  forecast: TierForecast;
}

export interface LoyaltyOverview {
  customerId: string;
  /** `none`: never was a member. */
  status: MemberRow['status'] | 'none';
  enrolledAt?: Date;
  leftAt?: Date;
  pointsEarned: number;
  referralCode?: string;
  points: PointsBalance;
  tier?: TierStanding;
}

async function standingOf(ctx: Ctx, member: MemberRow, at: Date): Promise<TierStanding | undefined> {
  const programme = await currentProgramme(ctx.db);
  if (!programme?.settings.tiers) return undefined;
  const room = tierRoom(programme, await recentStoreOf(ctx), at);
  const { settings, store } = room;
  const [values = { value: 0, periodValue: null }] = await tierValuesOf(ctx.db, room, [member]);
  const override = overrideOf(member);
  const facts = { settings, state: tierStateOf(member), override, ...values, timezone: store.timezone };
  const { next, keep } = forecast(facts, at);
  const level = levelOf(member, settings);
  return {
    ...(level && { level }),
    since: member.tierSince,
    periodEndsAt: member.periodEndsAt,
    ...(override && override.until > at && { override }),
    forecast: {
      at,
      value: values.value,
      ...(next && { next: { tier: next.key, missing: next.missing, by: next.by } }),
      ...(keep && { keep }),
    },
  };
}

const shown = ({ status, enrolledAt, leftAt, pointsEarned, referralCode }: MemberRow) => ({
  status,
  enrolledAt,
  ...(leftAt && { leftAt }),
  pointsEarned,
  referralCode,
});

/**
 * The customer's standing now, with a forecast of the tier at any date.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function readLoyalty(
  ctx: Ctx,
  customerId: string,
  at: Date = ctx.now,
): Promise<LoyaltyOverview> {
  await readPresent(ctx.db, customerId);
  const member = await findMember(ctx.db, customerId);
  const account = await readAccount(ctx.db, { customerId, unit: POINTS });
  const points = pointsBalance(account.state, ctx.now);
  if (!member) return { customerId, status: 'none', pointsEarned: 0, points };
  const tier = await standingOf(ctx, member, at);
  return { customerId, ...shown(member), points, ...(tier && { tier }) };
}

/** A member in lists. */
export const toMember = ({ customerId, tier, tierSince, ...member }: MemberRow) => ({
  customerId,
  ...shown({ customerId, tier, tierSince, ...member }),
  tier,
  tierSince,
});
