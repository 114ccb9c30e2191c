// What changed orders and events do to points (P1–P3, P6, P7), decided in memory in their sequence: what one does the next
// one finds, so it makes no difference how deliveries are cut into batches.
import { isCounted } from '../order-counters.ts';
import {
  activeFrom,
  countedBase,
  type EarnedSoFar,
  type Earning,
  type EarningFacts,
  type EarningOrder,
  type EarningRule,
  type EarningSource,
  earnForEvent,
  earnForOrder,
  earningDay,
  type LoyaltyEvent,
  type ReferralSide,
  sourceOf,
} from './earning.ts';
import { levelOf, type MemberStatus, type MemberTier, tiersOf, withTierAt } from './members.ts';
import type { ProgrammeSettings } from './programme.ts';
import { pointsToReverse } from './reversal.ts';
import type { TierChange, TierWindow } from './tiers.ts';

/** An order as points see it; rows fit. */
export interface PointsOrder extends EarningOrder {
  id: string;
  customerId: string;
  placedAt: Date;
  platformUpdatedAt: Date;
  deliveredAt: Date | null;
  refundedTotal: number;
}

export interface PointsChange {
  before: PointsOrder | undefined;
  after: PointsOrder;
}

/** Something that happened once to a customer (P1). */
export interface PointsEvent {
  customerId: string;
  kind: LoyaltyEvent;
  /** Of a referral. */
  side?: ReferralSide;
  /** As of `EarningSource`. */
  sourceId: string;
  at: Date;
}

/** Points that were earned; rows fit. */
export interface PointsEarning {
  id: string;
  customerId: string;
  orderId: string | null;
  sourceKey: string;
  ruleId: string;
  programmeVersion: number;
  points: number;
  base: number;
  reversed: number;
  earnedAt: Date;
}

/** A member as far as points change it; rows fit. */
export interface PointsMember extends MemberTier {
  customerId: string;
  status: MemberStatus;
  /** Σ of what was earned, less what was reversed. */
  pointsEarned: number;
  lastActivityAt: Date;
}

export interface EarnStep<E> {
  kind: 'earn';
  earning: E;
  /** Null: waits for the delivery. */
  activeFrom: Date | null;
}

export interface ReverseStep<E> {
  kind: 'reverse';
  earning: E;
  points: number;
  /** What was settled before. */
  before: number;
  at: Date;
}

/** The delivery that points waited for. */
export interface DateStep<E> {
  kind: 'date';
  earning: E;
  activeFrom: Date;
}

export interface TierStep {
  kind: 'tier';
  customerId: string;
  change: TierChange;
}

export type PointsStep<E> = EarnStep<E> | ReverseStep<E> | DateStep<E> | TierStep;

/** What one customer earned by one rule, and on which days (their beginning in milliseconds). */
export interface CapUse {
  customer: number;
  days: Map<number, number>;
}

/** Whether earlier earnings count against the rule's caps. */
export const hasLastingCap = ({ maxPerDay, maxPerCustomer }: EarningRule): boolean =>
  maxPerDay !== undefined || maxPerCustomer !== undefined;

export const capKey = (customerId: string, ruleId: string): string => `${customerId} ${ruleId}`;

/** What an earning comes from. */
export interface PointsSource extends EarningSource {
  customerId: string;
  orderId: string | null;
  at: Date;
}

export interface PointsFacts<E extends PointsEarning, M extends PointsMember> {
  programme: { version: number; settings: ProgrammeSettings };
  /** Settings by version, of all earnings. */
  versions: ReadonlyMap<number, ProgrammeSettings>;
  store: { currency: string; timezone: string };
  /** What the orders and events have earned before. */
  earnings: readonly E[];
  /** Members among the customers, with the value of their tier before. */
  members: ReadonlyMap<string, { member: M; value: number }>;
  /** Slugs of the segments that rules name. */
  segmentsOf(customerId: string): readonly string[];
  /** By `capKey`, for rules with caps per day or customer. */
  caps: ReadonlyMap<string, CapUse>;
  /** The window in which the tier's value counts now. */
  window: TierWindow;
  at: Date;
  /** The row of a new earning. */
  newEarning(earned: Earning, source: PointsSource, sourceKey: string): E;
}

/** Whether a change makes its order earn: it counts from now on, or for somebody else. */
export function beginsToCount({ before, after }: PointsChange): boolean {
  const counted = before !== undefined && before.customerId === after.customerId && isCounted(before);
  return isCounted(after) && !counted;
}

/** The amount that an order adds to the value of a tier within a window. */
export function tierContribution(
  { settings }: { settings: ProgrammeSettings },
  order: PointsOrder | undefined,
  currency: string,
  window: TierWindow,
): number {
  if (order === undefined || !isCounted(order) || !isWithin(window, order.placedAt)) return 0;
  const { basis } = tiersOf(settings);
  if (basis === 'orders') return 1;
  return basis === 'spend' && order.currency === currency ? order.total - order.refundedTotal : 0;
}

