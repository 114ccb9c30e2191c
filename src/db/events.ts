// Events: appended by every change, read as timeline and as change feed.
import { and, eq, sql } from 'drizzle-orm';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { events } from './tables/events.ts';

export interface NewEvent {
  id: string;
  customerId: string | null;
  kind: string;
  subjectId: string | null;
  actor: string;
  data: object;
  occurredAt: Date;
}

interface EventColumns {
  ids: string[];
  customerIds: (string | null)[];
  kinds: string[];
  subjectIds: (string | null)[];
  actors: string[];
  data: string[];
  times: Date[];
}

const insert = statement<EventColumns, never>(
  'insert_events',
  (p) => sql`
    insert into events (store_id, id, customer_id, kind, subject_id, actor, data, occurred_at)
    select ${p.storeId}, e.* from unnest(${p.ids}::uuid[], ${p.customerIds}::uuid[], ${p.kinds}::text[],
      ${p.subjectIds}::uuid[], ${p.actors}::text[], ${p.data}::jsonb[], ${p.times}::timestamptz[]) e`,
);

/** Appends events in the transaction of the change they tell (C9). */
export async function insertEvents(tx: Tx, list: readonly NewEvent[]): Promise<void> {
  if (list.length === 0) return;
  await insert(tx, {
    ids: list.map((event) => event.id),
    customerIds: list.map((event) => event.customerId),
    kinds: list.map((event) => event.kind),
    subjectIds: list.map((event) => event.subjectId),
    actors: list.map((event) => event.actor),
    data: list.map((event) => JSON.stringify(event.data)),
    times: list.map((event) => event.occurredAt),
  });
}

/** One event by id; for tests and deep links. */
export const findEvent = prepared<{ id: string }>()('find_event', (queries, p) =>
  queries.select().from(events).where(and(eq(events.storeId, p.storeId), eq(events.id, p.id))),
);
