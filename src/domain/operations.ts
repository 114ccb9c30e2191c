// Words of what operators look at, and which job ids belong to a time.
import { JOB_KINDS, type JobKind, type JobStatus } from './jobs.ts';

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

/** Jobs of one kind that wait or run. */
export interface OpenJobs {
  kind: JobKind;
  status: 'queued' | 'running';
  jobs: number;
  /** When the oldest of them was started. */
  oldestAt: Date;
  /** When a worker last touched one of them. */
  aliveAt: Date;
}

/** Mails of one state that wait, are being sent, or whose fate nobody knows. */
export interface MailBacklog {
  inCampaign: boolean;
  state: BacklogState;
  mails: number;
  /** When the first of them was, or will be, due. */
  oldestAt: Date;
}

/** What waits over all stores at one moment. */
export interface Backlog {
  at: Date;
  queues: QueueState[];
  mail: MailBacklog[];
}

/** A job as operators see it: what it is about stays with its store. */
export interface StoreJob {
  storeId: string;
  id: string;
  kind: JobKind;
  status: JobStatus;
  total: number | null;
  done: number;
  errorCode: string | null;
  /** Deliveries that failed since the last slice that succeeded. */
  attempts: number;
  createdAt: Date;
  startedAt: Date | null;
  aliveAt: Date;
  finishedAt: Date | null;
}

/** The last self-check of a store. */
export interface StoreSelfCheck {
  storeId: string;
  finishedAt: Date | null;
  drifted: number;
  ledgerFaults: number;
}

/** Every queue with its counts, those without any job too. */
export function queueStates(
  open: readonly OpenJobs[],
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
