// Job rows: the truth about work that goes on after the answer.
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type pg from 'pg';
import type { JobStatus } from '../domain/jobs.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { jobs } from './tables/jobs.ts';

export type JobRow = typeof jobs.$inferSelect;

/** Channel on which the relay hears of new jobs; the payload is `<store> <kind> <job>`. */
export const JOBS_CHANNEL = 'clientele_jobs';

const announce = statement<{ kind: string; id: string }, never>(
  'announce_job',
  (p) => sql`select pg_notify(${sql.raw(`'${JOBS_CHANNEL}'`)}, ${p.storeId}::text || ' ' || ${p.kind}::text || ' ' || ${p.id}::text)`,
);

/** Adds a queued job; the relay hears of it when the transaction commits. */
export async function insertJob(tx: Tx, job: Omit<JobRow, 'storeId'>): Promise<void> {
  await tx.use(({ queries }) => queries.insert(jobs).values({ ...job, storeId: tx.storeId }));
  await announce(tx, { kind: job.kind, id: job.id });
}

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
  question: { limit: number; before?: string; status?: JobStatus; kind?: string },
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
