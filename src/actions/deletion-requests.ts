// A customer's wish to be forgotten: a task for staff, told on the timeline. What became of it follows from both.
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import { findPasswordHash } from '../db/credentials.ts';
import { listTimeline } from '../db/events.ts';
import { findTask } from '../db/tasks.ts';
import type { DeletionStatus } from '../domain/accounts/deletion-requests.ts';
import { daysAfter } from '../domain/days.ts';
import { type Proof, provePassword } from './account-passwords.ts';
import { lockPresent } from './customers.ts';
import { addTask, removeTask } from './tasks.ts';
import type { Throttles } from './throttles.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** GDPR, 12 (3): an answer within a month. */
const DAYS_TO_ANSWER = 30;

export interface DeletionRequest {
  status: DeletionStatus;
  requestedAt?: Date;
  /** When the shop wants to have answered. */
  dueAt?: Date;
}

type Standing = DeletionRequest & { taskId?: string };

/** The latest wish; its task says whether somebody has seen to it. */
async function standingOf(db: Db, customerId: string): Promise<Standing> {
  const [latest] = await listTimeline(db, { customerId, kinds: ['deletion'], after: undefined, limit: 1 });
  if (latest?.kind !== 'deletion.requested' || latest.subjectId === null) return { status: 'none' };
  const task = await findTask(db, latest.subjectId);
  const { occurredAt: requestedAt } = latest;
  if (!task || task.doneAt) return { status: 'closed', requestedAt };
  return { status: 'open', requestedAt, dueAt: task.dueAt, taskId: task.id };
}

const shown = ({ taskId: _, ...request }: Standing): DeletionRequest => request;

export const readDeletionRequest = async (ctx: Ctx, customerId: string): Promise<DeletionRequest> =>
  shown(await standingOf(ctx.db, customerId));

/** An account that has a password asks for it; one that its owner enters in another way does not. */
async function proveIfPossible(ctx: Ctx, proof: Proof, throttles: Throttles): Promise<void> {
  const passwordHash = await findPasswordHash(ctx.db, proof.customerId);
  if (passwordHash !== undefined) await provePassword(ctx, proof, throttles);
}

/**
 * Asks to be forgotten; whoever has asked and not been answered has asked already.
 * @throws Problem PASSWORD_WRONG, LOGIN_THROTTLED, SERVICE_BUSY
 */
export async function requestDeletion(
  ctx: Ctx,
  proof: Proof,
  throttles: Throttles,
): Promise<DeletionRequest> {
  const { customerId } = proof;
  await proveIfPossible(ctx, proof, throttles);
  return write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    const standing = await standingOf(tx, customerId);
    if (standing.status === 'open') return shown(standing);
    const task = await addTask(ctx, tx, {
      title: 'Erase the data of a customer who asked for it',
      description: 'Asked for by the customer when signed in. Erase the data, or say why it has to be kept.',
      dueAt: daysAfter(ctx.now, DAYS_TO_ANSWER).toISOString(),
      allDay: true,
      customerId,
    });
    await tell(ctx, tx, { kind: 'deletion.requested', customerId, subjectId: task.id });
    return { status: 'open' as const, requestedAt: ctx.now, dueAt: task.dueAt };
  });
}

/** Takes the wish back; where none is open there is nothing to take back. */
export const cancelDeletion = (ctx: Ctx, customerId: string): Promise<void> =>
  write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    const { taskId } = await standingOf(tx, customerId);
    if (taskId === undefined) return;
    await removeTask(ctx, tx, taskId);
    await tell(ctx, tx, { kind: 'deletion.cancelled', customerId, subjectId: taskId });
  });
