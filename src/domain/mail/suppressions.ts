// The list of addresses that get no mail: what puts one on it, for how long, and what is stronger.
import { DAY_MS } from '../days.ts';
import type { SuppressionReason } from './consents.ts';

/** What happened to an address. A single soft bounce suppresses nothing. */
export const SUPPRESSION_CAUSES = ['hard_bounce', 'complaint', 'manual', 'soft_bounce'] as const;
export type SuppressionCause = (typeof SUPPRESSION_CAUSES)[number];

/** So many soft bounces within so many days suppress for so many days. */
const SOFT_BOUNCES = 3;
const SOFT_WINDOW_MS = 30 * DAY_MS;
const SOFT_PAUSE_MS = 30 * DAY_MS;

/** What the list says of one address; rows fit. */
export interface Suppression {
  reason: SuppressionReason;
  /** Soft bounces since `countedSince`. */
  bounces: number;
  countedSince: Date;
  /** Null: until somebody lifts it. */
  until: Date | null;
  /** False: lifted, or bounces are only counted. */
  active: boolean;
}

/** An address of which nothing is known yet. */
export const unlisted = (now: Date): Suppression => ({
  reason: 'soft_bounces',
  bounces: 0,
  countedSince: now,
  until: null,
  active: false,
});

export const isSuppressed = ({ active, until }: Pick<Suppression, 'active' | 'until'>, at: Date): boolean =>
  active && (until === null || until > at);

/** What wins when an address has several: a complaint is the recipient's word, a hard bounce the server's. */
const STRENGTH: readonly SuppressionReason[] = ['soft_bounces', 'manual', 'hard_bounce', 'complaint'];

const isStronger = (reason: SuppressionReason, other: SuppressionReason): boolean =>
  STRENGTH.indexOf(reason) > STRENGTH.indexOf(other);

function afterSoftBounce(before: Suppression, now: Date): Suppression {
  const isOfWindow = now.getTime() - before.countedSince.getTime() <= SOFT_WINDOW_MS;
  const counted = isOfWindow && before.bounces > 0;
  const bounces = counted ? before.bounces + 1 : 1;
  const countedSince = counted ? before.countedSince : now;
  if (isSuppressed(before, now)) return { ...before, bounces, countedSince };
  if (bounces < SOFT_BOUNCES) return { ...before, bounces, countedSince, active: false };
  const until = new Date(now.getTime() + SOFT_PAUSE_MS);
  return { reason: 'soft_bounces', bounces, countedSince, until, active: true };
}

/** What the list says after the cause. The weaker reason never replaces a stronger one that is in force. */
export function suppressionAfter(before: Suppression, cause: SuppressionCause, now: Date): Suppression {
  if (cause === 'soft_bounce') return afterSoftBounce(before, now);
  if (isSuppressed(before, now) && !isStronger(cause, before.reason)) return before;
  return { ...before, reason: cause, until: null, active: true };
}

/** Somebody vouches for the address: it gets mail again, and bounces are counted from nothing. */
export const lifted = (before: Suppression, now: Date): Suppression => ({
  ...before,
  bounces: 0,
  countedSince: now,
  until: null,
  active: false,
});
