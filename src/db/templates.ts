// Templates of mails, their versions, and which one a mail takes.
import { and, eq, type SQL, sql } from 'drizzle-orm';
import { localesFor } from '../domain/mail/templates.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute, prepared, statement, type Tx } from './connection.ts';
import { columnsOf, definitionOf } from './record-sets.ts';
import { templates, templateVersions } from './tables/templates.ts';

export type TemplateRow = Omit<typeof templates.$inferSelect, 'storeId'>;
export type TemplateVersionRow = Omit<typeof templateVersions.$inferSelect, 'storeId'>;

/** A template in lists: without its texts. */
export type TemplateSummary = Omit<
  TemplateRow,
  'source' | 'textSource' | 'preheader' | 'variables' | 'missing'
>;

/** A published version with what its template says of it. */
export type PublishedTemplate = Pick<
  TemplateVersionRow,
  'templateId' | 'number' | 'subject' | 'html' | 'text' | 'missing' | 'variables'
> &
  Pick<TemplateRow, 'key' | 'locale' | 'name' | 'class'>;

const named = (columns: Record<string, string>, table: string): SQL =>
  sql.raw(
    Object.entries(columns)
      .map(([property, column]) => `${table}.${column} as "${property}"`)
      .join(', '),
  );

const SUMMARY = named(
  {
    id: 'id',
    key: 'key',
    locale: 'locale',
    name: 'name',
    class: 'class',
    format: 'format',
    subject: 'subject',
    published: 'published',
    archivedAt: 'archived_at',
    version: 'version',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
  },
  't',
);

const PUBLISHED = sql`${named({ key: 'key', locale: 'locale', name: 'name', class: 'class' }, 't')}, ${named(
  {
    templateId: 'template_id',
    number: 'number',
    subject: 'subject',
    html: 'html',
    text: 'text',
    missing: 'missing',
    variables: 'variables',
  },
  'v',
)}`;

const findOne = prepared<{ id: string }>()('find_template', (queries, p) =>
  queries
    .select()
    .from(templates)
    .where(and(eq(templates.storeId, p.storeId), eq(templates.id, p.id))),
);

export const findTemplate = async (db: Db, id: string): Promise<TemplateRow | undefined> =>
  (await findOne(db, { id }))[0];

const lockOne = prepared<{ id: string }>()('lock_template', (queries, p) =>
  queries
    .select()
    .from(templates)
    .where(and(eq(templates.storeId, p.storeId), eq(templates.id, p.id)))
    .for('update'),
);

export const lockTemplate = async (tx: Tx, id: string): Promise<TemplateRow | undefined> =>
  (await lockOne(tx, { id }))[0];

export interface TemplateFilter {
  key?: string | undefined;
  locale?: string | undefined;
  class?: string | undefined;
  archived?: boolean | undefined;
}

/** Templates by key and language. */
export function listTemplates(
  db: Db,
  { key, locale, class: messageClass, archived }: TemplateFilter,
  { after, limit }: PageStart<[key: string, locale: string]>,
): Promise<TemplateSummary[]> {
  const conditions = [
    sql`t.store_id = ${db.storeId}`,
    ...(after ? [sql`(t.key, t.locale) > (${after[0]}, ${after[1]})`] : []),
    ...(key === undefined ? [] : [sql`t.key = ${key}`]),
    ...(locale === undefined ? [] : [sql`t.locale = ${locale}`]),
    ...(messageClass === undefined ? [] : [sql`t.class = ${messageClass}`]),
    ...(archived === undefined ? [] : [sql`(t.archived_at is not null) = ${archived}`]),
  ];
  return execute(
    db,
    sql`select ${SUMMARY} from templates t where ${sql.join(conditions, sql` and `)}
      order by t.key, t.locale limit ${limit}`,
  );
}

const columns = columnsOf(templates);
const versionColumns = columnsOf(templateVersions);
const namesOf = (list: typeof columns) => sql.raw(list.map(({ name }) => `"${name}"`).join(', '));
const valuesOf = (list: typeof columns) => sql.raw(list.map(({ property }) => `r."${property}"`).join(', '));

const insert = statement<{ rows: string; versions: string }, { id: string }>(
  'insert_templates',
  (p) => sql`
    with added as (
      insert into templates (store_id, ${namesOf(columns)})
      select ${p.storeId}, ${valuesOf(columns)} from json_to_recordset(${p.rows}::json) as r(${definitionOf(columns)})
      on conflict (store_id, key, locale) do nothing returning id),
    published as (
      insert into template_versions (store_id, ${namesOf(versionColumns)})
      select ${p.storeId}, ${valuesOf(versionColumns)}
      from json_to_recordset(${p.versions}::json) as r(${definitionOf(versionColumns)})
      join added on added.id = r."templateId")
    select id from added`,
);

/** Adds templates with their versions; those whose key and language are taken are left out. Resolves to the ids. */
export const insertTemplates = async (
  tx: Tx,
  rows: readonly TemplateRow[],
  versions: readonly TemplateVersionRow[] = [],
): Promise<string[]> =>
  (await insert(tx, { rows: JSON.stringify(rows), versions: JSON.stringify(versions) })).map(({ id }) => id);

