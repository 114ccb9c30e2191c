// Commands that every kind of account has: redeem, hold, capture, void, extend, refund (K6, K7). Credit and rewards say
// who may, and how it is told.
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import type { AccountKey } from '../db/ledger/accounts.ts';
import { findHold, type HoldView } from '../db/ledger/holds.ts';
import { findRefundable, findTransfer, type TransferView } from '../db/ledger/transfers.ts';
import type { AccountStatus } from '../domain/account-states.ts';
import { checkPresent } from '../domain/credit.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { type Booking, type Entry, ownReference } from '../domain/ledger/entries.ts';
import { type ExpiredRefunds, planRefund } from '../domain/ledger/refunds.ts';
import { planCapture, planDebit, planExtension, planSpend, planVoid } from '../domain/ledger/spending.ts';
import { accepted, Problem, type Refusal } from '../errors.ts';
import type { Decide, OpenAccount } from './ledger.ts';
import {
  accountView,
  bookedTransfer,
  factsOf,
  fingerprintOf,
  knownHold,
  knownTransfer,
  type LedgerResult,
  type Named,
  toHold,
  toTransfer,
} from './ledger-answers.ts';
import type { Happening } from './timeline.ts';

/** Says no when a customer in this state may not do it. */
export type StatusCheck = (status: AccountStatus) => Refusal | undefined;

/** `credit.redeemed` or `points.redeemed`: the first word follows from the unit. */
type Verb = 'adjusted' | 'redeemed' | 'held' | 'hold_changed' | 'refunded';
const kindOf = (unit: string, verb: Verb) =>
  unit === POINTS ? (`points.${verb}` as const) : (`credit.${verb}` as const);

/** The answer about a transfer that was made before: as it was, with the account as it is. */
export const knownResult = (transfer: TransferView, { state, at }: OpenAccount) => ({
  known: {
    transfer: toTransfer(transfer),
    account: accountView(transfer.customerId, state, at),
    dryRun: false,
  },
});

/** The answer to a command that makes one transfer. */
export const transferResult =
  (ctx: Ctx, customerId: string, dryRun = false) =>
  (booking: Booking): LedgerResult => ({
    transfer: bookedTransfer(customerId, booking),
    account: accountView(customerId, booking.after, ctx.now),
    dryRun,
  });

/** What the timeline says about the one transfer of a booking. */
export const tellTransfer =
  (customerId: string, kind: Happening['kind']) =>
  (booking: Booking): Happening[] => [
    { kind, customerId, subjectId: booking.transfers[0]?.id ?? null, data: factsOf(booking) },
  ];

export interface Adjustment extends Named {
  /** Below 0: what is taken away. */
  amount: number;
  reason: string;
  /** Only grants can have one. */
  expiresAt?: Date | undefined;
  fingerprint: string;
  /** Whether more may be taken than can be spent. */
  allowNegative: boolean;
}

/** K2: a correction downward, also for accounts that may not spend. */
export function adjustDecision(
  ctx: Ctx,
  { customerId, unit }: AccountKey,
  { amount, reason, expiresAt, reference, fingerprint, allowNegative, dryRun }: Adjustment,
): Decide<LedgerResult> {
  if (expiresAt) throw new Problem('EXPIRY_INVALID', { expiresAt });
  return async (account, db) => {
    const known = await knownTransfer(db, reference, fingerprint);
    if (known) return knownResult(known, account);
    accepted(checkPresent(account.accountStatus));
    const entry: Entry = {
      id: ctx.newId(),
      kind: 'adjustment',
      amount: -amount,
      effectiveAt: account.at,
      reference,
      fingerprint,
      reason,
      shares: accepted(planDebit(account.state, -amount, account.at, allowNegative)),
    };
    return {
      entries: [entry],
      tell: tellTransfer(customerId, kindOf(unit, 'adjusted')),
      answer: transferResult(ctx, customerId, dryRun),
    };
  };
}

export interface SpendInput extends Named {
  amount: number;
  orderId?: string | undefined;
}

/** Takes `amount` from the account at once. */
export function redeemDecision(
  ctx: Ctx,
  { customerId, unit }: AccountKey,
  input: SpendInput,
  check: StatusCheck,
): Decide<LedgerResult> {
  const fingerprint = fingerprintOf('redeem', customerId, unit, input.amount, input.orderId);
  return async (account, db) => {
    const known = await knownTransfer(db, input.reference, fingerprint);
    if (known) return knownResult(known, account);
    accepted(check(account.accountStatus));
    const shares = accepted(planSpend(account.state, input.amount, account.at));
    const { amount, reference, orderId } = input;
    const entry: Entry = {
      id: ctx.newId(),
      kind: 'redemption',
      amount,
      effectiveAt: account.at,
      reference,
      fingerprint,
      orderId,
      shares,
    };
    return {
      entries: [entry],
      tell: tellTransfer(customerId, kindOf(unit, 'redeemed')),
      answer: transferResult(ctx, customerId, input.dryRun),
    };
  };
}

