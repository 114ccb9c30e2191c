// The rows of a bulk job and the set statements that its slices are made of.
import { type SQL, sql } from 'drizzle-orm';
import type { BulkChange, BulkCustomer, BulkSelection } from '../domain/bulk.ts';
import { execute, statement, type Tx } from './connection.ts';
import { selectionCondition } from './customer-selection.ts';

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
      where store_id = ${storeId} and job_id = ${selection.undoOf} and outcome = 'done'
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
    select items.customer_id as "customerId", origin.changed as undoes
    from job_items items
    left join job_items origin
      on origin.store_id = ${p.storeId} and origin.job_id = ${p.undoOf}::uuid and origin.customer_id = items.customer_id
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
  'list_carried_tags',
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

/** Pairs of customer and tag or group, as two arrays of one length. */
interface Pairs {
  customerIds: string[];
  otherIds: string[];
}

export const insertTagPairs: (tx: Tx, params: Pairs & { source: string; now: Date }) => Promise<never[]> =
  statement(
    'insert_tag_pairs',
    (p) => sql`
    insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
    select ${p.storeId}, pair.customer_id, pair.tag_id, ${p.source}, ${p.now}
    from unnest(${p.customerIds}::uuid[], ${p.otherIds}::uuid[]) as pair (customer_id, tag_id)
    on conflict do nothing`,
  );

export const deleteTagPairs: (tx: Tx, params: Pairs) => Promise<never[]> = statement(
  'delete_tag_pairs',
  (p) => sql`
    delete from customer_tags using unnest(${p.customerIds}::uuid[], ${p.otherIds}::uuid[]) as pair (customer_id, tag_id)
    where customer_tags.store_id = ${p.storeId} and customer_tags.customer_id = pair.customer_id
      and customer_tags.tag_id = pair.tag_id`,
);

export const insertMemberPairs: (tx: Tx, params: Pairs & { source: string; now: Date }) => Promise<never[]> =
  statement(
    'insert_member_pairs',
    (p) => sql`
      insert into group_members (store_id, customer_id, group_id, source, created_at)
      select ${p.storeId}, pair.customer_id, pair.group_id, ${p.source}, ${p.now}
      from unnest(${p.customerIds}::uuid[], ${p.otherIds}::uuid[]) as pair (customer_id, group_id)
      on conflict do nothing`,
  );

export const deleteMemberPairs: (tx: Tx, params: Pairs) => Promise<never[]> = statement(
  'delete_member_pairs',
  (p) => sql`
    delete from group_members using unnest(${p.customerIds}::uuid[], ${p.otherIds}::uuid[]) as pair (customer_id, group_id)
    where group_members.store_id = ${p.storeId} and group_members.customer_id = pair.customer_id
      and group_members.group_id = pair.group_id`,
);

interface CustomerColumns {
  ids: string[];
  accountStatuses: string[];
  salesAgentIds: (string | null)[];
  primaryGroupIds: (string | null)[];
  now: Date;
}

const update = statement<CustomerColumns, never>(
  'update_bulk_customers',
  (p) => sql`
    update customers set account_status = changed.account_status, sales_agent_id = changed.sales_agent_id,
      primary_group_id = changed.primary_group_id, version = customers.version + 1, updated_at = ${p.now}
    from unnest(${p.ids}::uuid[], ${p.accountStatuses}::text[], ${p.salesAgentIds}::uuid[], ${p.primaryGroupIds}::uuid[])
      as changed (id, account_status, sales_agent_id, primary_group_id)
    where customers.store_id = ${p.storeId} and customers.id = changed.id`,
);

/** Writes the columns of changed customers and bumps their versions; the caller holds their locks. */
export async function updateBulkCustomers(
  tx: Tx,
  changed: readonly BulkCustomer[],
  now: Date,
): Promise<void> {
  await update(tx, {
    ids: changed.map(({ id }) => id),
    accountStatuses: changed.map(({ accountStatus }) => accountStatus),
    salesAgentIds: changed.map(({ salesAgentId }) => salesAgentId),
    primaryGroupIds: changed.map(({ primaryGroupId }) => primaryGroupId),
    now,
  });
}

export const deleteCustomers: (tx: Tx, params: { ids: string[] }) => Promise<never[]> = statement(
  'delete_customers',
  (p) => sql`delete from customers where store_id = ${p.storeId} and id = any(${p.ids}::uuid[])`,
);

const record = statement<
  { jobId: string; ids: string[]; outcomes: string[]; changes: (string | null)[] },
  never
>(
  'record_job_items',
  (p) => sql`
    update job_items set outcome = result.outcome, changed = result.changed
    from unnest(${p.ids}::uuid[], ${p.outcomes}::text[], ${p.changes}::jsonb[]) as result (customer_id, outcome, changed)
    where job_items.store_id = ${p.storeId} and job_items.job_id = ${p.jobId}
      and job_items.customer_id = result.customer_id`,
);

export interface ItemResult {
  customerId: string;
  outcome: string;
  changed: BulkChange | null;
}

/** Writes the outcome of each item. */
export async function recordItems(tx: Tx, jobId: string, results: readonly ItemResult[]): Promise<void> {
  await record(tx, {
    jobId,
    ids: results.map(({ customerId }) => customerId),
    outcomes: results.map(({ outcome }) => outcome),
    changes: results.map(({ changed }) => changed && JSON.stringify(changed)),
  });
}
