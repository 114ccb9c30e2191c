// OpenID Connect providers: the code flow with PKCE, state and nonce. Tokens are judged by openid-client, signatures
// included.
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import { identityOf, type ProviderIdentity, quirksOf } from '../domain/accounts/identity-providers.ts';
import { createGuardedFetch, isLoopback } from './guarded-fetch.ts';

/** Of each call; a log-in makes up to four. */
const TIMEOUT_S = 5;
const MAX_BYTES = 256 * 1024;
/** Endpoints move seldom; keys are looked at anew when one is unknown. */
const METADATA_LIFETIME_MS = 60 * 60_000;
const MAX_KNOWN = 1_000;

/** Does not answer, or not as a provider does. */
export class ProviderUnavailable extends Error {
  override name = 'ProviderUnavailable';
}
/** Does not vouch for this log-in: a wrong code, nonce, issuer, audience, signature. */
export class IdentityRefused extends Error {
  override name = 'IdentityRefused';
}

export interface ProviderAccess {
  /** Names this version of the settings, in this store. */
  id: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  scopes: readonly string[];
}

/** What a log-in under way must be finished with. */
export interface LoginSecrets {
  state: string;
  nonce: string;
  codeVerifier: string;
  redirectUri: string;
}

export interface IdentityClient {
  /** Where to send somebody, and what to keep until they are back. @throws ProviderUnavailable */
  begin(
    provider: ProviderAccess,
    request: { state: string; redirectUri: string },
  ): Promise<LoginSecrets & { authorizationUrl: string }>;
  /** Who came back. @throws ProviderUnavailable, IdentityRefused */
  finish(
    provider: ProviderAccess,
    login: LoginSecrets,
    answer: { code: string; iss?: string | undefined },
  ): Promise<ProviderIdentity>;
}

const unavailable = (error: unknown): never => {
  throw new ProviderUnavailable('the identity provider did not answer as it should', { cause: error });
};

/** Codes of openid-client for an answer that is well-formed and not to be believed. */
const DISBELIEVED = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
]);

/** Errors of the token endpoint that are about the code; the others are about our registration there. */
const REFUSED_CODE = new Set(['invalid_grant', 'access_denied']);

function isRefusal(error: unknown): boolean {
  if (error instanceof IdentityRefused) return true;
  if (error instanceof ResponseBodyError) return REFUSED_CODE.has(error.error);
  return error instanceof ClientError && DISBELIEVED.has(error.code ?? '');
}

const refusedOrUnavailable = (error: unknown): never => {
  if (isRefusal(error)) throw new IdentityRefused('the identity provider does not vouch', { cause: error });
  return unavailable(error);
};

const [basic, post] = [ClientSecretBasic(), ClientSecretPost()];

/** By name and secret in the header, unless the provider only takes them in the body (RFC 8414: silent is `basic`). */
const clientAuth: ClientAuth = (server, ...rest) => {
  const methods = server.token_endpoint_auth_methods_supported ?? [];
  const takesPostOnly = methods.includes('client_secret_post') && !methods.includes('client_secret_basic');
  return (takesPostOnly ? post : basic)(server, ...rest);
};

/** The same with what the discovery document leaves out. */
function withMetadata(
  config: Configuration,
  { clientId, clientSecret, issuer }: ProviderAccess,
): Configuration {
  const { metadata } = quirksOf(issuer);
  if (!metadata) return config;
  const { supportsPKCE: _, ...told } = config.serverMetadata();
  return new Configuration({ ...metadata, ...told }, clientId, clientSecret, clientAuth);
}

/** The claims of the id token, and where it says no address, those of the user info endpoint. */
async function readClaims(config: Configuration, tokens: Awaited<ReturnType<typeof authorizationCodeGrant>>) {
  const claims = tokens.claims();
  if (!claims) throw new IdentityRefused('there is no id token');
  if (claims.email !== undefined || config.serverMetadata().userinfo_endpoint === undefined) return claims;
  return { ...(await fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims };
}

export function createIdentityClient({ allowLoopback }: { allowLoopback: boolean }): IdentityClient {
  const guarded = createGuardedFetch({ allowLoopback, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_S * 1000 });
  const known = new Map<string, { config: Promise<Configuration>; until: number }>();

  async function discover(provider: ProviderAccess): Promise<Configuration> {
    const issuer = new URL(provider.issuer);
    const { clientId, clientSecret } = provider;
    const execute = allowLoopback && isLoopback(issuer) ? [allowInsecureRequests] : [];
    const options = { [customFetch]: guarded, timeout: TIMEOUT_S, execute };
    const found = await discovery(issuer, clientId, clientSecret, clientAuth, options);
    const config = withMetadata(found, provider);
    config[customFetch] = guarded;
    config.timeout = TIMEOUT_S;
    enableNonRepudiationChecks(config);
    return config;
  }

  /** One discovery for all who ask at once; one that failed is not remembered. */
  function configOf(provider: ProviderAccess): Promise<Configuration> {
    const remembered = known.get(provider.id);
    if (remembered && remembered.until > Date.now()) return remembered.config;
    if (known.size >= MAX_KNOWN) known.clear();
    const config = discover(provider).catch((error) => {
      known.delete(provider.id);
      return unavailable(error);
    });
    known.set(provider.id, { config, until: Date.now() + METADATA_LIFETIME_MS });
    return config;
  }

  return {
    async begin(provider, { state, redirectUri }) {
      const config = await configOf(provider);
      const [nonce, codeVerifier] = [randomNonce(), randomPKCECodeVerifier()];
      const url = buildAuthorizationUrl(config, {
        ...quirksOf(provider.issuer).parameters,
        redirect_uri: redirectUri,
        scope: provider.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return { state, nonce, codeVerifier, redirectUri, authorizationUrl: url.href };
    },

    async finish(provider, { state, nonce, codeVerifier, redirectUri }, { code, iss }) {
      const config = await configOf(provider);
      const answer = new URL(redirectUri);
      answer.search = new URLSearchParams({ code, state, ...(iss !== undefined && { iss }) }).toString();
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
      return authorizationCodeGrant(config, answer, { ...checks, idTokenExpected: true })
        .then((tokens) => readClaims(config, tokens))
        .then(identityOf)
        .catch(refusedOrUnavailable);
    },
  };
}
