// Tasks: add, change, finish, remove.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { findAgent } from '../db/sales-agents.ts';
import {
  deleteTask as deleteRow,
  insertTask,
  lockTask,
  type TaskRow,
  updateTask as updateRow,
} from '../db/tasks.ts';
import { changedFields } from '../domain/customers.ts';
import type { EventKind } from '../domain/events.ts';
import { normaliseTask, type TaskInput } from '../domain/tasks.ts';
import { accepted, Problem } from '../errors.ts';
import { lockPresent, storeOf } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** A task as the API shows it. */
export type Task = Omit<TaskRow, 'storeId'> & { done: boolean };

export const taskOf = ({ storeId: _, ...task }: TaskRow): Task => ({ ...task, done: task.doneAt !== null });

interface References {
  assigneeId?: string | null;
  customerId?: string | null;
}

export type CreateTaskInput = TaskInput & References & { title: string; dueAt: string };
export type UpdateTaskInput = TaskInput & References & { done?: boolean };

const TOLD = [
  'title',
  'description',
  'dueAt',
  'dueTimezone',
  'allDay',
  'assigneeId',
  'customerId',
  'doneAt',
] as const;

/** The customer comes first, as in a merge: it moves tasks under its customers' locks. */
async function refuseUnknown(tx: Tx, { customerId, assigneeId }: References): Promise<void> {
  if (customerId) await lockPresent(tx, customerId, undefined).catch(asReference);
  if (assigneeId && !(await findAgent(tx, assigneeId)))
    throw new Problem('REFERENCE_UNKNOWN', { reference: '/assigneeId' });
}

function asReference(error: unknown): never {
  const isMissing = error instanceof Problem && error.code === 'NOT_FOUND';
  throw isMissing ? new Problem('REFERENCE_UNKNOWN', { reference: '/customerId' }) : error;
}

async function lockPresentTask(tx: Tx, id: string, ifMatch: number | undefined): Promise<TaskRow> {
  const row = await lockTask(tx, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'task' });
  if (ifMatch !== undefined && ifMatch !== row.version)
    throw new Problem('VERSION_MISMATCH', { version: row.version });
  return row;
}

/** `createTask` within a transaction that does more. */
export async function addTask(ctx: Ctx, tx: Tx, input: CreateTaskInput): Promise<Task> {
  await refuseUnknown(tx, input);
  const { timezone } = await storeOf({ ...ctx, db: tx });
  const { fields } = accepted(normaliseTask(input, { timezone }));
  const { assigneeId = null, customerId = null } = input;
  const times = { doneAt: null, createdAt: ctx.now, updatedAt: ctx.now };
  const task = { ...fields, id: ctx.newId(), assigneeId, customerId, version: 1, ...times };
  await insertTask(tx, task);
  await tell(ctx, tx, {
    kind: 'task.created',
    customerId,
    subjectId: task.id,
    data: { title: task.title, assigneeId },
  });
  return taskOf({ ...task, storeId: ctx.storeId });
}

/**
 * Adds a task.
 * @throws Problem TASK_INVALID, REFERENCE_UNKNOWN, CUSTOMER_GONE
 */
export const createTask = (ctx: Ctx, input: CreateTaskInput): Promise<Task> =>
  write(ctx, (tx) => addTask(ctx, tx, input));

/** A task that is done twice was done the first time; one that is opened again was not done. */
function doneAtOf(ctx: Ctx, row: TaskRow, done: boolean | undefined): Date | null {
  if (done === undefined) return row.doneAt;
  return done ? (row.doneAt ?? ctx.now) : null;
}

/** A task that changes hands is told to both customers. */
const customersOf = (before: TaskRow, after: TaskRow): (string | null)[] =>
  before.customerId && after.customerId !== before.customerId
    ? [before.customerId, after.customerId]
    : [after.customerId];

/**
 * Merge-patch of a task; `done: true` finishes it.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, TASK_INVALID, REFERENCE_UNKNOWN, CUSTOMER_GONE
 */
export function updateTask(ctx: Ctx, id: string, input: UpdateTaskInput, ifMatch?: number): Promise<Task> {
  return write(ctx, async (tx) => {
    await refuseUnknown(tx, input);
    const row = await lockPresentTask(tx, id, ifMatch);
    const { fields } = accepted(normaliseTask(input, { timezone: row.dueTimezone, current: row }));
    const { assigneeId = row.assigneeId, customerId = row.customerId } = input;
    const after = { ...row, ...fields, assigneeId, customerId, doneAt: doneAtOf(ctx, row, input.done) };
    const changes = changedFields(row, after, TOLD);
    if (Object.keys(changes).length === 0) return taskOf(row);
    const change = {
      ...fields,
      assigneeId,
      customerId,
      doneAt: after.doneAt,
      version: row.version + 1,
      updatedAt: ctx.now,
    };
    await updateRow(tx, id, change);
    const kind: EventKind = row.doneAt === null && after.doneAt !== null ? 'task.done' : 'task.changed';
    await tell(
      ctx,
      tx,
      ...customersOf(row, after).map((customer) => ({
        kind,
        customerId: customer,
        subjectId: id,
        data: { changes },
      })),
    );
    return taskOf({ ...row, ...change });
  });
}

/** `deleteTask` within a transaction that does more. */
export async function removeTask(ctx: Ctx, tx: Tx, id: string, ifMatch?: number): Promise<void> {
  const { customerId, title } = await lockPresentTask(tx, id, ifMatch);
  await deleteRow(tx, id);
  await tell(ctx, tx, { kind: 'task.removed', customerId, subjectId: id, data: { title } });
}

/**
 * Removes a task.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH
 */
export const deleteTask = (ctx: Ctx, id: string, ifMatch?: number): Promise<void> =>
  write(ctx, (tx) => removeTask(ctx, tx, id, ifMatch));
