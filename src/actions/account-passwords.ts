// Passwords of accounts: set by a mailed link, changed by whoever knows the old one, asked for by staff.
import type { Ctx } from '../context.ts';
import type { AccountToken } from '../db/account-tokens.ts';
import { type Tx, transaction } from '../db/connection.ts';
import {
  findPasswordHash,
  findPasswordOwner,
  type PasswordOwnerRow,
  savePassword,
} from '../db/credentials.ts';
import { normalisePassword } from '../domain/accounts/passwords.ts';
import { maskEmail, normaliseEmail } from '../domain/emails.ts';
import { Problem } from '../errors.ts';
import { readToken, revokeTokens, useToken } from './account-tokens.ts';
import { lockPresent, recentStoreOf } from './customers.ts';
import { queueMessages } from './messages.ts';
import { hashChosen, verifyPassword } from './passwords.ts';
import { type Browser, endSessions, type SessionGrant, startSession } from './sessions.ts';
import type { Throttles } from './throttles.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const RECEIVED = { status: 'received' } as const;

/**
 * Asks for a link to a new password. Whether there is an account is looked up when the mail is made, so that the answer
 * and its time are the same for every address.
 */
export async function requestPasswordReset(
  ctx: Ctx,
  email: string,
  throttles: Throttles,
): Promise<typeof RECEIVED> {
  const toEmail = normaliseEmail(email);
  if (toEmail === undefined || !(await throttles.allowsMail(ctx, toEmail))) return RECEIVED;
  return write(ctx, async (tx) => {
    await queueMessages(ctx, tx, [{ kind: 'password_reset', customerId: null, toEmail }]);
    return RECEIVED;
  });
}

/**
 * Sends a customer the link to a new password, for staff. Resolves to the mail.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE, NO_EMAIL
 */
export const sendPasswordReset = (ctx: Ctx, customerId: string): Promise<{ messageId: string }> =>
  write(ctx, async (tx) => {
    const { accountStatus, emailNorm } = await lockPresent(tx, customerId, undefined);
    if (accountStatus !== 'active')
      throw new Problem('ACCOUNT_NOT_ACTIVE', { wayOut: WAYS_IN[accountStatus] });
    if (emailNorm === null) throw new Problem('NO_EMAIL');
    const [messageId] = await queueMessages(ctx, tx, [{ kind: 'password_reset', customerId }]);
    await tell(ctx, tx, { kind: 'password.reset_requested', customerId, subjectId: messageId as string });
    return { messageId: messageId as string };
  });

const WAYS_IN: Readonly<Record<string, string>> = {
  disabled: 'Enable the account first.',
  guest: 'Invite the customer with POST /v1/customers/{id}/invitation.',
  invited: 'Invite the customer again with POST /v1/customers/{id}/invitation.',
};

/** Whose password the link sets. It was mailed to one address: once the customer has another one, it is worth nothing. */
function ownerOf(owner: PasswordOwnerRow | undefined, { data }: AccountToken): PasswordOwnerRow {
  if (owner?.accountStatus !== 'active' || owner.emailNorm !== data.email) throw new Problem('TOKEN_UNKNOWN');
  return owner;
}

/**
 * What the page of the link shows. Looking never uses it up (I2).
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN
 */
export async function readPasswordReset(ctx: Ctx, text: string) {
  const token = await readToken(ctx, ctx.db, text, 'password_reset');
  const { emailNorm } = ownerOf(await findPasswordOwner(ctx.db, token.customerId ?? ''), token);
  const { name } = await recentStoreOf(ctx);
  return {
    status: 'open' as const,
    storeName: name,
    email: maskEmail(emailNorm ?? ''),
    expiresAt: token.expiresAt,
  };
}

/** A new password: whoever was logged in is not any more, and no other link opens anything. The customer's lock is held. */
async function setPassword(
  ctx: Ctx,
  tx: Tx,
  { customerId, passwordHash }: { customerId: string; passwordHash: string },
  { but = null }: { but?: string | null } = {},
): Promise<void> {
  await savePassword(tx, { customerId, passwordHash, now: ctx.now });
  await endSessions(ctx, tx, [customerId], 'password_changed', { but });
  await revokeTokens(ctx, tx, [customerId]);
  await tell(ctx, tx, { kind: 'password.changed', customerId });
}

