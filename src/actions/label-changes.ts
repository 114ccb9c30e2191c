// Store-wide changes of a tag or a group, carried to every customer who has it: bounded slices of a job.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { touchCustomers } from '../db/customers.ts';
import type { JobRow } from '../db/jobs.ts';
import type { Carrier } from '../db/labels.ts';
import type { SliceResult } from './jobs.ts';
import { type Happening, tell } from './timeline.ts';

/** Customers that one transaction changes: some 200 ms, so that nobody waits long for one of them. */
const CARRIERS_PER_SLICE = 5_000;

/** A kind of label with what a slice needs of its tables. */
export interface LabelTables {
  /** Locks customers who carry the label, in id order behind `after`. */
  lockCarriers(tx: Tx, labelId: string, limit: number, after?: string): Promise<Carrier[]>;
  /** Locks the label itself; undefined when it is gone. */
  lockLabel(tx: Tx, id: string): Promise<unknown>;
  countCarriers(tx: Tx, id: string): Promise<number>;
  deleteLabel(tx: Tx, id: string): Promise<unknown>;
}

type Told = Pick<Happening, 'kind' | 'subjectId'> & { data: object };

/** A slice that is the last one and had nothing to do. */
export const NOTHING_DONE: SliceResult = { done: 0, outcomes: {} };

/** The next version and one event for each; merged and erased customers have no timeline that anybody reads. */
async function markChanged(ctx: Ctx, tx: Tx, carriers: readonly Carrier[], told: Told): Promise<SliceResult> {
  await touchCustomers(tx, { ids: carriers.map((carrier) => carrier.id), now: ctx.now });
  const present = carriers.filter(
    ({ accountStatus }) => accountStatus !== 'merged' && accountStatus !== 'erased',
  );
  await tell(ctx, tx, ...present.map(({ id }) => ({ ...told, customerId: id })));
  return { done: carriers.length, outcomes: { done: carriers.length } };
}

/** Tells every customer who carries the label that it changed. Who gets it meanwhile gets it as it is now. */
export async function touchCarriers(
  ctx: Ctx,
  tx: Tx,
  job: JobRow,
  label: LabelTables & { id: string; told: Told },
): Promise<SliceResult> {
  const { after } = job.position as { after?: string };
  const carriers = await label.lockCarriers(tx, label.id, CARRIERS_PER_SLICE, after);
  const result = await markChanged(ctx, tx, carriers, label.told);
  const last = carriers.at(-1);
  return last && carriers.length === CARRIERS_PER_SLICE
    ? { ...result, position: { after: last.id } }
    : result;
}

/** Takes the label from the next customers; when nobody carries it any more, it is deleted. */
export async function emptyLabel(
  ctx: Ctx,
  tx: Tx,
  label: LabelTables & { id: string; told: Told; unassign(customerIds: string[]): Promise<unknown> },
): Promise<SliceResult> {
  const carriers = await label.lockCarriers(tx, label.id, CARRIERS_PER_SLICE);
  if (carriers.length === 0) return deleteEmpty(tx, label);
  await label.unassign(carriers.map((carrier) => carrier.id));
  return { ...(await markChanged(ctx, tx, carriers, label.told)), position: {} };
}

/**
 * Who gives the label to a customer holds its row until the commit, so behind the lock the count is the last word.
 * No customer is locked here: waiting for the label while holding customers could close a circle.
 */
async function deleteEmpty(tx: Tx, label: LabelTables & { id: string }): Promise<SliceResult> {
  if (!(await label.lockLabel(tx, label.id))) return NOTHING_DONE;
  if ((await label.countCarriers(tx, label.id)) > 0) return { ...NOTHING_DONE, position: {} };
  await label.deleteLabel(tx, label.id);
  return NOTHING_DONE;
}
