// Jobs: start, cancel, and run in bounded slices that survive a kill at any point.
import { Readable } from 'node:stream';
import { csvLine } from '../clients/csv-writer.ts';
import type { Ctx } from '../context.ts';
import { type Db, sqlStateOf, type Tx, transaction, UNIQUE_VIOLATION } from '../db/connection.ts';
import {
  findJob,
  insertJob,
  type JobItem,
  type JobRow,
  listJobItems,
  lockJob,
  queueAgain,
  updateJob,
} from '../db/jobs.ts';
import {
  addOutcomes,
  estimateEnd,
  isFinished,
  isRetryable,
  type JobKind,
  OUR_TROUBLE,
} from '../domain/jobs.ts';
import { Problem } from '../errors.ts';
import { currentTraceparent } from '../tracing.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

export interface NewJob {
  kind: JobKind;
  params: Record<string, unknown>;
  total?: number | null;
  dryRun?: boolean;
  undoOf?: string | null;
  /** Given where rows were written under it already. */
  id?: string;
  /** `receiving` while its file comes in. */
  status?: 'queued' | 'receiving';
}

/** A job as the API shows it; what it was asked for and where it stands inside is nobody's business. */
export function toJob(job: JobRow, now: Date) {
  const { id, kind, status, total, done, outcomes, error, dryRun, undoOf, actor, requestId } = job;
  const { createdAt, startedAt, finishedAt } = job;
  return {
    id,
    kind,
    status,
    total,
    done,
    outcomes,
    ...(error && { error }),
    dryRun,
    ...(undoOf && { undoOf }),
    createdBy: actor,
    requestId,
    createdAt,
    startedAt,
    finishedAt,
    estimatedEndAt: estimateEnd(job, now),
  };
}

export type Job = ReturnType<typeof toJob>;

/** What a job was asked for, with the trace that asked for it: the job goes on in it, whoever delivers it and however often. */
export function tracedParams<Params extends object>(params: Params): Params & { traceparent?: string } {
  const traceparent = currentTraceparent();
  return traceparent === undefined ? params : { ...params, traceparent };
}

/** Adds a queued job in the transaction of what it belongs to. */
export async function startJob(ctx: Ctx, tx: Tx, job: NewJob): Promise<JobRow> {
  const row: Omit<JobRow, 'storeId'> = {
    id: job.id ?? ctx.newId(),
    kind: job.kind,
    status: job.status ?? 'queued',
    params: tracedParams(job.params),
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

/** Adds a queued job under an id that was agreed on beforehand; false when it is there already. */
export async function startJobOnce(ctx: Ctx, job: NewJob & { id: string }): Promise<boolean> {
  if (await findJob(ctx.db, job.id)) return false;
  try {
    await transaction(ctx.db, (tx) => startJob(ctx, tx, job));
    return true;
  } catch (error) {
    if (sqlStateOf(error) === UNIQUE_VIOLATION) return false;
    throw error;
  }
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
    const sliceCtx = { ...ctx, db: tx, now: new Date() };
    const result = await slice(sliceCtx, tx, job);
    const complete = result.position === undefined;
    const now = new Date();
    await updateJob(tx, id, {
      status: complete ? 'completed' : 'running',
      position: result.position ?? job.position,
      done: job.done + result.done,
      outcomes: addOutcomes(job.outcomes, result.outcomes),
      ...(result.total !== undefined && { total: result.total }),
      startedAt: job.startedAt ?? sliceCtx.now,
      aliveAt: now,
      attempts: 0,
      ...(complete && { finishedAt: now }),
    });
    if (complete)
      await tell(sliceCtx, tx, {
        kind: 'job.finished',
        customerId: null,
        subjectId: id,
        data: { kind: job.kind },
      });
    return complete;
  });
}

/** Work that keeps something open between its slices: a file that is being read. */
export interface OpenedWork {
  /** Prepares the next slice outside of any transaction. */
  next(): Promise<Slice>;
  close(): Promise<void>;
}
export type OpenWork = (ctx: Ctx, job: JobRow) => Promise<OpenedWork>;

/** What does the work of a kind of job: a slice that stands alone, or work that is opened at each delivery. */
export type Work = Slice | { open: OpenWork };

async function openWork(ctx: Ctx, id: string, work: Work): Promise<OpenedWork | undefined> {
  if (typeof work === 'function') return { next: async () => work, close: async () => undefined };
  const job = await findJob(ctx.db, id);
  return job && !isFinished(job.status) ? work.open(ctx, job) : undefined;
}

async function runSlices(
  ctx: Ctx,
  id: string,
  opened: OpenedWork,
  signal: AbortSignal,
): Promise<'ended' | 'paused'> {
  try {
    while (!signal.aborted) {
      if (await runSlice(ctx, id, await opened.next())) return 'ended';
    }
    return 'paused';
  } finally {
    await opened.close();
  }
}

