// The wire contract of customers.
import Type, { type Static } from 'typebox';
import { ACCOUNT_STATUSES } from '../domain/account-states.ts';
import { GENDERS, SOURCES } from '../domain/customers.ts';
import { Address } from './addresses.ts';
import { closed, Money, nullable, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

const text = (description: string, example: string, maxLength = 255) =>
  Type.String({ description, minLength: 1, maxLength, examples: [example] });

export const AccountStatus = stringEnum(ACCOUNT_STATUSES, {
  description: 'Account state (C4): guest → invited → active ⇄ disabled; merged and erased are final.',
});

export const Birthday = closed(
  {
    month: Type.Integer({ minimum: 1, maximum: 12, description: 'Month, 1 to 12.', examples: [2] }),
    day: Type.Integer({
      minimum: 1,
      maximum: 31,
      description: 'Day of the month; 29 February is fine.',
      examples: [29],
    }),
    year: Type.Optional(
      Type.Integer({
        minimum: 1900,
        maximum: 2200,
        description: 'Year, when it is known.',
        examples: [1992],
      }),
    ),
  },
  { description: 'Birthday; the year may be unknown.' },
);

const GroupRef = closed(
  {
    id: Uuid({ description: 'Id of the group.' }),
    name: Type.String({ description: 'Name of the group.', examples: ['Business'] }),
  },
  { description: 'A group that the customer is in.' },
);

const CustomValues = Type.Unsafe<Record<string, string | number | boolean>>({
  type: 'object',
  additionalProperties: true,
  description: 'Values of the custom fields that the store declared, by key.',
  examples: [{ shoe_size: 42 }],
});

/** What a client may set on creation; all optional here, C2 asks for one identity. */
const writable = {
  externalId: Type.Optional(
    nullable(text('Id of the customer in your own system; unique in the store.', 'shop-1001')),
  ),
  email: Type.Optional(
    nullable(
      text('Email as the customer spells it; unique without regard to case (C1).', 'Ada@Example.com', 320),
    ),
  ),
  phone: Type.Optional(nullable(text('Phone; stored as E.164.', '+49 30 901820', 40))),
  firstName: Type.Optional(nullable(text('First name.', 'Ada'))),
  lastName: Type.Optional(nullable(text('Last name.', 'Lovelace'))),
  company: Type.Optional(nullable(text('Company.', 'Analytical Engines Ltd'))),
  salesAgentId: Type.Optional(nullable(Uuid({ description: 'Sales agent who looks after the customer.' }))),
  birthday: Type.Optional(nullable(Birthday)),
  gender: Type.Optional(nullable(stringEnum(GENDERS, { description: 'Gender as the customer gave it.' }))),
  language: Type.Optional(nullable(text('Language tag (BCP 47).', 'en-GB', 35))),
  timezone: Type.Optional(nullable(text('Time zone (IANA).', 'Europe/Berlin', 64))),
  wholesale: Type.Optional(
    Type.Boolean({ description: 'Gets wholesale prices; needs an invited or active account (C5).' }),
  ),
  custom: Type.Optional(
    Type.Unsafe<Record<string, string | number | boolean | null>>({
      type: 'object',
      additionalProperties: true,
      maxProperties: 50,
      description: 'Custom fields by key; null clears one, absent ones stay.',
      examples: [{ shoe_size: 42 }],
    }),
  ),
  primaryGroupId: Type.Optional(
    nullable(Uuid({ description: 'The main group; the customer must be in it.' })),
  ),
};

export const CustomerCreate = closed(
  {
    ...writable,
    accountStatus: Type.Optional(
      stringEnum(['guest', 'active'], {
        description: 'Starting state; `active` for an account that exists elsewhere.',
      }),
    ),
    password: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        writeOnly: true,
        description:
          'Makes the account active with this password: 8 to 128 characters that are not guessed first. Needs an email.',
        examples: ['a rather long sentence'],
      }),
    ),
    source: Type.Optional(
      stringEnum(SOURCES, { description: 'Where the customer came from.', default: 'api' }),
    ),
    tags: Type.Optional(
      Type.Array(Type.String({ maxLength: 1000 }), {
        maxItems: 250,
        description: 'Tags to start with.',
        examples: [['VIP', 'friend']],
      }),
    ),
    groupIds: Type.Optional(
      Type.Array(Uuid({ description: 'Id of a group.' }), {
        maxItems: 100,
        description: 'Groups to start in.',
      }),
    ),
    note: Type.Optional(
      Type.String({ minLength: 1, maxLength: 10_000, description: 'A first private note.' }),
    ),
  },
  {
    $id: 'CustomerCreate',
    description: 'A new customer. At least one of email, phone, lastName and company is needed (C2).',
    examples: [{ email: 'Ada@Example.com', firstName: 'Ada', lastName: 'Lovelace', tags: ['VIP'] }],
  },
);
export type CustomerCreate = Static<typeof CustomerCreate>;

