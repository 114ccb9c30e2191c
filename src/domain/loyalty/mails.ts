// What members are told by mail: that they rose to a tier, and that points of theirs end soon.
import type { TierChange, TierSettings } from './tiers.ts';

/** Which mails the programme sends. */
export interface ProgrammeMails {
  /** When a member's tier rises. */
  tierReached: boolean;
  /** Some days before points end. */
  pointsExpiring: boolean;
}

/** Of programmes that say nothing of mails. */
export const NO_PROGRAMME_MAILS: ProgrammeMails = { tierReached: false, pointsExpiring: false };

export const programmeMailsOf = ({ mails }: { mails?: ProgrammeMails }): ProgrammeMails =>
  mails ?? NO_PROGRAMME_MAILS;

/** How long before points end their owner hears of it. */
export const REMINDER_DAYS = 14;
/** Nobody hears more often of points that end, however many small lots they are. */
export const REMINDER_PAUSE_DAYS = 7;

/**
 * The change by which a member came to a higher tier than before all `changes`, which are in order; undefined when they led
 * nowhere, or to a tier that everybody has from the start.
 */
export function riseIn<Change extends Pick<TierChange, 'from' | 'to'>>(
  changes: readonly Change[],
  { levels }: Pick<TierSettings, 'levels'>,
): Change | undefined {
  const rankOf = (key: string | null | undefined): number => levels.findIndex((level) => level.key === key);
  const last = changes.at(-1);
  const reached = levels[rankOf(last?.to)];
  if (!last || !reached || reached.threshold === 0) return undefined;
  return rankOf(reached.key) > rankOf(changes[0]?.from) ? last : undefined;
}
