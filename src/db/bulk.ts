// The rows of a bulk job and the set statements that its slices are made of.
import { type SQL, sql } from 'drizzle-orm';
import { type BulkChange, type BulkCustomer, DONE_OUTCOMES } from '../domain/bulk.ts';
import { execute, statement, type Tx } from './connection.ts';
import { type Selection, selectionCondition } from './customer-selection.ts';

/** Whom a job is about, beyond named ids. */
export type BulkSelection = { filter: Selection } | { undoOf: string };

const insertIds = statement<{ jobId: string; ids: string[] }, never>(
  'insert_job_items',
  (p) => sql`
    insert into job_items (store_id, job_id, customer_id)
    select ${p.storeId}, ${p.jobId}, id from unnest(${p.ids}::uuid[]) id`,
);

/** Adds the items of a job that names its customers; each id once. */
export const insertJobItems = async (tx: Tx, jobId: string, ids: readonly string[]): Promise<void> => {
  await insertIds(tx, { jobId, ids: [...ids] });
};

const selectedIds = (storeId: string, selection: BulkSelection, after: string | undefined): SQL => {
  if ('undoOf' in selection) {
    return sql`
      select customer_id as id from job_items
      where store_id = ${storeId} and job_id = ${selection.undoOf}
        and outcome = any(${sql.param([...DONE_OUTCOMES])}::text[])
        ${after ? sql`and customer_id > ${after}` : sql``}
      order by customer_id`;
  }
  return sql`
    select customers.id from customers
    where ${selectionCondition(storeId, selection.filter)} ${after ? sql`and customers.id > ${after}` : sql``}
    order by customers.id`;
};

/** Adds the next `limit` selected customers in id order; how many there were, and the last one. */
export async function insertSelectedItems(
  tx: Tx,
  jobId: string,
  selection: BulkSelection,
  range: { after?: string | undefined; limit: number },
): Promise<{ count: number; last: string | null }> {
  const [row] = await execute<{ count: number; last: string | null }>(
    tx,
    sql`
      with picked as (${selectedIds(tx.storeId, selection, range.after)} limit ${range.limit}),
      added as (
        insert into job_items (store_id, job_id, customer_id) select ${tx.storeId}, ${jobId}, id from picked)
      select count(*)::integer as count, (select id from picked order by id desc limit 1) as last from picked`,
  );
  return row ?? { count: 0, last: null };
}

export interface BulkItem {
  customerId: string;
  /** What the job that is undone did to this customer. */
  undoes: BulkChange | null;
}

/** The next items in id order. */
export const listOpenItems: (
  tx: Tx,
  range: { jobId: string; undoOf: string | null; after: string; limit: number },
) => Promise<BulkItem[]> = statement(
  'list_open_job_items',
  (p) => sql`
    select items.customer_id as "customerId", (
      select origin.changed from job_items origin
      where origin.store_id = ${p.storeId} and origin.job_id = ${p.undoOf}::uuid
        and origin.customer_id = items.customer_id) as undoes
    from job_items items
    where items.store_id = ${p.storeId} and items.job_id = ${p.jobId} and items.customer_id > ${p.after}
    order by items.customer_id limit ${p.limit}`,
);

/** Locks customers in id order, so that two writers never wait for each other crosswise; those that exist. */
export const lockBulkCustomers: (tx: Tx, params: { ids: string[] }) => Promise<BulkCustomer[]> = statement(
  'lock_bulk_customers',
  (p) => sql`
    select id, account_status as "accountStatus", sales_agent_id as "salesAgentId",
           primary_group_id as "primaryGroupId"
    from customers where store_id = ${p.storeId} and id = any(${p.ids}::uuid[])
    order by id for update`,
);

/** Which of the tags each customer carries and how many in all; with a `source`, only those that came from there. */
export const listCarriedTags: (
  tx: Tx,
  params: { ids: string[]; tagIds: string[]; source: string | null },
) => Promise<{ customerId: string; carried: string[]; total: number }[]> = statement(
  'list_bulk_tags',
  (p) => sql`
    select customer_id as "customerId", count(*)::integer as total,
           coalesce(array_agg(tag_id) filter (
             where tag_id = any(${p.tagIds}::uuid[]) and (${p.source}::text is null or source = ${p.source})), '{}') as carried
    from customer_tags where store_id = ${p.storeId} and customer_id = any(${p.ids}::uuid[])
    group by customer_id`,
);

/** Those of the customers that are in the group; with a `source`, only members that came from there. */
export const listMembersAmong: (
  tx: Tx,
  params: { ids: string[]; groupId: string; source: string | null },
) => Promise<{ customerId: string }[]> = statement(
  'list_members_among',
  (p) => sql`
    select customer_id as "customerId" from group_members
    where store_id = ${p.storeId} and group_id = ${p.groupId} and customer_id = any(${p.ids}::uuid[])
      and (${p.source}::text is null or source = ${p.source})`,
);

