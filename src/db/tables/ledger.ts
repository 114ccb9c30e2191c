// The ledger: accounts of customers, transfers, lots, allocations, overdrafts and holds. Transfers and allocations are
// only inserted (L1): the role of the service may not change or delete them.
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { HoldStatus, LotShare } from '../../domain/ledger/accounts.ts';
import type { LotRule, TransferKind } from '../../domain/ledger/entries.ts';
import { bytes, id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';

const amount = (name: string) => bigint(name, { mode: 'number' }).notNull();

/** One per customer and unit: the row that every change of the balance locks. System accounts are names and have no row. */
export const ledgerAccounts = pgTable(
  'ledger_accounts',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    /** ISO 4217 currency, or `points`. */
    unit: keyText('unit').notNull(),
    /** Σ credits − Σ debits of its transfers (L2). */
    balance: amount('balance'),
    /** What was debited beyond all lots; Σ of what is left of its overdrafts. */
    overdraft: amount('overdraft'),
    /** Number of its last transfer. */
    seq: amount('seq'),
    /** Grows with every change, holds too: what writers compare. */
    version: amount('version'),
    /** SHA-256 of its last transfer (L8). */
    hash: bytes('hash').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'ledger_accounts_pk', columns: [table.storeId, table.id] }),
    unique('ledger_accounts_unit_unique').on(table.storeId, table.customerId, table.unit),
    foreignKey({
      name: 'ledger_accounts_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('restrict'),
    check('ledger_accounts_balance_valid', sql`overdraft >= 0 and balance >= -overdraft and seq >= 0`),
  ],
);

export const transfers = pgTable(
  'transfers',
  {
    storeId: storeId(),
    id: id(),
    accountId: uuid('account_id').notNull(),
    /** 1, 2, 3 … in the account. */
    seq: amount('seq'),
    unit: keyText('unit').notNull(),
    kind: keyText('kind').$type<TransferKind>().notNull(),
    /** True: from the counter account to the customer's; false: the other way. */
    isCredit: boolean('is_credit').notNull(),
    /** The system account on the other side: `issued:order`, `redeemed`, … */
    counterAccount: keyText('counter_account').notNull(),
    amount: amount('amount'),
    balanceAfter: amount('balance_after'),
    /** When it counts, and when it was written down (L9). */
    effectiveAt: instant('effective_at').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    /** L7: names the command; unique per store. */
    reference: keyText('reference').notNull(),
    /** What the command said, hashed: a repeat has to say the same. */
    fingerprint: bytes('fingerprint'),
    /** The transfer that this one corrects: a refund its capture, a reversal its earning. */
    correctsId: uuid('corrects_id'),
    holdId: uuid('hold_id'),
    orderId: uuid('order_id'),
    hash: bytes('hash').notNull(),
  },
  (table) => [
    primaryKey({ name: 'transfers_pk', columns: [table.storeId, table.id] }),
    unique('transfers_seq_unique').on(table.storeId, table.accountId, table.seq),
    unique('transfers_reference_unique').on(table.storeId, table.reference),
    foreignKey({
      name: 'transfers_account_fk',
      columns: [table.storeId, table.accountId],
      foreignColumns: [ledgerAccounts.storeId, ledgerAccounts.id],
    }).onDelete('restrict'),
    index('transfers_by_correction').on(table.storeId, table.correctsId).where(sql`corrects_id is not null`),
    index('transfers_by_order').on(table.storeId, table.orderId).where(sql`order_id is not null`),
    check('transfers_amount_valid', sql`amount > 0 and seq > 0`),
  ],
);

/** Why a person did it, in their words. Beside the chain, so that it can be erased without breaking a hash (L8). */
export const transferNotes = pgTable(
  'transfer_notes',
  {
    storeId: storeId(),
    transferId: uuid('transfer_id').notNull(),
    reason: text('reason').notNull(),
  },
  (table) => [
    primaryKey({ name: 'transfer_notes_pk', columns: [table.storeId, table.transferId] }),
    foreignKey({
      name: 'transfer_notes_transfer_fk',
      columns: [table.storeId, table.transferId],
      foreignColumns: [transfers.storeId, transfers.id],
    }).onDelete('restrict'),
  ],
);

