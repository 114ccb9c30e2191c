// Static groups of a store.
import { foreignKey, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import { id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

export const groups = pgTable(
  'groups',
  {
    storeId: storeId(),
    id: id(),
    name: text('name').notNull(),
    nameKey: keyText('name_key').notNull(),
    description: text('description'),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'groups_pk', columns: [table.storeId, table.id] }),
    unique('groups_name_unique').on(table.storeId, table.nameKey),
    foreignKey({ name: 'groups_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
  ],
);
