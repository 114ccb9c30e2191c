// Jobs: the row is the truth, the queue only delivers its id. Uploads and per-row outcomes belong to their job.
import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { BulkChange } from '../../domain/bulk.ts';
import type { ProblemLevel } from '../../domain/imports/levels.ts';
import type { JobStatus } from '../../domain/jobs.ts';
import { bytes, id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

export const jobs = pgTable(
  'jobs',
  {
    storeId: storeId(),
    id: id(),
    kind: keyText('kind').notNull(),
    status: keyText('status').$type<JobStatus>().notNull(),
    /** What was asked for; never personal data beyond ids. */
    params: jsonb('params').$type<Record<string, unknown>>().notNull(),
    /** Where the next slice begins; written in the slice's own transaction. */
    position: jsonb('position').$type<Record<string, unknown>>().notNull(),
    total: integer('total'),
    done: integer('done').notNull(),
    /** Counts by outcome. */
    outcomes: jsonb('outcomes').$type<Record<string, number>>().notNull(),
    error: jsonb('error').$type<{ code: string; detail: string } | null>(),
    dryRun: boolean('dry_run').notNull(),
    /** The job that this one undoes. */
    undoOf: uuid('undo_of'),
    actor: keyText('actor').notNull(),
    requestId: keyText('request_id'),
    /** Deliveries that failed since the last slice that succeeded. */
    attempts: integer('attempts').notNull(),
    createdAt: instant('created_at').notNull(),
    startedAt: instant('started_at'),
    /** Touched by each slice; a running job that was not touched for long is delivered again. */
    aliveAt: instant('alive_at').notNull(),
    finishedAt: instant('finished_at'),
  },
  (table) => [
    primaryKey({ name: 'jobs_pk', columns: [table.storeId, table.id] }),
    foreignKey({ name: 'jobs_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
    index('jobs_by_status').on(table.storeId, table.status, table.id),
    index('jobs_by_undo').on(table.storeId, table.undoOf).where(sql`undo_of is not null`),
    index('jobs_open').on(table.aliveAt).where(sql`status in ('queued', 'running')`),
  ],
);

/** One customer of a bulk job; `outcome` is null until its slice ran. */
export const jobItems = pgTable(
  'job_items',
  {
    storeId: storeId(),
    jobId: uuid('job_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    outcome: keyText('outcome'),
    /** What this item really changed: an undo takes back no more. */
    changed: jsonb('changed').$type<BulkChange | null>(),
  },
  (table) => [
    primaryKey({ name: 'job_items_pk', columns: [table.storeId, table.jobId, table.customerId] }),
    foreignKey({
      name: 'job_items_job_fk',
      columns: [table.storeId, table.jobId],
      foreignColumns: [jobs.storeId, jobs.id],
    }).onDelete('cascade'),
  ],
);

/** The bytes of an uploaded file, in order; kept in the database so that any worker can read them. */
export const uploadChunks = pgTable(
  'upload_chunks',
  {
    storeId: storeId(),
    jobId: uuid('job_id').notNull(),
    sequence: integer('sequence').notNull(),
    content: bytes('content').notNull(),
  },
  (table) => [
    primaryKey({ name: 'upload_chunks_pk', columns: [table.storeId, table.jobId, table.sequence] }),
    foreignKey({
      name: 'upload_chunks_job_fk',
      columns: [table.storeId, table.jobId],
      foreignColumns: [jobs.storeId, jobs.id],
    }).onDelete('cascade'),
  ],
);

/** A row of an import that was not taken, with what to mend. */
export const importProblems = pgTable(
  'import_problems',
  {
    storeId: storeId(),
    jobId: uuid('job_id').notNull(),
    line: integer('line').notNull(),
    sequence: integer('sequence').notNull(),
    column: text('column'),
    /** `error`: the row was not taken; `skipped`: on purpose; `warning`: it was taken, but not as it stands. */
    level: keyText('level').$type<ProblemLevel>().notNull(),
    code: keyText('code').notNull(),
    message: text('message').notNull(),
    /** The cells as they were sent, so that the error file can be fixed and sent again. */
    cells: text('cells').array(),
  },
  (table) => [
    primaryKey({
      name: 'import_problems_pk',
      columns: [table.storeId, table.jobId, table.line, table.sequence],
    }),
    foreignKey({
      name: 'import_problems_job_fk',
      columns: [table.storeId, table.jobId],
      foreignColumns: [jobs.storeId, jobs.id],
    }).onDelete('cascade'),
  ],
);
