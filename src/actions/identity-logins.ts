// Log-in with an identity provider. Three steps: keep state, nonce and verifier; ask the provider, outside any
// transaction; link the person and begin a session in one.
import { createHash, randomBytes } from 'node:crypto';
import {
  IdentityRefused,
  type LoginSecrets,
  type ProviderAccess,
  ProviderUnavailable,
} from '../clients/identity-provider.ts';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { findByIdentity, lockCustomer } from '../db/customers.ts';
import {
  insertIdentityLogin,
  insertLinkedIdentity,
  takeIdentityLogin,
  useLinkedIdentity,
} from '../db/identity-providers.ts';
import { findSurvivorId } from '../db/merges.ts';
import { refusalOfDatabase } from '../db/refusals.ts';
import {
  checkVerified,
  LOGIN_LIFETIME_MS,
  originsOf,
  type ProviderIdentity,
  readRedirect,
  type VerifiedIdentity,
} from '../domain/accounts/identity-providers.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import type { StoreSettings } from '../domain/stores.ts';
import { accepted, Problem } from '../errors.ts';
import { openAccount } from './account-activation.ts';
import { lockPresent, storeOf } from './customers.ts';
import { type IdentityDesk, readAccess } from './identity-providers.ts';
import { type Browser, type SessionGrant, startSession } from './sessions.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const STATE_BYTES = 32;
const hashState = (state: string): Buffer => createHash('sha256').update(state).digest();

/** Where pages of the store are: those that may call from a browser, and those that mails lead to. */
function pageOriginsOf(settings: StoreSettings): Set<string> {
  const { websiteUrl, links } = mailSettingsOf(settings);
  return originsOf([...settings.corsOrigins, websiteUrl, ...Object.values(links)]);
}

async function redirectOf(ctx: Ctx, redirectUri: string): Promise<string> {
  const redirect = readRedirect(redirectUri, pageOriginsOf((await storeOf(ctx)).settings));
  if (redirect === undefined) throw new Problem('REDIRECT_URI_INVALID');
  return redirect;
}

/** What the provider's client threw, as an answer; why is for the log, not for the shopper. */
function asProblem(ctx: Ctx, key: string, error: unknown): never {
  if (!(error instanceof ProviderUnavailable || error instanceof IdentityRefused)) throw error;
  const { name, message } = error.cause instanceof Error ? error.cause : error;
  ctx.log.warn({ provider: key, reason: `${name}: ${message}` }, error.message);
  const code = error instanceof IdentityRefused ? 'IDENTITY_REFUSED' : 'IDENTITY_PROVIDER_UNAVAILABLE';
  throw new Problem(code, {}, { cause: error });
}

/** Where to send somebody; `state` comes back with them and is good for ten minutes. */
export interface BegunLogin {
  authorizationUrl: string;
  state: string;
  expiresAt: Date;
}

/**
 * Begins a log-in, or with `customerId` the linking of that customer's identity.
 * @throws Problem NOT_FOUND, REDIRECT_URI_INVALID, IDENTITY_PROVIDER_UNAVAILABLE
 */
export async function beginIdentityLogin(
  ctx: Ctx,
  desk: IdentityDesk,
  key: string,
  wish: { redirectUri: string; customerId?: string },
): Promise<BegunLogin> {
  const provider = await readAccess(ctx, desk, key);
  const redirectUri = await redirectOf(ctx, wish.redirectUri);
  const state = randomBytes(STATE_BYTES).toString('base64url');
  const begun = await desk.client
    .begin(provider, { state, redirectUri })
    .catch((error) => asProblem(ctx, key, error));
  const { nonce, codeVerifier, authorizationUrl } = begun;
  const expiresAt = new Date(ctx.now.getTime() + LOGIN_LIFETIME_MS);
  await write(ctx, (tx) =>
    insertIdentityLogin(tx, {
      stateHash: hashState(state),
      provider: key,
      nonce,
      codeVerifier,
      redirectUri,
      customerId: wish.customerId ?? null,
      expiresAt,
      usedAt: null,
      createdAt: ctx.now,
    }),
  );
  return { authorizationUrl, state, expiresAt };
}

/** What the provider sent back with the person. */
export interface ProviderAnswer {
  state: string;
  code: string;
  iss?: string;
}

