// HTTP: jobs, their progress and the outcome of each item.
import type { FastifyInstance } from 'fastify';
import { cancelJob, exportJobItems, retryJob, toJob } from '../actions/jobs.ts';
import type { Db } from '../db/connection.ts';
import { findJob, type JobRow, listJobItems, listJobs } from '../db/jobs.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { sendProgress } from '../progress.ts';
import { ref } from '../schemas/helpers.ts';
import {
  EventStream,
  ItemsFile,
  Job,
  JobItemExportQuery,
  JobItemPage,
  JobItemQuery,
  JobListQuery,
  JobPage,
  JobParams,
} from '../schemas/jobs.ts';

const tag = 'Jobs';
const scope = 'jobs:read';

const findOne = async (db: Db, id: string): Promise<JobRow> => found(await findJob(db, id), 'job');

export async function jobs(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/jobs',
    operationId: 'listJobs',
    tag,
    summary: 'List jobs',
    description: 'All jobs of the store, newest first.',
    scope,
    query: JobListQuery,
    returns: { 200: ref(JobPage) },
    refuses: ['CURSOR_INVALID'],
    handle: ({ db, now }, input) =>
      pageOf(
        input,
        async ({ after, limit }) => {
          const { status, kind } = input.query;
          const rows = await listJobs(db, { limit, before: after?.[0], status, kind });
          return rows.map((row) => toJob(row, now));
        },
        ({ id }) => [id],
      ),
  });

  endpoint(app, {
    method: 'GET',
    url: '/jobs/:jobId',
    operationId: 'getJob',
    tag,
    summary: 'Get a job',
    description: 'Where the job stands; its `Location` comes with every 202.',
    scope,
    params: JobParams,
    returns: { 200: ref(Job) },
    handle: async ({ db, now }, { params }) => toJob(await findOne(db, params.jobId), now),
  });

  endpoint(app, {
    method: 'GET',
    url: '/jobs/:jobId/events',
    operationId: 'streamJob',
    tag,
    summary: 'Follow a job',
    description:
      'Server-sent events: `progress` with the job whenever it moves, then `finished` with its final state, and the stream ends. Connect again when it breaks off.',
    scope,
    params: JobParams,
    produces: ['text/event-stream'],
    returns: { 200: EventStream },
    handle: async ({ db }, { params, request, reply }) => {
      await findOne(db, params.jobId);
      return sendProgress({ request, reply }, async () => {
        const job = await findJob(db, params.jobId);
        return job && toJob(job, new Date());
      });
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/jobs/:jobId/cancel',
    operationId: 'cancelJob',
    tag,
    summary: 'Cancel a job',
    description:
      'Stops the job after the slice it is at. What was done stays done; tag, group and invitation jobs can be undone.',
    scope: 'jobs:write',
    params: JobParams,
    returns: { 200: ref(Job) },
    refuses: ['JOB_FINISHED', 'CONFLICT'],
    handle: (ctx, { params }) => cancelJob(ctx, params.jobId),
  });

  endpoint(app, {
    method: 'POST',
    url: '/jobs/:jobId/retry',
    operationId: 'retryJob',
    tag,
    summary: 'Try a failed job again',
    description:
      'A job that failed with `INTERNAL`, through trouble of the service and not of what was asked for, goes on behind its last slice: what was done stays done and is done once.',
    scope: 'jobs:write',
    params: JobParams,
    returns: { 200: ref(Job) },
    refuses: ['JOB_NOT_RETRYABLE', 'CONFLICT'],
    handle: (ctx, { params }) => retryJob(ctx, params.jobId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/jobs/:jobId/items',
    operationId: 'listJobItems',
    tag,
    summary: 'List the outcomes of a job',
    description: 'One item for each customer of a bulk job, by customer id.',
    scope,
    params: JobParams,
    query: JobItemQuery,
    returns: { 200: ref(JobItemPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async ({ db }, input) => {
      const { id } = await findOne(db, input.params.jobId);
      return pageOf(
        input,
        ({ after, limit }) =>
          listJobItems(db, id, { limit, after: after?.[0], outcome: input.query.outcome }),
        ({ customerId }) => [customerId],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/jobs/:jobId/items.csv',
    operationId: 'exportJobItems',
    tag,
    summary: 'Export the outcomes of a job',
    description: 'The same items as a CSV file with the columns customerId and outcome, streamed.',
    scope,
    params: JobParams,
    query: JobItemExportQuery,
    produces: ['text/csv'],
    returns: { 200: ItemsFile },
    handle: async ({ db }, { params, query, reply }) => {
      const { id } = await findOne(db, params.jobId);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="job-${id}.csv"`)
        .send(exportJobItems(db, id, query.outcome));
    },
  });
}
