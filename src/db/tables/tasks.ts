// Tasks of agents, with a due time in a zone.
import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { id, instant, storeId } from './columns.ts';
import { customers } from './customers.ts';
import { salesAgents } from './sales-agents.ts';

export const tasks = pgTable(
  'tasks',
  {
    storeId: storeId(),
    id: id(),
    title: text('title').notNull(),
    description: text('description'),
    /** All-day tasks are due at the last instant of their day. */
    dueAt: instant('due_at').notNull(),
    /** IANA zone in which the due time was meant. */
    dueTimezone: text('due_timezone').notNull(),
    allDay: boolean('all_day').notNull(),
    assigneeId: uuid('assignee_id'),
    customerId: uuid('customer_id'),
    doneAt: instant('done_at'),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'tasks_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'tasks_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'tasks_assignee_fk',
      columns: [table.storeId, table.assigneeId],
      foreignColumns: [salesAgents.storeId, salesAgents.id],
    }).onDelete('restrict'),
    index('tasks_by_assignee').on(table.storeId, table.assigneeId, table.dueAt, table.id),
    index('tasks_by_due').on(table.storeId, table.dueAt, table.id),
    index('tasks_by_customer').on(table.storeId, table.customerId, table.dueAt, table.id),
    // Most tasks are done; lists ask for the others.
    index('tasks_open_by_due').on(table.storeId, table.dueAt, table.id).where(sql`done_at is null`),
    index('tasks_open_by_assignee')
      .on(table.storeId, table.assigneeId, table.dueAt, table.id)
      .where(sql`done_at is null`),
  ],
);
