// The wire contract of notes.
import Type from 'typebox';
import { closed, nullable, page, Timestamp, Uuid } from './helpers.ts';

const body = Type.String({
  minLength: 1,
  maxLength: 10_000,
  pattern: '\\S',
  description: 'The text.',
  examples: ['Prefers calls in the morning.'],
});

export const NoteCreate = closed(
  { body },
  {
    $id: 'NoteCreate',
    description: 'A new private note.',
    examples: [{ body: 'Prefers calls in the morning.' }],
  },
);
export const NoteUpdate = closed(
  { body },
  { $id: 'NoteUpdate', description: 'The new text of a note.', examples: [{ body: 'Prefers mails.' }] },
);

export const Note = closed(
  {
    id: Uuid({ description: 'Id of the note.' }),
    customerId: Uuid({ description: 'The customer that it is about.' }),
    body: Type.String({ description: 'The present text.' }),
    author: Type.String({ description: 'Who wrote the note.', examples: ['staff:eva'] }),
    editedBy: nullable(
      Type.String({
        description: 'Who wrote the present text, when it was edited.',
        examples: ['staff:tom'],
      }),
    ),
    version: Type.Integer({ description: 'Number of the present text; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When the note was added.' }),
    updatedAt: Timestamp({ description: 'When the present text was written.' }),
  },
  { $id: 'Note', description: 'A private note on a customer.' },
);
export const NotePage = page(Note, 'NotePage');

export const NoteRevision = closed(
  {
    revision: Type.Integer({ minimum: 1, description: 'Number of the text, from 1.', examples: [1] }),
    body: Type.String({ description: 'The text as it was.' }),
    author: Type.String({ description: 'Who wrote it.', examples: ['staff:eva'] }),
    createdAt: Timestamp({ description: 'When it was written.' }),
  },
  { $id: 'NoteRevision', description: 'An earlier text of a note.' },
);
export const NoteRevisionPage = page(NoteRevision, 'NoteRevisionPage');
