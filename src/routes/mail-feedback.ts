// HTTP: what mail servers and providers tell about mails that were sent.
import type { FastifyInstance } from 'fastify';
import Type, { type TSchema } from 'typebox';
import { recordFeedback, recordReturnedMail, recordWebhook } from '../actions/mail-feedback.ts';
import { misfits } from '../batch-entries.ts';
import type { MailSecrets } from '../clients/mail-identity.ts';
import type { Provider } from '../domain/mail/providers.ts';
import { endpoint } from '../endpoint.ts';
import { Problem } from '../errors.ts';
import { closed, ref } from '../schemas/helpers.ts';
import { MailFeedback, MailFeedbackItem, MailFeedbackResult } from '../schemas/mail-feedback.ts';

export interface MailFeedbackOptions {
  mailSecrets: MailSecrets;
}

const tag = 'Messages';
/** A mail comes back whole, at times. */
const MAIL_LIMIT = 10 * 1024 * 1024;
const itemSchema = ref(MailFeedbackItem);

const anyObject = Type.Object(
  {},
  { additionalProperties: true, description: 'As the provider documents it.' },
);

/** Each provider with the shape of its bodies and where it is switched on. */
const WEBHOOKS: readonly { provider: Provider; name: string; body: TSchema; description: string }[] = [
  {
    provider: 'postmark',
    name: 'Postmark',
    body: anyObject,
    description: 'Webhooks for delivery, bounce, spam complaint and subscription change.',
  },
  {
    provider: 'sendgrid',
    name: 'SendGrid',
    body: Type.Array(anyObject, { description: 'A batch of events.' }),
    description: 'The event webhook: delivered, bounce, dropped, spam report, unsubscribe.',
  },
  {
    provider: 'ses',
    name: 'Amazon SES',
    body: anyObject,
    description:
      'Notifications or events of SES by SNS over HTTPS; the subscription is confirmed by itself. Let SES include the original headers.',
  },
  {
    provider: 'mailgun',
    name: 'Mailgun',
    body: anyObject,
    description: 'Webhooks for delivered, permanent failure, spam complaints and unsubscribes.',
  },
];

/** Providers cannot all send a Bearer token, so these take the key as a password too. */
const CREDENTIAL =
  'Authenticated by an API key: `Authorization: Bearer`, or HTTP Basic with the key as the password.';

/** Raw mails, and JSON that says it is plain text, which is what SNS sends. */
function readOtherBodies(app: FastifyInstance): void {
  app.addContentTypeParser(
    ['message/rfc822', 'application/octet-stream'],
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => body,
  );
  app.addContentTypeParser('text/plain', { parseAs: 'string' }, async (_request: unknown, body: string) => {
    try {
      return JSON.parse(body);
    } catch (cause) {
      throw new Problem('MALFORMED_JSON', {}, { cause });
    }
  });
}

export async function mailFeedback(
  app: FastifyInstance,
  { mailSecrets }: MailFeedbackOptions,
): Promise<void> {
  readOtherBodies(app);

  endpoint(app, {
    method: 'POST',
    url: '/mail/feedback',
    operationId: 'recordMailFeedback',
    tag,
    summary: 'Tell what happened to mails',
    description:
      'In our own format, for anything that has no webhook here. One result per item; a bad item is refused in its result and never fails the rest. Telling the same twice changes nothing. A hard bounce or complaint stops mail to the address; three soft bounces of different mails within 30 days do for 30 days. A complaint also withdraws every consent.',
    scope: 'messages:write',
    basic: true,
    body: ref(MailFeedback),
    takesInvalid: true,
    returns: { 200: ref(MailFeedbackResult) },
    handle: async (ctx, { body, request }) => {
      const wrong = misfits(request, 'items', itemSchema);
      const fitting = body.items.filter((_, index) => !wrong.has(index));
      const results = await recordFeedback(
        ctx,
        mailSecrets,
        fitting.map(({ at, ...item }) => ({ ...item, at: at === undefined ? undefined : new Date(at) })),
      );
      const next = results.values();
      return {
        results: body.items.map((_, index) => {
          const mistakes = wrong.get(index);
          if (!mistakes) return next.next().value;
          return {
            outcome: 'refused',
            errors: mistakes.map(({ pointer, message }) => ({ pointer, message })),
          };
        }),
      };
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/mail/bounces',
    operationId: 'recordReturnedMail',
    tag,
    summary: 'Hand in a mail that came back',
    description:
      'The raw mail (`message/rfc822`) that arrived at an address of MAIL_DOMAIN: a delivery status notification (RFC 3464), a complaint (ARF, RFC 5965), or a mail to the address that unsubscribes. Only what carries our signature is believed: the bounce address, or the Message-ID of the mail inside. Anything else is answered with `unknown` or no result.',
    scope: 'messages:write',
    basic: true,
    idempotency: 'none',
    consumes: ['message/rfc822'],
    bodyLimit: MAIL_LIMIT,
    query: closed({
      recipient: Type.Optional(
        Type.String({
          maxLength: 320,
          description: 'Recipient of the envelope, where your mail server knows it.',
          examples: ['bounce+mfrggzdfmztwq2lk@mail.example.com'],
        }),
      ),
    }),
    returns: { 200: ref(MailFeedbackResult) },
    refuses: ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
    handle: async (ctx, { query, request }) => {
      if (!Buffer.isBuffer(request.body)) throw new Problem('UNSUPPORTED_MEDIA_TYPE');
      return { results: await recordReturnedMail(ctx, mailSecrets, request.body, query.recipient) };
    },
  });

  for (const { provider, name, body, description } of WEBHOOKS) {
    endpoint(app, {
      method: 'POST',
      url: `/mail/webhooks/${provider}`,
      operationId: `receive${name.replaceAll(' ', '')}Webhook`,
      tag,
      summary: `Receive webhooks of ${name}`,
      description: `${description} ${CREDENTIAL}`,
      scope: 'messages:write',
      basic: true,
      idempotency: 'none',
      body,
      returns: { 200: ref(MailFeedbackResult) },
      handle: async (ctx, input) => ({
        results: await recordWebhook(ctx, mailSecrets, provider, input.body),
      }),
    });
  }
}
