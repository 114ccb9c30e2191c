// Tags of a store.
import { foreignKey, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import { id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

export const tags = pgTable(
  'tags',
  {
    storeId: storeId(),
    id: id(),
    /** T2: the first spelling wins store-wide. */
    name: text('name').notNull(),
    nameKey: keyText('name_key').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'tags_pk', columns: [table.storeId, table.id] }),
    unique('tags_name_unique').on(table.storeId, table.nameKey),
    foreignKey({ name: 'tags_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
  ],
);
