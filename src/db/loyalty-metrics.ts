// What the metrics of the programme are counted from (P10), all of it in one statement and so in one snapshot.
import { sql } from 'drizzle-orm';
import type { LoyaltyCount } from '../domain/loyalty/metrics.ts';
import { COUNTED_STATUSES } from '../domain/orders.ts';
import { type Db, statement } from './connection.ts';

/** From `from`, before `until`. */
export interface Period {
  from: Date | null;
  until: Date;
}

/** Points that moved in the period, and those that customers had at its end; may be below zero. */
export interface PointSums {
  pointsIssued: number;
  pointsRedeemed: number;
  pointsExpired: number;
  pointsForfeited: number;
  pointsAdjusted: number;
  pointsOutstanding: number;
}

export type LoyaltyCounts = Record<LoyaltyCount, number> & PointSums;

const COUNTED = sql.raw(`(${COUNTED_STATUSES.map((status) => `'${status}'`).join(', ')})`);

const count = statement<Period, LoyaltyCounts>(
  'count_loyalty',
  (p) => sql`
    with people as (
      select c.id, m.customer_id is not null as is_member
      from customers c
      left join loyalty_members m on m.store_id = ${p.storeId} and m.customer_id = c.id and m.status = 'active'
        and m.enrolled_at < ${p.until}
      where c.store_id = ${p.storeId} and c.account_status not in ('merged', 'erased', 'disabled')
        and c.created_at < ${p.until}
    ), buyers as (
      select o.customer_id, count(*) as orders from orders o
      where o.store_id = ${p.storeId} and not o.is_test and o.status in ${COUNTED}
        and o.placed_at >= coalesce(${p.from}::timestamptz, '-infinity') and o.placed_at < ${p.until}
      group by o.customer_id
    ), persons as (
      select count(*) as eligible, count(*) filter (where is_member) as members,
        count(*) filter (where is_member and b.orders >= 1) as members_with_order,
        count(*) filter (where is_member and b.orders >= 2) as members_with_two,
        count(*) filter (where not is_member and b.orders >= 1) as others_with_order,
        count(*) filter (where not is_member and b.orders >= 2) as others_with_two
      from people left join buyers b on b.customer_id = people.id
    ), redeeming as (
      select count(distinct r.customer_id) as members from loyalty_redemptions r
      join people on people.id = r.customer_id and people.is_member
      where r.store_id = ${p.storeId} and r.status = 'fulfilled'
        and r.closed_at >= coalesce(${p.from}::timestamptz, '-infinity') and r.closed_at < ${p.until}
    ), invited as (
      select count(*) as all, count(*) filter (where r.state in ('qualified', 'rewarded')) as qualified
      from referrals r
      where r.store_id = ${p.storeId}
        and r.invited_at >= coalesce(${p.from}::timestamptz, '-infinity') and r.invited_at < ${p.until}
    ), moved as (
      select case when t.is_credit then t.amount else -t.amount end as amount, t.counter_account, t.kind,
        t.effective_at >= coalesce(${p.from}::timestamptz, '-infinity') as in_period
      from transfers t
      where t.store_id = ${p.storeId} and t.unit = 'points' and t.effective_at < ${p.until}
    ), points as (
      select sum(amount) as outstanding,
        sum(amount) filter (where in_period and counter_account ^@ 'issued:') as issued,
        -sum(amount) filter (where in_period and counter_account = 'redeemed') as redeemed,
        -sum(amount) filter (where in_period and kind = 'expiry') as expired,
        -sum(amount) filter (where in_period and kind = 'forfeit') as forfeited,
        sum(amount) filter (where in_period and counter_account = 'manual') as adjusted
      from moved
    )
    select persons.eligible::bigint as "eligibleCustomers", persons.members::bigint as "members",
      persons.members_with_order::bigint as "membersWithOrder",
      persons.members_with_two::bigint as "membersWithTwoOrders",
      persons.others_with_order::bigint as "othersWithOrder",
      persons.others_with_two::bigint as "othersWithTwoOrders",
      redeeming.members::bigint as "membersWhoRedeemed",
      invited.all::bigint as "referralsInvited", invited.qualified::bigint as "referralsQualified",
      coalesce(points.issued, 0)::bigint as "pointsIssued", coalesce(points.redeemed, 0)::bigint as "pointsRedeemed",
      coalesce(points.expired, 0)::bigint as "pointsExpired",
      coalesce(points.forfeited, 0)::bigint as "pointsForfeited",
      coalesce(points.adjusted, 0)::bigint as "pointsAdjusted",
      coalesce(points.outstanding, 0)::bigint as "pointsOutstanding"
    from persons, redeeming, invited, points`,
);

/** Every count of the period. */
export async function countLoyalty(db: Db, period: Period): Promise<LoyaltyCounts> {
  const [counts] = await count(db, period);
  if (!counts) throw new Error('an aggregate has one row');
  return counts;
}
