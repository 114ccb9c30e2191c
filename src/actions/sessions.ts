// Sessions: what a log-in of any kind starts, how it is prolonged, and what ends it.
import { randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  type EndedSession,
  endSessionsOf,
  insertLogin,
  insertSession,
  listSessions as listRows,
  lockRefresh,
  type OpenSession,
  type ProvenLogin,
  rotateRefresh,
  type SignedInCustomer,
} from '../db/sessions.ts';
import { judgeRefresh, MAX_SESSIONS, sessionEnd } from '../domain/accounts/sessions.ts';
import { formatToken, type LoginMethod, SECRET_BYTES, type SessionEnd } from '../domain/accounts/tokens.ts';
import type { EventKind } from '../domain/events.ts';
import { cutText } from '../domain/fields.ts';
import { checkRedeemer } from '../domain/loyalty/rewards.ts';
import { Problem } from '../errors.ts';
import { hashToken } from './account-tokens.ts';
import { readPresent } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const MAX_USER_AGENT_LENGTH = 300;

/** The browser that logs in. */
export interface Browser {
  userAgent?: string | undefined;
  /** Address of the network. */
  ip?: string | undefined;
}

export interface SessionWish extends Browser {
  customerId: string;
  method: LoginMethod;
  /** Identity provider, for `oidc`. */
  provider?: string;
}

/** A session that the caller holds from now on. The refresh token is in no other place. */
export interface SessionGrant {
  sessionId: string;
  refreshToken: string;
  /** When the session ends unless it is refreshed. */
  expiresAt: Date;
  customer: SignedInCustomer;
}

const newRefreshToken = (ctx: Ctx): string => formatToken(ctx.storeId, randomBytes(SECRET_BYTES));

/** The rows of a new session, and what its holder gets. */
function newSession(ctx: Ctx, { customerId, method, provider, userAgent, ip }: SessionWish) {
  const refreshToken = newRefreshToken(ctx);
  const expiresAt = sessionEnd(ctx.now, ctx.now);
  const row = {
    id: ctx.newId(),
    customerId,
    method,
    provider: provider ?? null,
    userAgent: userAgent === undefined ? null : cutText(userAgent, MAX_USER_AGENT_LENGTH),
    ip: ip ?? null,
    secretHash: hashToken(refreshToken),
    expiresAt,
    now: ctx.now,
    others: MAX_SESSIONS - 1,
    tooMany: 'too_many',
    event: {
      id: ctx.newId(),
      kind: 'login.succeeded' satisfies EventKind,
      actor: `customer:${customerId}`,
      data: JSON.stringify(provider === undefined ? { method } : { method, provider }),
    },
  } as const;
  return { row, held: { sessionId: row.id, refreshToken, expiresAt } };
}

/** Logs the customer in; that they may is for the caller to have found out, under the customer's lock. */
export async function startSession(ctx: Ctx, tx: Tx, wish: SessionWish): Promise<SessionGrant> {
  const { row, held } = newSession(ctx, wish);
  return { ...held, customer: await insertSession(tx, row) };
}

/** Logs in whoever knew the password; undefined when it was changed or the account disabled meanwhile. */
export async function startLogin(
  ctx: Ctx,
  wish: Omit<SessionWish, 'method'>,
  proven: ProvenLogin,
): Promise<SessionGrant | undefined> {
  const { row, held } = newSession(ctx, { ...wish, method: 'password' });
  const customer = await insertLogin(ctx.db, { ...row, ...proven });
  return customer && { ...held, customer };
}

const tellEnded = (ctx: Ctx, tx: Tx, ended: readonly EndedSession[], reason: SessionEnd): Promise<void> =>
  tell(
    ctx,
    tx,
    ...ended.map(({ id, customerId }) => ({
      kind: 'session.ended' as const,
      customerId,
      subjectId: id,
      data: { reason },
    })),
  );

