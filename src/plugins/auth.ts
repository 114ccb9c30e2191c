// Who is calling: a staff token (JWT), an API key, a store's publishable key, or a customer's token (JWT). Every bad credential is 401.
import { hkdfSync, KeyObject } from 'node:crypto';
import fastifyJwt from '@fastify/jwt';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { createRemoteJWKSet } from 'jose';
import type pg from 'pg';
import { hashKey } from '../actions/api-keys.ts';
import type { Config } from '../config.ts';
import { type Ctx, newId } from '../context.ts';
import { findApiKey, touchApiKey } from '../db/api-keys.ts';
import { dbOf } from '../db/connection.ts';
import { parseKey } from '../domain/api-keys.ts';
import type { Sender } from '../domain/mail/settings.ts';
import { isScope, type Scope } from '../domain/scopes.ts';
import { Problem } from '../errors.ts';

export const STAFF_AUDIENCE = 'clientele:staff';
/** For machines that watch the service: no store, no customer data. */
export const OPS_AUDIENCE = 'clientele:ops';
/** For one customer on the pages of the shop: `sub` is the customer. */
export const STOREFRONT_AUDIENCE = 'clientele:storefront';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Clocks of two machines may differ by this much. */
const CLOCK_TOLERANCE_MS = 5_000;
const JWKS_COOLDOWN_MS = 2_000;
const JWKS_MAX_AGE_MS = 10 * 60_000;

/** What a credential proves. */
export interface Identity {
  storeId: string;
  actor: string;
  zone: 'staff' | 'storefront' | 'ops';
  scopes: ReadonlySet<Scope>;
  /** Whose token it is, on the storefront. */
  customerId?: string;
  /** The log-in that the token came from. */
  sessionId?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity;
  }
}

interface Claims {
  aud: string | string[];
  sub: string;
  store?: string;
  scope: string;
  iat: number;
  exp: number;
  sid?: unknown;
}

/** A key of its own for each purpose, derived from the one secret (HKDF, RFC 5869). */
export const deriveSecret = (secret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `clientele:${purpose}`, 32));

/** The HS256 key of staff tokens. */
export const jwtSecret = (config: Config): string =>
  config.JWT_SECRET ?? deriveSecret(config.APP_SECRET ?? '', 'jwt').toString('base64');

async function registerVerifiers(app: FastifyInstance, config: Config): Promise<void> {
  const verify = {
    allowedIss: config.JWT_ISSUER,
    allowedAud: [STAFF_AUDIENCE, OPS_AUDIENCE, STOREFRONT_AUDIENCE],
    requiredClaims: ['exp', 'iat', 'iss', 'aud', 'sub', 'scope'],
    clockTolerance: CLOCK_TOLERANCE_MS,
    cache: 1_000,
  };
  await app.register(fastifyJwt, {
    secret: jwtSecret(config),
    sign: { algorithm: 'HS256', iss: config.JWT_ISSUER, aud: STAFF_AUDIENCE },
    verify: { ...verify, algorithms: ['HS256'] },
  });
  if (!config.JWT_JWKS_URL) return;
  // An unknown `kid` asks again, but not more often than this: strangers must not make us knock on the provider's door.
  const keys = createRemoteJWKSet(new URL(config.JWT_JWKS_URL), {
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
  });
  await app.register(fastifyJwt, {
    namespace: 'jwks',
    // Never the token's own `iss`, `jku` or `jwk`: keys come from the configured address alone.
    secret: async (_request: FastifyRequest, token: unknown) => {
      const { kid, alg } = (token as { header: { kid?: string; alg: string } }).header;
      const key = await keys({ alg, ...(kid !== undefined && { kid }) });
      return KeyObject.from(key).export({ format: 'pem', type: 'spki' }).toString();
    },
    verify: { ...verify, algorithms: ['EdDSA', 'ES256', 'RS256'] },
    decode: { complete: true },
  });
}

function algorithmOf(token: string): string | undefined {
  try {
    return JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()).alg;
  } catch {
    return undefined;
  }
}

type Verifiers = { jwks?: unknown };
type JwksRequest = { jwksJwtVerify(): Promise<Claims> };

/** Keys of a provider may have to be fetched; everything else is decided at once. */
const needsJwks = (app: FastifyInstance, token: string): boolean =>
  (app.jwt as unknown as Verifiers).jwks !== undefined && algorithmOf(token) !== 'HS256';

function identityOf({ aud, sub, store = '', scope, iat, exp, sid }: Claims): Identity {
  const named = typeof sub === 'string' && sub !== '' && sub.length <= 200 && typeof scope === 'string';
  const dated = Number.isFinite(iat) && Number.isFinite(exp);
  if (!named || !dated || iat * 1000 > Date.now() + CLOCK_TOLERANCE_MS) throw new Problem('UNAUTHENTICATED');
  if ([aud].flat().includes(OPS_AUDIENCE)) {
    return { storeId: '', actor: `ops:${sub}`, zone: 'ops', scopes: scopesOf(scope) };
  }
  if (typeof store !== 'string' || !UUID.test(store)) throw new Problem('UNAUTHENTICATED');
  if ([aud].flat().includes(STOREFRONT_AUDIENCE)) return customerIdentity(store, sub, sid);
  return { storeId: store, actor: `staff:${sub}`, zone: 'staff', scopes: scopesOf(scope) };
}

