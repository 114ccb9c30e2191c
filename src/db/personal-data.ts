// What an export of somebody's data reads and no other list shows: the consent they gave and the mails they got, of them
// and of those who were merged into them.
import { sql } from 'drizzle-orm';
import type { Channel, ConsentAction, ConsentSource, ConsentState } from '../domain/mail/consents.ts';
import type { MessageClass, MessageKind } from '../domain/mail/messages.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, statement } from './connection.ts';
import { familyOf } from './merges.ts';

const FIRST = '00000000-0000-0000-0000-000000000000';

interface Reading {
  customerId: string;
  after: string;
  limit: number;
}

/** Reads pages in the order in which rows were written. */
const paged =
  <Row>(read: (db: Db, reading: Reading) => Promise<Row[]>) =>
  (db: Db, customerId: string, { after, limit }: PageStart<readonly [id: string]>): Promise<Row[]> =>
    read(db, { customerId, after: after?.[0] ?? FIRST, limit });

export interface ToldConsent {
  id: string;
  channel: Channel;
  address: string;
  topic: string;
  action: ConsentAction;
  state: ConsentState;
  effectiveAt: Date;
  recordedAt: Date;
  source: ConsentSource;
  /** What was agreed to, word for word. */
  wording: string | null;
}

export const listToldConsents = paged(
  statement<Reading, ToldConsent>(
    'list_told_consents',
    (p) => sql`
      ${familyOf(p.storeId, p.customerId)}
      select e.id, e.channel, e.address, e.topic, e.action, e.state, e.effective_at as "effectiveAt",
        e.recorded_at as "recordedAt", e.source, w.text as wording
      from family join consent_events e on e.store_id = ${p.storeId} and e.customer_id = family.id
        left join consent_wordings w on w.store_id = ${p.storeId} and w.hash = e.wording_hash
      where e.id > ${p.after} order by e.id limit ${p.limit}`,
  ),
);

export interface ToldMessage {
  id: string;
  kind: MessageKind;
  class: MessageClass;
  subject: string | null;
  toEmail: string | null;
  sentAt: Date;
  deliveredAt: Date | null;
  clickedAt: Date | null;
  unsubscribedAt: Date | null;
}

export const listToldMessages = paged(
  statement<Reading, ToldMessage>(
    'list_told_messages',
    (p) => sql`
      ${familyOf(p.storeId, p.customerId)}
      select m.id, m.kind, m.class, m.subject, m.to_email as "toEmail", m.sent_at as "sentAt",
        m.delivered_at as "deliveredAt", m.clicked_at as "clickedAt", m.unsubscribed_at as "unsubscribedAt"
      from family join messages m on m.store_id = ${p.storeId} and m.customer_id = family.id
      where m.sent_at is not null and m.id > ${p.after} order by m.id limit ${p.limit}`,
  ),
);
