// HTTP: the identity providers of a store, for staff.
import type { FastifyInstance } from 'fastify';
import {
  createProvider,
  deleteProvider,
  type IdentityDesk,
  providerOf,
  updateProvider,
} from '../actions/identity-providers.ts';
import { findProvider, listProviders } from '../db/identity-providers.ts';
import { endpoint, found } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import {
  IdentityProvider,
  IdentityProviderCreate,
  IdentityProviderList,
  IdentityProviderParams,
  IdentityProviderUpdate,
} from '../schemas/identity-providers.ts';

const tag = 'Store';

export interface IdentityProvidersOptions {
  identityDesk: IdentityDesk;
}

export async function identityProviders(
  app: FastifyInstance,
  { identityDesk: desk }: IdentityProvidersOptions,
): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/identity-providers',
    operationId: 'listIdentityProviders',
    tag,
    summary: 'List identity providers',
    description: 'OpenID Connect providers that customers can log in with, switched off ones too.',
    scope: 'store:read',
    returns: { 200: ref(IdentityProviderList) },
    handle: async (ctx) => ({ data: (await listProviders(ctx.db, {})).map(providerOf) }),
  });

  endpoint(app, {
    method: 'POST',
    url: '/identity-providers',
    operationId: 'createIdentityProvider',
    tag,
    summary: 'Add an identity provider',
    description:
      'Google, Apple, Facebook or any provider with OpenID Connect Discovery. Register the redirect addresses of your shop there first. The client secret is stored sealed and never shown.',
    scope: 'store:write',
    body: ref(IdentityProviderCreate),
    returns: { 201: ref(IdentityProvider) },
    refuses: ['IDENTITY_PROVIDER_INVALID', 'IDENTITY_PROVIDER_TAKEN'],
    location: ({ key }: { key: string }) => `/v1/identity-providers/${key}`,
    handle: (ctx, { body }) => createProvider(ctx, desk, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/identity-providers/:providerKey',
    operationId: 'getIdentityProvider',
    tag,
    summary: 'Get an identity provider',
    description: 'Its settings, without the client secret.',
    scope: 'store:read',
    params: IdentityProviderParams,
    returns: { 200: ref(IdentityProvider), 304: null },
    handle: async (ctx, { params }) =>
      providerOf(found(await findProvider(ctx.db, params.providerKey), 'identity provider')),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/identity-providers/:providerKey',
    operationId: 'updateIdentityProvider',
    tag,
    summary: 'Change an identity provider',
    description:
      'Merge patch. `enabled: false` keeps the links of customers and lets nobody log in. The issuer cannot change: its people would be taken for others.',
    scope: 'store:write',
    params: IdentityProviderParams,
    body: ref(IdentityProviderUpdate),
    returns: { 200: ref(IdentityProvider) },
    refuses: ['IDENTITY_PROVIDER_INVALID', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateProvider(ctx, desk, params.providerKey, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/identity-providers/:providerKey',
    operationId: 'deleteIdentityProvider',
    tag,
    summary: 'Remove an identity provider',
    description: 'The links of customers to it are forgotten; their accounts stay.',
    scope: 'store:write',
    params: IdentityProviderParams,
    returns: { 204: null },
    refuses: ['VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => deleteProvider(ctx, params.providerKey, ifMatch),
  });
}
