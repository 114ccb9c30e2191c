// Segments: named queries over the customers of a store, with every earlier query.
import { foreignKey, integer, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

export const segments = pgTable(
  'segments',
  {
    storeId: storeId(),
    id: id(),
    slug: keyText('slug').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    /** In the canonical text of the segment language. */
    query: text('query').notNull(),
    /** Number of the present query; counts changes of the query alone. */
    revision: integer('revision').notNull(),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'segments_pk', columns: [table.storeId, table.id] }),
    unique('segments_slug_unique').on(table.storeId, table.slug),
    foreignKey({ name: 'segments_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
  ],
);

/** The queries of a segment, the present one too; a change adds one and never changes one. */
export const segmentRevisions = pgTable(
  'segment_revisions',
  {
    storeId: storeId(),
    segmentId: uuid('segment_id').notNull(),
    revision: integer('revision').notNull(),
    query: text('query').notNull(),
    actor: keyText('actor').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'segment_revisions_pk', columns: [table.storeId, table.segmentId, table.revision] }),
    foreignKey({
      name: 'segment_revisions_segment_fk',
      columns: [table.storeId, table.segmentId],
      foreignColumns: [segments.storeId, segments.id],
    }).onDelete('cascade'),
  ],
);
