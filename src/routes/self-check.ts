// HTTP: the self-check of a store's counters and ledger.
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
    summary: 'Check the counters and the ledger',
    description:
      'Starts a job that counts the orders of every customer anew and compares (C7). `outcomes` has the customers `checked` and `drifted`; each drift is an event `customer.counters_drifted` with the stored and the right values. Nothing is overwritten: `clientele self-check --repair` does that. Then it checks every invariant of the ledger, as `GET /v1/ledger/self-check` does: `accountsChecked`, and `ledgerFaults` that should be 0; the log names them.',
    scope: 'jobs:write',
    idempotency: 'required',
    returns: { 202: ref(Job) },
    location: (job: { id: string }) => `/v1/jobs/${job.id}`,
    handle: (ctx) => startSelfCheck(ctx),
  });
}
