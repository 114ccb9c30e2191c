// HTTP: reports over the whole ledger: liability and self-check.
import type { FastifyInstance } from 'fastify';
import { checkLedger, reportLiability } from '../actions/ledger-reports.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import {
  LedgerCheckQuery,
  LedgerLiability,
  LedgerSelfCheck,
  LiabilityQuery,
} from '../schemas/ledger-reports.ts';

const ofLedger = { method: 'GET', tag: 'Ledger', scope: 'ledger:read' } as const;

export async function ledgerReports(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...ofLedger,
    url: '/ledger/liability',
    operationId: 'reportLiability',
    summary: 'Report what the shop owes',
    description:
      'Outstanding credit and points by age and by month of expiry, what will expire over the next 12 months, and the reconciliation of lots, balances and transfers. One snapshot; of a past instant the books as they stood then.',
    query: LiabilityQuery,
    returns: { 200: ref(LedgerLiability) },
    handle: (ctx, { query: { at } }) => reportLiability(ctx, at === undefined ? ctx.now : new Date(at)),
  });

  endpoint(app, {
    ...ofLedger,
    url: '/ledger/self-check',
    operationId: 'checkLedger',
    summary: 'Check that the ledger adds up',
    description:
      'Checks every invariant of accounts, transfers, lots and holds, in a few seconds: a large store goes on from `next`, or waits for the nightly job. Changes nothing. The hash chain is checked by `GET /v1/ledger/verify`.',
    query: LedgerCheckQuery,
    returns: { 200: ref(LedgerSelfCheck) },
    handle: (ctx, { query }) => checkLedger(ctx, query),
  });
}
