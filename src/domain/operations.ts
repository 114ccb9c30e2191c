// Words of what operators look at, and which job ids belong to a time.
import { JOB_KINDS, type JobKind } from './jobs.ts';

/**
 * Where a mail of the backlog stands: `due` now, `deferred` after an attempt that did not succeed, `later` by its own time,
 * being handed over (`sending`), or handed over without an answer (`unknown`).
 */
export const BACKLOG_STATES = ['due', 'later', 'deferred', 'sending', 'unknown'] as const;
export type BacklogState = (typeof BACKLOG_STATES)[number];

/** The least UUID v7 (RFC 9562) of an instant: ids that are not below it are of that time or later. */
export const firstIdOf = (at: Date): string => {
  const time = at.getTime().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
};

/** How a queue stands: what waits, what runs, what failed lately. */
export interface QueueState {
  queue: JobKind;
  waiting: number;
  running: number;
  /** Ended as failed within the days of `FAILED_DAYS`. */
  failed: number;
  /** When the job that waits longest was started; null where none waits. */
  oldestWaitingAt: Date | null;
  /** When a worker last touched one of those that run; null where none runs. */
  lastAliveAt: Date | null;
}

/** Failures older than this are history. */
export const FAILED_DAYS = 7;

/** Self-checks run every night; one that is older is as good as none. */
export const SELF_CHECK_DAYS = 3;

const DAY_MS = 86_400_000;

export const daysBefore = (now: Date, days: number): Date => new Date(now.getTime() - days * DAY_MS);

interface OpenCount {
  kind: JobKind;
  status: 'queued' | 'running';
  jobs: number;
  oldestAt: Date;
  aliveAt: Date;
}

/** Every queue with its counts, those without any job too. */
export function queueStates(
  open: readonly OpenCount[],
  failed: readonly { kind: JobKind; jobs: number }[],
): QueueState[] {
  return JOB_KINDS.map((queue) => {
    const waiting = open.find(({ kind, status }) => kind === queue && status === 'queued');
    const running = open.find(({ kind, status }) => kind === queue && status === 'running');
    return {
      queue,
      waiting: waiting?.jobs ?? 0,
      running: running?.jobs ?? 0,
      failed: failed.find(({ kind }) => kind === queue)?.jobs ?? 0,
      oldestWaitingAt: waiting?.oldestAt ?? null,
      lastAliveAt: running?.aliveAt ?? null,
    };
  });
}

/** Whole seconds since the instant, 0 for none or one in the future. */
export const ageSeconds = (since: Date | null | undefined, now: Date): number =>
  since ? Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000)) : 0;
