// Invitations to an account: queued by staff or in bulk, taken back, made when their mail is rendered (I1).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { type CustomerRow, updateCustomer } from '../db/customers.ts';
import {
  findInvitation,
  type InvitationRow,
  insertInvitations,
  listInvitees,
  revokeInvitations,
} from '../db/invitations.ts';
import { insertMessages } from '../db/messages.ts';
import type { AccountStatus, StatusChange } from '../domain/account-states.ts';
import {
  failureReason,
  type InvitationRefusal,
  invitationStatus,
  planInvitation,
} from '../domain/accounts/invitations.ts';
import { accepted, Problem } from '../errors.ts';
import { revokeTokens } from './account-tokens.ts';
import { lockPresent, storeOf } from './customers.ts';
import { newMessage } from './messages.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

/** The invitation in the shape of the contract, as it stands at the instant. */
export function toInvitation(row: InvitationRow, at: Date) {
  const status = invitationStatus(row, at);
  const { id, customerId, email, messageId, actor, createdAt, sentAt } = row;
  const { expiresAt, openedAt, acceptedAt, revokedAt } = row;
  const reason = status === 'failed' ? failureReason(row) : undefined;
  return {
    id,
    customerId,
    status,
    ...(reason !== undefined && { reason }),
    email,
    messageId,
    createdBy: actor,
    createdAt,
    sentAt,
    expiresAt,
    openedAt,
    acceptedAt,
    revokedAt,
  };
}

export type Invitation = ReturnType<typeof toInvitation>;

/**
 * Takes back what these customers have open, if anything: links open nothing from now on, and mails that wait are not
 * sent. The caller holds the customers' locks. Resolves to the ids of the invitations.
 */
export async function endInvitations(
  ctx: Ctx,
  tx: Tx,
  customerIds: readonly string[],
): Promise<{ id: string; customerId: string }[]> {
  if (customerIds.length === 0) return [];
  const revoked = await revokeInvitations(tx, { customerIds, now: ctx.now });
  await revokeTokens(
    ctx,
    tx,
    revoked.map(({ customerId }) => customerId),
    ['invitation'],
  );
  return revoked;
}

/** Queues a mail for each customer; an earlier invitation dies with that. The caller holds the customers' locks. */
export async function queueInvitations(
  ctx: Ctx,
  tx: Tx,
  wanted: readonly { id: string; customerId: string }[],
): Promise<void> {
  await endInvitations(
    ctx,
    tx,
    wanted.map(({ customerId }) => customerId),
  );
  const mails = wanted.map(({ customerId }) => newMessage(ctx, { kind: 'invitation', customerId }));
  await insertMessages(tx, mails);
  const { actor, now: createdAt } = ctx;
  await insertInvitations(
    tx,
    wanted.map((one, index) => ({ ...one, messageId: mails[index]?.id ?? '', actor, createdAt })),
  );
}

/** What the timeline tells of it. */
export const invitationQueued = (
  id: string,
  from: AccountStatus,
): Pick<Happening, 'kind' | 'subjectId' | 'data'> => ({
  kind: 'invitation.queued',
  subjectId: id,
  data: from === 'invited' ? {} : { changes: { accountStatus: [from, 'invited'] } },
});

/** Whether the customer can be invited now; the lock is held. */
export async function planFor(
  ctx: Ctx,
  tx: Tx,
  { id, accountStatus }: CustomerRow,
): Promise<StatusChange | InvitationRefusal> {
  const { accounts } = (await storeOf({ ...ctx, db: tx })).settings;
  const invitee = (await listInvitees(tx, { ids: [id], now: ctx.now })).get(id);
  const { hasEmail = false, suppressed = null } = invitee ?? {};
  return planInvitation({ accountStatus, accounts, hasEmail, suppressed });
}

/** Carries a plan out for one customer; resolves to the id of the invitation. */
export async function carryOutInvitation(ctx: Ctx, tx: Tx, row: CustomerRow): Promise<string> {
  const id = ctx.newId();
  await queueInvitations(ctx, tx, [{ id, customerId: row.id }]);
  if (row.accountStatus !== 'invited') {
    await updateCustomer(tx, row.id, {
      accountStatus: 'invited',
      version: row.version + 1,
      updatedAt: ctx.now,
    });
  }
  await tell(ctx, tx, { ...invitationQueued(id, row.accountStatus), customerId: row.id });
  return id;
}

/**
 * Invites a customer, or invites again: the old link dies at once.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ALREADY_ACTIVE, ACCOUNT_STATE_CONFLICT, NO_EMAIL, ACCOUNTS_NOT_OFFERED,
 *   ADDRESS_SUPPRESSED
 */
export function inviteCustomer(ctx: Ctx, customerId: string): Promise<Invitation> {
  return write(ctx, async (tx) => {
    const row = await lockPresent(tx, customerId, undefined);
    accepted(await planFor(ctx, tx, row));
    const made = await findInvitation(tx, await carryOutInvitation(ctx, tx, row));
    if (!made) throw new Problem('NOT_FOUND', { resource: 'invitation' });
    return toInvitation(made, ctx.now);
  });
}

/**
 * Takes the invitation back: its link opens nothing any more. The customer stays invited, for nothing leads back to
 * `guest` (C4).
 * @throws Problem NOT_FOUND when none is open, CUSTOMER_GONE
 */
export function revokeInvitation(ctx: Ctx, customerId: string): Promise<void> {
  return write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    const [revoked] = await endInvitations(ctx, tx, [customerId]);
    if (!revoked) throw new Problem('NOT_FOUND', { resource: 'invitation' });
    await tell(ctx, tx, { kind: 'invitation.revoked', customerId, subjectId: revoked.id });
  });
}
