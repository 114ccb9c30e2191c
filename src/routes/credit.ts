// HTTP: store credit of a customer (K1–K7).
import type { FastifyInstance } from 'fastify';
import {
  captureHold,
  changeCredit,
  extendHold,
  holdCredit,
  quoteAnswer,
  quoteCreditFor,
  redeemCredit,
  refundCredit,
  voidHold,
} from '../actions/credit.ts';
import { readPresent } from '../actions/customers.ts';
import { accountView, toHold } from '../actions/ledger-answers.ts';
import { listAccountsOf } from '../db/ledger/accounts.ts';
import { findHold } from '../db/ledger/holds.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { endpoint, found } from '../endpoint.ts';
import {
  CreditAccounts,
  CreditChange,
  CreditHold,
  CreditQuote,
  CreditQuoteRequest,
  CreditRedemption,
  CreditRefund,
  HoldCapture,
  HoldExtension,
  HoldVoid,
} from '../schemas/credit.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import { HoldResource, LedgerResult } from '../schemas/ledger.ts';

const tag = 'Store credit';
const customerId = Uuid({ description: 'Id of the customer.' });
const OfCustomer = closed({ customerId });
const OneHold = closed({ customerId, holdId: Uuid({ description: 'Id of the hold.' }) });

const ofCustomer = {
  tag,
  scope: 'credit:write',
  params: OfCustomer,
  idempotency: 'required',
} as const;
const ofHold = { ...ofCustomer, params: OneHold };

