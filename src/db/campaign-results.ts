// What came of a campaign: answers to its mails, and orders afterwards, beside those of the hold-out group.
import { sql } from 'drizzle-orm';
import type { GroupOrders } from '../domain/mail/campaign-results.ts';
import { COUNTED_STATUSES } from '../domain/orders.ts';
import { type Db, statement } from './connection.ts';

export interface Answers {
  sent: number;
  delivered: number;
  bounced: number;
  complained: number;
  unsubscribed: number;
  clicked: number;
  holdout: number;
  /** Clicks of programs that open every link. */
  machineClicks: number;
}

const answers = statement<{ id: string }, Answers>(
  'count_campaign_answers',
  (p) => sql`
    select count(*) filter (where m.status in ('sent', 'unknown')) as sent, count(m.delivered_at) as delivered,
      count(m.bounced_at) as bounced, count(m.complained_at) as complained,
      count(m.unsubscribed_at) as unsubscribed, count(m.clicked_at) as clicked,
      count(*) filter (where m.reason = 'holdout') as holdout,
      (select count(*) from message_clicks k
        join messages o on o.store_id = ${p.storeId} and o.id = k.message_id and o.campaign_id = ${p.id}
        where k.store_id = ${p.storeId} and k.machine) as "machineClicks"
    from messages m where m.store_id = ${p.storeId} and m.campaign_id = ${p.id}`,
);

const NONE: Answers = {
  sent: 0,
  delivered: 0,
  bounced: 0,
  complained: 0,
  unsubscribed: 0,
  clicked: 0,
  holdout: 0,
  machineClicks: 0,
};

export const countAnswers = async (db: Db, id: string): Promise<Answers> =>
  (await answers(db, { id }))[0] ?? NONE;

const orders = statement<{ id: string; days: number; since: Date; statuses: readonly string[] }, GroupOrders>(
  'count_campaign_orders',
  (p) => sql`
    select recipients.held_out as "heldOut", o.currency, count(*) as orders, count(distinct recipients.customer_id) as customers,
      sum(o.total - o.refunded_total)::bigint as revenue
    from (
      select m.customer_id, m.reason is not null as held_out, coalesce(m.sent_at, m.send_after) as since from messages m
      where m.store_id = ${p.storeId} and m.campaign_id = ${p.id}
        and (m.status in ('sent', 'unknown') or m.reason = 'holdout')
    ) recipients
    join orders o on o.store_id = ${p.storeId} and o.customer_id = recipients.customer_id
      and o.placed_at >= recipients.since and o.placed_at < recipients.since + make_interval(days => ${p.days}::integer)
      and o.placed_at >= ${p.since} and not o.is_test and o.status = any(${p.statuses}::text[])
    group by 1, 2 order by 1, 2`,
);

/** Orders that count (C7) within so many days behind the mail, or behind the moment at which it would have gone. */
export const countGroupOrders = (
  db: Db,
  { id, days, since }: { id: string; days: number; since: Date },
): Promise<GroupOrders[]> => orders(db, { id, days, since, statuses: COUNTED_STATUSES });
