// Private notes on customers: add, edit with history, remove.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  deleteNote as deleteRow,
  findNote,
  insertNote,
  insertRevision,
  type NoteRow,
  updateNote as updateRow,
} from '../db/notes.ts';
import { Problem } from '../errors.ts';
import { lockPresent } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** A note as the API shows it; its revision is its version. */
export type Note = Omit<NoteRow, 'storeId' | 'revision'> & { version: number };

export const noteOf = ({ storeId: _, revision, ...note }: NoteRow): Note => ({ ...note, version: revision });

interface OneNote {
  customerId: string;
  noteId: string;
}

/** The note under its customer's lock: a merge that moves notes waits, or has moved them. */
async function lockNote(
  tx: Tx,
  { customerId, noteId }: OneNote,
  ifMatch: number | undefined,
): Promise<NoteRow> {
  await lockPresent(tx, customerId, undefined);
  const note = await findNote(tx, { customerId, id: noteId });
  if (!note) throw new Problem('NOT_FOUND', { resource: 'note' });
  if (ifMatch !== undefined && ifMatch !== note.revision)
    throw new Problem('VERSION_MISMATCH', { version: note.revision });
  return note;
}

/**
 * Adds a note to a customer.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export function createNote(ctx: Ctx, customerId: string, { body }: { body: string }): Promise<Note> {
  return write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    const times = { createdAt: ctx.now, updatedAt: ctx.now };
    const note = {
      id: ctx.newId(),
      customerId,
      body,
      author: ctx.actor,
      editedBy: null,
      revision: 1,
      ...times,
    };
    await insertNote(tx, note);
    await tell(ctx, tx, { kind: 'note.added', customerId, subjectId: note.id });
    return noteOf({ ...note, storeId: ctx.storeId });
  });
}

/**
 * Gives a note another text and keeps the earlier one. The text that it has already is no edit.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, VERSION_MISMATCH
 */
export function updateNote(
  ctx: Ctx,
  address: OneNote,
  { body }: { body: string },
  ifMatch?: number,
): Promise<Note> {
  return write(ctx, async (tx) => {
    const note = await lockNote(tx, address, ifMatch);
    if (note.body === body) return noteOf(note);
    const { id, revision, author, editedBy, updatedAt } = note;
    await insertRevision(tx, {
      noteId: id,
      revision,
      body: note.body,
      author: editedBy ?? author,
      createdAt: updatedAt,
    });
    const change = { body, editedBy: ctx.actor, revision: revision + 1, updatedAt: ctx.now };
    await updateRow(tx, id, change);
    await tell(ctx, tx, {
      kind: 'note.edited',
      customerId: note.customerId,
      subjectId: id,
      data: { revision: revision + 1 },
    });
    return noteOf({ ...note, ...change });
  });
}

/**
 * Removes a note with its earlier texts; the timeline keeps that it was there, without a text.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, VERSION_MISMATCH
 */
export function deleteNote(ctx: Ctx, address: OneNote, ifMatch?: number): Promise<void> {
  return write(ctx, async (tx) => {
    const { id, customerId } = await lockNote(tx, address, ifMatch);
    await deleteRow(tx, id);
    await tell(ctx, tx, { kind: 'note.removed', customerId, subjectId: id });
  });
}
