// The ledger as pages: accounts, lots, transfers and holds.
import { type SQL, sql } from 'drizzle-orm';
import type { ShownHoldStatus } from '../../domain/ledger/accounts.ts';
import type { LotRule, TransferKind } from '../../domain/ledger/entries.ts';
import type { PageStart } from '../../domain/pages.ts';
import { type Db, execute } from '../connection.ts';
import { HOLD_COLUMNS, type HoldView, holdSource } from './holds.ts';
import { TRANSFER_COLUMNS, type TransferView, transferSource } from './transfers.ts';

/** All that are given must hold. */
const all = (...conditions: (SQL | undefined)[]): SQL =>
  sql.join(
    conditions.filter((condition) => condition !== undefined),
    sql` and `,
  );

/** A condition on a value, where one was given. */
const where = <T>(value: T | undefined, condition: (value: T) => SQL): SQL | undefined =>
  value === undefined ? undefined : condition(value);

export type IdKey = readonly [id: string];

export interface AccountFilter {
  customerId?: string | undefined;
  unit?: string | undefined;
}

/** A page of accounts, oldest first: their ids. */
export const listAccountIds = async (
  db: Db,
  { customerId, unit }: AccountFilter,
  { after, limit }: PageStart<IdKey>,
): Promise<string[]> => {
  const rows = await execute<{ id: string }>(
    db,
    sql`
      select a.id from ledger_accounts a
      where ${all(
        sql`a.store_id = ${db.storeId}`,
        where(customerId, (id) => sql`a.customer_id = ${id}`),
        where(unit, (text) => sql`a.unit = ${text}`),
        where(after, ([id]) => sql`a.id > ${id}`),
      )}
      order by a.id limit ${limit}`,
  );
  return rows.map(({ id }) => id);
};

/** A lot as the API shows it. */
export interface LotView {
  id: string;
  accountId: string;
  transferId: string;
  amount: number;
  remaining: number;
  isOpen: boolean;
  activeFrom: Date;
  expiresAt: Date | null;
  source: string | null;
  rule: LotRule | null;
  createdAt: Date;
}

/** A page of an account's lots, newest first, those that are used up too. */
export const listLots = (db: Db, accountId: string, { after, limit }: PageStart<IdKey>): Promise<LotView[]> =>
  execute<LotView>(
    db,
    sql`
      select l.id, l.account_id as "accountId", l.transfer_id as "transferId", l.amount, l.remaining,
        l.is_open as "isOpen", l.active_from as "activeFrom", l.expires_at as "expiresAt", l.source, l.rule,
        l.created_at as "createdAt"
      from lots l
      where ${all(
        sql`l.store_id = ${db.storeId} and l.account_id = ${accountId}`,
        where(after, ([id]) => sql`l.id < ${id}`),
      )}
      order by l.id desc limit ${limit}`,
  );

export interface TransferFilter {
  accountId?: string | undefined;
  customerId?: string | undefined;
  unit?: string | undefined;
  kind?: TransferKind | undefined;
  orderId?: string | undefined;
  /** Recorded from this instant on. */
  from?: Date | undefined;
  /** Recorded before this instant. */
  until?: Date | undefined;
}

export type TransferKey = IdKey;

/** Of a customer or an account: ids first, so that few rows are sorted instead of many filtered. */
const ofAccounts = (db: Db, { accountId, customerId }: TransferFilter): SQL | undefined =>
  all(
    where(accountId, (id) => sql`t.account_id = ${id}`) ?? sql`true`,
    where(
      customerId,
      (id) => sql`t.account_id = any(array(
        select own.id from ledger_accounts own where own.store_id = ${db.storeId} and own.customer_id = ${id}))`,
    ),
  );

/** A page of transfers, newest first: ids are UUID v7, which sort by age. */
export const listTransfers = (
  db: Db,
  filter: TransferFilter,
  { after, limit }: PageStart<TransferKey>,
): Promise<TransferView[]> =>
  execute<TransferView>(
    db,
    sql`
      select ${TRANSFER_COLUMNS} from ${transferSource(db.storeId)}
      where ${all(
        sql`t.store_id = ${db.storeId}`,
        ofAccounts(db, filter),
        where(filter.unit, (unit) => sql`t.unit = ${unit}`),
        where(filter.kind, (kind) => sql`t.kind = ${kind}`),
        where(filter.orderId, (id) => sql`t.order_id = ${id}`),
        where(filter.from, (instant) => sql`t.recorded_at >= ${instant}`),
        where(filter.until, (instant) => sql`t.recorded_at < ${instant}`),
        where(after, ([id]) => sql`t.id < ${id}`),
      )}
      order by t.id desc limit ${limit}`,
  );

export interface HoldFilter {
  accountId?: string | undefined;
  customerId?: string | undefined;
  status?: ShownHoldStatus | undefined;
}

/** K6: a hold whose time has run out is `expired`, whatever its row says. */
function isInStatus(status: ShownHoldStatus, at: Date): SQL {
  switch (status) {
    case 'open':
      return sql`h.status = 'open' and h.expires_at > ${at}`;
    case 'expired':
      return sql`h.status = 'open' and h.expires_at <= ${at}`;
    default:
      return sql`h.status = ${status}`;
  }
}

/** A page of holds, newest first. */
export const listHolds = (
  db: Db,
  { accountId, customerId, status }: HoldFilter,
  at: Date,
  { after, limit }: PageStart<IdKey>,
): Promise<HoldView[]> =>
  execute<HoldView>(
    db,
    sql`
      select ${HOLD_COLUMNS} from ${holdSource(db.storeId)}
      where ${all(
        sql`h.store_id = ${db.storeId}`,
        where(accountId, (id) => sql`h.account_id = ${id}`),
        where(customerId, (id) => sql`a.customer_id = ${id}`),
        where(status, (name) => isInStatus(name, at)),
        where(after, ([id]) => sql`h.id < ${id}`),
      )}
      order by h.id desc limit ${limit}`,
  );
