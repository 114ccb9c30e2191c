// Which customers are in which static group.
import { foreignKey, index, pgTable, primaryKey, uuid } from 'drizzle-orm/pg-core';
import { instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';
import { groups } from './groups.ts';

export const groupMembers = pgTable(
  'group_members',
  {
    storeId: storeId(),
    customerId: uuid('customer_id').notNull(),
    groupId: uuid('group_id').notNull(),
    source: keyText('source').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'group_members_pk', columns: [table.storeId, table.customerId, table.groupId] }),
    foreignKey({
      name: 'group_members_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'group_members_group_fk',
      columns: [table.storeId, table.groupId],
      foreignColumns: [groups.storeId, groups.id],
    }).onDelete('cascade'),
    index('group_members_by_group').on(table.storeId, table.groupId, table.customerId),
  ],
);
