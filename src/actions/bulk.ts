// Bulk actions: start one, look at it, undo it. The work itself is in bulk-slices.ts.
import type { Ctx } from '../context.ts';
import { insertJobItems, insertSelectedItems } from '../db/bulk.ts';
import type { Tx } from '../db/connection.ts';
import { findGroups } from '../db/groups.ts';
import { findUndoOf, type JobRow, lockJob, updateJob } from '../db/jobs.ts';
import { findAgent } from '../db/sales-agents.ts';
import { findSegment } from '../db/segments/rows.ts';
import {
  type BulkAction,
  type BulkRequest,
  checkBulkRequest,
  INVERSE_ACTIONS,
  isTopicAction,
} from '../domain/bulk.ts';
import { isFinished } from '../domain/jobs.ts';
import { parseTags, planTags } from '../domain/tags.ts';
import { accepted, Problem } from '../errors.ts';
import { type KeptConsent, keepConsent } from './bulk-consents.ts';
import { storeOf } from './customers.ts';
import { startJob, toJob } from './jobs.ts';
import { type KeptFilter, keepFilter, selectKept } from './segment-queries.ts';
import { write } from './write.ts';

/** What a bulk job does, as kept in its row. */
export interface BulkParams {
  action: BulkAction;
  /** By name: a tag that is deleted meanwhile is made again, as if the rest had been asked for later. */
  tags?: string[];
  groupId?: string;
  salesAgentId?: string | null;
  consent?: KeptConsent;
}

/** Whom a job is about, beyond named ids, as kept in its row: every slice of it means the same customers. */
type KeptSelection = KeptFilter | { undoOf: string };

/** A selection that is being written down, up to the customer `after`. */
export interface Selecting {
  selection: KeptSelection;
  after?: string;
  count: number;
}

/** Where a bulk job stands: first it writes down who is meant, then it works through them in id order. */
export interface BulkPosition {
  selecting?: Selecting;
  after?: string;
}

/** Customers that one statement selects: 0.1 s. A larger selection goes on in the first slices of the job. */
const SELECTED_AT_ONCE = 10_000;

/** Writes down the next customers of a selection; `complete` when these were the last. */
export async function selectNext(
  ctx: Ctx,
  tx: Tx,
  jobId: string,
  { selection, after, count }: Selecting,
): Promise<{ complete: boolean; selecting: Selecting }> {
  const meant = 'undoOf' in selection ? selection : { filter: await selectKept(ctx, tx, selection) };
  const picked = await insertSelectedItems(tx, jobId, meant, { after, limit: SELECTED_AT_ONCE });
  const last = picked.last ?? after;
  return {
    complete: picked.count < SELECTED_AT_ONCE,
    selecting: { selection, count: count + picked.count, ...(last !== undefined && { after: last }) },
  };
}

/** What the job was asked for; only startBulkJob and undoBulkJob write it. */
export const paramsOf = ({ params }: { params: object }): BulkParams => params as BulkParams;

/** The job in the shape of the contract. */
export function toBulkJob(job: JobRow, now: Date) {
  const { action, tags, groupId, salesAgentId, consent } = paramsOf(job);
  return {
    ...toJob(job, now),
    action,
    ...(tags && { tags }),
    ...(groupId && { groupId }),
    ...(salesAgentId !== undefined && { salesAgentId }),
    ...(consent && { consent }),
    itemsUrl: `/v1/jobs/${job.id}/items`,
    eventsUrl: `/v1/bulk-jobs/${job.id}/events`,
  };
}

export type BulkJob = ReturnType<typeof toBulkJob>;

/** Queues the job and writes down the first customers; a small selection is complete with that, and exact. */
async function startSelected(
  ctx: Ctx,
  tx: Tx,
  params: BulkParams,
  { selection, dryRun = false }: { selection: KeptSelection; dryRun?: boolean | undefined },
): Promise<BulkJob> {
  const undoOf = 'undoOf' in selection ? selection.undoOf : null;
  const job = await startJob(ctx, tx, { kind: 'bulk', params: { ...params }, dryRun, undoOf });
  const { complete, selecting } = await selectNext(ctx, tx, job.id, { selection, count: 0 });
  const progress = complete ? { total: selecting.count } : { position: { selecting } };
  await updateJob(tx, job.id, progress);
  return toBulkJob({ ...job, ...progress }, ctx.now);
}

async function startNamed(
  ctx: Ctx,
  tx: Tx,
  params: BulkParams,
  ids: readonly string[],
  dryRun = false,
): Promise<BulkJob> {
  const wanted = [...new Set(ids.map((id) => id.toLowerCase()))];
  const job = await startJob(ctx, tx, { kind: 'bulk', params: { ...params }, dryRun, total: wanted.length });
  await insertJobItems(tx, job.id, wanted);
  return toBulkJob(job, ctx.now);
}

