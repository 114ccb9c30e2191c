// API keys: make, list, revoke; only the hash of a key is kept.
import { createHash, randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import { type ApiKey, insertApiKey, revokeApiKey as revokeRow } from '../db/api-keys.ts';
import type { Tx } from '../db/connection.ts';
import { formatKey, type KeyKind, SHOWN_CHARACTERS } from '../domain/api-keys.ts';
import { Problem } from '../errors.ts';
import { write } from './write.ts';

/** SHA-256 is enough for 256 random bits; slow hashes are for passwords. */
export const hashKey = (text: string): Buffer => createHash('sha256').update(text).digest();

export interface NewApiKey {
  name: string;
  kind?: KeyKind;
  scopes?: readonly string[];
  /** RFC 3339; null or absent: it works until it is revoked. */
  expiresAt?: string | null;
}

/** Adds a key in the caller's transaction and answers its text, which is shown this once. */
export async function addKey(ctx: Ctx, tx: Tx, input: NewApiKey): Promise<ApiKey & { key: string }> {
  const kind = input.kind ?? 'secret';
  const key = formatKey(kind, ctx.storeId, randomBytes(32).toString('base64url'));
  const row: ApiKey = {
    storeId: ctx.storeId,
    id: ctx.newId(),
    name: input.name,
    kind,
    scopes: kind === 'publishable' ? [] : [...(input.scopes ?? [])],
    prefix: key.slice(0, SHOWN_CHARACTERS),
    secretHash: hashKey(key),
    createdAt: ctx.now,
    expiresAt: input.expiresAt ? new Date(input.expiresAt) : null,
    lastUsedAt: null,
    revokedAt: null,
  };
  await insertApiKey(tx, row);
  return { ...row, key };
}

/**
 * Makes a key. Its text is in this answer only, so a repeat by Idempotency-Key is not possible: a kept answer would keep the secret.
 */
export const createApiKey = (ctx: Ctx, input: NewApiKey): Promise<ApiKey & { key: string }> =>
  write(ctx, (tx) => addKey(ctx, tx, input));

/**
 * Ends a key at once; doing it again changes nothing.
 * @throws Problem NOT_FOUND
 */
export const revokeApiKey = (ctx: Ctx, id: string): Promise<void> =>
  write(ctx, async (tx) => {
    if (!(await revokeRow(tx, id, ctx.now))) throw new Problem('NOT_FOUND', { resource: 'apiKey' });
  });