export interface HoldInput extends SpendInput {
  /** How long it lives, and what the command itself said of that (L7). */
  ttlMs: number;
  ttlMinutes?: number | undefined;
}

const holdResult = (ctx: Ctx, hold: HoldView, booking: Booking, dryRun = false): LedgerResult => ({
  ...(booking.transfers.length > 0 && { transfer: bookedTransfer(hold.customerId, booking) }),
  hold: toHold(hold, ctx.now),
  account: accountView(hold.customerId, booking.after, ctx.now),
  dryRun,
});

const knownHoldResult = (hold: HoldView, { state, at }: OpenAccount, transfer?: TransferView) => ({
  known: {
    ...(transfer && { transfer: toTransfer(transfer) }),
    hold: toHold(hold, at),
    account: accountView(hold.customerId, state, at),
    dryRun: false,
  },
});

/** Holds of this process, by id: what of them never changes need not be read again before a capture. */
const recent = new Map<string, HoldView>();
const MAX_RECENT = 10_000;

function remember(hold: HoldView): void {
  if (recent.size >= MAX_RECENT) recent.clear();
  recent.set(hold.id, hold);
}

/** A hold as it was made; whether it is still open only its account says. */
export const recallHold = async (db: Db, id: string): Promise<HoldView | undefined> =>
  recent.get(id) ?? findHold(db, id);

/** Reserves `amount` for a while: of certain lots, chosen as a spend would choose them (L4). */
export function holdDecision(
  ctx: Ctx,
  { customerId, unit }: AccountKey,
  input: HoldInput,
  check: StatusCheck,
): Decide<LedgerResult> {
  const fingerprint = fingerprintOf('hold', customerId, unit, input.amount, input.ttlMinutes, input.orderId);
  return async (account, db) => {
    const known = await knownHold(db, input.reference, fingerprint);
    if (known) return knownHoldResult(known, account);
    accepted(check(account.accountStatus));
    const lots = accepted(planSpend(account.state, input.amount, account.at));
    const id = ctx.newId();
    const hold: HoldView = {
      id,
      accountId: account.state.id,
      customerId,
      unit,
      status: 'open',
      amount: input.amount,
      lots,
      captured: 0,
      transferId: null,
      reference: input.reference ?? id,
      fingerprint,
      orderId: input.orderId ?? null,
      expiresAt: new Date(account.at.getTime() + input.ttlMs),
      createdAt: account.at,
      closedAt: null,
    };
    return {
      entries: [],
      newHolds: [hold],
      tell: () => [tellHold(hold, 'held')],
      answer(booking) {
        remember(hold);
        return holdResult(ctx, hold, booking, input.dryRun);
      },
    };
  };
}

const tellHold = (hold: HoldView, verb: 'held' | 'hold_changed'): Happening => ({
  kind: kindOf(hold.unit, verb),
  customerId: hold.customerId,
  subjectId: hold.id,
  data: { unit: hold.unit, amount: hold.amount, status: hold.status, expiresAt: hold.expiresAt },
});

/** An open hold is known with its account; only of a closed one, or where nobody found it before, it has to be read. */
async function readHold(db: Db, { holdId, found }: HoldCommand, { state }: OpenAccount): Promise<HoldView> {
  const open = state.holds.find(({ id }) => id === holdId);
  if (open && found) return { ...found, ...open };
  const hold = await findHold(db, holdId);
  if (!hold || hold.accountId !== state.id) throw new Problem('NOT_FOUND', { resource: 'hold' });
  return hold;
}

/** A hold and what is wanted of it. */
export interface HoldCommand {
  holdId: string;
  /** The hold as it was before: what never changes of it need not be read again. */
  found?: HoldView | undefined;
  dryRun?: boolean | undefined;
}

