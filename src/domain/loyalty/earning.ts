// How many points an order or an event earns (P1), what makes that happen only once (P2), and when they count (P3).
import assert from 'node:assert';
import { caseKey } from '../fields.ts';
import { isCounted } from '../order-counters.ts';
import { itemKeys, lineTotal, type OrderItem, type OrderStatus } from '../orders.ts';
import { Calendar, dayOfNumber } from '../segments/moments.ts';
import { instantOfLocal, localTimeAt } from '../zoned-time.ts';

export const RULE_KINDS = ['spend', 'item', 'event'] as const;
export type RuleKind = (typeof RULE_KINDS)[number];

export const LOYALTY_EVENTS = ['sign_up', 'birthday', 'review', 'referral', 'newsletter'] as const;
export type LoyaltyEvent = (typeof LOYALTY_EVENTS)[number];

/** P9: which of the two a rule for referrals rewards. */
export const REFERRAL_SIDES = ['advocate', 'friend'] as const;
export type ReferralSide = (typeof REFERRAL_SIDES)[number];

export const MULTIPLIER_KINDS = ['tier', 'segment', 'category', 'time'] as const;
export type MultiplierKind = (typeof MULTIPLIER_KINDS)[number];

export const PENDING_BASES = ['order', 'delivery'] as const;
export type PendingBasis = (typeof PENDING_BASES)[number];

/** The most points that one rule gives for one source, so that every sum stays exact. */
export const MAX_POINTS_PER_EARNING = 1_000_000_000_000;

/** P1: more points for some. `from` and `until` are RFC 3339 and narrow every kind; `until` is exclusive. */
export interface Multiplier {
  kind: MultiplierKind;
  /** Key of the tier, slug of the segment, name of the category; `time` has none. */
  key?: string;
  /** 1 to 100 with at most two decimals. */
  factor: number;
  from?: string;
  until?: string;
}

/** P1. One flat object: `checkProgramme` says which fields belong to which kind. */
export interface EarningRule {
  /** Slug, stable over versions of the programme: points are unique per rule and source. */
  id: string;
  kind: RuleKind;
  /** Per `perAmount` of money, per piece, or for the event. */
  points: number;
  /** Of `spend`: minor units of the store's currency. */
  perAmount?: number;
  /** Of `event`. */
  event?: LoyaltyEvent;
  /** Of `event` referral. */
  side?: ReferralSide;
  /** Of `item`: a line counts when one of the three lists names it; without lists every line counts. */
  productIds?: string[];
  categories?: string[];
  tags?: string[];
  multipliers?: Multiplier[];
  /** Most points of this rule for one order; not of `event`. */
  maxPerOrder?: number;
  /** Most points of this rule on one local day of the store. */
  maxPerDay?: number;
  /** Most points of this rule in a customer's lifetime. */
  maxPerCustomer?: number;
}

/** A line of an order; rows of items fit. */
export interface EarningItem extends Omit<OrderItem, 'isGiftCard'> {
  isGiftCard?: boolean;
}

/** An order as earning sees it, all amounts in minor units of `currency`; checked by `checkOrder`. */
export interface EarningOrder {
  status: OrderStatus;
  isTest: boolean;
  currency: string;
  items: readonly EarningItem[];
  tax: number;
  taxesIncluded: boolean;
  /** Of the whole order, beyond the discounts of the lines. */
  discount: number;
  shipping: number;
  total: number;
  /** The parts of `total` that were paid with store credit and with points. */
  creditPaid: number;
  pointsPaid: number;
}

/** Points that one rule has given to the customer, this source left out. */
export interface EarnedSoFar {
  /** On the local day of the earning (`earningDay`). */
  day: number;
  /** Ever. */
  customer: number;
}

/** What is known of the customer when the source happens. */
export interface EarningFacts {
  /** The store's. */
  currency: string;
  /** The customer's tier with the multiplier it brings; a level of the programme fits. */
  tier: { key: string; multiplier: number } | null;
  /** Slugs of the segments that the customer is in, as far as rules name them. */
  segments: readonly string[];
  /** By rule id; needed for rules with caps per day or customer. */
  earned: ReadonlyMap<string, EarnedSoFar>;
}

export const EARNING_CAPS = ['order', 'day', 'customer', 'limit'] as const;
export type EarningCap = (typeof EARNING_CAPS)[number];

/** Points of one rule for one source, with what explains them. */
export interface Earning {
  ruleId: string;
  /** At least 1. */
  points: number;
  /** What counted: minor units of money (`spend`), pieces (`item`), 1 (`event`). */
  base: number;
  /** Evaluates to `points`: `floor(12345 × 1 / 100)`, `min(50, floor((10000 + 2345 × 2) × 1.5 × 1 / 100))`. */
  formula: string;
  /** Positions of the order's lines that counted, from 0. */
  lines: number[];
  /** The cap that cut the points; `limit` is MAX_POINTS_PER_EARNING. */
  cappedBy?: EarningCap;
}

