// Rewards that points can be redeemed for (P5): what makes one, who can have it, and where a redemption may go.
import type { AccountStatus } from '../account-states.ts';
import type { FieldProblem } from '../fields.ts';
import { currencyExponent } from '../money.ts';
import type { MemberStatus } from './members.ts';
import { codeFrom } from './referrals.ts';

export const REWARD_KINDS = [
  'store_credit',
  'discount_code',
  'free_shipping',
  'product',
  'early_access',
] as const;
export type RewardKind = (typeof REWARD_KINDS)[number];

export const REWARD_STATUSES = ['active', 'archived'] as const;
export type RewardStatus = (typeof REWARD_STATUSES)[number];

/** `held`: the points wait. Of the others only `fulfilled` goes on, to `reversed`. */
export const REDEMPTION_STATUSES = ['held', 'fulfilled', 'refused', 'expired', 'reversed'] as const;
export type RedemptionStatus = (typeof REDEMPTION_STATUSES)[number];

/** What a redemption promised, whatever becomes of the reward later. */
export interface RewardSnapshot {
  name: string;
  kind: RewardKind;
  points: number;
  amount: number | null;
  currency: string | null;
  percent: number | null;
  productId: string | null;
  earlyAccessHours: number | null;
  /** Local days that credit, code or access are good for; null = for good. */
  validDays: number | null;
}

/** What a reward is, and who can have how many of it when; rows fit. */
export interface RewardTerms extends RewardSnapshot {
  status: RewardStatus;
  /** Lowest tier that may redeem it. */
  minTier: string | null;
  startsAt: Date | null;
  /** Exclusive. */
  endsAt: Date | null;
  /** How many are left; null = any number. */
  stock: number | null;
  maxPerCustomer: number | null;
}

type KindField = 'amount' | 'currency' | 'percent' | 'productId' | 'earlyAccessHours' | 'validDays';

const FIELDS_OF_KINDS: Readonly<
  Record<RewardKind, { needs: readonly KindField[]; may: readonly KindField[] }>
> = {
  store_credit: { needs: ['amount', 'currency'], may: ['validDays'] },
  discount_code: { needs: [], may: ['amount', 'currency', 'percent', 'validDays'] },
  free_shipping: { needs: [], may: ['validDays'] },
  product: { needs: ['productId'], may: [] },
  early_access: { needs: ['earlyAccessHours'], may: ['validDays'] },
};
const KIND_FIELDS: readonly KindField[] = [
  'amount',
  'currency',
  'percent',
  'productId',
  'earlyAccessHours',
  'validDays',
];

/**
 * P5: everything that is wrong with a reward whose single values are in range; [] = fine. `tiers` are the keys of the
 * programme's levels.
 */
export function checkReward(reward: RewardTerms, tiers: readonly string[]): FieldProblem[] {
  return [
    ...kindProblems(reward),
    ...discountProblems(reward),
    ...currencyProblems(reward),
    ...windowProblems(reward),
    ...tierProblems(reward, tiers),
  ];
}

function kindProblems(reward: RewardTerms): FieldProblem[] {
  const { needs, may } = FIELDS_OF_KINDS[reward.kind];
  return KIND_FIELDS.flatMap((name) => {
    if (needs.includes(name) && reward[name] === null)
      return [problem(name, 'FIELD_MISSING', `${reward.kind} needs ${name}.`)];
    if (!needs.includes(name) && !may.includes(name) && reward[name] !== null)
      return [problem(name, 'FIELD_NOT_OF_KIND', `${reward.kind} has no ${name}.`)];
    return [];
  });
}

function discountProblems({ kind, amount, percent }: RewardTerms): FieldProblem[] {
  if (kind !== 'discount_code') return [];
  if (amount === null && percent === null)
    return [problem('percent', 'FIELD_MISSING', 'A discount needs percent, or amount and currency.')];
  if (amount === null || percent === null) return [];
  return [problem('percent', 'DISCOUNT_TWICE', 'A discount is either by percent or by amount.')];
}

function currencyProblems({ kind, amount, currency }: RewardTerms): FieldProblem[] {
  if (currency !== null && currencyExponent(currency) === undefined)
    return [problem('currency', 'CURRENCY_UNKNOWN', 'An ISO 4217 code, such as EUR.')];
  if (kind !== 'discount_code' || (amount === null) === (currency === null)) return [];
  const name = amount === null ? 'amount' : 'currency';
  return [problem(name, 'FIELD_MISSING', 'Amount and currency go together.')];
}

function windowProblems({ startsAt, endsAt }: RewardTerms): FieldProblem[] {
  if (startsAt === null || endsAt === null || startsAt < endsAt) return [];
  return [problem('endsAt', 'WINDOW_EMPTY', 'The window ends before it begins: endsAt is after startsAt.')];
}

function tierProblems({ minTier }: RewardTerms, tiers: readonly string[]): FieldProblem[] {
  if (minTier === null || tiers.includes(minTier)) return [];
  return [problem('minTier', 'TIER_UNKNOWN', `The programme has no tier ${minTier}.`)];
}

