// Sales agents: the people whom customers are attributed to and who carry tasks.
import { boolean, foreignKey, integer, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import { bytes, id, instant, storeId } from './columns.ts';
import { stores } from './stores.ts';

export const salesAgents = pgTable(
  'sales_agents',
  {
    storeId: storeId(),
    id: id(),
    name: text('name').notNull(),
    email: text('email'),
    active: boolean('active').notNull(),
    /** SHA-256 of the secret in the calendar feed's URL. */
    calendarHash: bytes('calendar_hash'),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'sales_agents_pk', columns: [table.storeId, table.id] }),
    unique('sales_agents_calendar_unique').on(table.storeId, table.calendarHash),
    foreignKey({
      name: 'sales_agents_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
  ],
);
