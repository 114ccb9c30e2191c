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
    with recursive merged (id, into_id) as (
      select id, merged_into_id from customers where store_id = ${p.storeId} and merged_into_id is not null
      union
      select merged.id, c.merged_into_id from merged
      join customers c on c.store_id = ${p.storeId} and c.id = merged.into_id and c.merged_into_id is not null
    ), survivors as (
      select id, into_id from merged where not exists (select from merged further where further.id = merged.into_id)
    ), recipients as (
      select coalesce(s.into_id, m.customer_id) as customer_id, bool_and(m.reason is not null) as held_out,
        coalesce(min(coalesce(m.sent_at, m.send_after)) filter (where m.reason is null), min(m.send_after)) as since
      from messages m left join survivors s on s.id = m.customer_id
      where m.store_id = ${p.storeId} and m.campaign_id = ${p.id}
        and (m.status in ('sent', 'unknown') or m.reason = 'holdout')
      group by 1
    )
    select recipients.held_out as "heldOut", o.currency, count(*) as orders, count(distinct recipients.customer_id) as customers,
      sum(o.total - o.refunded_total)::bigint as revenue
    from recipients
    join orders o on o.store_id = ${p.storeId} and o.customer_id = recipients.customer_id
      and o.placed_at >= recipients.since and o.placed_at < recipients.since + make_interval(days => ${p.days}::integer)
      and o.placed_at >= ${p.since} and not o.is_test and o.status = any(${p.statuses}::text[])
    group by 1, 2 order by 1, 2`,
);

/**
 * Orders that count (C7) within so many days behind the mail, or behind the moment at which it would have gone. Orders move
 * when customers are merged, mails do not: whoever was merged since counts as the customer who is left, once, and as held out
 * only when none of them got the mail.
 */
export const countGroupOrders = (
  db: Db,
  { id, days, since }: { id: string; days: number; since: Date },
): Promise<GroupOrders[]> => orders(db, { id, days, since, statuses: COUNTED_STATUSES });
