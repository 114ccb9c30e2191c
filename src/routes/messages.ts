// HTTP: mails of a customer and of the store, direct mail.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { readPresent } from '../actions/customers.ts';
import { commandMessage, readMessage, sendDirectMail, toMessage } from '../actions/direct-mail.ts';
import type { Ctx } from '../context.ts';
import { listMessages, type MessageFilter } from '../db/message-list.ts';
import type { MessageCommand } from '../domain/mail/direct.ts';
import { MESSAGE_CLASSES, MESSAGE_STATUSES } from '../domain/mail/messages.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { type PageInput, pageOf } from '../pages.ts';
import { closed, pageQuery, ref, stringEnum, Uuid } from '../schemas/helpers.ts';
import { DirectMail, MESSAGE_KIND_NAMES, Message, MessageDetails, MessagePage } from '../schemas/messages.ts';

const tag = 'Messages';
const OfCustomer = closed({ customerId: Uuid({ description: 'Id of the customer.' }) });
const OneMessage = closed({ messageId: Uuid({ description: 'Id of the mail.' }) });

const filters = {
  status: Type.Optional(stringEnum(MESSAGE_STATUSES, { description: 'Only mails in this state.' })),
  kind: Type.Optional(stringEnum(MESSAGE_KIND_NAMES, { description: 'Only mails of this kind.' })),
  class: Type.Optional(stringEnum(MESSAGE_CLASSES, { description: 'Only marketing, or only the others.' })),
};

const pageOfMessages = (ctx: Ctx, input: PageInput, filter: MessageFilter) =>
  pageOf(
    input,
    async (start: PageStart<[id: string]>) => (await listMessages(ctx.db, filter, start)).map(toMessage),
    (message): [string] => [message.id],
  );

/** What staff may do to one mail: path, operation, words. */
const COMMANDS: readonly {
  path: string;
  command: MessageCommand;
  operationId: string;
  summary: string;
  description: string;
}[] = [
  {
    path: 'cancel',
    command: 'cancel',
    operationId: 'cancelMessage',
    summary: 'Cancel a mail that waits',
    description: 'It is not sent. One that is being handed over can no longer be stopped.',
  },
  {
    path: 'retry',
    command: 'retry',
    operationId: 'retryMessage',
    summary: 'Send a mail again',
    description:
      'For mails that failed, were put off or are in doubt. One in doubt may have arrived: then the recipient gets it twice.',
  },
  {
    path: 'mark-sent',
    command: 'mark_sent',
    operationId: 'markMessageSent',
    summary: 'Say that a mail in doubt was sent',
    description: 'When the mail server’s log shows that it took the mail (M4).',
  },
  {
    path: 'mark-failed',
    command: 'mark_failed',
    operationId: 'markMessageFailed',
    summary: 'Say that a mail in doubt was not sent',
    description: 'When the mail server’s log shows that it did not take the mail (M4).',
  },
];

export async function messages(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/messages',
    operationId: 'listMessages',
    tag,
    summary: 'List mails',
    description: 'Every mail of any kind, the newest first.',
    scope: 'messages:read',
    query: closed({
      ...pageQuery,
      ...filters,
      campaignId: Type.Optional(Uuid({ description: 'Only mails of this campaign.' })),
    }),
    returns: { 200: ref(MessagePage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) => pageOfMessages(ctx, input, input.query),
  });

  endpoint(app, {
    method: 'GET',
    url: '/messages/:messageId',
    operationId: 'getMessage',
    tag,
    summary: 'Get a mail',
    description: 'With every attempt to send it and the links that were followed.',
    scope: 'messages:read',
    params: OneMessage,
    returns: { 200: ref(MessageDetails) },
    handle: (ctx, { params }) => readMessage(ctx, params.messageId),
  });

  for (const { path, command, ...words } of COMMANDS) {
    endpoint(app, {
      ...words,
      method: 'POST',
      url: `/messages/:messageId/${path}`,
      tag,
      scope: 'messages:write',
      idempotency: command === 'retry' ? 'required' : 'optional',
      params: OneMessage,
      returns: { 200: ref(Message) },
      refuses: [
        'MESSAGE_STATE_CONFLICT',
        ...(command === 'retry' ? (['CAMPAIGN_STATE_CONFLICT'] as const) : []),
      ],
      handle: (ctx, { params }) => commandMessage(ctx, params.messageId, command),
    });
  }

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/messages',
    operationId: 'listCustomerMessages',
    tag,
    summary: 'List the mails of a customer',
    description: 'The newest first, also those that were skipped, with the reason.',
    scope: 'messages:read',
    params: OfCustomer,
    query: closed({ ...pageQuery, ...filters }),
    returns: { 200: ref(MessagePage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      const { customerId } = input.params;
      await readPresent(ctx.db, customerId);
      return pageOfMessages(ctx, input, { ...input.query, customerId });
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/messages',
    operationId: 'sendDirectMail',
    tag,
    summary: 'Write to a customer',
    description:
      'By a template or in own words; it can be linked to an order and shows in the timeline. Marketing is sent only with consent, and counts against the contact limit.',
    scope: 'messages:write',
    idempotency: 'required',
    params: OfCustomer,
    body: ref(DirectMail),
    returns: { 202: ref(Message) },
    refuses: ['CUSTOMER_GONE', 'NO_EMAIL', 'MESSAGE_INVALID', 'REFERENCE_UNKNOWN'],
    location: ({ id }: { id: string }) => `/v1/messages/${id}`,
    handle: (ctx, { params, body }) => sendDirectMail(ctx, params.customerId, body),
  });
}
