// Merges (C10): what two customers have, what moves between them, and who stands for a merged one.
import { and, desc, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { addresses } from './tables/addresses.ts';
import { merges } from './tables/customers.ts';

export type MergeRow = typeof merges.$inferSelect;

type Named = { id: string; name: string };

/** What belongs to a customer besides its row and its addresses. */
export interface Belongings {
  customerId: string;
  tags: Named[];
  groups: Named[];
  ordersCount: number;
  notesCount: number;
  tasksCount: number;
}

const countOf = (storeId: unknown, table: 'orders' | 'notes' | 'tasks') =>
  sql`(select count(*)::integer from ${sql.raw(table)} x where x.store_id = ${storeId} and x.customer_id = c.id)`;

/** What each of the customers has; all orders count, cancelled and test ones too. */
export const listBelongings = statement<{ ids: string[] }, Belongings>(
  'list_belongings',
  (p) => sql`
    select c.id as "customerId",
      coalesce((select json_agg(json_build_object('id', t.id, 'name', t.name) order by t.name_key)
        from customer_tags ct join tags t on t.store_id = ct.store_id and t.id = ct.tag_id
        where ct.store_id = ${p.storeId} and t.store_id = ${p.storeId} and ct.customer_id = c.id), '[]') as tags,
      coalesce((select json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name_key)
        from group_members gm join groups g on g.store_id = gm.store_id and g.id = gm.group_id
        where gm.store_id = ${p.storeId} and g.store_id = ${p.storeId} and gm.customer_id = c.id), '[]') as groups,
      ${countOf(p.storeId, 'orders')} as "ordersCount", ${countOf(p.storeId, 'notes')} as "notesCount",
      ${countOf(p.storeId, 'tasks')} as "tasksCount"
    from customers c where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])`,
);

/** All addresses of the customers, oldest first. */
export const listAddressesOf = (db: Db, customerIds: readonly string[]) =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(addresses)
      .where(and(eq(addresses.storeId, db.storeId), inArray(addresses.customerId, [...customerIds])))
      .orderBy(addresses.id),
  );

export const insertMerge = (tx: Tx, merge: Omit<MergeRow, 'storeId' | 'undoneAt'>): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(merges).values({ ...merge, storeId: tx.storeId }));

const findMerge = prepared<{ fromId: string }>()('find_open_merge', (queries, p) =>
  queries
    .select()
    .from(merges)
    .where(and(eq(merges.storeId, p.storeId), eq(merges.fromId, p.fromId), isNull(merges.undoneAt)))
    .orderBy(desc(merges.id))
    .limit(1),
);

/** The merge that the customer went away with; undefined when it is not merged. */
export const findOpenMerge = async (db: Db, fromId: string): Promise<MergeRow | undefined> =>
  (await findMerge(db, { fromId }))[0];

export const closeMerge = (tx: Tx, id: string, undoneAt: Date): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(merges)
      .set({ undoneAt })
      .where(and(eq(merges.storeId, tx.storeId), eq(merges.id, id))),
  );

/** Both customers' locks are held, and the row of the merge is there. */
interface Move {
  mergeId: string;
  fromId: string;
  intoId: string;
  now: Date;
}

/**
 * Gives everything of the one customer to the other and keeps what it was. Tags and groups that the other has already
 * stay as they are there. One statement: each part sees the rows as they were before it.
 */
export const moveBelongings = statement<Move, never>(
  'move_belongings',
  (p) => sql`
    with moved_orders as (
      update orders set customer_id = ${p.intoId}, version = version + 1, updated_at = ${p.now}
      where store_id = ${p.storeId} and customer_id = ${p.fromId} returning id),
    moved_notes as (
      update notes set customer_id = ${p.intoId}
      where store_id = ${p.storeId} and customer_id = ${p.fromId} returning id),
    moved_tasks as (
      update tasks set customer_id = ${p.intoId}, version = version + 1, updated_at = ${p.now}
      where store_id = ${p.storeId} and customer_id = ${p.fromId} returning id),
    left_tags as (
      delete from customer_tags where store_id = ${p.storeId} and customer_id = ${p.fromId}
      returning tag_id, source, created_at),
    left_groups as (
      delete from group_members where store_id = ${p.storeId} and customer_id = ${p.fromId}
      returning group_id, source, created_at),
    gained_tags as (
      insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
      select ${p.storeId}::uuid, ${p.intoId}::uuid, tag_id, source, created_at from left_tags on conflict do nothing),
    gained_groups as (
      insert into group_members (store_id, customer_id, group_id, source, created_at)
      select ${p.storeId}::uuid, ${p.intoId}::uuid, group_id, source, created_at from left_groups on conflict do nothing)
    insert into merge_items (store_id, merge_id, kind, item_id, source, assigned_at)
    select ${p.storeId}::uuid, ${p.mergeId}::uuid, item.* from (
      select 'order', id, null::text, null::timestamptz from moved_orders
      union all select 'note', id, null, null from moved_notes
      union all select 'task', id, null, null from moved_tasks
      union all select 'tag', tag_id, source, created_at from left_tags
      union all select 'group', group_id, source, created_at from left_groups) item`,
);

