// Jobs: kinds, states and what may follow what.
/** `receiving`: its file is still coming in; nobody works on it yet. */
export const JOB_STATUSES = ['receiving', 'queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const JOB_KINDS = [
  'bulk',
  'import',
  'tag-change',
  'group-change',
  'self-check',
  'ledger-expiry',
  'loyalty-tiers',
  'redemption-expiry',
  'referral-decisions',
  'birthday-rewards',
  'points-reminders',
  'campaign-prepare',
  'campaign-end',
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** A job in one of these states runs no more, unless somebody has one that failed tried again. */
export const isFinished = (status: JobStatus): boolean =>
  !['receiving', 'queued', 'running'].includes(status);

/** The error of a job that failed on our side, after several attempts. */
export const OUR_TROUBLE = 'INTERNAL';

/** Whether another attempt may end better: a job that a rule refused would be refused again. */
export const isRetryable = ({
  status,
  error,
}: {
  status: JobStatus;
  error: { code: string } | null;
}): boolean => status === 'failed' && error?.code === OUR_TROUBLE;

/** Adds the counts of one slice to those of the slices before it. */
export function addOutcomes(
  before: Readonly<Record<string, number>>,
  slice: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...before };
  for (const [outcome, count] of Object.entries(slice)) sum[outcome] = (sum[outcome] ?? 0) + count;
  return sum;
}

/** How many items a job has done of how many; `total` is null while nobody knows. */
export interface JobProgress {
  status: JobStatus;
  done: number;
  total: number | null;
  startedAt: Date | null;
}

/** When a running job ends if it goes on as fast as until now; null while that cannot be told. */
export function estimateEnd({ status, done, total, startedAt }: JobProgress, now: Date): Date | null {
  if (status !== 'running' || total === null || startedAt === null || done === 0) return null;
  const perItemMs = Math.max(0, now.getTime() - startedAt.getTime()) / done;
  return new Date(now.getTime() + perItemMs * Math.max(0, total - done));
}
