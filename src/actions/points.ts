// Points by hand: granted or corrected by staff, and read with what made them.
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import { listTransfers, type TransferKey } from '../db/ledger/lists.ts';
import { type EarningRow, listEarningsBySource } from '../db/loyalty-earnings.ts';
import type { Programme } from '../db/loyalty-programme.ts';
import { checkPresent } from '../domain/credit.ts';
import { type AccountState, balancesAt, expiringNext, momentOf, POINTS } from '../domain/ledger/accounts.ts';
import { EARN_PREFIX, type Entry } from '../domain/ledger/entries.ts';
import { lotDates } from '../domain/loyalty/expiry.ts';
import type { PageStart } from '../domain/pages.ts';
import { accepted, Problem } from '../errors.ts';
import { lockPresent, recentStoreOf } from './customers.ts';
import { type Decide, post, postIn, readAccount } from './ledger.ts';
import {
  fingerprintOf,
  knownTransfer,
  type LedgerResult,
  type Named,
  type TransferResource,
  toTransfer,
} from './ledger-answers.ts';
import { ensureMembers } from './loyalty-members.ts';
import { requireProgramme } from './loyalty-programme.ts';
import { adjustDecision, knownResult, tellTransfer, transferResult } from './spending.ts';
import { writeUnlessDry } from './write.ts';

export interface PointsInput extends Named {
  /** Above 0 grants, below 0 takes away. */
  amount: number;
  reason: string;
  /** By the programme's policy, if absent. */
  expiresAt?: Date | undefined;
}

/** Names grants in lots, beside the ids of rules. */
const GRANT = 'grant';

const fingerprintOfPoints = (customerId: string, { amount, reason, expiresAt }: PointsInput) =>
  fingerprintOf('points', customerId, amount, reason, expiresAt);

/** P4: a grant lasts as long as the programme says, unless told. */
function grantDecision(
  ctx: Ctx,
  customerId: string,
  input: PointsInput,
  { version, settings }: Programme,
  timezone: string,
): Decide<LedgerResult> {
  const { amount, reason, reference, dryRun, expiresAt: given } = input;
  const fingerprint = fingerprintOfPoints(customerId, input);
  return async (account, db) => {
    const known = await knownTransfer(db, reference, fingerprint);
    if (known) return knownResult(known, account);
    accepted(checkPresent(account.accountStatus));
    const { at } = account;
    if (given !== undefined && given <= at) throw new Problem('EXPIRY_INVALID', { expiresAt: given });
    const dates = given ? { activeFrom: at, expiresAt: given } : lotDates(settings.expiry, at, at, timezone);
    const rule = { programmeVersion: version, ruleId: GRANT, formula: String(amount) };
    const entry: Entry = {
      id: ctx.newId(),
      kind: 'grant',
      amount,
      effectiveAt: at,
      reference,
      fingerprint,
      reason,
      opens: [{ id: ctx.newId(), amount, ...dates, source: GRANT, rule: given ? null : rule }],
    };
    return {
      entries: [entry],
      tell: tellTransfer(customerId, 'points.granted'),
      answer: transferResult(ctx, customerId, dryRun),
    };
  };
}

/** P10: who left gets nothing, who never was a member becomes one where the first points make them one. */
async function refuseOutsider(ctx: Ctx, tx: Tx, programme: Programme, customerId: string): Promise<void> {
  const customer = await lockPresent(tx, customerId, undefined);
  const members = await ensureMembers(ctx, tx, programme, [customer]);
  const member = members.get(customerId);
  if (member?.status !== 'active')
    throw new Problem('MEMBER_NOT_ACTIVE', member ? { memberStatus: member.status } : {});
}

/**
 * Grants points to a member, or with a negative amount takes some away from anybody.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, PROGRAMME_MISSING, MEMBER_NOT_ACTIVE, INSUFFICIENT_POINTS, ZERO_AMOUNT,
 *   EXPIRY_INVALID, REFERENCE_REUSED
 */
export async function changePointsOf(
  ctx: Ctx,
  customerId: string,
  input: PointsInput,
): Promise<LedgerResult> {
  if (input.amount === 0) throw new Problem('ZERO_AMOUNT');
  const key = { customerId, unit: POINTS };
  if (input.amount < 0) {
    const fingerprint = fingerprintOfPoints(customerId, input);
    return post(ctx, key, input, adjustDecision(ctx, key, { ...input, fingerprint, allowNegative: false }));
  }
  const programme = await requireProgramme(ctx.db);
  const { timezone } = await recentStoreOf(ctx);
  const decide = grantDecision(ctx, customerId, input, programme, timezone);
  return writeUnlessDry(ctx, input.dryRun ?? false, async (tx) => {
    await refuseOutsider(ctx, tx, programme, customerId);
    return postIn(ctx, tx, key, decide);
  });
}

/** What somebody has of points. */
export interface PointsBalance {
  balance: number;
  available: number;
  held: number;
  pending: number;
  expired: number;
  expiringNext?: { points: number; expiresAt: Date };
}

const NOTHING: PointsBalance = { balance: 0, available: 0, held: 0, pending: 0, expired: 0 };

/** The balances at an instant, with what is the next to expire (L5). */
export function pointsBalance(state: AccountState | undefined, now: Date): PointsBalance {
  if (state === undefined) return NOTHING;
  const at = momentOf(state, now);
  const next = expiringNext(state, at);
  return {
    ...balancesAt(state, at),
    ...(next && { expiringNext: { points: next.amount, expiresAt: next.expiresAt } }),
  };
}

/** @throws Problem NOT_FOUND */
export async function readPoints(ctx: Ctx, customerId: string): Promise<PointsBalance> {
  const account = await readAccount(ctx.db, { customerId, unit: POINTS });
  return pointsBalance(account.state, ctx.now);
}

/** What earned points, in the shape of the contract. */
export function toEarning({ id, ruleId, programmeVersion, sourceKind, ...row }: EarningRow) {
  const { orderId, points, base, formula, lines, reversed, earnedAt } = row;
  return {
    id,
    ruleId,
    programmeVersion,
    sourceKind,
    ...(orderId && { orderId }),
    points,
    base,
    formula,
    lines,
    reversed,
    earnedAt,
  };
}

export interface PointsMovement {
  transfer: TransferResource;
  earning?: ReturnType<typeof toEarning>;
}

/** A page of what moved the points of a customer, newest first; earnings say which rule made them, and of what. */
export async function listPointsHistory(
  db: Db,
  customerId: string,
  start: PageStart<TransferKey>,
): Promise<PointsMovement[]> {
  const transfers = await listTransfers(db, { customerId, unit: POINTS }, start);
  const earned = transfers.flatMap(({ kind, reference }) =>
    kind === 'earn' ? reference.slice(EARN_PREFIX.length) : [],
  );
  const earnings = earned.length === 0 ? [] : await listEarningsBySource(db, earned);
  const byTransfer = new Map(earnings.map((earning) => [earning.transferId, earning]));
  return transfers.map((transfer) => {
    const earning = byTransfer.get(transfer.id);
    return { transfer: toTransfer(transfer), ...(earning && { earning: toEarning(earning) }) };
  });
}
