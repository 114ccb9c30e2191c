// The wire contract of store credit.
import Type, { type Static } from 'typebox';
import { CREDIT_BASES } from '../domain/stores.ts';
import { Currency, closed, DateTime, Int64, Money, ref, stringEnum, Uuid } from './helpers.ts';
import { AccountBalances } from './ledger.ts';

/** Below 2^53. */
const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;
/** Three of them together stay below 2^53. */
const MAX_PART = 3_000_000_000_000_000;

export const reference = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 200,
    pattern: '^[^:]',
    description:
      'Your name for this command, unique in the store: a repeat answers the first result (L7). No personal data: it is part of the hashed content.',
    examples: ['goodwill-10023'],
  }),
);

export const dryRun = Type.Optional(
  Type.Boolean({ description: 'Answer what would happen and store nothing (L10).' }),
);

const positive = (description: string) =>
  Int64({ minimum: 1, maximum: MAX_AMOUNT, description, examples: [1250] });

const orderId = Type.Optional(Uuid({ description: 'The order it is for, if there is one already.' }));

export const CreditChange = closed(
  {
    amount: Int64({
      minimum: -MAX_AMOUNT,
      maximum: MAX_AMOUNT,
      description: 'Above zero grants, below zero takes away; in minor units.',
      examples: [2500],
    }),
    currency: Currency(),
    reason: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Why; for the statement and the timeline.',
      examples: ['Parcel arrived late'],
    }),
    notify: Type.Optional(
      Type.Boolean({
        description: 'Whether to write to the customer about a grant (K4); the mail shows the reason.',
      }),
    ),
    expiresAt: Type.Optional(
      DateTime({ description: 'When the granted credit stops counting; never, if absent.' }),
    ),
    reference,
    dryRun,
  },
  {
    $id: 'CreditChange',
    description: 'A grant or a correction of store credit.',
    examples: [{ amount: 2500, currency: 'EUR', reason: 'Parcel arrived late' }],
  },
);
export type CreditChange = Static<typeof CreditChange>;

export const CreditQuoteRequest = closed(
  {
    items: Int64({
      minimum: 0,
      maximum: MAX_PART,
      description: 'Sum of the lines after all discounts.',
      examples: [4000],
    }),
    shipping: Int64({ minimum: 0, maximum: MAX_PART, description: 'Shipping.', examples: [490] }),
    tax: Int64({
      minimum: 0,
      maximum: MAX_PART,
      description: 'Tax that comes on top; 0 where prices contain it.',
      examples: [0],
    }),
    currency: Currency(),
  },
  {
    $id: 'CreditQuoteRequest',
    description: 'A cart at checkout, in minor units.',
    examples: [{ items: 4000, shipping: 490, tax: 0, currency: 'EUR' }],
  },
);
export type CreditQuoteRequest = Static<typeof CreditQuoteRequest>;

export const CreditQuote = closed(
  {
    basis: stringEnum(CREDIT_BASES, { description: 'What credit may pay for in this store.' }),
    available: ref(Money, { description: 'Credit that can be spent now.' }),
    eligible: ref(Money, { description: 'What credit may pay for of this cart.' }),
    applied: ref(Money, { description: 'What it pays.' }),
    due: ref(Money, { description: 'What is left to pay otherwise.' }),
  },
  { $id: 'CreditQuote', description: 'What store credit pays at this checkout (K5).' },
);

const spend = {
  amount: positive('What to take; in minor units.'),
  currency: Currency(),
  orderId,
  reference,
  dryRun,
};

export const CreditRedemption = closed(spend, {
  $id: 'CreditRedemption',
  description: 'A payment with store credit in one step.',
  examples: [{ amount: 1250, currency: 'EUR' }],
});
export type CreditRedemption = Static<typeof CreditRedemption>;

const ttlMinutes = Type.Integer({
  minimum: 1,
  maximum: 10_080,
  description: 'Minutes until the hold frees itself.',
  examples: [30],
});

export const CreditHold = closed(
  { ...spend, ttlMinutes: Type.Optional(ttlMinutes) },
  {
    $id: 'CreditHold',
    description: 'A reservation of store credit for a checkout.',
    examples: [{ amount: 1250, currency: 'EUR' }],
  },
);
export type CreditHold = Static<typeof CreditHold>;

export const HoldCapture = closed(
  { amount: Type.Optional(positive('What to take; all that is held, if absent.')), orderId, dryRun },
  { $id: 'HoldCapture', description: 'Which part of a hold to take.', examples: [{ amount: 1000 }, {}] },
);
export type HoldCapture = Static<typeof HoldCapture>;

export const HoldVoid = closed(
  { dryRun },
  { $id: 'HoldVoid', description: 'Nothing has to be said to free a hold.', examples: [{}] },
);

export const HoldExtension = closed(
  { ttlMinutes, dryRun },
  {
    $id: 'HoldExtension',
    description: 'A later end of a hold, counted from now.',
    examples: [{ ttlMinutes: 60 }],
  },
);
export type HoldExtension = Static<typeof HoldExtension>;

export const CreditRefund = closed(
  {
    transferId: Uuid({ description: 'The redemption or capture that is refunded.' }),
    amount: Type.Optional(positive('What to give back; all that is left of it, if absent.')),
    reason: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: 'Why.', examples: ['Item returned'] }),
    ),
    orderId,
    reference,
    dryRun,
  },
  {
    $id: 'CreditRefund',
    description: 'A refund to store credit (K7).',
    examples: [{ transferId: '0199a3c4-7e10-7aaa-8bbb-0123456789ab', amount: 1250 }],
  },
);
export type CreditRefund = Static<typeof CreditRefund>;

export const CreditAccounts = closed(
  { data: Type.Array(ref(AccountBalances), { description: 'One for each currency.' }) },
  { $id: 'CreditAccounts', description: 'The store credit of a customer.' },
);

export const creditSchemas = [
  CreditChange,
  CreditQuoteRequest,
  CreditQuote,
  CreditRedemption,
  CreditHold,
  HoldCapture,
  HoldVoid,
  HoldExtension,
  CreditRefund,
  CreditAccounts,
];
