// Members of the loyalty programme: who they are, which tier they have, when it has to be looked at.
import { and, asc, eq, gt, isNotNull, lte, type SQL, sql } from 'drizzle-orm';
import type { MemberStatus } from '../domain/loyalty/members.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { columnsOf, definitionOf } from './record-sets.ts';
import { loyaltyMembers } from './tables/loyalty.ts';

export type MemberRow = Omit<typeof loyaltyMembers.$inferSelect, 'storeId'>;

const selectOne = prepared<{ customerId: string }>()('find_member', (queries, p) =>
  queries
    .select()
    .from(loyaltyMembers)
    .where(and(eq(loyaltyMembers.storeId, p.storeId), eq(loyaltyMembers.customerId, p.customerId))),
);

export const findMember = async (db: Db, customerId: string): Promise<MemberRow | undefined> =>
  (await selectOne(db, { customerId }))[0];

const selectLocked = prepared<{ customerIds: readonly string[] }>()('lock_members', (queries, p) =>
  queries
    .select()
    .from(loyaltyMembers)
    .where(
      and(
        eq(loyaltyMembers.storeId, p.storeId),
        sql`${loyaltyMembers.customerId} = any(${p.customerIds}::uuid[])`,
      ),
    )
    .orderBy(loyaltyMembers.customerId)
    .for('update'),
);

/** The members among these customers, locked in id order, active or not. Lock the customers first, accounts later. */
export const lockMembers = (tx: Tx, customerIds: readonly string[]): Promise<MemberRow[]> =>
  selectLocked(tx, { customerIds });

const columns = columnsOf(loyaltyMembers);
const names = sql.raw(columns.map(({ name }) => `"${name}"`).join(', '));
const values = sql.raw(columns.map(({ property }) => `r."${property}"`).join(', '));

const insert = statement<{ rows: string }, { customerId: string }>(
  'insert_loyalty_members',
  (p) => sql`
    insert into loyalty_members (store_id, ${names})
    select ${p.storeId}, ${values} from json_to_recordset(${p.rows}::json) as r(${definitionOf(columns)})
    order by r."customerId" on conflict do nothing returning customer_id as "customerId"`,
);

/** Adds members; one who is a member already, or whose code is taken, is left out. Resolves to those added. */
export async function insertMembers(tx: Tx, rows: readonly MemberRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const added = await insert(tx, { rows: JSON.stringify(rows) });
  return new Set(added.map(({ customerId }) => customerId));
}

const CHANGEABLE = columns.filter(
  ({ property }) => !['customerId', 'enrolledAt', 'referralCode', 'version'].includes(property),
);

const update = statement<{ rows: string }, never>(
  'update_members',
  (p) => sql`
    update loyalty_members m set ${sql.raw(CHANGEABLE.map(({ name, property }) => `"${name}" = r."${property}"`).join(', '))},
      version = m.version + 1
    from json_to_recordset(${p.rows}::json) as r(${definitionOf(columns)})
    where m.store_id = ${p.storeId} and m.customer_id = r."customerId"`,
);

/** Writes locked members as they are now, each as its next version. */
export async function updateMembers(tx: Tx, rows: readonly MemberRow[]): Promise<void> {
  if (rows.length > 0) await update(tx, { rows: JSON.stringify(rows) });
}

const tiers = statement<{ customerIds: readonly string[] }, { customerId: string; tier: string | null }>(
  'list_tiers_of_members',
  (p) => sql`
    select customer_id as "customerId", tier from loyalty_members
    where store_id = ${p.storeId} and customer_id = any(${p.customerIds}::uuid[]) and status = 'active'`,
);

/** The tiers of active members, by customer. */
export async function listTiersOf(
  db: Db,
  customerIds: readonly string[],
): Promise<Map<string, string | null>> {
  const rows = await tiers(db, { customerIds });
  return new Map(rows.map(({ customerId, tier }) => [customerId, tier]));
}

const recount = statement<{ customerIds: readonly string[] }, never>(
  'recount_points_of_members',
  (p) => sql`
    update loyalty_members m set points_earned = coalesce((
      select sum(e.points - e.reversed) from loyalty_earnings e
      where e.store_id = ${p.storeId} and e.customer_id = m.customer_id), 0)
    where m.store_id = ${p.storeId} and m.customer_id = any(${p.customerIds}::uuid[])`,
);

/** Counts again what locked members earned, after earnings went from one to the other. */
export const recountPoints = (tx: Tx, customerIds: readonly string[]): Promise<unknown> =>
  recount(tx, { customerIds });

export interface MemberFilter {
  status?: MemberStatus | undefined;
  tier?: string | undefined;
}

/** A page of members by customer id. */
export function listMembers(
  db: Db,
  { status, tier }: MemberFilter,
  { after, limit }: PageStart<[customerId: string]>,
): Promise<MemberRow[]> {
  return db.use(({ queries }) =>
    queries
      .select()
      .from(loyaltyMembers)
      .where(
        and(
          eq(loyaltyMembers.storeId, db.storeId),
          status && eq(loyaltyMembers.status, status),
          tier === undefined ? undefined : eq(loyaltyMembers.tier, tier),
          after && gt(loyaltyMembers.customerId, after[0]),
        ),
      )
      .orderBy(asc(loyaltyMembers.customerId))
      .limit(limit),
  );
}

const idsWhere = async (db: Db, condition: SQL | undefined, order: SQL, limit: number): Promise<string[]> => {
  const rows = await db.use(({ queries }) =>
    queries
      .select({ customerId: loyaltyMembers.customerId })
      .from(loyaltyMembers)
      .where(and(eq(loyaltyMembers.storeId, db.storeId), condition))
      .orderBy(order)
      .limit(limit),
  );
  return rows.map(({ customerId }) => customerId);
};

/** Members whose tier has to be looked at by now, the longest due first. */
export const listDueMemberIds = (db: Db, now: Date, limit: number): Promise<string[]> =>
  idsWhere(
    db,
    and(isNotNull(loyaltyMembers.tierDueAt), lte(loyaltyMembers.tierDueAt, now)),
    sql`${loyaltyMembers.tierDueAt}`,
    limit,
  );

/** Active members behind a customer id. */
export const listMemberIds = (db: Db, after: string | undefined, limit: number): Promise<string[]> =>
  idsWhere(
    db,
    and(
      eq(loyaltyMembers.status, 'active'),
      after === undefined ? undefined : gt(loyaltyMembers.customerId, after),
    ),
    sql`${loyaltyMembers.customerId}`,
    limit,
  );
