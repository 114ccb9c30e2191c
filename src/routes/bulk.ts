// HTTP: one action on many customers.
import type { FastifyInstance } from 'fastify';
import { startBulkJob, toBulkJob, undoBulkJob } from '../actions/bulk.ts';
import type { Db } from '../db/connection.ts';
import { findJob, type JobRow } from '../db/jobs.ts';
import { isTopicAction } from '../domain/bulk.ts';
import { endpoint, found } from '../endpoint.ts';
import { Problem, QUERY_REFUSALS } from '../errors.ts';
import { sendProgress } from '../progress.ts';
import { BulkCreate, BulkJob } from '../schemas/bulk.ts';
import { ref } from '../schemas/helpers.ts';
import { EventStream, JobParams } from '../schemas/jobs.ts';

const tag = 'Bulk actions';
const CONSENT_SCOPE = 'consents:write';
const location = ({ id }: { id: string }) => `/v1/jobs/${id}`;

async function findBulkJob(db: Db, id: string): Promise<JobRow | undefined> {
  const job = await findJob(db, id);
  return job?.kind === 'bulk' ? job : undefined;
}

export async function bulk(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/customers/bulk',
    operationId: 'startBulkJob',
    tag,
    summary: 'Do one thing to many customers',
    description:
      'Starts a job with an outcome for each customer: `done`, `unchanged` or `refused:CODE`, for `invite` `queued` or `skipped_…` (I4); one refusal never stops the rest, and doing it again changes nothing twice. `subscribeTopic` records a grant with its words for each customer, with double opt-in subject to confirmation; who withdrew is refused as `refused:CONSENT_WITHDRAWN`, without an address it is `refused:NO_EMAIL` or `refused:NO_PHONE`. The topic actions need the scope `consents:write` as well. The selection is that of the moment in which the job is started; one of more than 10,000 customers is completed in the first seconds of the job. A segment query counts its dates from that moment too. `dryRun` tells the outcomes without changing anything.',
    scope: 'customers:write',
    idempotency: 'required',
    body: ref(BulkCreate),
    returns: { 202: ref(BulkJob) },
    refuses: [
      'SELECTION_INVALID',
      ...QUERY_REFUSALS,
      'BULK_ACTION_INVALID',
      'TAG_INVALID',
      'TOO_MANY_TAGS',
      'REFERENCE_UNKNOWN',
      'ACCOUNTS_NOT_OFFERED',
      'TOPIC_UNKNOWN',
      'TOPIC_ARCHIVED',
      'WORDING_UNKNOWN',
    ],
    location,
    handle: (ctx, { body, request }) => {
      if (isTopicAction(body.action) && !request.identity.scopes.has(CONSENT_SCOPE))
        throw new Problem('SCOPE_MISSING', { required: CONSENT_SCOPE });
      return startBulkJob(ctx, body);
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/bulk-jobs/:jobId',
    operationId: 'getBulkJob',
    tag,
    summary: 'Get a bulk job',
    description: 'The job with its action and where its items are.',
    scope: 'jobs:read',
    params: JobParams,
    returns: { 200: ref(BulkJob) },
    handle: async ({ db, now }, { params }) =>
      toBulkJob(found(await findBulkJob(db, params.jobId), 'job'), now),
  });

  endpoint(app, {
    method: 'GET',
    url: '/bulk-jobs/:jobId/events',
    operationId: 'streamBulkJob',
    tag,
    summary: 'Follow a bulk job',
    description: 'Server-sent events as of GET /v1/jobs/{jobId}/events, with the bulk job as data.',
    scope: 'jobs:read',
    params: JobParams,
    produces: ['text/event-stream'],
    returns: { 200: EventStream },
    handle: async ({ db }, { params, request, reply }) => {
      found(await findBulkJob(db, params.jobId), 'job');
      return sendProgress({ request, reply }, async () => {
        const job = await findBulkJob(db, params.jobId);
        return job && toBulkJob(job, new Date());
      });
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/bulk-jobs/:jobId/undo',
    operationId: 'undoBulkJob',
    tag,
    summary: 'Undo a bulk job',
    description:
      'Takes back what a finished tag, group or invitation job really changed, as a job of its own. What was changed since then stays: an invitation that was accepted or replaced is not revoked. A job is undone once; the undo of a tag or group job can be undone too.',
    scope: 'customers:write',
    idempotency: 'required',
    params: JobParams,
    returns: { 202: ref(BulkJob) },
    refuses: ['JOB_NOT_UNDOABLE', 'CONFLICT'],
    location,
    handle: (ctx, { params }) => undoBulkJob(ctx, params.jobId),
  });
}
