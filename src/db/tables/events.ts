// Events: the timeline of each customer and, in commit-safe order, the change feed of the store. Only inserted. No foreign
// key to the store: every change writes an event, and each would lock the store's one row (5 µs, and all writers meet there).
import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgTable, primaryKey, uuid } from 'drizzle-orm/pg-core';
import { id, instant, keyText, storeId } from './columns.ts';

export const events = pgTable(
  'events',
  {
    storeId: storeId(),
    id: id(),
    /** Absent for events of the store itself. No foreign key: the history of a deleted customer stays until erasure. */
    customerId: uuid('customer_id'),
    kind: keyText('kind').notNull(),
    /** The order, note, tag … that the event is about. */
    subjectId: uuid('subject_id'),
    actor: keyText('actor').notNull(),
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    occurredAt: instant('occurred_at').notNull(),
    /**
     * The writing transaction. The feed reads only below the oldest open transaction and orders by it: an event that
     * commits late can then never appear behind a reader's cursor, as it could with a sequence or a time.
     */
    transactionId: bigint('transaction_id', { mode: 'number' })
      .notNull()
      .default(sql`(pg_current_xact_id()::text)::bigint`),
  },
  (table) => [
    primaryKey({ name: 'events_pk', columns: [table.storeId, table.id] }),
    index('events_by_customer').on(table.storeId, table.customerId, table.occurredAt, table.id),
    index('events_by_transaction').on(table.storeId, table.transactionId, table.id),
  ],
);
