// HTTP: what waits to be done over all stores, for operators: as an answer for machines, and as a page. No customer data.
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import { operatorsPage } from '../clients/operators-pages.ts';
import { listJobsOfStores, listSelfChecks, readBacklog } from '../db/operations.ts';
import { daysBefore } from '../domain/days.ts';
import { firstIdOf, SELF_CHECK_DAYS } from '../domain/operations.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { ref } from '../schemas/helpers.ts';
import { Queues, StoreJobPage, StoreJobQuery } from '../schemas/operations.ts';
import { sendPage } from '../web-pages.ts';

export interface QueuesOptions {
  pool: pg.Pool;
}

const tag = 'Operations';
/** Lines of each table of the page. */
const SHOWN = 50;

async function readPage(pool: pg.Pool) {
  const since = firstIdOf(daysBefore(new Date(), SELF_CHECK_DAYS));
  const [queues, failedJobs, selfChecks] = await Promise.all([
    readBacklog(pool),
    listJobsOfStores(pool, { status: 'failed', limit: SHOWN }),
    listSelfChecks(pool, { since, limit: SHOWN }),
  ]);
  return { ...queues, failedJobs, selfChecks };
}

export async function queues(app: FastifyInstance, { pool }: QueuesOptions): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/v1/ops/queues',
    operationId: 'listQueues',
    tag,
    summary: 'List what waits',
    description:
      'Every queue of jobs and the backlog of mails, over all stores, by their rows: the same numbers whichever process answers. Needs a token for operations. `/ops` shows them as a page.',
    zone: 'ops',
    returns: { 200: ref(Queues) },
    handle: () => readBacklog(pool),
  });

  endpoint(app, {
    method: 'GET',
    url: '/v1/ops/jobs',
    operationId: 'listStoreJobs',
    tag,
    summary: 'List jobs of all stores',
    description:
      'Jobs in one state, failed ones unless another is asked for, newest first. What they are about stays with their store; needs a token for operations.',
    zone: 'ops',
    query: StoreJobQuery,
    returns: { 200: ref(StoreJobPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (_ctx, input) =>
      pageOf(
        input,
        (start) => listJobsOfStores(pool, { ...start, status: input.query.status ?? 'failed' }),
        ({ id, storeId }) => [id, storeId],
      ),
  });

  const forOperators = { config: { zone: 'ops' as const, basic: true }, schema: { hide: true } };
  app.get('/ops', forOperators, async (_request, reply) =>
    sendPage(reply, 200, operatorsPage(await readPage(pool))),
  );
}
