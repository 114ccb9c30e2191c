// HTTP: the store of the credential and its API keys.
import type { FastifyInstance } from 'fastify';
import { createApiKey, revokeApiKey } from '../actions/api-keys.ts';
import { toStoreResource, updateStore } from '../actions/stores.ts';
import { listApiKeys } from '../db/api-keys.ts';
import { findStore } from '../db/stores.ts';
import { endpoint, found } from '../endpoint.ts';
import { Problem } from '../errors.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import { ApiKeyCreate, ApiKeyList, CreatedApiKey, Store, StoreUpdate } from '../schemas/stores.ts';

const tag = 'Store';

export async function stores(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/store',
    operationId: 'getStore',
    tag,
    summary: 'Get the store',
    description: 'The store that the credential belongs to, with its settings.',
    scope: 'store:read',
    returns: { 200: ref(Store), 304: null },
    handle: async ({ db }) => toStoreResource(found(await findStore(db), 'store')),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/store',
    operationId: 'updateStore',
    tag,
    summary: 'Change the settings of the store',
    description: 'Merge patch: null clears, absent keeps, lists are replaced. The currency never changes.',
    scope: 'store:write',
    body: ref(StoreUpdate),
    returns: { 200: ref(Store) },
    refuses: ['STORE_INVALID', 'CUSTOM_FIELD_IN_USE', 'VERSION_MISMATCH', 'CONFLICT'],
    handle: (ctx, { body, ifMatch }) => updateStore(ctx, body, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/api-keys',
    operationId: 'createApiKey',
    tag,
    summary: 'Make an API key',
    description:
      'The text of the key is in this answer only. Nobody can hand out scopes that they do not have.',
    scope: 'keys:write',
    // A kept answer would keep the secret.
    idempotency: 'none',
    body: ref(ApiKeyCreate),
    returns: { 201: ref(CreatedApiKey) },
    handle: (ctx, { body, request }) => {
      const lacking = body.scopes?.find((scope) => !request.identity.scopes.has(scope));
      if (lacking) throw new Problem('SCOPE_MISSING', { required: lacking });
      return createApiKey(ctx, body);
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/api-keys',
    operationId: 'listApiKeys',
    tag,
    summary: 'List API keys',
    description: 'All keys of the store, newest first, revoked ones included; never their secrets.',
    scope: 'keys:read',
    returns: { 200: ref(ApiKeyList) },
    handle: async ({ db }) => ({ data: await listApiKeys(db, {}) }),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/api-keys/:apiKeyId',
    operationId: 'revokeApiKey',
    tag,
    summary: 'Revoke an API key',
    description: 'The key stops working at once; it stays in the list.',
    scope: 'keys:write',
    params: closed({ apiKeyId: Uuid({ description: 'Id of the key.' }) }),
    returns: { 204: null },
    handle: (ctx, { params }) => revokeApiKey(ctx, params.apiKeyId),
  });
}
