// Stores: open a new one with everything that a new store has, change its settings.
import { randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import { transaction, type Tx } from '../db/connection.ts';
import { insertApiKey } from '../db/api-keys.ts';
import { insertGroups } from '../db/groups.ts';
import { insertStore, type Store } from '../db/stores.ts';
import { ensureTags } from '../db/tags.ts';
import { formatKey, type KeyKind, SHOWN_CHARACTERS } from '../domain/api-keys.ts';
import { groupKey, PRESET_GROUPS } from '../domain/groups.ts';
import { DEFAULT_SETTINGS, type StoreSettings } from '../domain/stores.ts';
import { PRESET_TAGS, tagKey } from '../domain/tags.ts';
import { hashKey } from './api-keys.ts';

export interface NewStore {
  name: string;
  currency: string;
  timezone: string;
  locale: string;
  settings?: Partial<StoreSettings>;
}

/** Opens the store that the context is bound to, with preset tags and groups and a publishable key. */
export async function openStore(ctx: Ctx, input: NewStore): Promise<{ store: Store; publishableKey: string }> {
  const { settings, ...facts } = input;
  const store: Store = {
    ...facts,
    id: ctx.storeId,
    settings: { ...DEFAULT_SETTINGS, ...settings },
    version: 1,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  return transaction(ctx.db, async (tx) => {
    await insertStore(tx, store);
    await addPresets(ctx, tx);
    return { store, publishableKey: await addKey(ctx, tx, { name: 'Storefront', kind: 'publishable', scopes: [], expiresAt: null }) };
  });
}

async function addPresets(ctx: Ctx, tx: Tx): Promise<void> {
  const times = { createdAt: ctx.now, updatedAt: ctx.now };
  await ensureTags(tx, PRESET_TAGS.map((name) => ({ id: ctx.newId(), name, nameKey: tagKey(name), createdAt: ctx.now })));
  await insertGroups(
    tx,
    PRESET_GROUPS.map((name) => ({ id: ctx.newId(), name, nameKey: groupKey(name), description: null, ...times })),
  );
}

/** Adds a key and answers its text, which is shown this once. */
export async function addKey(
  ctx: Ctx,
  tx: Tx,
  input: { name: string; kind: KeyKind; scopes: string[]; expiresAt: Date | null; id?: string },
): Promise<string> {
  const text = formatKey(input.kind, ctx.storeId, randomBytes(32).toString('base64url'));
  await insertApiKey(tx, {
    storeId: ctx.storeId,
    id: input.id ?? ctx.newId(),
    name: input.name,
    kind: input.kind,
    scopes: input.scopes,
    prefix: text.slice(0, SHOWN_CHARACTERS),
    secretHash: hashKey(text),
    createdAt: ctx.now,
    expiresAt: input.expiresAt,
    lastUsedAt: null,
    revokedAt: null,
  });
  return text;
}
