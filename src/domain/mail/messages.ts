// Messages: every mail of any kind is one row. Its class, the states it goes through and why it may not be sent.

/** What a mail is for. Transactional mails answer something that the customer did; marketing needs consent. */
export const MESSAGE_CLASSES = ['transactional', 'marketing'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/** Kinds of mails with the class that each is of; `direct` is written by staff and says its class itself. */
export const MESSAGE_KINDS = {
  welcome: 'transactional',
  invitation: 'transactional',
  password_reset: 'transactional',
  email_verification: 'transactional',
  email_change: 'transactional',
  email_changed: 'transactional',
  account_exists: 'transactional',
  consent_confirmation: 'transactional',
  credit_granted: 'transactional',
  points_expiring: 'transactional',
  tier_reached: 'transactional',
  order_confirmation: 'transactional',
  shipping_update: 'transactional',
  delay_notice: 'transactional',
  ticket_reply: 'transactional',
  direct: 'transactional',
  test: 'transactional',
  campaign: 'marketing',
  automation: 'marketing',
  survey: 'marketing',
  review_request: 'marketing',
} as const satisfies Record<string, MessageClass>;
export type MessageKind = keyof typeof MESSAGE_KINDS;

/**
 * `pending` (written, not looked at yet) and `ready` wait for `sendAfter`; `sending` is committed before the socket is
 * written (M1); `deferred` is tried again. The others are final, but `unknown` may become known (M4).
 */
export const MESSAGE_STATUSES = [
  'pending',
  'ready',
  'sending',
  'deferred',
  'sent',
  'failed',
  'unknown',
  'skipped',
  'cancelled',
] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** States in which a mail still waits to be sent. */
export const WAITING_STATUSES = ['pending', 'ready', 'deferred'] as const satisfies readonly MessageStatus[];

/** Why somebody of the audience gets no mail, in the order in which they are looked at: the first one counts. */
export const SKIP_REASONS = [
  'erased',
  'merged',
  'disabled',
  'excluded',
  'no_email',
  'suppressed_hard_bounce',
  'suppressed_complaint',
  'suppressed_manual',
  'suppressed_soft_bounces',
  'unsubscribed',
  'no_consent',
  'consent_pending',
  'duplicate_address',
  'already_received',
  'contact_limit',
  'holdout',
  'expired',
  'obsolete',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Why a mail failed for good. */
export const FAILURE_REASONS = [
  'refused_recipient',
  'mailbox_full',
  'refused_content',
  'refused_sender',
  'refused',
  'too_many_attempts',
  'template_error',
  'template_timeout',
  'address_invalid',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** How one attempt ended. `unknown`: the server may have taken it. */
export const ATTEMPT_OUTCOMES = ['sent', 'deferred', 'failed', 'unknown'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];
