// What saved segments name besides each other: tags, groups and custom fields. Who changes one of these asks here, in
// the transaction of the change.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { listSegmentQueries, lockSegments, rewriteQueries, type SegmentQuery } from '../db/segments/rows.ts';
import type { CustomFieldDeclaration } from '../domain/custom-fields.ts';
import { LIMITS } from '../domain/segments/ast.ts';
import { printQuery } from '../domain/segments/print.ts';
import {
  type LabelTable,
  lostFields,
  namesLabel,
  renameLabel,
  type SegmentUse,
  useBy,
} from '../domain/segments/segments.ts';
import { Problem } from '../errors.ts';
import { savedQuery } from './segment-queries.ts';
import { tell } from './timeline.ts';

/** Saved segments whose queries call the tag or group with this key by name; no other is saved until the commit. */
export async function listLabelUses(tx: Tx, table: LabelTable, key: string): Promise<SegmentUse[]> {
  await lockSegments(tx);
  const rows = await listSegmentQueries(tx);
  return rows.filter(({ query }) => namesLabel(savedQuery(query), table, key)).map(useBy);
}

/** The text under another name; refused where it would be longer than a query may be. */
function rewritten(row: SegmentQuery, table: LabelTable, change: { from: string; to: string }): string {
  const text = printQuery(renameLabel(savedQuery(row.query), table, change));
  if (Buffer.byteLength(text) <= LIMITS.bytes) return text;
  const message = `With this name the query of segment ${row.slug} would be too long.`;
  throw new Problem('SEGMENT_TOO_LARGE', { usedBy: [useBy(row)], errors: [{ pointer: '', message }] });
}

/**
 * Gives saved queries the new name of a tag or group, each as a new revision.
 * @param change from the key of the old name to the new name as it is written
 * @throws Problem SEGMENT_TOO_LARGE when a query would be too long with it
 */
export async function renameInSegments(
  ctx: Ctx,
  tx: Tx,
  table: LabelTable,
  change: { from: string; to: string },
): Promise<void> {
  await lockSegments(tx);
  const rows = await listSegmentQueries(tx);
  const changed = rows.flatMap((row) => {
    const query = rewritten(row, table, change);
    return query === row.query ? [] : [{ id: row.id, query }];
  });
  if (changed.length === 0) return;
  const saved = await rewriteQueries(tx, changed, { actor: ctx.actor, now: ctx.now });
  await tell(
    ctx,
    tx,
    ...saved.map(({ id, revision }) => ({
      kind: 'segment.updated' as const,
      customerId: null,
      subjectId: id,
      data: { changes: { revision: [revision - 1, revision] } },
    })),
  );
}

/**
 * Holds a change of the store's custom fields against the saved segments.
 * @throws Problem CUSTOM_FIELD_IN_USE when one asks for a field or option that would be gone or of another type
 */
export async function refuseLostFields(
  tx: Tx,
  before: readonly CustomFieldDeclaration[],
  after: readonly CustomFieldDeclaration[],
): Promise<void> {
  const rows = await listSegmentQueries(tx);
  const lost = rows.map((row) => ({ row, keys: lostFields(savedQuery(row.query), before, after) }));
  const used = lost.filter(({ keys }) => keys.length > 0);
  if (used.length === 0) return;
  const keys = [...new Set(used.flatMap((one) => one.keys))];
  throw new Problem('CUSTOM_FIELD_IN_USE', { keys, usedBy: used.map(({ row }) => useBy(row)) });
}
