// What the pages of a shop show a customer: credit, standing, and the rewards on offer (P11). What staff noted for itself
// is left out.
import type { Ctx } from '../context.ts';
import { findLedgerAccount, listAccountsOf } from '../db/ledger/accounts.ts';
import { findMember } from '../db/loyalty-members.ts';
import { countRedemptions, countRunOut } from '../db/redemptions.ts';
import { listRewards } from '../db/rewards.ts';
import { expiringNext, momentOf, POINTS } from '../domain/ledger/accounts.ts';
import { rewardObstacle } from '../domain/loyalty/rewards.ts';
import { accountView } from './ledger-answers.ts';
import { type LoyaltyOverview, readLoyalty } from './loyalty-overview.ts';
import type { PointsMovement } from './points.ts';
import { pointsOf, redeemerOf } from './redemptions.ts';
import { tierKeys } from './rewards.ts';

/** Store credit by currency, with what stops counting next. */
export async function myCredit(ctx: Ctx, customerId: string) {
  const accounts = await listAccountsOf(ctx.db, customerId);
  return accounts
    .filter(({ unit }) => unit !== POINTS)
    .map((state) => {
      const { unit: currency, available, held } = accountView(customerId, state, ctx.now);
      const next = expiringNext(state, momentOf(state, ctx.now));
      return { currency, available, held, ...(next && { expiringNext: next }) };
    });
}

/** The standing without why somebody was given a tier by hand. */
export async function myLoyalty(ctx: Ctx, customerId: string): Promise<LoyaltyOverview> {
  const { tier, ...standing } = await readLoyalty(ctx, customerId);
  if (!tier) return standing;
  const { override: _, ...shown } = tier;
  return { ...standing, tier: shown };
}

/** A movement of points without the reason that staff wrote down. */
export function myMovement({ transfer, ...movement }: PointsMovement): PointsMovement {
  const { reason: _, ...shown } = transfer;
  return { ...movement, transfer: shown };
}

/** A shop with more rewards than this on offer at once shows nobody all of them. */
const MAX_OFFERS = 200;

/** Rewards that are or will be on offer, each with whether this customer can have it now, and why not. */
export async function offeredRewards(ctx: Ctx, customerId: string) {
  const { db, now: at } = ctx;
  const rewards = await listRewards(db, { status: 'active' }, { after: undefined, limit: MAX_OFFERS });
  const rewardIds = rewards.map(({ id }) => id);
  const member = await findMember(db, customerId);
  const used = await countRedemptions(db, { customerId, rewardIds, at });
  const freed = new Map((await countRunOut(db, { rewardIds, at })).map((row) => [row.rewardId, row.count]));
  const account = await findLedgerAccount(db, pointsOf(customerId));
  const available = account?.state ? accountView(customerId, account.state, at).available : 0;
  const tiers = await tierKeys(db);
  return rewards.flatMap((reward) => {
    const stock = reward.stock === null ? null : reward.stock + (freed.get(reward.id) ?? 0);
    const offer = { ...reward, stock };
    const obstacle = rewardObstacle(offer, redeemerOf(member, used.get(reward.id)), tiers, at);
    if (obstacle === 'ended') return [];
    const missingPoints = Math.max(0, reward.points - available);
    const why = obstacle ?? (missingPoints > 0 ? ('insufficient_points' as const) : undefined);
    return [{ ...offer, available: why === undefined, ...(why && { why }), missingPoints }];
  });
}
