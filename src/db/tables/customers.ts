// Customers: profile, counters and the keys they are found, sorted and compared by; merges of two of them.
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { AccountStatus } from '../../domain/account-states.ts';
import type { Gender, Source } from '../../domain/customers.ts';
import type { MergeItemKind, MovedRecord } from '../../domain/merge.ts';
import { id, instant, keyText, storeId } from './columns.ts';
import { groups } from './groups.ts';
import { salesAgents } from './sales-agents.ts';
import { stores } from './stores.ts';

/** Lists walk these indexes without a look at the rows: whom they leave out is nobody's. */
const listed = sql`account_status not in ('merged', 'erased')`;

export const customers = pgTable(
  'customers',
  {
    storeId: storeId(),
    id: id(),
    externalId: keyText('external_id'),
    email: text('email'),
    /** C1: what is unique and looked up. */
    emailNorm: keyText('email_norm'),
    /** C11: without plus-tag and dots where the provider ignores them. */
    emailKey: keyText('email_key'),
    phone: keyText('phone'),
    /** ISO 3166-1 country of the phone; null for numbers that belong to none. */
    phoneCountry: keyText('phone_country'),
    /** C11: first and last name, folded, in one order. */
    nameKey: keyText('name_key'),
    firstName: text('first_name'),
    lastName: text('last_name'),
    company: text('company'),
    salesAgentId: uuid('sales_agent_id'),
    birthdayMonth: smallint('birthday_month'),
    birthdayDay: smallint('birthday_day'),
    birthdayYear: smallint('birthday_year'),
    gender: keyText('gender').$type<Gender>(),
    language: keyText('language'),
    timezone: keyText('timezone'),
    accountStatus: keyText('account_status').$type<AccountStatus>().notNull(),
    registeredAt: instant('registered_at'),
    source: keyText('source').$type<Source>().notNull(),
    acceptsMarketing: boolean('accepts_marketing').notNull(),
    /** Most marketing mails within 30 days that the customer wants; null: as many as the store sends. */
    contactLimit: smallint('contact_limit'),
    wholesale: boolean('wholesale').notNull(),
    primaryGroupId: uuid('primary_group_id'),
    custom: jsonb('custom').$type<Record<string, unknown>>().notNull(),
    ordersCount: integer('orders_count').notNull(),
    totalSpent: bigint('total_spent', { mode: 'number' }).notNull(),
    refundedTotal: bigint('refunded_total', { mode: 'number' }).notNull(),
    firstOrderAt: instant('first_order_at'),
    lastOrderAt: instant('last_order_at'),
    lastOrderId: uuid('last_order_id'),
    /** Copies of the default address, so that lists filter and sort by one index. */
    defaultCountry: keyText('default_country'),
    defaultRegion: keyText('default_region'),
    defaultCity: keyText('default_city'),
    defaultPostcode: keyText('default_postcode'),
    sortName: keyText('sort_name').notNull(),
    sortCompany: keyText('sort_company'),
    searchText: keyText('search_text').notNull(),
    mergedIntoId: uuid('merged_into_id'),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'customers_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'customers_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'customers_agent_fk',
      columns: [table.storeId, table.salesAgentId],
      foreignColumns: [salesAgents.storeId, salesAgents.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'customers_group_fk',
      columns: [table.storeId, table.primaryGroupId],
      foreignColumns: [groups.storeId, groups.id],
    }).onDelete('restrict'),
    // A survivor that is deleted takes those that were merged into it along: they are the same person.
    foreignKey({
      name: 'customers_merged_fk',
      columns: [table.storeId, table.mergedIntoId],
      foreignColumns: [table.storeId, table.id],
    }).onDelete('cascade'),
    index('customers_by_survivor')
      .on(table.storeId, table.mergedIntoId)
      .where(sql`merged_into_id is not null`),
    uniqueIndex('customers_email_unique')
      .on(table.storeId, table.emailNorm)
      .where(sql`email_norm is not null and ${listed}`),
    uniqueIndex('customers_external_id_unique')
      .on(table.storeId, table.externalId)
      .where(sql`external_id is not null and ${listed}`),
    index('customers_by_email').on(table.storeId, table.emailNorm, table.id).where(listed),
    index('customers_by_email_key')
      .on(table.storeId, table.emailKey, table.id)
      .where(sql`email_key is not null and account_status not in ('merged', 'erased')`),
    index('customers_by_phone')
      .on(table.storeId, table.phone, table.id)
      .where(sql`phone is not null and account_status not in ('merged', 'erased')`),
    index('customers_by_name_key')
      .on(table.storeId, table.nameKey, table.defaultPostcode, table.id)
      .where(sql`name_key is not null and account_status not in ('merged', 'erased')`),
    index('customers_by_name').on(table.storeId, table.sortName, table.id).where(listed),
    index('customers_by_company').on(table.storeId, table.sortCompany, table.id).where(listed),
    index('customers_by_country').on(table.storeId, table.defaultCountry, table.id).where(listed),
    index('customers_by_place')
      .on(table.storeId, table.defaultCountry, table.defaultCity, table.id)
      .where(listed),
    index('customers_by_city').on(table.storeId, table.defaultCity, table.id).where(listed),
    index('customers_by_postcode').on(table.storeId, table.defaultPostcode).where(listed),
    index('customers_by_orders_count').on(table.storeId, table.ordersCount, table.id).where(listed),
    index('customers_by_total_spent').on(table.storeId, table.totalSpent, table.id).where(listed),
    // The counters stand behind the id, so that who spent much and did not come back is found in the index alone.
    index('customers_by_last_order')
      .on(table.storeId, table.lastOrderAt, table.id, table.totalSpent, table.ordersCount)
      .where(listed),
    index('customers_by_birthday')
      .on(table.storeId, table.birthdayMonth, table.birthdayDay, table.id)
      .where(listed),
    index('customers_by_status').on(table.storeId, table.accountStatus, table.id).where(listed),
    index('customers_by_created').on(table.storeId, table.createdAt, table.id).where(listed),
    index('customers_by_group').on(table.storeId, table.primaryGroupId, table.id),
    index('customers_by_agent')
      .on(table.storeId, table.salesAgentId, table.id)
      .where(sql`sales_agent_id is not null`),
    index('customers_by_search').using('gin', sql`search_text gin_trgm_ops`),
    check(
      'customers_status_known',
      sql`account_status in ('guest', 'invited', 'active', 'disabled', 'merged', 'erased')`,
    ),
    check('customers_counters_valid', sql`orders_count >= 0 and total_spent >= 0 and refunded_total >= 0`),
    check('customers_money_safe', sql`total_spent < 9007199254740992 and refunded_total < 9007199254740992`),
  ],
);

