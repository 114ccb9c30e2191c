// From a delivered id to the action that does the work; handlers are one line each.
import type pg from 'pg';
import { failJob, runJob, type Slice } from '../actions/jobs.ts';
import { type Log, systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import type { JobKind } from '../domain/jobs.ts';
import type { Handler } from './queue.ts';

/** The slice of each kind that has one. */
export type Slices = Partial<Record<JobKind, Slice>>;

/** Queue handlers of all kinds. The last failed attempt ends the row as failed, so that no job stays open for ever. */
export function handlersOf(pool: pg.Pool, slices: Slices, log: Log): Record<string, Handler> {
  const handlers: Record<string, Handler> = {};
  for (const [kind, slice] of Object.entries(slices)) {
    handlers[kind] = async ({ storeId, jobId }, attempt) => {
      const ctx = systemContext(dbOf(pool, storeId), log, `job:${jobId}`);
      try {
        // A throw after the signal puts the job back for another worker and costs no attempt.
        if ((await runJob(ctx, jobId, slice, attempt.signal)) === 'paused') throw new Error('the worker stops');
      } catch (error) {
        if (attempt.isLast && !attempt.signal.aborted) await failJob(ctx, jobId, 'INTERNAL', 'The job failed on our side after several attempts.');
        throw error;
      }
    };
  }
  return handlers;
}
