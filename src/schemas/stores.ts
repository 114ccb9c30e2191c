// The wire contract of the store and its API keys.
import Type, { type Static } from 'typebox';
import { KEY_KINDS } from '../domain/api-keys.ts';
import {
  CUSTOM_FIELD_TYPES,
  CUSTOM_KEY_PATTERN,
  MAX_CUSTOM_FIELDS,
  MAX_CUSTOM_OPTIONS,
} from '../domain/custom-fields.ts';
import { EXPIRED_REFUNDS } from '../domain/ledger/refunds.ts';
import { SCOPES } from '../domain/scopes.ts';
import { ACCOUNT_MODES, CREDIT_BASES } from '../domain/stores.ts';
import { Currency, closed, DateTime, Money, nullable, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

export const CustomField = closed(
  {
    key: Type.String({
      pattern: CUSTOM_KEY_PATTERN,
      description: 'Name in `custom`; cannot mean another field later.',
      examples: ['shoe_size'],
    }),
    label: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'Name for people.',
      examples: ['Shoe size'],
    }),
    type: stringEnum(CUSTOM_FIELD_TYPES, { description: 'Type of the values.' }),
    options: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        maxItems: MAX_CUSTOM_OPTIONS,
        description: 'Accepted words; for `enum` only.',
      }),
    ),
    required: Type.Optional(Type.Boolean({ description: 'Whether new customers must have it.' })),
  },
  { $id: 'CustomField', description: 'A field that the store adds to its customers.' },
);

const Sender = closed(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'Name that mails come from.',
      examples: ['My store'],
    }),
    email: Type.String({
      minLength: 3,
      maxLength: 254,
      description: 'Address that mails come from.',
      examples: ['hello@example.com'],
    }),
  },
  { description: 'Who mails come from.' },
);

const settings = {
  accounts: stringEnum(ACCOUNT_MODES, { description: 'Whether shoppers may or must have an account.' }),
  creditBasis: stringEnum(CREDIT_BASES, { description: 'What store credit may pay for at checkout (K5).' }),
  creditAllowNegative: Type.Boolean({
    description: 'Whether a correction may take more store credit than the customer has (K2).',
  }),
  creditLimits: Type.Array(ref(Money), {
    maxItems: 50,
    description: 'Most store credit that one customer may have, once per currency (K8); empty for no limit.',
    examples: [[{ amount: 100000, currency: 'EUR' }]],
  }),
  creditExpiredRefunds: stringEnum(EXPIRED_REFUNDS, {
    description:
      'What becomes of refunded credit that expired meanwhile (K7): `grace` gives it back for some days, `breakage` does not.',
  }),
  creditGraceDays: Type.Integer({
    minimum: 1,
    maximum: 366,
    description: 'Days for which refunded credit comes back that had expired.',
    examples: [30],
  }),
  creditHoldMinutes: Type.Integer({
    minimum: 1,
    maximum: 10_080,
    description: 'Life of a hold that names none (K6).',
    examples: [30],
  }),
  corsOrigins: Type.Array(Type.String({ maxLength: 255, pattern: '^https?://[^/]+$' }), {
    maxItems: 50,
    description: 'Origins whose pages may call the API from a browser.',
    examples: [['https://shop.example.com']],
  }),
  defaultCountry: nullable(
    Type.String({
      minLength: 2,
      maxLength: 2,
      description: 'Country of phone numbers that are given without one.',
      examples: ['DE'],
    }),
  ),
  customFields: Type.Array(ref(CustomField), {
    maxItems: MAX_CUSTOM_FIELDS,
    description: 'Custom fields of customers.',
  }),
};

const facts = {
  name: Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'Name of the store.',
    examples: ['My store'],
  }),
  timezone: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'Time zone (IANA) in which days begin.',
    examples: ['Europe/Berlin'],
  }),
  locale: Type.String({
    minLength: 2,
    maxLength: 35,
    description: 'Language of the store (BCP 47).',
    examples: ['en'],
  }),
};

