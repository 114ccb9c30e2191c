// What is heard of mails after they were handed over (M8).
import { sql } from 'drizzle-orm';
import type { MessageFacts } from '../domain/mail/feedback.ts';
import { type Db, statement, type Tx } from './connection.ts';

/** A mail with where it went. */
export interface FeedbackMessage extends MessageFacts {
  id: string;
  customerId: string | null;
  campaignId: string | null;
  kind: string;
  topic: string | null;
  /** Where it went; null while it is not known to have been sent. */
  toEmail: string | null;
  /** The customer's address now. */
  emailNorm: string | null;
}

const COLUMNS =
  sql.raw(`m.id, m.customer_id as "customerId", m.campaign_id as "campaignId", m.kind, m.topic, m.status,
  m.reason, m.to_email as "toEmail", c.email_norm as "emailNorm", m.sent_at as "sentAt", m.delivered_at as "deliveredAt",
  m.bounced_at as "bouncedAt", m.complained_at as "complainedAt", m.unsubscribed_at as "unsubscribedAt"`);

const list = statement<{ ids: string[] }, FeedbackMessage>(
  'list_feedback_messages',
  (p) => sql`
    select ${COLUMNS} from messages m
    left join customers c on c.store_id = m.store_id and c.id = m.customer_id
    where m.store_id = ${p.storeId} and m.id = any (${p.ids}::uuid[])`,
);

const lock = statement<{ ids: string[] }, FeedbackMessage>(
  'lock_feedback_messages',
  (p) => sql`
    select ${COLUMNS} from messages m
    left join customers c on c.store_id = m.store_id and c.id = m.customer_id
    where m.store_id = ${p.storeId} and m.id = any (${p.ids}::uuid[])
    order by m.id for no key update of m`,
);

export const listFeedbackMessages = async (db: Db, ids: readonly string[]): Promise<FeedbackMessage[]> =>
  ids.length === 0 ? [] : list(db, { ids: [...ids] });

export const lockFeedbackMessages = async (tx: Tx, ids: readonly string[]): Promise<FeedbackMessage[]> =>
  ids.length === 0 ? [] : lock(tx, { ids: [...ids] });

const save = statement<{ rows: string }, never>(
  'save_feedback',
  (p) => sql`
    update messages m set status = r.status, reason = r.reason, sent_at = r."sentAt", delivered_at = r."deliveredAt",
      bounced_at = r."bouncedAt", complained_at = r."complainedAt", unsubscribed_at = r."unsubscribedAt"
    from json_to_recordset(${p.rows}::json) as r (id uuid, status text, reason text, "sentAt" timestamptz,
      "deliveredAt" timestamptz, "bouncedAt" timestamptz, "complainedAt" timestamptz, "unsubscribedAt" timestamptz)
    where m.store_id = ${p.storeId} and m.id = r.id`,
);

/** Writes what has changed of mails that are locked. */
export const saveFeedback = async (tx: Tx, messages: readonly FeedbackMessage[]): Promise<void> => {
  if (messages.length > 0) await save(tx, { rows: JSON.stringify(messages) });
};
