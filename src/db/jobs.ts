// Job rows: the truth about work that goes on after the answer.
import { and, asc, desc, eq, gt, lt, notInArray, type SQL, sql } from 'drizzle-orm';
import type pg from 'pg';
import type { JobStatus } from '../domain/jobs.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { jobItems, jobs } from './tables/jobs.ts';

export type JobRow = typeof jobs.$inferSelect;

/** Channel on which the relay hears of new jobs; the payload is `<store> <kind> <job>`. */
export const JOBS_CHANNEL = 'clientele_jobs';

const announce = statement<{ kind: string; id: string }, never>(
  'announce_job',
  (p) =>
    sql`select pg_notify(${sql.raw(`'${JOBS_CHANNEL}'`)}, ${p.storeId}::text || ' ' || ${p.kind}::text || ' ' || ${p.id}::text)`,
);

/** Adds a job; the relay hears of a queued one when the transaction commits. */
export async function insertJob(tx: Tx, job: Omit<JobRow, 'storeId'>): Promise<void> {
  await tx.use(({ queries }) => queries.insert(jobs).values({ ...job, storeId: tx.storeId }));
  if (job.status === 'queued') await announce(tx, { kind: job.kind, id: job.id });
}

/** The job is worked on once more; the relay hears of it when the transaction commits. */
export async function queueAgain(
  tx: Tx,
  job: { id: string; kind: string; change: Partial<JobRow> },
): Promise<void> {
  await updateJob(tx, job.id, job.change);
  await announce(tx, { kind: job.kind, id: job.id });
}

/** The file of a job is complete: now it is worked on. */
export async function queueReceived(
  tx: Tx,
  job: { id: string; kind: string; params: Record<string, unknown> },
): Promise<void> {
  const change = { status: 'queued', params: job.params, aliveAt: new Date() } as const;
  await queueAgain(tx, { id: job.id, kind: job.kind, change });
}

/** Forgets a job with everything that hangs on it. */
export const deleteJob = statement<{ id: string }, never>(
  'delete_job',
  (p) => sql`delete from jobs where store_id = ${p.storeId} and id = ${p.id}`,
);

const find = prepared<{ id: string }>()('find_job', (queries, p) =>
  queries
    .select()
    .from(jobs)
    .where(and(eq(jobs.storeId, p.storeId), eq(jobs.id, p.id))),
);

export const findJob = async (db: Db, id: string): Promise<JobRow | undefined> => (await find(db, { id }))[0];

const lock = prepared<{ id: string }>()('lock_job', (queries, p) =>
  queries
    .select()
    .from(jobs)
    .where(and(eq(jobs.storeId, p.storeId), eq(jobs.id, p.id)))
    .for('update'),
);

/** The locked row: of two workers that got the same job, one slices at a time. */
export const lockJob = async (tx: Tx, id: string): Promise<JobRow | undefined> => (await lock(tx, { id }))[0];

export const updateJob = (db: Db, id: string, change: Partial<JobRow>): Promise<unknown> =>
  db.use(({ queries }) =>
    queries
      .update(jobs)
      .set(change)
      .where(and(eq(jobs.storeId, db.storeId), eq(jobs.id, id))),
  );

/** Jobs, newest first, older than `before` (an id) when it is given. */
export const listJobs = (
  db: Db,
  question: {
    limit: number;
    before?: string | undefined;
    status?: JobStatus | undefined;
    kind?: string | undefined;
  },
): Promise<JobRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(jobs)
      .where(
        and(
          eq(jobs.storeId, db.storeId),
          question.before ? lt(jobs.id, question.before) : undefined,
          question.status ? eq(jobs.status, question.status) : undefined,
          question.kind ? eq(jobs.kind, question.kind) : undefined,
        ),
      )
      .orderBy(desc(jobs.id))
      .limit(question.limit),
  );

/** The job that undoes this one; one that failed or was cancelled does not count. */
export async function findUndoOf(db: Db, id: string): Promise<string | undefined> {
  const [row] = await db.use(({ queries }) =>
    queries
      .select({ id: jobs.id })
      .from(jobs)
      .where(
        and(
          eq(jobs.storeId, db.storeId),
          eq(jobs.undoOf, id),
          notInArray(jobs.status, ['failed', 'cancelled']),
        ),
      )
      .limit(1),
  );
  return row?.id;
}

/** First words of outcomes that say more behind it. */
const FAMILIES: Readonly<Record<string, string>> = { refused: 'refused:', skipped: 'skipped_' };

/** `refused` means every refusal, `refused:CODE` one of them, `pending` what has no outcome yet. */
const hasOutcome = (outcome: string): SQL | undefined => {
  if (outcome === 'pending') return sql`${jobItems.outcome} is null`;
  const prefix = FAMILIES[outcome];
  return prefix ? sql`${jobItems.outcome} ^@ ${prefix}` : eq(jobItems.outcome, outcome);
};

export interface JobItem {
  customerId: string;
  outcome: string | null;
}

/** Items of a job by customer id, behind `after` when it is given. */
export const listJobItems = (
  db: Db,
  jobId: string,
  question: { limit: number; after?: string | undefined; outcome?: string | undefined },
): Promise<JobItem[]> =>
  db.use(({ queries }) =>
    queries
      .select({ customerId: jobItems.customerId, outcome: jobItems.outcome })
      .from(jobItems)
      .where(
        and(
          eq(jobItems.storeId, db.storeId),
          eq(jobItems.jobId, jobId),
          question.after ? gt(jobItems.customerId, question.after) : undefined,
          question.outcome ? hasOutcome(question.outcome) : undefined,
        ),
      )
      .orderBy(asc(jobItems.customerId))
      .limit(question.limit),
  );

export interface SilentJob {
  storeId: string;
  id: string;
  kind: string;
}

/** Open jobs of all stores that nobody touched since the instant. */
export async function listSilentJobs(pool: pg.Pool, silentBefore: Date, limit: number): Promise<SilentJob[]> {
  const { rows } = await pool.query<SilentJob>(
    'select store_id as "storeId", id, kind from silent_jobs($1, $2)',
    [silentBefore, limit],
  );
  return rows;
}
