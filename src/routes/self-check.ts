// HTTP: the self-check of a store's counters.
import type { FastifyInstance } from 'fastify';
import { startSelfCheck } from '../actions/self-check.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { Job } from '../schemas/jobs.ts';

export async function selfCheck(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/ops/self-check',
    operationId: 'startSelfCheck',
    tag: 'Operations',
    summary: 'Check the counters',
    description:
      'Starts a job that counts the orders of every customer anew and compares (C7). `outcomes` has the customers `checked` and `drifted`; each drift is an event `customer.counters_drifted` with the stored and the right values. Nothing is overwritten: `clientele repair-counters` does that.',
    scope: 'jobs:write',
    idempotency: 'required',
    returns: { 202: ref(Job) },
    location: (job: { id: string }) => `/v1/jobs/${job.id}`,
    handle: (ctx) => startSelfCheck(ctx),
  });
}