/** Ends sessions of these customers: all, or `only` one, or all `but` one. Resolves to how many were open. */
export async function endSessions(
  ctx: Ctx,
  tx: Tx,
  customerIds: readonly string[],
  reason: SessionEnd,
  { only = null, but = null }: { only?: string | null; but?: string | null } = {},
): Promise<number> {
  if (customerIds.length === 0) return 0;
  const ended = await endSessionsOf(tx, { customerIds, only, but, reason, now: ctx.now });
  if (ended.length > 0) await tellEnded(ctx, tx, ended, reason);
  return ended.length;
}

/** What became of a refresh token: what a stolen one ends has to be kept, so this does not throw. */
async function exchange(ctx: Ctx, tx: Tx, text: string): Promise<SessionGrant | undefined> {
  const usedHash = hashToken(text);
  const found = await lockRefresh(tx, usedHash);
  const token = found && { expiresAt: found.tokenExpiresAt, usedAt: found.usedAt, session: found };
  const verdict = judgeRefresh(token, ctx.now);
  if (!found || verdict === 'worthless' || checkRedeemer(found.accountStatus)) return undefined;
  const { sessionId, id, email, firstName, lastName } = found;
  if (verdict === 'reused') {
    await endSessions(ctx, tx, [id], 'token_reused', { only: sessionId });
    return undefined;
  }
  const refreshToken = newRefreshToken(ctx);
  const expiresAt = sessionEnd(found.createdAt, ctx.now);
  await rotateRefresh(tx, {
    sessionId,
    usedHash,
    secretHash: hashToken(refreshToken),
    expiresAt,
    now: ctx.now,
  });
  return { sessionId, refreshToken, expiresAt, customer: { id, email, firstName, lastName } };
}

/**
 * Exchanges a refresh token for the next one. One that was exchanged before ends its session, for two hold it (RFC 9700).
 * @throws Problem SESSION_ENDED for every token that is worth nothing
 */
export async function refreshSession(ctx: Ctx, refreshToken: string): Promise<SessionGrant> {
  const grant = await write(ctx, (tx) => exchange(ctx, tx, refreshToken));
  if (!grant) throw new Problem('SESSION_ENDED');
  return grant;
}

/** Ends the session of the refresh token; a token that is worth nothing has nothing to end. */
export const logOut = (ctx: Ctx, refreshToken: string): Promise<void> =>
  write(ctx, async (tx) => {
    const found = await lockRefresh(tx, hashToken(refreshToken));
    if (found) await endSessions(ctx, tx, [found.id], 'logged_out', { only: found.sessionId });
  });

/** Ends all sessions of the customer. */
export const logOutEverywhere = (ctx: Ctx, customerId: string): Promise<void> =>
  write(ctx, async (tx) => {
    await endSessions(ctx, tx, [customerId], 'logged_out_everywhere');
  });

/** Open sessions, with the one that asks marked. */
export async function listSessions(
  ctx: Ctx,
  customerId: string,
): Promise<(OpenSession & { current: boolean })[]> {
  const rows = await listRows(ctx.db, customerId, ctx.now);
  return rows.map((row) => ({ ...row, current: row.id === ctx.sessionId }));
}

/**
 * Open sessions of a customer, for staff.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function listSessionsOf(ctx: Ctx, customerId: string): Promise<OpenSession[]> {
  await readPresent(ctx.db, customerId);
  return listRows(ctx.db, customerId, ctx.now);
}

/**
 * Ends one session of the customer.
 * @throws Problem NOT_FOUND for another's session and for one that is over
 */
export const revokeSession = (ctx: Ctx, customerId: string, sessionId: string): Promise<void> =>
  write(ctx, async (tx) => {
    if ((await endSessions(ctx, tx, [customerId], 'revoked', { only: sessionId })) === 0)
      throw new Problem('NOT_FOUND', { resource: 'session' });
  });

/**
 * The same, for staff.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function revokeSessionOf(ctx: Ctx, customerId: string, sessionId: string): Promise<void> {
  await readPresent(ctx.db, customerId);
  await revokeSession(ctx, customerId, sessionId);
}

/**
 * Ends all sessions of the customer, for staff.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function revokeSessions(ctx: Ctx, customerId: string): Promise<void> {
  await readPresent(ctx.db, customerId);
  await write(ctx, async (tx) => {
    await endSessions(ctx, tx, [customerId], 'revoked');
  });
}