export const updateTemplate = (tx: Tx, id: string, change: Partial<TemplateRow>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(templates)
      .set(change)
      .where(and(eq(templates.storeId, tx.storeId), eq(templates.id, id))),
  );

export const insertVersion = (tx: Tx, version: TemplateVersionRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(templateVersions).values({ ...version, storeId: tx.storeId }));

const findOneVersion = prepared<{ templateId: string; number: number }>()(
  'find_template_version',
  (queries, p) =>
    queries
      .select()
      .from(templateVersions)
      .where(
        and(
          eq(templateVersions.storeId, p.storeId),
          eq(templateVersions.templateId, p.templateId),
          eq(templateVersions.number, p.number),
        ),
      ),
);

export const findTemplateVersion = async (
  db: Db,
  templateId: string,
  number: number,
): Promise<TemplateVersionRow | undefined> => (await findOneVersion(db, { templateId, number }))[0];

/** A version in lists. */
export type VersionSummary = Pick<TemplateVersionRow, 'number' | 'subject' | 'publishedBy' | 'publishedAt'>;

const selectVersions = statement<{ templateId: string; before: number; limit: number }, VersionSummary>(
  'list_template_versions',
  (p) => sql`
    select v.number, v.subject, v.published_by as "publishedBy", v.published_at as "publishedAt"
    from template_versions v
    where v.store_id = ${p.storeId} and v.template_id = ${p.templateId} and v.number < ${p.before} and v.number > 0
    order by v.number desc limit ${p.limit}`,
);

const BEHIND_ALL = 2 ** 31 - 1;

/** Published versions, the latest first. */
export const listTemplateVersions = (
  db: Db,
  templateId: string,
  { after, limit }: PageStart<[number: number]>,
): Promise<VersionSummary[]> => selectVersions(db, { templateId, before: after?.[0] ?? BEHIND_ALL, limit });

const selectTrial = statement<{ templateId: string }, { number: number }>(
  'last_template_trial',
  (p) => sql`
    select coalesce(min(v.number), 0) as number from template_versions v
    where v.store_id = ${p.storeId} and v.template_id = ${p.templateId} and v.number <= 0`,
);

/** Number for a draft that is sent as a test: below zero, so that nobody takes it for a published one. */
export const nextTrialNumber = async (tx: Tx, templateId: string): Promise<number> =>
  ((await selectTrial(tx, { templateId }))[0]?.number ?? 0) - 1;

/** Drafts that were tried out before the instant. */
export const deleteTrials = statement<{ templateId: string; before: Date }, never>(
  'delete_template_trials',
  (p) => sql`
    delete from template_versions v
    where v.store_id = ${p.storeId} and v.template_id = ${p.templateId} and v.number < 0
      and v.published_at < ${p.before}`,
);

const selectFor = statement<{ key: string; locales: readonly string[] }, PublishedTemplate>(
  'find_template_for',
  (p) => sql`
    select ${PUBLISHED} from templates t
    join template_versions v on v.store_id = t.store_id and v.template_id = t.id and v.number = t.published
    where t.store_id = ${p.storeId} and v.store_id = ${p.storeId} and t.key = ${p.key} and t.archived_at is null
      and t.locale = any(${p.locales}::text[])
    order by array_position(${p.locales}::text[], t.locale) limit 1`,
);

/** What a mail is to say, to whom and in which shop. */
export interface TemplateWanted {
  key: string;
  /** Of the customer. */
  language: string | null | undefined;
  /** Of the store. */
  locale: string;
}

/** The latest version of a key, in the customer's language or the next best (`localesFor`). */
export const findTemplateFor = async (
  db: Db,
  { key, language, locale }: TemplateWanted,
): Promise<PublishedTemplate | undefined> =>
  (await selectFor(db, { key, locales: localesFor(language, locale) }))[0];

const selectExact = statement<{ templateId: string; number: number }, PublishedTemplate>(
  'find_published_template',
  (p) => sql`
    select ${PUBLISHED} from template_versions v
    join templates t on t.store_id = v.store_id and t.id = v.template_id
    where v.store_id = ${p.storeId} and t.store_id = ${p.storeId} and v.template_id = ${p.templateId}
      and v.number = ${p.number}`,
);

/** A version by name: what a campaign or a mail was tied to. */
export const findPublishedTemplate = async (
  db: Db,
  templateId: string,
  number: number,
): Promise<PublishedTemplate | undefined> => (await selectExact(db, { templateId, number }))[0];

const selectKeys = statement<{ locale: string }, { key: string }>(
  'list_template_keys',
  (p) => sql`select t.key from templates t where t.store_id = ${p.storeId} and t.locale = ${p.locale}`,
);

/** Keys that the store has in this language, archived ones too. */
export const listTemplateKeys = async (db: Db, locale: string): Promise<Set<string>> =>
  new Set((await selectKeys(db, { locale })).map(({ key }) => key));
