// The wire contract of what signed-in customers see and change of their own account, and of who may check out.
import Type from 'typebox';
import { INELIGIBILITIES } from '../domain/accounts/checkout-eligibility.ts';
import { DELETION_STATUSES } from '../domain/accounts/deletion-requests.ts';
import { SOURCES } from '../domain/customers.ts';
import { TRANSFER_KINDS } from '../domain/ledger/entries.ts';
import { MEMBER_STATUSES } from '../domain/loyalty/members.ts';
import { REDEMPTION_STATUSES } from '../domain/loyalty/rewards.ts';
import { CHANNELS, CONSENT_ACTIONS, CONSENT_SOURCES, CONSENT_STATES } from '../domain/mail/consents.ts';
import { MESSAGE_CLASSES, MESSAGE_KINDS } from '../domain/mail/messages.ts';
import { Session } from './accounts.ts';
import { Address } from './addresses.ts';
import { Customer, CustomerUpdate } from './customers.ts';
import { closed, Int64, Money, nullable, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';
import { LinkedIdentity } from './identity-providers.ts';
import { unitOf } from './ledger.ts';
import { PointsBalance } from './loyalty-members.ts';
import { Order } from './orders.ts';
import { Redemption } from './rewards.ts';
import { MyCreditAccount } from './storefront-me.ts';

const profile = {
  id: Customer.properties.id,
  email: Customer.properties.email,
  phone: Customer.properties.phone,
  firstName: Customer.properties.firstName,
  lastName: Customer.properties.lastName,
  company: Customer.properties.company,
  birthday: Customer.properties.birthday,
  gender: Customer.properties.gender,
  language: Customer.properties.language,
  timezone: Customer.properties.timezone,
  accountStatus: Customer.properties.accountStatus,
  registeredAt: Customer.properties.registeredAt,
  acceptsMarketing: Customer.properties.acceptsMarketing,
  defaultAddress: Customer.properties.defaultAddress,
  version: Customer.properties.version,
  createdAt: Customer.properties.createdAt,
  updatedAt: Customer.properties.updatedAt,
};

export const MyProfile = closed(profile, { $id: 'MyProfile', description: 'Your profile.' });

export const MyProfileUpdate = closed(
  {
    phone: CustomerUpdate.properties.phone,
    firstName: CustomerUpdate.properties.firstName,
    lastName: CustomerUpdate.properties.lastName,
    company: CustomerUpdate.properties.company,
    birthday: CustomerUpdate.properties.birthday,
    gender: CustomerUpdate.properties.gender,
    language: CustomerUpdate.properties.language,
    timezone: CustomerUpdate.properties.timezone,
  },
  {
    $id: 'MyProfileUpdate',
    minProperties: 1,
    description: 'Merge patch (RFC 7396): null clears a field, an absent one stays.',
    examples: [{ firstName: 'Ada', phone: '+49 30 901820' }],
  },
);

const { customer: _customer, snapshot: _snapshot, ...orderFields } = Order.properties;
export const MyOrder = closed(orderFields, {
  $id: 'MyOrder',
  description: 'An order of yours. Every amount is an integer in the minor unit of `currency`.',
});
export const MyOrderPage = page(MyOrder, 'MyOrderPage');

export const DeletionRequestCreate = closed(
  {
    password: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1000,
        description: 'Password of the account; needed when it has one.',
        examples: ['correct horse battery staple'],
      }),
    ),
  },
  {
    $id: 'DeletionRequestCreate',
    description: 'A wish to be forgotten.',
    examples: [{ password: 'correct horse battery staple' }],
  },
);
export const DeletionRequest = closed(
  {
    status: stringEnum(DELETION_STATUSES, {
      description: '`open` until the shop has seen to it, then `closed`; `none` when nothing was asked for.',
    }),
    requestedAt: Type.Optional(Timestamp({ description: 'When it was last asked for.' })),
    dueAt: Type.Optional(Timestamp({ description: 'By when the shop wants to have answered.' })),
  },
  { $id: 'DeletionRequest', description: 'How the wish to be forgotten stands.' },
);

export const CheckoutEligibility = closed(
  {
    eligible: Type.Boolean({ description: 'Whether they may check out.' }),
    reason: Type.Optional(
      stringEnum(INELIGIBILITIES, {
        description:
          'Why not: `ACCOUNT_REQUIRED` asks them to register or accept the invitation, `ACCOUNT_DISABLED` sends them to the shop.',
      }),
    ),
  },
  {
    $id: 'CheckoutEligibility',
    description: 'Whether somebody may check out under the store setting `accounts`.',
  },
);

const id = Uuid({ description: 'Its id.' });

const Person = closed(
  {
    ...profile,
    externalId: Customer.properties.externalId,
    custom: Customer.properties.custom,
    tags: Customer.properties.tags,
    groups: Type.Array(Type.String({ description: 'Name of a group.' }), { description: 'Groups.' }),
    source: stringEnum(SOURCES, { description: 'How you became known to the shop.' }),
    ordersCount: Customer.properties.ordersCount,
    totalSpent: ref(Money),
    refundedTotal: ref(Money),
  },
  { description: 'Who you are to the shop.' },
);