/** P3: when points of an order begin to count. */
export interface PendingPolicy {
  basis: PendingBasis;
  /** Whole local days after the order or the delivery. */
  days: number;
}

/** Where points come from. */
export interface EarningSource {
  kind: 'order' | LoyaltyEvent;
  /**
   * The order, the review or the referral; the customer for sign_up and newsletter; for a birthday the customer and
   * the calendar year (`birthdaySourceId`).
   */
  id: string;
}

/**
 * P1: what an order earns, one entry per rule that gives something. `at` is when the order was placed: it decides time
 * windows, so a replay earns the same. Nothing for orders that do not count (C7) or have another currency than the
 * store's.
 *
 * Money counts without shipping, tax, gift cards and the part paid with credit or points (`spentPerLine`), and is
 * rounded down once, over the whole order. A line of which no money was paid earns no points per piece either.
 *
 * Multipliers: the customer's rate times the best campaign. Of the tier's own multiplier and the rule's for that tier
 * the greater one is the rate; of multipliers by segment, category and time the greatest is the campaign, a category
 * only for its lines. So gold (1.5) on a double-points weekend earns threefold, as where each tier has its own rate
 * and promotions multiply what it earns, and campaigns that overlap never pile up.
 */
export function earnForOrder(
  rules: readonly EarningRule[],
  order: EarningOrder,
  facts: EarningFacts,
  at: Date,
): Earning[] {
  if (!isCounted(order) || order.currency !== facts.currency) return [];
  const spent = spentPerLine(order);
  return rules.flatMap((rule) => {
    if (rule.kind === 'event') return [];
    const counted = amountsPerLine(rule, order, spent).map(
      ({ line, item, amount }): CountedLine => ({
        line,
        amount,
        campaign: campaignFactor(rule, facts, at, item),
      }),
    );
    return earningOf(rule, counted, rateFactor(rule, facts, at, facts.tier?.multiplier ?? 1), facts);
  });
}

/**
 * P1: what of an order counts for a rule, in the measure of `Earning.base`; 0 for one that does not count. It tells how
 * much an order lost since it earned (P6), whatever factors applied then.
 */
export function countedBase(rule: EarningRule, order: EarningOrder, currency: string): number {
  if (!isCounted(order) || order.currency !== currency) return 0;
  return amountsPerLine(rule, order).reduce((sum, { amount }) => sum + amount, 0);
}

/** The lines that count for a rule: minor units or pieces. */
function amountsPerLine(
  rule: EarningRule,
  order: EarningOrder,
  spent: readonly number[] = spentPerLine(order),
): { line: number; item: EarningItem; amount: number }[] {
  return order.items.flatMap((item, line) => {
    const money = spent[line] ?? 0;
    if (money === 0 || !appliesTo(rule, item)) return [];
    return [{ line, item, amount: rule.kind === 'spend' ? money : item.quantity }];
  });
}

/**
 * P1: what an event earns. `at` is when it happened. The multipliers of the rule apply as for orders; the tier's own
 * one does not: it is for purchases. `side` says whom of a referral.
 */
export function earnForEvent(
  rules: readonly EarningRule[],
  event: { kind: LoyaltyEvent; side?: ReferralSide; at: Date },
  facts: Omit<EarningFacts, 'currency'>,
): Earning[] {
  return rules.flatMap((rule) => {
    if (rule.kind !== 'event' || rule.event !== event.kind || rule.side !== event.side) return [];
    const once = { amount: 1, campaign: campaignFactor(rule, facts, event.at) };
    return earningOf(rule, [once], rateFactor(rule, facts, event.at, 1), facts);
  });
}

/** P2: unique per rule and source. Rule ids and kinds have no colon, so no two pairs share a key. */
export function sourceOf(ruleId: string, source: EarningSource): string {
  return `${ruleId}:${source.kind}:${source.id}`;
}

/** The local day of the store in which caps per day count: from `from`, before `until`. */
export function earningDay(at: Date, timezone: string): { from: Date; until: Date } {
  const calendar = new Calendar(at, timezone);
  return {
    from: new Date(calendar.startOf(calendar.today)),
    until: new Date(calendar.startOf(calendar.today + 1)),
  };
}

/**
 * P3: when the points of an order begin to count: the same time on the wall clock `days` local days after the order or
 * its delivery. Null while a delivery that is waited for has not happened: there is no such instant yet.
 */
