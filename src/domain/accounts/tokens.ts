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
  'token_reused',
  'password_changed',
  'account_disabled',
  'customer_gone',
] as const;
export type SessionEnd = (typeof SESSION_ENDS)[number];