/** C10: what a merge wrote over, so that it can be undone within 30 days. */
export const merges = pgTable(
  'merges',
  {
    storeId: storeId(),
    id: id(),
    intoId: uuid('into_id').notNull(),
    fromId: uuid('from_id').notNull(),
    moved: jsonb('moved').$type<MovedRecord>().notNull(),
    mergedAt: instant('merged_at').notNull(),
    undoneAt: instant('undone_at'),
  },
  (table) => [
    primaryKey({ name: 'merges_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'merges_into_fk',
      columns: [table.storeId, table.intoId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'merges_from_fk',
      columns: [table.storeId, table.fromId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    index('merges_by_from').on(table.storeId, table.fromId),
    index('merges_by_into').on(table.storeId, table.intoId),
  ],
);

/** C10: what left the merged customer, one row each: a customer can have more orders than fit into one value. */
export const mergeItems = pgTable(
  'merge_items',
  {
    storeId: storeId(),
    mergeId: uuid('merge_id').notNull(),
    kind: keyText('kind').$type<MergeItemKind>().notNull(),
    itemId: uuid('item_id').notNull(),
    /** Of tags and groups: how and when they were assigned. */
    source: keyText('source'),
    assignedAt: instant('assigned_at'),
  },
  (table) => [
    primaryKey({ name: 'merge_items_pk', columns: [table.storeId, table.mergeId, table.kind, table.itemId] }),
    foreignKey({
      name: 'merge_items_merge_fk',
      columns: [table.storeId, table.mergeId],
      foreignColumns: [merges.storeId, merges.id],
    }).onDelete('cascade'),
  ],
);
