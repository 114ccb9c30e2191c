// Tags: on one customer (T1–T3, T5), and store-wide: create, rename, merge, delete (T4).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { touchCustomers } from '../db/customers.ts';
import {
  type CustomerTag,
  copyTag,
  countTagged,
  deleteCustomerTags,
  deleteTag as deleteRow,
  ensureTags,
  findTagByKey,
  holdTag,
  insertCustomerTags,
  insertTag,
  listTagsOf,
  lockTag,
  lockTagged,
  type TagRow,
  type TagSummary,
  untagCustomers,
  updateTag,
} from '../db/tags.ts';
import { parseTags, planTags, readTagName, type TagChange, tagKey } from '../domain/tags.ts';
import { accepted, Problem } from '../errors.ts';
import { lockPresent, sourceOf } from './customers.ts';
import { type Job, type Slice, startJob, toJob } from './jobs.ts';
import { emptyLabel, type LabelTables, NOTHING_DONE, touchCarriers } from './label-changes.ts';
import { renameInSegments } from './segment-references.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** T1: an array, a comma-separated string, or both. */
export interface TagsInput {
  tags?: readonly string[];
  text?: string;
}

/** T3: what a change did, and the version of the customer afterwards. */
export interface TagsChanged {
  added: string[];
  removed: string[];
  unchanged: string[];
  version: number;
}

const namesIn = ({ tags = [], text = '' }: TagsInput): string[] => accepted(parseTags([...tags, text]));

/** Tags by key, added to the store where they are new, and held; the first spelling stays (T2). */
async function ensureNamed(ctx: Ctx, tx: Tx, names: readonly string[]): Promise<Map<string, TagRow>> {
  const wanted = names.map((name) => ({ id: ctx.newId(), name, nameKey: tagKey(name), createdAt: ctx.now }));
  return new Map((await ensureTags(tx, wanted)).map((tag) => [tag.nameKey, tag]));
}

type Change = { tx: Tx; customerId: string; source: string };

async function assign(ctx: Ctx, { tx, customerId, source }: Change, tags: readonly TagRow[]): Promise<void> {
  if (tags.length === 0) return;
  await insertCustomerTags(tx, { customerId, tagIds: tags.map((tag) => tag.id), source, now: ctx.now });
  await tell(ctx, tx, { kind: 'tag.added', customerId, data: { tags: tags.map((tag) => tag.name), source } });
}

async function unassign(
  ctx: Ctx,
  { tx, customerId, source }: Change,
  tags: readonly CustomerTag[],
): Promise<void> {
  if (tags.length === 0) return;
  await deleteCustomerTags(tx, { customerId, tagIds: tags.map((tag) => tag.id) });
  await tell(ctx, tx, {
    kind: 'tag.removed',
    customerId,
    data: { tags: tags.map((tag) => tag.name), source },
  });
}

/** First the tags, then the customer, as everywhere: two changes then never wait for each other crosswise. */
function changeTags(
  ctx: Ctx,
  customerId: string,
  readChange: () => TagChange,
  ifMatch: number | undefined,
): Promise<TagsChanged> {
  return write(ctx, async (tx) => {
    const wanted = readChange();
    const named = await ensureNamed(ctx, tx, wanted.set ?? wanted.add ?? []);
    const row = await lockPresent(tx, customerId, ifMatch);
    const current = await listTagsOf(tx, customerId);
    const plan = accepted(
      planTags(
        current.map((tag) => tag.name),
        wanted,
      ),
    );
    if (plan.added.length + plan.removed.length === 0) return { ...plan, version: row.version };
    const change = { tx, customerId, source: sourceOf(ctx) };
    const added = plan.added.flatMap((name) => named.get(tagKey(name)) ?? []);
    await assign(ctx, change, added);
    await unassign(
      ctx,
      change,
      current.filter((tag) => plan.removed.includes(tag.name)),
    );
    await touchCustomers(tx, { ids: [customerId], now: ctx.now });
    return { ...plan, added: added.map((tag) => tag.name), version: row.version + 1 };
  });
}

