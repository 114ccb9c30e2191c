// The wire contract of jobs.
import Type, { type TProperties } from 'typebox';
import { JOB_KINDS, JOB_STATUSES } from '../domain/jobs.ts';
import { closed, nullable, page, pageQuery, stringEnum, Timestamp, Uuid } from './helpers.ts';

export const JobParams = closed({ jobId: Uuid({ description: 'Id of the job.' }) });

export const JobListQuery = closed({
  ...pageQuery,
  status: Type.Optional(stringEnum(JOB_STATUSES, { description: 'Only jobs in this state.' })),
  kind: Type.Optional(stringEnum(JOB_KINDS, { description: 'Only jobs of this kind.' })),
});

const outcome = Type.Optional(
  Type.String({
    pattern: '^(pending|done|unchanged|queued|skipped(_[a-z_]+)?|refused(:[A-Z_]+)?)$',
    description:
      'Only items with this outcome: `pending`, `done`, `unchanged`, `refused` or one `refused:CODE`; of invitations `queued`, `skipped` or one `skipped_…`.',
    examples: ['refused'],
  }),
);

export const JobItemQuery = closed({ ...pageQuery, outcome });
export const JobItemExportQuery = closed({ outcome });

const JobError = closed(
  {
    code: Type.String({ description: 'Code of the error.', examples: ['REFERENCE_UNKNOWN'] }),
    detail: Type.String({ description: 'What went wrong.' }),
  },
  { description: 'Why the job failed; absent otherwise.' },
);

/** What every kind of job shows. */
export const jobFields = {
  id: Uuid({ description: 'Id of the job.' }),
  kind: stringEnum(JOB_KINDS, { description: 'What the job does.' }),
  status: stringEnum(JOB_STATUSES, { description: 'completed, failed and cancelled are final.' }),
  total: nullable(
    Type.Integer({
      minimum: 0,
      description: 'Items of the job; null while they are still being counted.',
      examples: [1200],
    }),
  ),
  done: Type.Integer({ minimum: 0, description: 'Items that have an outcome.', examples: [800] }),
  outcomes: Type.Unsafe<Record<string, number>>({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'How many items came to which outcome.',
    examples: [{ done: 780, unchanged: 18, 'refused:TOO_MANY_TAGS': 2 }],
  }),
  error: Type.Optional(JobError),
  dryRun: Type.Boolean({ description: 'Nothing is changed; the outcomes are what would happen.' }),
  undoOf: Type.Optional(Uuid({ description: 'The job that this one undoes.' })),
  createdBy: Type.String({ description: 'Who started the job.', examples: ['staff:ada'] }),
  requestId: nullable(Type.String({ description: 'Id of the request that started the job.' })),
  createdAt: Timestamp({ description: 'When the job was started.' }),
  startedAt: nullable(Timestamp({ description: 'When a worker took it up.' })),
  finishedAt: nullable(Timestamp({ description: 'When it reached its final state.' })),
  estimatedEndAt: nullable(
    Timestamp({ description: 'When it ends at its speed so far; null while nobody can tell.' }),
  ),
} satisfies TProperties;

export const Job = closed(jobFields, { $id: 'Job', description: 'Work that goes on after the answer.' });
export const JobPage = page(Job, 'JobPage');

export const JobItem = closed(
  {
    customerId: Uuid({ description: 'Id of the customer.' }),
    outcome: nullable(
      Type.String({
        description:
          '`done`, `unchanged` or `refused:CODE`, of invitations `queued` or `skipped_…`; null until the item had its turn.',
        examples: ['refused:CUSTOMER_HAS_ORDERS'],
      }),
    ),
  },
  { $id: 'JobItem', description: 'What a job did to one customer.' },
);
export const JobItemPage = page(JobItem, 'JobItemPage');

export const EventStream = Type.String({
  description: 'Server-sent events: `progress` and, at the end, `finished`; the data is the job.',
});
export const ItemsFile = Type.String({ description: 'CSV with the columns customerId and outcome.' });
