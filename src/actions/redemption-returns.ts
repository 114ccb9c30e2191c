// What gives points of redemptions back: refusing, reversing, the cancelled order, and time (P5, P6).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { findLotOf } from '../db/ledger/transfers.ts';
import { lockMembers } from '../db/loyalty-members.ts';
import {
  findRewardRunOut,
  listRedemptionsOfOrders,
  type RedemptionChange,
  type RedemptionRow,
  updateRedemption,
} from '../db/redemptions.ts';
import { lockReward, takeFromStock } from '../db/rewards.ts';
import { checkPresent } from '../domain/credit.ts';
import { type Entry, ownReference } from '../domain/ledger/entries.ts';
import { planTakeBack } from '../domain/ledger/spending.ts';
import { planRedemption } from '../domain/loyalty/rewards.ts';
import { creditSettingsOf } from '../domain/stores.ts';
import { accepted, Problem } from '../errors.ts';
import { storeOf } from './customers.ts';
import type { Slice } from './jobs.ts';
import { type Decide, postIn } from './ledger.ts';
import type { OrderPlan } from './order-plans.ts';
import {
  closeRunOut,
  holdAccountsOf,
  lockKnown,
  type Outcome,
  pointsOf,
  type RedemptionKey,
  type RedemptionResult,
  readRedemption,
  resultOf,
  tellRedemption,
  unchanged,
} from './redemptions.ts';
import { refundDecision, tellTransfer, voidDecision } from './spending.ts';
import { tell } from './timeline.ts';
import { writeUnlessDry } from './write.ts';

/** Closes a redemption whose points went back, and puts the reward back in stock. */
async function close(
  ctx: Ctx,
  tx: Tx,
  row: RedemptionRow,
  status: 'refused' | 'reversed',
  reason: string,
): Promise<RedemptionRow> {
  const change = { status, reason, closedAt: ctx.now } satisfies RedemptionChange;
  await updateRedemption(tx, row.id, change);
  await takeFromStock(tx, { id: row.rewardId, taken: -1 });
  const closed = { ...row, ...change };
  await tell(ctx, tx, tellRedemption(`redemption.${status}`, closed));
  return closed;
}

/** The reward comes first, for whoever redeems holds it when closing what ran out. */
async function lockWithReward(tx: Tx, row: RedemptionRow): Promise<RedemptionRow> {
  await lockReward(tx, row.rewardId);
  return lockKnown(tx, row);
}

/** P5: the held points are free again, in their lots. */
async function refuse(ctx: Ctx, tx: Tx, row: RedemptionRow, reason: string): Promise<Outcome> {
  const { account } = await postIn(
    ctx,
    tx,
    pointsOf(row.customerId),
    voidDecision(ctx, { holdId: row.holdId }),
  );
  return { row: await close(ctx, tx, row, 'refused', reason), account };
}

/** Why the points are given back. */
interface GiveBack {
  reason: string;
  dryRun?: boolean;
}

/**
 * P5: gives the held points back. A second call answers as the first.
 * @throws Problem NOT_FOUND, REDEMPTION_CLOSED
 */
export function refuseRedemption(
  ctx: Ctx,
  key: RedemptionKey,
  { reason, dryRun = false }: GiveBack,
): Promise<RedemptionResult> {
  return writeUnlessDry(ctx, dryRun, async (tx) => {
    const row = await lockWithReward(tx, await readRedemption(tx, key));
    const { done } = accepted(planRedemption(row, 'refused', ctx.now));
    return resultOf(ctx, done ? await unchanged(ctx, tx, row) : await refuse(ctx, tx, row, reason), dryRun);
  });
}

/** Takes back the credit that a redemption had become: its own lot first. */
function takeBackDecision(
  ctx: Ctx,
  { id, customerId }: RedemptionRow,
  credit: { transferId: string; amount: number },
): Decide<unknown> {
  const { transferId, amount } = credit;
  return async ({ accountStatus, state, at }, db) => {
    accepted(checkPresent(accountStatus));
    const lotId = await findLotOf(db, { transferId, accountId: state.id });
    const shares = accepted(planTakeBack(state, lotId, amount, at));
    const entry: Entry = {
      id: ctx.newId(),
      kind: 'reversal',
      issuedFor: 'reward',
      amount,
      effectiveAt: at,
      reference: ownReference('unreward', id),
      correctsId: transferId,
      shares,
    };
    return { entries: [entry], tell: tellTransfer(customerId, 'credit.adjusted'), answer: () => undefined };
  };
}

