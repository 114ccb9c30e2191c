// HTTP: merging two customers into one, and taking it back.
import type { FastifyInstance } from 'fastify';
import { mergeCustomers, unmergeCustomer } from '../actions/merges.ts';
import { UNMERGE_DAYS } from '../domain/unmerge.ts';
import { endpoint } from '../endpoint.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';
import { CustomerMergeRequest, CustomerMergeResult, CustomerUnmergeResult } from '../schemas/merges.ts';

const tag = 'Customers';

export async function merges(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/merge',
    operationId: 'mergeCustomers',
    tag,
    summary: 'Merge another customer into this one',
    description:
      'Orders, notes, tasks, addresses, tags and groups of `from` move to the customer of the path, which keeps its own fields and takes over what it lacks; `choose` decides otherwise per field. Store credit and points move by transfers; their lots keep amount, dates and rule. The stronger account survives (active before invited before guest) with its email. `dryRun: true` shows the survivor and every blocker without changing anything. The merged id answers 301 to its survivor for good (C10).',
    scope: 'customers:write',
    params: CustomerParams,
    body: ref(CustomerMergeRequest),
    returns: { 200: ref(CustomerMergeResult) },
    refuses: ['REFERENCE_UNKNOWN', 'MERGE_BLOCKED', 'EMAIL_TAKEN', 'EXTERNAL_ID_TAKEN'],
    handle: (ctx, { params, body }) => mergeCustomers(ctx, params.customerId, body),
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/unmerge',
    operationId: 'unmergeCustomer',
    tag,
    summary: 'Take a merge back',
    description: `Brings the merged customer of the path back, within ${UNMERGE_DAYS} days: its fields, account, orders, notes, tasks, addresses, tags and groups, store credit and points, and the survivor's fields as they were. What was edited since the merge, and orders placed since, stay with the survivor; once credit or points that moved were spent or are held, the merge can no longer be taken back (C10).`,
    scope: 'customers:write',
    params: CustomerParams,
    returns: { 200: ref(CustomerUnmergeResult) },
    refuses: [
      'NOT_MERGED',
      'UNMERGE_TOO_LATE',
      'UNMERGE_LOTS_SPENT',
      'CUSTOMER_GONE',
      'EMAIL_TAKEN',
      'EXTERNAL_ID_TAKEN',
      'CONFLICT',
    ],
    handle: (ctx, { params }) => unmergeCustomer(ctx, params.customerId),
  });
}
