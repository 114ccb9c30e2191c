// Clicks on links of mails, as they are kept: at most so many of one mail.
import { sql } from 'drizzle-orm';
import { type JudgedClick, MAX_KEPT_CLICKS } from '../domain/mail/clicks.ts';
import type { MessageKind, MessageStatus } from '../domain/mail/messages.ts';
import { type Db, statement, type Tx } from './connection.ts';

/** What of a mail its clicks are judged by. */
export interface ClickedMessage {
  customerId: string | null;
  kind: MessageKind;
  campaignId: string | null;
  status: MessageStatus;
  sentAt: Date | null;
  clickedAt: Date | null;
}

const lock = statement<{ id: string }, ClickedMessage>(
  'lock_clicked_message',
  (p) => sql`
    select customer_id as "customerId", kind, campaign_id as "campaignId", status, sent_at as "sentAt",
      clicked_at as "clickedAt"
    from messages where store_id = ${p.storeId} and id = ${p.id} for no key update`,
);

/** The mail, so that its clicks are judged one after the other; undefined when it is gone. */
export const lockClickedMessage = async (tx: Tx, id: string): Promise<ClickedMessage | undefined> =>
  (await lock(tx, { id }))[0];

/** A click that is kept. */
export interface KeptClick extends JudgedClick {
  id: string;
}

const around = statement<{ id: string; from: Date }, KeptClick>(
  'list_latest_clicks',
  (p) => sql`
    select id, url, machine, clicked_at as at from message_clicks
    where store_id = ${p.storeId} and message_id = ${p.id} and clicked_at >= ${p.from} order by id`,
);

/** Clicks of the mail from an instant on. */
export const listClicksSince = (db: Db, id: string, from: Date): Promise<KeptClick[]> =>
  around(db, { id, from });

interface Recording {
  messageId: string;
  id: string;
  url: string;
  machine: boolean;
  at: Date;
  /** Clicks that turned out to be of a machine. */
  doubted: string[];
}

/**
 * Keeps a click while there is room, doubts others, and writes down when a person first followed a link. Resolves to that
 * instant. What this statement changes it does not see itself: the clicks of before are read without the doubted ones.
 */
const record = statement<Recording, { clickedAt: Date | null }>(
  'record_click',
  (p) => sql`
    with kept as (
      insert into message_clicks (store_id, message_id, id, url, machine, clicked_at)
      select ${p.storeId}, ${p.messageId}, ${p.id}::uuid, ${p.url}, ${p.machine}::boolean, ${p.at}::timestamptz
      where (select count(*) from message_clicks c where c.store_id = ${p.storeId} and c.message_id = ${p.messageId})
        < ${sql.raw(String(MAX_KEPT_CLICKS))}
    ), doubted as (
      update message_clicks c set machine = true
      where c.store_id = ${p.storeId} and c.message_id = ${p.messageId} and c.id = any (${p.doubted}::uuid[])
    ), first as (
      select least(
        case when not ${p.machine}::boolean then ${p.at}::timestamptz end,
        case when cardinality(${p.doubted}::uuid[]) = 0 then (
            select m.clicked_at from messages m where m.store_id = ${p.storeId} and m.id = ${p.messageId})
          else (
            select min(c.clicked_at) from message_clicks c
            where c.store_id = ${p.storeId} and c.message_id = ${p.messageId} and not c.machine
              and not c.id = any (${p.doubted}::uuid[])) end) as at
    )
    update messages m set clicked_at = first.at from first
    where m.store_id = ${p.storeId} and m.id = ${p.messageId} and m.clicked_at is distinct from first.at
    returning m.clicked_at as "clickedAt"`,
);

/** Keeps what was judged; resolves to the first click of a person where that changed, null when there is none any more. */
export async function recordClick(
  tx: Tx,
  recording: Recording,
): Promise<{ clickedAt: Date | null } | undefined> {
  return (await record(tx, recording))[0];
}
