// How an action tells what it did: one event per change, in the change's own transaction (C9).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { insertEvents, type NewEvent } from '../db/events.ts';
import type { EventKind } from '../domain/events.ts';

/** What happened; actor, time and id come from the context. */
export interface Happening {
  kind: EventKind;
  customerId: string | null;
  subjectId?: string | null;
  /** Facts of the change: ids, and `[old, new]` of scalar fields. */
  data?: object;
  /** When it happened, if not now (an order's own time). */
  at?: Date;
}

/** The rows of happenings. */
export const eventsOf = (ctx: Ctx, happenings: readonly Happening[]): NewEvent[] =>
  happenings.map(({ kind, customerId, subjectId = null, data = {}, at = ctx.now }) => ({
    id: ctx.newId(),
    customerId,
    kind,
    subjectId,
    actor: ctx.actor,
    data,
    occurredAt: at,
  }));

/** Appends the events of a change. */
export async function tell(ctx: Ctx, tx: Tx, ...happenings: readonly Happening[]): Promise<void> {
  await insertEvents(tx, eventsOf(ctx, happenings));
}