export const CustomerUpdate = closed(
  {
    ...writable,
    accountStatus: Type.Optional(
      stringEnum(['guest', 'active', 'disabled'], {
        description: 'New account state; only the changes of C4 are possible.',
      }),
    ),
  },
  {
    $id: 'CustomerUpdate',
    minProperties: 1,
    description: 'Merge patch (RFC 7396): null clears a field, an absent one stays.',
    examples: [{ company: 'Analytical Engines Ltd', phone: null }],
  },
);
export type CustomerUpdate = Static<typeof CustomerUpdate>;

export const Customer = closed(
  {
    id: Uuid({ description: 'Id of the customer.' }),
    externalId: nullable(Type.String({ description: 'Id in your own system.' })),
    email: nullable(Type.String({ description: 'Email in the spelling that was given.' })),
    phone: nullable(Type.String({ description: 'Phone in E.164.', examples: ['+4930901820'] })),
    firstName: nullable(Type.String({ description: 'First name.' })),
    lastName: nullable(Type.String({ description: 'Last name.' })),
    company: nullable(Type.String({ description: 'Company.' })),
    salesAgentId: nullable(Uuid({ description: 'Sales agent who looks after the customer.' })),
    birthday: Type.Optional(Birthday),
    gender: nullable(stringEnum(GENDERS, { description: 'Gender as the customer gave it.' })),
    language: nullable(Type.String({ description: 'Language tag (BCP 47).' })),
    timezone: nullable(Type.String({ description: 'Time zone (IANA).' })),
    accountStatus: AccountStatus,
    registeredAt: nullable(Timestamp({ description: 'When the account was made.' })),
    source: stringEnum(SOURCES, { description: 'Where the customer came from.' }),
    acceptsMarketing: Type.Boolean({ description: 'Derived from consent.' }),
    wholesale: Type.Boolean({ description: 'Gets wholesale prices while the account is invited or active.' }),
    primaryGroupId: nullable(Uuid({ description: 'The main group.' })),
    custom: CustomValues,
    tags: Type.Array(Type.String({ description: 'A tag.' }), {
      description: 'Tags, by name.',
      examples: [['friend', 'VIP']],
    }),
    groups: Type.Array(GroupRef, { description: 'Groups, by name.' }),
    defaultAddress: Type.Optional(ref(Address)),
    ordersCount: Type.Integer({ description: 'Confirmed orders (C7).', examples: [3] }),
    totalSpent: ref(Money, {
      description: 'Sum of confirmed orders less refunds, in the currency of the store.',
    }),
    averageOrderValue: Type.Optional(
      ref(Money, { description: 'totalSpent ÷ ordersCount; absent without orders.' }),
    ),
    refundedTotal: ref(Money, { description: 'Sum of refunds on confirmed orders.' }),
    firstOrderAt: nullable(Timestamp({ description: 'Time of the first confirmed order.' })),
    lastOrderAt: nullable(Timestamp({ description: 'Time of the latest confirmed order.' })),
    lastOrderId: nullable(Uuid({ description: 'Id of the latest confirmed order.' })),
    mergedIntoId: Type.Optional(Uuid({ description: 'The survivor, when this customer was merged.' })),
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When the customer was created.' }),
    updatedAt: Timestamp({ description: 'When the customer last changed.' }),
  },
  { $id: 'Customer', description: 'A customer of the store.' },
);

export const CustomerPage = page(Customer, 'CustomerPage');

export const CustomerParams = closed({ customerId: Uuid({ description: 'Id of the customer.' }) });
