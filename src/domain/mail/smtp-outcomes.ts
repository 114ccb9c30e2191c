// What the end of an attempt to hand over a mail means for the mail (M1, M6), and when it is tried again.
import { DAY_MS } from '../days.ts';
import type { FailureReason } from './messages.ts';

/** Steps of handing over one mail, up to which it came. */
export const SMTP_PHASES = ['connect', 'login', 'sender', 'recipient', 'content'] as const;
export type SmtpPhase = (typeof SMTP_PHASES)[number];

/**
 * Why a mail is tried again. `sender_refused`: the server does not take mails from us at all, so all others would fare
 * alike and nothing of it is the recipient's fault. `unreachable`: no server answered, or it went away. `busy`: it said later.
 */
export const DEFERRAL_REASONS = ['sender_refused', 'unreachable', 'busy'] as const;
export type DeferralReason = (typeof DEFERRAL_REASONS)[number];

interface Reply {
  /** SMTP reply code (RFC 5321 4.2); 0 without an answer. */
  code: number;
  /** What the server said, or what happened instead: one line of at most 500 characters. */
  response: string;
}

export type SendResult = Reply &
  (
    | { outcome: 'sent' }
    | { outcome: 'deferred'; reason: DeferralReason }
    | { outcome: 'failed'; reason: FailureReason }
    /** The server may have taken it. */
    | { outcome: 'unknown' }
  );

/** How an attempt ended without being accepted. */
export interface SmtpFailure {
  phase: SmtpPhase;
  /** Of the server's answer; 0 when there was none. */
  code: number;
  text: string;
  /** The last byte of the mail, the dot that ends it, may have left us. */
  isHandedOver: boolean;
}

const MAX_RESPONSE_LENGTH = 500;

/** One line without control characters, short enough to be kept. */
export const responseLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_RESPONSE_LENGTH);

/** The outcome of an attempt that the server did not accept. */
export function outcomeOf(failure: SmtpFailure): SendResult {
  const { code, phase, isHandedOver } = failure;
  const response = responseLine(failure.text);
  if (code >= 500 && code < 600) {
    // Before a recipient is named the answer is about us.
    if (isAboutUs(failure)) return { outcome: 'deferred', code, response, reason: 'sender_refused' };
    return { outcome: 'failed', code, response, reason: refusalReason({ phase, code, text: response }) };
  }
  if (code >= 400 && code < 500) return { outcome: 'deferred', code, response, reason: 'busy' };
  if (isHandedOver) return { outcome: 'unknown', code, response };
  return {
    outcome: 'deferred',
    code,
    response,
    reason: phase === 'login' ? 'sender_refused' : 'unreachable',
  };
}

const LOGIN_CODES: ReadonlySet<number> = new Set([530, 534, 535, 538]);

function isAboutUs({ phase, code, text }: SmtpFailure): boolean {
  if (phase === 'connect' || phase === 'login' || LOGIN_CODES.has(code)) return true;
  // The size of the mail is announced with MAIL (RFC 1870): that answer is about the mail.
  return phase === 'sender' && !isTooLarge(code, enhancedCode(text) ?? '');
}

const isTooLarge = (code: number, enhanced: string): boolean =>
  enhanced === '5.3.4' || enhanced === '5.2.3' || (enhanced === '' && code === 552);

/** The enhanced status code (RFC 3463) in an answer. */
export const enhancedCode = (text: string): string | undefined =>
  /(?:^|[\s#(-])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(text)?.[1];

/** By RFC 3463 and the IANA registry of enhanced status codes; the first row that fits. */
const BY_ENHANCED: readonly (readonly [RegExp, FailureReason])[] = [
  [/^5\.1\.[78]$/, 'refused_sender'],
  [/^5\.1\./, 'refused_recipient'],
  [/^5\.2\.1$/, 'refused_recipient'],
  [/^5\.2\.2$/, 'mailbox_full'],
  [/^5\.2\.3$/, 'refused_content'],
  [/^5\.3\.4$/, 'refused_content'],
  [/^5\.6\./, 'refused_content'],
  // SPF, DKIM, DMARC, reverse DNS.
  [/^5\.7\.(?:2\d|30)$/, 'refused_sender'],
];

/** Words of answers that are about reputation or relaying although their code says that there is no such mailbox. */
const POLICY = /spam|block|black ?list|denied|policy|reputation|relay|rbl|dnsbl|dmarc|spf|dkim/i;
const NO_MAILBOX: ReadonlySet<number> = new Set([550, 551, 553]);

/** What a final refusal (5yz) was about: from the enhanced code, else from the code and the step. */
export function refusalReason({
  phase,
  code,
  text,
}: {
  phase: SmtpPhase;
  code: number;
  text: string;
}): FailureReason {
  const enhanced = enhancedCode(text);
  const known = enhanced && BY_ENHANCED.find(([pattern]) => pattern.test(enhanced))?.[1];
  if (known) return known;
  if (code === 552) return phase === 'sender' ? 'refused_content' : 'mailbox_full';
  if (phase === 'content') return 'refused_content';
  // 5.7.1 at RCPT is a rule of the receiving side, never a missing mailbox.
  if (enhanced?.startsWith('5.7.') || POLICY.test(text)) return 'refused';
  return NO_MAILBOX.has(code) ? 'refused_recipient' : 'refused';
}

const MINUTE_MS = 60_000;
const SHORTEST_MS = 5 * MINUTE_MS;
const LONGEST_MS = 6 * 60 * MINUTE_MS;
const LIFETIME_MS = 3 * DAY_MS;
/** Seven pauses of 5, 15, 45, 135 and then 360 minutes outlast an outage of most of a day. */
const GROWTH = 3;
export const MAX_ATTEMPTS = 8;

/**
 * When a deferred mail is tried again: pauses grow from 5 minutes to 6 hours, ± 20 % by `random` (0 to 1) so that mails
 * that failed together do not come back together. Undefined after 8 attempts or 3 days: it failed (`too_many_attempts`).
 * @param attempts how many were made, the last one included
 */
export function retryAt({
  attempts,
  firstTriedAt,
  now,
  random,
}: {
  attempts: number;
  firstTriedAt: Date;
  now: Date;
  random: number;
}): Date | undefined {
  if (attempts >= MAX_ATTEMPTS) return undefined;
  const pause = SHORTEST_MS * GROWTH ** (Math.max(attempts, 1) - 1) * (0.8 + 0.4 * random);
  const at = now.getTime() + Math.round(Math.min(Math.max(pause, SHORTEST_MS), LONGEST_MS));
  return at - firstTriedAt.getTime() > LIFETIME_MS ? undefined : new Date(at);
}
