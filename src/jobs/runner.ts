// From a delivered id to the action that does the work; handlers are one line each.
import type pg from 'pg';
import { noteFailure, runJob, type Work } from '../actions/jobs.ts';
import { type Ctx, type Log, systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import { findJob } from '../db/jobs.ts';
import type { JobKind } from '../domain/jobs.ts';
import { inSpan, isTracing } from '../tracing.ts';
import { CATALOGUE } from './catalogue.ts';
import { type Attempt, FinalRefusal, type Handler } from './queue.ts';

/** What does the work of each kind. */
export type Slices = Partial<Record<JobKind, Work>>;

/** An AbortError puts the job back for another worker, at once and without a word in the log. */
const stopped = () => new DOMException('The worker stops', 'AbortError');

/** The row counts failures, not the queue: it knows of the slices that succeeded in between. */
async function deliver(
  ctx: Ctx,
  kind: JobKind,
  jobId: string,
  work: Work,
  { signal }: Attempt,
): Promise<void> {
  try {
    if ((await runJob(ctx, jobId, work, signal)) === 'paused') throw stopped();
  } catch (error) {
    if (signal.aborted) throw error;
    const after = await noteFailure(ctx, jobId, CATALOGUE[kind].attempts);
    throw after === 'ended' ? new FinalRefusal('The job failed', { cause: error }) : error;
  }
}

/** A delivery as a part of the trace that asked for the job; that is looked up only while traces are taken. */
async function traced(ctx: Ctx, kind: JobKind, jobId: string, work: () => Promise<void>): Promise<void> {
  if (!isTracing()) return work();
  const traceparent = (await findJob(ctx.db, jobId))?.params.traceparent;
  const attributes = { 'clientele.job_id': jobId, 'clientele.store_id': ctx.storeId };
  return inSpan(
    `job ${kind}`,
    { kind: 'consumer', attributes, ...(typeof traceparent === 'string' && { traceparent }) },
    work,
  );
}

/** Queue handlers of all kinds; `facts` are those of the installation that the work may ask for. */
export function handlersOf(
  pool: pg.Pool,
  slices: Slices,
  log: Log,
  facts: Pick<Ctx, 'fallbackSender'>,
): Record<string, Handler> {
  const handlerOf =
    (kind: JobKind, work: Work): Handler =>
    ({ storeId, jobId }, attempt) => {
      const ctx = { ...systemContext(dbOf(pool, storeId), log, `job:${jobId}`), ...facts };
      return traced(ctx, kind, jobId, () => deliver(ctx, kind, jobId, work, attempt));
    };
  return Object.fromEntries(
    Object.entries(slices).map(([kind, work]) => [kind, handlerOf(kind as JobKind, work)]),
  );
}
