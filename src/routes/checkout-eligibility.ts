// HTTP: who may check out, for the server of a shop.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { readEligibility, readEligibilityOf } from '../actions/checkout-eligibility.ts';
import { endpoint } from '../endpoint.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { closed, ref } from '../schemas/helpers.ts';
import { CheckoutEligibility } from '../schemas/my-account.ts';

const tag = 'Accounts';

export async function checkoutEligibility(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/checkout-eligibility',
    operationId: 'getCheckoutEligibility',
    tag,
    summary: 'Ask whether a customer may check out',
    description:
      'Where the store setting `accounts` is `required`, only an active account may: `ACCOUNT_DISABLED` for a disabled one, `ACCOUNT_REQUIRED` for guests and invited customers. Otherwise everybody may, with a disabled account as a guest.',
    scope: 'accounts:read',
    params: CustomerParams,
    returns: { 200: ref(CheckoutEligibility) },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params }) => readEligibility(ctx, params.customerId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/checkout-eligibility',
    operationId: 'findCheckoutEligibility',
    tag,
    summary: 'Ask whether an address may check out',
    description:
      'For a checkout that knows nothing but the address. Hand the answer on only as far as you tell who has an account.',
    scope: 'accounts:read',
    query: closed({
      email: Type.String({
        minLength: 3,
        maxLength: 320,
        description: 'Address that was entered.',
        examples: ['ada@example.com'],
      }),
    }),
    returns: { 200: ref(CheckoutEligibility) },
    refuses: ['CUSTOMER_INVALID'],
    handle: (ctx, { query }) => readEligibilityOf(ctx, query.email),
  });
}
