// Mail rows: writing them, taking those that are due, and what became of them.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type pg from 'pg';
import { statement, type Tx } from './connection.ts';
import { JOBS_CHANNEL } from './jobs.ts';
import { insertRows } from './record-sets.ts';
import { messages } from './tables/messages.ts';

export type MessageRow = typeof messages.$inferSelect;
export type NewMessageRow = Omit<typeof messages.$inferInsert, 'storeId'>;

/** Stands where announcements of jobs have their kind: the relay hears of new mails. */
export const MAIL_ANNOUNCEMENT = 'mail';

const insert = insertRows<NewMessageRow & { id: string }>('insert_messages', messages, { quiet: true });

/** Tells the relay, with the commit, that there are mails to send. */
export const announceMails = statement<object, never>(
  'announce_mail',
  (p) =>
    sql`select pg_notify(${sql.raw(`'${JOBS_CHANNEL}'`)}, ${p.storeId}::text || ${sql.raw(`' ${MAIL_ANNOUNCEMENT} '`)})`,
);

/** Adds mails and, with the commit, tells the relay. Those whose reference is taken are left out. Resolves to the ids. */
export async function insertMessages(
  tx: Tx,
  rows: readonly (NewMessageRow & { id: string })[],
): Promise<string[]> {
  const ids = await insert(tx, rows);
  if (ids.length > 0) await announceMails(tx, {});
  return ids;
}

/** Stores in which a mail is due, a lease is over or a campaign is open. */
export async function listStoresWithMailDue(pool: pg.Pool, at: Date): Promise<string[]> {
  const { rows } = await pool.query<{ storeId: string }>(
    'select store_id as "storeId" from stores_with_mail_due($1)',
    [at],
  );
  return rows.map(({ storeId }) => storeId);
}

/** What is needed of a mail to make and send it. */
export type DueMessage = Pick<
  MessageRow,
  | 'id'
  | 'customerId'
  | 'kind'
  | 'class'
  | 'campaignId'
  | 'topic'
  | 'orderId'
  | 'templateId'
  | 'templateVersion'
  | 'toEmail'
  | 'domain'
  | 'data'
  | 'actor'
  | 'attempts'
  | 'createdAt'
  | 'sendAfter'
> & {
  /** When the first attempt ended; null before there was one. */
  firstTriedAt: Date | null;
};

/** Columns of a `DueMessage`; most mails go at the first attempt, and nothing is looked up for them. */
const dueColumns = (storeId: Placeholder) => sql`m.id, m.customer_id as "customerId", m.kind, m.class,
  m.campaign_id as "campaignId", m.topic, m.order_id as "orderId", m.template_id as "templateId",
  m.template_version as "templateVersion", m.to_email as "toEmail", m.domain, m.data, m.actor, m.attempts,
  m.created_at as "createdAt", m.send_after as "sendAfter",
  case when m.attempts > 0 then (
    select a.ended_at from message_attempts a where a.store_id = ${storeId} and a.message_id = m.id
    order by a.number limit 1
  ) end as "firstTriedAt"`;

/** Mails that are due and that nobody works on; the next mail of a campaign, or those of none. */
const dueOf = (campaign: SQL, now: Placeholder) => sql`
  ${campaign} and m.status in ('pending', 'ready', 'deferred') and m.send_after <= ${now}
  and (m.lease_until is null or m.lease_until <= ${now})`;

interface Taking {
  leaseId: string;
  now: Date;
  leaseUntil: Date;
  limit: number;
}

/**
 * Takes mails that belong to no campaign; nobody else gets them before `leaseUntil`. The choice is a CTE: a subquery in FROM may be
 * run once for each row of the other side, and then takes more than the limit.
 */
export const takeMessages = statement<Taking, DueMessage>(
  'take_messages',
  (p) => sql`
    with due as materialized (
      select m.id from messages m
      where m.store_id = ${p.storeId} and ${dueOf(sql`m.campaign_id is null`, p.now)}
      order by m.send_after, m.id limit ${p.limit} for update skip locked
    )
    update messages m set lease_id = ${p.leaseId}, lease_until = ${p.leaseUntil}
    from due
    where m.store_id = ${p.storeId} and m.id = due.id
    returning ${dueColumns(p.storeId)}`,
);

/** The next due mails of a campaign, locked: which of them may go is for its pace to say. */
export const lockDueOfCampaign = statement<
  { campaignId: string; now: Date; limit: number },
  { id: string; domain: string | null }
>(
  'lock_due_of_campaign',
  (p) => sql`
    select m.id, m.domain from messages m
    where m.store_id = ${p.storeId} and ${dueOf(sql`m.campaign_id = ${p.campaignId}`, p.now)}
    order by m.send_after, m.id limit ${p.limit} for update skip locked`,
);

export const takeChosen = statement<{ ids: string[]; leaseId: string; leaseUntil: Date }, DueMessage>(
  'take_chosen_messages',
  (p) => sql`
    update messages m set lease_id = ${p.leaseId}, lease_until = ${p.leaseUntil}
    where m.store_id = ${p.storeId} and m.id = any (${p.ids}::uuid[])
    returning ${dueColumns(p.storeId)}`,
);

/** Puts mails off; they are nobody's until then. */
export const postponeMessages = statement<{ ids: string[]; times: Date[] }, never>(
  'postpone_messages',
  (p) => sql`
    update messages m set send_after = r.at, lease_id = null, lease_until = null
    from unnest(${p.ids}::uuid[], ${p.times}::timestamptz[]) as r (id, at)
    where m.store_id = ${p.storeId} and m.id = r.id and m.status in ('pending', 'ready', 'deferred')`,
);

/** Gives back what was taken and not sent. */
export const releaseMessages = statement<{ ids: string[]; leaseId: string }, never>(
  'release_messages',
  (p) => sql`
    update messages m set lease_id = null, lease_until = null
    where m.store_id = ${p.storeId} and m.id = any (${p.ids}::uuid[]) and m.lease_id = ${p.leaseId}
      and m.status in ('pending', 'ready', 'deferred')`,
);