async function reset<T>(
  ctx: Ctx,
  text: string,
  { password, throttles }: NewPassword,
  then: (ctx: Ctx, tx: Tx, customerId: string) => Promise<T>,
): Promise<T> {
  const seen = await readToken(ctx, ctx.db, text, 'password_reset');
  const passwordHash = await hashChosen(
    password,
    ownerOf(await findPasswordOwner(ctx.db, seen.customerId ?? ''), seen),
  );
  return write(ctx, async (tx) => {
    const token = await useToken(ctx, tx, text, 'password_reset');
    const { id, emailNorm } = ownerOf(await findPasswordOwner(tx, token.customerId ?? ''), token);
    const me = { ...ctx, actor: `customer:${id}` };
    await setPassword(me, tx, { customerId: id, passwordHash });
    await throttles.clear(ctx, tx, { account: emailNorm ?? '', ip: undefined });
    return then(me, tx, id);
  });
}

interface NewPassword {
  password: string;
  throttles: Throttles;
}

/**
 * Sets the password by a mailed link and ends all sessions.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN, PASSWORD_REFUSED, SERVICE_BUSY
 */
export const resetPassword = (ctx: Ctx, text: string, wish: NewPassword): Promise<void> =>
  reset(ctx, text, wish, async () => undefined);

/** The same, and the customer is logged in with that. */
export const resetAndLogIn = (
  ctx: Ctx,
  text: string,
  wish: NewPassword,
  browser: Browser,
): Promise<SessionGrant> =>
  reset(ctx, text, wish, (me, tx, customerId) =>
    startSession(me, tx, { customerId, method: 'password_reset', ...browser }),
  );

/** A customer who is signed in and says the password once more. */
export interface Proof {
  customerId: string;
  password: string;
  ip: string | undefined;
}

/** What was proven: the address and the hash, both to be looked at again under the lock. */
export interface ProvenOwner extends PasswordOwnerRow {
  passwordHash: string;
}

/**
 * Asks for the password of somebody who is signed in, with the throttle of log-ins: a stolen session must not be able to
 * guess it.
 * @throws Problem PASSWORD_NOT_SET, PASSWORD_WRONG, LOGIN_THROTTLED, SERVICE_BUSY
 */
export async function provePassword(
  ctx: Ctx,
  { customerId, password, ip }: Proof,
  throttles: Throttles,
): Promise<ProvenOwner> {
  const [owner, passwordHash] = await Promise.all([
    findPasswordOwner(ctx.db, customerId),
    findPasswordHash(ctx.db, customerId),
  ]);
  if (!owner || passwordHash === undefined) throw new Problem('PASSWORD_NOT_SET');
  const login = { account: owner.emailNorm ?? customerId, ip };
  await throttles.enter(ctx, login);
  const { matches } = await verifyPassword(passwordHash, normalisePassword(password));
  if (!matches) throw new Problem('PASSWORD_WRONG');
  await transaction(ctx.db, (tx) => throttles.clear(ctx, tx, login));
  return { ...owner, passwordHash };
}

/** @throws Problem CONFLICT when the password was changed since it was proven */
export async function holdProof(tx: Tx, { id, passwordHash }: ProvenOwner): Promise<void> {
  await lockPresent(tx, id, undefined);
  if ((await findPasswordHash(tx, id)) !== passwordHash) throw new Problem('CONFLICT');
}

/**
 * Changes the password of whoever is signed in; all other sessions end.
 * @throws Problem those of provePassword, PASSWORD_REFUSED
 */
export async function changePassword(
  ctx: Ctx,
  { newPassword, ...proof }: Proof & { newPassword: string },
  throttles: Throttles,
): Promise<void> {
  const owner = await provePassword(ctx, proof, throttles);
  const passwordHash = await hashChosen(newPassword, owner, '/newPassword');
  await write(ctx, async (tx) => {
    await holdProof(tx, owner);
    await setPassword(ctx, tx, { customerId: owner.id, passwordHash }, { but: ctx.sessionId ?? null });
  });
}