async function takeCreditBack(ctx: Ctx, tx: Tx, row: RedemptionRow): Promise<void> {
  const { customerId, creditTransferId: transferId, reward } = row;
  const { amount, currency } = reward;
  if (transferId === null || amount === null || currency === null) return;
  const decision = takeBackDecision(ctx, row, { transferId, amount });
  await postIn(ctx, tx, { customerId, unit: currency }, decision);
}

/** P5: the points go back to the lots that paid; store credit that they had become is taken back with them. */
async function reverse(ctx: Ctx, tx: Tx, row: RedemptionRow, reason: string): Promise<Outcome> {
  if (row.transferId === null) throw new Problem('REDEMPTION_CLOSED', { redemptionStatus: row.status });
  await holdAccountsOf(ctx, tx, row);
  await takeCreditBack(ctx, tx, row);
  const { settings } = await storeOf({ ...ctx, db: tx });
  const { expiredRefunds: expired, graceDays } = creditSettingsOf(settings);
  const refund = { transferId: row.transferId, reference: ownReference('unredeem', row.id), reason };
  const decision = refundDecision(ctx, refund, { expired, graceDays }, checkPresent);
  const { account } = await postIn(ctx, tx, pointsOf(row.customerId), decision);
  return { row: await close(ctx, tx, row, 'reversed', reason), account };
}

/**
 * P5: takes a fulfilled redemption back. A second call answers as the first.
 * @throws Problem NOT_FOUND, REDEMPTION_CLOSED, CUSTOMER_GONE, INSUFFICIENT_CREDIT when the credit was spent meanwhile
 */
export function reverseRedemption(
  ctx: Ctx,
  key: RedemptionKey,
  { reason, dryRun = false }: GiveBack,
): Promise<RedemptionResult> {
  return writeUnlessDry(ctx, dryRun, async (tx) => {
    const row = await lockWithReward(tx, await readRedemption(tx, key));
    const { done } = accepted(planRedemption(row, 'reversed', ctx.now));
    return resultOf(ctx, done ? await unchanged(ctx, tx, row) : await reverse(ctx, tx, row, reason), dryRun);
  });
}

const ORDER_CANCELLED = 'Order cancelled';

/** Credit that is spent stays: then the points stay redeemed too. */
const isSpent = (error: unknown): boolean => error instanceof Problem && error.code === 'INSUFFICIENT_CREDIT';

async function returnForOrder(ctx: Ctx, tx: Tx, row: RedemptionRow): Promise<void> {
  if (!('refused' in planRedemption(row, 'refused', ctx.now))) {
    await refuse(ctx, tx, row, ORDER_CANCELLED);
    return;
  }
  if ('refused' in planRedemption(row, 'reversed', ctx.now)) return;
  await reverse(ctx, tx, row, ORDER_CANCELLED).catch((error: unknown) => {
    if (!isSpent(error)) throw error;
  });
}

/** P6: an order that is cancelled gives back what was redeemed for it, in the order's own transaction. */
export async function returnRedemptions(
  ctx: Ctx,
  tx: Tx,
  { changes }: Pick<OrderPlan, 'changes'>,
): Promise<void> {
  const cancelled = changes.filter(
    ({ before, after }) => after.status === 'cancelled' && before?.status !== 'cancelled',
  );
  if (cancelled.length === 0) return;
  const rows = await listRedemptionsOfOrders(tx, {
    customerIds: cancelled.flatMap(({ before, after }) => [
      after.customerId,
      before?.customerId ?? after.customerId,
    ]),
    orderIds: cancelled.map(({ after }) => after.id),
  });
  await lockMembers(
    tx,
    rows.map(({ customerId }) => customerId),
  );
  for (const key of rows)
    await returnForOrder(ctx, tx, await lockWithReward(tx, await readRedemption(tx, key)));
}

/** One reward a slice: closes the rows of what time has freed already. */
export const redemptionExpirySlice: Slice = async (ctx, tx) => {
  const [next] = await findRewardRunOut(tx, { at: ctx.now });
  if (!next) return { done: 0, outcomes: {} };
  await lockReward(tx, next.rewardId);
  const expired = await closeRunOut(ctx, tx, next.rewardId);
  return { done: expired, outcomes: { expired }, position: {} };
};
