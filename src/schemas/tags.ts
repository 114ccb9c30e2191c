// The wire contract of tags.
import Type from 'typebox';
import { MAX_TAG_LENGTH, MAX_TAGS_PER_CUSTOMER, TAG_SORTS } from '../domain/tags.ts';
import { closed, defaulted, nullable, page, pageQuery, stringEnum, Timestamp, Uuid } from './helpers.ts';

/** Longest text that can hold all tags of a customer, each with its comma. */
const MAX_TEXT = MAX_TAGS_PER_CUSTOMER * (MAX_TAG_LENGTH + 2);

const name = Type.String({
  description: 'The tag: a phrase of 1 to 255 characters without a comma.',
  minLength: 1,
  maxLength: 1000,
  examples: ['Wholesale'],
});

export const Tag = closed(
  {
    id: Uuid({ description: 'Id of the tag.' }),
    name: Type.String({ description: 'The first spelling that was used (T2).', examples: ['VIP'] }),
    customersCount: Type.Integer({ minimum: 0, description: 'Customers who carry the tag.', examples: [42] }),
    lastUsedAt: nullable(
      Timestamp({ description: 'When a customer last got it; null when nobody carries it.' }),
    ),
    createdAt: Timestamp({ description: 'When the tag was first used or added.' }),
  },
  { $id: 'Tag', description: 'A tag of the store with how much it is used.' },
);

export const TagPage = page(Tag, 'TagPage', { description: 'Tags of the store.' });

export const TagQuery = closed({
  ...pageQuery,
  sort: defaulted(
    stringEnum(TAG_SORTS, { description: 'By name, or by number of customers, the most used first.' }),
    'name',
  ),
  q: Type.Optional(
    Type.String({
      description: 'What the tag begins with, without regard to case.',
      maxLength: 255,
      examples: ['whole'],
    }),
  ),
});

export const TagCreate = closed(
  { name },
  { $id: 'TagCreate', description: 'A new tag that nobody carries yet.', examples: [{ name: 'Wholesale' }] },
);

export const TagUpdate = closed(
  { name },
  { $id: 'TagUpdate', description: 'The new name of a tag.', examples: [{ name: 'Trade' }] },
);

export const TagMerge = closed(
  { intoId: Uuid({ description: 'Id of the tag that stays.' }) },
  {
    $id: 'TagMerge',
    description: 'What a tag is merged into.',
    examples: [{ intoId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11' }],
  },
);

export const TagInput = closed(
  {
    tags: Type.Optional(
      Type.Array(
        Type.String({ description: 'One tag, or several with commas between them.', maxLength: MAX_TEXT }),
        {
          maxItems: 1000,
          description: 'Tags as a list; each item is split on commas too (T1).',
          examples: [['VIP', 'early adopter']],
        },
      ),
    ),
    text: Type.Optional(
      Type.String({
        description: 'Tags as one text with commas between them, as a form field has them (T1).',
        maxLength: MAX_TEXT,
        examples: ['VIP, early adopter'],
      }),
    ),
  },
  {
    $id: 'TagInput',
    minProperties: 1,
    description:
      'Tags as a list, as a text, or both. Case does not matter; spaces around and empty ones are dropped.',
    examples: [{ tags: ['VIP', 'early adopter'] }, { text: 'VIP, early adopter' }],
  },
);

const names = (description: string, example: string[]) =>
  Type.Array(Type.String({ description: 'A tag.' }), { description, examples: [example] });

export const TagChange = closed(
  {
    added: names('Tags that the customer did not have, in the spelling of the store.', ['early adopter']),
    removed: names('Tags that the customer had and has no longer.', []),
    unchanged: names('Named tags for which nothing had to be done.', ['VIP']),
    version: Type.Integer({ description: 'Version of the customer afterwards; the ETag.', examples: [4] }),
  },
  { $id: 'TagChange', description: 'What a change of tags did (T3).' },
);

const CustomerTag = closed(
  {
    id: Uuid({ description: 'Id of the tag.' }),
    name: Type.String({ description: 'The tag.', examples: ['VIP'] }),
    source: Type.String({
      description: 'What assigned it (T5): manual, api, import, bulk:<job> or automation:<id>.',
      examples: ['manual'],
    }),
    assignedAt: Timestamp({ description: 'When the customer got it.' }),
  },
  { description: 'A tag of a customer with where it came from.' },
);

export const CustomerTags = closed(
  {
    data: Type.Array(CustomerTag, { description: `The tags by name, at most ${MAX_TAGS_PER_CUSTOMER}.` }),
    version: Type.Integer({ description: 'Version of the customer; the ETag.', examples: [4] }),
  },
  { $id: 'CustomerTags', description: 'All tags of a customer.' },
);