/**
 * Makes these the tags of the customer; none clears them.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, VERSION_MISMATCH, TAG_INVALID, TOO_MANY_TAGS
 */
export const setCustomerTags = (ctx: Ctx, customerId: string, input: TagsInput, ifMatch?: number) =>
  changeTags(ctx, customerId, () => ({ set: namesIn(input) }), ifMatch);

/**
 * Adds tags to those the customer has; a new tag is added to the store.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, VERSION_MISMATCH, TAG_INVALID, TOO_MANY_TAGS
 */
export const addCustomerTags = (ctx: Ctx, customerId: string, input: TagsInput, ifMatch?: number) =>
  changeTags(ctx, customerId, () => ({ add: namesIn(input) }), ifMatch);

/**
 * Takes tags from the customer; the store keeps them.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, VERSION_MISMATCH, TAG_INVALID
 */
export const removeCustomerTags = (ctx: Ctx, customerId: string, input: TagsInput, ifMatch?: number) =>
  changeTags(ctx, customerId, () => ({ remove: namesIn(input) }), ifMatch);

async function refuseTaken(tx: Tx, nameKey: string, ownId?: string): Promise<void> {
  const other = await findTagByKey(tx, nameKey);
  if (other && other.id !== ownId) throw new Problem('TAG_NAME_TAKEN', { tagId: other.id });
}

/**
 * Adds a tag that nobody carries yet.
 * @throws Problem TAG_INVALID, TAG_NAME_TAKEN
 */
export function createTag(ctx: Ctx, input: { name: string }): Promise<TagSummary> {
  return write(ctx, async (tx) => {
    const { name } = accepted(readTagName(input.name));
    const tag = { id: ctx.newId(), name, nameKey: tagKey(name), createdAt: ctx.now };
    await refuseTaken(tx, tag.nameKey);
    await insertTag(tx, tag);
    await tell(ctx, tx, { kind: 'tag.created', customerId: null, subjectId: tag.id, data: { name } });
    return { ...tag, customersCount: 0, lastUsedAt: null };
  });
}

/** The parameters of a job of kind `tag-change`; names as they were when it was asked for. */
type TagChangeJob =
  | { change: 'rename'; tagId: string; from: string; to: string }
  | { change: 'merge'; tagId: string; intoId: string; from: string; to: string }
  | { change: 'delete'; tagId: string; from: string };

async function startTagChange(ctx: Ctx, tx: Tx, params: TagChangeJob): Promise<Job> {
  const total = await countTagged(tx, params.tagId);
  return toJob(await startJob(ctx, tx, { kind: 'tag-change', params, total }), ctx.now);
}

async function lockKnown(tx: Tx, id: string): Promise<TagRow> {
  const tag = await lockTag(tx, id);
  if (!tag) throw new Problem('NOT_FOUND', { resource: 'tag' });
  return tag;
}

/**
 * Renames a tag at once, for every customer who carries it and in saved segments; a job then gives these customers
 * their next version.
 * @throws Problem NOT_FOUND, TAG_INVALID, TAG_NAME_TAKEN, SEGMENT_TOO_LARGE
 */
export function renameTag(ctx: Ctx, id: string, input: { name: string }): Promise<Job> {
  return write(ctx, async (tx) => {
    const tag = await lockKnown(tx, id);
    const { name } = accepted(readTagName(input.name));
    const nameKey = tagKey(name);
    await refuseTaken(tx, nameKey, id);
    await updateTag(tx, id, { name, nameKey });
    await renameInSegments(ctx, tx, 'tags', { from: tag.nameKey, to: name });
    await tell(ctx, tx, {
      kind: 'tag.renamed',
      customerId: null,
      subjectId: id,
      data: { changes: { name: [tag.name, name] } },
    });
    return startTagChange(ctx, tx, { change: 'rename', tagId: id, from: tag.name, to: name });
  });
}