export const isWithin = ({ from, until }: TierWindow, at: Date): boolean =>
  (from === null || from <= at) && (until === null || at < until);

/**
 * P6: how many points of an earning the order as it is now has settled: first what it lost by being changed, then in
 * proportion to the refunds of what is left; all of it when it does not count any more.
 */
export function settledPoints(
  earning: Pick<PointsEarning, 'points' | 'base'>,
  rule: EarningRule | undefined,
  order: PointsOrder,
  currency: string,
): number {
  const { points, base } = earning;
  if (!isCounted(order)) return points;
  const counts = rule === undefined ? base : Math.min(base, countedBase(rule, order, currency));
  const lost = pointsToReverse({ earned: points, alreadyReversed: 0, base, refundedBase: base - counts });
  const refunded = pointsToReverse({
    earned: points - lost,
    alreadyReversed: 0,
    base: order.total,
    refundedBase: order.refundedTotal,
  });
  return lost + refunded;
}

/**
 * P2: an order earns when it begins to count or comes to another customer, once per rule: again only after everything was
 * taken back. It earns nothing for having counted before there was a programme, and nothing more when it grows. `reversed`
 * of the given earnings is kept up.
 */
export class PointsWalk<E extends PointsEarning, M extends PointsMember> {
  readonly steps: PointsStep<E>[] = [];
  /** Members of whom something changed. */
  readonly changed = new Map<string, M>();
  readonly #facts: PointsFacts<E, M>;
  /** By source, the oldest first. */
  readonly #earnings = new Map<string, E[]>();
  readonly #values = new Map<string, number>();
  readonly #caps: Map<string, CapUse>;

