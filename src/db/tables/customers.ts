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
import { id, instant, keyText, storeId } from './columns.ts';
import { groups } from './groups.ts';
import { salesAgents } from './sales-agents.ts';
import { stores } from './stores.ts';

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
    foreignKey({ name: 'customers_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
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
    uniqueIndex('customers_email_unique')
      .on(table.storeId, table.emailNorm)
      .where(sql`email_norm is not null and account_status not in ('merged', 'erased')`),
    uniqueIndex('customers_external_id_unique')
      .on(table.storeId, table.externalId)
      .where(sql`external_id is not null and account_status not in ('merged', 'erased')`),
    index('customers_by_email').on(table.storeId, table.emailNorm, table.id),
    index('customers_by_email_key').on(table.storeId, table.emailKey),
    index('customers_by_phone').on(table.storeId, table.phone),
    index('customers_by_name').on(table.storeId, table.sortName, table.id),
    index('customers_by_company').on(table.storeId, table.sortCompany, table.id),
    index('customers_by_country').on(table.storeId, table.defaultCountry, table.id),
    index('customers_by_city').on(table.storeId, table.defaultCity, table.id),
    index('customers_by_postcode').on(table.storeId, table.defaultPostcode),
    index('customers_by_orders_count').on(table.storeId, table.ordersCount, table.id),
    index('customers_by_total_spent').on(table.storeId, table.totalSpent, table.id),
    index('customers_by_last_order').on(table.storeId, table.lastOrderAt, table.id),
    index('customers_by_status').on(table.storeId, table.accountStatus, table.id),
    index('customers_by_created').on(table.storeId, table.createdAt, table.id),
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

/** C10: what a merge moved, so that it can be undone within 30 days. */
export const merges = pgTable(
  'merges',
  {
    storeId: storeId(),
    id: id(),
    intoId: uuid('into_id').notNull(),
    fromId: uuid('from_id').notNull(),
    moved: jsonb('moved').$type<Record<string, unknown>>().notNull(),
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
    index('merges_by_from').on(table.storeId, table.fromId),
    index('merges_by_into').on(table.storeId, table.intoId),
  ],
);