export const Store = closed(
  {
    id: Uuid({ description: 'Id of the store.' }),
    ...facts,
    currency: Currency({ description: 'Currency (ISO 4217); it never changes.' }),
    ...settings,
    sender: Type.Optional(Sender),
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.' }),
    createdAt: Timestamp({ description: 'When the store was opened.' }),
    updatedAt: Timestamp({ description: 'When its settings last changed.' }),
  },
  { $id: 'Store', description: 'A store and its settings.' },
);

export const StoreUpdate = closed(
  {
    name: Type.Optional(facts.name),
    timezone: Type.Optional(facts.timezone),
    locale: Type.Optional(facts.locale),
    accounts: Type.Optional(settings.accounts),
    creditBasis: Type.Optional(settings.creditBasis),
    creditAllowNegative: Type.Optional(settings.creditAllowNegative),
    creditLimits: Type.Optional(settings.creditLimits),
    creditExpiredRefunds: Type.Optional(settings.creditExpiredRefunds),
    creditGraceDays: Type.Optional(settings.creditGraceDays),
    creditHoldMinutes: Type.Optional(settings.creditHoldMinutes),
    corsOrigins: Type.Optional(settings.corsOrigins),
    defaultCountry: Type.Optional(settings.defaultCountry),
    customFields: Type.Optional(settings.customFields),
    sender: Type.Optional(nullable(Sender)),
  },
  {
    $id: 'StoreUpdate',
    minProperties: 1,
    description: 'Merge patch of the settings; lists are replaced as a whole.',
    examples: [{ timezone: 'Europe/Paris', corsOrigins: ['https://shop.example.com'] }],
  },
);
export type StoreUpdate = Static<typeof StoreUpdate>;

const keyFacts = {
  name: Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'What the key is for.',
    examples: ['Warehouse sync'],
  }),
  kind: stringEnum(KEY_KINDS, {
    description: '`secret` for servers, `publishable` for the pages of the shop.',
  }),
  scopes: Type.Array(stringEnum(SCOPES, { description: 'A scope.' }), {
    maxItems: SCOPES.length,
    description: 'What a secret key may do; empty for a publishable one.',
    examples: [['customers:read', 'orders:write']],
  }),
};

export const ApiKeyCreate = closed(
  {
    name: keyFacts.name,
    kind: Type.Optional(keyFacts.kind),
    scopes: Type.Optional(keyFacts.scopes),
    expiresAt: Type.Optional(nullable(DateTime({ description: 'When the key stops working.' }))),
  },
  {
    $id: 'ApiKeyCreate',
    description: 'A new API key.',
    examples: [{ name: 'Warehouse sync', scopes: ['orders:write'] }],
  },
);
export type ApiKeyCreate = Static<typeof ApiKeyCreate>;

const apiKey = {
  id: Uuid({ description: 'Id of the key.' }),
  ...keyFacts,
  prefix: Type.String({ description: 'First characters of the key.', examples: ['ck_0199a3c47e1'] }),
  createdAt: Timestamp({ description: 'When the key was made.' }),
  expiresAt: nullable(Timestamp({ description: 'When it stops working.' })),
  lastUsedAt: nullable(Timestamp({ description: 'Last use, to the minute.' })),
  revokedAt: nullable(Timestamp({ description: 'When it was revoked.' })),
};
export const ApiKey = closed(apiKey, { $id: 'ApiKey', description: 'An API key, without its secret.' });
export const CreatedApiKey = closed(
  { ...apiKey, key: Type.String({ description: 'The key itself; shown this once.' }) },
  { $id: 'CreatedApiKey', description: 'A new API key with its text.' },
);
export const ApiKeyList = closed(
  { data: Type.Array(ref(ApiKey), { description: 'Newest first.' }) },
  { $id: 'ApiKeyList', description: 'All keys of the store.' },
);
