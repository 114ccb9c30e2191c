// Store credit: grant, correct, quote, redeem, hold, refund (K1–K9).
import type { Ctx } from '../context.ts';
import { findTransfer } from '../db/ledger/transfers.ts';
import { type Checkout, checkActive, checkLimit, checkPresent, quoteCredit } from '../domain/credit.ts';
import { balancesAt, POINTS } from '../domain/ledger/accounts.ts';
import type { Entry, IssueReason } from '../domain/ledger/entries.ts';
import { currencyExponent } from '../domain/money.ts';
import { type CreditSettings, creditSettingsOf } from '../domain/stores.ts';
import { accepted, Problem } from '../errors.ts';
import { recentStoreOf } from './customers.ts';
import { type Decide, post, readAccount } from './ledger.ts';
import {
  accountView,
  fingerprintOf,
  knownTransfer,
  type LedgerResult,
  type Named,
} from './ledger-answers.ts';
import {
  adjustDecision,
  captureDecision,
  extendDecision,
  type HoldCommand,
  holdDecision,
  knownResult,
  type RefundInput,
  recallHold,
  redeemDecision,
  refundDecision,
  type SpendInput,
  tellTransfer,
  transferResult,
  voidDecision,
} from './spending.ts';

const settingsOf = async (ctx: Ctx): Promise<CreditSettings> =>
  creditSettingsOf((await recentStoreOf(ctx)).settings);

/** @throws Problem CURRENCY_UNKNOWN */
export function knownCurrency(currency: string): string {
  if (currencyExponent(currency) === undefined) throw new Problem('CURRENCY_UNKNOWN', { currency });
  return currency;
}

export interface CreditInput extends Named {
  /** Above 0 grants, below 0 takes away; minor units. */
  amount: number;
  currency: string;
  reason: string;
  notify?: boolean;
  expiresAt?: Date;
}

const creditFingerprint = (customerId: string, { amount, currency, reason, expiresAt }: CreditInput) =>
  fingerprintOf('credit', customerId, amount, currency, reason, expiresAt);

/** A grant that a rule of ours makes says what for, and where its lot comes from. */
export interface GrantInput extends CreditInput {
  issuedFor?: IssueReason;
  source?: string;
}

/** K1, K3, K4, K8: a grant opens a lot. */
export function grantDecision(
  ctx: Ctx,
  customerId: string,
  input: GrantInput,
  settings: CreditSettings,
): Decide<LedgerResult> {
  const { amount, currency, reason, notify = false, expiresAt = null, reference, dryRun } = input;
  const { issuedFor, source = 'grant' } = input;
  const fingerprint = creditFingerprint(customerId, input);
  return async (account, db) => {
    const known = await knownTransfer(db, reference, fingerprint);
    if (known) return knownResult(known, account);
    if (expiresAt !== null && expiresAt <= account.at) throw new Problem('EXPIRY_INVALID', { expiresAt });
    accepted(checkActive(account.accountStatus));
    accepted(checkLimit(balancesAt(account.state, account.at), amount, settings.limits[currency]));
    const id = ctx.newId();
    const entry: Entry = {
      id,
      kind: 'grant',
      ...(issuedFor && { issuedFor }),
      amount,
      effectiveAt: account.at,
      reference,
      fingerprint,
      reason,
      opens: [{ id: ctx.newId(), amount, activeFrom: account.at, expiresAt, source }],
    };
    return {
      entries: [entry],
      tell: tellTransfer(customerId, 'credit.granted'),
      ...(notify && {
        messages: [
          {
            customerId,
            kind: 'credit_granted' as const,
            data: { transferId: id, amount, currency, reason, expiresAt },
          },
        ],
      }),
      answer: transferResult(ctx, customerId, dryRun),
    };
  };
}

/**
 * Grants credit, or with a negative amount takes it away.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE, INSUFFICIENT_CREDIT, CREDIT_LIMIT_EXCEEDED, ZERO_AMOUNT,
 *   CURRENCY_UNKNOWN, EXPIRY_INVALID, REFERENCE_REUSED
 */
export async function changeCredit(ctx: Ctx, customerId: string, input: CreditInput): Promise<LedgerResult> {
  if (input.amount === 0) throw new Problem('ZERO_AMOUNT');
  const unit = knownCurrency(input.currency);
  const settings = await settingsOf(ctx);
  const key = { customerId, unit };
  if (input.amount > 0) return post(ctx, key, input, grantDecision(ctx, customerId, input, settings));
  const fingerprint = creditFingerprint(customerId, input);
  const { allowNegative } = settings;
  return post(ctx, key, input, adjustDecision(ctx, key, { ...input, fingerprint, allowNegative }));
}

export interface QuoteInput extends Checkout {
  currency: string;
}

/**
 * K5: what credit pays at this checkout. Somebody who may not spend has nothing available.
 * @throws Problem NOT_FOUND, CURRENCY_UNKNOWN
 */
