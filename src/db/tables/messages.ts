// Messages: every mail of any kind is one row, with its attempts and clicks; addresses that get none.
import { sql } from 'drizzle-orm';
import {
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
import type { SuppressionReason } from '../../domain/mail/consents.ts';
import type {
  AttemptOutcome,
  FailureReason,
  MessageClass,
  MessageKind,
  MessageStatus,
  SkipReason,
} from '../../domain/mail/messages.ts';
import { bytes, id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

/** Mails that still wait, or are being sent. */
const open = sql`status in ('pending', 'ready', 'deferred', 'sending')`;

/**
 * The row is the truth; queue jobs carry only ids (M5). A campaign freezes its audience here in one statement, skipped
 * people included, so it has no foreign keys: the one to the customer took 45 % of that time, and its locks held up every
 * change of the customers in the audience (deleteMailsOf in db/campaigns does what it did).
 */
export const messages = pgTable(
  'messages',
  {
    storeId: storeId(),
    id: id(),
    /** Null for tests of a template, which go to an address alone. */
    customerId: uuid('customer_id'),
    kind: keyText('kind').$type<MessageKind>().notNull(),
    /** Here and below, defaults let the version before this one still write its rows. */
    class: keyText('class').$type<MessageClass>().notNull().default('transactional'),
    status: keyText('status').$type<MessageStatus>().notNull(),
    /** Of skipped, failed and cancelled ones. */
    reason: keyText('reason').$type<SkipReason | FailureReason>(),
    campaignId: uuid('campaign_id'),
    topic: keyText('topic'),
    orderId: uuid('order_id'),
    templateId: uuid('template_id'),
    templateVersion: integer('template_version'),
    /** Where it goes instead of the customer's address; once it is sent, where it went. */
    toEmail: text('to_email'),
    /** Domain of the recipient, for throttles. */
    domain: keyText('domain'),
    subject: text('subject'),
    /** Facts for the template; never a secret: tokens are made when the mail is rendered (I1). */
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    /** Who wrote or caused it. */
    actor: keyText('actor'),
    /** What must be told once has a name; a second mail of that name is not written. */
    reference: keyText('reference'),
    sendAfter: instant('send_after').notNull().defaultNow(),
    /** Who works on it, and until when nobody else does. In no index: taking a waiting mail stays on its page (HOT). */
    leaseId: uuid('lease_id'),
    leaseUntil: instant('lease_until'),
    attempts: smallint('attempts').notNull().default(0),
    createdAt: instant('created_at').notNull(),
    sentAt: instant('sent_at'),
    deliveredAt: instant('delivered_at'),
    bouncedAt: instant('bounced_at'),
    complainedAt: instant('complained_at'),
    unsubscribedAt: instant('unsubscribed_at'),
    clickedAt: instant('clicked_at'),
  },
  (table) => [
    primaryKey({ name: 'messages_pk', columns: [table.storeId, table.id] }),
    index('messages_by_customer').on(table.storeId, table.customerId, table.id),
    uniqueIndex('messages_campaign_unique')
      .on(table.storeId, table.campaignId, table.customerId)
      .where(sql`campaign_id is not null`),
    uniqueIndex('messages_reference_unique')
      .on(table.storeId, table.reference)
      .where(sql`reference is not null`),
    index('messages_due').on(table.storeId, table.campaignId, table.sendAfter, table.id).where(open),
    index('messages_sending').on(table.storeId, table.id).where(sql`status = 'sending'`),
    // What operators count: mails whose fate nobody knows.
    index('messages_unknown').on(table.storeId, table.id).where(sql`status = 'unknown'`),
    // Across stores: what the sweeper looks for.
    index('messages_due_anywhere').on(table.sendAfter).where(sql`campaign_id is null and ${open}`),
    // Contact limits ask who was written to lately.
    index('messages_contacts')
      .on(table.storeId, table.sentAt, table.customerId)
      .where(sql`class = 'marketing' and sent_at is not null`),
    check(
      'messages_status_valid',
      sql`status in ('pending', 'ready', 'sending', 'deferred', 'sent', 'failed', 'unknown', 'skipped', 'cancelled')`,
    ),
    check('messages_class_valid', sql`class in ('transactional', 'marketing')`),
    check('messages_reason_given', sql`status not in ('skipped', 'failed') or reason is not null`),
  ],
);

/** M4: each attempt to send a mail, and what the server said. */
export const messageAttempts = pgTable(
  'message_attempts',
  {
    storeId: storeId(),
    messageId: uuid('message_id').notNull(),
    number: smallint('number').notNull(),
    outcome: keyText('outcome').$type<AttemptOutcome>().notNull(),
    /** SMTP reply code, 0 when the connection failed. */
    code: smallint('code'),
    /** What the server said, at most 500 characters. */
    response: text('response'),
    endedAt: instant('ended_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'message_attempts_pk', columns: [table.storeId, table.messageId, table.number] }),
    foreignKey({
      name: 'message_attempts_message_fk',
      columns: [table.storeId, table.messageId],
      foreignColumns: [messages.storeId, messages.id],
    }).onDelete('cascade'),
  ],
);

/** One opening of a link; those of scanners are told apart. */
export const messageClicks = pgTable(
  'message_clicks',
  {
    storeId: storeId(),
    messageId: uuid('message_id').notNull(),
    id: id(),
    url: text('url').notNull(),
    machine: boolean('machine').notNull(),
    clickedAt: instant('clicked_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'message_clicks_pk', columns: [table.storeId, table.messageId, table.id] }),
    foreignKey({
      name: 'message_clicks_message_fk',
      columns: [table.storeId, table.messageId],
      foreignColumns: [messages.storeId, messages.id],
    }).onDelete('cascade'),
  ],
);

/** Addresses that get no mail, by their HMAC, so that the entry outlives the erasure of the customer. */
export const suppressions = pgTable(
  'suppressions',
  {
    storeId: storeId(),
    addressHash: bytes('address_hash').notNull(),
    /** The normalised address for lists and joins; null once its customer was erased. */
    email: keyText('email'),
    reason: keyText('reason').$type<SuppressionReason>().notNull(),
    /** Soft bounces that were counted since they began to count. */
    bounces: integer('bounces').notNull(),
    countedSince: instant('counted_since').notNull(),
    /** Null: until somebody takes it back. In the past: counted, but not suppressed. */
    until: instant('until'),
    active: boolean('active').notNull(),
    messageId: uuid('message_id'),
    note: text('note'),
    actor: keyText('actor').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'suppressions_pk', columns: [table.storeId, table.addressHash] }),
    foreignKey({
      name: 'suppressions_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
    index('suppressions_by_email').on(table.storeId, table.email).where(sql`email is not null`),
    index('suppressions_by_time').on(table.storeId, table.createdAt, table.addressHash),
  ],
);
