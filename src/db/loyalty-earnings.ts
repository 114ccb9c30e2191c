// What earned points, by which rule and for which source (P2), and what the ledger has of it.
import { and, eq, type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { EarningSource } from '../domain/loyalty/earning.ts';
import type { TierBasis, TierWindow } from '../domain/loyalty/tiers.ts';
import { COUNTED_STATUSES } from '../domain/orders.ts';
import type { Bound } from '../domain/segments/bound.ts';
import { type Db, execute, prepared, statement, type Tx } from './connection.ts';
import { insertRows, updateRows } from './record-sets.ts';
import { conditionOf } from './segments/compile.ts';
import { loyaltyEarnings } from './tables/loyalty.ts';

export type EarningRow = Omit<typeof loyaltyEarnings.$inferSelect, 'storeId'>;

const selectOfOrders = prepared<{ orderIds: readonly string[] }>()('list_earnings_of_orders', (queries, p) =>
  queries
    .select()
    .from(loyaltyEarnings)
    .where(
      and(
        eq(loyaltyEarnings.storeId, p.storeId),
        sql`${loyaltyEarnings.orderId} = any(${p.orderIds}::uuid[])`,
      ),
    )
    .orderBy(loyaltyEarnings.id),
);

/** Everything that these orders earned, the oldest first. */
export const listEarningsOfOrders = (db: Db, orderIds: readonly string[]): Promise<EarningRow[]> =>
  selectOfOrders(db, { orderIds });

const selectBySource = prepared<{ sourceKeys: readonly string[] }>()(
  'list_earnings_by_source',
  (queries, p) =>
    queries
      .select()
      .from(loyaltyEarnings)
      .where(
        and(
          eq(loyaltyEarnings.storeId, p.storeId),
          sql`${loyaltyEarnings.sourceKey} = any(${p.sourceKeys}::text[])`,
        ),
      ),
);

/** P2: what was earned under these keys. */
export const listEarningsBySource = (db: Db, sourceKeys: readonly string[]): Promise<EarningRow[]> =>
  selectBySource(db, { sourceKeys });

const selectOfEvents = statement<{ keys: readonly string[] }, { sourceKey: string }>(
  'list_source_keys_of_events',
  (p) => sql`
    select r.id || ':' || k.key as "sourceKey"
    from (select distinct rule->>'id' as id from loyalty_programmes v, jsonb_array_elements(v.settings->'rules') rule
      where v.store_id = ${p.storeId} and rule->>'kind' = 'event') r, unnest(${p.keys}::text[]) k (key)`,
);

/** P6: what events gave, under any rule that any version of the programme had. */
export async function listEarningsOfEvents(db: Db, sources: readonly EarningSource[]): Promise<EarningRow[]> {
  const keys = await selectOfEvents(db, { keys: sources.map(({ kind, id }) => `${kind}:${id}`) });
  return listEarningsBySource(
    db,
    keys.map(({ sourceKey }) => sourceKey),
  );
}

export const insertEarnings = insertRows<EarningRow>('insert_earnings', loyaltyEarnings);

/** Writes what is settled of earnings. */
export const updateReversed = updateRows<Pick<EarningRow, 'id' | 'reversed'>>(
  'update_reversed_earnings',
  loyaltyEarnings,
  ['reversed'],
);

/** A day of a customer in which caps count. */
export interface CapDay {
  customerId: string;
  from: Date;
  until: Date;
}

export interface CapSum {
  customerId: string;
  ruleId: string;
  from: Date;
  day: number;
  customer: number;
}

const sumCaps = statement<{ rows: string; ruleIds: readonly string[] }, CapSum>(
  'sum_earnings_for_caps',
  (p) => sql`
    select e.customer_id as "customerId", e.rule_id as "ruleId", d."from",
      coalesce(sum(e.points - e.reversed) filter (where e.earned_at >= d."from" and e.earned_at < d.until), 0)::bigint
        as day,
      sum(e.points - e.reversed)::bigint as customer
    from json_to_recordset(${p.rows}::json) as d("customerId" uuid, "from" timestamptz, until timestamptz)
    join loyalty_earnings e
      on e.store_id = ${p.storeId} and e.customer_id = d."customerId" and e.rule_id = any(${p.ruleIds}::text[])
    group by e.customer_id, e.rule_id, d."from"`,
);

/** What customers earned by these rules, net of reversals: on each day asked for, and ever. */
export const listCapSums = (db: Db, days: readonly CapDay[], ruleIds: readonly string[]): Promise<CapSum[]> =>
  sumCaps(db, { rows: JSON.stringify(days), ruleIds });

/** Whose value of a tier is asked for, and in which window. */
export interface ValueQuestion extends TierWindow {
  customerId: string;
}

const inWindow = (column: string): SQL =>
  sql.raw(`${column} >= coalesce(q."from", '-infinity') and ${column} < coalesce(q.until, 'infinity')`);

const counted = sql.raw(COUNTED_STATUSES.map((status) => `'${status}'`).join(', '));

const ordersIn = (storeId: Placeholder): SQL => sql`
  orders o on o.store_id = ${storeId} and o.customer_id = q."customerId" and ${inWindow('o.placed_at')}
    and o.status in (${counted}) and not o.is_test`;

const earningsIn = (storeId: Placeholder): SQL => sql`
  loyalty_earnings e on e.store_id = ${storeId} and e.customer_id = q."customerId" and ${inWindow('e.earned_at')}`;

type ValueParams = { questions: string; currency: string };

/** Windows come as rows, so that one statement answers for each member's own period. */
const valueStatement = (
  basis: TierBasis,
  sum: SQL,
  source: (p: Record<'storeId' | 'currency', Placeholder>) => SQL,
) =>
  statement<ValueParams, { place: number; value: number }>(
    `sum_tier_values_by_${basis}`,
    (p) => sql`
      select q.place, coalesce(${sum}, 0)::bigint as value
      from json_to_recordset(${p.questions}::json)
        as q(place integer, "customerId" uuid, "from" timestamptz, until timestamptz)
      left join ${source(p)} group by q.place`,
  );

const sumValues = {
  spend: valueStatement(
    'spend',
    sql`sum(o.total - o.refunded_total)`,
    ({ storeId, currency }) => sql`${ordersIn(storeId)} and o.currency = ${currency}`,
  ),
  orders: valueStatement('orders', sql`count(o.id)`, ({ storeId }) => ordersIn(storeId)),
  points_earned: valueStatement('points_earned', sql`sum(e.points - e.reversed)`, ({ storeId }) =>
    earningsIn(storeId),
  ),
} as const satisfies Record<TierBasis, unknown>;

/** P7: the value of the basis for each question, in their order. Money counts in the store's currency. */
export async function sumTierValues(
  db: Db,
  basis: TierBasis,
  questions: readonly ValueQuestion[],
  currency: string,
): Promise<number[]> {
  if (questions.length === 0) return [];
  const asked = questions.map((question, place) => ({ ...question, place }));
  const rows = await sumValues[basis](db, { questions: JSON.stringify(asked), currency });
  const values = new Map(rows.map(({ place, value }) => [place, value]));
  return questions.map((_, place) => values.get(place) ?? 0);
}

/** Which of the customers are in a segment; a query per segment, each customer asked one by one. */
export async function listSegmentHits(
  db: Db,
  customerIds: readonly string[],
  segments: readonly { slug: string; bound: Bound }[],
): Promise<{ slug: string; customerId: string }[]> {
  if (segments.length === 0 || customerIds.length === 0) return [];
  const parts = segments.map(
    ({ slug, bound }) => sql`
      select ${slug}::text as slug, customers.id as "customerId" from customers
      where customers.store_id = ${db.storeId}::uuid and customers.id = any(${sql.param([...customerIds])}::uuid[])
        and ${conditionOf(bound, { storeId: db.storeId, form: 'probe' })}`,
  );
  return execute(db, sql.join(parts, sql` union all `));
}

/** A lot that an earning opened, wherever a merge has moved it. */
export interface EarnedLot {
  accountId: string;
  id: string;
  source: string;
  ruleId: string;
}

const selectLots = statement<{ accountIds: readonly string[]; sources: readonly string[] }, EarnedLot>(
  'list_lots_of_sources',
  (p) => sql`
    select l.account_id as "accountId", l.id, l.source, l.rule->>'ruleId' as "ruleId" from lots l
    where l.store_id = ${p.storeId} and l.account_id = any(${p.accountIds}::uuid[]) and l.is_open
      and l.source = any(${p.sources}::text[])`,
);

/** The open lots of these sources in these accounts. */
export const listEarnedLots = (
  db: Db,
  accountIds: readonly string[],
  sources: readonly string[],
): Promise<EarnedLot[]> => selectLots(db, { accountIds, sources });

/** A lot whose end moves with its owner's activity (P4). */
export interface InactivityLot {
  accountId: string;
  id: string;
  expiresAt: Date;
  months: number;
}

const selectInactivity = statement<{ accountIds: readonly string[] }, InactivityLot>(
  'list_inactivity_lots',
  (p) => sql`
    select l.account_id as "accountId", l.id, l.expires_at as "expiresAt",
      (v.settings->'expiry'->>'months')::integer as months
    from lots l join loyalty_programmes v
      on v.store_id = ${p.storeId} and v.version = (l.rule->>'programmeVersion')::integer
    where l.store_id = ${p.storeId} and l.account_id = any(${p.accountIds}::uuid[]) and l.is_open
      and l.expires_at is not null and v.settings->'expiry'->>'kind' = 'inactivity_months'`,
);

export const listInactivityLots = (db: Db, accountIds: readonly string[]): Promise<InactivityLot[]> =>
  selectInactivity(db, { accountIds });

/** When a lot counts. */
export interface LotDates {
  accountId: string;
  id: string;
  activeFrom: Date;
  expiresAt: Date | null;
}

const setDates = statement<{ rows: string }, never>(
  'date_lots',
  (p) => sql`
    update lots l set active_from = r."activeFrom", expires_at = r."expiresAt"
    from json_to_recordset(${p.rows}::json)
      as r("accountId" uuid, id uuid, "activeFrom" timestamptz, "expiresAt" timestamptz)
    where l.store_id = ${p.storeId} and l.account_id = r."accountId" and l.id = r.id`,
);

/** Gives lots of locked accounts other dates; a booking tells optimistic writers of it. */
export async function dateLots(tx: Tx, rows: readonly LotDates[]): Promise<void> {
  if (rows.length > 0) await setDates(tx, { rows: JSON.stringify(rows) });
}

const move = statement<{ fromId: string; intoId: string }, never>(
  'move_earnings',
  (p) => sql`
    update loyalty_earnings set customer_id = ${p.intoId}
    where store_id = ${p.storeId} and customer_id = ${p.fromId}`,
);

/** C10: what the one earned is the other's. */
export const moveEarnings = (tx: Tx, between: { fromId: string; intoId: string }): Promise<unknown> =>
  move(tx, between);

const giveBack = statement<{ fromId: string; intoId: string }, never>(
  'return_earnings',
  (p) => sql`
    update loyalty_earnings e set customer_id = ${p.fromId} from ledger_accounts a
    where e.store_id = ${p.storeId} and e.customer_id = ${p.intoId} and a.store_id = ${p.storeId}
      and a.id = e.account_id and a.customer_id = ${p.fromId}
      and not exists (select from orders o where o.store_id = ${p.storeId} and o.id = e.order_id
        and o.customer_id <> ${p.fromId})`,
);

/** Takes a merge back: what was booked in the one's account is theirs again. */
export const returnEarnings = (tx: Tx, between: { fromId: string; intoId: string }): Promise<unknown> =>
  giveBack(tx, between);