  constructor(facts: PointsFacts<E, M>) {
    this.#facts = facts;
    for (const earning of facts.earnings) this.#keep(earning);
    this.#caps = new Map(
      [...facts.caps].map(([key, { customer, days }]) => [key, { customer, days: new Map(days) }]),
    );
  }

  takeOrder(change: PointsChange): void {
    const { before, after } = change;
    const left = this.#earningsOf(after.id).filter(({ customerId }) => customerId !== after.customerId);
    for (const earning of left) this.#reverse(earning, earning.points, after.platformUpdatedAt);
    if (before && before.deliveredAt === null && after.deliveredAt !== null) this.#date(after);
    if (beginsToCount(change)) this.#earnByOrder(after);
    for (const earning of this.#ownEarningsOf(after)) this.#settle(earning, after);
    this.#count(change);
  }

  /** Points of events count at once. */
  takeEvent({ customerId, kind, side, sourceId, at }: PointsEvent): void {
    const { rules } = this.#facts.programme.settings;
    const event = side === undefined ? { kind, at } : { kind, side, at };
    const source = { kind, id: sourceId, customerId, orderId: null, at };
    const facts = this.#factsOf(source);
    if (facts) this.#keepAll(earnForEvent(rules, event, facts), source, at);
  }

  /** P6: everything that one earning gave. */
  takeBack(earning: E, at: Date): void {
    this.#reverse(earning, earning.points, at);
  }

  #earningsOf(sourceId: string): E[] {
    return this.#earnings.get(sourceId) ?? [];
  }

  #ownEarningsOf({ id, customerId }: PointsOrder): E[] {
    return this.#earningsOf(id).filter((earning) => earning.customerId === customerId);
  }

  #keep(earning: E): void {
    const key = earning.orderId ?? earning.sourceKey;
    this.#earnings.set(key, [...this.#earningsOf(key), earning]);
  }

  #memberOf(customerId: string): M | undefined {
    return this.changed.get(customerId) ?? this.#facts.members.get(customerId)?.member;
  }

  /** What is known of somebody who may earn. */
  #factsOf({ customerId, at }: PointsSource): EarningFacts | undefined {
    const member = this.#memberOf(customerId);
    if (member?.status !== 'active') return undefined;
    const { programme, store, segmentsOf } = this.#facts;
    return {
      currency: store.currency,
      tier: levelOf(member, tiersOf(programme.settings)),
      segments: segmentsOf(customerId),
      earned: this.#earnedSoFar(programme.settings.rules, customerId, at),
    };
  }

  #earnByOrder(order: PointsOrder): void {
    const { programme, store } = this.#facts;
    const { id, customerId, placedAt: at } = order;
    const source: PointsSource = { kind: 'order', id, customerId, orderId: id, at };
    const facts = this.#factsOf(source);
    if (facts === undefined) return;
    const { rules, pending } = programme.settings;
    const earned = earnForOrder(rules, order, facts, at);
    this.#keepAll(earned, source, activeFrom(pending, order, store.timezone));
  }

  #keepAll(earned: readonly Earning[], source: PointsSource, from: Date | null): void {
    for (const one of earned) this.#earn(one, source, from);
  }

  #earn(earned: Earning, source: PointsSource, from: Date | null): void {
    const first = sourceOf(earned.ruleId, source);
    const before = this.#earningsOf(source.orderId ?? first);
    const earlier = before.filter(({ ruleId }) => ruleId === earned.ruleId);
    const isOnce = source.orderId === null && earlier.length > 0;
    if (isOnce || earlier.some(({ points, reversed }) => reversed < points)) return;
    const sourceKey = earlier.length === 0 ? first : `${first}:${earlier.length + 1}`;
    const earning = this.#facts.newEarning(earned, source, sourceKey);
    this.#keep(earning);
    this.steps.push({ kind: 'earn', earning, activeFrom: from });
    this.#add(earning, earning.points);
  }

  /** P3. */
  #date(order: PointsOrder): void {
    for (const earning of this.#ownEarningsOf(order)) {
      const { pending } = this.#settingsOf(earning);
      const from = activeFrom(pending, order, this.#facts.store.timezone);
      if (pending.basis === 'delivery' && from !== null)
        this.steps.push({ kind: 'date', earning, activeFrom: from });
    }
  }

  #settle(earning: E, order: PointsOrder): void {
    const rule = this.#settingsOf(earning).rules.find(({ id }) => id === earning.ruleId);
    const settled = settledPoints(earning, rule, order, this.#facts.store.currency);
    this.#reverse(earning, settled, order.platformUpdatedAt);
  }

  #reverse(earning: E, settled: number, at: Date): void {
    const points = settled - earning.reversed;
    if (points <= 0) return;
    const before = earning.reversed;
    earning.reversed = settled;
    this.steps.push({ kind: 'reverse', earning, points, before, at });
    this.#add(earning, -points);
  }

  #settingsOf({ programmeVersion }: E): ProgrammeSettings {
    const { programme, versions } = this.#facts;
    if (programmeVersion === programme.version) return programme.settings;
    const settings = versions.get(programmeVersion);
    if (settings === undefined) throw new Error(`version ${programmeVersion} of the programme was not read`);
    return settings;
  }

  /** Points of an earning, or less of them: for the caps, the member and the tier. */
  #add({ customerId, ruleId, earnedAt }: E, points: number): void {
    if (this.#isCapped(ruleId)) this.#useCap(capKey(customerId, ruleId), earnedAt, points);
    const member = this.#memberOf(customerId);
    if (member === undefined) return;
    const isActivity = points > 0 && member.lastActivityAt < earnedAt;
    this.changed.set(customerId, {
      ...member,
      pointsEarned: member.pointsEarned + points,
      ...(isActivity && { lastActivityAt: earnedAt }),
    });
    const { programme, window } = this.#facts;
    if (tiersOf(programme.settings).basis === 'points_earned' && isWithin(window, earnedAt))
      this.#raise(customerId, points);
  }

  #isCapped(ruleId: string): boolean {
    const { rules } = this.#facts.programme.settings;
    return rules.some((rule) => rule.id === ruleId && hasLastingCap(rule));
  }

  #useCap(key: string, at: Date, points: number): void {
    const use = this.#caps.get(key) ?? { customer: 0, days: new Map<number, number>() };
    const day = this.#dayOf(at);
    use.customer += points;
    use.days.set(day, (use.days.get(day) ?? 0) + points);
    this.#caps.set(key, use);
  }

  #dayOf(at: Date): number {
    return earningDay(at, this.#facts.store.timezone).from.getTime();
  }

  #earnedSoFar(rules: readonly EarningRule[], customerId: string, at: Date): Map<string, EarnedSoFar> {
    const capped = rules.filter(hasLastingCap);
    if (capped.length === 0) return new Map();
    const day = this.#dayOf(at);
    return new Map(
      capped.map(({ id }) => {
        const use = this.#caps.get(capKey(customerId, id));
        return [id, { day: use?.days.get(day) ?? 0, customer: use?.customer ?? 0 }];
      }),
    );
  }

  /** P7: up at once, after what the order itself earned. */
  #count({ before, after }: PointsChange): void {
    const { programme, store, window } = this.#facts;
    const amountOf = (order: PointsOrder | undefined) =>
      tierContribution(programme, order, store.currency, window);
    if (before && before.customerId !== after.customerId) {
      this.#raise(before.customerId, -amountOf(before));
      this.#raise(after.customerId, amountOf(after));
    } else this.#raise(after.customerId, amountOf(after) - amountOf(before));
  }

  #raise(customerId: string, amount: number): void {
    const { programme, store, at } = this.#facts;
    const known = this.#facts.members.get(customerId);
    const member = this.#memberOf(customerId);
    if (known === undefined || member?.status !== 'active' || amount === 0) return;
    const value = (this.#values.get(customerId) ?? known.value) + amount;
    this.#values.set(customerId, value);
    const tiers = tiersOf(programme.settings);
    const next = withTierAt(member, tiers, { value, periodValue: null }, store.timezone, at);
    if (next.change === null) return;
    this.changed.set(customerId, next.member);
    this.steps.push({ kind: 'tier', customerId, change: next.change });
  }
}