/** The state is used up before the provider is asked, so that it is good once whatever the provider says. */
async function takeLogin(ctx: Ctx, key: string, state: string, customerId?: string): Promise<LoginSecrets> {
  const login = await write(ctx, (tx) =>
    takeIdentityLogin(tx, {
      stateHash: hashState(state),
      provider: key,
      customerId: customerId ?? null,
      now: ctx.now,
    }),
  );
  if (!login) throw new Problem('IDENTITY_STATE_INVALID');
  return { ...login, state };
}

/**
 * Who came back from the provider.
 * @throws Problem NOT_FOUND, IDENTITY_STATE_INVALID, IDENTITY_REFUSED, IDENTITY_PROVIDER_UNAVAILABLE
 */
export async function readIdentity(
  ctx: Ctx,
  desk: IdentityDesk,
  key: string,
  answer: ProviderAnswer,
  customerId?: string,
): Promise<ProviderIdentity> {
  const provider: ProviderAccess = await readAccess(ctx, desk, key);
  const login = await takeLogin(ctx, key, answer.state, customerId);
  return desk.client.finish(provider, login, answer).catch((error) => asProblem(ctx, key, error));
}

/** Whose identity it is already; a merged customer's opens the survivor. */
async function admitLinked(tx: Tx, linkedId: string): Promise<string> {
  const id = await findSurvivorId(tx, linkedId);
  const { accountStatus } = await lockPresent(tx, id, undefined);
  if (accountStatus === 'disabled') throw new Problem('ACCOUNT_DISABLED');
  if (accountStatus !== 'active')
    throw new Problem('ACCOUNT_NOT_ACTIVE', { wayOut: 'Register or accept the invitation first.' });
  return id;
}

/** The active account of the verified address; a guest's or invited customer's becomes active, a new one is made (C3). */
async function accountOf(ctx: Ctx, tx: Tx, person: VerifiedIdentity): Promise<string> {
  const { email, emailNorm, firstName, lastName, language } = person;
  const [known] = await findByIdentity(tx, { emailNorm });
  const row = known && (await lockCustomer(tx, known.id));
  if (row?.accountStatus === 'active') return row.id;
  return openAccount(ctx, tx, { email, emailNorm, firstName, lastName, language }, 'registration');
}

async function customerOf(ctx: Ctx, tx: Tx, key: string, identity: ProviderIdentity): Promise<string> {
  const { subject, email } = identity;
  const linkedId = await useLinkedIdentity(tx, { provider: key, subject, now: ctx.now });
  if (linkedId !== undefined) return admitLinked(tx, linkedId);
  const customerId = await accountOf(ctx, tx, accepted(checkVerified(identity)));
  const times = { linkedAt: ctx.now, lastUsedAt: ctx.now };
  await insertLinkedIdentity(tx, { provider: key, subject, customerId, email, ...times });
  await tell(asCustomer(ctx, customerId), tx, {
    kind: 'login.linked',
    customerId,
    data: { provider: key },
  });
  return customerId;
}

const asCustomer = (ctx: Ctx, customerId: string): Ctx => ({ ...ctx, actor: `customer:${customerId}` });

/** What another log-in of the same person at the same moment may have taken: now it is found. */
const TAKEN_MEANWHILE = new Set(['EMAIL_TAKEN', 'IDENTITY_TAKEN']);

/**
 * Finishes a log-in: the identity's customer, or for the first time the one of its verified address, begins a session.
 * @throws Problem IDENTITY_EMAIL_UNVERIFIED, ACCOUNT_DISABLED, ACCOUNT_NOT_ACTIVE, ACCOUNTS_NOT_OFFERED, and those of
 *   readIdentity
 */
export async function finishIdentityLogin(
  ctx: Ctx,
  desk: IdentityDesk,
  key: string,
  answer: ProviderAnswer,
  browser: Browser,
): Promise<SessionGrant> {
  const identity = await readIdentity(ctx, desk, key, answer);
  const attempt = () =>
    write(ctx, async (tx) => {
      const customerId = await customerOf(ctx, tx, key, identity);
      return startSession(ctx, tx, { customerId, method: 'oidc', provider: key, ...browser });
    });
  return attempt().catch((error: unknown) => {
    if (TAKEN_MEANWHILE.has(refusalOfDatabase(error) ?? '')) return attempt();
    throw error;
  });
}