const problem = (field: keyof RewardTerms, code: string, message: string): FieldProblem => ({
  pointer: `/${field}`,
  code,
  message,
});

/** Why somebody cannot have a reward now, the first that holds. */
export const REWARD_OBSTACLES = [
  'archived',
  'not_started',
  'ended',
  'not_a_member',
  'tier_too_low',
  'customer_limit',
  'out_of_stock',
] as const;
export type RewardObstacle = (typeof REWARD_OBSTACLES)[number];

/** Who wants a reward. */
export interface Redeemer {
  /** Null: never enrolled. */
  memberStatus: MemberStatus | null;
  tier: string | null;
  /** Redemptions of this reward that are held or fulfilled. */
  redemptionsCount: number;
}

/** P5: what stands in the way at the instant, points aside; undefined = nothing. `tiers` are in rising order. */
export function rewardObstacle(
  reward: RewardTerms,
  redeemer: Redeemer,
  tiers: readonly string[],
  at: Date,
): RewardObstacle | undefined {
  const { status, minTier, startsAt, endsAt, stock, maxPerCustomer } = reward;
  const holds: Readonly<Record<RewardObstacle, boolean>> = {
    archived: status === 'archived',
    not_started: startsAt !== null && at < startsAt,
    ended: endsAt !== null && at >= endsAt,
    not_a_member: redeemer.memberStatus !== 'active',
    tier_too_low: minTier !== null && !reaches(redeemer.tier, minTier, tiers),
    customer_limit: maxPerCustomer !== null && redeemer.redemptionsCount >= maxPerCustomer,
    out_of_stock: stock !== null && stock <= 0,
  };
  return REWARD_OBSTACLES.find((obstacle) => holds[obstacle]);
}

/** Nobody reaches a tier that the programme no longer has. */
function reaches(tier: string | null, minTier: string, tiers: readonly string[]): boolean {
  const least = tiers.indexOf(minTier);
  return least >= 0 && tier !== null && tiers.indexOf(tier) >= least;
}

/** A guest may earn and redeem; a disabled account keeps its points and spends none (K9). */
export function checkRedeemer(
  accountStatus: AccountStatus,
):
  | { refused: 'ACCOUNT_NOT_ACTIVE'; accountStatus: AccountStatus; wayOut: string }
  | { refused: 'CUSTOMER_GONE'; accountStatus: AccountStatus }
  | undefined {
  if (accountStatus === 'merged' || accountStatus === 'erased')
    return { refused: 'CUSTOMER_GONE', accountStatus };
  if (accountStatus !== 'disabled') return undefined;
  const wayOut = 'Set accountStatus to active to enable the account again.';
  return { refused: 'ACCOUNT_NOT_ACTIVE', accountStatus, wayOut };
}

/** A redemption at an instant; rows fit. */
export interface RedemptionState {
  status: RedemptionStatus;
  heldUntil: Date;
}

/** K6: time frees what is held, not the job that writes it down. */
export const redemptionStatusAt = ({ status, heldUntil }: RedemptionState, at: Date): RedemptionStatus =>
  status === 'held' && heldUntil <= at ? 'expired' : status;

/** Where a command leads from. */
const BEFORE = { fulfilled: 'held', refused: 'held', reversed: 'fulfilled' } as const;

/** P5: whether the redemption may become `to`; `done` when it is that already, so that a repeat changes nothing. */
export function planRedemption(
  redemption: RedemptionState,
  to: keyof typeof BEFORE,
  at: Date,
): { done: boolean } | { refused: 'REDEMPTION_CLOSED'; redemptionStatus: RedemptionStatus } {
  const status = redemptionStatusAt(redemption, at);
  if (status === to) return { done: true };
  return status === BEFORE[to] ? { done: false } : { refused: 'REDEMPTION_CLOSED', redemptionStatus: status };
}

/** Kinds that are handed over as a code that the shop's checkout redeems. */
export const hasCode = (kind: RewardKind): boolean =>
  kind === 'discount_code' || kind === 'free_shipping' || kind === 'early_access';

/** A product is handed over by people; everything else is done as soon as it is asked for. */
export const isFulfilledAtOnce = (kind: RewardKind): boolean => kind !== 'product';

/** 60 bits: nobody guesses one. */
const REWARD_CODE_LENGTH = 12;

/** A code of a reward from at least 12 random bytes; no character of it is taken for another. */
export const rewardCode = (bytes: Uint8Array): string => codeFrom(bytes, REWARD_CODE_LENGTH);

/** The promise of a reward as it is now. */
export function snapshotOf(reward: RewardSnapshot): RewardSnapshot {
  const { name, kind, points, amount, currency, percent, productId, earlyAccessHours, validDays } = reward;
  return { name, kind, points, amount, currency, percent, productId, earlyAccessHours, validDays };
}
