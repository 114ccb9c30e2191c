// The wire contract of merging two customers, and of taking it back.
import Type, { type Static } from 'typebox';
import { GENDERS, SOURCES } from '../domain/customers.ts';
import { MERGE_FIELDS, MERGE_SIDES, type MergeField } from '../domain/merge.ts';
import { Address } from './addresses.ts';
import { AccountStatus, Birthday, Customer } from './customers.ts';
import { closed, Int64, Money, nullable, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';
import { unitOf } from './ledger.ts';

const side = (description: string) => stringEnum(MERGE_SIDES, { description });

const choice = (field: string) => Type.Optional(side(`Whose ${field} survives.`));
const chosenFields = Object.fromEntries(
  [...MERGE_FIELDS, 'accountStatus'].map((field) => [field, choice(field)]),
) as Record<MergeField | 'accountStatus', ReturnType<typeof choice>>;

export const MergeChoices = closed(
  {
    ...chosenFields,
    custom: Type.Optional(
      Type.Unsafe<Record<string, 'into' | 'from'>>({
        type: 'object',
        additionalProperties: side('Whose value of this custom field survives.'),
        maxProperties: 50,
        description: 'Whose value survives, by key of the custom field.',
        examples: [{ shoe_size: 'from' }],
      }),
    ),
  },
  {
    $id: 'MergeChoices',
    description:
      'Whose value survives, per field; the survivor keeps its own where nothing is chosen and it has one.',
    examples: [{ email: 'from', lastName: 'into' }],
  },
);

export const CustomerMergeRequest = closed(
  {
    from: Uuid({ description: 'Id of the customer that goes away.' }),
    choose: Type.Optional(ref(MergeChoices)),
    dryRun: Type.Optional(
      Type.Boolean({ description: 'true answers what would happen and changes nothing.', examples: [true] }),
    ),
  },
  { $id: 'CustomerMergeRequest', description: 'What to merge into the customer of the path.' },
);
export type CustomerMergeRequest = Static<typeof CustomerMergeRequest>;

const MergeBlocker = closed(
  {
    code: Type.String({ description: 'What stands in the way.', examples: ['TOO_MANY_TAGS'] }),
    side: Type.Optional(side('The customer that it is about.')),
    count: Type.Optional(Type.Integer({ description: 'How many of them there are.' })),
    limit: Type.Optional(Type.Integer({ description: 'The limit that would be passed.' })),
    would: Type.Optional(Type.Integer({ description: 'The count that it would be.' })),
    wayOut: Type.String({ description: 'What to do about it.' }),
  },
  { description: 'Something that stands in the way of the merge.' },
);

const text = (description: string) => nullable(Type.String({ description }));
const GroupName = closed(
  { id: Uuid({ description: 'Id of the group.' }), name: Type.String({ description: 'Name of the group.' }) },
  { description: 'A group of the survivor.' },
);

const Survivor = closed(
  {
    externalId: text('Id in your own system.'),
    email: text('Email.'),
    phone: text('Phone in E.164.'),
    firstName: text('First name.'),
    lastName: text('Last name.'),
    company: text('Company.'),
    salesAgentId: nullable(Uuid({ description: 'Sales agent.' })),
    birthday: Type.Optional(Birthday),
    gender: nullable(stringEnum(GENDERS, { description: 'Gender.' })),
    language: text('Language tag (BCP 47).'),
    timezone: text('Time zone (IANA).'),
    wholesale: Type.Boolean({ description: 'The wholesale flag.' }),
    acceptsMarketing: Type.Boolean({ description: 'Consent; it goes with the email.' }),
    primaryGroupId: nullable(Uuid({ description: 'The main group.' })),
    custom: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'Custom fields by key.',
      examples: [{ shoe_size: 42 }],
    }),
    accountStatus: AccountStatus,
    source: stringEnum(SOURCES, { description: 'Where the older of the two came from.' }),
    createdAt: Timestamp({ description: 'When the older of the two was created.' }),
    registeredAt: nullable(Timestamp({ description: 'The earlier registration.' })),
    tags: Type.Array(Type.String({ description: 'A tag.' }), { description: 'Tags of both, by name.' }),
    groups: Type.Array(GroupName, { description: 'Groups of both, by name.' }),
    addresses: Type.Array(ref(Address), {
      description: 'Addresses of both; the same place is there once (A5).',
    }),
    ordersCount: Type.Integer({ description: 'Confirmed orders of both (C7).' }),
    totalSpent: ref(Money, { description: 'Money spent by both.' }),
    refundedTotal: ref(Money, { description: 'Refunds of both.' }),
    firstOrderAt: nullable(Timestamp({ description: 'Time of the first confirmed order.' })),
    lastOrderAt: nullable(Timestamp({ description: 'Time of the latest confirmed order.' })),
    lastOrderId: nullable(Uuid({ description: 'Id of the latest confirmed order.' })),
  },
  { description: 'The survivor after the merge.' },
);