export async function credit(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/credit',
    operationId: 'getCredit',
    tag,
    summary: 'Get the store credit of a customer',
    description: 'One account per currency (K3); amounts in minor units.',
    scope: 'credit:read',
    params: OfCustomer,
    returns: { 200: ref(CreditAccounts) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params: { customerId } }) => {
      await readPresent(ctx.db, customerId);
      const accounts = await listAccountsOf(ctx.db, customerId);
      return {
        data: accounts
          .filter(({ unit }) => unit !== POINTS)
          .map((account) => accountView(customerId, account, ctx.now)),
      };
    },
  });

  endpoint(app, {
    ...ofCustomer,
    method: 'POST',
    url: '/customers/:customerId/credit',
    operationId: 'changeCredit',
    summary: 'Grant or correct store credit',
    description:
      'A positive amount grants credit to an active account (K1), a negative one takes it away, also from a disabled account (K2).',
    body: ref(CreditChange),
    returns: { 201: ref(LedgerResult) },
    refuses: [
      'ACCOUNT_NOT_ACTIVE',
      'CUSTOMER_GONE',
      'INSUFFICIENT_CREDIT',
      'CREDIT_LIMIT_EXCEEDED',
      'ZERO_AMOUNT',
      'CURRENCY_UNKNOWN',
      'EXPIRY_INVALID',
      'REFERENCE_REUSED',
    ],
    handle: (ctx, { params, body: { expiresAt, ...body } }) =>
      changeCredit(ctx, params.customerId, {
        ...body,
        ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
      }),
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/credit/quote',
    operationId: 'quoteCredit',
    tag,
    summary: 'Quote store credit for a checkout',
    description:
      'What credit pays of this cart (K5): the smaller of what is available and what it may pay for.',
    scope: 'credit:read',
    idempotency: 'none',
    params: OfCustomer,
    body: ref(CreditQuoteRequest),
    returns: { 200: ref(CreditQuote) },
    refuses: ['CURRENCY_UNKNOWN'],
    handle: async (ctx, { params, body }) => quoteAnswer(await quoteCreditFor(ctx, params.customerId, body)),
  });

  endpoint(app, {
    ...ofCustomer,
    method: 'POST',
    url: '/customers/:customerId/credit/redeem',
    operationId: 'redeemCredit',
    summary: 'Pay with store credit',
    description:
      'Takes credit in one step; with a payment that can still fail, hold and capture instead (K6).',
    body: ref(CreditRedemption),
    returns: { 201: ref(LedgerResult) },
    refuses: [
      'ACCOUNT_NOT_ACTIVE',
      'CUSTOMER_GONE',
      'INSUFFICIENT_CREDIT',
      'CURRENCY_UNKNOWN',
      'REFERENCE_REUSED',
    ],
    handle: (ctx, { params, body }) => redeemCredit(ctx, params.customerId, body),
  });

  endpoint(app, {
    ...ofCustomer,
    method: 'POST',
    url: '/customers/:customerId/credit/holds',
    operationId: 'holdCredit',
    summary: 'Hold store credit for a checkout',
    description: 'Reserves credit until it is captured, voided or its time runs out (K6).',
    body: ref(CreditHold),
    returns: { 201: ref(LedgerResult) },
    refuses: [
      'ACCOUNT_NOT_ACTIVE',
      'CUSTOMER_GONE',
      'INSUFFICIENT_CREDIT',
      'CURRENCY_UNKNOWN',
      'REFERENCE_REUSED',
    ],
    handle: (ctx, { params, body }) => holdCredit(ctx, params.customerId, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/credit/holds/:holdId',
    operationId: 'getCreditHold',
    tag,
    summary: 'Get a hold',
    description: 'A hold of this customer, whatever became of it.',
    scope: 'credit:read',
    params: OneHold,
    returns: { 200: ref(HoldResource) },
    handle: async (ctx, { params: { customerId, holdId } }) => {
      const hold = found(await findHold(ctx.db, holdId), 'hold');
      return toHold(found(hold.customerId === customerId ? hold : undefined, 'hold'), ctx.now);
    },
  });

  endpoint(app, {
    ...ofHold,
    method: 'POST',
    url: '/customers/:customerId/credit/holds/:holdId/capture',
    operationId: 'captureHold',
    summary: 'Capture a hold',
    description:
      'Takes what the hold reserves, all or a part; the rest is free again. A second capture answers as the first (K6).',
    body: ref(HoldCapture),
    returns: { 200: ref(LedgerResult) },
    refuses: [
      'HOLD_EXPIRED',
      'HOLD_CAPTURED',
      'HOLD_VOIDED',
      'HOLD_EXCEEDED',
      'ACCOUNT_NOT_ACTIVE',
      'CUSTOMER_GONE',
    ],
    handle: (ctx, { params: { customerId, holdId }, body }) =>
      captureHold(ctx, customerId, { ...body, holdId }),
  });

  endpoint(app, {
    ...ofHold,
    method: 'POST',
    url: '/customers/:customerId/credit/holds/:holdId/void',
    operationId: 'voidHold',
    summary: 'Void a hold',
    description: 'Frees what the hold reserves. Voiding twice answers as the first time (K6).',
    body: ref(HoldVoid),
    returns: { 200: ref(LedgerResult) },
    refuses: ['HOLD_CAPTURED'],
    handle: (ctx, { params: { customerId, holdId }, body }) => voidHold(ctx, customerId, { ...body, holdId }),
  });

  endpoint(app, {
    ...ofHold,
    method: 'POST',
    url: '/customers/:customerId/credit/holds/:holdId/extend',
    operationId: 'extendHold',
    summary: 'Extend a hold',
    description: 'Gives the hold a later end, at most 7 days after it was made (K6).',
    body: ref(HoldExtension),
    returns: { 200: ref(LedgerResult) },
    refuses: ['HOLD_EXPIRED', 'HOLD_CAPTURED', 'HOLD_VOIDED', 'HOLD_LOTS_EXPIRED', 'HOLD_TOO_LONG'],
    handle: (ctx, { params: { customerId, holdId }, body }) =>
      extendHold(ctx, customerId, { ...body, holdId }),
  });

  endpoint(app, {
    ...ofCustomer,
    method: 'POST',
    url: '/customers/:customerId/credit/refunds',
    operationId: 'refundCredit',
    summary: 'Refund to store credit',
    description:
      'Gives redeemed credit back to the lots that paid. What expired meanwhile comes back for some days or not at all, by setting (K7).',
    body: ref(CreditRefund),
    returns: { 201: ref(LedgerResult) },
    refuses: ['NOT_REFUNDABLE', 'REFUND_EXCEEDS_CAPTURE', 'CUSTOMER_GONE', 'REFERENCE_REUSED'],
    handle: (ctx, { params, body }) => refundCredit(ctx, params.customerId, body),
  });
}
