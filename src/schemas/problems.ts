// The problem document (RFC 9457).
import Type from 'typebox';
import { ERRORS } from '../errors.ts';
import { closed, stringEnum } from './helpers.ts';

const FieldError = Type.Object(
  {
    in: Type.Optional(
      stringEnum(['body', 'query', 'path', 'headers'], { description: 'Part of the request.' }),
    ),
    pointer: Type.String({ description: 'JSON Pointer (RFC 6901) into the request.', examples: ['/email'] }),
    message: Type.String({ description: 'What is wrong there, for people.' }),
    code: Type.Optional(Type.String({ description: 'What is wrong there, for programs.' })),
    offset: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Of segment queries: where the place begins in the text, in UTF-16 units from 0.',
        examples: [18],
      }),
    ),
    length: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Length of the place in UTF-16 units.', examples: [9] }),
    ),
    line: Type.Optional(Type.Integer({ minimum: 1, description: 'Line of the place, from 1.' })),
    column: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Column of the place in UTF-16 units, from 1.' }),
    ),
    expected: Type.Optional(
      Type.Array(Type.String(), {
        description: 'What would be right there: a few names, or one description.',
      }),
    ),
    nearest: Type.Optional(Type.String({ description: 'The nearest name that exists.' })),
  },
  { description: 'One place to mend.' },
);

export const ProblemDocument = Type.Object(
  {
    type: Type.String({
      description: 'Address of the error in the documentation.',
      examples: ['/errors/EMAIL_TAKEN'],
    }),
    title: Type.String({ description: 'The error in a few words.' }),
    status: Type.Integer({ description: 'HTTP status.', examples: [409] }),
    detail: Type.String({ description: 'What to do about it.' }),
    code: stringEnum(Object.keys(ERRORS), {
      description: 'The error for programs; never changes its meaning.',
    }),
    instance: Type.String({ description: 'Request id; name it when you report the error.' }),
    errors: Type.Optional(Type.Array(FieldError, { description: 'Places of the request to mend.' })),
  },
  {
    $id: 'Problem',
    description: 'Every answer other than success. More members may tell facts of the case.',
  },
);

export const ErrorEntry = closed(
  {
    code: stringEnum(Object.keys(ERRORS), {
      description: 'The error for programs.',
      examples: ['EMAIL_TAKEN'],
    }),
    status: Type.Integer({ description: 'HTTP status of answers with this code.', examples: [409] }),
    title: Type.String({ description: 'The error in a few words.', examples: [ERRORS.EMAIL_TAKEN.title] }),
    detail: Type.String({ description: 'What to do about it.', examples: [ERRORS.EMAIL_TAKEN.detail] }),
  },
  { $id: 'ErrorEntry', description: 'An entry of the error table.' },
);

export const ErrorParams = closed({
  code: Type.String({ description: 'Code of the error.', maxLength: 100, examples: ['EMAIL_TAKEN'] }),
});
