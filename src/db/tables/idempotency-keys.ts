// Answers kept for idempotent requests.
import { index, jsonb, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import { bytes, instant, keyText, storeId } from './columns.ts';

export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    storeId: storeId(),
    credential: keyText('credential').notNull(),
    operation: keyText('operation').notNull(),
    key: keyText('key').notNull(),
    fingerprint: bytes('fingerprint').notNull(),
    /** The result as it was answered the first time; for a refusal, its facts. */
    answer: jsonb('answer'),
    refused: keyText('refused'),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    primaryKey({
      name: 'idempotency_keys_pk',
      columns: [table.storeId, table.credential, table.operation, table.key],
    }),
    index('idempotency_keys_by_expiry').on(table.storeId, table.expiresAt),
  ],
);
