// Static groups and their members.
import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Db, statement, type Tx } from './connection.ts';
import { groupMembers } from './tables/group-members.ts';
import { groups } from './tables/groups.ts';

export type GroupRow = typeof groups.$inferSelect;

/** Those of the ids that are groups of this store. */
export const findGroups = (db: Db, ids: readonly string[]): Promise<GroupRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(groups)
      .where(and(eq(groups.storeId, db.storeId), inArray(groups.id, [...ids]))),
  );

/** The groups of one customer, by name. */
export const listGroupsOf = (db: Db, customerId: string): Promise<{ id: string; name: string }[]> =>
  db.use(({ queries }) =>
    queries
      .select({ id: groups.id, name: groups.name })
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
  tx.use(({ queries }) => queries.insert(groups).values(rows.map((row) => ({ ...row, storeId: tx.storeId }))));

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
