// HTTP: tokens with which the pages of a shop act for one customer (P11).
import type { FastifyInstance } from 'fastify';
import { refuseToken } from '../actions/storefront-tokens.ts';
import { endpoint } from '../endpoint.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import {
  MAX_LIFETIME_SECONDS,
  StorefrontToken,
  StorefrontTokenCreate,
} from '../schemas/storefront-tokens.ts';
import type { SignCustomerToken } from '../session-answers.ts';

export interface StorefrontTokensOptions {
  signCustomerToken: SignCustomerToken;
}

export async function storefrontTokens(
  app: FastifyInstance,
  { signCustomerToken }: StorefrontTokensOptions,
): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/storefront-tokens',
    operationId: 'createStorefrontToken',
    tag: 'Storefront',
    summary: 'Make a token for a customer',
    description:
      'For shops with a login of their own: after it, the shop’s server asks for a token and hands it to the page, which can then see and use what is this customer’s, and nothing else.',
    scope: 'customers:write',
    idempotency: 'none',
    params: closed({ customerId: Uuid({ description: 'Id of the customer.' }) }),
    body: ref(StorefrontTokenCreate),
    returns: { 201: ref(StorefrontToken) },
    refuses: ['ACCOUNT_NOT_ACTIVE', 'CUSTOMER_GONE'],
    handle: async (ctx, { params: { customerId }, body, reply }) => {
      await refuseToken(ctx, customerId);
      const { lifetimeSeconds = MAX_LIFETIME_SECONDS } = body;
      const token = signCustomerToken({ storeId: ctx.storeId, customerId, lifetimeSeconds });
      reply.header('cache-control', 'no-store');
      return { token, customerId, expiresAt: new Date(ctx.now.getTime() + lifetimeSeconds * 1000) };
    },
  });
}
