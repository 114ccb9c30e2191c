// How fast a campaign goes: token buckets for the whole of it and for each domain of recipients.
import { grouped } from '../grouped.ts';

/** A bucket as it was last left; it holds at most what one second brings, and at least one mail. */
export interface Bucket {
  tokens: number;
  filledAt: Date;
}

/** Mails per second; absent: no limit. */
export interface Pace {
  perSecond?: number;
  /** By domain, `*` for all others. */
  perDomain?: Readonly<Record<string, number>>;
}

/** A mail that is due. */
export interface Candidate {
  id: string;
  domain: string | null;
}

/** What goes now, what waits until when, and the buckets afterwards; the empty domain is the whole campaign's. */
export interface PacePlan {
  take: string[];
  postpone: { id: string; until: Date }[];
  buckets: Map<string, Bucket>;
  /** When to look again for what the rates held back; undefined when they held back nothing. */
  nextAt: Date | undefined;
}

export const WHOLE_CAMPAIGN = '';

/** Rate of a domain; undefined: none of its own. */
export const rateOfDomain = (pace: Pace, domain: string): number | undefined =>
  pace.perDomain?.[domain] ?? pace.perDomain?.['*'];

const capacityOf = (rate: number): number => Math.max(1, rate);

/** What a bucket holds at `now`; a new one is full. */
export function tokensAt(bucket: Bucket | undefined, rate: number, now: Date): number {
  if (!bucket) return capacityOf(rate);
  const seconds = Math.max(0, now.getTime() - bucket.filledAt.getTime()) / 1000;
  return Math.min(capacityOf(rate), bucket.tokens + seconds * rate);
}

/**
 * Chooses at most `limit` of the due mails. Those of a domain whose bucket is empty are put off, one interval after the other, so that they do
 * not stand in the way of others; those beyond the rate of the whole campaign stay due.
 */
export function planPace(
  candidates: readonly Candidate[],
  pace: Pace,
  before: ReadonlyMap<string, Bucket>,
  { now, limit }: { now: Date; limit: number },
): PacePlan {
  const { perSecond } = pace;
  const whole =
    perSecond === undefined ? limit : Math.floor(tokensAt(before.get(WHOLE_CAMPAIGN), perSecond, now));
  const most = Math.min(limit, whole);
  const plan: PacePlan = { take: [], postpone: [], buckets: new Map(), nextAt: undefined };
  const levels = new Map<string, number>();
  const waiting: { id: string; domain: string }[] = [];
  for (const { id, domain } of candidates) {
    const rate = domain === null ? undefined : rateOfDomain(pace, domain);
    if (domain === null || rate === undefined) {
      if (plan.take.length < most) plan.take.push(id);
      continue;
    }
    const level = levels.get(domain) ?? tokensAt(before.get(domain), rate, now);
    if (level < 1) waiting.push({ id, domain });
    else if (plan.take.length < most) {
      plan.take.push(id);
      levels.set(domain, level - 1);
      continue;
    }
    levels.set(domain, level);
  }
  for (const [domain, list] of grouped(waiting, (mail) => mail.domain)) {
    const rate = rateOfDomain(pace, domain) as number;
    const level = levels.get(domain) as number;
    for (const [index, { id }] of list.entries()) {
      const until = new Date(now.getTime() + Math.ceil(((index + 1 - level) / rate) * 1000));
      plan.postpone.push({ id, until });
    }
  }
  for (const [domain, tokens] of levels) plan.buckets.set(domain, { tokens, filledAt: now });
  if (perSecond !== undefined) {
    const tokens = tokensAt(before.get(WHOLE_CAMPAIGN), perSecond, now) - plan.take.length;
    plan.buckets.set(WHOLE_CAMPAIGN, { tokens, filledAt: now });
  }
  plan.nextAt = nextLook(plan, candidates.length, perSecond, now);
  return plan;
}

/** Half a second of mails makes one look worth it; slower than that, one mail does. */
const LOOK_S = 0.5;

function nextLook(plan: PacePlan, due: number, perSecond: number | undefined, now: Date): Date | undefined {
  const times = plan.postpone.map(({ until }) => until.getTime());
  const tokens = plan.buckets.get(WHOLE_CAMPAIGN)?.tokens;
  if (perSecond !== undefined && tokens !== undefined && plan.take.length + plan.postpone.length < due) {
    const seconds = Math.max(LOOK_S, (1 - tokens) / perSecond);
    times.push(now.getTime() + Math.ceil(seconds * 1000));
  }
  return times.length === 0
    ? undefined
    : new Date(Math.max(Math.min(...times), now.getTime() + LOOK_S * 1000));
}