export function activeFrom(
  pending: PendingPolicy,
  order: { placedAt: Date; deliveredAt: Date | null },
  timezone: string,
): Date | null {
  const from = pending.basis === 'order' ? order.placedAt : order.deliveredAt;
  return from && daysLater(from, pending.days, timezone);
}

/** The same wall clock time some local days later; where summer time skips it, as much later. */
export function daysLater(instant: Date, days: number, timezone: string): Date {
  if (days === 0) return instant;
  const { hour, minute, second } = localTimeAt(instant, timezone);
  const day = new Calendar(instant, timezone).today + days;
  const later = instantOfLocal({ ...dayOfNumber(day), hour, minute, second }, timezone);
  assert(later !== undefined);
  return new Date(later.getTime() + instant.getUTCMilliseconds());
}

/**
 * What was paid in money for each line, without tax; 0 for gift cards. Exact: nothing of the order gets lost.
 * The discount of the order is spread over the lines in proportion, gift cards included; what exceeds them lowers
 * shipping. Tax inside the prices is taken out: the tax of the lines where the platform tells it, else their share of
 * the order's. Credit and points pay for all parts of the total in proportion, so they lower each line by its share.
 */
function spentPerLine(order: EarningOrder): number[] {
  const positions = canonicalPositions(order.items);
  const items = positions.map((position) => order.items[position]).filter((item) => item !== undefined);
  const net = netPerLine(order, items);
  const rest = order.total - net.reduce((sum, amount) => sum + amount, 0);
  const paidOtherwise = spread(order.creditPaid + order.pointsPaid, [...net, rest]);
  const spent = new Array<number>(items.length).fill(0);
  for (const [index, position] of positions.entries()) {
    if (items[index]?.isGiftCard) continue;
    spent[position] = (net[index] ?? 0) - (paidOtherwise[index] ?? 0);
  }
  return spent;
}

/** Line totals after the order's discount and without tax. */
function netPerLine(order: EarningOrder, items: readonly EarningItem[]): number[] {
  const totals = items.map(lineTotal);
  const discounts = spread(order.discount, totals);
  const gross = totals.map((total, index) => total - (discounts[index] ?? 0));
  if (!order.taxesIncluded) return gross;
  const taxes = taxPerLine(order, items, gross);
  return gross.map((amount, index) => amount - (taxes[index] ?? 0));
}

function taxPerLine(order: EarningOrder, items: readonly EarningItem[], gross: readonly number[]): number[] {
  const known = items.some((item) => item.tax > 0);
  const taxes = known ? items.map((item) => item.tax) : spread(order.tax, [...gross, order.shipping]);
  return gross.map((amount, index) => Math.min(amount, taxes[index] ?? 0));
}

/**
 * Positions in an order that the contents alone decide, so that a cent that cannot be halved falls on the same product
 * however the lines are sorted.
 */
function canonicalPositions(items: readonly EarningItem[]): number[] {
  const keys = items.map(({ productId, sku, title, quantity, unitPrice, discount, tax, ...rest }) => {
    const { categoryKeys, tagKeys } = itemKeys(rest);
    const words = [categoryKeys.toSorted(), tagKeys.toSorted()];
    return JSON.stringify([
      productId,
      sku,
      title,
      quantity,
      unitPrice,
      discount,
      tax,
      rest.isGiftCard ?? false,
      words,
    ]);
  });
  return [...items.keys()].sort((a, b) => {
    const [one, other] = [keys[a] ?? '', keys[b] ?? ''];
    if (one === other) return 0;
    return one < other ? -1 : 1;
  });
}

/** Largest remainder: shares in proportion to the weights that add up to `amount`, but no more than the weights. */
function spread(amount: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) return weights.map(() => 0);
  const spreading = Math.min(amount, sum);
  const exact = weights.map((weight) => BigInt(weight) * BigInt(spreading));
  const shares = exact.map((product) => Number(product / BigInt(sum)));
  const left = spreading - shares.reduce((total, share) => total + share, 0);
  const remainders = exact.map((product) => product % BigInt(sum));
  const byRemainder = [...weights.keys()].sort((a, b) => compare(remainders[b] ?? 0n, remainders[a] ?? 0n));
  for (const index of byRemainder.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}

const compare = (one: bigint, other: bigint): number => Number(one > other) - Number(one < other);

function appliesTo(rule: EarningRule, item: EarningItem): boolean {
  const { productIds, categories, tags } = rule;
  if (rule.kind === 'spend' || !(productIds || categories || tags)) return true;
  const { categoryKeys, tagKeys } = itemKeys(item);
  return (
    (item.productId !== null && (productIds ?? []).includes(item.productId)) ||
    (categories ?? []).some((category) => categoryKeys.includes(caseKey(category))) ||
    (tags ?? []).some((tag) => tagKeys.includes(caseKey(tag)))
  );
}

