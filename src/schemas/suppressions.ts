// The wire contract of the suppression list.
import Type from 'typebox';
import { SUPPRESSION_REASONS } from '../domain/mail/consents.ts';
import { closed, nullable, page, stringEnum, Timestamp, Uuid } from './helpers.ts';

export const SuppressionCreate = closed(
  {
    email: Type.String({
      minLength: 3,
      maxLength: 254,
      description: 'The address.',
      examples: ['ada@example.com'],
    }),
    note: Type.Optional(
      Type.String({ maxLength: 500, description: 'Why, for colleagues.', examples: ['Asked by phone.'] }),
    ),
  },
  {
    $id: 'SuppressionCreate',
    description: 'An address that is to get no mail.',
    examples: [{ email: 'ada@example.com', note: 'Asked by phone.' }],
  },
);

export const Suppression = closed(
  {
    id: Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'Keyed fingerprint of the address; it stays when the address is erased.',
      examples: ['7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a'],
    }),
    email: nullable(
      Type.String({
        description: 'The address; null once its customer was erased.',
        examples: ['ada@example.com'],
      }),
    ),
    reason: stringEnum(SUPPRESSION_REASONS, {
      description:
        '`complaint` and `soft_bounces` keep marketing away, `hard_bounce` and `manual` every mail.',
    }),
    until: nullable(Timestamp({ description: 'When it ends by itself; null: when somebody lifts it.' })),
    messageId: nullable(Uuid({ description: 'The mail that came back or was complained about.' })),
    note: nullable(Type.String({ description: 'Words of the server, or of who did it by hand.' })),
    actor: Type.String({ description: 'Who or what put it on the list.', examples: ['staff:eva'] }),
    createdAt: Timestamp({ description: 'Since when it gets no mail.' }),
    updatedAt: Timestamp({ description: 'When something was last heard of it.' }),
  },
  { $id: 'Suppression', description: 'An address that gets no mail.' },
);
export const SuppressionPage = page(Suppression, 'SuppressionPage');

export const suppressionSchemas = [SuppressionCreate, Suppression, SuppressionPage];
