// Saved segments and their revisions.
import { and, eq, sql } from 'drizzle-orm';
import type { PageStart } from '../../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from '../connection.ts';
import { segmentRevisions, segments } from '../tables/segments.ts';

export type SegmentRow = typeof segments.$inferSelect;
export type SegmentRevisionRow = typeof segmentRevisions.$inferSelect;

/** What others need to know of a segment: how it is called and which query stands behind its slug. */
export type SegmentQuery = Pick<SegmentRow, 'id' | 'slug' | 'name' | 'query'>;

const lock = statement<Record<never, never>, never>(
  'lock_segments',
  (p) => sql`select pg_advisory_xact_lock(hashtextextended('segments ' || ${p.storeId}::text, 0))`,
);

/**
 * Lets one writer at a time at the segments of the store: what a query refers to cannot go, and two changes cannot
 * make a round, between the check and the commit. Labels and customers are locked before it, never behind it.
 */
export const lockSegments = async (tx: Tx): Promise<void> => {
  await lock(tx, {});
};

const find = prepared<{ id: string }>()('find_segment', (queries, p) =>
  queries
    .select()
    .from(segments)
    .where(and(eq(segments.storeId, p.storeId), eq(segments.id, p.id))),
);

export const findSegment = async (db: Db, id: string): Promise<SegmentRow | undefined> =>
  (await find(db, { id }))[0];

const columns = sql`id, slug, name, description, query, revision, version, created_at as "createdAt",
  updated_at as "updatedAt"`;

const selectPage = statement<{ after: string; limit: number }, Omit<SegmentRow, 'storeId'>>(
  'list_segments',
  (p) => sql`
    select ${columns} from segments where store_id = ${p.storeId} and slug > ${p.after}
    order by slug limit ${p.limit}`,
);

/** Segments by slug. */
export const listSegments = (
  db: Db,
  { after, limit }: PageStart<[slug: string]>,
): Promise<Omit<SegmentRow, 'storeId'>[]> => selectPage(db, { after: after?.[0] ?? '', limit });

const selectQueries = prepared()('list_segment_queries', (queries, p) =>
  queries
    .select({ id: segments.id, slug: segments.slug, name: segments.name, query: segments.query })
    .from(segments)
    .where(eq(segments.storeId, p.storeId))
    .orderBy(segments.slug),
);

/** The queries of all segments of the store, by slug. */
export const listSegmentQueries = (db: Db): Promise<SegmentQuery[]> => selectQueries(db, {});

export type NewSegment = Omit<SegmentRow, 'storeId'>;

/** Keeps queries for ever: those of new segments, and each that takes the place of another. */
export const insertRevisions = (
  tx: Tx,
  rows: readonly Pick<NewSegment, 'id' | 'revision' | 'query' | 'updatedAt'>[],
  actor: string,
): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.insert(segmentRevisions).values(
      rows.map(({ id, revision, query, updatedAt }) => ({
        storeId: tx.storeId,
        segmentId: id,
        revision,
        query,
        actor,
        createdAt: updatedAt,
      })),
    ),
  );

/** Adds segments, each with its query as a revision. */
export async function insertSegments(tx: Tx, rows: readonly NewSegment[], actor: string): Promise<void> {
  const { storeId } = tx;
  await tx.use(({ queries }) => queries.insert(segments).values(rows.map((row) => ({ ...row, storeId }))));
  await insertRevisions(tx, rows, actor);
}

/** Changes one segment; the caller holds the lock and gives the next version. */
export const updateSegment = (
  tx: Tx,
  id: string,
  change: Partial<Omit<NewSegment, 'id'>>,
): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(segments)
      .set(change)
      .where(and(eq(segments.storeId, tx.storeId), eq(segments.id, id))),
  );

const rewrite = statement<
  { ids: string[]; texts: string[]; actor: string; now: Date },
  { id: string; revision: number }
>(
  'rewrite_segment_queries',
  (p) => sql`
    with rewritten as (
      update segments s set query = changed.query, revision = s.revision + 1, version = s.version + 1,
        updated_at = ${p.now}
      from unnest(${p.ids}::uuid[], ${p.texts}::text[]) as changed (id, query)
      where s.store_id = ${p.storeId} and s.id = changed.id
      returning s.id, s.revision, s.query),
    kept as (
      insert into segment_revisions (store_id, segment_id, revision, query, actor, created_at)
      select ${p.storeId}, id, revision, query, ${p.actor}, ${p.now}::timestamptz from rewritten)
    select id, revision from rewritten order by id`,
);

/** Gives segments other queries, each as a new revision; the caller holds the lock. */
export const rewriteQueries = (
  tx: Tx,
  changed: readonly { id: string; query: string }[],
  by: { actor: string; now: Date },
): Promise<{ id: string; revision: number }[]> =>
  rewrite(tx, { ids: changed.map(({ id }) => id), texts: changed.map(({ query }) => query), ...by });

/** The revisions go with the segment. */
export const deleteSegment = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.delete(segments).where(and(eq(segments.storeId, tx.storeId), eq(segments.id, id))),
  );

const selectRevisions = statement<
  { id: string; before: number; limit: number },
  Omit<SegmentRevisionRow, 'storeId' | 'segmentId'>
>(
  'list_segment_revisions',
  (p) => sql`
    select revision, query, actor, created_at as "createdAt" from segment_revisions
    where store_id = ${p.storeId} and segment_id = ${p.id} and revision < ${p.before}
    order by revision desc limit ${p.limit}`,
);

const BEHIND_ALL = 2 ** 31 - 1;

/** Queries of a segment, newest first, the present one too. */
export const listSegmentRevisions = (
  db: Db,
  id: string,
  { after, limit }: PageStart<[revision: number]>,
): Promise<Omit<SegmentRevisionRow, 'storeId' | 'segmentId'>[]> =>
  selectRevisions(db, { id, before: after?.[0] ?? BEHIND_ALL, limit });

const findRevision = prepared<{ id: string; revision: number }>()('find_segment_revision', (queries, p) =>
  queries
    .select()
    .from(segmentRevisions)
    .where(
      and(
        eq(segmentRevisions.storeId, p.storeId),
        eq(segmentRevisions.segmentId, p.id),
        eq(segmentRevisions.revision, p.revision),
      ),
    ),
);

export const findSegmentRevision = async (
  db: Db,
  id: string,
  revision: number,
): Promise<SegmentRevisionRow | undefined> => (await findRevision(db, { id, revision }))[0];
