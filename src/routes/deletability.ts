// HTTP: whether a customer can be deleted, and what stands in the way.
import type { FastifyInstance } from 'fastify';
import { listBlockers, readPresent } from '../actions/customers.ts';
import { endpoint } from '../endpoint.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { Deletability } from '../schemas/deletability.ts';
import { ref } from '../schemas/helpers.ts';

export async function deletability(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/deletability',
    operationId: 'getDeletability',
    tag: 'Customers',
    summary: 'See what stands in the way of deleting a customer',
    description: 'Every blocker with its way out; without any, DELETE is accepted (C6).',
    scope: 'customers:read',
    params: CustomerParams,
    returns: { 200: ref(Deletability) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params }) => {
      await readPresent(ctx.db, params.customerId);
      const blockers = await listBlockers(ctx.db, params.customerId, ctx.now);
      return { deletable: blockers.length === 0, blockers };
    },
  });
}