/** What one credit brought, and what is left of it. */
export const lots = pgTable(
  'lots',
  {
    storeId: storeId(),
    accountId: uuid('account_id').notNull(),
    id: id(),
    /** The transfer that opened it. */
    transferId: uuid('transfer_id').notNull(),
    amount: amount('amount'),
    remaining: amount('remaining'),
    /** `remaining > 0`, as a column that changes once: an index on what is open stays small and updates stay cheap. */
    isOpen: boolean('is_open').notNull(),
    /** L5: it counts from here … */
    activeFrom: instant('active_from').notNull(),
    /** … and stops counting here, to the millisecond. */
    expiresAt: instant('expires_at'),
    /** Where it came from: `order:<id>`, `referral:<id>`, … */
    source: keyText('source'),
    /** The rule, its version and the formula that made it. */
    rule: jsonb('rule').$type<LotRule | null>(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'lots_pk', columns: [table.storeId, table.accountId, table.id] }),
    foreignKey({
      name: 'lots_transfer_fk',
      columns: [table.storeId, table.transferId],
      foreignColumns: [transfers.storeId, transfers.id],
    }).onDelete('restrict'),
    index('lots_open').on(table.storeId, table.accountId).where(sql`is_open`),
    index('lots_open_by_expiry').on(table.storeId, table.expiresAt, table.accountId).where(sql`is_open`),
    check(
      'lots_remaining_valid',
      sql`amount > 0 and remaining >= 0 and remaining <= amount and is_open = (remaining > 0)`,
    ),
    check('lots_expiry_valid', sql`expires_at is null or expires_at > active_from`),
  ],
);

/** Which lots a transfer took from, or gave back to. A debit beyond all lots is allocated when new lots come. */
export const allocations = pgTable(
  'allocations',
  {
    storeId: storeId(),
    transferId: uuid('transfer_id').notNull(),
    accountId: uuid('account_id').notNull(),
    lotId: uuid('lot_id').notNull(),
    /** Number of the account's transfer with which it was written; later than the debit's own for an overdraft. */
    seq: amount('seq'),
    /** Above 0: taken from the lot; below: given back. So `lot.amount − Σ` is what remains. */
    amount: amount('amount'),
  },
  (table) => [
    primaryKey({
      name: 'allocations_pk',
      columns: [table.storeId, table.transferId, table.lotId, table.seq],
    }),
    foreignKey({
      name: 'allocations_transfer_fk',
      columns: [table.storeId, table.transferId],
      foreignColumns: [transfers.storeId, transfers.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'allocations_lot_fk',
      columns: [table.storeId, table.accountId, table.lotId],
      foreignColumns: [lots.storeId, lots.accountId, lots.id],
    }).onDelete('restrict'),
    index('allocations_by_lot').on(table.storeId, table.accountId, table.lotId),
    check('allocations_amount_valid', sql`amount <> 0`),
  ],
);

/** What a debit took beyond all lots, and how much of that no later lot has covered yet. */
export const overdrafts = pgTable(
  'overdrafts',
  {
    storeId: storeId(),
    accountId: uuid('account_id').notNull(),
    transferId: uuid('transfer_id').notNull(),
    amount: amount('amount'),
    remaining: amount('remaining'),
  },
  (table) => [
    primaryKey({ name: 'overdrafts_pk', columns: [table.storeId, table.accountId, table.transferId] }),
    foreignKey({
      name: 'overdrafts_transfer_fk',
      columns: [table.storeId, table.transferId],
      foreignColumns: [transfers.storeId, transfers.id],
    }).onDelete('restrict'),
    check('overdrafts_remaining_valid', sql`amount > 0 and remaining >= 0 and remaining <= amount`),
  ],
);

/** A reservation of certain lots until a time (K6). One that ran out frees them by time; its row may stay `open`. */
export const holds = pgTable(
  'holds',
  {
    storeId: storeId(),
    id: id(),
    accountId: uuid('account_id').notNull(),
    status: keyText('status').$type<HoldStatus>().notNull(),
    amount: amount('amount'),
    /** What of which lot is reserved. */
    lots: jsonb('lots').$type<LotShare[]>().notNull(),
    captured: amount('captured'),
    /** The capture. */
    transferId: uuid('transfer_id'),
    reference: keyText('reference').notNull(),
    fingerprint: bytes('fingerprint'),
    orderId: uuid('order_id'),
    expiresAt: instant('expires_at').notNull(),
    createdAt: instant('created_at').notNull(),
    closedAt: instant('closed_at'),
  },
  (table) => [
    primaryKey({ name: 'holds_pk', columns: [table.storeId, table.id] }),
    unique('holds_reference_unique').on(table.storeId, table.reference),
    foreignKey({
      name: 'holds_account_fk',
      columns: [table.storeId, table.accountId],
      foreignColumns: [ledgerAccounts.storeId, ledgerAccounts.id],
    }).onDelete('restrict'),
    index('holds_open').on(table.storeId, table.accountId, table.expiresAt).where(sql`status = 'open'`),
    index('holds_by_account').on(table.storeId, table.accountId, table.id),
    check('holds_captured_valid', sql`amount > 0 and captured >= 0 and captured <= amount`),
    check('holds_status_valid', sql`status in ('open', 'captured', 'voided')`),
  ],
);