export async function quoteCreditFor(ctx: Ctx, customerId: string, { currency, ...checkout }: QuoteInput) {
  const unit = knownCurrency(currency);
  const { basis } = await settingsOf(ctx);
  const account = await readAccount(ctx.db, { customerId, unit });
  const may = checkActive(account.accountStatus) === undefined;
  const available =
    may && account.state ? Math.max(0, accountView(customerId, account.state, ctx.now).available) : 0;
  return { currency, basis, available, ...quoteCredit(checkout, basis, available) };
}

/** The quote as the API answers it. */
export function quoteAnswer(quote: Awaited<ReturnType<typeof quoteCreditFor>>) {
  const { basis, currency, available, eligible, applied, due } = quote;
  const money = (amount: number) => ({ amount, currency });
  return {
    basis,
    available: money(available),
    eligible: money(eligible),
    applied: money(applied),
    due: money(due),
  };
}

export interface CreditSpend extends SpendInput {
  currency: string;
}

/**
 * Takes credit at once, for platforms without two steps (K6).
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE, INSUFFICIENT_CREDIT, CURRENCY_UNKNOWN, REFERENCE_REUSED
 */
export async function redeemCredit(ctx: Ctx, customerId: string, input: CreditSpend): Promise<LedgerResult> {
  const key = { customerId, unit: knownCurrency(input.currency) };
  return post(ctx, key, input, redeemDecision(ctx, key, input, checkActive));
}

const MINUTE_MS = 60_000;

/** Reserves credit for a checkout (K6). @throws as `redeemCredit` */
export async function holdCredit(
  ctx: Ctx,
  customerId: string,
  { ttlMinutes, ...input }: CreditSpend & { ttlMinutes?: number | undefined },
): Promise<LedgerResult> {
  const key = { customerId, unit: knownCurrency(input.currency) };
  const { holdMinutes } = await settingsOf(ctx);
  const ttlMs = (ttlMinutes ?? holdMinutes) * MINUTE_MS;
  return post(ctx, key, input, holdDecision(ctx, key, { ...input, ttlMinutes, ttlMs }, checkActive));
}

/** A hold on credit of this customer, and its account; held points are a redemption's. @throws Problem NOT_FOUND */
async function holdOf(ctx: Ctx, customerId: string, holdId: string) {
  const found = await recallHold(ctx.db, holdId);
  if (found?.customerId !== customerId || found.unit === POINTS)
    throw new Problem('NOT_FOUND', { resource: 'hold' });
  return { key: { customerId, unit: found.unit }, found };
}

/**
 * Takes what a hold reserves, all or a part (K6).
 * @throws Problem NOT_FOUND, HOLD_EXPIRED, HOLD_CAPTURED, HOLD_VOIDED, HOLD_EXCEEDED, ACCOUNT_NOT_ACTIVE, CUSTOMER_GONE
 */
export async function captureHold(
  ctx: Ctx,
  customerId: string,
  command: HoldCommand & { amount?: number; orderId?: string },
): Promise<LedgerResult> {
  const { key, found } = await holdOf(ctx, customerId, command.holdId);
  return post(ctx, key, command, captureDecision(ctx, { ...command, found }, checkActive));
}

/** Frees what a hold reserves (K6). @throws Problem NOT_FOUND, HOLD_CAPTURED */
export async function voidHold(ctx: Ctx, customerId: string, command: HoldCommand): Promise<LedgerResult> {
  const { key, found } = await holdOf(ctx, customerId, command.holdId);
  return post(ctx, key, command, voidDecision(ctx, { ...command, found }));
}

/** Makes a hold last longer (K6). @throws Problem NOT_FOUND, HOLD_EXPIRED, HOLD_CAPTURED, HOLD_VOIDED, HOLD_LOTS_EXPIRED, HOLD_TOO_LONG */
export async function extendHold(
  ctx: Ctx,
  customerId: string,
  { ttlMinutes, ...command }: HoldCommand & { ttlMinutes: number },
): Promise<LedgerResult> {
  const { key, found } = await holdOf(ctx, customerId, command.holdId);
  return post(ctx, key, command, extendDecision(ctx, { ...command, found, ttlMs: ttlMinutes * MINUTE_MS }));
}

/**
 * Gives redeemed credit back to the lots that paid (K7).
 * @throws Problem NOT_FOUND, NOT_REFUNDABLE, REFUND_EXCEEDS_CAPTURE, CUSTOMER_GONE, REFERENCE_REUSED
 */
export async function refundCredit(ctx: Ctx, customerId: string, input: RefundInput): Promise<LedgerResult> {
  const found = await findTransfer(ctx.db, input.transferId);
  if (found?.customerId !== customerId || found.unit === POINTS)
    throw new Problem('NOT_FOUND', { resource: 'transfer' });
  const { expiredRefunds: expired, graceDays } = await settingsOf(ctx);
  const decision = refundDecision(ctx, input, { expired, graceDays }, checkPresent);
  return post(ctx, { customerId, unit: found.unit }, input, decision);
}
