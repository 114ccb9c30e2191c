// Rewards (P5): reading, changing, and what is left of them.
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { RewardStatus } from '../domain/loyalty/rewards.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { loyaltyRewards } from './tables/loyalty.ts';

export type RewardRow = Omit<typeof loyaltyRewards.$inferSelect, 'storeId'>;

const find = prepared<{ id: string }>()('find_reward', (queries, p) =>
  queries
    .select()
    .from(loyaltyRewards)
    .where(and(eq(loyaltyRewards.storeId, p.storeId), eq(loyaltyRewards.id, p.id))),
);

export const findReward = async (db: Db, id: string): Promise<RewardRow | undefined> =>
  (await find(db, { id }))[0];

const lock = prepared<{ id: string }>()('lock_reward', (queries, p) =>
  queries
    .select()
    .from(loyaltyRewards)
    .where(and(eq(loyaltyRewards.storeId, p.storeId), eq(loyaltyRewards.id, p.id)))
    .for('update'),
);

/** Comes after the member's lock, and before those of redemptions and of accounts. */
export const lockReward = async (tx: Tx, id: string): Promise<RewardRow | undefined> =>
  (await lock(tx, { id }))[0];

/** Rewards, the latest first. */
export const listRewards = (
  db: Db,
  { status }: { status?: RewardStatus | undefined },
  { after, limit }: PageStart<[id: string]>,
): Promise<RewardRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(loyaltyRewards)
      .where(
        and(
          eq(loyaltyRewards.storeId, db.storeId),
          status === undefined ? undefined : eq(loyaltyRewards.status, status),
          after ? lt(loyaltyRewards.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(loyaltyRewards.id))
      .limit(limit),
  );

export const insertReward = (tx: Tx, reward: RewardRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(loyaltyRewards).values({ ...reward, storeId: tx.storeId }));

export const updateReward = (tx: Tx, id: string, change: Partial<RewardRow>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(loyaltyRewards)
      .set(change)
      .where(and(eq(loyaltyRewards.storeId, tx.storeId), eq(loyaltyRewards.id, id))),
  );

/**
 * Takes from the stock, or with a number below zero gives back to it; a reward without a stock has no end. The version
 * stays: what is left of a reward is no edit of it.
 */
export const takeFromStock = statement<{ id: string; taken: number }, never>(
  'take_from_stock',
  (p) => sql`
    update loyalty_rewards set stock = stock - ${p.taken}::bigint
    where store_id = ${p.storeId} and id = ${p.id} and stock is not null`,
);
