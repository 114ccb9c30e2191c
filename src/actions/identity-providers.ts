// Identity providers of a store: add, change, remove. The client secret goes in and never comes out.
import type { IdentityClient, ProviderAccess } from '../clients/identity-provider.ts';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  deleteProvider as deleteRow,
  findProvider,
  insertProvider,
  lockProvider,
  type ProviderChange,
  type ProviderRow,
  updateProvider as updateRow,
} from '../db/identity-providers.ts';
import {
  DEFAULT_IDENTITY_SCOPES,
  normaliseProvider,
  type ProviderInput,
} from '../domain/accounts/identity-providers.ts';
import { changedFields } from '../domain/customers.ts';
import { accepted, Problem } from '../errors.ts';
import { seal, unseal } from './sealing.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** What this installation has for all stores: the key of their secrets, and the client that asks providers. */
export interface IdentityDesk {
  sealingKey: Buffer;
  client: IdentityClient;
  /** Which addresses this service asks at all. */
  mayAsk(address: URL): boolean;
}

/** A provider as the API shows it. */
export type IdentityProvider = Omit<ProviderRow, 'clientSecret'>;

export const providerOf = ({ clientSecret: _, ...provider }: ProviderRow): IdentityProvider => provider;

export interface ProviderUpdateInput extends Omit<ProviderInput, 'issuer'> {
  clientId?: string;
  clientSecret?: string;
  enabled?: boolean;
}
export interface ProviderCreateInput extends ProviderUpdateInput {
  key: string;
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
}

const placeOf = ({ storeId }: Pick<Ctx, 'storeId'>, key: string): string =>
  `identity-provider:${storeId}:${key}`;

const TOLD = ['name', 'clientId', 'scopes', 'enabled'] as const;

/**
 * Adds a provider.
 * @throws Problem IDENTITY_PROVIDER_INVALID, IDENTITY_PROVIDER_TAKEN
 */
export function createProvider(
  ctx: Ctx,
  desk: IdentityDesk,
  input: ProviderCreateInput,
): Promise<IdentityProvider> {
  return write(ctx, async (tx) => {
    const { fields } = accepted(normaliseProvider(input, desk));
    const { key, name, issuer, clientId, clientSecret, enabled = true } = input;
    if (await findProvider(tx, key)) throw new Problem('IDENTITY_PROVIDER_TAKEN');
    const provider: ProviderRow = {
      key,
      name,
      issuer,
      scopes: DEFAULT_IDENTITY_SCOPES,
      ...fields,
      clientId,
      clientSecret: seal(desk.sealingKey, placeOf(ctx, key), clientSecret),
      enabled,
      version: 1,
      createdAt: ctx.now,
      updatedAt: ctx.now,
    };
    await insertProvider(tx, provider);
    await tell(ctx, tx, { kind: 'identity_provider.created', customerId: null, data: { key, issuer } });
    return providerOf(provider);
  });
}

async function lockKnown(tx: Tx, key: string, ifMatch: number | undefined): Promise<ProviderRow> {
  const row = await lockProvider(tx, key);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'identity provider' });
  if (ifMatch !== undefined && ifMatch !== row.version)
    throw new Problem('VERSION_MISMATCH', { version: row.version });
  return row;
}

/**
 * Merge-patch of a provider. Its issuer stays: another issuer's people are others, though their subjects may look alike.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, IDENTITY_PROVIDER_INVALID
 */
export function updateProvider(
  ctx: Ctx,
  desk: IdentityDesk,
  key: string,
  input: ProviderUpdateInput,
  ifMatch?: number,
): Promise<IdentityProvider> {
  return write(ctx, async (tx) => {
    const row = await lockKnown(tx, key, ifMatch);
    const { fields } = accepted(normaliseProvider(input, desk));
    const { clientId = row.clientId, clientSecret, enabled = row.enabled } = input;
    const change: ProviderChange = { ...fields, clientId, enabled };
    const changes = changedFields(row, change, TOLD);
    if (Object.keys(changes).length === 0 && clientSecret === undefined) return providerOf(row);
    const next = {
      ...change,
      ...(clientSecret !== undefined && {
        clientSecret: seal(desk.sealingKey, placeOf(ctx, key), clientSecret),
      }),
      version: row.version + 1,
      updatedAt: ctx.now,
    };
    await updateRow(tx, key, next);
    const data = { key, changes, ...(clientSecret !== undefined && { clientSecret: 'changed' }) };
    await tell(ctx, tx, { kind: 'identity_provider.updated', customerId: null, data });
    return providerOf({ ...row, ...next });
  });
}

/**
 * Removes a provider; customers can no longer log in with it, and who they were there is forgotten.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH
 */
export function deleteProvider(ctx: Ctx, key: string, ifMatch?: number): Promise<void> {
  return write(ctx, async (tx) => {
    await lockKnown(tx, key, ifMatch);
    await deleteRow(tx, key);
    await tell(ctx, tx, { kind: 'identity_provider.deleted', customerId: null, data: { key } });
  });
}

/**
 * A provider that customers can log in with, with its secret.
 * @throws Problem NOT_FOUND for one that is unknown or switched off
 */
export async function readAccess(ctx: Ctx, desk: IdentityDesk, key: string): Promise<ProviderAccess> {
  const row = await findProvider(ctx.db, key);
  if (!row?.enabled) throw new Problem('NOT_FOUND', { resource: 'identity provider' });
  const { issuer, clientId, scopes, version, createdAt } = row;
  return {
    id: JSON.stringify([ctx.storeId, key, createdAt, version]),
    issuer,
    clientId,
    clientSecret: unseal(desk.sealingKey, placeOf(ctx, key), row.clientSecret),
    scopes,
  };
}
