// What an invited customer does with the link: look at it, accept, or ask for a new one (I2, I3).
import type { Ctx } from '../context.ts';
import type { AccountToken } from '../db/account-tokens.ts';
import { type Db, type Tx, transaction } from '../db/connection.ts';
import { savePassword } from '../db/credentials.ts';
import { lockCustomer, updateCustomer } from '../db/customers.ts';
import {
  acceptInvitation as acceptRow,
  findInvited,
  type InvitedRow,
  openInvitation,
} from '../db/invitations.ts';
import { changedFields, normaliseCustomer } from '../domain/customers.ts';
import { maskEmail } from '../domain/emails.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { accepted, Problem } from '../errors.ts';
import { findToken, readToken, useToken } from './account-tokens.ts';
import { noteSignUp, welcome } from './arrivals.ts';
import { recordConsents, type Wording } from './consents.ts';
import { derivedColumns, recentStoreOf } from './customers.ts';
import { carryOutInvitation, planFor } from './invitations.ts';
import { hashChosen } from './passwords.ts';
import { type Browser, type SessionGrant, startSession } from './sessions.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const RECEIVED = { status: 'received' } as const;

const invitationOf = ({ data }: AccountToken): string => String(data.invitationId);

/**
 * Whom the token invites. It was mailed to one address: once the customer has another one, it is worth nothing.
 * @throws Problem TOKEN_UNKNOWN when the customer is not invited any more
 */
async function findInvitedBy(db: Db, token: AccountToken): Promise<InvitedRow> {
  const invited = await findInvited(db, invitationOf(token));
  const isMeant =
    invited?.isOpen && invited.accountStatus === 'invited' && invited.emailNorm === token.data.email;
  if (!isMeant) throw new Problem('TOKEN_UNKNOWN');
  return invited;
}

/** Notes that the page was looked at, once. It changes nothing that the link can do. */
const noteOpened = (ctx: Ctx, { customerId }: InvitedRow, id: string): Promise<void> =>
  transaction(ctx.db, async (tx) => {
    if (!(await openInvitation(tx, id, ctx.now))) return;
    await tell(ctx, tx, { kind: 'invitation.opened', customerId, subjectId: id });
  });

/**
 * What the page of the link shows. Looking never uses it up (I2); `looked` notes that somebody or something did.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN
 */
export async function readOpenInvitation(ctx: Ctx, text: string, { looked }: { looked: boolean }) {
  const token = await readToken(ctx, ctx.db, text, 'invitation');
  const invited = await findInvitedBy(ctx.db, token);
  const { name } = await recentStoreOf(ctx);
  if (looked) await noteOpened(ctx, invited, invitationOf(token));
  return {
    status: 'open' as const,
    storeName: name,
    email: maskEmail(invited.email ?? ''),
    needsName: invited.firstName === null && invited.lastName === null,
    expiresAt: token.expiresAt,
  };
}

/** What the customer enters. */
export interface Acceptance {
  password: string;
  firstName?: string;
  lastName?: string;
  /** Keys of topics that the customer wants to hear about. */
  topics?: readonly string[];
  /** The words that were shown beside the topics, or beside the topic of the key. */
  wording?: Wording | ((topic: string) => Wording | undefined);
}

type Names = Pick<Acceptance, 'firstName' | 'lastName'>;

/** @throws Problem CUSTOMER_INVALID */
async function readNames(ctx: Ctx, { firstName, lastName }: Acceptance): Promise<Names> {
  const { timezone } = await recentStoreOf(ctx);
  const given = {
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
  };
  return accepted(normaliseCustomer(given, { today: localTimeAt(ctx.now, timezone) })).fields as Names;
}