/** A customer has no scopes: what is theirs alone decides. */
function customerIdentity(storeId: string, customerId: string, sessionId: unknown): Identity {
  const identity = {
    storeId,
    actor: `customer:${customerId}`,
    zone: 'storefront',
    scopes: new Set<Scope>(),
    customerId,
  } as const;
  if (!UUID.test(customerId)) throw new Problem('UNAUTHENTICATED');
  if (sessionId === undefined) return identity;
  if (typeof sessionId !== 'string' || !UUID.test(sessionId)) throw new Problem('UNAUTHENTICATED');
  return { ...identity, sessionId };
}

const scopeSets = new Map<string, ReadonlySet<Scope>>();

/** The set of a scope claim; the few that are in use are kept. */
function scopesOf(text: string): ReadonlySet<Scope> {
  let scopes = scopeSets.get(text);
  if (!scopes) {
    scopes = new Set(text.split(' ').filter(isScope));
    if (scopeSets.size >= 1_000) scopeSets.clear();
    scopeSets.set(text, scopes);
  }
  return scopes;
}

async function verifyKey(pool: pg.Pool, text: string): Promise<Identity> {
  const parsed = parseKey(text);
  if (!parsed) throw new Problem('UNAUTHENTICATED');
  const db = dbOf(pool, parsed.storeId);
  const now = new Date();
  const key = await findApiKey(db, { secretHash: hashKey(text) });
  if (!key || key.kind !== parsed.kind || key.revokedAt || (key.expiresAt && key.expiresAt <= now)) {
    throw new Problem('UNAUTHENTICATED');
  }
  if (!key.lastUsedAt || now.getTime() - key.lastUsedAt.getTime() > 60_000)
    await touchApiKey(db, { id: key.id, now });
  return {
    storeId: parsed.storeId,
    actor: parsed.kind === 'secret' ? `key:${key.id}` : 'storefront',
    zone: parsed.kind === 'secret' ? 'staff' : 'storefront',
    scopes: scopesOf(key.scopes.join(' ')),
  };
}

/** The password of HTTP Basic (RFC 7617); the user does not matter. */
function passwordOf(header: string): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header)?.[1];
  const decoded = encoded && Buffer.from(encoded, 'base64').toString();
  return decoded ? /^[^:]*:([\x21-\x7e]+)$/.exec(decoded)?.[1] : undefined;
}

function credentialOf(request: FastifyRequest): string {
  const { authorization = '' } = request.headers;
  const bearer = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  const credential = bearer ?? (request.routeOptions.config.basic ? passwordOf(authorization) : undefined);
  if (credential === undefined) throw new Problem('UNAUTHENTICATED');
  return credential;
}

/** The identity of a credential that has to be looked up: a key in the database, or one of a provider. */
async function lookUp(pool: pg.Pool, request: FastifyRequest, token: string): Promise<Identity> {
  if (/^[cp]k_/.test(token)) return verifyKey(pool, token);
  return identityOf(await (request as unknown as JwksRequest).jwksJwtVerify().catch(refuse));
}

const refuse = (): never => {
  throw new Problem('UNAUTHENTICATED');
};

/** The identity of a token with our own secret; undefined for credentials that have to be looked up. */
function verifyAtOnce(app: FastifyInstance, token: string): Identity | undefined {
  if (/^[cp]k_/.test(token) || needsJwks(app, token)) return undefined;
  let claims: Claims;
  try {
    claims = app.jwt.verify<Claims>(token);
  } catch {
    return refuse();
  }
  return identityOf(claims);
}

export interface AuthOptions {
  config: Config;
  pool: pg.Pool;
  /** Of the installation; null where a store has to have its own. */
  fallbackSender: Sender | null;
}

export const auth = fp(async (app: FastifyInstance, { config, pool, fallbackSender }: AuthOptions) => {
  await registerVerifiers(app, config);
  app.decorateRequest('identity');
  app.decorateRequest('ctx');

  const contextOf = (request: FastifyRequest, { storeId, actor, customerId, sessionId }: Identity): Ctx => {
    const ctx: Ctx = {
      db: dbOf(pool, storeId),
      storeId,
      now: new Date(),
      actor,
      log: request.log,
      fallbackSender,
      requestId: String(request.id),
      newId,
    };
    if (customerId !== undefined) ctx.customerId = customerId;
    if (sessionId !== undefined) ctx.sessionId = sessionId;
    return ctx;
  };

  const admit = (request: FastifyRequest, identity: Identity) => {
    const { zone, scope, customer } = request.routeOptions.config;
    if (identity.zone !== zone) throw new Problem('UNAUTHENTICATED');
    if (customer && identity.customerId === undefined) throw new Problem('CUSTOMER_TOKEN_REQUIRED');
    if (scope && !identity.scopes.has(scope)) throw new Problem('SCOPE_MISSING', { required: scope });
    request.identity = identity;
    if (zone !== 'ops') request.ctx = contextOf(request, identity);
  };

  // With a callback, not async: most requests carry our own token, and then nothing has to be awaited.
  app.addHook('onRequest', (request, _reply, done) => {
    const { zone } = request.routeOptions.config;
    if (zone === undefined || zone === 'public') return done();
    try {
      const token = credentialOf(request);
      const identity = verifyAtOnce(app, token);
      if (!identity) {
        lookUp(pool, request, token)
          .then((found) => admit(request, found))
          .then(() => done(), done);
        return;
      }
      admit(request, identity);
    } catch (error) {
      return done(error as Error);
    }
    done();
  });
});
