// Events: appended by every change, read as timeline and as change feed.
import { sql } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute, statement, type Tx } from './connection.ts';
import { familyOf } from './merges.ts';

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

/** An event as the API shows it. */
export interface Event {
  id: string;
  kind: string;
  customerId: string | null;
  subjectId: string | null;
  actor: string;
  data: Record<string, unknown>;
  occurredAt: Date;
}

const EVENT = sql.raw(
  'e.id, e.kind, e.customer_id as "customerId", e.subject_id as "subjectId", e.actor, e.data, e.occurred_at as "occurredAt"',
);

/** A kind is wanted by its whole name, `order.placed`, or by its first word, `order`. */
const isWanted = (kinds: readonly string[]) => {
  const list = sql.param([...kinds]);
  return sql`(e.kind = any(${list}::text[]) or split_part(e.kind, '.', 1) = any(${list}::text[]))`;
};

export type TimelineKey = readonly [occurredAt: string, id: string];

/**
 * Events of a customer and of those merged into it, newest first (C9). One index range for each of them, cut at the
 * page, so that a page costs the same however long the history is.
 */
export function listTimeline(
  db: Db,
  {
    customerId,
    kinds,
    after,
    limit,
  }: PageStart<TimelineKey> & { customerId: string; kinds?: readonly string[] | undefined },
): Promise<Event[]> {
  const seek = after ? sql`and (e.occurred_at, e.id) < (${after[0]}, ${after[1]})` : sql``;
  const wanted = kinds ? sql`and ${isWanted(kinds)}` : sql``;
  return execute<Event>(
    db,
    sql`
      ${familyOf(db.storeId, customerId)}
      select ${EVENT} from family cross join lateral (
        select * from events e
        where e.store_id = ${db.storeId} and e.customer_id = family.id ${seek} ${wanted}
        order by e.occurred_at desc, e.id desc limit ${limit}
      ) e
      order by e.occurred_at desc, e.id desc limit ${limit}`,
  );
}

/** Where a reader of the change feed stands: behind this event of this transaction. */
export type FeedPosition = readonly [transactionId: number, id: string];

export interface Feed {
  data: Event[];
  /** Where to go on, also when nothing came. */
  position: FeedPosition;
  hasMore: boolean;
}

const FEED_START: FeedPosition = [0, '00000000-0000-0000-0000-000000000000'];
/** Events that one request looks at in search of the kinds it wants: a rare kind costs the reader more requests, not one slow one. */
const FEED_WINDOW = 5_000;

type FeedRow = Event & { transactionId: number; wanted: boolean; place: number };

/**
 * The change feed: events in the order of their transactions, only below the oldest transaction still open, so that
 * none that commits late appears behind a reader. `after` is exclusive; the same position reads the same events again.
 */
export async function readFeed(
  db: Db,
  {
    kinds,
    after = FEED_START,
    limit,
  }: { kinds?: readonly string[] | undefined; after?: FeedPosition | undefined; limit: number },
): Promise<Feed> {
  const window = kinds ? FEED_WINDOW : limit + 1;
  const rows = await execute<FeedRow>(
    db,
    sql`
      with feed as materialized (
        select ${EVENT}, e.transaction_id as "transactionId", ${kinds ? isWanted(kinds) : sql`true`} as wanted,
          (row_number() over (order by e.transaction_id, e.id))::int as place
        from events e
        where e.store_id = ${db.storeId} and (e.transaction_id, e.id) > (${after[0]}, ${after[1]})
          and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        order by e.transaction_id, e.id limit ${window}
      )
      select * from feed where wanted or place = (select count(*) from feed) order by place limit ${limit + 1}`,
  );
  const wanted = rows.filter((row) => row.wanted);
  const data = wanted.slice(0, limit);
  const isFull = wanted.length > limit;
  const last = isFull ? data.at(-1) : rows.at(-1);
  return {
    data,
    position: last ? [last.transactionId, last.id] : after,
    hasMore: isFull || last?.place === window,
  };
}
