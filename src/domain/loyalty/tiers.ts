// Tiers (P7): which one a customer has, when it goes up or down, what is missing. The value (spend, points or orders) is
// summed by the caller over the windows that stand here.
import assert from 'node:assert';
import { addMonths, Calendar, dayNumber, dayOfNumber } from '../segments/moments.ts';

export const TIER_BASES = ['spend', 'points_earned', 'orders'] as const;
export type TierBasis = (typeof TIER_BASES)[number];

export const TIER_WINDOWS = ['lifetime', 'rolling_months', 'calendar_year'] as const;
export type TierWindowKind = (typeof TIER_WINDOWS)[number];

export const TIER_DOWNGRADES = ['none', 'one_down', 'recalculate'] as const;
export type TierDowngrade = (typeof TIER_DOWNGRADES)[number];

/** A tier and its perks. */
export interface TierLevel {
  /** Slug, unique in the programme. */
  key: string;
  name: string;
  /** Least value: minor units of the store's currency, points or orders. Strictly rising over the levels. */
  threshold: number;
  /** Perk: points for purchases times this, 1 to 100 with at most two decimals. */
  multiplier: number;
  /** Perk: hours by which launches open earlier; 0 = none. */
  earlyAccessHours: number;
  /** Perk. */
  freeShipping: boolean;
  /** Perk in the shop's own words. */
  label: string | null;
}

export interface TierSettings {
  basis: TierBasis;
  window: TierWindowKind;
  /** Of `rolling_months`: length of the window, and how long a tier is kept at least. */
  months?: number;
  /** What a period without enough value does; `none` for `lifetime`, which has no period. */
  downgrade: TierDowngrade;
  /** Days after the end of a period in which what is missing can still be made up for. */
  graceDays: number;
  /** Lowest first. */
  levels: TierLevel[];
}

/** From `from`, before `until`; null = without that bound. */
export interface TierWindow {
  from: Date | null;
  until: Date | null;
}

/** What is stored of a customer's tier. Keys are those of levels, null = none. */
export interface TierState {
  /** The one the customer has: an override's while it lasts, else the earned one. */
  tier: string | null;
  /** The one that the value gave, also under an override. */
  earned: string | null;
  /** Since when `earned` is held; for none, since the customer is a member. */
  since: Date;
  /** When the running period ends and what was earned in it is looked at; null = nothing to lose. */
  periodEndsAt: Date | null;
}

/** A tier given by hand: wins until `until`, whatever the value says. */
export interface TierOverride {
  tier: string;
  until: Date;
  reason: string;
}

/** A period that ends: `value` of `window` decides at `decidesAt`, after the grace. */
export interface TierReview {
  decidesAt: Date;
  window: TierWindow;
}

export const TIER_CHANGE_CAUSES = [
  'upgrade',
  'downgrade',
  'levels_changed',
  'override',
  'override_ended',
] as const;
export type TierChangeCause = (typeof TIER_CHANGE_CAUSES)[number];

/** P7: one event, with the facts that led to it. */
export interface TierChange {
  from: string | null;
  to: string | null;
  cause: TierChangeCause;
  at: Date;
  facts: {
    value: number;
    window: TierWindow;
    thresholds: { key: string; threshold: number }[];
    policy: Omit<TierSettings, 'levels'>;
    /** Of `override`. */
    overrideUntil?: Date;
  };
}

export interface TierFacts {
  settings: TierSettings;
  state: TierState;
  override: TierOverride | null;
  /** Σ of the basis in `windowAt(settings, at)`. */
  value: number;
  /** Σ of the basis in the window of `reviewOf`, as far as it has come; null when there is no review. */
  periodValue: number | null;
  /** The store's. */
  timezone: string;
}

/** What is missing, in units of the basis, and the instant before which it counts; null = no hurry. */
export interface TierGap {
  missing: number;
  by: Date | null;
}

/** P7: the level that a value reaches; null below the first threshold. */
export function tierFor(levels: readonly TierLevel[], value: number): TierLevel | null {
  return levels.findLast(({ threshold }) => threshold <= value) ?? null;
}

/**
 * P7: the window whose value counts at an instant. A calendar year is the store's; rolling months are whole local days
 * up to and including today, so that twelve months are one year and not a day more.
 */
export function windowAt(
  settings: Pick<TierSettings, 'window' | 'months'>,
  at: Date,
  timezone: string,
): TierWindow {
  const calendar = new Calendar(at, timezone);
  switch (settings.window) {
    case 'lifetime':
      return { from: null, until: null };
    case 'calendar_year': {
      const { year } = dayOfNumber(calendar.today);
      const firstDay = (number: number) => dayNumber({ year: number, month: 1, day: 1 });
      return daysBetween(calendar, firstDay(year), firstDay(year + 1));
    }
    case 'rolling_months': {
      const dayBefore = addMonths(calendar.today, -monthsOf(settings));
      return daysBetween(calendar, dayBefore + 1, calendar.today + 1);
    }
  }
}

