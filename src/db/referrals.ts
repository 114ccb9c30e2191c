// Referrals (P9): rows, the two people of each, and what decides about them.
import { and, desc, eq, lt, or, sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import type { AddressFields } from '../domain/addresses.ts';
import type { MemberStatus } from '../domain/loyalty/members.ts';
import type { ReferralState } from '../domain/loyalty/referrals.ts';
import type { CountableOrder } from '../domain/order-counters.ts';
import { COUNTED_STATUSES } from '../domain/orders.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { updateRows } from './record-sets.ts';
import { referrals } from './tables/loyalty.ts';

export type ReferralRow = Omit<typeof referrals.$inferSelect, 'storeId'>;

const find = prepared<{ id: string }>()('find_referral', (queries, p) =>
  queries
    .select()
    .from(referrals)
    .where(and(eq(referrals.storeId, p.storeId), eq(referrals.id, p.id))),
);

export const findReferral = async (db: Db, id: string): Promise<ReferralRow | undefined> =>
  (await find(db, { id }))[0];

export interface ReferralFilter {
  advocateId?: string | undefined;
  state?: ReferralState | undefined;
}

/** Referrals, the latest first. */
export const listReferrals = (
  db: Db,
  { advocateId, state }: ReferralFilter,
  { after, limit }: PageStart<[id: string]>,
): Promise<ReferralRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(referrals)
      .where(
        and(
          eq(referrals.storeId, db.storeId),
          advocateId === undefined ? undefined : eq(referrals.advocateId, advocateId),
          state === undefined ? undefined : eq(referrals.state, state),
          after ? lt(referrals.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(referrals.id))
      .limit(limit),
  );

export const insertReferral = (tx: Tx, referral: ReferralRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(referrals).values({ ...referral, storeId: tx.storeId }));

/** Writes referrals whose locks are held, as they are now. */
export const updateReferrals = updateRows<ReferralRow>('update_referrals', referrals, [
  'advocateId',
  'friendId',
  'state',
  'reason',
  'orderId',
  'decidesAt',
  'registeredAt',
  'qualifiedAt',
  'rewardedAt',
  'rejectedAt',
  'version',
]);

const lockMany = prepared<{ ids: readonly string[] }>()('lock_referrals', (queries, p) =>
  queries
    .select()
    .from(referrals)
    .where(and(eq(referrals.storeId, p.storeId), sql`${referrals.id} = any(${p.ids}::uuid[])`))
    .orderBy(referrals.id)
    .for('update'),
);

/** These referrals, locked in the order of their ids; the locks of customers come first. */
export const lockReferrals = (tx: Tx, ids: readonly string[]): Promise<ReferralRow[]> =>
  lockMany(tx, { ids });

/** What a referral is about, to know whom to lock. */
export interface ReferralKey {
  id: string;
  advocateId: string;
  friendId: string | null;
}

/** Referrals whose decision is due, the longest due first. */
export const listDueReferrals = statement<{ at: Date; limit: number }, ReferralKey>(
  'list_due_referrals',
  (p) => sql`
    select r.id, r.advocate_id as "advocateId", r.friend_id as "friendId" from referrals r
    where r.store_id = ${p.storeId} and r.decides_at is not null and r.decides_at <= ${p.at}
    order by r.decides_at, r.id limit ${p.limit}`,
);

/** Referrals of these friends that are not over. */
export const listReferralsOfFriends = statement<{ friendIds: readonly string[] }, ReferralKey>(
  'list_referrals_of_friends',
  (p) => sql`
    select r.id, r.advocate_id as "advocateId", r.friend_id as "friendId" from referrals r
    where r.store_id = ${p.storeId} and r.friend_id = any(${p.friendIds}::uuid[])
      and r.state in ('registered', 'qualified', 'rewarded')
    order by r.id`,
);

/** Open invitations to the addresses of these customers, with who they turned out to be. */
export const listInvitationsOf = statement<
  { customerIds: readonly string[] },
  { id: string; friendId: string }
>(
  'list_invitations_of',
  (p) => sql`
    select r.id, c.id as "friendId" from customers c
    join referrals r on r.store_id = ${p.storeId} and r.invited_email = c.email_norm and r.state = 'invited'
    where c.store_id = ${p.storeId} and c.id = any(${p.customerIds}::uuid[]) and c.email_norm is not null
    order by r.id`,
);

/** A customer as advocate or friend. */
export interface PersonRow {
  id: string;
  emailNorm: string | null;
  phone: string | null;
  accountStatus: AccountStatus;
  memberStatus: MemberStatus | null;
  addresses: AddressFields[];
}

const people = statement<{ ids: readonly string[] }, PersonRow>(
  'list_people_of_referrals',
  (p) => sql`
    select c.id, c.email_norm as "emailNorm", c.phone, c.account_status as "accountStatus", m.status as "memberStatus",
      coalesce((select json_agg(json_build_object('line1', a.line1, 'line2', a.line2, 'city', a.city,
          'postcode', a.postcode, 'region', a.region, 'regionCode', a.region_code, 'countryCode', a.country_code))
        from addresses a where a.store_id = ${p.storeId} and a.customer_id = c.id), '[]') as addresses
    from customers c left join loyalty_members m on m.store_id = ${p.storeId} and m.customer_id = c.id
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])`,
);

export const listPeople = (db: Db, ids: readonly string[]): Promise<PersonRow[]> => people(db, { ids });

const advocateByCode = statement<{ code: string }, { id: string }>(
  'find_advocate_by_code',
  (p) => sql`
    select m.customer_id as id from loyalty_members m
    where m.store_id = ${p.storeId} and m.referral_code = ${p.code}`,
);

export const findAdvocateId = async (db: Db, code: string): Promise<string | undefined> =>
  (await advocateByCode(db, { code }))[0]?.id;

const wasReferred = statement<{ friendId: string | null; email: string | null; otherThan: string }, object>(
  'was_referred',
  (p) => sql`
    select 1 from referrals r
    where r.store_id = ${p.storeId} and r.id <> ${p.otherThan}::uuid
      and (r.friend_id = ${p.friendId}::uuid or r.invited_email = ${p.email}::text)
    limit 1`,
);

/** Whether another referral has ever named the friend, by id or by address. */
export const isReferred = async (
  db: Db,
  friend: { friendId: string | null; email: string | null; otherThan: string },
): Promise<boolean> => (await wasReferred(db, friend)).length > 0;

/** Lets one writer at a time invite an address: nobody is there yet whose row could be locked. */
export const lockInvitation = statement<{ email: string }, never>(
  'lock_invitation',
  (p) =>
    sql`select pg_advisory_xact_lock(hashtextextended('invite ' || ${p.storeId}::text || ${p.email}::text, 0))`,
);

/** Referrals of each advocate that are not rejected. */
export const countReferralsOf = statement<
  { advocateIds: readonly string[] },
  { advocateId: string; count: number }
>(
  'count_referrals_of',
  (p) => sql`
    select r.advocate_id as "advocateId", count(*)::integer as count from referrals r
    where r.store_id = ${p.storeId} and r.advocate_id = any(${p.advocateIds}::uuid[]) and r.state <> 'rejected'
    group by r.advocate_id`,
);

/** `status in (…)` of the orders that count (C7). */
const COUNTED = sql.raw(`(${COUNTED_STATUSES.map((status) => `'${status}'`).join(', ')})`);

/** The first order of each customer that counts. */
export const listFirstOrders = statement<
  { customerIds: readonly string[] },
  CountableOrder & { customerId: string }
>(
  'list_first_orders',
  (p) => sql`
    select distinct on (o.customer_id) o.customer_id as "customerId", o.id, o.status, o.is_test as "isTest", o.currency,
      o.placed_at as "placedAt", o.total, o.refunded_total as "refundedTotal"
    from orders o
    where o.store_id = ${p.storeId} and o.customer_id = any(${p.customerIds}::uuid[]) and not o.is_test
      and o.status in ${COUNTED}
    order by o.customer_id, o.placed_at, o.id`,
);

const lockOfCustomers = prepared<{ ids: readonly string[] }>()('lock_referrals_of_customers', (queries, p) =>
  queries
    .select()
    .from(referrals)
    .where(
      and(
        eq(referrals.storeId, p.storeId),
        or(
          sql`${referrals.advocateId} = any(${p.ids}::uuid[])`,
          sql`${referrals.friendId} = any(${p.ids}::uuid[])`,
        ),
      ),
    )
    .orderBy(referrals.id)
    .for('update'),
);

/** Every referral that one of these customers is part of, locked. */
export const lockReferralsOf = (tx: Tx, ids: readonly string[]): Promise<ReferralRow[]> =>
  lockOfCustomers(tx, { ids });
