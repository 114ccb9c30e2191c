// Static groups and their members.
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { countCarriersBy, type LabelLink, type LabelUsage, lockCarriersBy, withUsage } from './labels.ts';
import { groupMembers } from './tables/group-members.ts';
import { groups } from './tables/groups.ts';

export type GroupRow = typeof groups.$inferSelect;
/** A group with the number of its present members. */
export type GroupSummary = Omit<GroupRow, 'storeId'> & LabelUsage;

const LINK: LabelLink = { links: 'group_members', key: 'group_id' };

export const lockMembers = lockCarriersBy(LINK);
export const countMembers = countCarriersBy(LINK);

const columns = sql`g.id, g.name, g.name_key as "nameKey", g.description, g.created_at as "createdAt",
  g.updated_at as "updatedAt"`;

/** Groups by name. */
export const listGroups = (db: Db, { after, limit }: PageStart<[nameKey: string]>): Promise<GroupSummary[]> =>
  withUsage(db, LINK, {
    labels: sql`
      select ${columns} from groups g where g.store_id = ${db.storeId} and g.name_key > ${after?.[0] ?? ''}
      order by g.name_key limit ${limit}`,
    orderBy: sql`"nameKey"`,
    limit,
  });

export const findGroupSummary = async (db: Db, id: string): Promise<GroupSummary | undefined> => {
  const labels = sql`select ${columns} from groups g where g.store_id = ${db.storeId} and g.id = ${id}`;
  return (await withUsage<GroupRow>(db, LINK, { labels, orderBy: sql`id`, limit: 1 }))[0];
};

/** Those of the ids that are groups of this store. */
export const findGroups = (db: Db, ids: readonly string[]): Promise<GroupRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(groups)
      .where(and(eq(groups.storeId, db.storeId), inArray(groups.id, [...ids]))),
  );

/** Those of the ids that are groups of this store, held so that they stay while members are added. */
export const holdGroups = (tx: Tx, ids: readonly string[]): Promise<GroupRow[]> =>
  tx.use(({ queries }) =>
    queries
      .select()
      .from(groups)
      .where(and(eq(groups.storeId, tx.storeId), inArray(groups.id, [...ids])))
      .for('key share'),
  );

const findByKey = prepared<{ nameKey: string }>()('find_group_by_key', (queries, p) =>
  queries
    .select()
    .from(groups)
    .where(and(eq(groups.storeId, p.storeId), eq(groups.nameKey, p.nameKey))),
);

export const findGroupByKey = async (db: Db, nameKey: string): Promise<GroupRow | undefined> =>
  (await findByKey(db, { nameKey }))[0];

const selectNames = prepared()('list_group_names', (queries, p) =>
  queries
    .select({ name: groups.name })
    .from(groups)
    .where(eq(groups.storeId, p.storeId))
    .orderBy(groups.nameKey),
);

/** Names of all groups of the store. */
export const listGroupNames = async (db: Db): Promise<string[]> =>
  (await selectNames(db, {})).map(({ name }) => name);

const selectForUpdate = prepared<{ id: string }>()('lock_group', (queries, p) =>
  queries
    .select()
    .from(groups)
    .where(and(eq(groups.storeId, p.storeId), eq(groups.id, p.id)))
    .for('update'),
);

/** Locks the group itself: waits for whoever adds members right now, and lets nobody add one. */
export const lockGroup = async (tx: Tx, id: string): Promise<GroupRow | undefined> =>
  (await selectForUpdate(tx, { id }))[0];

/** The groups of one customer, by name. */
export const listGroupsOf = (
  db: Db,
  customerId: string,
): Promise<{ id: string; name: string; source: string; joinedAt: Date }[]> =>
  db.use(({ queries }) =>
    queries
      .select({
        id: groups.id,
        name: groups.name,
        source: groupMembers.source,
        joinedAt: groupMembers.createdAt,
      })
      .from(groupMembers)
      .innerJoin(groups, and(eq(groups.storeId, groupMembers.storeId), eq(groups.id, groupMembers.groupId)))
      .where(
        and(
          eq(groupMembers.storeId, db.storeId),
          eq(groups.storeId, db.storeId),
          eq(groupMembers.customerId, customerId),
        ),
      )
      .orderBy(groups.nameKey),
  );

