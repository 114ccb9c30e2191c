// The wire contract of groups.
import Type from 'typebox';
import { closed, nullable, page, Timestamp, Uuid } from './helpers.ts';

const MAX_MEMBERS_AT_ONCE = 1_000;
const MAX_GROUPS_OF_CUSTOMER = 100;

const name = Type.String({
  description: 'Name of the group, unique without regard to case.',
  minLength: 1,
  maxLength: 255,
  examples: ['Business'],
});
const description = nullable(
  Type.String({
    description: 'What the group is for.',
    maxLength: 1000,
    examples: ['Buyers with a VAT number'],
  }),
);

export const Group = closed(
  {
    id: Uuid({ description: 'Id of the group.' }),
    name,
    description,
    customersCount: Type.Integer({ minimum: 0, description: 'Customers in the group.', examples: [42] }),
    createdAt: Timestamp({ description: 'When the group was added.' }),
    updatedAt: Timestamp({ description: 'When its name or description last changed.' }),
  },
  { $id: 'Group', description: 'A static group of customers.' },
);

export const GroupPage = page(Group, 'GroupPage', { description: 'Groups of the store.' });

export const GroupCreate = closed(
  { name, description: Type.Optional(description) },
  {
    $id: 'GroupCreate',
    description: 'A new group.',
    examples: [{ name: 'Resellers', description: 'Sell on to others' }],
  },
);

export const GroupUpdate = closed(
  { name: Type.Optional(name), description: Type.Optional(description) },
  {
    $id: 'GroupUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent stays.',
    examples: [{ name: 'Partners' }],
  },
);

export const GroupMembersInput = closed(
  {
    customerIds: Type.Array(Uuid({ description: 'Id of a customer.' }), {
      minItems: 1,
      maxItems: MAX_MEMBERS_AT_ONCE,
      description: `Customers, at most ${MAX_MEMBERS_AT_ONCE}; for more use a bulk action.`,
    }),
  },
  {
    $id: 'GroupMembersInput',
    description: 'Customers to put into a group or to take out of it.',
    examples: [{ customerIds: ['0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11'] }],
  },
);

const count = (text: string, example: number) =>
  Type.Integer({ minimum: 0, description: text, examples: [example] });

export const GroupMembersChange = closed(
  {
    added: count('Customers who were not in the group and are now.', 2),
    removed: count('Customers who were in the group and are no longer.', 0),
    unchanged: count('Customers for whom nothing had to be done.', 1),
    unknown: count('Ids that are no customer of the store, or one who is merged or erased.', 0),
    unknownIds: Type.Array(Uuid({ description: 'Id that was sent.' }), { description: 'The unknown ids.' }),
  },
  { $id: 'GroupMembersChange', description: 'What a change of members did.' },
);

const text = (words: string, example: string) =>
  nullable(Type.String({ description: words, examples: [example] }));

const membership = {
  source: Type.String({
    description: 'What put the customer into the group: manual, api, import, bulk:<job> or automation:<id>.',
    examples: ['manual'],
  }),
  joinedAt: Timestamp({ description: 'When the customer joined.' }),
};

export const GroupMember = closed(
  {
    customerId: Uuid({ description: 'Id of the customer.' }),
    email: text('Email of the customer.', 'ada@example.com'),
    firstName: text('First name.', 'Ada'),
    lastName: text('Last name.', 'Lovelace'),
    company: text('Company.', 'Analytical Engines Ltd'),
    ...membership,
  },
  { $id: 'GroupMember', description: 'A customer in a group.' },
);

export const GroupMemberPage = page(GroupMember, 'GroupMemberPage', { description: 'Members of a group.' });

const CustomerGroup = closed(
  {
    id: Uuid({ description: 'Id of the group.' }),
    name: Type.String({ description: 'Name of the group.', examples: ['Business'] }),
    ...membership,
  },
  { description: 'A group that the customer is in.' },
);

export const CustomerGroups = closed(
  {
    groups: Type.Array(CustomerGroup, { description: 'The groups by name.' }),
    primaryGroupId: nullable(Uuid({ description: 'The main group, one of the groups.' })),
    version: Type.Integer({ description: 'Version of the customer; the ETag.', examples: [4] }),
  },
  { $id: 'CustomerGroups', description: 'All groups of a customer.' },
);

export const CustomerGroupsUpdate = closed(
  {
    groupIds: Type.Array(Uuid({ description: 'Id of a group.' }), {
      maxItems: MAX_GROUPS_OF_CUSTOMER,
      description: 'All groups that the customer shall be in; none takes the customer out of all.',
    }),
    primaryGroupId: Type.Optional(
      nullable(
        Uuid({
          description: 'The main group, one of `groupIds`. Absent: it stays while the customer stays in it.',
        }),
      ),
    ),
  },
  {
    $id: 'CustomerGroupsUpdate',
    description: 'The groups of a customer.',
    examples: [
      {
        groupIds: ['0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11'],
        primaryGroupId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
      },
    ],
  },
);
