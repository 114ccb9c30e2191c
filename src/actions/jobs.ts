// Jobs: start, cancel, and run in bounded slices that survive a kill at any point.
import type { Ctx } from '../context.ts';
import { transaction, type Tx } from '../db/connection.ts';
import { findJob, insertJob, type JobRow, lockJob, updateJob } from '../db/jobs.ts';
import { addOutcomes, isFinished, type JobKind } from '../domain/jobs.ts';
import { Problem } from '../errors.ts';
import { tell } from './timeline.ts';

export interface NewJob {
  kind: JobKind;
  params: Record<string, unknown>;
  total?: number | null;
  dryRun?: boolean;
  undoOf?: string | null;
  /** Given where rows were written under it already. */
  id?: string;
}

/** Adds a queued job in the transaction of what it belongs to. */
export async function startJob(ctx: Ctx, tx: Tx, job: NewJob): Promise<JobRow> {
  const row: Omit<JobRow, 'storeId'> = {
    id: job.id ?? ctx.newId(),
    kind: job.kind,
    status: 'queued',
    params: job.params,
    position: {},
    total: job.total ?? null,
    done: 0,
    outcomes: {},
    error: null,
    dryRun: job.dryRun ?? false,
    undoOf: job.undoOf ?? null,
    actor: ctx.actor,
    requestId: ctx.requestId ?? null,
    attempts: 0,
    createdAt: ctx.now,
    startedAt: null,
    aliveAt: ctx.now,
    finishedAt: null,
  };
  await insertJob(tx, row);
  return { ...row, storeId: ctx.storeId };
}

/** What one slice did; written with its effects in one transaction. */
export interface SliceResult {
  done: number;
  outcomes: Record<string, number>;
  /** Where the next slice begins; undefined: the job is complete. */
  position?: Record<string, unknown>;
  total?: number;
}

/** One bounded piece of a job, in a transaction that holds the job's row. */
export type Slice = (ctx: Ctx, tx: Tx, job: JobRow) => Promise<SliceResult>;

async function runSlice(ctx: Ctx, id: string, slice: Slice): Promise<boolean> {
  return transaction(ctx.db, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job || isFinished(job.status)) return true;
    const result = await slice({ ...ctx, db: tx, now: new Date() }, tx, job);
    const complete = result.position === undefined;
    const now = new Date();
    await updateJob(tx, id, {
      status: complete ? 'completed' : 'running',
      position: result.position ?? job.position,
      done: job.done + result.done,
      outcomes: addOutcomes(job.outcomes, result.outcomes),
      ...(result.total !== undefined && { total: result.total }),
      startedAt: job.startedAt ?? now,
      aliveAt: now,
      ...(complete && { finishedAt: now }),
    });
    if (complete) await tell(ctx, tx, { kind: 'job.finished', customerId: null, subjectId: id, data: { kind: job.kind } });
    return complete;
  });
}

/**
 * Runs slices until the job is complete or `signal` asks to stop. Whatever was committed stays; the next delivery
 * goes on from there. A refusal ends the job as failed; other errors are thrown for the queue to try again.
 */
export async function runJob(ctx: Ctx, id: string, slice: Slice, signal: AbortSignal): Promise<'ended' | 'paused'> {
  try {
    while (!signal.aborted) {
      if (await runSlice(ctx, id, slice)) return 'ended';
    }
    return 'paused';
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    await failJob(ctx, id, error.code, error.message);
    return 'ended';
  }
}

/** Ends a job as failed, unless it has ended already. */
export async function failJob(ctx: Ctx, id: string, code: string, detail: string): Promise<void> {
  await transaction(ctx.db, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job || isFinished(job.status)) return;
    const now = new Date();
    await updateJob(tx, id, { status: 'failed', error: { code, detail }, finishedAt: now, aliveAt: now });
    await tell(ctx, tx, { kind: 'job.finished', customerId: null, subjectId: id, data: { kind: job.kind, error: code } });
  });
}

/**
 * Stops a job after its current slice; what was done stays done.
 * @throws Problem NOT_FOUND, JOB_FINISHED
 */
export async function cancelJob(ctx: Ctx, id: string): Promise<JobRow> {
  return transaction(ctx.db, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job) throw new Problem('NOT_FOUND', { resource: 'job' });
    if (isFinished(job.status)) throw new Problem('JOB_FINISHED', { status: job.status });
    await updateJob(tx, id, { status: 'cancelled', finishedAt: ctx.now });
    return (await findJob(tx, id)) as JobRow;
  });
}
