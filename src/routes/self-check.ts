// HTTP: the self-check of a store: what must hold at every moment, now or as a job over everything.
import type { FastifyInstance } from 'fastify';
import { checkInvariants } from '../actions/invariants.ts';
import { startSelfCheck } from '../actions/self-check.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { Job } from '../schemas/jobs.ts';
import { SelfCheck } from '../schemas/operations.ts';

export interface SelfCheckOptions {
  /** How often lost work is looked for; what is silent for several times as long is lost. */
  sweepIntervalMs: number;
}

export async function selfCheck(app: FastifyInstance, { sweepIntervalMs }: SelfCheckOptions): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/ops/self-check',
    operationId: 'checkInvariants',
    tag: 'Operations',
    summary: 'Check that the store is sound',
    description:
      'Looks at what must hold at every moment: balances are their entries and their lots, counters are their orders, every mail is in one state, nothing waits without a worker, no row of another store is visible, no transaction is left open. Answers within some ten seconds: of a large store it looks at a part (`complete` is false); `POST` starts a job that looks at everything. Changes nothing.',
    scope: 'jobs:read',
    returns: { 200: ref(SelfCheck) },
    handle: (ctx) => checkInvariants(ctx, { sweepIntervalMs }),
  });

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