/**
 * Starts a job that gives everybody who carries the tag the tag `intoId` instead, and then deletes the tag. Saved
 * segments ask for the other tag at once.
 * @throws Problem NOT_FOUND, TAG_MERGED_WITH_ITSELF, REFERENCE_UNKNOWN, SEGMENT_TOO_LARGE
 */
export function mergeTags(ctx: Ctx, id: string, input: { intoId: string }): Promise<Job> {
  return write(ctx, async (tx) => {
    if (input.intoId === id) throw new Problem('TAG_MERGED_WITH_ITSELF');
    const tag = await holdTag(tx, id);
    if (!tag) throw new Problem('NOT_FOUND', { resource: 'tag' });
    const into = await holdTag(tx, input.intoId);
    if (!into) throw new Problem('REFERENCE_UNKNOWN', { reference: '/intoId' });
    await renameInSegments(ctx, tx, 'tags', { from: tag.nameKey, to: into.name });
    return startTagChange(ctx, tx, {
      change: 'merge',
      tagId: id,
      intoId: into.id,
      from: tag.name,
      to: into.name,
    });
  });
}

/**
 * Starts a job that takes the tag from everybody and then deletes it.
 * @throws Problem NOT_FOUND
 */
export function deleteTag(ctx: Ctx, id: string): Promise<Job> {
  return write(ctx, async (tx) => {
    const tag = await holdTag(tx, id);
    if (!tag) throw new Problem('NOT_FOUND', { resource: 'tag' });
    return startTagChange(ctx, tx, { change: 'delete', tagId: id, from: tag.name });
  });
}

/** Deleting the row is the end of merge and delete, so the store hears of it there. */
const tablesFor = (ctx: Ctx, name: string): LabelTables => ({
  lockCarriers: lockTagged,
  lockLabel: lockTag,
  countCarriers: countTagged,
  deleteLabel: async (tx, id) => {
    await deleteRow(tx, id);
    await tell(ctx, tx, { kind: 'tag.deleted', customerId: null, subjectId: id, data: { name } });
  },
});

async function moveCarriers(tx: Tx, tagId: string, intoId: string, customerIds: string[]): Promise<void> {
  await copyTag(tx, { tagId, intoId, customerIds });
  await untagCustomers(tx, { tagId, customerIds });
}

/** The next customers of a rename, merge or delete of a tag; the last slice of a merge or delete deletes the tag. */
export const tagChangeSlice: Slice = async (ctx, tx, job) => {
  const params = job.params as TagChangeJob;
  const { tagId, from } = params;
  const tables = { ...tablesFor(ctx, from), id: tagId };
  switch (params.change) {
    case 'rename':
      if (from === params.to) return NOTHING_DONE;
      return touchCarriers(ctx, tx, job, {
        ...tables,
        told: { kind: 'tag.renamed', subjectId: tagId, data: { changes: { name: [from, params.to] } } },
      });
    case 'merge':
      // Gone since the request: the job ends as failed, and whoever was not reached keeps the tag.
      if (!(await holdTag(tx, params.intoId)))
        throw new Problem('REFERENCE_UNKNOWN', { reference: '/intoId' });
      return emptyLabel(ctx, tx, {
        ...tables,
        told: { kind: 'tag.merged', subjectId: params.intoId, data: { from, into: params.to } },
        unassign: (customerIds) => moveCarriers(tx, tagId, params.intoId, customerIds),
      });
    case 'delete':
      return emptyLabel(ctx, tx, {
        ...tables,
        told: { kind: 'tag.removed', subjectId: tagId, data: { tags: [from], source: `job:${job.id}` } },
        unassign: (customerIds) => untagCustomers(tx, { tagId, customerIds }),
      });
  }
};
