// Rewards: make, change, archive (P5).
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import {
  findReward,
  insertReward,
  lockReward,
  type RewardRow,
  updateReward as updateRow,
} from '../db/rewards.ts';
import { changedFields } from '../domain/customers.ts';
import { checkReward, type RewardKind, type RewardTerms } from '../domain/loyalty/rewards.ts';
import { Problem } from '../errors.ts';
import { currentProgramme } from './loyalty-programme.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** What callers say of a reward; instants as RFC 3339. Absent keeps, null clears. */
export interface RewardInput {
  name?: string;
  description?: string | null;
  points?: number;
  amount?: number | null;
  currency?: string | null;
  percent?: number | null;
  productId?: string | null;
  earlyAccessHours?: number | null;
  minTier?: string | null;
  startsAt?: string | null;
  endsAt?: string | null;
  stock?: number | null;
  maxPerCustomer?: number | null;
  validDays?: number | null;
}

export type RewardCreate = RewardInput & { name: string; kind: RewardKind; points: number };

const TOLD = [
  'name',
  'description',
  'points',
  'amount',
  'currency',
  'percent',
  'productId',
  'earlyAccessHours',
  'minTier',
  'startsAt',
  'endsAt',
  'stock',
  'maxPerCustomer',
  'validDays',
] as const;

const NOTHING_SAID = {
  description: null,
  amount: null,
  currency: null,
  percent: null,
  productId: null,
  earlyAccessHours: null,
  minTier: null,
  startsAt: null,
  endsAt: null,
  stock: null,
  maxPerCustomer: null,
  validDays: null,
} as const;

const instantOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

const columnsOf = ({ startsAt, endsAt, ...plain }: RewardInput) => ({
  ...plain,
  ...(startsAt !== undefined && { startsAt: instantOf(startsAt) }),
  ...(endsAt !== undefined && { endsAt: instantOf(endsAt) }),
});

/** Keys of the programme's levels, lowest first. */
export const tierKeys = async (db: Db): Promise<string[]> =>
  (await currentProgramme(db))?.settings.tiers?.levels.map(({ key }) => key) ?? [];

async function refuseInvalid(tx: Tx, reward: RewardTerms): Promise<void> {
  const errors = checkReward(reward, await tierKeys(tx));
  if (errors.length > 0) throw new Problem('REWARD_INVALID', { errors });
}

/** @throws Problem NOT_FOUND */
export async function readReward(db: Db, id: string): Promise<RewardRow> {
  const reward = await findReward(db, id);
  if (!reward) throw new Problem('NOT_FOUND', { resource: 'reward' });
  return reward;
}

/**
 * Adds a reward.
 * @throws Problem REWARD_INVALID
 */
export function createReward(ctx: Ctx, { kind, ...input }: RewardCreate): Promise<RewardRow> {
  return write(ctx, async (tx) => {
    const { name, points } = input;
    const reward: RewardRow = {
      ...NOTHING_SAID,
      ...columnsOf(input),
      name,
      points,
      kind,
      id: ctx.newId(),
      status: 'active',
      version: 1,
      createdAt: ctx.now,
      updatedAt: ctx.now,
    };
    await refuseInvalid(tx, reward);
    await insertReward(tx, reward);
    const data = { name, kind, points };
    await tell(ctx, tx, { kind: 'reward.created', customerId: null, subjectId: reward.id, data });
    return reward;
  });
}

async function lockUnchanged(tx: Tx, id: string, ifMatch: number | undefined): Promise<RewardRow> {
  const reward = await lockReward(tx, id);
  if (!reward) throw new Problem('NOT_FOUND', { resource: 'reward' });
  if (ifMatch !== undefined && ifMatch !== reward.version)
    throw new Problem('VERSION_MISMATCH', { version: reward.version });
  return reward;
}

/**
 * Merge-patch of a reward. What was redeemed before keeps what it promised (`RewardSnapshot`).
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, REWARD_INVALID
 */
export function updateReward(ctx: Ctx, id: string, input: RewardInput, ifMatch?: number): Promise<RewardRow> {
  return write(ctx, async (tx) => {
    const reward = await lockUnchanged(tx, id, ifMatch);
    const after = { ...reward, ...columnsOf(input) };
    const changes = changedFields(reward, after, TOLD);
    if (Object.keys(changes).length === 0) return reward;
    await refuseInvalid(tx, after);
    const stamp = { version: reward.version + 1, updatedAt: ctx.now };
    await updateRow(tx, id, { ...columnsOf(input), ...stamp });
    await tell(ctx, tx, { kind: 'reward.updated', customerId: null, subjectId: id, data: { changes } });
    return { ...after, ...stamp };
  });
}

/**
 * Takes a reward off the list for good; archiving twice is no change. What is held for it can still be fulfilled.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH
 */
export function archiveReward(ctx: Ctx, id: string, ifMatch?: number): Promise<RewardRow> {
  return write(ctx, async (tx) => {
    const reward = await lockUnchanged(tx, id, ifMatch);
    if (reward.status === 'archived') return reward;
    const change = { status: 'archived', version: reward.version + 1, updatedAt: ctx.now } as const;
    await updateRow(tx, id, change);
    await tell(ctx, tx, { kind: 'reward.archived', customerId: null, subjectId: id });
    return { ...reward, ...change };
  });
}