/**
 * Runs slices until the job is complete or `signal` asks to stop. Whatever was committed stays; the next delivery
 * goes on from there. A refusal ends the job as failed; other errors are thrown for the queue to try again.
 */
export async function runJob(
  ctx: Ctx,
  id: string,
  work: Work,
  signal: AbortSignal,
): Promise<'ended' | 'paused'> {
  try {
    const opened = await openWork(ctx, id, work);
    return opened ? await runSlices(ctx, id, opened, signal) : 'ended';
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    await failJob(ctx, id, error.code, error.message);
    return 'ended';
  }
}

/** What a failed delivery means for a job: it ended, or it is worth another delivery. */
export type AfterFailure = 'ended' | 'open';

async function endAsFailed(ctx: Ctx, tx: Tx, job: JobRow, code: string, detail: string): Promise<void> {
  const now = new Date();
  await updateJob(tx, job.id, { status: 'failed', error: { code, detail }, finishedAt: now, aliveAt: now });
  const data = { kind: job.kind, error: code };
  await tell({ ...ctx, now }, tx, { kind: 'job.finished', customerId: null, subjectId: job.id, data });
}

/** Ends a job as failed, unless it has ended already. */
export async function failJob(ctx: Ctx, id: string, code: string, detail: string): Promise<void> {
  await transaction(ctx.db, async (tx) => {
    const job = await lockJob(tx, id);
    if (job && !isFinished(job.status)) await endAsFailed(ctx, tx, job, code, detail);
  });
}

/**
 * Counts a failed delivery. A job ends as failed after `limit` of them in a row; each slice that succeeds starts the
 * count anew, so a long job survives more trouble than a short one.
 */
export async function noteFailure(ctx: Ctx, id: string, limit: number): Promise<AfterFailure> {
  return transaction(ctx.db, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job || isFinished(job.status)) return 'ended';
    const attempts = job.attempts + 1;
    await updateJob(tx, id, { attempts, aliveAt: new Date() });
    if (attempts < limit) return 'open';
    await endAsFailed(ctx, tx, job, OUR_TROUBLE, 'The job failed on our side after several attempts.');
    return 'ended';
  });
}

/**
 * Stops a job after its current slice; what was done stays done.
 * @throws Problem NOT_FOUND, JOB_FINISHED
 */
export function cancelJob(ctx: Ctx, id: string): Promise<Job> {
  return write(ctx, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job) throw new Problem('NOT_FOUND', { resource: 'job' });
    if (isFinished(job.status)) throw new Problem('JOB_FINISHED', { jobStatus: job.status });
    const change = { status: 'cancelled', finishedAt: ctx.now } as const;
    await updateJob(tx, id, change);
    await tell(ctx, tx, {
      kind: 'job.finished',
      customerId: null,
      subjectId: id,
      data: { kind: job.kind, cancelled: true },
    });
    return toJob({ ...job, ...change }, ctx.now);
  });
}

/**
 * Gives a job that failed through trouble of ours another chance: it goes on behind its last slice. One that was refused would
 * be refused again.
 * @throws Problem NOT_FOUND, JOB_NOT_RETRYABLE
 */
export function retryJob(ctx: Ctx, id: string): Promise<Job> {
  return write(ctx, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job) throw new Problem('NOT_FOUND', { resource: 'job' });
    if (!isRetryable(job)) throw new Problem('JOB_NOT_RETRYABLE');
    const change = {
      status: 'queued',
      error: null,
      attempts: 0,
      finishedAt: null,
      aliveAt: ctx.now,
    } as const;
    await queueAgain(tx, { id, kind: job.kind, change });
    await tell(ctx, tx, { kind: 'job.retried', customerId: null, subjectId: id, data: { kind: job.kind } });
    return toJob({ ...job, ...change }, ctx.now);
  });
}

const ITEMS_AT_ONCE = 5_000;

async function* itemLines(db: Db, id: string, outcome: string | undefined) {
  yield csvLine(['customerId', 'outcome']);
  let items: JobItem[];
  let after: string | undefined;
  do {
    items = await listJobItems(db, id, { limit: ITEMS_AT_ONCE, after, outcome });
    after = items.at(-1)?.customerId;
    yield items.map((item) => csvLine([item.customerId, item.outcome ?? 'pending'])).join('');
  } while (items.length === ITEMS_AT_ONCE);
}

/** The items of a job as the lines of a CSV file, read as fast as they are taken. */
export const exportJobItems = (db: Db, id: string, outcome: string | undefined): Readable =>
  Readable.from(itemLines(db, id, outcome), { objectMode: false });
