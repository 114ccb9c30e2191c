// Secrets and tokens of an installation: where APP_SECRET comes from in development, and signing tokens.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSigner } from 'fast-jwt';
import type { Config } from './config.ts';
import type { Scope } from './domain/scopes.ts';
import { jwtSecret, OPS_AUDIENCE, STAFF_AUDIENCE, STOREFRONT_AUDIENCE } from './plugins/auth.ts';

/** Readable by the owner alone. */
const PRIVATE = 0o600;

/** The configuration with an APP_SECRET: outside production one is made and kept in DATA_DIR/secret. */
export async function withSecret(config: Config): Promise<Config> {
  if (config.APP_SECRET) return config;
  const file = join(config.DATA_DIR, 'secret');
  await mkdir(config.DATA_DIR, { recursive: true });
  await writeFile(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: PRIVATE }).catch(
    ignoreExisting,
  );
  return Object.freeze({ ...config, APP_SECRET: (await readFile(file, 'utf8')).trim() });
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

export interface TokenRequest {
  storeId: string;
  subject: string;
  scopes: readonly Scope[];
  lifetimeSeconds: number;
}

/** Signs a staff token (HS256). */
export function signToken(config: Config, request: TokenRequest): string {
  const sign = createSigner({
    key: jwtSecret(config),
    algorithm: 'HS256',
    expiresIn: request.lifetimeSeconds * 1000,
  });
  return sign({
    iss: config.JWT_ISSUER,
    aud: STAFF_AUDIENCE,
    sub: request.subject,
    store: request.storeId,
    scope: request.scopes.join(' '),
  });
}

export interface CustomerTokenRequest {
  storeId: string;
  customerId: string;
  lifetimeSeconds: number;
  /** The log-in that it belongs to: the token ends with it. */
  sessionId?: string;
}

/** Signs the token of one customer for the storefront. */
export function signCustomerToken(
  config: Config,
  { storeId, customerId, lifetimeSeconds, sessionId }: CustomerTokenRequest,
): string {
  const sign = createSigner({
    key: jwtSecret(config),
    algorithm: 'HS256',
    expiresIn: lifetimeSeconds * 1000,
  });
  const iss = config.JWT_ISSUER;
  const claims = { iss, aud: STOREFRONT_AUDIENCE, sub: customerId, store: storeId, scope: '' };
  return sign(sessionId === undefined ? claims : { ...claims, sid: sessionId });
}

/** Signs a token for /metrics and the like: it belongs to no store. */
export function signOpsToken(config: Config, lifetimeSeconds: number): string {
  const sign = createSigner({
    key: jwtSecret(config),
    algorithm: 'HS256',
    expiresIn: lifetimeSeconds * 1000,
  });
  return sign({ iss: config.JWT_ISSUER, aud: OPS_AUDIENCE, sub: 'operations', scope: 'ops:read' });
}

/** Credentials of a development installation, as files of DATA_DIR. */
type DevelopmentCredential = 'token' | 'publishable-key';

/** Leaves a credential where scripts and the next start find it. */
export const saveCredential = (config: Config, name: DevelopmentCredential, text: string): Promise<void> =>
  writeFile(join(config.DATA_DIR, name), `${text}\n`, { mode: PRIVATE });

/** One that was left there; undefined where the store was opened by other means. */
export const findCredential = (config: Config, name: DevelopmentCredential): Promise<string | undefined> =>
  readFile(join(config.DATA_DIR, name), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
