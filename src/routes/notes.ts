// HTTP: private notes on customers.
import type { FastifyInstance } from 'fastify';
import { readPresent } from '../actions/customers.ts';
import { createNote, deleteNote, noteOf, updateNote } from '../actions/notes.ts';
import type { Ctx } from '../context.ts';
import { findNote, listNotes, listRevisions, type NoteRow } from '../db/notes.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, pageQuery, ref, Uuid } from '../schemas/helpers.ts';
import { Note, NoteCreate, NotePage, NoteRevisionPage, NoteUpdate } from '../schemas/notes.ts';

const tag = 'Notes';
const customerId = Uuid({ description: 'Id of the customer.' });
const OfCustomer = closed({ customerId });
const OneNote = closed({ customerId, noteId: Uuid({ description: 'Id of the note.' }) });

async function readNote(
  ctx: Ctx,
  { customerId, noteId }: { customerId: string; noteId: string },
): Promise<NoteRow> {
  await readPresent(ctx.db, customerId);
  return found(await findNote(ctx.db, { customerId, id: noteId }), 'note');
}

export async function notes(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/notes',
    operationId: 'listNotes',
    tag,
    summary: 'List the notes of a customer',
    description: 'Newest first. Notes are private: no shopper ever sees them.',
    scope: 'notes:read',
    params: OfCustomer,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(NotePage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      await readPresent(ctx.db, input.params.customerId);
      return pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listNotes(ctx.db, input.params.customerId, start)).map(noteOf),
        (note): [string] => [note.id],
      );
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/notes',
    operationId: 'createNote',
    tag,
    summary: 'Add a note',
    description: 'The author is who calls.',
    scope: 'notes:write',
    params: OfCustomer,
    body: ref(NoteCreate),
    returns: { 201: ref(Note) },
    refuses: ['CUSTOMER_GONE'],
    location: (note: { customerId: string; id: string }) =>
      `/v1/customers/${note.customerId}/notes/${note.id}`,
    handle: (ctx, { params, body }) => createNote(ctx, params.customerId, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/notes/:noteId',
    operationId: 'getNote',
    tag,
    summary: 'Get a note',
    description: 'One note with its present text.',
    scope: 'notes:read',
    params: OneNote,
    returns: { 200: ref(Note), 304: null },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params }) => noteOf(await readNote(ctx, params)),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/customers/:customerId/notes/:noteId',
    operationId: 'updateNote',
    tag,
    summary: 'Edit a note',
    description: 'The earlier text stays in the history of the note.',
    scope: 'notes:write',
    params: OneNote,
    body: ref(NoteUpdate),
    returns: { 200: ref(Note) },
    refuses: ['CUSTOMER_GONE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateNote(ctx, params, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/customers/:customerId/notes/:noteId',
    operationId: 'deleteNote',
    tag,
    summary: 'Remove a note',
    description: 'The note goes with its earlier texts; the timeline keeps that it was there.',
    scope: 'notes:write',
    params: OneNote,
    returns: { 204: null },
    refuses: ['CUSTOMER_GONE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => deleteNote(ctx, params, ifMatch),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/notes/:noteId/revisions',
    operationId: 'listNoteRevisions',
    tag,
    summary: 'List the earlier texts of a note',
    description:
      'Newest first, without the present text, which is the note itself. Nothing in this list ever changes.',
    scope: 'notes:read',
    params: OneNote,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(NoteRevisionPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      const { id } = await readNote(ctx, input.params);
      return pageOf(
        input,
        (start: PageStart<[revision: number]>) => listRevisions(ctx.db, id, start),
        (row): [number] => [row.revision],
      );
    },
  });
}
