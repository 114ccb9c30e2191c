// The problem document (RFC 9457).
import Type from 'typebox';
import { stringEnum } from './helpers.ts';
import { ERRORS } from '../errors.ts';

const FieldError = Type.Object(
  {
    pointer: Type.String({ description: 'JSON Pointer (RFC 6901) into the request.', examples: ['/email'] }),
    message: Type.String({ description: 'What is wrong there, for people.' }),
    code: Type.Optional(Type.String({ description: 'What is wrong there, for programs.' })),
  },
  { description: 'One place to mend.' },
);

export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: 'Address of the error in the documentation.', examples: ['/errors/EMAIL_TAKEN'] }),
    title: Type.String({ description: 'The error in a few words.' }),
    status: Type.Integer({ description: 'HTTP status.', examples: [409] }),
    detail: Type.String({ description: 'What to do about it.' }),
    code: stringEnum(Object.keys(ERRORS), { description: 'The error for programs; never changes its meaning.' }),
    instance: Type.String({ description: 'Request id; name it when you report the error.' }),
    errors: Type.Optional(Type.Array(FieldError, { description: 'Places of the request to mend.' })),
  },
  { $id: 'Problem', description: 'Every answer other than success. More members may tell facts of the case.' },
);
