// Who a mail comes from, and the headers that say what it is (M7).
import { normaliseEmail } from '../emails.ts';
import type { MessageClass, MessageKind } from './messages.ts';
import type { Sender } from './settings.ts';

/** Written by a person: nothing answers by itself here (RFC 3834), so an answer by a program is welcome too. */
const PERSONAL: ReadonlySet<MessageKind> = new Set(['direct', 'ticket_reply']);

/** The senders that a store has set; null where it has none. */
export interface Senders {
  sender: Sender | null;
  marketingSender: Sender | null;
}

/** Marketing has a sender of its own where the store wants it; `fallback` is that of the installation. */
export function senderOf(
  mailClass: MessageClass,
  { sender, marketingSender }: Senders,
  fallback: Sender | null,
): Sender | null {
  const own = mailClass === 'marketing' ? (marketingSender ?? sender) : sender;
  return own ?? fallback;
}

export interface HeaderFacts {
  kind: MessageKind;
  class: MessageClass;
  storeId: string;
  campaignId: string | null;
  /** Of the page that RFC 8058 posts to; https. */
  unsubscribeUrl: string;
  /** Where there is a domain that mail comes back to. */
  unsubscribeAddress?: string;
}

/** Headers beyond those of every mail. Marketing carries no Precedence: it only tells servers to treat it as junk. */
export function mailHeaders(facts: HeaderFacts): Record<string, string> {
  return {
    'Feedback-ID': feedbackId(facts),
    ...(facts.class === 'marketing' ? unsubscribeHeaders(facts) : automaticHeaders(facts.kind)),
  };
}

/** RFC 2369 and RFC 8058; both belong under the DKIM signature. */
function unsubscribeHeaders({ unsubscribeUrl, unsubscribeAddress }: HeaderFacts): Record<string, string> {
  const mailto = unsubscribeAddress === undefined ? '' : `, <mailto:${unsubscribeAddress}>`;
  return {
    'List-Unsubscribe': `<${unsubscribeUrl}>${mailto}`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  };
}

const automaticHeaders = (kind: MessageKind): Record<string, string> =>
  PERSONAL.has(kind) ? {} : { 'Auto-Submitted': 'auto-generated' };

/** What mailbox providers count complaints by: campaign, kind, class, and last the sender in 5 to 15 letters. */
function feedbackId({ campaignId, kind, class: mailClass, storeId }: HeaderFacts): string {
  return [campaignId ?? kind, kind, mailClass, storeId.slice(-12)].join(':');
}

const NAMED_ADDRESS = /^(?:"?([^"<>\r\n]*?)"?\s*)<([^<>\s]+)>$/;

/** `My store <hello@example.com>` or an address alone; undefined for anything else. */
export function readSender(text: string): Sender | undefined {
  const [, name = '', address = text.trim()] = NAMED_ADDRESS.exec(text.trim()) ?? [];
  const email = normaliseEmail(address);
  return email === undefined ? undefined : { name: name.trim() || email, email };
}
