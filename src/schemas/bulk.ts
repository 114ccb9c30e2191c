// The wire contract of bulk actions.
import Type from 'typebox';
import { BULK_ACTIONS, MAX_BULK_IDS } from '../domain/bulk.ts';
import { MAX_TAGS_PER_CUSTOMER } from '../domain/tags.ts';
import { BulkConsent } from './consents.ts';
import { CustomerFilter } from './customer-filter.ts';
import { closed, nullable, ref, stringEnum, Uuid } from './helpers.ts';
import { jobFields } from './jobs.ts';

const action = stringEnum(BULK_ACTIONS, { description: 'What is done to each selected customer.' });
const salesAgentId = nullable(
  Uuid({ description: 'For setSalesAgent: who looks after the customers; null for nobody.' }),
);
const consent = ref(BulkConsent, {
  description: 'For subscribeTopic and unsubscribeTopic: what the customers said.',
});
const groupId = Uuid({ description: 'For addToGroup and removeFromGroup: the group.' });

export const BulkCreate = closed(
  {
    action,
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1000, examples: ['VIP'] }), {
        minItems: 1,
        maxItems: MAX_TAGS_PER_CUSTOMER,
        description: 'For addTags and removeTags: the tags by name.',
      }),
    ),
    groupId: Type.Optional(groupId),
    salesAgentId: Type.Optional(salesAgentId),
    consent: Type.Optional(consent),
    ids: Type.Optional(
      Type.Array(Uuid(), { minItems: 1, maxItems: MAX_BULK_IDS, description: 'Selects customers by id.' }),
    ),
    filter: Type.Optional(
      ref(CustomerFilter, { description: 'Selects customers as the customer list does.' }),
    ),
    segmentId: Type.Optional(
      Uuid({ description: 'Selects the members that the segment has when the job is started.' }),
    ),
    all: Type.Optional(Type.Boolean({ description: 'true selects every customer.' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only tell what would happen.', default: false })),
  },
  {
    $id: 'BulkCreate',
    description: 'An action and a selection: exactly one of ids, filter, segmentId and all.',
    examples: [{ action: 'addTags', tags: ['Summer'], filter: { country: ['DE'] } }],
  },
);

export const BulkJob = closed(
  {
    ...jobFields,
    action,
    tags: Type.Optional(
      Type.Array(Type.String({ description: 'A tag.' }), { description: 'Tags that are added or removed.' }),
    ),
    groupId: Type.Optional(groupId),
    salesAgentId: Type.Optional(salesAgentId),
    consent: Type.Optional(consent),
    itemsUrl: Type.String({
      description: 'Where the outcome of each customer is.',
      examples: ['/v1/jobs/0190b0a0-0000-7000-8000-000000000000/items'],
    }),
    eventsUrl: Type.String({
      description: 'Where the progress is sent as it happens.',
      examples: ['/v1/bulk-jobs/0190b0a0-0000-7000-8000-000000000000/events'],
    }),
  },
  { $id: 'BulkJob', description: 'A bulk action at work or done.' },
);
