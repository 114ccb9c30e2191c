// HTTP: log-in with an identity provider, and the identities of a signed-in customer.
import type { FastifyInstance } from 'fastify';
import { beginIdentityLogin, finishIdentityLogin } from '../actions/identity-logins.ts';
import type { IdentityDesk } from '../actions/identity-providers.ts';
import { linkIdentity, unlinkIdentity } from '../actions/linked-identities.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import { listLinkedIdentities, listProviders } from '../db/identity-providers.ts';
import { endpoint } from '../endpoint.ts';
import { SignedIn } from '../schemas/accounts.ts';
import { ref } from '../schemas/helpers.ts';
import {
  IdentityAuthorization,
  IdentityAuthorize,
  IdentityCallback,
  IdentityProviderOffers,
  IdentityProviderParams,
  LinkedIdentities,
} from '../schemas/identity-providers.ts';
import { browserOf, type SignCustomerToken, sessionAnswer } from '../session-answers.ts';

const open = { tag: 'Accounts', zone: 'storefront', idempotency: 'none' } as const;
const mine = { ...open, customer: true } as const;
const aboutState = 'The state is good once, for ten minutes, and with this provider.';

export interface StorefrontIdentitiesOptions {
  identityDesk: IdentityDesk;
  signCustomerToken: SignCustomerToken;
}

export async function storefrontIdentities(
  app: FastifyInstance,
  { identityDesk: desk, signCustomerToken: sign }: StorefrontIdentitiesOptions,
): Promise<void> {
  endpoint(app, {
    ...open,
    method: 'GET',
    url: '/identity-providers',
    operationId: 'listIdentityProviderOffers',
    summary: 'List the providers to log in with',
    description: 'What the log-in page shows buttons for.',
    returns: { 200: ref(IdentityProviderOffers) },
    handle: async (ctx) => {
      const providers = (await listProviders(ctx.db, {})).filter(({ enabled }) => enabled);
      return { data: providers.map(({ key, name }) => ({ key, name })) };
    },
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/identity-providers/:providerKey/authorize',
    operationId: 'beginIdentityLogin',
    summary: 'Begin a log-in with a provider',
    description:
      'Keep `state` in the browser and send it to `authorizationUrl`; the provider brings it back to `redirectUri` with `state` and `code`.',
    params: IdentityProviderParams,
    body: ref(IdentityAuthorize),
    returns: { 200: ref(IdentityAuthorization) },
    refuses: ['REDIRECT_URI_INVALID', 'IDENTITY_PROVIDER_UNAVAILABLE'],
    handle: (ctx, { params, body, reply }) => {
      reply.header('cache-control', 'no-store');
      return beginIdentityLogin(ctx, desk, params.providerKey, body);
    },
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/identity-providers/:providerKey/callback',
    operationId: 'finishIdentityLogin',
    summary: 'Log in with a provider',
    description: `The customer whose identity it is; for the first time the one of the verified address, or a new one (C3). ${aboutState}`,
    params: IdentityProviderParams,
    body: ref(IdentityCallback),
    returns: { 200: ref(SignedIn) },
    refuses: [
      'IDENTITY_STATE_INVALID',
      'IDENTITY_REFUSED',
      'IDENTITY_EMAIL_UNVERIFIED',
      'ACCOUNT_DISABLED',
      'ACCOUNT_NOT_ACTIVE',
      'ACCOUNTS_NOT_OFFERED',
      'CUSTOMER_GONE',
      'IDENTITY_PROVIDER_UNAVAILABLE',
    ],
    handle: async (ctx, { params, body, request, reply }) => {
      const grant = await finishIdentityLogin(ctx, desk, params.providerKey, body, browserOf(request));
      return sessionAnswer(sign, ctx, reply, grant);
    },
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/identities',
    operationId: 'listMyIdentities',
    summary: 'List the identities that log me in',
    description: 'At providers of the store, with when each was linked and last used.',
    returns: { 200: ref(LinkedIdentities) },
    handle: async (ctx) => ({ data: await listLinkedIdentities(ctx.db, await callingCustomer(ctx)) }),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/identities/:providerKey/authorize',
    operationId: 'beginIdentityLink',
    summary: 'Begin to link an identity',
    description:
      'As for a log-in; it is finished with POST /storefront/v1/me/identities/{providerKey}/callback.',
    params: IdentityProviderParams,
    body: ref(IdentityAuthorize),
    returns: { 200: ref(IdentityAuthorization) },
    refuses: ['REDIRECT_URI_INVALID', 'IDENTITY_PROVIDER_UNAVAILABLE'],
    handle: async (ctx, { params, body, reply }) => {
      reply.header('cache-control', 'no-store');
      const customerId = await callingCustomer(ctx);
      return beginIdentityLogin(ctx, desk, params.providerKey, { ...body, customerId });
    },
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/identities/:providerKey/callback',
    operationId: 'linkMyIdentity',
    summary: 'Link an identity',
    description: `Finishes what I began; the address at the provider need not be mine here. ${aboutState}`,
    params: IdentityProviderParams,
    body: ref(IdentityCallback),
    returns: { 200: ref(LinkedIdentities) },
    refuses: [
      'IDENTITY_STATE_INVALID',
      'IDENTITY_REFUSED',
      'IDENTITY_TAKEN',
      'ACCOUNT_NOT_ACTIVE',
      'IDENTITY_PROVIDER_UNAVAILABLE',
    ],
    handle: async (ctx, { params, body }) => {
      const customerId = await callingCustomer(ctx);
      await linkIdentity(ctx, desk, params.providerKey, customerId, body);
      return { data: await listLinkedIdentities(ctx.db, customerId) };
    },
  });

  endpoint(app, {
    ...mine,
    method: 'DELETE',
    url: '/me/identities/:providerKey',
    operationId: 'unlinkMyIdentity',
    summary: 'Unlink an identity',
    description:
      'My identities at this provider log me in no longer. An account without a password gets one with a password reset.',
    params: IdentityProviderParams,
    returns: { 204: null },
    handle: async (ctx, { params }) => unlinkIdentity(ctx, await callingCustomer(ctx), params.providerKey),
  });
}
