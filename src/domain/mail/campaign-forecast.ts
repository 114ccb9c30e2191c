// When the mails of a campaign go out: foretold before the start, estimated while it runs.
import { rateOfDomain } from './pace.ts';
import { isQuiet } from './quiet-hours.ts';
import type { QuietHours } from './settings.ts';

/** People of one clock, and of one domain where domains have rates of their own. */
export interface Load {
  /** Null: of domains whose rate does not matter. */
  domain: string | null;
  /** Of one of those whom the clock is for: quiet hours are those that it shows. */
  timezone: string;
  /** When their mails are due. */
  dueAt: Date;
  count: number;
}

export interface ForecastPlan {
  perSecond?: number;
  perDomain?: Readonly<Record<string, number>>;
  quietHours: QuietHours | null;
  deadline: Date | null;
}

export interface Forecast {
  /** When the last mail goes; null when none does. */
  endsAt: Date | null;
  /** Mails by the hour in which they go, in order. */
  hours: { hour: Date; count: number }[];
  /** Mails that are not sent by the deadline at these rates. */
  late: number;
}

const STEP_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
/** Mails per second of one worker with a near mail server; what a campaign without a limit is foretold with. */
export const ASSUMED_PER_SECOND = 100;
/** Rates are no whole numbers, so neither is what is left. */
const HALF_A_MAIL = 0.5;
/** A campaign that takes longer than this is not worth foretelling. */
const LONGEST_MS = 92 * 24 * HOUR_MS;

interface Open extends Load {
  left: number;
}

const stepOf = (ms: number): number => Math.floor(ms / STEP_MS) * STEP_MS;

/** Rate of a load's domain; infinite where it has none. */
const domainRate = ({ domain }: Load, { perDomain }: ForecastPlan): number =>
  (domain !== null && perDomain && rateOfDomain({ perDomain }, domain)) || Number.POSITIVE_INFINITY;

const isClosed = (load: Open, ms: number, { quietHours }: ForecastPlan): boolean =>
  load.left === 0 ||
  load.dueAt.getTime() >= ms + STEP_MS ||
  (quietHours !== null && isQuiet(new Date(ms), load.timezone, quietHours));

/** What went in one step, and when it was through. */
interface Step {
  taken: number;
  endMs: number;
}

/** Lets the mails of one step go: as many as the campaign and their domain have room for. */
function takeStep(open: readonly Open[], ms: number, plan: ForecastPlan): Step {
  const { perSecond = ASSUMED_PER_SECOND } = plan;
  const seconds = STEP_MS / 1000;
  const byDomain = new Map<string | null, number>();
  const step: Step = { taken: 0, endMs: ms };
  for (const load of open) {
    if (isClosed(load, ms, plan)) continue;
    const rate = domainRate(load, plan);
    const gone = byDomain.get(load.domain) ?? 0;
    const going = Math.min(load.left, perSecond * seconds - step.taken, rate * seconds - gone);
    if (going <= 0) continue;
    load.left -= going;
    step.taken += going;
    byDomain.set(load.domain, gone + going);
    const took = Math.max(step.taken / perSecond, (gone + going) / rate) * 1000;
    step.endMs = Math.max(step.endMs, Math.max(ms, load.dueAt.getTime()) + took);
  }
  return step;
}

/**
 * Foretells a campaign in steps of five minutes: each load goes as soon as it is due and nobody's quiet hours, its
 * domain's rate or that of the whole campaign stands against it.
 */
export function forecast(loads: readonly Load[], plan: ForecastPlan): Forecast {
  const open: Open[] = loads
    .filter(({ count }) => count > 0)
    .map((load) => ({ ...load, left: load.count }))
    .sort((one, other) => one.dueAt.getTime() - other.dueAt.getTime());
  const first = open[0]?.dueAt.getTime();
  const total = open.reduce((sum, { left }) => sum + left, 0);
  if (first === undefined) return { endsAt: null, hours: [], late: 0 };
  const until = Math.min(plan.deadline?.getTime() ?? Number.POSITIVE_INFINITY, first + LONGEST_MS);
  const hours = new Map<number, number>();
  let sent = 0;
  let endsAt: number | null = null;
  for (let ms = stepOf(first); ms < until && sent < total - HALF_A_MAIL; ms += STEP_MS) {
    const { taken, endMs } = takeStep(open, ms, plan);
    if (taken === 0) continue;
    sent += taken;
    endsAt = Math.ceil(endMs);
    const hour = Math.floor(ms / HOUR_MS) * HOUR_MS;
    hours.set(hour, (hours.get(hour) ?? 0) + taken);
  }
  return {
    endsAt: endsAt === null ? null : new Date(endsAt),
    hours: [...hours].map(([hour, count]) => ({ hour: new Date(hour), count: Math.round(count) })),
    late: Math.round(total - sent),
  };
}

/** When a running campaign ends if it goes on as fast as lately; null while nobody can tell. */
export function estimateCampaignEnd(
  { waiting, perSecond, lastDue }: { waiting: number; perSecond: number; lastDue: Date | null },
  now: Date,
): Date | null {
  if (waiting === 0 || perSecond === 0) return null;
  const bySpeed = now.getTime() + (waiting / perSecond) * 1000;
  return new Date(Math.max(bySpeed, lastDue?.getTime() ?? 0));
}
