// Takes a mail apart that came back (postal-mime); what it means is in domain/mail/bounce-reports.ts.
import PostalMime, { type Attachment, type Email } from 'postal-mime';
import { type ReportFields, type ReturnedMail, readFields } from '../domain/mail/bounce-reports.ts';

/** Headers in which servers note whom a mail was delivered to. */
const DELIVERY_HEADERS: ReadonlySet<string> = new Set([
  'delivered-to',
  'x-original-to',
  'envelope-to',
  'x-envelope-to',
  'to',
]);
const RETURNED: ReadonlySet<string> = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers',
  'message/global-headers',
]);
const LIMITS = { maxNestingDepth: 16, forceRfc822Attachments: true } as const;

const textOf = ({ content }: Attachment): string =>
  typeof content === 'string' ? content : Buffer.from(content as ArrayBuffer).toString();

const parse = (raw: Buffer | string): Promise<Email> => PostalMime.parse(raw, LIMITS);

const fieldsIn = (mail: Email, type: string): ReportFields[] =>
  mail.attachments.filter(({ mimeType }) => mimeType === type).flatMap((part) => readFields(textOf(part)));

const valuesOf = (mail: Email, wanted: ReadonlySet<string>): string[] =>
  mail.headers.filter(({ key }) => wanted.has(key)).map(({ value }) => value);

/**
 * @param recipient of the envelope, where the mail server tells it
 * @throws Error when it is nested deeper than any mail
 */
export async function readReturnedMail(raw: Buffer, recipient = ''): Promise<ReturnedMail> {
  const mail = await parse(raw);
  const inside = mail.attachments.find(({ mimeType }) => RETURNED.has(mimeType));
  const returned = inside && (await parse(textOf(inside)));
  const complaint = fieldsIn(mail, 'message/feedback-report')[0];
  return {
    addressedTo: [recipient, ...valuesOf(mail, DELIVERY_HEADERS)],
    deliveryStatus: [
      ...fieldsIn(mail, 'message/delivery-status'),
      ...fieldsIn(mail, 'message/global-delivery-status'),
    ],
    complaint,
    returnedMessageId: returned?.messageId,
    returnedAddresses: [
      ...(returned ? valuesOf(returned, new Set(['return-path', 'list-unsubscribe'])) : []),
      complaint?.get('original-mail-from') ?? '',
    ],
  };
}
