// Invitations with what became of their mails.
import { type SQL, sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import {
  type InvitationFacts,
  type InvitationStatus,
  MAIL_LOST,
  MAIL_UNDER_WAY,
} from '../domain/accounts/invitations.ts';
import type { SuppressionReason } from '../domain/mail/consents.ts';
import { type MessageStatus, WAITING_STATUSES } from '../domain/mail/messages.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute, statement, type Tx } from './connection.ts';
import type { MessageRow } from './messages.ts';
import { insertRows } from './record-sets.ts';
import { invitations } from './tables/accounts.ts';

type NewInvitation = Omit<typeof invitations.$inferInsert, 'storeId'>;

/** An invitation with its mail. */
export interface InvitationRow extends InvitationFacts {
  id: string;
  customerId: string;
  messageId: string;
  /** Where the mail went, or would go now. */
  email: string | null;
  actor: string;
  createdAt: Date;
  sentAt: Date | null;
  mailReason: MessageRow['reason'];
}

const COLUMNS = sql.raw(`i.id, i.customer_id as "customerId", i.message_id as "messageId", i.actor,
  i.expires_at as "expiresAt", i.opened_at as "openedAt", i.accepted_at as "acceptedAt", i.revoked_at as "revokedAt",
  i.created_at as "createdAt", coalesce(m.to_email, c.email) as email, m.status as "mailStatus",
  m.reason as "mailReason", m.bounced_at as "bouncedAt", m.sent_at as "sentAt"`);

const listOf = (statuses: readonly MessageStatus[]): SQL =>
  sql.raw(statuses.map((status) => `'${status}'`).join(', '));

/** invitationStatus() in SQL, for lists of one state; a test holds the two against each other. */
const statusAt = (at: Date): SQL => sql`case
  when i.accepted_at is not null then 'accepted'
  when i.revoked_at is not null then 'revoked'
  when i.opened_at is null and m.status in (${listOf(MAIL_UNDER_WAY)}) then 'queued'
  when i.opened_at is null and (m.status in (${listOf(MAIL_LOST)}) or m.bounced_at is not null) then 'failed'
  when i.expires_at <= ${at} then 'expired'
  when i.opened_at is not null then 'opened'
  else 'sent' end`;

const IS_OPEN = sql.raw('i.accepted_at is null and i.revoked_at is null');

/**
 * What each state takes to be possible, in words that the planner can judge: it follows from statusAt(), whose case only sees
 * rows that were joined already. A rare state then costs a walk along the invitations and not one along their mails too.
 */
const prerequisite = (status: InvitationStatus, at: Date): SQL =>
  ({
    accepted: sql`i.accepted_at is not null`,
    revoked: sql`i.accepted_at is null and i.revoked_at is not null`,
    queued: sql`${IS_OPEN} and i.opened_at is null and m.status in (${listOf(MAIL_UNDER_WAY)})`,
    failed: sql`${IS_OPEN} and i.opened_at is null and (m.status in (${listOf(MAIL_LOST)}) or m.bounced_at is not null)`,
    expired: sql`${IS_OPEN} and i.expires_at <= ${at}`,
    opened: sql`${IS_OPEN} and i.opened_at is not null`,
    sent: sql`${IS_OPEN} and i.opened_at is null`,
  })[status];

export type InvitationKey = [id: string];

/** Which invitations a list shows; all members are and-ed. */
export interface InvitationFilter {
  customerId?: string;
  status?: InvitationStatus | undefined;
  /** The instant at which the state counts. */
  at: Date;
}

/** Invitations, newest first. */
export const listInvitations = (
  db: Db,
  { customerId, status, at }: InvitationFilter,
  { after, limit }: PageStart<InvitationKey>,
): Promise<InvitationRow[]> =>
  execute(
    db,
    sql`
      select ${COLUMNS} from invitations i
      join messages m on m.store_id = ${db.storeId} and m.id = i.message_id
      join customers c on c.store_id = ${db.storeId} and c.id = i.customer_id
      where i.store_id = ${db.storeId}
        ${customerId ? sql`and i.customer_id = ${customerId}` : sql``}
        ${status ? sql`and ${prerequisite(status, at)} and ${statusAt(at)} = ${status}` : sql``}
        ${after ? sql`and i.id < ${after[0]}` : sql``}
      order by i.id desc limit ${limit}`,
  );

const selectById = statement<{ id: string }, InvitationRow>(
  'find_invitation',
  (p) => sql`
    select ${COLUMNS} from invitations i
    join messages m on m.store_id = ${p.storeId} and m.id = i.message_id
    join customers c on c.store_id = ${p.storeId} and c.id = i.customer_id
    where i.store_id = ${p.storeId} and i.id = ${p.id}`,
);

export const findInvitation = async (db: Db, id: string): Promise<InvitationRow | undefined> =>
  (await selectById(db, { id }))[0];

/** What decides whether a customer can be invited, beside the account's state. */
export interface InviteeRow {
  customerId: string;
  hasEmail: boolean;
  /** Why the address gets no mail at present. */
  suppressed: SuppressionReason | null;
  /** The invitation that was neither accepted nor revoked. */
  open?: InvitationFacts & { id: string };
}

type OpenColumns = Pick<InvitationFacts, 'expiresAt' | 'openedAt' | 'bouncedAt'> & {
  invitationId: string | null;
  mailStatus: MessageStatus | null;
};

const selectInvitees = statement<
  { ids: readonly string[]; now: Date },
  Omit<InviteeRow, 'open'> & OpenColumns
>(
  'list_invitees',
  (p) => sql`
    select c.id as "customerId", c.email_norm is not null as "hasEmail",
      (select s.reason from suppressions s
       where s.store_id = ${p.storeId} and s.email = c.email_norm and s.active
         and (s.until is null or s.until > ${p.now}) limit 1) as suppressed,
      i.id as "invitationId", i.expires_at as "expiresAt", i.opened_at as "openedAt", m.status as "mailStatus",
      m.bounced_at as "bouncedAt"
    from customers c
    left join invitations i on i.store_id = ${p.storeId} and i.customer_id = c.id
      and i.accepted_at is null and i.revoked_at is null
    left join messages m on m.store_id = ${p.storeId} and m.id = i.message_id
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])`,
);

const NEITHER = { acceptedAt: null, revokedAt: null };

/** By customer id; customers that do not exist are left out. */
export async function listInvitees(
  db: Db,
  customers: { ids: readonly string[]; now: Date },
): Promise<Map<string, InviteeRow>> {
  const rows = await selectInvitees(db, customers);
  return new Map(
    rows.map(({ customerId, hasEmail, suppressed, invitationId, mailStatus, ...facts }) => [
      customerId,
      {
        customerId,
        hasEmail,
        suppressed,
        ...(invitationId && mailStatus && { open: { id: invitationId, mailStatus, ...facts, ...NEITHER } }),
      },
    ]),
  );
}

export const insertInvitations = insertRows<NewInvitation>('insert_invitations', invitations);

const revoke = statement<
  { customerIds: readonly string[]; now: Date },
  { id: string; customerId: string; messageId: string }
>(
  'revoke_invitations',
  (p) => sql`
    update invitations set revoked_at = ${p.now}
    where store_id = ${p.storeId} and customer_id = any(${p.customerIds}::uuid[])
      and accepted_at is null and revoked_at is null
    returning id, customer_id as "customerId", message_id as "messageId"`,
);

const cancelMails = statement<{ messageIds: readonly string[] }, never>(
  'cancel_invitation_mails',
  (p) => sql`
    update messages set status = 'cancelled', lease_id = null, lease_until = null
    where store_id = ${p.storeId} and id in (
      select id from messages
      where store_id = ${p.storeId} and id = any(${p.messageIds}::uuid[])
        and status in (${listOf(WAITING_STATUSES)})
      for update skip locked)`,
);

/**
 * Takes the open invitations of these customers back; the caller holds the customers' locks. A mail of theirs that the
 * sender has in hand is passed by rather than waited for: the sender waits for the customers, and finds the invitation
 * revoked.
 */
export async function revokeInvitations(
  tx: Tx,
  by: { customerIds: readonly string[]; now: Date },
): Promise<{ id: string; customerId: string }[]> {
  const revoked = await revoke(tx, by);
  if (revoked.length > 0) await cancelMails(tx, { messageIds: revoked.map(({ messageId }) => messageId) });
  return revoked;
}

/** What the mail of an invitation needs. */
export interface InvitationMail {
  messageId: string;
  invitationId: string;
  customerId: string;
  emailNorm: string;
}

const holdInvited = statement<{ customerIds: readonly string[] }, never>(
  'hold_invited_customers',
  (p) => sql`
    select from customers where store_id = ${p.storeId} and id = any(${p.customerIds}::uuid[])
    order by id for key share`,
);

const selectMails = statement<{ messageIds: readonly string[] }, InvitationMail>(
  'list_invitation_mails',
  (p) => sql`
    select i.message_id as "messageId", i.id as "invitationId", c.id as "customerId", c.email_norm as "emailNorm"
    from invitations i join customers c on c.store_id = ${p.storeId} and c.id = i.customer_id
    where i.store_id = ${p.storeId} and i.message_id = any(${p.messageIds}::uuid[])
      and i.accepted_at is null and i.revoked_at is null and c.account_status = 'invited' and c.email_norm is not null`,
);

/**
 * Those of the mails whose invitation still stands. It stands until the transaction ends: whoever invites, revokes or
 * accepts locks the customer first.
 */
export async function holdInvitationMails(
  tx: Tx,
  mails: { customerIds: readonly string[]; messageIds: readonly string[] },
): Promise<InvitationMail[]> {
  await holdInvited(tx, { customerIds: mails.customerIds });
  return selectMails(tx, { messageIds: mails.messageIds });
}

export const setInvitationExpiry = statement<{ ids: readonly string[]; expiresAt: Date }, never>(
  'set_invitation_expiry',
  (p) => sql`
    update invitations set expires_at = ${p.expiresAt} where store_id = ${p.storeId} and id = any(${p.ids}::uuid[])`,
);

/** Who a link invites. */
export interface InvitedRow {
  customerId: string;
  accountStatus: AccountStatus;
  email: string | null;
  emailNorm: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  isOpen: boolean;
}

const selectInvited = statement<{ id: string }, InvitedRow>(
  'find_invited',
  (p) => sql`
    select c.id as "customerId", c.account_status as "accountStatus", c.email, c.email_norm as "emailNorm",
      c.first_name as "firstName", c.last_name as "lastName", c.company,
      i.accepted_at is null and i.revoked_at is null as "isOpen"
    from invitations i join customers c on c.store_id = ${p.storeId} and c.id = i.customer_id
    where i.store_id = ${p.storeId} and i.id = ${p.id}`,
);

export const findInvited = async (db: Db, id: string): Promise<InvitedRow | undefined> =>
  (await selectInvited(db, { id }))[0];

const open = statement<{ id: string; now: Date }, { customerId: string }>(
  'open_invitation',
  (p) => sql`
    update invitations set opened_at = ${p.now}
    where store_id = ${p.storeId} and id = ${p.id} and opened_at is null and accepted_at is null and revoked_at is null
    returning customer_id as "customerId"`,
);

/** Notes that the page was looked at; false when it had been before. */
export const openInvitation = async (tx: Tx, id: string, now: Date): Promise<boolean> =>
  (await open(tx, { id, now })).length > 0;

const accept = statement<{ id: string; now: Date }, { id: string }>(
  'accept_invitation',
  (p) => sql`
    update invitations set accepted_at = ${p.now}
    where store_id = ${p.storeId} and id = ${p.id} and accepted_at is null and revoked_at is null
    returning id`,
);

/** False when it is not open any more. */
export const acceptInvitation = async (tx: Tx, id: string, now: Date): Promise<boolean> =>
  (await accept(tx, { id, now })).length > 0;
