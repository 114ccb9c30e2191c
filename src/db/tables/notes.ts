// Private notes on customers, with every earlier text.
import { foreignKey, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';

export const notes = pgTable(
  'notes',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    body: text('body').notNull(),
    author: keyText('author').notNull(),
    /** Who wrote the present text, when it is not the first one. */
    editedBy: keyText('edited_by'),
    revision: integer('revision').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'notes_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'notes_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    index('notes_by_customer').on(table.storeId, table.customerId, table.id),
  ],
);

/** Earlier texts of a note; an edit adds one and never changes one. */
export const noteRevisions = pgTable(
  'note_revisions',
  {
    storeId: storeId(),
    noteId: uuid('note_id').notNull(),
    revision: integer('revision').notNull(),
    body: text('body').notNull(),
    author: keyText('author').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'note_revisions_pk', columns: [table.storeId, table.noteId, table.revision] }),
    foreignKey({
      name: 'note_revisions_note_fk',
      columns: [table.storeId, table.noteId],
      foreignColumns: [notes.storeId, notes.id],
    }).onDelete('cascade'),
  ],
);