/** The rate of the customer's tier: the greater of what the tier and the rule give. */
function rateFactor(
  rule: EarningRule,
  { tier }: Pick<EarningFacts, 'tier'>,
  at: Date,
  ofTier: number,
): number {
  return bestFactor(rule, at, ofTier, ({ kind, key }) => kind === 'tier' && key === tier?.key);
}

function campaignFactor(
  rule: EarningRule,
  { segments }: Pick<EarningFacts, 'segments'>,
  at: Date,
  item?: EarningItem,
): number {
  const categoryKeys = item ? itemKeys(item).categoryKeys : [];
  return bestFactor(rule, at, 1, ({ kind, key = '' }) => {
    if (kind === 'segment') return segments.includes(key);
    if (kind === 'category') return categoryKeys.includes(caseKey(key));
    return kind === 'time';
  });
}

function bestFactor(
  { multipliers = [] }: EarningRule,
  at: Date,
  least: number,
  fits: (multiplier: Multiplier) => boolean,
): number {
  const factors = multipliers.filter((multiplier) => isOpen(multiplier, at) && fits(multiplier));
  return Math.max(least, ...factors.map(({ factor }) => factor));
}

function isOpen({ from, until }: Multiplier, at: Date): boolean {
  const ms = at.getTime();
  return (from === undefined || Date.parse(from) <= ms) && (until === undefined || ms < Date.parse(until));
}

/** `line` is absent for events. */
type CountedLine = { line?: number; amount: number; campaign: number };

/** One entry, or none when the rule gives nothing. */
function earningOf(
  rule: EarningRule,
  counted: readonly CountedLine[],
  rate: number,
  facts: Pick<EarningFacts, 'earned'>,
): Earning[] {
  const per = rule.perAmount ?? 1;
  const weights = weightsOf(counted);
  const uncapped = flooredPoints(weights, rate, rule.points, per);
  const { cap, most } = tightestCap(rule, facts.earned.get(rule.id) ?? { day: 0, customer: 0 });
  const isCapped = uncapped > BigInt(most);
  const points = isCapped ? most : Number(uncapped);
  if (points <= 0) return [];
  const formula = formulaOf(weights, rate, rule.points, per);
  return [
    {
      ruleId: rule.id,
      points,
      base: counted.reduce((sum, { amount }) => sum + amount, 0),
      formula: isCapped ? `min(${most}, ${formula})` : formula,
      lines: counted.flatMap(({ line }) => line ?? []),
      ...(isCapped && { cappedBy: cap }),
    },
  ];
}

type Weight = { factor: number; amount: number };

/** What counts by campaign factor, the smallest first: independent of the sequence of the lines. */
function weightsOf(counted: readonly CountedLine[]): Weight[] {
  const amounts = new Map<number, number>();
  for (const { amount, campaign } of counted) amounts.set(campaign, (amounts.get(campaign) ?? 0) + amount);
  return [...amounts]
    .map(([factor, amount]) => ({ factor, amount }))
    .sort((one, other) => one.factor - other.factor);
}

/** P1: one rounding down over everything, exact by whole numbers of hundredths. */
function flooredPoints(weights: readonly Weight[], rate: number, points: number, per: number): bigint {
  const sum = weights.reduce((total, { factor, amount }) => total + BigInt(amount) * hundredths(factor), 0n);
  return (sum * hundredths(rate) * BigInt(points)) / (BigInt(per) * 10_000n);
}

const hundredths = (factor: number): bigint => BigInt(Math.round(factor * 100));

function formulaOf(weights: readonly Weight[], rate: number, points: number, per: number): string {
  const terms = weights.map(({ factor, amount }) => (factor === 1 ? `${amount}` : `${amount} × ${factor}`));
  const base = terms.length > 1 ? `(${terms.join(' + ')})` : terms.join();
  const factors = [base, ...(rate === 1 ? [] : [rate]), points].join(' × ');
  return per === 1 ? `floor(${factors})` : `floor(${factors} / ${per})`;
}

function tightestCap(rule: EarningRule, soFar: EarnedSoFar): { cap: EarningCap; most: number } {
  const room: Readonly<Record<EarningCap, number>> = {
    order: rule.maxPerOrder ?? Number.POSITIVE_INFINITY,
    day: (rule.maxPerDay ?? Number.POSITIVE_INFINITY) - soFar.day,
    customer: (rule.maxPerCustomer ?? Number.POSITIVE_INFINITY) - soFar.customer,
    limit: MAX_POINTS_PER_EARNING,
  };
  const most = Math.min(...Object.values(room));
  const cap = EARNING_CAPS.find((name) => room[name] === most) ?? 'limit';
  return { cap, most };
}
