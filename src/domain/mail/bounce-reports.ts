// Mails that come back: delivery status notifications (RFC 3464), complaints (ARF, RFC 5965), and mails that unsubscribe.
import type { Feedback } from './feedback.ts';

/** Fields of one block of a report, by lower-case name. */
export type ReportFields = ReadonlyMap<string, string>;

/** A mail that came to one of our addresses, taken apart. */
export interface ReturnedMail {
  /** Texts that may hold one of our addresses; the envelope's recipient first. */
  addressedTo: string[];
  /** `message/delivery-status`: the first block is of the mail, the others are of one recipient each. */
  deliveryStatus: ReportFields[];
  /** `message/feedback-report`. */
  complaint: ReportFields | undefined;
  /** Message-ID of the mail that is returned inside. */
  returnedMessageId: string | undefined;
  /** Who the mail that is returned inside was from and to. */
  returnedAddresses: string[];
}

/** `Name: value` lines, folded as in RFC 5322, in blocks that blank lines part. */
export function readFields(text: string): ReportFields[] {
  return text
    .replace(/\r\n?/g, '\n')
    .split(/\n[ \t]*\n+/)
    .map((block) => new Map(fieldsOf(block)))
    .filter((fields) => fields.size > 0);
}

function fieldsOf(block: string): [string, string][] {
  const lines = block.replace(/\n[ \t]+/g, ' ').split('\n');
  return lines.flatMap((line): [string, string][] => {
    const match = /^([A-Za-z0-9-]{1,80}):[ \t]*(.*)$/.exec(line.trim());
    return match ? [[(match[1] ?? '').toLowerCase(), (match[2] ?? '').trim()]] : [];
  });
}

/** `rfc822; ada@example.net` → `ada@example.net`. */
const typedValue = (value: string | undefined): string | undefined =>
  value?.replace(/^[\w-]+\s*;\s*/, '').replace(/^<|>$/g, '');

/** Actions of RFC 3464 2.3.3 that say something for good; `delayed`, `relayed` and `expanded` do not. */
function ofRecipient(fields: ReportFields): Feedback[] {
  const action = fields.get('action')?.toLowerCase();
  if (action !== 'failed' && action !== 'delivered') return [];
  const status = /^\d\.\d+\.\d+/.exec(fields.get('status') ?? '')?.[0] ?? '';
  const diagnostic = [status, typedValue(fields.get('diagnostic-code'))].filter(Boolean).join(' ');
  const email = typedValue(fields.get('original-recipient')) ?? typedValue(fields.get('final-recipient'));
  return [{ event: action === 'failed' ? 'bounced' : 'delivered', email, diagnostic }];
}

/** Types of RFC 5965 and RFC 6430 that are about the sender. */
function ofComplaint(fields: ReportFields): Feedback[] {
  const type = fields.get('feedback-type')?.toLowerCase() ?? '';
  const email = typedValue(fields.get('original-rcpt-to'));
  if (type === 'opt-out' || type === 'opt-out-list')
    return [{ event: 'unsubscribed', email, diagnostic: type }];
  if (type === 'not-spam' || type === 'auth-failure' || type === '') return [];
  return [{ event: 'complained', email, diagnostic: type }];
}

/** What the mail says; nothing for answers by people and programs, which may come to a bounce address too. */
export const feedbackOf = ({ deliveryStatus, complaint }: ReturnedMail): Feedback[] => [
  ...deliveryStatus.flatMap(ofRecipient),
  ...(complaint ? ofComplaint(complaint) : []),
];