/**
 * Gives back what the merge moved and the survivor still has; tags and groups that were deleted since are gone.
 * What the survivor loses of tags and groups is `planUnmerge`'s to say.
 */
export const returnBelongings = statement<Move, never>(
  'return_belongings',
  (p) => sql`
    with items as materialized (
      select kind, item_id, source, assigned_at from merge_items
      where store_id = ${p.storeId} and merge_id = ${p.mergeId}),
    returned_orders as (
      update orders set customer_id = ${p.fromId}, version = version + 1, updated_at = ${p.now} from items
      where orders.store_id = ${p.storeId} and items.kind = 'order' and orders.id = items.item_id
        and orders.customer_id = ${p.intoId}),
    returned_notes as (
      update notes set customer_id = ${p.fromId} from items
      where notes.store_id = ${p.storeId} and items.kind = 'note' and notes.id = items.item_id
        and notes.customer_id = ${p.intoId}),
    returned_tasks as (
      update tasks set customer_id = ${p.fromId}, version = version + 1, updated_at = ${p.now} from items
      where tasks.store_id = ${p.storeId} and items.kind = 'task' and tasks.id = items.item_id
        and tasks.customer_id = ${p.intoId}),
    returned_tags as (
      insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
      select ${p.storeId}::uuid, ${p.fromId}::uuid, item_id, source, assigned_at
      from items join tags on tags.store_id = ${p.storeId} and tags.id = items.item_id
      where items.kind = 'tag' on conflict do nothing)
    insert into group_members (store_id, customer_id, group_id, source, created_at)
    select ${p.storeId}::uuid, ${p.fromId}::uuid, item_id, source, assigned_at
    from items join groups on groups.store_id = ${p.storeId} and groups.id = items.item_id
    where items.kind = 'group' on conflict do nothing`,
);

/** Gives addresses to another customer without their default marks, which are set afterwards. */
export const moveAddresses = statement<{ ids: string[]; fromId: string; toId: string }, never>(
  'move_addresses',
  (p) => sql`
    update addresses set customer_id = ${p.toId}, is_default = false, is_default_billing = false
    where store_id = ${p.storeId} and customer_id = ${p.fromId} and id = any(${p.ids}::uuid[])`,
);

/** Whom merged customers have become, over any number of merges. */
export const listSurvivors = statement<
  { ids: readonly string[] },
  { mergedId: string; id: string; accountStatus: AccountStatus }
>(
  'list_survivors',
  (p) => sql`
    with recursive chain (merged_id, id, depth) as (
      select c.id, c.merged_into_id, 1 from customers c
      where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[]) and c.account_status = 'merged'
      union all
      select chain.merged_id, c.merged_into_id, chain.depth + 1
      from chain join customers c on c.store_id = ${p.storeId} and c.id = chain.id
      where c.account_status = 'merged' and chain.depth < 100)
    select chain.merged_id as "mergedId", c.id, c.account_status as "accountStatus"
    from chain join customers c on c.store_id = ${p.storeId} and c.id = chain.id
    where c.account_status <> 'merged'`,
);

/** Who stands for the customer at the end of all merges; itself when it was not merged. */
export const findSurvivorId = async (db: Db, id: string): Promise<string> =>
  (await listSurvivors(db, { ids: [id] }))[0]?.id ?? id;

/** `with recursive family (id)`: the customer, and all who were merged into it over any number of merges. */
export const familyOf = (storeId: unknown, customerId: unknown): SQL => sql`
  with recursive family (id) as (
    select ${customerId}::uuid
    union
    select c.id from customers c join family on c.merged_into_id = family.id where c.store_id = ${storeId})`;
