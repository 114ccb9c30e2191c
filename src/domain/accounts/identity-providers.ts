// Identity providers of a store: what a valid one is, what some of them do differently, and what they say of a person.
import { normaliseEmail } from '../emails.ts';
import { type FieldProblem, readText } from '../fields.ts';
import { normaliseLanguage } from '../locales.ts';

/** Part of paths and of the shop's own addresses. */
export const PROVIDER_KEY_PATTERN = '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$';
export const MAX_SCOPES = 20;
/** Characters of a scope: RFC 6749, 3.3. */
export const SCOPE_PATTERN = '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,100}$';
export const DEFAULT_IDENTITY_SCOPES = ['openid', 'email', 'profile'];
/** Time in which somebody finishes a log-in with a provider. */
export const LOGIN_LIFETIME_MS = 10 * 60_000;

/** How a provider differs from what its discovery document says. */
export interface ProviderQuirks {
  /** Added to the request for authorization. */
  parameters?: Readonly<Record<string, string>>;
  /** Metadata that the discovery document leaves out. */
  metadata?: Readonly<{ token_endpoint: string; token_endpoint_auth_methods_supported: string[] }>;
}

const QUIRKS: Readonly<Record<string, ProviderQuirks>> = {
  // The code flow is there, its token endpoint is not in the document.
  'https://www.facebook.com': {
    metadata: {
      token_endpoint: 'https://graph.facebook.com/oauth/access_token',
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    },
  },
  // Whoever asks for name or email gets the answer as a form.
  'https://appleid.apple.com': { parameters: { response_mode: 'form_post' } },
};

export const quirksOf = (issuer: string): ProviderQuirks => QUIRKS[issuer.replace(/\/$/, '')] ?? {};

export interface ProviderInput {
  name?: string;
  issuer?: string;
  scopes?: readonly string[];
}
export interface ProviderFields {
  name?: string;
  issuer?: string;
  scopes?: string[];
}
export type ProviderRefusal = { refused: 'IDENTITY_PROVIDER_INVALID'; errors: FieldProblem[] };

/** `openid` first, each scope once: without it there is no word about who somebody is. */
const readScopes = (scopes: readonly string[]): string[] => [...new Set(['openid', ...scopes])];

/** Reads a new provider or a patch of one; `mayAsk` says which addresses this service asks at all. */
export function normaliseProvider(
  input: ProviderInput,
  { mayAsk }: { mayAsk: (address: URL) => boolean },
): { fields: ProviderFields } | ProviderRefusal {
  const problems: FieldProblem[] = [];
  const name = input.name === undefined ? undefined : readText(input.name);
  if (input.name !== undefined && name === undefined)
    problems.push({ pointer: '/name', code: 'TEXT_INVALID', message: '1 to 255 visible characters.' });
  if (input.issuer !== undefined && !isIssuer(input.issuer, mayAsk))
    problems.push({
      pointer: '/issuer',
      code: 'ISSUER_INVALID',
      message: 'An https address on the public internet without query and fragment.',
    });
  if (problems.length > 0) return { refused: 'IDENTITY_PROVIDER_INVALID', errors: problems };
  return {
    fields: {
      ...(name !== undefined && { name }),
      ...(input.issuer !== undefined && { issuer: input.issuer }),
      ...(input.scopes !== undefined && { scopes: readScopes(input.scopes) }),
    },
  };
}

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/** OpenID Connect Discovery 1.0, 2: no query, no fragment; https, unless `mayAsk` lets another one be. */
function isIssuer(text: string, mayAsk: (address: URL) => boolean): boolean {
  const url = parseUrl(text);
  return url !== undefined && !url.username && !url.password && !/[?#]/.test(text) && mayAsk(url);
}

/**
 * The address to come back to in its normal form, or undefined when it is on no page of the store. It has no query, for
 * what the provider answers is put there.
 */
export function readRedirect(text: string, origins: ReadonlySet<string>): string | undefined {
  const url = parseUrl(text);
  if (!url || url.username || url.password || /[?#]/.test(text) || !/^https?:$/.test(url.protocol))
    return undefined;
  return origins.has(url.origin) ? url.href : undefined;
}

/** The origins of addresses, be they templates with a `{token}`; what is no address is left out. */
export const originsOf = (addresses: readonly (string | null | undefined)[]): Set<string> =>
  new Set(addresses.flatMap((address) => (address ? (parseUrl(address)?.origin ?? []) : [])));

/** Who somebody is at a provider. */
export interface ProviderIdentity {
  subject: string;
  email: string | null;
  emailNorm: string | null;
  /** The provider says that the address is theirs; silence is a no. */
  emailVerified: boolean;
  firstName: string | null;
  lastName: string | null;
  language: string | null;
}

const textOf = (claim: unknown): string | null => (typeof claim === 'string' && readText(claim)) || null;

/** The claims that count. Apple wrote `email_verified` as a text for years. */
export function identityOf(claims: Readonly<Record<string, unknown>> & { sub: string }): ProviderIdentity {
  const { sub: subject, email_verified: verified, locale } = claims;
  const email = textOf(claims.email);
  return {
    subject,
    email,
    emailNorm: email === null ? null : (normaliseEmail(email) ?? null),
    emailVerified: verified === true || verified === 'true',
    firstName: textOf(claims.given_name),
    lastName: textOf(claims.family_name),
    language: typeof locale === 'string' ? (normaliseLanguage(locale) ?? null) : null,
  };
}

export type VerifiedIdentity = ProviderIdentity & { email: string; emailNorm: string };

/** Linked by the address, which therefore must be verified: else anybody could name anybody's. */
export function checkVerified(
  identity: ProviderIdentity,
): VerifiedIdentity | { refused: 'IDENTITY_EMAIL_UNVERIFIED' } {
  const { email, emailNorm, emailVerified } = identity;
  if (!emailVerified || email === null || emailNorm === null) return { refused: 'IDENTITY_EMAIL_UNVERIFIED' };
  return { ...identity, email, emailNorm };
}
