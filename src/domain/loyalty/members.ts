// Members of the programme (P10) and the tier that each one has (P7).
import {
  planTier,
  reviewOf,
  type TierChange,
  type TierLevel,
  type TierOverride,
  type TierSettings,
  type TierState,
} from './tiers.ts';

/** `left` keeps what is known; whether the points stay is a setting of the programme. */
export const MEMBER_STATUSES = ['active', 'left'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** What is stored of a member's tier; rows fit. */
export interface MemberTier {
  tier: string | null;
  tierEarned: string | null;
  tierSince: Date;
  periodEndsAt: Date | null;
  overrideTier: string | null;
  overrideUntil: Date | null;
  overrideReason: string | null;
  /** When the tier has to be looked at again. */
  tierDueAt: Date | null;
}

/** A programme without tiers: whoever had one has none. */
const NO_TIERS: TierSettings = {
  basis: 'spend',
  window: 'lifetime',
  downgrade: 'none',
  graceDays: 0,
  levels: [],
};

export const tiersOf = ({ tiers }: { tiers: TierSettings | null }): TierSettings => tiers ?? NO_TIERS;

export const tierStateOf = (member: MemberTier): TierState => ({
  tier: member.tier,
  earned: member.tierEarned,
  since: member.tierSince,
  periodEndsAt: member.periodEndsAt,
});

export function overrideOf({ overrideTier, overrideUntil, overrideReason }: MemberTier): TierOverride | null {
  if (overrideTier === null || overrideUntil === null || overrideReason === null) return null;
  return { tier: overrideTier, until: overrideUntil, reason: overrideReason };
}

/** The level of the member's tier, with its perks; null = none. */
export const levelOf = ({ tier }: Pick<MemberTier, 'tier'>, settings: TierSettings): TierLevel | null =>
  settings.levels.find(({ key }) => key === tier) ?? null;

/** The earlier of the end of a period with its grace and the end of an override. */
function dueAtOf(state: TierState, override: TierOverride | null, settings: TierSettings, timezone: string) {
  const instants = [reviewOf(state, settings, timezone)?.decidesAt, override?.until];
  const times = instants.flatMap((instant) => instant?.getTime() ?? []);
  return times.length === 0 ? null : new Date(Math.min(...times));
}

/**
 * P7: the member with the tier of an instant, and the change to tell. One step for one period, as `planTier`: again while
 * `tierDueAt` is not ahead.
 */
export function withTierAt<Member extends MemberTier>(
  member: Member,
  settings: TierSettings,
  values: { value: number; periodValue: number | null },
  timezone: string,
  at: Date,
): { member: Member; change: TierChange | null } {
  const override = overrideOf(member);
  const { state, change } = planTier(
    { settings, state: tierStateOf(member), override, ...values, timezone },
    at,
  );
  const isOver = override !== null && override.until <= at;
  const lasting = isOver ? null : override;
  return {
    member: {
      ...member,
      tier: state.tier,
      tierEarned: state.earned,
      tierSince: state.since,
      periodEndsAt: state.periodEndsAt,
      ...(isOver && { overrideTier: null, overrideUntil: null, overrideReason: null }),
      tierDueAt: dueAtOf(state, lasting, settings, timezone),
    },
    change,
  };
}
