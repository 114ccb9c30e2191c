// HTTP: customers who may be one person.
import type { FastifyInstance } from 'fastify';
import { readPresent } from '../actions/customers.ts';
import { type GroupKey, listDuplicateGroups, suggestDuplicates } from '../actions/duplicates.ts';
import { endpoint } from '../endpoint.ts';
import { pageStart, pageUpTo } from '../pages.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { DuplicateGroupPage, DuplicateQuery, DuplicateSuggestions } from '../schemas/duplicates.ts';
import { ref } from '../schemas/helpers.ts';

const tag = 'Customers';

export async function duplicates(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/duplicates',
    operationId: 'suggestDuplicates',
    tag,
    summary: 'Find possible duplicates of a customer',
    description:
      'Customers with the same email (without plus-tag and dots, where the provider ignores them), the same phone, or the same first and last name in the same postcode, each with the reasons (C11). `POST /v1/customers/{customerId}/merge` makes one of two.',
    scope: 'customers:read',
    params: CustomerParams,
    returns: { 200: ref(DuplicateSuggestions) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params }) => {
      await readPresent(ctx.db, params.customerId);
      return { data: await suggestDuplicates(ctx.db, params.customerId) };
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/duplicates',
    operationId: 'listDuplicates',
    tag,
    summary: 'List probable duplicates of the store',
    description:
      'Groups of customers who share an email, a phone, or a name and the postcode of the default address, reason by reason (C11). Each page looks at a bounded part of the store: it can have fewer groups than `limit`, or none, while `hasMore` is true.',
    scope: 'customers:read',
    query: DuplicateQuery,
    returns: { 200: ref(DuplicateGroupPage) },
    refuses: ['CURSOR_INVALID', 'QUERY_TIMEOUT'],
    handle: async (ctx, input) => {
      const { after } = pageStart<GroupKey>(input);
      const { limit, reason } = input.query;
      const { groups, next } = await listDuplicateGroups(ctx.db, { after, limit, only: reason });
      return pageUpTo(input, groups, next);
    },
  });
}
