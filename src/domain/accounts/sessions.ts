// Sessions: how long a log-in lasts.
import { DAY_MS } from '../days.ts';

/** Life of an access token; what ends a session is noticed at once all the same, for each request looks. */
export const ACCESS_TOKEN_SECONDS = 900;
/** A session that nobody refreshes ends after this. */
const IDLE_DAYS = 30;
/** However often it is refreshed, a session ends this long after the log-in. */
const LONGEST_DAYS = 180;
/** Open sessions of one customer; a further log-in ends the oldest. */
export const MAX_SESSIONS = 50;

/** When a session ends that is used now. */
export const sessionEnd = (createdAt: Date, now: Date): Date =>
  new Date(Math.min(now.getTime() + IDLE_DAYS * DAY_MS, createdAt.getTime() + LONGEST_DAYS * DAY_MS));

export interface RefreshFacts {
  expiresAt: Date;
  usedAt: Date | null;
  session: { endedAt: Date | null; expiresAt: Date };
}

/**
 * What a refresh token is good for. `reused`: it was exchanged before, so two hold it, and one of them stole it (RFC 9700,
 * 4.14.2).
 */
export function judgeRefresh(token: RefreshFacts | undefined, at: Date): 'usable' | 'reused' | 'worthless' {
  if (!token || token.session.endedAt || token.session.expiresAt <= at) return 'worthless';
  if (token.usedAt) return 'reused';
  return token.expiresAt <= at ? 'worthless' : 'usable';
}