/** Makes the account active; the customer's lock is held. */
async function activate(ctx: Ctx, tx: Tx, invited: InvitedRow, id: string, names: Names): Promise<void> {
  const { customerId } = invited;
  const row = await lockCustomer(tx, customerId);
  if (!row || !(await acceptRow(tx, id, ctx.now))) throw new Problem('TOKEN_UNKNOWN');
  const columns = { ...names, accountStatus: 'active' as const };
  await updateCustomer(tx, customerId, {
    ...columns,
    ...derivedColumns({ ...row, ...names }),
    registeredAt: row.registeredAt ?? ctx.now,
    version: row.version + 1,
    updatedAt: ctx.now,
  });
  const changes = changedFields(row, columns, ['accountStatus', 'firstName', 'lastName']);
  await tell(ctx, tx, { kind: 'invitation.accepted', customerId, subjectId: id, data: { changes } });
  if (row.registeredAt === null) await noteSignUp(ctx, tx, customerId);
  await welcome(ctx, tx, customerId);
}

/** The link came by mail, so nothing is left to confirm: whoever holds it owns the address. */
const agree = (
  ctx: Ctx,
  tx: Tx,
  { customerId, emailNorm }: InvitedRow,
  { topics = [], wording }: Acceptance,
  { ip, userAgent }: Browser,
): Promise<unknown> =>
  recordConsents(
    ctx,
    tx,
    [...new Set(topics)].map((topic) => ({
      channel: 'email',
      address: emailNorm ?? '',
      topic,
      action: 'grant',
      source: 'registration',
      customerId,
      wording: typeof wording === 'function' ? wording(topic) : wording,
      proof: { ...(ip && { ip }), ...(userAgent && { userAgent }) },
    })),
  );

/** Accepts, and does what follows in the same transaction. Of two at once one wins (I1). */
async function accept<T>(
  ctx: Ctx,
  text: string,
  answer: Acceptance,
  browser: Browser,
  then: (ctx: Ctx, tx: Tx, customerId: string) => Promise<T>,
): Promise<T> {
  const seen = await findInvitedBy(ctx.db, await readToken(ctx, ctx.db, text, 'invitation'));
  const names = await readNames(ctx, answer);
  const passwordHash = await hashChosen(answer.password, { ...seen, ...names });
  return write(ctx, async (tx) => {
    const token = await useToken(ctx, tx, text, 'invitation');
    const invited = await findInvitedBy(tx, token);
    const { customerId } = invited;
    const me = { ...ctx, actor: `customer:${customerId}` };
    await activate(me, tx, invited, invitationOf(token), names);
    await savePassword(tx, { customerId, passwordHash, now: ctx.now });
    await agree(me, tx, invited, answer, browser);
    return then(me, tx, customerId);
  });
}

/**
 * Accepts the invitation: the account is active, with the password.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN, PASSWORD_REFUSED, CUSTOMER_INVALID,
 *   TOPIC_UNKNOWN, TOPIC_ARCHIVED, SERVICE_BUSY
 */
export const acceptInvitation = (
  ctx: Ctx,
  text: string,
  answer: Acceptance,
  browser: Browser,
): Promise<void> => accept(ctx, text, answer, browser, async () => undefined);

/** The same, and the customer is logged in with that. */
export const acceptAndLogIn = (
  ctx: Ctx,
  text: string,
  answer: Acceptance,
  browser: Browser,
): Promise<SessionGrant> =>
  accept(ctx, text, answer, browser, (me, tx, customerId) =>
    startSession(me, tx, { customerId, method: 'invitation', ...browser }),
  );

/**
 * Sends a new invitation to the customer's own address when the link has expired, once for each link. The answer is the
 * same whatever the link was worth.
 */
export async function renewInvitation(ctx: Ctx, text: string): Promise<typeof RECEIVED> {
  const { verdict, token } = await findToken(ctx.db, text, 'invitation', ctx.now);
  const customerId = token?.customerId;
  if (verdict !== 'expired' || !customerId) return RECEIVED;
  return write(ctx, async (tx) => {
    const row = await lockCustomer(tx, customerId);
    // Whoever was faster has revoked it with the invitation that it belongs to.
    const { verdict: now } = await findToken(tx, text, 'invitation', ctx.now);
    if (!row || now !== 'expired' || row.accountStatus !== 'invited') return RECEIVED;
    if (!('refused' in (await planFor(ctx, tx, row)))) await carryOutInvitation(ctx, tx, row);
    return RECEIVED;
  });
}
