// Secrets that are sent by mail: what they open, and for how long.

/** A single-use secret that was mailed; what it opens. */
export const ACCOUNT_TOKEN_KINDS = [
  'invitation',
  'password_reset',
  'email_verification',
  'email_change',
  'consent_confirmation',
] as const;
export type AccountTokenKind = (typeof ACCOUNT_TOKEN_KINDS)[number];

/** How somebody logged in; `oidc` with an identity provider. */
export const LOGIN_METHODS = ['password', 'invitation', 'registration', 'password_reset', 'oidc'] as const;
export type LoginMethod = (typeof LOGIN_METHODS)[number];

/** Why a session ended. */
export const SESSION_ENDS = [
  'logged_out',
  'logged_out_everywhere',
  'revoked',
  'too_many',
  'token_reused',
  'password_changed',
  'account_disabled',
  'customer_gone',
] as const;
export type SessionEnd = (typeof SESSION_ENDS)[number];

/** The secret part of a mailed token: 256 bits (I1). */
export const SECRET_BYTES = 32;
const STORE_HEX = 32;

/** 48 bytes in base64url: the store, so that a page without a credential knows whose it is, and the secret. */
const TOKEN = /^[A-Za-z0-9_-]{64}$/;

/** The text of a token; `random` is 32 bytes. */
export const formatToken = (storeId: string, random: Buffer): string =>
  Buffer.concat([Buffer.from(storeId.replaceAll('-', ''), 'hex'), random]).toString('base64url');

/** The store that a token claims, or undefined when the text is no token. */
export function storeOfToken(text: string): string | undefined {
  if (!TOKEN.test(text)) return undefined;
  const hex = Buffer.from(text, 'base64url').toString('hex').slice(0, STORE_HEX);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * Kinds of which a customer has one errand at a time: whoever uses one token uses up all of that kind. Confirmations of
 * consent stand side by side, each for its own topics.
 */
export const ONE_AT_A_TIME: ReadonlySet<AccountTokenKind> = new Set([
  'invitation',
  'password_reset',
  'email_verification',
  'email_change',
]);

const LINK_HOURS = 24;

/** When a link ends that is made now; invitations and confirmations of consent have terms of their own. */
export const linkExpiry = (now: Date): Date => new Date(now.getTime() + LINK_HOURS * 3_600_000);

/** What is left to do with a link that came too late, by kind. */
export const TOKEN_WAYS_OUT: Readonly<Record<AccountTokenKind, string>> = {
  invitation: 'Ask for a new link with POST /storefront/v1/invitations/{token}/renew.',
  password_reset: 'Ask for a new link with POST /storefront/v1/password-reset.',
  email_verification: 'Register again with POST /storefront/v1/register.',
  email_change: 'Ask for the change again with POST /storefront/v1/me/email.',
  consent_confirmation: 'Sign up again.',
};

export interface TokenFacts {
  expiresAt: Date;
  usedAt: Date | null;
  revokedAt: Date | null;
}

/**
 * I3: `expired` is told apart, because there is a way out of it; a used or revoked token is as unknown as one that never
 * was.
 */
export function judgeToken(token: TokenFacts | undefined, at: Date): 'usable' | 'expired' | 'unknown' {
  if (!token || token.usedAt || token.revokedAt) return 'unknown';
  return token.expiresAt <= at ? 'expired' : 'usable';
}
