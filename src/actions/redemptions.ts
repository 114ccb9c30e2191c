// Redeeming points for rewards: hold, then hand over (P5). What gives points back is in redemption-returns.ts.
import { randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import { findStanding } from '../db/customers.ts';
import { type AccountKey, ensureAccounts, findLedgerAccount, lockAccounts } from '../db/ledger/accounts.ts';
import { lockMembers, type MemberRow } from '../db/loyalty-members.ts';
import {
  countRedemptions,
  expireRedemptions,
  findRedemption,
  insertRedemption,
  lockRedemption,
  type RedemptionRow,
  updateRedemption,
} from '../db/redemptions.ts';
import { lockReward, type RewardRow, takeFromStock } from '../db/rewards.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { ownReference } from '../domain/ledger/entries.ts';
import { MAX_HOLD_TTL_MS } from '../domain/ledger/spending.ts';
import { daysLater } from '../domain/loyalty/earning.ts';
import {
  checkRedeemer,
  hasCode,
  isFulfilledAtOnce,
  planRedemption,
  type Redeemer,
  redemptionStatusAt,
  rewardCode,
  rewardObstacle,
  snapshotOf,
} from '../domain/loyalty/rewards.ts';
import { creditSettingsOf } from '../domain/stores.ts';
import { accepted, Problem } from '../errors.ts';
import { grantDecision } from './credit.ts';
import { storeOf } from './customers.ts';
import { postIn } from './ledger.ts';
import { type AccountView, accountView } from './ledger-answers.ts';
import { noteSpending } from './points-booking.ts';
import { tierKeys } from './rewards.ts';
import { captureDecision, holdDecision } from './spending.ts';
import { type Happening, tell } from './timeline.ts';
import { writeUnlessDry } from './write.ts';

/** A redemption in the shape of the contract; `expired` is what time made of a held one. */
export function toRedemption(row: RedemptionRow, at: Date) {
  const { transferId, creditTransferId, code, orderId, reason, validUntil, closedAt, ...shown } = row;
  return {
    ...shown,
    status: redemptionStatusAt(row, at),
    ...(transferId && { transferId }),
    ...(creditTransferId && { creditTransferId }),
    ...(code && { code }),
    ...(orderId && { orderId }),
    ...(reason && { reason }),
    ...(validUntil && { validUntil }),
    ...(closedAt && { closedAt }),
  };
}

export type Redemption = ReturnType<typeof toRedemption>;

/** What a command did: the redemption and the customer's points after it. */
export interface RedemptionResult {
  redemption: Redemption;
  account: AccountView;
  dryRun: boolean;
}

/** The same inside, with the row. */
export interface Outcome {
  row: RedemptionRow;
  account: AccountView;
}

export const resultOf = (ctx: Ctx, { row, account }: Outcome, dryRun = false): RedemptionResult => ({
  redemption: toRedemption(row, ctx.now),
  account,
  dryRun,
});

export const pointsOf = (customerId: string): AccountKey => ({ customerId, unit: POINTS });

/** What the timeline says of a redemption. */
export const tellRedemption = (
  kind: Happening['kind'],
  { id, customerId, rewardId, points, reward, reason }: RedemptionRow,
): Happening => ({
  kind,
  customerId,
  subjectId: id,
  data: { rewardId, rewardKind: reward.kind, points, ...(reason && { reason }) },
});

/** Most rows that one statement closes. */
const CLOSED_AT_ONCE = 1_000;

/** Writes down what time has freed of a reward, and puts it back in stock; the caller holds the reward's lock. */
export async function closeRunOut(ctx: Ctx, tx: Tx, rewardId: string): Promise<number> {
  const closed = await expireRedemptions(tx, { rewardId, at: ctx.now, limit: CLOSED_AT_ONCE });
  if (closed.length === 0) return 0;
  await takeFromStock(tx, { id: rewardId, taken: -closed.length });
  const happenings = closed.map(
    ({ id, customerId }): Happening => ({
      kind: 'redemption.expired',
      customerId,
      subjectId: id,
      data: { rewardId },
    }),
  );
  await tell(ctx, tx, ...happenings);
  return closed.length;
}

/** @throws Problem NOT_FOUND, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE */
async function refuseRedeemer(db: Db, customerId: string): Promise<void> {
  const standing = await findStanding(db, customerId);
  if (!standing) throw new Problem('NOT_FOUND', { resource: 'customer' });
  accepted(checkRedeemer(standing.accountStatus));
}

/** Locks the reward as it is now: with everything back in stock whose time ran out. */
async function lockOffered(ctx: Ctx, tx: Tx, id: string): Promise<RewardRow> {
  const reward = await lockReward(tx, id);
  if (!reward) throw new Problem('REFERENCE_UNKNOWN', { reference: '/rewardId' });
  const freed = await closeRunOut(ctx, tx, id);
  return { ...reward, stock: reward.stock === null ? null : reward.stock + freed };
}

export const redeemerOf = (member: MemberRow | undefined, redemptionsCount = 0): Redeemer => ({
  memberStatus: member?.status ?? null,
  tier: member?.tier ?? null,
  redemptionsCount,
});

/** The locks come in the order of all writers: membership, reward, account. */
async function lockAvailable(ctx: Ctx, tx: Tx, customerId: string, rewardId: string): Promise<RewardRow> {
  const [member] = await lockMembers(tx, [customerId]);
  await refuseRedeemer(tx, customerId);
  const reward = await lockOffered(ctx, tx, rewardId);
  const used = await countRedemptions(tx, { customerId, rewardIds: [rewardId], at: ctx.now });
  const who = redeemerOf(member, used.get(rewardId));
  const why = rewardObstacle(reward, who, await tierKeys(tx), ctx.now);
  if (why) throw new Problem('REWARD_NOT_AVAILABLE', { why });
  return reward;
}

export interface RedeemInput {
  rewardId: string;
  orderId?: string | undefined;
  /** Hand it over at once. */
  fulfil?: boolean | undefined;
  dryRun?: boolean | undefined;
}

async function holdPoints(ctx: Ctx, tx: Tx, customerId: string, reward: RewardRow, input: RedeemInput) {
  const { orderId } = input;
  const id = ctx.newId();
  const command = {
    amount: reward.points,
    orderId,
    reference: ownReference('redemption', id),
    ttlMs: MAX_HOLD_TTL_MS,
  };
  const key = pointsOf(customerId);
  const { hold, account } = await postIn(ctx, tx, key, holdDecision(ctx, key, command, checkRedeemer));
  if (!hold) throw new Problem('CONFLICT');
  const row: RedemptionRow = {
    id,
    customerId,
    rewardId: reward.id,
    reward: snapshotOf(reward),
    points: reward.points,
    status: 'held',
    holdId: hold.id,
    transferId: null,
    creditTransferId: null,
    code: null,
    orderId: orderId ?? null,
    reason: null,
    heldUntil: hold.expiresAt,
    validUntil: null,
    createdAt: ctx.now,
    closedAt: null,
  };
  await insertRedemption(tx, row);
  await takeFromStock(tx, { id: reward.id, taken: 1 });
  await tell(ctx, tx, tellRedemption('redemption.held', row));
  return { row, account };
}

/** Store credit that a redemption becomes (K1, K8). */
async function grantCredit(
  ctx: Ctx,
  tx: Tx,
  { id, customerId, reward }: RedemptionRow,
  expiresAt: Date | null,
): Promise<string | null> {
  const { kind, amount, currency, name } = reward;
  if (kind !== 'store_credit' || amount === null || currency === null) return null;
  const settings = creditSettingsOf((await storeOf({ ...ctx, db: tx })).settings);
  const grant = {
    amount,
    currency,
    reason: name,
    reference: ownReference('reward', id),
    issuedFor: 'reward' as const,
    source: `redemption:${id}`,
    ...(expiresAt && { expiresAt }),
  };
  const decision = grantDecision(ctx, customerId, grant, settings);
  const { transfer } = await postIn(ctx, tx, { customerId, unit: currency }, decision);
  return transfer?.id ?? null;
}

async function validUntilOf(ctx: Ctx, tx: Tx, { reward }: RedemptionRow): Promise<Date | null> {
  if (reward.validDays === null) return null;
  const { timezone } = await storeOf({ ...ctx, db: tx });
  return daysLater(ctx.now, reward.validDays, timezone);
}

/** Accounts that a redemption touches, locked in the order of their ids before any of them is changed. */
export async function holdAccountsOf(ctx: Ctx, tx: Tx, { customerId, reward }: RedemptionRow): Promise<void> {
  const units = reward.kind === 'store_credit' && reward.currency ? [POINTS, reward.currency] : [POINTS];
  const keys = units.map((unit) => ({ customerId, unit }));
  await ensureAccounts(tx, keys, ctx);
  await lockAccounts(tx, keys);
}

/** Takes the held points and gives what they were held for, both or neither. */
async function handOver(ctx: Ctx, tx: Tx, row: RedemptionRow): Promise<Outcome> {
  await holdAccountsOf(ctx, tx, row);
  const command = { holdId: row.holdId, ...(row.orderId && { orderId: row.orderId }) };
  const key = pointsOf(row.customerId);
  const { transfer, account } = await postIn(ctx, tx, key, captureDecision(ctx, command, checkRedeemer));
  await noteSpending(ctx, tx, row.customerId);
  const validUntil = await validUntilOf(ctx, tx, row);
  const change = {
    status: 'fulfilled' as const,
    transferId: transfer?.id ?? null,
    creditTransferId: await grantCredit(ctx, tx, row, validUntil),
    code: hasCode(row.reward.kind) ? rewardCode(randomBytes(16)) : null,
    validUntil,
    closedAt: ctx.now,
  };
  await updateRedemption(tx, row.id, change);
  const fulfilled = { ...row, ...change };
  await tell(ctx, tx, tellRedemption('redemption.fulfilled', fulfilled));
  return { row: fulfilled, account };
}

/**
 * P5: holds the points of a reward, and with `fulfil` hands it over at once. Two who want the last one are served one
 * after the other, under the reward's lock.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE, REFERENCE_UNKNOWN, REWARD_NOT_AVAILABLE,
 *   INSUFFICIENT_POINTS, REWARD_NEEDS_DELIVERY, CREDIT_LIMIT_EXCEEDED
 */
export function redeemReward(ctx: Ctx, customerId: string, input: RedeemInput): Promise<RedemptionResult> {
  const { fulfil = false, dryRun = false } = input;
  const work = async (tx: Tx) => {
    const reward = await lockAvailable(ctx, tx, customerId, input.rewardId);
    if (fulfil && !isFulfilledAtOnce(reward.kind)) throw new Problem('REWARD_NEEDS_DELIVERY');
    const held = await holdPoints(ctx, tx, customerId, reward, input);
    return resultOf(ctx, fulfil ? await handOver(ctx, tx, held.row) : held, dryRun);
  };
  return writeUnlessDry(ctx, dryRun, work);
}

/** Which redemption a command means. */
export interface RedemptionKey {
  customerId: string;
  id: string;
}

/** @throws Problem NOT_FOUND */
export async function readRedemption(db: Db, key: RedemptionKey): Promise<RedemptionRow> {
  const row = await findRedemption(db, key);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'redemption' });
  return row;
}

/** The locked row, which is there: redemptions are never deleted. */
export async function lockKnown(tx: Tx, { id }: RedemptionRow): Promise<RedemptionRow> {
  const row = await lockRedemption(tx, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'redemption' });
  return row;
}

/** The answer of a command that finds its work done. */
export async function unchanged(ctx: Ctx, db: Db, row: RedemptionRow): Promise<Outcome> {
  const account = await findLedgerAccount(db, pointsOf(row.customerId));
  if (!account?.state) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return { row, account: accountView(row.customerId, account.state, ctx.now) };
}

/**
 * P5: takes the held points for good and hands the reward over. A second call answers as the first.
 * @throws Problem NOT_FOUND, REDEMPTION_CLOSED, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE, CREDIT_LIMIT_EXCEEDED
 */
export function fulfilRedemption(
  ctx: Ctx,
  key: RedemptionKey,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<RedemptionResult> {
  return writeUnlessDry(ctx, dryRun, async (tx) => {
    const row = await lockKnown(tx, await readRedemption(tx, key));
    const { done } = accepted(planRedemption(row, 'fulfilled', ctx.now));
    return resultOf(ctx, done ? await unchanged(ctx, tx, row) : await handOver(ctx, tx, row), dryRun);
  });
}
