// Private notes and their earlier texts.
import { and, desc, eq, lt } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, type Tx } from './connection.ts';
import { noteRevisions, notes } from './tables/notes.ts';

export type NoteRow = typeof notes.$inferSelect;
export type NoteRevisionRow = typeof noteRevisions.$inferSelect;
type NewNote = Omit<typeof notes.$inferInsert, 'storeId'>;
type OfCustomer = { customerId: string; id: string };

export const insertNote = (tx: Tx, note: NewNote): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(notes).values({ ...note, storeId: tx.storeId }));

const find = prepared<OfCustomer>()('find_note', (queries, p) =>
  queries
    .select()
    .from(notes)
    .where(and(eq(notes.storeId, p.storeId), eq(notes.id, p.id), eq(notes.customerId, p.customerId))),
);

/** One note of this customer; undefined when it is another's. */
export const findNote = async (db: Db, note: OfCustomer): Promise<NoteRow | undefined> =>
  (await find(db, note))[0];

/** Notes of a customer, newest first. */
export const listNotes = (
  db: Db,
  customerId: string,
  { after, limit }: PageStart<[id: string]>,
): Promise<NoteRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(notes)
      .where(
        and(
          eq(notes.storeId, db.storeId),
          eq(notes.customerId, customerId),
          after ? lt(notes.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(notes.id))
      .limit(limit),
  );

export const updateNote = (tx: Tx, id: string, change: Partial<NewNote>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(notes)
      .set(change)
      .where(and(eq(notes.storeId, tx.storeId), eq(notes.id, id))),
  );

/** The earlier texts go with the note. */
export const deleteNote = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) => queries.delete(notes).where(and(eq(notes.storeId, tx.storeId), eq(notes.id, id))));

export const insertRevision = (tx: Tx, revision: Omit<NoteRevisionRow, 'storeId'>): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(noteRevisions).values({ ...revision, storeId: tx.storeId }));

/** Earlier texts of a note, newest first. */
export const listRevisions = (
  db: Db,
  noteId: string,
  { after, limit }: PageStart<[revision: number]>,
): Promise<NoteRevisionRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(noteRevisions)
      .where(
        and(
          eq(noteRevisions.storeId, db.storeId),
          eq(noteRevisions.noteId, noteId),
          after ? lt(noteRevisions.revision, after[0]) : undefined,
        ),
      )
      .orderBy(desc(noteRevisions.revision))
      .limit(limit),
  );
