// Holds as they are read (K6).
import { type SQL, sql } from 'drizzle-orm';
import type { Hold } from '../../domain/ledger/accounts.ts';
import { type Db, statement } from '../connection.ts';

/** A hold with whose it is and how it came about. */
export interface HoldView extends Hold {
  accountId: string;
  customerId: string;
  unit: string;
  reference: string;
  fingerprint: string | null;
  orderId: string | null;
  createdAt: Date;
  closedAt: Date | null;
}

/** Of `holds h` and its account `a`. */
export const HOLD_COLUMNS: SQL = sql`
  h.id, h.account_id as "accountId", a.customer_id as "customerId", a.unit, h.status, h.amount, h.lots, h.captured,
  h.transfer_id as "transferId", h.reference, encode(h.fingerprint, 'hex') as fingerprint, h.order_id as "orderId",
  h.expires_at as "expiresAt", h.created_at as "createdAt", h.closed_at as "closedAt"`;

export const holdSource = (storeId: unknown): SQL =>
  sql`holds h join ledger_accounts a on a.store_id = ${storeId} and a.id = h.account_id`;

const byId = statement<{ id: string }, HoldView>(
  'find_hold',
  (p) => sql`
    select ${HOLD_COLUMNS} from ${holdSource(p.storeId)} where h.store_id = ${p.storeId} and h.id = ${p.id}`,
);

export const findHold = async (db: Db, id: string): Promise<HoldView | undefined> =>
  (await byId(db, { id }))[0];

const byReference = statement<{ reference: string }, HoldView>(
  'find_hold_by_reference',
  (p) => sql`
    select ${HOLD_COLUMNS} from ${holdSource(p.storeId)}
    where h.store_id = ${p.storeId} and h.reference = ${p.reference}`,
);

/** L7: the hold of this command, if it was made already. */
export const findHoldByReference = async (db: Db, reference: string): Promise<HoldView | undefined> =>
  (await byReference(db, { reference }))[0];
