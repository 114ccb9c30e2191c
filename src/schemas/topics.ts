// The wire contract of topics.
import Type from 'typebox';
import { TOPIC_KEY } from '../domain/mail/consents.ts';
import { closed, nullable, ref, Timestamp } from './helpers.ts';

const key = (description: string) =>
  Type.String({ description, pattern: TOPIC_KEY.source, maxLength: 50, examples: ['offers'] });
const name = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'What people read beside the checkbox.',
  examples: ['Offers'],
});
const description = Type.String({
  maxLength: 500,
  description: 'One line about it.',
  examples: ['Sales, vouchers and special prices.'],
});
const position = Type.Integer({
  minimum: 0,
  maximum: 10_000,
  description: 'Place in the list; smaller first.',
  examples: [1],
});

export const TopicParams = closed({
  topicKey: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'Key of the topic.',
    examples: ['newsletter'],
  }),
});

export const Topic = closed(
  {
    key: key('Name of the topic for programs; never changes.'),
    name,
    description,
    position,
    archivedAt: nullable(Timestamp(), {
      description: 'Since when it is offered no longer; null while it is.',
    }),
    version: Type.Integer({ description: 'Version; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When it was added.' }),
    updatedAt: Timestamp({ description: 'When it was last changed.' }),
  },
  { $id: 'Topic', description: 'Something that the store writes about, and people agree to by itself.' },
);

export const TopicList = closed(
  {
    data: Type.Array(ref(Topic), {
      description: 'In the order in which people see them, archived ones last.',
    }),
  },
  { $id: 'TopicList', description: 'All topics of the store.' },
);

export const TopicCreate = closed(
  {
    key: key('Name for programs: small letters, digits and underscores.'),
    name,
    description: Type.Optional(description),
    position: Type.Optional(position),
  },
  {
    $id: 'TopicCreate',
    description: 'A new topic.',
    examples: [{ key: 'events', name: 'Events', description: 'What is on in our shops.' }],
  },
);

export const TopicUpdate = closed(
  {
    name: Type.Optional(name),
    description: Type.Optional(description),
    position: Type.Optional(position),
    archived: Type.Optional(
      Type.Boolean({
        description: 'True: it takes no new consent and is not offered. What was agreed to stays as it is.',
      }),
    ),
  },
  { $id: 'TopicUpdate', description: 'What is to change.', examples: [{ name: 'Sales and offers' }] },
);

export const topicSchemas = [Topic, TopicList, TopicCreate, TopicUpdate];
