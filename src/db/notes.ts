// Private notes and their earlier texts.
import type { Tx } from './connection.ts';
import { notes } from './tables/notes.ts';

export type NoteRow = typeof notes.$inferSelect;

export const insertNote = (tx: Tx, note: Omit<NoteRow, 'storeId'>): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(notes).values({ ...note, storeId: tx.storeId }));
