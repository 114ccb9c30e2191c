// The wire contract of health, of what waits over all stores, and of the self-check of one.
import Type from 'typebox';
import { JOB_KINDS, JOB_STATUSES } from '../domain/jobs.ts';
import { BACKLOG_STATES, FAILED_DAYS } from '../domain/operations.ts';
import { closed, nullable, page, pageQuery, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

const state = (description: string) => stringEnum(['ok', 'failed'], { description });

export const Health = closed(
  { status: state('Whether the process answers.') },
  { $id: 'Health', description: 'The process is alive.' },
);

export const Readiness = closed(
  {
    status: stringEnum(['ok', 'failed', 'stopping'], { description: 'Whether requests should come here.' }),
    database: state('Whether Postgres answers.'),
    migrations: state('Whether the schema is the one that this version needs.'),
    queue: Type.Optional(state('Whether the queue answers; only where this process has a worker.')),
  },
  { $id: 'Readiness', description: 'What the service stands on.' },
);

const count = (description: string, example = 0) =>
  Type.Integer({ minimum: 0, description, examples: [example] });

const Queue = closed(
  {
    queue: stringEnum(JOB_KINDS, { description: 'Kind of jobs; each has a queue of its own.' }),
    waiting: count('Jobs of all stores that wait.', 3),
    running: count('Jobs of all stores that run.', 1),
    failed: count(`Jobs of the last ${FAILED_DAYS} days that ended as failed.`),
    oldestWaitingAt: nullable(
      Timestamp({ description: 'When the job that waits longest was started; null where none waits.' }),
    ),
    lastAliveAt: nullable(
      Timestamp({ description: 'When a worker last touched one that runs; null where none runs.' }),
    ),
  },
  { $id: 'Queue', description: 'How a queue stands, by the rows of its jobs.' },
);

const MailBacklog = closed(
  {
    inCampaign: Type.Boolean({
      description: 'Mails of running campaigns, which keep to their pace; or all others.',
    }),
    state: stringEnum(BACKLOG_STATES, {
      description:
        '`due` now, `deferred` after an attempt that did not succeed, `later` by its own time, being handed over (`sending`), or handed over without an answer (`unknown`).',
    }),
    mails: count('Mails, counted up to 10,000.', 42),
    oldestAt: Timestamp({ description: 'When the first of them was, or will be, due.' }),
  },
  { $id: 'MailBacklog', description: 'Mails of all stores in one state.' },
);

export const Queues = closed(
  {
    at: Timestamp({ description: 'When this was read.' }),
    queues: Type.Array(ref(Queue), { description: 'Every queue, those without jobs too.' }),
    mail: Type.Array(ref(MailBacklog), {
      description: 'Mails that are not done with; states without any are left out.',
    }),
  },
  { $id: 'Queues', description: 'What waits to be done, over all stores.' },
);

export const StoreJobQuery = closed({
  ...pageQuery,
  status: Type.Optional(
    stringEnum(JOB_STATUSES, {
      description: 'Jobs in this state; failed ones unless given.',
      default: 'failed',
    }),
  ),
});

const StoreJob = closed(
  {
    storeId: Uuid({ description: 'Store of the job.' }),
    id: Uuid({ description: 'Id of the job; nightly ones have the same in every store.' }),
    kind: stringEnum(JOB_KINDS, { description: 'What the job does.' }),
    status: stringEnum(JOB_STATUSES, { description: 'completed, failed and cancelled are final.' }),
    total: nullable(count('Items of the job; null while nobody knows.', 1200)),
    done: count('Items that have an outcome.', 800),
    errorCode: nullable(
      Type.String({
        description: 'Why it failed: `INTERNAL` is worth `POST /v1/jobs/{jobId}/retry`.',
        examples: ['INTERNAL'],
      }),
    ),
    attempts: count('Deliveries that failed since the last slice that succeeded.'),
    createdAt: Timestamp({ description: 'When the job was started.' }),
    startedAt: nullable(Timestamp({ description: 'When a worker took it up.' })),
    aliveAt: Timestamp({ description: 'When a worker last touched it.' }),
    finishedAt: nullable(Timestamp({ description: 'When it reached its final state.' })),
  },
  { $id: 'StoreJob', description: 'A job of any store; nothing of what it is about.' },
);

export const StoreJobPage = page(StoreJob, 'StoreJobPage');

const Invariant = closed(
  {
    name: Type.String({ description: 'Which invariant.', examples: ['balance_equals_lots'] }),
    ok: Type.Boolean({ description: 'False when something breaks it.' }),
    detail: Type.String({
      description: 'What must hold, and how much of the store was looked at.',
      examples: ['The balance is Σ remaining lots − overdraft. 1200 accounts checked.'],
    }),
    count: count('How much breaks it.'),
  },
  { $id: 'Invariant', description: 'Something that must hold at every moment.' },
);

export const SelfCheck = closed(
  {
    ok: Type.Boolean({ description: 'True when every invariant holds, as far as was looked.' }),
    complete: Type.Boolean({
      description:
        'False when the time was up before everything was looked at; the nightly job looks at all of it.',
    }),
    checks: Type.Array(ref(Invariant), { description: 'Every invariant.' }),
  },
  { $id: 'SelfCheck', description: 'Whether the store is sound.' },
);

export const operationsSchemas = [
  Health,
  Readiness,
  Queue,
  MailBacklog,
  Queues,
  StoreJob,
  StoreJobPage,
  Invariant,
  SelfCheck,
];
