// Consent: topics, append-only events with the wording that was shown, and the state that follows from them.
import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Channel, ConsentAction, ConsentSource, ConsentState } from '../../domain/mail/consents.ts';
import { bytes, id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';
import { stores } from './stores.ts';

export const topics = pgTable(
  'topics',
  {
    storeId: storeId(),
    key: keyText('key').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull(),
    position: integer('position').notNull(),
    archivedAt: instant('archived_at'),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'topics_pk', columns: [table.storeId, table.key] }),
    foreignKey({ name: 'topics_store_fk', columns: [table.storeId], foreignColumns: [stores.id] }).onDelete(
      'cascade',
    ),
  ],
);

/** What people agreed to, word for word; found by the hash of the text. */
export const consentWordings = pgTable(
  'consent_wordings',
  {
    storeId: storeId(),
    hash: bytes('hash').notNull(),
    version: keyText('version').notNull(),
    locale: keyText('locale').notNull(),
    text: text('text').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'consent_wordings_pk', columns: [table.storeId, table.hash] }),
    foreignKey({
      name: 'consent_wordings_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
  ],
);

/** Only added to. The address is what consent belongs to; the customer is whose it was then. */
export const consentEvents = pgTable(
  'consent_events',
  {
    storeId: storeId(),
    id: id(),
    channel: keyText('channel').$type<Channel>().notNull(),
    /** Normalised email or E.164 phone. */
    address: keyText('address').notNull(),
    topic: keyText('topic').notNull(),
    customerId: uuid('customer_id'),
    action: keyText('action').$type<ConsentAction>().notNull(),
    /** State from here on. */
    state: keyText('state').$type<ConsentState>().notNull(),
    effectiveAt: instant('effective_at').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    source: keyText('source').$type<ConsentSource>().notNull(),
    actor: keyText('actor').notNull(),
    wordingHash: bytes('wording_hash'),
    locale: keyText('locale'),
    /** What proves it: page, IP address, message and the like. */
    proof: jsonb('proof').$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    primaryKey({ name: 'consent_events_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'consent_events_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'consent_events_topic_fk',
      columns: [table.storeId, table.topic],
      foreignColumns: [topics.storeId, topics.key],
    }).onDelete('restrict'),
    foreignKey({
      name: 'consent_events_wording_fk',
      columns: [table.storeId, table.wordingHash],
      foreignColumns: [consentWordings.storeId, consentWordings.hash],
    }).onDelete('restrict'),
    index('consent_events_by_address').on(
      table.storeId,
      table.channel,
      table.address,
      table.topic,
      table.effectiveAt,
      table.id,
    ),
    index('consent_events_by_customer').on(table.storeId, table.customerId, table.id),
    check('consent_events_state_valid', sql`state in ('granted', 'pending', 'withdrawn')`),
  ],
);

/** The latest event of each address and topic. */
export const consents = pgTable(
  'consents',
  {
    storeId: storeId(),
    channel: keyText('channel').$type<Channel>().notNull(),
    address: keyText('address').notNull(),
    topic: keyText('topic').notNull(),
    state: keyText('state').$type<ConsentState>().notNull(),
    /** When somebody first agreed; kept over a confirmation. */
    since: instant('since').notNull(),
    effectiveAt: instant('effective_at').notNull(),
    eventId: uuid('event_id').notNull(),
  },
  (table) => [
    primaryKey({ name: 'consents_pk', columns: [table.storeId, table.channel, table.address, table.topic] }),
    foreignKey({
      name: 'consents_topic_fk',
      columns: [table.storeId, table.topic],
      foreignColumns: [topics.storeId, topics.key],
    }).onDelete('restrict'),
    check('consents_state_valid', sql`state in ('granted', 'pending', 'withdrawn')`),
  ],
);