export const insertGroups = (tx: Tx, rows: readonly Omit<GroupRow, 'storeId'>[]): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.insert(groups).values(rows.map((row) => ({ ...row, storeId: tx.storeId }))),
  );

export const updateGroup = (tx: Tx, id: string, change: Partial<GroupRow>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(groups)
      .set(change)
      .where(and(eq(groups.storeId, tx.storeId), eq(groups.id, id))),
  );

export const deleteGroup = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.delete(groups).where(and(eq(groups.storeId, tx.storeId), eq(groups.id, id))),
  );

/** Adds the groups that the store lacks and answers all of them, by their keys. */
export async function ensureGroups(
  tx: Tx,
  wanted: readonly Omit<GroupRow, 'storeId'>[],
): Promise<GroupRow[]> {
  if (wanted.length === 0) return [];
  const keys = wanted.map((group) => group.nameKey);
  return tx.use(async ({ queries }) => {
    await queries
      .insert(groups)
      .values(wanted.map((group) => ({ ...group, storeId: tx.storeId })))
      .onConflictDoNothing();
    return queries
      .select()
      .from(groups)
      .where(and(eq(groups.storeId, tx.storeId), inArray(groups.nameKey, keys)));
  });
}

/** Puts a customer into groups; those it is in already stay as they are. */
export const insertMemberships = statement<
  { customerId: string; groupIds: string[]; source: string; now: Date },
  never
>(
  'insert_memberships',
  (p) => sql`
    insert into group_members (store_id, customer_id, group_id, source, created_at)
    select ${p.storeId}, ${p.customerId}, group_id, ${p.source}, ${p.now} from unnest(${p.groupIds}::uuid[]) group_id
    on conflict do nothing`,
);

export const deleteMemberships = statement<{ customerId: string; groupIds: string[] }, never>(
  'delete_memberships',
  (p) => sql`
    delete from group_members
    where store_id = ${p.storeId} and customer_id = ${p.customerId} and group_id = any(${p.groupIds}::uuid[])`,
);

type Changed = { customerId: string };

/** Puts many customers into a group; those who were not in it come back. */
export const insertMembers = statement<
  { groupId: string; customerIds: string[]; source: string; now: Date },
  Changed
>(
  'insert_group_members',
  (p) => sql`
    insert into group_members (store_id, customer_id, group_id, source, created_at)
    select ${p.storeId}, customer_id, ${p.groupId}, ${p.source}, ${p.now}
    from unnest(${p.customerIds}::uuid[]) customer_id
    on conflict do nothing returning customer_id as "customerId"`,
);

/** Takes many customers out of a group; those who were in it come back. */
export const deleteMembers = statement<{ groupId: string; customerIds: string[] }, Changed>(
  'delete_group_members',
  (p) => sql`
    delete from group_members
    where store_id = ${p.storeId} and group_id = ${p.groupId} and customer_id = any(${p.customerIds}::uuid[])
    returning customer_id as "customerId"`,
);

/** Leaves those of the customers without a primary group whose primary group this is; they come back. */
export const clearPrimary = statement<{ groupId: string; customerIds: string[] }, Changed>(
  'clear_primary_group',
  (p) => sql`
    update customers set primary_group_id = null
    where store_id = ${p.storeId} and primary_group_id = ${p.groupId} and id = any(${p.customerIds}::uuid[])
    returning id as "customerId"`,
);

export interface GroupMember {
  customerId: string;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  source: string;
  joinedAt: Date;
}

const selectMembers = statement<{ groupId: string; after: string | null; limit: number }, GroupMember>(
  'list_members',
  (p) => sql`
    select c.id as "customerId", c.email, c.first_name as "firstName", c.last_name as "lastName", c.company,
      gm.source, gm.created_at as "joinedAt"
    from group_members gm join customers c on c.store_id = gm.store_id and c.id = gm.customer_id
    where gm.store_id = ${p.storeId} and c.store_id = ${p.storeId} and gm.group_id = ${p.groupId}
      and gm.customer_id > coalesce(${p.after}::uuid, '00000000-0000-0000-0000-000000000000')
      and c.account_status not in ('merged', 'erased')
    order by gm.customer_id limit ${p.limit}`,
);

/** Present members of a group, by customer id. */
export const listMembers = (
  db: Db,
  groupId: string,
  { after, limit }: PageStart<[customerId: string]>,
): Promise<GroupMember[]> => selectMembers(db, { groupId, after: after?.[0] ?? null, limit });
