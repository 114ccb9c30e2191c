// Jobs: kinds, states and what may follow what.
export const JOB_STATUSES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const JOB_KINDS = ['bulk', 'import', 'tag-change', 'self-check'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** A job in one of these states never runs again. */
export const isFinished = (status: JobStatus): boolean => status !== 'queued' && status !== 'running';

/** Adds the counts of one slice to those of the slices before it. */
export function addOutcomes(
  before: Readonly<Record<string, number>>,
  slice: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...before };
  for (const [outcome, count] of Object.entries(slice)) sum[outcome] = (sum[outcome] ?? 0) + count;
  return sum;
}
