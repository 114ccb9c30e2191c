// API keys of a store; only the hash of a key is kept.
import { foreignKey, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { KeyKind } from '../../domain/api-keys.ts';
import { bytes, id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

export const apiKeys = pgTable(
  'api_keys',
  {
    storeId: storeId(),
    id: id(),
    name: text('name').notNull(),
    kind: keyText('kind').$type<KeyKind>().notNull(),
    scopes: text('scopes').array().notNull(),
    /** The first characters, shown in lists; the key itself is shown once. */
    prefix: keyText('prefix').notNull(),
    secretHash: bytes('secret_hash').notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (table) => [
    primaryKey({ name: 'api_keys_pk', columns: [table.storeId, table.id] }),
    unique('api_keys_secret_unique').on(table.storeId, table.secretHash),
    foreignKey({ name: 'api_keys_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
  ],
);
