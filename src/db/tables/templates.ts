// Templates of mails: a draft that changes, and versions that do not.
import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { MessageClass } from '../../domain/mail/messages.ts';
import type { MissingPolicy, TemplateFormat, TemplateVariable } from '../../domain/mail/templates.ts';
import { id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';

/** What a writer edits and a version freezes. */
const content = {
  format: keyText('format').$type<TemplateFormat>().notNull(),
  subject: text('subject').notNull(),
  preheader: text('preheader').notNull(),
  source: text('source').notNull(),
  /** Plain text part; null: made from the HTML. */
  textSource: text('text_source'),
  variables: jsonb('variables').$type<TemplateVariable[]>().notNull(),
  missing: keyText('missing').$type<MissingPolicy>().notNull(),
};

export const templates = pgTable(
  'templates',
  {
    storeId: storeId(),
    id: id(),
    /** What mails of the service look for; one per language. */
    key: keyText('key').notNull(),
    locale: keyText('locale').notNull(),
    name: text('name').notNull(),
    class: keyText('class').$type<MessageClass>().notNull(),
    ...content,
    /** Latest published version; null: none yet. */
    published: integer('published'),
    archivedAt: instant('archived_at'),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'templates_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'templates_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
    unique('templates_key_unique').on(table.storeId, table.key, table.locale),
    check('templates_class_valid', sql`class in ('transactional', 'marketing')`),
    check('templates_format_valid', sql`format in ('mjml', 'html')`),
  ],
);

/** Compiled once, never changed: a mail that was sent can be shown as it was. */
export const templateVersions = pgTable(
  'template_versions',
  {
    storeId: storeId(),
    templateId: uuid('template_id').notNull(),
    number: integer('number').notNull(),
    ...content,
    /** Liquid in HTML, inlined and responsive. */
    html: text('html').notNull(),
    /** Liquid in plain text. */
    text: text('text').notNull(),
    publishedBy: keyText('published_by').notNull(),
    publishedAt: instant('published_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'template_versions_pk', columns: [table.storeId, table.templateId, table.number] }),
    foreignKey({
      name: 'template_versions_template_fk',
      columns: [table.storeId, table.templateId],
      foreignColumns: [templates.storeId, templates.id],
    }).onDelete('cascade'),
  ],
);
