// What is heard of a mail after it was handed over (M8), in one format whoever tells it, and what follows for the mail.
import type { EventKind } from '../events.ts';
import type { FailureReason, MessageStatus } from './messages.ts';
import { enhancedCode, refusalReason } from './smtp-outcomes.ts';
import type { SuppressionCause } from './suppressions.ts';

export const FEEDBACK_EVENTS = ['delivered', 'bounced', 'complained', 'unsubscribed'] as const;
export type FeedbackEvent = (typeof FEEDBACK_EVENTS)[number];

/** `hard`: the address takes no mail, now or later. `soft`: this mail did not get through. */
export const BOUNCE_TYPES = ['hard', 'soft'] as const;
export type BounceType = (typeof BOUNCE_TYPES)[number];

/** One thing that a mail server or provider tells. */
export interface Feedback {
  /** Id of the mail, or its Message-ID. */
  messageId?: string | undefined;
  /** Where the mail went; decides alone when the mail is not known. */
  email?: string | undefined;
  event: FeedbackEvent;
  /** Of bounces; from the words of the server unless told. */
  bounceType?: BounceType | undefined;
  at?: Date | undefined;
  /** The words of the server. */
  diagnostic?: string | undefined;
}

export const MAX_FEEDBACK = 500;

/** Whether the words of a server mean that there is no such mailbox (RFC 3463); without a code it is taken for temporary. */
export function bounceTypeOf({ bounceType, diagnostic = '' }: Feedback): BounceType {
  if (bounceType) return bounceType;
  return bounceReasonOf(diagnostic) === 'refused_recipient' ? 'hard' : 'soft';
}

function bounceReasonOf(diagnostic: string): FailureReason | undefined {
  const code = Number(/(?:^|\D)(5\d\d)(?!\d)/.exec(diagnostic)?.[1] ?? 0);
  const enhanced = enhancedCode(diagnostic);
  if (code === 0 && !enhanced?.startsWith('5.')) return undefined;
  return refusalReason({ phase: 'recipient', code, text: diagnostic });
}

/** What is known of a mail; rows fit. */
export interface MessageFacts {
  status: MessageStatus;
  reason: string | null;
  sentAt: Date | null;
  deliveredAt: Date | null;
  bouncedAt: Date | null;
  complainedAt: Date | null;
  unsubscribedAt: Date | null;
}

/** States of a mail that was tried, and of which it is not known that it was taken. */
const OPEN: ReadonlySet<MessageStatus> = new Set(['unknown', 'deferred']);

const FACT_OF = {
  delivered: 'deliveredAt',
  bounced: 'bouncedAt',
  complained: 'complainedAt',
  unsubscribed: 'unsubscribedAt',
} as const satisfies Record<FeedbackEvent, keyof MessageFacts>;

/**
 * M4: what becomes of the mail; undefined when it says so already. Whatever arrived was sent; a mail that came back while it
 * was in doubt failed. One that waits for another attempt is only given up when the address is no good.
 */
export function factsAfter<Facts extends MessageFacts>(
  message: Facts,
  feedback: Feedback,
  at: Date,
): Facts | undefined {
  const { event } = feedback;
  const fact = FACT_OF[event];
  if (message[fact] !== null) return undefined;
  const known = { ...message, [fact]: at };
  if (!OPEN.has(message.status)) return known;
  if (event !== 'bounced') return { ...known, status: 'sent', reason: null, sentAt: message.sentAt ?? at };
  const isHard = bounceTypeOf(feedback) === 'hard';
  if (message.status === 'deferred' && !isHard) return known;
  const reason = isHard ? 'refused_recipient' : (bounceReasonOf(feedback.diagnostic ?? '') ?? 'refused');
  return { ...known, status: 'failed', reason };
}

/** What the event means for the address; undefined: nothing. */
export function causeOf(feedback: Feedback): SuppressionCause | undefined {
  if (feedback.event === 'complained') return 'complaint';
  if (feedback.event !== 'bounced') return undefined;
  return bounceTypeOf(feedback) === 'hard' ? 'hard_bounce' : 'soft_bounce';
}

/** What the timeline tells; unsubscribing is told as consent. */
export const KIND_OF: Readonly<Partial<Record<FeedbackEvent, EventKind>>> = {
  delivered: 'message.delivered',
  bounced: 'message.bounced',
  complained: 'message.complained',
};