/**
 * P7: when the running period is looked at, and the window that decides; null when nothing can be lost. Periods are
 * calendar years of the store, or run from anniversary to anniversary of `since` (every n months, clamped to the month's
 * end). The window is the period itself and the days of grace after it. What reached the tier on its first day does not
 * count again for keeping it over a second period of rolling months; within a calendar year it does.
 */
export function reviewOf(state: TierState, settings: TierSettings, timezone: string): TierReview | null {
  if (state.periodEndsAt === null || !canFall(settings, state.earned)) return null;
  const calendar = new Calendar(state.since, timezone);
  const { firstDay, endDay } = periodEndingAt(settings, calendar, state.periodEndsAt);
  const decidesAt = new Date(calendar.startOf(endDay + settings.graceDays));
  return { decidesAt, window: { from: new Date(calendar.startOf(firstDay)), until: decidesAt } };
}

/**
 * P7: the tier at an instant, and the change to tell, null when the customer keeps what they have. Up at once. Down only
 * when a period has ended (and its grace), by the policy, and never below what the value of today reaches; it counts
 * from the day when it was due, so a late job changes nothing. A job that is late by more than a period calls again with
 * the new state until `reviewOf` lies ahead. The same facts again change nothing.
 */
export function planTier(facts: TierFacts, at: Date): { state: TierState; change: TierChange | null } {
  const { settings, state } = facts;
  const step = stepOf(facts, at);
  const { earned, since, periodEndsAt } = withPeriod(step?.state ?? state, settings, at, facts.timezone);
  const override = activeOverride(facts, at);
  const tier = override?.tier ?? earned;
  const next = { tier, earned, since, periodEndsAt };
  if (tier === state.tier) return { state: next, change: null };
  const change = { from: state.tier, to: tier, ...causeOf(facts, step, override, at) };
  return { state: next, change };
}

/** P7: whether a tier can be given by hand. undefined = fine. */
export function checkOverride(
  override: Pick<TierOverride, 'tier' | 'until'>,
  levels: readonly TierLevel[],
  at: Date,
):
  | { refused: 'TIER_NOT_FOUND'; tier: string; tiers: string[] }
  | { refused: 'OVERRIDE_END_PAST'; until: Date }
  | undefined {
  const tiers = levels.map(({ key }) => key);
  if (!tiers.includes(override.tier)) return { refused: 'TIER_NOT_FOUND', tier: override.tier, tiers };
  return override.until > at ? undefined : { refused: 'OVERRIDE_END_PAST', until: override.until };
}

/**
 * P7: what is missing for the tier above the present one, and what keeps the earned one over the end of its period. `at`
 * may be any date: the values are those that its windows would have. `next` is null at the top, `keep` when nothing can
 * be lost or an override holds. `next.by` is the end of the calendar year; other windows have no end.
 */
export function forecast(
  facts: TierFacts,
  at: Date,
): { next: (TierGap & { key: string }) | null; keep: TierGap | null } {
  const { settings, state, value, timezone } = facts;
  const { levels } = settings;
  const override = activeOverride(facts, at);
  const above = levels[indexOf(levels, override?.tier ?? state.earned) + 1];
  const by = settings.window === 'calendar_year' ? windowAt(settings, at, timezone).until : null;
  return {
    next: above ? { key: above.key, missing: Math.max(0, above.threshold - value), by } : null,
    keep: override ? null : gapToKeep(facts),
  };
}

type Step = {
  state: Omit<TierState, 'tier'>;
  cause: 'upgrade' | 'downgrade' | 'levels_changed';
  value: number;
  window: TierWindow;
};

/** What the value does to the earned tier; undefined = nothing is due. */
function stepOf(facts: TierFacts, at: Date): Step | undefined {
  const { settings, state, value, timezone } = facts;
  const { levels } = settings;
  const reached = tierFor(levels, value);
  const held = indexOf(levels, state.earned);
  const isGone = state.earned !== null && held === -1;
  if (!isGone && indexOf(levels, reached?.key ?? null) <= held) return reviewStep(facts, at);
  return {
    state: { earned: reached?.key ?? null, since: at, periodEndsAt: null },
    cause: isGone ? 'levels_changed' : 'upgrade',
    value,
    window: windowAt(settings, at, timezone),
  };
}

