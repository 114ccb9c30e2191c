// HTTP: statements of store credit and of points (K9).
import type { FastifyInstance, FastifyReply } from 'fastify';
import { exportStatement, readStatement, type StatementQuery } from '../actions/statements.ts';
import type { Ctx } from '../context.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { endpoint } from '../endpoint.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';
import {
  creditStatementQuery,
  pointsStatementQuery,
  Statement,
  StatementFile,
} from '../schemas/statements.ts';

const ABOUT =
  'Opening balance, movements, closing balance, and the same by lot, for whole days of the store’s time zone. What was recorded in the period is in it, whenever it is effective, so that a statement never changes afterwards.';

const FILE =
  'The statement as a CSV file, streamed: a line per lot at the beginning (`opening`), per movement and lot, and per lot at the end (`closing`). For each lot and for all of them, openings and movements add up to the closings.';

async function sendStatement(
  ctx: Ctx,
  reply: FastifyReply,
  customerId: string,
  query: StatementQuery,
): Promise<FastifyReply> {
  const file = await exportStatement(ctx, customerId, query);
  const name = `statement-${query.unit}-${query.from}-${query.until}`;
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(file);
}

const ofCredit = { tag: 'Store credit', scope: 'credit:read', params: CustomerParams } as const;
const ofPoints = { tag: 'Loyalty', scope: 'loyalty:read', params: CustomerParams } as const;

export async function statements(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...ofCredit,
    method: 'GET',
    url: '/customers/:customerId/credit/statement',
    operationId: 'getCreditStatement',
    summary: 'Get the statement of store credit',
    description: ABOUT,
    query: creditStatementQuery,
    returns: { 200: ref(Statement) },
    refuses: ['CUSTOMER_GONE', 'PERIOD_INVALID', 'CURRENCY_UNKNOWN', 'STATEMENT_TOO_LONG'],
    handle: (ctx, { params, query: { currency, ...period } }) =>
      readStatement(ctx, params.customerId, { unit: currency, ...period }),
  });

  endpoint(app, {
    ...ofCredit,
    method: 'GET',
    url: '/customers/:customerId/credit/statement.csv',
    operationId: 'exportCreditStatement',
    summary: 'Export the statement of store credit',
    description: FILE,
    query: creditStatementQuery,
    produces: ['text/csv'],
    returns: { 200: StatementFile },
    refuses: ['CUSTOMER_GONE', 'PERIOD_INVALID', 'CURRENCY_UNKNOWN'],
    handle: (ctx, { params, query: { currency, ...period }, reply }) =>
      sendStatement(ctx, reply, params.customerId, { unit: currency, ...period }),
  });

  endpoint(app, {
    ...ofPoints,
    method: 'GET',
    url: '/customers/:customerId/points/statement',
    operationId: 'getPointsStatement',
    summary: 'Get the statement of points',
    description: ABOUT,
    query: pointsStatementQuery,
    returns: { 200: ref(Statement) },
    refuses: ['CUSTOMER_GONE', 'PERIOD_INVALID', 'STATEMENT_TOO_LONG'],
    handle: (ctx, { params, query }) => readStatement(ctx, params.customerId, { unit: POINTS, ...query }),
  });

  endpoint(app, {
    ...ofPoints,
    method: 'GET',
    url: '/customers/:customerId/points/statement.csv',
    operationId: 'exportPointsStatement',
    summary: 'Export the statement of points',
    description: FILE,
    query: pointsStatementQuery,
    produces: ['text/csv'],
    returns: { 200: StatementFile },
    refuses: ['CUSTOMER_GONE', 'PERIOD_INVALID'],
    handle: (ctx, { params, query, reply }) =>
      sendStatement(ctx, reply, params.customerId, { unit: POINTS, ...query }),
  });
}
