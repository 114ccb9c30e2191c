// The wire contract of what is told about mails after they were sent.
import Type, { type Static } from 'typebox';
import { BOUNCE_TYPES, FEEDBACK_EVENTS, MAX_FEEDBACK } from '../domain/mail/feedback.ts';
import { closed, DateTime, ref, stringEnum, Uuid } from './helpers.ts';

const EXAMPLE = {
  messageId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
  event: 'bounced',
  bounceType: 'hard',
  at: '2026-03-02T08:00:00Z',
  diagnostic: '550 5.1.1 no such user',
} as const;

export const MailFeedbackItem = closed(
  {
    messageId: Type.Optional(
      Type.String({
        maxLength: 500,
        description: 'Id of the mail, or its Message-ID header.',
        examples: [EXAMPLE.messageId],
      }),
    ),
    email: Type.Optional(
      Type.String({
        maxLength: 254,
        description: 'Where it went; needed when the mail is not known.',
        examples: ['ada@example.com'],
      }),
    ),
    event: stringEnum(FEEDBACK_EVENTS, { description: 'What happened.', examples: ['bounced'] }),
    bounceType: Type.Optional(
      stringEnum(BOUNCE_TYPES, {
        description: '`hard`: there is no such mailbox. Read from `diagnostic` when it is left out.',
      }),
    ),
    at: Type.Optional(DateTime({ description: 'When it happened; now unless told.' })),
    diagnostic: Type.Optional(
      Type.String({ maxLength: 2000, description: 'Words of the server.', examples: [EXAMPLE.diagnostic] }),
    ),
  },
  { $id: 'MailFeedbackItem', description: 'One thing that happened to a mail.', examples: [EXAMPLE] },
);

export const MailFeedback = closed(
  {
    items: Type.Array(ref(MailFeedbackItem), {
      minItems: 1,
      maxItems: MAX_FEEDBACK,
      description: 'What happened, taken one after the other.',
    }),
  },
  {
    $id: 'MailFeedback',
    description: `Up to ${MAX_FEEDBACK} things that happened to mails.`,
    examples: [{ items: [EXAMPLE] }],
  },
);

const ItemError = closed(
  {
    pointer: Type.String({ description: 'JSON Pointer into the item.', examples: ['/event'] }),
    message: Type.String({ description: 'What is wrong there, for people.' }),
  },
  { description: 'One place to mend.' },
);

export const MailFeedbackOutcome = closed(
  {
    outcome: stringEnum(['applied', 'unchanged', 'unknown', 'refused'], {
      description:
        '`unchanged`: it was known already. `unknown`: neither the mail nor an address is known here. `refused`: see `errors`.',
    }),
    messageId: Type.Optional(Uuid({ description: 'The mail that it is about.' })),
    errors: Type.Optional(Type.Array(ItemError, { description: 'Places of the item to mend.' })),
  },
  { $id: 'MailFeedbackOutcome', description: 'What came of one item.' },
);
export type MailFeedbackOutcome = Static<typeof MailFeedbackOutcome>;

export const MailFeedbackResult = closed(
  {
    results: Type.Array(ref(MailFeedbackOutcome), {
      description: 'One for each item, in their order; empty when the message says nothing about a mail.',
    }),
  },
  { $id: 'MailFeedbackResult', description: 'What came of what was told.' },
);

export const mailFeedbackSchemas = [MailFeedbackItem, MailFeedback, MailFeedbackOutcome, MailFeedbackResult];
