// Which customers carry which tag.
import { foreignKey, index, pgTable, primaryKey, uuid } from 'drizzle-orm/pg-core';
import { instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';
import { tags } from './tags.ts';

export const customerTags = pgTable(
  'customer_tags',
  {
    storeId: storeId(),
    customerId: uuid('customer_id').notNull(),
    tagId: uuid('tag_id').notNull(),
    /** T5: `manual`, `api`, `import`, `bulk:<job>`, `automation:<id>`. */
    source: keyText('source').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'customer_tags_pk', columns: [table.storeId, table.customerId, table.tagId] }),
    foreignKey({
      name: 'customer_tags_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'customer_tags_tag_fk',
      columns: [table.storeId, table.tagId],
      foreignColumns: [tags.storeId, tags.id],
    }).onDelete('cascade'),
    index('customer_tags_by_tag').on(table.storeId, table.tagId, table.customerId),
  ],
);