const Movement = closed(
  {
    id,
    unit: unitOf(),
    kind: stringEnum(TRANSFER_KINDS, { description: 'What kind of movement.' }),
    from: Type.String({ description: 'The account that is debited.' }),
    to: Type.String({ description: 'The account that is credited.' }),
    amount: Int64({ description: 'What moved.' }),
    balanceAfter: Int64({ description: 'Balance after it.' }),
    effectiveAt: Timestamp({ description: 'When it counts.' }),
    recordedAt: Timestamp({ description: 'When it was written down.' }),
    orderId: Type.Optional(Uuid({ description: 'The order it belongs to.' })),
  },
  { description: 'A movement of store credit or points.' },
);

const MyRedemption = closed(
  {
    id,
    reward: Redemption.properties.reward,
    points: Int64({ description: 'Points held or taken.' }),
    status: stringEnum(REDEMPTION_STATUSES, { description: 'What became of it.' }),
    code: Type.Optional(Type.String({ description: 'What the checkout takes.' })),
    createdAt: Timestamp({ description: 'When it was asked for.' }),
    closedAt: Type.Optional(Timestamp({ description: 'When it was closed.' })),
  },
  { description: 'A reward that you asked for.' },
);

const ToldConsent = closed(
  {
    id,
    channel: stringEnum(CHANNELS, { description: 'How you would be written to.' }),
    address: Type.String({ description: 'Address or number.' }),
    topic: Type.String({ description: 'About what.' }),
    action: stringEnum(CONSENT_ACTIONS, { description: 'What was done.' }),
    state: stringEnum(CONSENT_STATES, { description: 'The state since.' }),
    effectiveAt: Timestamp({ description: 'When it took effect.' }),
    recordedAt: Timestamp({ description: 'When it was written down.' }),
    source: stringEnum(CONSENT_SOURCES, { description: 'Where it came from.' }),
    wording: nullable(Type.String({ description: 'What was agreed to, word for word.' })),
  },
  { description: 'Consent that you gave or took back.' },
);

const ToldMessage = closed(
  {
    id,
    kind: stringEnum(Object.keys(MESSAGE_KINDS), { description: 'What kind of mail.' }),
    class: stringEnum(MESSAGE_CLASSES, { description: 'What it was for.' }),
    subject: nullable(Type.String({ description: 'Its subject.' })),
    toEmail: nullable(Type.String({ description: 'Where it went.' })),
    sentAt: Timestamp({ description: 'When it was sent.' }),
    deliveredAt: nullable(Timestamp({ description: 'When it arrived, where that is known.' })),
    clickedAt: nullable(Timestamp({ description: 'When a link of it was first followed.' })),
    unsubscribedAt: nullable(Timestamp({ description: 'When you unsubscribed with it.' })),
  },
  { description: 'A mail that the shop sent you.' },
);

const Membership = closed(
  {
    status: stringEnum(MEMBER_STATUSES, { description: 'Whether you are a member.' }),
    enrolledAt: Timestamp({ description: 'Since when.' }),
    tier: nullable(Type.String({ description: 'Your tier.' })),
    referralCode: Type.String({ description: 'Your referral code.' }),
  },
  { description: 'Your membership in the loyalty programme; absent without one.' },
);

const list = (item: Parameters<typeof Type.Array>[0], description: string) =>
  Type.Array(item, { description });

const facts = {
  format: Type.String({
    description: 'Name and version of this shape. Members may be added; none changes its meaning.',
    examples: ['clientele.personal-data/1'],
  }),
  exportedAt: Timestamp({ description: 'When it was asked for.' }),
  store: Type.String({ description: 'Name of the shop.' }),
  profile: Person,
  credit: list(ref(MyCreditAccount), 'Your store credit, by currency.'),
  points: ref(PointsBalance, { description: 'Your points.' }),
  loyalty: Type.Optional(Membership),
  identities: list(ref(LinkedIdentity), 'Identities that log you in.'),
  sessions: list(ref(Session), 'Where you are logged in.'),
};

/** What the lists of the document are made of: written row by row, each through its own schema. */
export const personalLists = {
  addresses: ref(Address),
  orders: ref(MyOrder),
  movements: Movement,
  redemptions: MyRedemption,
  consents: ToldConsent,
  messages: ToldMessage,
};

/** The part of the document that is written at once. */
export const PersonalFacts = closed(facts);

export const PersonalData = closed(
  {
    ...facts,
    addresses: list(personalLists.addresses, 'Your addresses.'),
    orders: list(personalLists.orders, 'Your orders, the first one first.'),
    movements: list(personalLists.movements, 'What moved your store credit and points, the latest first.'),
    redemptions: list(personalLists.redemptions, 'Rewards that you asked for, the latest first.'),
    consents: list(
      personalLists.consents,
      'Consent that you gave or took back, in the order in which it was written down.',
    ),
    messages: list(personalLists.messages, 'Mails that the shop sent you.'),
  },
  { $id: 'PersonalData', description: 'Everything that the shop knows about you.' },
);

export const myAccountSchemas = [
  MyProfile,
  MyProfileUpdate,
  MyOrder,
  MyOrderPage,
  DeletionRequestCreate,
  DeletionRequest,
  CheckoutEligibility,
  PersonalData,
];
