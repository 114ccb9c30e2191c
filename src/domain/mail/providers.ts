// What mail providers post to webhooks, mapped to our own format. Fields as in their documentation; whatever is missing or of
// another type is read as absent, and events that say nothing about delivery are left out.
import type { BounceType, Feedback } from './feedback.ts';

export const PROVIDERS = ['postmark', 'sendgrid', 'ses', 'mailgun'] as const;
export type Provider = (typeof PROVIDERS)[number];

type Json = Readonly<Record<string, unknown>>;

const NOTHING: Json = {};
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : NOTHING;
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function instantOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  // Numbers are seconds, with both providers that send them.
  const at = new Date(typeof value === 'number' ? value * 1000 : value);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

const words = (...parts: unknown[]): string | undefined =>
  parts
    .map((part) => (typeof part === 'number' ? String(part) : textOf(part)))
    .filter(Boolean)
    .join(' ') || undefined;

/** Types of Postmark's bounce API that mean an address without a mailbox; and those that are no bounces. */
const POSTMARK_HARD: ReadonlySet<string> = new Set(['HardBounce', 'BadEmailAddress', 'ManuallyDeactivated']);
const POSTMARK_NONE: ReadonlySet<string> = new Set([
  'AutoResponder',
  'AddressChange',
  'Subscribe',
  'ChallengeVerification',
  'OpenRelayTest',
  'Unconfirmed',
]);
const POSTMARK_COMPLAINT: ReadonlySet<string> = new Set(['SpamComplaint', 'SpamNotification']);

function postmark(payload: unknown): Feedback[] {
  const told = objectOf(payload);
  const type = textOf(told.Type) ?? '';
  const base = {
    // Our id travels as metadata, because Postmark names mails by ids of its own.
    messageId: textOf(objectOf(told.Metadata).message),
    email: textOf(told.Email) ?? textOf(told.Recipient),
    at: instantOf(told.BouncedAt) ?? instantOf(told.DeliveredAt) ?? instantOf(told.ChangedAt),
    diagnostic: words(told.Details ?? told.Description),
  };
  switch (told.RecordType) {
    case 'Delivery':
      return [{ ...base, event: 'delivered' }];
    case 'SpamComplaint':
      return [{ ...base, event: 'complained' }];
    case 'SubscriptionChange':
      return told.SuppressSending === true &&
        told.Origin === 'Recipient' &&
        told.SuppressionReason === 'ManualSuppression'
        ? [{ ...base, event: 'unsubscribed' }]
        : [];
    case 'Bounce':
      if (POSTMARK_NONE.has(type)) return [];
      if (POSTMARK_COMPLAINT.has(type)) return [{ ...base, event: 'complained' }];
      if (type === 'Unsubscribe') return [{ ...base, event: 'unsubscribed' }];
      return [{ ...base, event: 'bounced', bounceType: POSTMARK_HARD.has(type) ? 'hard' : 'soft' }];
    default:
      return [];
  }
}

/** SendGrid does not even try addresses of its own lists, and says which one. */
const SENDGRID_DROPS: Readonly<Record<string, Pick<Feedback, 'event' | 'bounceType'>>> = {
  'Bounced Address': { event: 'bounced', bounceType: 'hard' },
  Invalid: { event: 'bounced', bounceType: 'hard' },
  'Spam Reporting Address': { event: 'complained' },
  'Unsubscribed Address': { event: 'unsubscribed' },
};

function sendgridBounce(told: Json): BounceType {
  const kind = textOf(told.bounce_classification);
  if (told.type === 'blocked') return 'soft';
  return kind === undefined || kind === 'Invalid Address' ? 'hard' : 'soft';
}

function sendgridEvent(payload: unknown): Feedback[] {
  const told = objectOf(payload);
  const base = {
    messageId: textOf(told['smtp-id']),
    email: textOf(told.email),
    at: instantOf(told.timestamp),
    diagnostic: words(told.status, told.reason ?? told.response),
  };
  switch (told.event) {
    case 'delivered':
      return [{ ...base, event: 'delivered' }];
    case 'bounce':
      return [{ ...base, event: 'bounced', bounceType: sendgridBounce(told) }];
    case 'dropped': {
      const drop = SENDGRID_DROPS[textOf(told.reason) ?? ''];
      return drop ? [{ ...base, ...drop }] : [];
    }
    case 'spamreport':
      return [{ ...base, event: 'complained' }];
    case 'unsubscribe':
    case 'group_unsubscribe':
      return [{ ...base, event: 'unsubscribed' }];
    default:
      return [];
  }
}

/** SES tells through SNS, which wraps it in a text, unless raw delivery is on. */
function sesMessage(payload: unknown): Json {
  const envelope = objectOf(payload);
  if (typeof envelope.Message !== 'string') return envelope;
  try {
    return objectOf(JSON.parse(envelope.Message));
  } catch {
    return NOTHING;
  }
}

