// HTTP: customers.
import type { FastifyInstance } from 'fastify';
import { createCustomer, updateCustomer } from '../actions/customer-profiles.ts';
import { deleteCustomer } from '../actions/customers.ts';
import { findCustomer } from '../db/customers.ts';
import { findSurvivorId } from '../db/merges.ts';
import { endpoint, found } from '../endpoint.ts';
import { Customer, CustomerCreate, CustomerParams, CustomerUpdate } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';
import { MergedCustomer } from '../schemas/merges.ts';

const tag = 'Customers';

export async function customers(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/customers',
    operationId: 'createCustomer',
    tag,
    summary: 'Create a customer',
    description:
      'Adds a customer with tags, groups and a first note where given. One email belongs to one customer (C1). With a password the account is active (C4).',
    scope: 'customers:write',
    body: ref(CustomerCreate),
    returns: { 201: ref(Customer) },
    refuses: [
      'EMAIL_TAKEN',
      'EXTERNAL_ID_TAKEN',
      'CUSTOMER_INVALID',
      'CUSTOMER_NEEDS_IDENTITY',
      'TAG_INVALID',
      'TOO_MANY_TAGS',
      'REFERENCE_UNKNOWN',
      'PRIMARY_GROUP_NOT_MEMBER',
      'WHOLESALE_REQUIRES_ACCOUNT',
      'PASSWORD_REFUSED',
      'NO_EMAIL',
      'ACCOUNTS_NOT_OFFERED',
      'ACCOUNT_STATE_CONFLICT',
      'SERVICE_BUSY',
    ],
    location: (customer: { id: string }) => `/v1/customers/${customer.id}`,
    handle: (ctx, { body }) => createCustomer(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId',
    operationId: 'getCustomer',
    tag,
    summary: 'Get a customer',
    description:
      'The customer with tags, groups and default address. A merged customer answers 301 to its survivor.',
    scope: 'customers:read',
    params: CustomerParams,
    returns: { 200: ref(Customer), 301: ref(MergedCustomer), 304: null },
    handle: async (ctx, { params, reply }) => {
      const customer = found(await findCustomer(ctx.db, params.customerId), 'customer');
      if (!customer.mergedIntoId) return customer;
      const mergedIntoId = await findSurvivorId(ctx.db, customer.mergedIntoId);
      return reply
        .code(301)
        .header('location', `/v1/customers/${mergedIntoId}`)
        .send({ id: customer.id, mergedIntoId });
    },
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/customers/:customerId',
    operationId: 'updateCustomer',
    tag,
    summary: 'Change a customer',
    description:
      'Merge patch: null clears a field, an absent one stays. If-Match holds the change to one version (C8).',
    scope: 'customers:write',
    params: CustomerParams,
    body: ref(CustomerUpdate),
    returns: { 200: ref(Customer) },
    refuses: [
      'EMAIL_TAKEN',
      'EXTERNAL_ID_TAKEN',
      'CUSTOMER_INVALID',
      'CUSTOMER_NEEDS_IDENTITY',
      'REFERENCE_UNKNOWN',
      'PRIMARY_GROUP_NOT_MEMBER',
      'WHOLESALE_REQUIRES_ACCOUNT',
      'ACCOUNT_STATE_CONFLICT',
      'CUSTOMER_GONE',
      'VERSION_MISMATCH',
    ],
    handle: (ctx, { params, body, ifMatch }) => updateCustomer(ctx, params.customerId, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/customers/:customerId',
    operationId: 'deleteCustomer',
    tag,
    summary: 'Delete a customer',
    description: 'Only a customer that nothing needs can be deleted (C6); erasing is another operation.',
    scope: 'customers:write',
    params: CustomerParams,
    returns: { 204: null },
    refuses: [
      'CUSTOMER_HAS_ORDERS',
      'CUSTOMER_HAS_CREDIT',
      'CUSTOMER_HAS_POINTS',
      'CUSTOMER_HAS_OPEN_HOLDS',
      'CUSTOMER_HAS_LEDGER_ENTRIES',
      'CUSTOMER_GONE',
      'VERSION_MISMATCH',
    ],
    handle: (ctx, { params, ifMatch }) => deleteCustomer(ctx, params.customerId, ifMatch),
  });
}