const count = (description: string) => Type.Integer({ minimum: 0, description, examples: [2] });
const Moves = closed(
  {
    orders: count('Orders that move, cancelled and test ones too.'),
    notes: count('Notes that move.'),
    tasks: count('Tasks that move.'),
    addresses: count('Addresses that move.'),
    duplicateAddresses: count('Addresses that the survivor has already.'),
    tags: count('Tags that the survivor gains.'),
    groups: count('Groups that the survivor gains.'),
  },
  { description: 'How much moves from the one customer to the other.' },
);

const amount = (description: string, example: number) => Int64({ description, examples: [example] });
const MovedBalance = closed(
  {
    unit: unitOf(),
    lots: count('Lots that move with their dates, source and rule.'),
    amount: amount('What remains of these lots.', 5000),
    overdraft: amount('What was taken beyond all lots: the survivor takes this debt over.', 0),
    balance: amount('What moves in all: amount − overdraft.', 5000),
    survivorBalance: amount('Balance of the survivor after the merge.', 7500),
  },
  { description: 'Store credit of one currency, or points.' },
);

export const CustomerMergeResult = closed(
  {
    dryRun: Type.Boolean({ description: 'true: nothing was changed.' }),
    mergeId: Type.Optional(Uuid({ description: 'Id of the merge; absent in a preview.' })),
    undoableUntil: Type.Optional(
      Timestamp({ description: 'Until when the merge can be taken back; absent in a preview.' }),
    ),
    intoId: Uuid({ description: 'The survivor.' }),
    fromId: Uuid({ description: 'The customer that goes away.' }),
    blockers: Type.Array(MergeBlocker, {
      description: 'What stands in the way; without any the merge can be done.',
    }),
    accountFrom: side('Whose account survives.'),
    differing: Type.Array(stringEnum(MERGE_FIELDS, { description: 'A field.' }), {
      description: 'Fields that both have, and differently: where `choose` matters.',
    }),
    survivor: Survivor,
    moves: Moves,
    balances: Type.Array(MovedBalance, { description: 'Balances that move, by unit.' }),
  },
  { $id: 'CustomerMergeResult', description: 'What a merge did, or would do.' },
);

export const CustomerUnmergeResult = closed(
  {
    customer: ref(Customer, { description: 'The customer that is back.' }),
    survivor: ref(Customer, { description: 'The customer that it had been merged into.' }),
    keptEdits: Type.Array(Type.String({ description: 'A field.', examples: ['company'] }), {
      description: 'Fields that were edited since the merge and stay with the survivor.',
    }),
  },
  { $id: 'CustomerUnmergeResult', description: 'Both customers after a merge was taken back.' },
);

export const MergedCustomer = closed(
  {
    id: Uuid({ description: 'Id of the merged customer.' }),
    mergedIntoId: Uuid({ description: 'Id of the customer that stands for it now.' }),
  },
  { $id: 'MergedCustomer', description: 'Where a merged customer went (C10).' },
);
