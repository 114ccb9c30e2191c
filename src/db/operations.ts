// What operators ask about all stores at once: open jobs, mails that wait, the last self-checks. Functions of the database
// answer with numbers and ids past row-level security (migrations/0011); nothing here reads what belongs to a customer.
import type pg from 'pg';
import { daysBefore } from '../domain/days.ts';
import type { JobKind, JobStatus } from '../domain/jobs.ts';
import {
  type Backlog,
  FAILED_DAYS,
  firstIdOf,
  type MailBacklog,
  type OpenJobs,
  queueStates,
  type StoreJob,
  type StoreSelfCheck,
} from '../domain/operations.ts';

/** Most rows that one answer counts: what is more shows as this many. */
const MOST_COUNTED = 10_000;
const MOST_OPEN_JOBS = 100_000;

/** Jobs that wait or run, by kind and state. */
async function countOpenJobs(pool: pg.Pool): Promise<OpenJobs[]> {
  const { rows } = await pool.query<OpenJobs>({
    name: 'open_jobs',
    text: 'select kind, status, jobs, oldest_at as "oldestAt", alive_at as "aliveAt" from open_jobs($1)',
    values: [MOST_OPEN_JOBS],
  });
  return rows;
}

/** Jobs whose ids begin at `since` and that failed, by kind. */
async function countFailedJobs(pool: pg.Pool, since: string): Promise<{ kind: JobKind; jobs: number }[]> {
  const { rows } = await pool.query<{ kind: JobKind; jobs: number }>({
    name: 'failed_jobs',
    text: 'select kind, jobs from failed_jobs($1, $2)',
    values: [since, MOST_COUNTED],
  });
  return rows;
}

/** Jobs of all stores in one state, newest first, behind the one named by `after`. */
export async function listJobsOfStores(
  pool: pg.Pool,
  question: { status: JobStatus; after?: [id: string, storeId: string] | undefined; limit: number },
): Promise<StoreJob[]> {
  const [id = null, storeId = null] = question.after ?? [];
  const { rows } = await pool.query<StoreJob>({
    name: 'jobs_of_stores',
    text: `select store_id as "storeId", id, kind, status, total, done, error_code as "errorCode", attempts,
        created_at as "createdAt", started_at as "startedAt", alive_at as "aliveAt", finished_at as "finishedAt"
      from jobs_of_stores($1, $2, $3, $4)`,
    values: [question.status, id, storeId, question.limit],
  });
  return rows;
}

/** Mails that wait, are being sent, or whose fate nobody knows; at most `MOST_COUNTED` of single mails and of each campaign. */
async function countMailBacklog(pool: pg.Pool, now: Date): Promise<MailBacklog[]> {
  const { rows } = await pool.query<MailBacklog>({
    name: 'mail_backlog',
    text: `select in_campaign as "inCampaign", state, mails, oldest_at as "oldestAt" from mail_backlog($1, $2)`,
    values: [now, MOST_COUNTED],
  });
  return rows;
}

/** What waits over all stores now. */
export async function readBacklog(pool: pg.Pool): Promise<Backlog> {
  const at = new Date();
  const [open, failed, mail] = await Promise.all([
    countOpenJobs(pool),
    countFailedJobs(pool, firstIdOf(daysBefore(at, FAILED_DAYS))),
    countMailBacklog(pool, at),
  ]);
  return { at, queues: queueStates(open, failed), mail };
}

export interface SelfCheckSummary {
  stores: number;
  /** Stores whose self-check ended since. */
  checked: number;
  drifted: number;
  ledgerFaults: number;
  /** The end of the least recent of the last checks. */
  oldestAt: Date | null;
}

/** What the last self-check of each store found; checks count whose job's id begins at `since`. */
export async function summarizeSelfChecks(pool: pg.Pool, since: string): Promise<SelfCheckSummary> {
  const { rows } = await pool.query<SelfCheckSummary>({
    name: 'self_check_summary',
    text: `select count(*) as stores, count(finished_at) as checked, coalesce(sum(drifted), 0) as drifted,
        coalesce(sum(ledger_faults), 0) as "ledgerFaults", min(finished_at) as "oldestAt"
      from last_self_checks($1)`,
    values: [since],
  });
  return rows[0] as SelfCheckSummary;
}

/** The last self-check of stores: those with faults first, then those that were checked longest ago. */
export async function listSelfChecks(
  pool: pg.Pool,
  { since, limit }: { since: string; limit: number },
): Promise<StoreSelfCheck[]> {
  const { rows } = await pool.query<StoreSelfCheck>({
    name: 'list_self_checks',
    text: `select store_id as "storeId", finished_at as "finishedAt", drifted, ledger_faults as "ledgerFaults"
      from last_self_checks($1)
      order by drifted + ledger_faults > 0 desc, finished_at nulls first, store_id limit $2`,
    values: [since, limit],
  });
  return rows;
}
