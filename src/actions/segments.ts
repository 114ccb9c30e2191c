// Saved segments: create, change, delete. One writer of a store's segments at a time, so that what was checked holds.
import type { Ctx } from '../context.ts';
import { listCampaignsNaming } from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import {
  deleteSegment as deleteRow,
  insertRevisions,
  insertSegments,
  listSegmentQueries,
  lockSegments,
  type NewSegment,
  type SegmentQuery,
  type SegmentRow,
  updateSegment as updateRow,
} from '../db/segments/rows.ts';
import type { Store } from '../db/stores.ts';
import { changedFields } from '../domain/customers.ts';
import { attributesOf, segmentsIn } from '../domain/segments/ast.ts';
import { type QueryJson, toJson } from '../domain/segments/json.ts';
import { printQuery } from '../domain/segments/print.ts';
import {
  checkUnused,
  MAX_SEGMENTS,
  presetSegments,
  reachedFrom,
  readSegmentName,
  type SegmentUse,
  slugFor,
  useBy,
} from '../domain/segments/segments.ts';
import { accepted, Problem } from '../errors.ts';
import {
  type Asked,
  askedAgain,
  bindAsked,
  loadNames,
  openQueries,
  type QueryEnv,
  type QueryInput,
  readQuery,
  readSegment,
  savedQuery,
} from './segment-queries.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** A query in the shape of the contract: both forms, and what it asks for. */
export interface ShownQuery {
  query: string;
  json: QueryJson;
  attributes: string[];
}

export type Segment = Omit<SegmentRow, 'storeId' | 'query'> & ShownQuery;

/** A row with its query in both forms. */
export function withForms<Row extends { query: string }>(row: Row): Row & ShownQuery {
  const query = savedQuery(row.query);
  return { ...row, json: toJson(query), attributes: attributesOf(query) };
}

/** What is left out on creation has a default; in a merge-patch it stays. */
export interface SegmentInput extends QueryInput {
  name?: string;
  slug?: string;
  description?: string | null;
}

function nameOf(input: string): string {
  const name = readSegmentName(input);
  if (name !== undefined) return name;
  const errors = [{ pointer: '/name', message: 'A name has 1 to 255 visible characters.' }];
  throw new Problem('SEGMENT_INVALID', { errors });
}

function refuseTaken(slug: string, others: readonly SegmentQuery[]): void {
  const other = others.find((one) => one.slug === slug);
  if (other) throw new Problem('SEGMENT_SLUG_TAKEN', { segmentId: other.id });
}

/**
 * Checks the query of a segment with this slug against the others as they are, and those that lead to it against the
 * query as it would be.
 * @throws Problem with the code of the first fault, `usedBy` where it is in a segment that refers to this one
 */
async function checkQuery(
  tx: Tx,
  bare: QueryEnv,
  { asked, slug }: { asked: Asked; slug: string },
  others: readonly SegmentQuery[],
): Promise<void> {
  const names = await loadNames(tx, others);
  const segments = new Map(names.segments).set(slug, asked.query);
  const env = { ...bare, groups: names.groups, segments };
  bindAsked(asked, env);
  for (const { query, ...other } of others) {
    if (!reachedFrom(savedQuery(query), segments).has(slug)) continue;
    try {
      bindAsked(askedAgain(query), env);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new Problem(error.code, { ...error.facts, usedBy: [useBy(other)] });
    }
  }
}

/** What names the segment and so keeps it; areas that refer to segments add their reads here. */
async function listSegmentUses(tx: Tx, { slug }: SegmentRow): Promise<SegmentUse[]> {
  const rows = await listSegmentQueries(tx);
  return rows.filter(({ query }) => segmentsIn(savedQuery(query)).includes(slug)).map(useBy);
}

/**
 * Saves a query under a name. Without a slug one is made from the name.
 * @throws Problem SEGMENT_INVALID, SEGMENT_SLUG_TAKEN, SEGMENTS_LIMIT, VALIDATION_FAILED and every code of a query
 */
export function createSegment(ctx: Ctx, input: SegmentInput & { name: string }): Promise<Segment> {
  return write(ctx, async (tx) => {
    await lockSegments(tx);
    const others = await listSegmentQueries(tx);
    if (others.length >= MAX_SEGMENTS) throw new Problem('SEGMENTS_LIMIT');
    const name = nameOf(input.name);
    const slug = input.slug ?? slugFor(name, new Set(others.map((other) => other.slug)));
    refuseTaken(slug, others);
    const env = await openQueries(ctx, ctx.now, tx);
    const asked = readQuery(input, env.catalogue);
    await checkQuery(tx, env, { asked, slug }, others);
    const row: NewSegment = {
      ...firstVersion(ctx),
      slug,
      name,
      description: input.description ?? null,
      query: printQuery(asked.query),
    };
    await insertSegments(tx, [row], ctx.actor);
    await tell(ctx, tx, {
      kind: 'segment.created',
      customerId: null,
      subjectId: row.id,
      data: { slug, name },
    });
    return withForms(row);
  });
}