/** Takes what the hold reserved, all or a part; the rest is free again. A second capture answers as the first. */
export function captureDecision(
  ctx: Ctx,
  command: HoldCommand & { amount?: number | undefined; orderId?: string | undefined },
  check: StatusCheck,
): Decide<LedgerResult> {
  const { holdId, amount, orderId, dryRun } = command;
  return async (account, db) => {
    const hold = await readHold(db, command, account);
    const plan = accepted(planCapture(hold, amount, account.at));
    if ('done' in plan) {
      const transfer = hold.transferId === null ? undefined : await findTransfer(db, hold.transferId);
      return knownHoldResult(hold, account, transfer);
    }
    accepted(check(account.accountStatus));
    const entry: Entry = {
      id: ctx.newId(),
      kind: 'redemption',
      amount: plan.amount,
      effectiveAt: account.at,
      reference: ownReference('capture', holdId),
      holdId,
      orderId: orderId ?? hold.orderId ?? undefined,
      shares: plan.shares,
    };
    const captured: HoldView = {
      ...hold,
      status: 'captured',
      captured: plan.amount,
      transferId: entry.id,
      closedAt: account.at,
    };
    return {
      entries: [entry],
      changedHolds: [captured],
      tell: tellTransfer(hold.customerId, kindOf(hold.unit, 'redeemed')),
      answer: (booking) => holdResult(ctx, captured, booking, dryRun),
    };
  };
}

/** Frees what the hold reserves. Voiding twice answers as the first time. */
export function voidDecision(ctx: Ctx, command: HoldCommand): Decide<LedgerResult> {
  return async (account, db) => {
    const hold = await readHold(db, command, account);
    const { done } = accepted(planVoid(hold));
    if (done) return knownHoldResult(hold, account);
    const voided: HoldView = { ...hold, status: 'voided', closedAt: account.at };
    return {
      entries: [],
      changedHolds: [voided],
      tell: () => [tellHold(voided, 'hold_changed')],
      answer: (booking) => holdResult(ctx, voided, booking, command.dryRun),
    };
  };
}

/** Makes the hold end `ttlMs` from now, if that is later than it would end. */
export function extendDecision(ctx: Ctx, command: HoldCommand & { ttlMs: number }): Decide<LedgerResult> {
  return async (account, db) => {
    const hold = await readHold(db, command, account);
    const wanted = new Date(account.at.getTime() + command.ttlMs);
    const { expiresAt } = accepted(planExtension(account.state, hold, hold.createdAt, wanted, account.at));
    const extended: HoldView = { ...hold, expiresAt };
    return {
      entries: [],
      changedHolds: [extended],
      tell: () => [tellHold(extended, 'hold_changed')],
      answer: (booking) => holdResult(ctx, extended, booking, command.dryRun),
    };
  };
}

export interface RefundInput extends Named {
  /** The redemption that is refunded. */
  transferId: string;
  /** All that is left of it unless given. */
  amount?: number | undefined;
  orderId?: string | undefined;
  reason?: string | undefined;
}

async function readRedemption(db: Db, transferId: string, { state }: OpenAccount): Promise<TransferView> {
  const transfer = await findTransfer(db, transferId);
  if (!transfer || transfer.accountId !== state.id) throw new Problem('NOT_FOUND', { resource: 'transfer' });
  if (transfer.kind !== 'redemption') throw new Problem('NOT_REFUNDABLE', { kind: transfer.kind });
  return transfer;
}

/** K7, P5: gives back what a redemption took, to the lots that paid. */
export function refundDecision(
  ctx: Ctx,
  input: RefundInput,
  policy: { expired: ExpiredRefunds; graceDays: number },
  check: StatusCheck,
): Decide<LedgerResult> {
  const { transferId, reference, orderId, reason } = input;
  const fingerprint = fingerprintOf('refund', transferId, input.amount, orderId, reason);
  return async (account, db) => {
    const known = await knownTransfer(db, reference, fingerprint);
    if (known) return knownResult(known, account);
    accepted(check(account.accountStatus));
    const redemption = await readRedemption(db, transferId, account);
    const debit = await findRefundable(db, redemption);
    const amount = input.amount ?? debit.amount - debit.refunded;
    if (amount === 0) throw new Problem('REFUND_EXCEEDS_CAPTURE', { refundable: 0 });
    const { shares, renewed } = accepted(planRefund(debit, amount, policy, account.at));
    const id = ctx.newId();
    const entry: Entry = {
      id,
      kind: 'refund',
      amount,
      effectiveAt: account.at,
      reference,
      fingerprint,
      correctsId: transferId,
      orderId: orderId ?? redemption.orderId ?? undefined,
      reason,
      shares,
      revives: debit.lots,
      ...(renewed && {
        opens: [{ ...renewed, id: ctx.newId(), activeFrom: account.at, source: `refund:${transferId}` }],
      }),
    };
    return {
      entries: [entry],
      tell: tellTransfer(account.customerId, kindOf(account.state.unit, 'refunded')),
      answer: transferResult(ctx, account.customerId, input.dryRun),
    };
  };
}