function sesMessageId(mail: Json): string | undefined {
  const tag = textOf(listOf(objectOf(mail.tags).message)[0]);
  const headers = listOf(mail.headers).map(objectOf);
  const header = headers.find(({ name }) => textOf(name)?.toLowerCase() === 'message-id');
  // SES puts its own Message-ID on the mail, but keeps ours among the headers that it tells.
  return tag ?? textOf(header?.value) ?? textOf(objectOf(mail.commonHeaders).messageId);
}

function ses(payload: unknown): Feedback[] {
  const told = sesMessage(payload);
  const messageId = sesMessageId(objectOf(told.mail));
  const each = (recipients: unknown, make: (recipient: Json) => Omit<Feedback, 'messageId' | 'email'>) =>
    listOf(recipients).map((one): Feedback => {
      const recipient = objectOf(one);
      return { messageId, email: textOf(one) ?? textOf(recipient.emailAddress), ...make(recipient) };
    });
  switch (told.notificationType ?? told.eventType) {
    case 'Delivery': {
      const { recipients, timestamp, smtpResponse } = objectOf(told.delivery);
      return each(recipients, () => ({
        event: 'delivered',
        at: instantOf(timestamp),
        diagnostic: words(smtpResponse),
      }));
    }
    case 'Bounce': {
      const { bouncedRecipients, bounceType, timestamp } = objectOf(told.bounce);
      return each(bouncedRecipients, ({ status, diagnosticCode }) => ({
        event: 'bounced',
        bounceType: bounceType === 'Permanent' ? 'hard' : 'soft',
        at: instantOf(timestamp),
        diagnostic: words(status, diagnosticCode),
      }));
    }
    case 'Complaint': {
      const { complainedRecipients, complaintFeedbackType, timestamp } = objectOf(told.complaint);
      if (complaintFeedbackType === 'not-spam') return [];
      return each(complainedRecipients, () => ({
        event: 'complained',
        at: instantOf(timestamp),
        diagnostic: words(complaintFeedbackType),
      }));
    }
    default:
      return [];
  }
}

/** Mailgun, too, says which of its own lists an address is on. */
const MAILGUN_SUPPRESSED: Readonly<Record<string, Pick<Feedback, 'event' | 'bounceType'>>> = {
  'suppress-bounce': { event: 'bounced', bounceType: 'hard' },
  'suppress-complaint': { event: 'complained' },
  'suppress-unsubscribe': { event: 'unsubscribed' },
};

function mailgun(payload: unknown): Feedback[] {
  const told = objectOf(objectOf(payload)['event-data']);
  const status = objectOf(told['delivery-status']);
  const base = {
    messageId: textOf(objectOf(objectOf(told.message).headers)['message-id']),
    email: textOf(told.recipient),
    at: instantOf(told.timestamp),
    diagnostic: words(status.code, status.message ?? status.description),
  };
  switch (told.event) {
    case 'delivered':
    case 'complained':
    case 'unsubscribed':
      return [{ ...base, event: told.event }];
    case 'failed':
      // A temporary failure is tried again by Mailgun itself.
      if (told.severity !== 'permanent') return [];
      return [{ ...base, event: 'bounced', ...MAILGUN_SUPPRESSED[textOf(told.reason) ?? ''] }];
    default:
      return [];
  }
}

const MAPPERS: Readonly<Record<Provider, (payload: unknown) => Feedback[]>> = {
  postmark,
  sendgrid: (payload) => listOf(payload).flatMap(sendgridEvent),
  ses,
  mailgun,
};

/** What the body of a webhook tells, in our own format. */
export const feedbackFrom = (provider: Provider, payload: unknown): Feedback[] => MAPPERS[provider](payload);

const SNS_HOST = /^sns\.[a-z0-9-]{1,30}\.amazonaws\.com(?:\.cn)?$/;

/** Where SNS wants to be told that its messages are welcome; only ever an address of SNS itself. */
export function confirmationUrlOf(payload: unknown): string | undefined {
  const { Type, SubscribeURL } = objectOf(payload);
  const text = Type === 'SubscriptionConfirmation' ? textOf(SubscribeURL) : undefined;
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username } = new URL(text);
  return protocol === 'https:' && SNS_HOST.test(hostname) && port === '' && username === ''
    ? text
    : undefined;
}

/** Headers by which a relay tells in its webhooks which mail it speaks of, where it puts its own Message-ID on it. */
const RELAY_HEADERS: readonly (readonly [RegExp, (id: string) => Record<string, string>])[] = [
  [/(^|\.)postmarkapp\.com$/, (id) => ({ 'X-PM-Metadata-message': id })],
  [/(^|\.)amazonaws\.com$/, (id) => ({ 'X-SES-MESSAGE-TAGS': `message=${id}` })],
];

/** @param host of the SMTP server */
export const relayHeaders = (host: string, id: string): Record<string, string> =>
  RELAY_HEADERS.find(([pattern]) => pattern.test(host))?.[1](id) ?? {};