function readTags(action: BulkAction, input: readonly string[]): string[] {
  const tags = accepted(parseTags(input));
  if (tags.length === 0) {
    const errors = [{ pointer: '/tags', code: 'REQUIRED', message: 'Name at least one tag.' }];
    throw new Problem('BULK_ACTION_INVALID', { errors });
  }
  if (action === 'addTags') accepted(planTags([], { add: tags }));
  return tags;
}

async function refuseInvitations(ctx: Ctx, tx: Tx): Promise<void> {
  const { settings } = await storeOf({ ...ctx, db: tx });
  if (settings.accounts === 'none') throw new Problem('ACCOUNTS_NOT_OFFERED');
}

async function refuseUnknown(tx: Tx, { groupId, salesAgentId }: BulkParams): Promise<void> {
  const unknown =
    (groupId && (await findGroups(tx, [groupId])).length === 0 && '/groupId') ||
    (salesAgentId && !(await findAgent(tx, salesAgentId)) && '/salesAgentId');
  if (unknown) throw new Problem('REFERENCE_UNKNOWN', { reference: unknown });
}

/** Whom the request means. A segment is its query from here on: changing it later does not change the job. */
async function selectionOf(ctx: Ctx, tx: Tx, { filter = {}, segmentId }: BulkRequest): Promise<KeptFilter> {
  if (segmentId === undefined) return keepFilter(ctx, tx, filter, { in: 'body', pointer: '/filter/filter' });
  const segment = await findSegment(tx, segmentId);
  if (!segment) throw new Problem('REFERENCE_UNKNOWN', { reference: '/segmentId' });
  return keepFilter(ctx, tx, { filter: segment.query }, { in: 'body', pointer: '/segmentId' });
}

/**
 * Starts an action on many customers. Named ids that are no customers become refused items, so one never stops the rest.
 * @throws Problem SELECTION_INVALID, BULK_ACTION_INVALID, TAG_INVALID, TOO_MANY_TAGS, REFERENCE_UNKNOWN,
 *   ACCOUNTS_NOT_OFFERED, TOPIC_UNKNOWN, TOPIC_ARCHIVED, WORDING_UNKNOWN, and every code of a query in the filter
 */
export function startBulkJob(ctx: Ctx, request: BulkRequest): Promise<BulkJob> {
  return write(ctx, async (tx) => {
    accepted(checkBulkRequest(request));
    const { action, tags, groupId, salesAgentId, consent, ids, dryRun } = request;
    const params: BulkParams = {
      action,
      ...(tags && { tags: readTags(action, tags) }),
      ...(groupId !== undefined && { groupId }),
      ...(salesAgentId !== undefined && { salesAgentId }),
      ...(consent && isTopicAction(action) && { consent: await keepConsent(ctx, tx, action, consent) }),
    };
    await refuseUnknown(tx, params);
    if (action === 'invite') await refuseInvitations(ctx, tx);
    if (ids) return startNamed(ctx, tx, params, ids, dryRun);
    return startSelected(ctx, tx, params, { selection: await selectionOf(ctx, tx, request), dryRun });
  });
}

/** The action that undoes a job, or why there is none. */
function inverseOf(job: JobRow): BulkAction {
  const inverse = job.kind === 'bulk' ? INVERSE_ACTIONS[paramsOf(job).action] : undefined;
  if (!inverse) throw new Problem('JOB_NOT_UNDOABLE', { reason: 'action' });
  if (job.dryRun) throw new Problem('JOB_NOT_UNDOABLE', { reason: 'dry_run' });
  if (!isFinished(job.status)) throw new Problem('JOB_NOT_UNDOABLE', { reason: 'not_finished' });
  return inverse;
}

/**
 * Takes back what a tag, group or invitation job really changed, as a job of its own. What others changed since then
 * stays: a tag that was removed and given again by hand is no longer the job's, nor is an invitation that was replaced.
 * An undo that failed or was cancelled may be repeated.
 * @throws Problem NOT_FOUND, JOB_NOT_UNDOABLE
 */
export function undoBulkJob(ctx: Ctx, id: string): Promise<BulkJob> {
  return write(ctx, async (tx) => {
    const job = await lockJob(tx, id);
    if (!job) throw new Problem('NOT_FOUND', { resource: 'job' });
    const action = inverseOf(job);
    const undoneById = await findUndoOf(tx, id);
    if (undoneById) throw new Problem('JOB_NOT_UNDOABLE', { reason: 'undone', undoneById });
    return startSelected(ctx, tx, { ...paramsOf(job), action }, { selection: { undoOf: id } });
  });
}