/** What a period that has ended does: one step for one period. */
function reviewStep({ settings, state, value, periodValue, timezone }: TierFacts, at: Date) {
  const review = reviewOf(state, settings, timezone);
  if (review === null || review.decidesAt > at) return undefined;
  assert(periodValue !== null);
  const { levels, downgrade } = settings;
  const best =
    value > periodValue
      ? { value, window: windowAt(settings, at, timezone) }
      : { value: periodValue, window: review.window };
  const held = indexOf(levels, state.earned);
  const reached = indexOf(levels, tierFor(levels, best.value)?.key ?? null);
  const kept = Math.min(held, downgrade === 'one_down' ? Math.max(reached, held - 1) : reached);
  const isLost = kept < held;
  const since = isLost ? review.decidesAt : state.since;
  const endsAfter = isLost ? since : state.periodEndsAt;
  assert(endsAfter !== null);
  return {
    state: {
      earned: levels[kept]?.key ?? null,
      since,
      periodEndsAt: nextPeriodEnd(settings, since, endsAfter, timezone),
    },
    cause: 'downgrade' as const,
    ...best,
  };
}

function causeOf(
  facts: TierFacts,
  step: Step | undefined,
  override: TierOverride | undefined,
  at: Date,
): Pick<TierChange, 'cause' | 'at' | 'facts'> {
  const { levels, ...policy } = facts.settings;
  const { value, window } = step ?? { value: facts.value, window: windowAt(policy, at, facts.timezone) };
  const thresholds = levels.map(({ key, threshold }) => ({ key, threshold }));
  const known = { value, window, thresholds, policy };
  if (override) return { cause: 'override', at, facts: { ...known, overrideUntil: override.until } };
  if (step && facts.state.tier === facts.state.earned) {
    return { cause: step.cause, at: step.state.since, facts: known };
  }
  const { override: ended } = facts;
  return { cause: 'override_ended', at: ended && ended.until < at ? ended.until : at, facts: known };
}

/** An override for a level that the programme no longer has means nothing. */
function activeOverride({ override, settings }: TierFacts, at: Date): TierOverride | undefined {
  if (override === null || override.until <= at) return undefined;
  return indexOf(settings.levels, override.tier) === -1 ? undefined : override;
}

/** Gives a tier that can be lost the period that it lacks, and takes it from one that cannot. */
function withPeriod(
  state: Omit<TierState, 'tier'>,
  settings: TierSettings,
  at: Date,
  timezone: string,
): Omit<TierState, 'tier'> {
  if (!canFall(settings, state.earned)) return { ...state, periodEndsAt: null };
  const periodEndsAt = state.periodEndsAt ?? nextPeriodEnd(settings, state.since, at, timezone);
  return { ...state, periodEndsAt };
}

function gapToKeep({ settings, state, value, periodValue, timezone }: TierFacts): TierGap | null {
  const review = reviewOf(state, settings, timezone);
  const level = settings.levels.find(({ key }) => key === state.earned);
  if (review === null || level === undefined) return null;
  assert(periodValue !== null);
  return { missing: Math.max(0, level.threshold - Math.max(periodValue, value)), by: review.decidesAt };
}

/** False where no period ends, and for a tier that everybody has. */
function canFall({ window, downgrade, levels }: TierSettings, earned: string | null): boolean {
  if (window === 'lifetime' || downgrade === 'none') return false;
  return (levels.find(({ key }) => key === earned)?.threshold ?? 0) > 0;
}

const indexOf = (levels: readonly TierLevel[], key: string | null): number =>
  levels.findIndex((level) => level.key === key);

function monthsOf({ months }: Pick<TierSettings, 'months'>): number {
  assert(months !== undefined);
  return months;
}

const daysBetween = (calendar: Calendar, first: number, end: number): TierWindow => ({
  from: new Date(calendar.startOf(first)),
  until: new Date(calendar.startOf(end)),
});

/** The day after the n-th period of a tier; the 0th ends where the first one begins. */
function endDayOf(settings: TierSettings, sinceDay: number, count: number): number {
  if (settings.window === 'rolling_months') return addMonths(sinceDay, count * monthsOf(settings)) + 1;
  return dayNumber({ year: dayOfNumber(sinceDay).year + count, month: 1, day: 1 });
}

/** The first period, counted from `since`, that ends at an instant or later. */
function periodEndingAt(
  settings: TierSettings,
  since: Calendar,
  instant: Date,
): { firstDay: number; endDay: number } {
  const endOf = (count: number) => endDayOf(settings, since.today, count);
  let count = 1;
  while (since.startOf(endOf(count)) < instant.getTime()) count += 1;
  return { firstDay: endOf(count - 1), endDay: endOf(count) };
}

/** The end of the first period that ends after an instant. */
function nextPeriodEnd(settings: TierSettings, since: Date, after: Date, timezone: string): Date {
  const calendar = new Calendar(since, timezone);
  const { endDay } = periodEndingAt(settings, calendar, new Date(after.getTime() + 1));
  return new Date(calendar.startOf(endDay));
}
