// Points that end soon: whose they are, and whether that person is to hear of it.
import { sql } from 'drizzle-orm';
import { POINTS } from '../../domain/ledger/accounts.ts';
import { type Db, statement } from '../connection.ts';
import { FIRST_LOT, type LotPosition } from './expiry.ts';

/** A lot that ends. */
export interface EndingLot extends LotPosition {
  customerId: string;
  /** An active member with an address who heard of no points lately. */
  isToHear: boolean;
}

interface Window {
  from: Date;
  until: Date;
  /** Whoever got such a mail since then gets none. */
  pausedSince: Date;
  limit: number;
}

const ending = statement<LotPosition & Window, EndingLot>(
  'list_ending_points',
  (p) => sql`
    select l.expires_at::text as "expiresAt", l.account_id as "accountId", l.id as "lotId",
      a.customer_id as "customerId",
      m.customer_id is not null and c.email_norm is not null
        and c.account_status not in ('merged', 'erased', 'disabled')
        and not exists (
          select from messages x where x.store_id = ${p.storeId} and x.customer_id = a.customer_id
            and x.kind = 'points_expiring' and x.created_at > ${p.pausedSince}) as "isToHear"
    from (
      select expires_at, account_id, id from lots
      where store_id = ${p.storeId} and is_open and expires_at > ${p.from} and expires_at <= ${p.until}
        and (expires_at, account_id, id) > (${p.expiresAt}::timestamptz, ${p.accountId}::uuid, ${p.lotId}::uuid)
      order by expires_at, account_id, id limit ${p.limit}) l
    join ledger_accounts a on a.store_id = ${p.storeId} and a.id = l.account_id
    join customers c on c.store_id = ${p.storeId} and c.id = a.customer_id
    left join loyalty_members m on m.store_id = ${p.storeId} and m.customer_id = a.customer_id and m.status = 'active'
    where a.unit = ${sql.raw(`'${POINTS}'`)}
    order by l.expires_at, l.account_id, l.id`,
);

/** The next lots of points that end in the window, soonest first. */
export const listEndingPoints = (
  db: Db,
  { after = FIRST_LOT, ...window }: Window & { after?: LotPosition | undefined },
): Promise<EndingLot[]> => ending(db, { ...after, ...window });

const open = statement<
  { lotIds: readonly string[]; customerIds: readonly string[]; at: Date },
  { lotId: string }
>(
  'list_open_points',
  (p) => sql`
    select l.id as "lotId" from unnest(${p.lotIds}::uuid[], ${p.customerIds}::uuid[]) k (lot_id, customer_id)
    join ledger_accounts a on a.store_id = ${p.storeId} and a.customer_id = k.customer_id
      and a.unit = ${sql.raw(`'${POINTS}'`)}
    join lots l on l.store_id = ${p.storeId} and l.account_id = a.id and l.id = k.lot_id
    where l.is_open and l.expires_at > ${p.at}`,
);

/** Those of the lots of which something is left that still ends. */
export async function listOpenPoints(
  db: Db,
  lots: readonly { lotId: string; customerId: string }[],
  at: Date,
): Promise<Set<string>> {
  const rows = await open(db, {
    lotIds: lots.map(({ lotId }) => lotId),
    customerIds: lots.map(({ customerId }) => customerId),
    at,
  });
  return new Set(rows.map(({ lotId }) => lotId));
}
