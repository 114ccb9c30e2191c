// The people of a frozen audience: listed, and what is known of one of them.
import { type SQL, sql } from 'drizzle-orm';
import type { ConsentSource, ConsentState } from '../domain/mail/consents.ts';
import type { MessageStatus } from '../domain/mail/messages.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute, statement } from './connection.ts';

export interface Recipient {
  messageId: string;
  customerId: string;
  email: string | null;
  status: MessageStatus;
  reason: string | null;
  attempts: number;
  sendAfter: Date;
  sentAt: Date | null;
  deliveredAt: Date | null;
  bouncedAt: Date | null;
  complainedAt: Date | null;
  unsubscribedAt: Date | null;
  clickedAt: Date | null;
}

const FACTS = sql.raw(`m.status, m.reason, m.attempts, m.send_after as "sendAfter", m.sent_at as "sentAt",
  m.delivered_at as "deliveredAt", m.bounced_at as "bouncedAt", m.complained_at as "complainedAt",
  m.unsubscribed_at as "unsubscribedAt", m.clicked_at as "clickedAt"`);

export interface RecipientFilter {
  status?: MessageStatus | undefined;
  reason?: string | undefined;
}

/** People of the audience in the order of their ids. */
export const listRecipients = (
  db: Db,
  campaignId: string,
  { status, reason }: RecipientFilter,
  { after, limit }: PageStart<[customerId: string]>,
): Promise<Recipient[]> => {
  const conditions: SQL[] = [
    sql`m.store_id = ${db.storeId} and m.campaign_id = ${campaignId}`,
    ...(status ? [sql`m.status = ${status}`] : []),
    ...(reason ? [sql`m.reason = ${reason}`] : []),
    ...(after ? [sql`m.customer_id > ${after[0]}`] : []),
  ];
  return execute(
    db,
    sql`
      select m.id as "messageId", m.customer_id as "customerId", coalesce(m.to_email, c.email) as email, ${FACTS}
      from (
        select * from messages m where ${sql.join(conditions, sql` and `)} order by m.customer_id limit ${limit}
      ) m
      join customers c on c.store_id = ${db.storeId} and c.id = m.customer_id
      order by m.customer_id`,
  );
};

export type RecipientRow = Omit<Recipient, 'messageId' | 'customerId' | 'email'>;

const findRow = statement<{ campaignId: string; customerId: string }, RecipientRow>(
  'find_campaign_recipient',
  (p) => sql`
    select ${FACTS} from messages m
    where m.store_id = ${p.storeId} and m.campaign_id = ${p.campaignId} and m.customer_id = ${p.customerId}`,
);

export const findRecipient = async (
  db: Db,
  key: { campaignId: string; customerId: string },
): Promise<RecipientRow | undefined> => (await findRow(db, key))[0];

interface Background {
  customerId: string;
  campaignId: string;
  topic: string;
  onceKey: string | null;
  now: Date;
  storeSince: Date;
  ownSince: Date;
}

/** What stands behind the reasons why one customer gets a campaign or not. */
export interface BackgroundRow {
  mergedIntoId: string | null;
  contactLimit: number | null;
  consentState: ConsentState | null;
  consentAt: Date | null;
  consentSource: ConsentSource | null;
  suppressionReason: string | null;
  suppressedAt: Date | null;
  suppressedUntil: Date | null;
  sentOfStore: number;
  sentOfOwn: number;
  lastSentAt: Date | null;
  twins: string[];
  received: { campaign: string; at: string | null }[];
}

const background = statement<Background, BackgroundRow>(
  'find_campaign_background',
  (p) => sql`
    select c.merged_into_id as "mergedIntoId", c.contact_limit as "contactLimit", k.state as "consentState",
      k.effective_at as "consentAt", e.source as "consentSource", s.reason as "suppressionReason",
      s.created_at as "suppressedAt", s.until as "suppressedUntil",
      (select count(*) from messages m where m.store_id = ${p.storeId} and m.customer_id = c.id
        and m.class = 'marketing' and m.sent_at > ${p.storeSince}) as "sentOfStore",
      (select count(*) from messages m where m.store_id = ${p.storeId} and m.customer_id = c.id
        and m.class = 'marketing' and m.sent_at > ${p.ownSince}) as "sentOfOwn",
      (select max(m.sent_at) from messages m where m.store_id = ${p.storeId} and m.customer_id = c.id
        and m.class = 'marketing') as "lastSentAt",
      array(select o.id from customers o where o.store_id = ${p.storeId} and o.email_key = c.email_key and o.id <> c.id
        and o.account_status not in ('merged', 'erased') order by o.id limit 5) as twins,
      (select coalesce(json_agg(json_build_object('campaign', o.name, 'at', m.sent_at)), '[]')
        from campaigns o join messages m on m.store_id = ${p.storeId} and m.campaign_id = o.id and m.customer_id = c.id
          and m.status in ('pending', 'ready', 'deferred', 'sending', 'sent', 'unknown')
        where o.store_id = ${p.storeId} and o.once_key = ${p.onceKey}::text and o.id <> ${p.campaignId}) as received
    from customers c
    left join consents k on k.store_id = ${p.storeId} and k.channel = 'email' and k.address = c.email_norm
      and k.topic = ${p.topic}
    left join consent_events e on e.store_id = ${p.storeId} and e.id = k.event_id
    left join suppressions s on s.store_id = ${p.storeId} and s.email = c.email_norm and s.active
      and (s.until is null or s.until > ${p.now})
    where c.store_id = ${p.storeId} and c.id = ${p.customerId}`,
);

/** Undefined when there is no such customer. */
export const findBackground = async (db: Db, of: Background): Promise<BackgroundRow | undefined> =>
  (await background(db, of))[0];