/** How many orders each customer has, of any status; customers without one are left out (C6). */
export const countOrdersAmong: (
  tx: Tx,
  params: { ids: string[] },
) => Promise<{ customerId: string; count: number }[]> = statement(
  'count_orders_among',
  (p) => sql`
    select customer_id as "customerId", count(*)::integer as count from orders
    where store_id = ${p.storeId} and customer_id = any(${p.ids}::uuid[]) group by customer_id`,
);

// The changes below find their rows by `= any(ids)` and their values in a JSON object by id. A join with unnest would
// read better, but a new job or a fresh import has no statistics yet, and the planner then joins each slice with all
// rows of the job or the store, or the slice with itself: ten times the time of the whole.

/** Tags by customer. */
type TagsOfCustomers = ReadonlyMap<string, readonly string[]>;

const insertTags = statement<{ customerIds: string[]; tagIds: string[]; source: string; now: Date }, never>(
  'insert_tag_pairs',
  (p) => sql`
    insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
    select ${p.storeId}, pair.customer_id, pair.tag_id, ${p.source}, ${p.now}
    from unnest(${p.customerIds}::uuid[], ${p.tagIds}::uuid[]) as pair (customer_id, tag_id)
    on conflict do nothing`,
);

/** Gives each customer the tags that are named for it. */
export async function insertTagsOf(
  tx: Tx,
  tagsOf: TagsOfCustomers,
  by: { source: string; now: Date },
): Promise<void> {
  const pairs = [...tagsOf].flatMap(([customerId, tagIds]) => tagIds.map((tagId) => ({ customerId, tagId })));
  const customerIds = pairs.map(({ customerId }) => customerId);
  await insertTags(tx, { customerIds, tagIds: pairs.map(({ tagId }) => tagId), ...by });
}

const deleteTags = statement<{ ids: string[]; tagIds: string }, never>(
  'delete_tag_pairs',
  (p) => sql`
    delete from customer_tags
    where store_id = ${p.storeId} and customer_id = any(${p.ids}::uuid[])
      and ${p.tagIds}::jsonb -> customer_id::text ? tag_id::text`,
);

/** Takes from each customer the tags that are named for it. */
export async function deleteTagsOf(tx: Tx, tagsOf: TagsOfCustomers): Promise<void> {
  await deleteTags(tx, { ids: [...tagsOf.keys()], tagIds: JSON.stringify(Object.fromEntries(tagsOf)) });
}

export const insertMembers: (
  tx: Tx,
  params: { ids: string[]; groupId: string; source: string; now: Date },
) => Promise<never[]> = statement(
  'insert_bulk_members',
  (p) => sql`
    insert into group_members (store_id, customer_id, group_id, source, created_at)
    select ${p.storeId}, customer_id, ${p.groupId}, ${p.source}, ${p.now} from unnest(${p.ids}::uuid[]) customer_id
    on conflict do nothing`,
);

export const deleteMembers: (tx: Tx, params: { ids: string[]; groupId: string }) => Promise<never[]> =
  statement(
    'delete_bulk_members',
    (p) => sql`
    delete from group_members
    where store_id = ${p.storeId} and group_id = ${p.groupId} and customer_id = any(${p.ids}::uuid[])`,
  );

const update = statement<{ ids: string[]; columns: string; now: Date }, never>(
  'update_bulk_customers',
  (p) => sql`
    update customers set
      account_status = ${p.columns}::jsonb -> id::text ->> 'accountStatus',
      sales_agent_id = (${p.columns}::jsonb -> id::text ->> 'salesAgentId')::uuid,
      primary_group_id = (${p.columns}::jsonb -> id::text ->> 'primaryGroupId')::uuid,
      version = version + 1, updated_at = ${p.now}
    where store_id = ${p.storeId} and id = any(${p.ids}::uuid[])`,
);

/** Writes the columns of changed customers and bumps their versions; the caller holds their locks. */
export async function updateBulkCustomers(
  tx: Tx,
  changed: readonly BulkCustomer[],
  now: Date,
): Promise<void> {
  const columns = JSON.stringify(Object.fromEntries(changed.map(({ id, ...columns }) => [id, columns])));
  await update(tx, { ids: changed.map(({ id }) => id), columns, now });
}

export const deleteCustomers: (tx: Tx, params: { ids: string[] }) => Promise<never[]> = statement(
  'delete_customers',
  (p) => sql`delete from customers where store_id = ${p.storeId} and id = any(${p.ids}::uuid[])`,
);

const record = statement<{ jobId: string; ids: string[]; results: string }, never>(
  'record_job_items',
  (p) => sql`
    update job_items set
      outcome = ${p.results}::jsonb -> customer_id::text ->> 'outcome',
      changed = ${p.results}::jsonb -> customer_id::text -> 'changed'
    where store_id = ${p.storeId} and job_id = ${p.jobId} and customer_id = any(${p.ids}::uuid[])`,
);

export interface ItemResult {
  outcome: string;
  changed?: BulkChange;
}

/** Writes the outcome of each item, by customer id. */
export async function recordItems(
  tx: Tx,
  jobId: string,
  results: ReadonlyMap<string, ItemResult>,
): Promise<void> {
  await record(tx, { jobId, ids: [...results.keys()], results: JSON.stringify(Object.fromEntries(results)) });
}