const firstVersion = (ctx: Ctx) => ({
  id: ctx.newId(),
  revision: 1,
  version: 1,
  createdAt: ctx.now,
  updatedAt: ctx.now,
});

/** Adds the segments that a new store has. */
export async function addPresetSegments(ctx: Ctx, tx: Tx, store: Store): Promise<void> {
  const { currency, locale, settings } = store;
  const presets = presetSegments({ currency, locale, defaultCountry: settings.defaultCountry });
  await insertSegments(
    tx,
    presets.map((preset) => ({ ...firstVersion(ctx), ...preset })),
    ctx.actor,
  );
}

/** The segment and all others, under the lock and held against If-Match. */
async function lockKnown(
  tx: Tx,
  id: string,
  ifMatch: number | undefined,
): Promise<{ row: SegmentRow; others: SegmentQuery[] }> {
  await lockSegments(tx);
  const row = await readSegment(tx, id);
  if (ifMatch !== undefined && ifMatch !== row.version)
    throw new Problem('VERSION_MISMATCH', { version: row.version });
  const all = await listSegmentQueries(tx);
  return { row, others: all.filter((other) => other.id !== id) };
}

/** The canonical text of the query that a patch gives the segment; the one it has when it gives none. */
async function nextQuery(
  ctx: Ctx,
  tx: Tx,
  input: SegmentInput,
  { row, slug, others }: { row: SegmentRow; slug: string; others: readonly SegmentQuery[] },
): Promise<string> {
  if (input.query === undefined && input.json === undefined) return row.query;
  const env = await openQueries(ctx, ctx.now, tx);
  const asked = readQuery(input, env.catalogue);
  const query = printQuery(asked.query);
  if (query !== row.query) await checkQuery(tx, env, { asked, slug }, others);
  return query;
}

const CHANGEABLE = ['slug', 'name', 'description', 'revision'] as const;

/**
 * Merge-patch of a segment. Another query is a new revision; the earlier ones stay readable.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, SEGMENT_INVALID, SEGMENT_SLUG_TAKEN, SEGMENT_IN_USE, VALIDATION_FAILED
 *   and every code of a query
 */
export function updateSegment(ctx: Ctx, id: string, input: SegmentInput, ifMatch?: number): Promise<Segment> {
  return write(ctx, async (tx) => {
    const { row, others } = await lockKnown(tx, id, ifMatch);
    const { slug = row.slug } = input;
    if (slug !== row.slug) {
      refuseTaken(slug, others);
      accepted(checkUnused(await listSegmentUses(tx, row)));
    }
    const query = await nextQuery(ctx, tx, input, { row, slug, others });
    const after: SegmentRow = {
      ...row,
      slug,
      name: input.name === undefined ? row.name : nameOf(input.name),
      description: input.description === undefined ? row.description : input.description,
      query,
      revision: row.revision + (query === row.query ? 0 : 1),
    };
    return saveChanges(ctx, tx, row, after);
  });
}

async function saveChanges(ctx: Ctx, tx: Tx, before: SegmentRow, after: SegmentRow): Promise<Segment> {
  const changes = changedFields(before, after, CHANGEABLE);
  if (Object.keys(changes).length === 0) return withForms(before);
  const { id } = before;
  const { storeId: _, ...row } = { ...after, version: before.version + 1, updatedAt: ctx.now };
  await updateRow(tx, id, row);
  if (row.revision !== before.revision) await insertRevisions(tx, [row], ctx.actor);
  await tell(ctx, tx, { kind: 'segment.updated', customerId: null, subjectId: id, data: { changes } });
  return withForms(row);
}

/**
 * Deletes a segment with its revisions, unless something names it.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, SEGMENT_IN_USE
 */
export function deleteSegment(ctx: Ctx, id: string, ifMatch?: number): Promise<void> {
  return write(ctx, async (tx) => {
    const { row } = await lockKnown(tx, id, ifMatch);
    const campaigns = await listCampaignsNaming(tx, { member: 'segmentIds', id });
    const uses = campaigns.map((campaign): SegmentUse => ({ kind: 'campaign', ...campaign }));
    accepted(checkUnused([...(await listSegmentUses(tx, row)), ...uses]));
    await deleteRow(tx, id);
    const data = { slug: row.slug, name: row.name };
    await tell(ctx, tx, { kind: 'segment.deleted', customerId: null, subjectId: id, data });
  });
}
