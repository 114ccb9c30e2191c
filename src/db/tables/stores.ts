// Stores: the tenants.
import { integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import type { StoreSettings } from '../../domain/stores.ts';
import { instant, keyText } from './columns.ts';

/** The one tenant table whose store is its own id. */
export const stores = pgTable('stores', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  currency: keyText('currency').notNull(),
  timezone: text('timezone').notNull(),
  locale: text('locale').notNull(),
  settings: jsonb('settings').$type<StoreSettings>().notNull(),
  version: integer('version').notNull(),
  createdAt: instant('created_at').notNull(),
  updatedAt: instant('updated_at').notNull(),
});
