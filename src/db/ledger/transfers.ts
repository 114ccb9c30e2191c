// Transfers as they are read: by id, by reference, with what they took and what was given back.
import { type SQL, sql } from 'drizzle-orm';
import type { TransferKind } from '../../domain/ledger/entries.ts';
import type { RefundableDebit } from '../../domain/ledger/refunds.ts';
import { type Db, statement } from '../connection.ts';

/** A transfer as the API shows it. */
export interface TransferView {
  id: string;
  accountId: string;
  customerId: string;
  seq: number;
  unit: string;
  kind: TransferKind;
  isCredit: boolean;
  counterAccount: string;
  amount: number;
  balanceAfter: number;
  effectiveAt: Date;
  recordedAt: Date;
  reference: string;
  fingerprint: string | null;
  correctsId: string | null;
  holdId: string | null;
  orderId: string | null;
  reason: string | null;
  hash: string;
}

/** Of `transfers t`, its account `a` and its note `n`. */
export const TRANSFER_COLUMNS: SQL = sql`
  t.id, t.account_id as "accountId", a.customer_id as "customerId", t.seq, t.unit, t.kind, t.is_credit as "isCredit",
  t.counter_account as "counterAccount", t.amount, t.balance_after as "balanceAfter", t.effective_at as "effectiveAt",
  t.recorded_at as "recordedAt", t.reference, encode(t.fingerprint, 'hex') as fingerprint,
  t.corrects_id as "correctsId", t.hold_id as "holdId", t.order_id as "orderId", n.reason,
  encode(t.hash, 'hex') as hash`;

export const transferSource = (storeId: unknown): SQL => sql`
  transfers t join ledger_accounts a on a.store_id = ${storeId} and a.id = t.account_id
  left join transfer_notes n on n.store_id = ${storeId} and n.transfer_id = t.id`;

const byId = statement<{ id: string }, TransferView>(
  'find_transfer',
  (p) => sql`
    select ${TRANSFER_COLUMNS} from ${transferSource(p.storeId)} where t.store_id = ${p.storeId} and t.id = ${p.id}`,
);

export const findTransfer = async (db: Db, id: string): Promise<TransferView | undefined> =>
  (await byId(db, { id }))[0];

const byReference = statement<{ reference: string }, TransferView>(
  'find_transfer_by_reference',
  (p) => sql`
    select ${TRANSFER_COLUMNS} from ${transferSource(p.storeId)}
    where t.store_id = ${p.storeId} and t.reference = ${p.reference}`,
);

/** L7: the transfer of this command, if it was made already. */
export const findTransferByReference = async (db: Db, reference: string): Promise<TransferView | undefined> =>
  (await byReference(db, { reference }))[0];

interface SpentRow {
  id: string;
  remaining: number;
  activeFrom: Date;
  expiresAt: Date | null;
  taken: number;
  givenBack: number;
}

const spentBy = statement<{ transferId: string; accountId: string }, SpentRow>(
  'list_spent_lots',
  (p) => sql`
    with taken as (
      select lot_id, sum(amount)::bigint as amount from allocations
      where store_id = ${p.storeId} and transfer_id = ${p.transferId} group by lot_id),
    given_back as (
      select al.lot_id, -sum(al.amount)::bigint as amount
      from transfers t join allocations al on al.store_id = ${p.storeId} and al.transfer_id = t.id and al.amount < 0
      where t.store_id = ${p.storeId} and t.corrects_id = ${p.transferId} group by al.lot_id)
    select l.id, l.remaining, l.active_from as "activeFrom", l.expires_at as "expiresAt", taken.amount as taken,
      coalesce(given_back.amount, 0) as "givenBack"
    from taken join lots l on l.store_id = ${p.storeId} and l.account_id = ${p.accountId} and l.id = taken.lot_id
    left join given_back on given_back.lot_id = l.id`,
);

const refundedOf = statement<{ transferId: string }, { refunded: number }>(
  'sum_refunds_of_transfer',
  (p) => sql`
    select coalesce(sum(t.amount), 0)::bigint as refunded from transfers t
    where t.store_id = ${p.storeId} and t.corrects_id = ${p.transferId} and t.is_credit`,
);

/** K7: what a debit took from which lots, and what of it came back. Decide under the account's lock or version. */
export async function findRefundable(
  db: Db,
  { id, accountId, amount }: Pick<TransferView, 'id' | 'accountId' | 'amount'>,
): Promise<RefundableDebit> {
  const [sums] = await refundedOf(db, { transferId: id });
  return {
    amount,
    lots: await spentBy(db, { transferId: id, accountId }),
    refunded: sums?.refunded ?? 0,
  };
}

const lotByTransfer = statement<{ transferId: string; accountId: string }, { id: string }>(
  'find_lot_of_transfer',
  (p) => sql`
    select l.id from lots l
    where l.store_id = ${p.storeId} and l.account_id = ${p.accountId} and l.transfer_id = ${p.transferId} limit 1`,
);

/** The lot that a grant opened. */
export const findLotOf = async (
  db: Db,
  grant: { transferId: string; accountId: string },
): Promise<string | undefined> => (await lotByTransfer(db, grant))[0]?.id;
