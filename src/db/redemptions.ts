// Redemptions (P5): rewards that members asked for.
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { loyaltyRedemptions } from './tables/loyalty.ts';

export type RedemptionRow = Omit<typeof loyaltyRedemptions.$inferSelect, 'storeId'>;
export type RedemptionChange = Partial<Omit<RedemptionRow, 'id' | 'customerId' | 'rewardId'>>;

const find = prepared<{ id: string; customerId: string }>()('find_redemption', (queries, p) =>
  queries
    .select()
    .from(loyaltyRedemptions)
    .where(
      and(
        eq(loyaltyRedemptions.storeId, p.storeId),
        eq(loyaltyRedemptions.id, p.id),
        eq(loyaltyRedemptions.customerId, p.customerId),
      ),
    ),
);

/** A redemption of this customer; undefined when it is another's. */
export const findRedemption = async (
  db: Db,
  redemption: { id: string; customerId: string },
): Promise<RedemptionRow | undefined> => (await find(db, redemption))[0];

const lock = prepared<{ id: string }>()('lock_redemption', (queries, p) =>
  queries
    .select()
    .from(loyaltyRedemptions)
    .where(and(eq(loyaltyRedemptions.storeId, p.storeId), eq(loyaltyRedemptions.id, p.id)))
    .for('update'),
);

/** Comes after the lock of the reward, and before those of accounts. */
export const lockRedemption = async (tx: Tx, id: string): Promise<RedemptionRow | undefined> =>
  (await lock(tx, { id }))[0];

/** Redemptions of a customer, the latest first. */
export const listRedemptions = (
  db: Db,
  customerId: string,
  { after, limit }: PageStart<[id: string]>,
): Promise<RedemptionRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(loyaltyRedemptions)
      .where(
        and(
          eq(loyaltyRedemptions.storeId, db.storeId),
          eq(loyaltyRedemptions.customerId, customerId),
          after ? lt(loyaltyRedemptions.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(loyaltyRedemptions.id))
      .limit(limit),
  );

export const insertRedemption = (tx: Tx, redemption: RedemptionRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(loyaltyRedemptions).values({ ...redemption, storeId: tx.storeId }));

export const updateRedemption = (tx: Tx, id: string, change: RedemptionChange): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(loyaltyRedemptions)
      .set(change)
      .where(and(eq(loyaltyRedemptions.storeId, tx.storeId), eq(loyaltyRedemptions.id, id))),
  );

const countUsed = statement<
  { customerId: string; rewardIds: readonly string[]; at: Date },
  { rewardId: string; count: number }
>(
  'count_redemptions_of',
  (p) => sql`
    select r.reward_id as "rewardId", count(*)::integer as count from loyalty_redemptions r
    where r.store_id = ${p.storeId} and r.reward_id = any(${p.rewardIds}::uuid[]) and r.customer_id = ${p.customerId}
      and (r.status = 'fulfilled' or r.status = 'held' and r.held_until > ${p.at})
    group by r.reward_id`,
);

/** How often the customer has each of the rewards, held or fulfilled. */
export const countRedemptions = async (
  db: Db,
  used: { customerId: string; rewardIds: readonly string[]; at: Date },
): Promise<Map<string, number>> =>
  new Map((await countUsed(db, used)).map(({ rewardId, count }) => [rewardId, count]));

/** Redemptions whose time ran out, counted by reward: what its stock gets back as soon as somebody writes it down. */
export const countRunOut = statement<
  { rewardIds: readonly string[]; at: Date },
  { rewardId: string; count: number }
>(
  'count_run_out_redemptions',
  (p) => sql`
    select r.reward_id as "rewardId", count(*)::integer as count from loyalty_redemptions r
    where r.store_id = ${p.storeId} and r.reward_id = any(${p.rewardIds}::uuid[]) and r.status = 'held'
      and r.held_until <= ${p.at}
    group by r.reward_id`,
);

/** Closes what ran out of one reward, at most `limit`; the caller holds the reward's lock. */
export const expireRedemptions = statement<
  { rewardId: string; at: Date; limit: number },
  { id: string; customerId: string }
>(
  'expire_redemptions',
  (p) => sql`
    update loyalty_redemptions set status = 'expired', closed_at = held_until
    where store_id = ${p.storeId} and id = any(array(
      select r.id from loyalty_redemptions r
      where r.store_id = ${p.storeId} and r.reward_id = ${p.rewardId} and r.status = 'held' and r.held_until <= ${p.at}
      order by r.id limit ${p.limit} for update))
    returning id, customer_id as "customerId"`,
);

/** A reward with redemptions that ran out; undefined when there is none. */
export const findRewardRunOut = statement<{ at: Date }, { rewardId: string }>(
  'find_reward_run_out',
  (p) => sql`
    select r.reward_id as "rewardId" from loyalty_redemptions r
    where r.store_id = ${p.storeId} and r.status = 'held' and r.held_until <= ${p.at}
    order by r.held_until limit 1`,
);

/** Open and fulfilled redemptions of these orders, with their customers. */
export const listRedemptionsOfOrders = statement<
  { customerIds: readonly string[]; orderIds: readonly string[] },
  { id: string; rewardId: string; customerId: string }
>(
  'list_redemptions_of_orders',
  (p) => sql`
    select r.id, r.reward_id as "rewardId", r.customer_id as "customerId" from loyalty_redemptions r
    where r.store_id = ${p.storeId} and r.customer_id = any(${p.customerIds}::uuid[])
      and r.order_id = any(${p.orderIds}::uuid[]) and r.status in ('held', 'fulfilled')
    order by r.reward_id, r.id`,
);
