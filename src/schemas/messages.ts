// The wire contract of mails.
import Type from 'typebox';
import {
  ATTEMPT_OUTCOMES,
  MESSAGE_CLASSES,
  MESSAGE_KINDS,
  MESSAGE_STATUSES,
  type MessageKind,
} from '../domain/mail/messages.ts';
import { closed, DateTime, nullable, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

export const MESSAGE_KIND_NAMES = Object.keys(MESSAGE_KINDS) as MessageKind[];

const fact = (description: string) => nullable(Timestamp({ description }));

const message = {
  id: Uuid({ description: 'Id of the mail.' }),
  customerId: nullable(Uuid({ description: 'Whom it is for; null when the address is no customer’s.' })),
  kind: stringEnum(MESSAGE_KIND_NAMES, { description: 'What kind of mail it is.', examples: ['direct'] }),
  class: stringEnum(MESSAGE_CLASSES, { description: 'Marketing needs consent, transactional mails do not.' }),
  status: stringEnum(MESSAGE_STATUSES, {
    description:
      'Where it is: `pending`, `ready` and `deferred` wait for `sendAfter`; `unknown` means that the server may have taken it.',
  }),
  reason: nullable(
    Type.String({
      description: 'Why it was skipped or failed.',
      examples: ['unsubscribed', 'refused_recipient'],
    }),
  ),
  campaignId: nullable(Uuid({ description: 'Campaign that it belongs to.' })),
  topic: nullable(Type.String({ description: 'Topic of marketing.', examples: ['offers'] })),
  orderId: nullable(Uuid({ description: 'Order that it is about.' })),
  templateId: nullable(Uuid({ description: 'Template that it was made with.' })),
  templateVersion: nullable(Type.Integer({ description: 'Version of the template.' })),
  toEmail: nullable(
    Type.String({ description: 'Where it went; before that, an address that is not the customer’s.' }),
  ),
  domain: nullable(Type.String({ description: 'Domain of the recipient.', examples: ['example.com'] })),
  subject: nullable(Type.String({ description: 'Subject as it was sent.' })),
  actor: nullable(Type.String({ description: 'Who caused it.', examples: ['staff:eva'] })),
  sendAfter: Timestamp({ description: 'Not sent before.' }),
  attempts: Type.Integer({ description: 'Times that it was tried.' }),
  createdAt: Timestamp({ description: 'When it was asked for.' }),
  sentAt: fact('When the server took it.'),
  deliveredAt: fact('When it was reported as delivered.'),
  bouncedAt: fact('When it came back.'),
  complainedAt: fact('When the recipient called it spam.'),
  unsubscribedAt: fact('When the recipient unsubscribed by it.'),
  clickedAt: fact('When a person first followed a link of it.'),
};

export const Message = closed(message, { $id: 'Message', description: 'A mail to one recipient.' });
export const MessagePage = page(Message, 'MessagePage');

export const MessageAttempt = closed(
  {
    number: Type.Integer({ description: '1 for the first.' }),
    outcome: stringEnum(ATTEMPT_OUTCOMES, { description: 'How it ended.' }),
    code: nullable(
      Type.Integer({
        description: 'SMTP reply code; 0 when there was no answer, null when the mail could not be made.',
        examples: [250],
      }),
    ),
    response: nullable(
      Type.String({ description: 'What the server said, or what was wrong with the template.' }),
    ),
    endedAt: Timestamp({ description: 'When it ended.' }),
  },
  { $id: 'MessageAttempt', description: 'One attempt to send a mail (M4).' },
);

export const MessageClick = closed(
  {
    url: Type.String({ description: 'Where the link led.' }),
    machine: Type.Boolean({ description: 'Probably a scanner, not a person.' }),
    clickedAt: Timestamp({ description: 'When.' }),
  },
  { $id: 'MessageClick', description: 'A link that was followed.' },
);

export const MessageDetails = closed(
  {
    ...message,
    attemptList: Type.Array(ref(MessageAttempt), { description: 'Every attempt, the first one first.' }),
    clicks: Type.Array(ref(MessageClick), { description: 'The first hundred clicks.' }),
  },
  { $id: 'MessageDetails', description: 'A mail with its attempts and clicks.' },
);

export const DirectMail = closed(
  {
    template: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'Key of a published template; instead of `subject` and `text`.',
        examples: ['delay_notice'],
      }),
    ),
    subject: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\r\\n]+$', description: 'Subject.' }),
    ),
    text: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 20_000,
        description: 'Plain text; an empty line begins a paragraph.',
      }),
    ),
    class: Type.Optional(
      stringEnum(MESSAGE_CLASSES, {
        description: 'Of own words: transactional unless told. A template has its own class.',
      }),
    ),
    topic: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Topic of marketing.', examples: ['offers'] }),
    ),
    orderId: Type.Optional(Uuid({ description: 'Order that it is about; the template can show it.' })),
    data: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
        description: 'Facts for the template, as `data.…`.',
      }),
    ),
    sendAfter: Type.Optional(DateTime({ description: 'Not before; now unless told.' })),
  },
  {
    $id: 'DirectMail',
    description: 'A mail to one customer.',
    examples: [{ subject: 'Your question', text: 'Dear Ada,\n\nthe blue one is back.' }],
  },
);

export const messageSchemas = [
  Message,
  MessagePage,
  MessageAttempt,
  MessageClick,
  MessageDetails,
  DirectMail,
];
