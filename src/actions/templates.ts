// Templates: drafts that change, versions that do not, and the ready-made ones that every store has.
import type { Renderer } from '../clients/mail-renderer.ts';
import type { CompiledTemplate } from '../clients/template-compiler.ts';
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import {
  findTemplate,
  findTemplateFor,
  findTemplateVersion,
  insertTemplates,
  insertVersion,
  listTemplateKeys,
  listTemplates,
  lockTemplate,
  type PublishedTemplate,
  type TemplateFilter,
  type TemplateRow,
  type TemplateVersionRow,
  type TemplateWanted,
  updateTemplate as updateRow,
} from '../db/templates.ts';
import { changedFields } from '../domain/customers.ts';
import { sameValue } from '../domain/fields.ts';
import { normaliseLanguage } from '../domain/locales.ts';
import type { MessageClass } from '../domain/mail/messages.ts';
import { COMPILED } from '../domain/mail/ready-made/compiled.ts';
import { isReadyMade, READY_MADE, type ReadyMade } from '../domain/mail/ready-made/templates.ts';
import {
  checkDeclarations,
  checkSizes,
  checkVariables,
  checkWayOut,
  type MissingPolicy,
  READY_MADE_LOCALE,
  type TemplateFormat,
  type TemplateProblem,
  type TemplateVariable,
} from '../domain/mail/templates.ts';
import type { PageStart } from '../domain/pages.ts';
import { Problem } from '../errors.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** What looking at and publishing templates needs. */
export interface TemplateDesk {
  renderer: Renderer;
}

/** What a draft says; a merge-patch names what changes. */
export interface TemplateChange {
  name?: string;
  format?: TemplateFormat;
  subject?: string;
  preheader?: string;
  source?: string;
  textSource?: string | null;
  variables?: TemplateVariable[];
  missing?: MissingPolicy;
}

export interface NewTemplate extends TemplateChange {
  key: string;
  locale: string;
  name: string;
  class: MessageClass;
  subject: string;
  source: string;
}

/** A template as the API shows it. */
export function toTemplate<Row extends Pick<TemplateRow, 'published' | 'archivedAt'>>(row: Row) {
  const { published, archivedAt, ...shown } = row;
  return {
    ...shown,
    ...(published !== null && { publishedVersion: published }),
    ...(archivedAt && { archivedAt }),
  };
}

export type Template = ReturnType<typeof toTemplate<TemplateRow>>;

function refuseProblems(errors: readonly TemplateProblem[]): void {
  if (errors.length > 0) throw new Problem('TEMPLATE_INVALID', { errors: [...errors] });
}

function checkDraft(draft: TemplateRow): void {
  refuseProblems([...checkSizes(draft), ...checkDeclarations(draft.variables)]);
}

function localeOf(text: string): string {
  const locale = normaliseLanguage(text);
  if (locale !== undefined) return locale;
  const message = 'A BCP 47 language tag, such as de or pt-BR.';
  throw new Problem('TEMPLATE_INVALID', {
    errors: [{ pointer: '/locale', code: 'LANGUAGE_INVALID', message }],
  });
}

/**
 * Makes a draft; no mail takes it before it is published.
 * @throws Problem TEMPLATE_INVALID, TEMPLATE_KEY_TAKEN
 */
export function createTemplate(ctx: Ctx, input: NewTemplate): Promise<Template> {
  const { key, name, class: messageClass, subject, source } = input;
  const row: TemplateRow = {
    id: ctx.newId(),
    key,
    locale: localeOf(input.locale),
    name,
    class: messageClass,
    format: input.format ?? 'mjml',
    subject,
    preheader: input.preheader ?? '',
    source,
    textSource: input.textSource ?? null,
    variables: input.variables ?? [],
    missing: input.missing ?? 'fail',
    published: null,
    archivedAt: null,
    version: 1,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  checkDraft(row);
  return write(ctx, async (tx) => {
    const [added] = await insertTemplates(tx, [row]);
    if (added === undefined) throw new Problem('TEMPLATE_KEY_TAKEN', { key, locale: row.locale });
    const data = { key, locale: row.locale };
    await tell(ctx, tx, { kind: 'template.created', customerId: null, subjectId: row.id, data });
    return toTemplate(row);
  });
}

/** The template, locked and held against If-Match. */
async function lockKnown(tx: Tx, id: string, ifMatch: number | undefined): Promise<TemplateRow> {
  const row = await lockTemplate(tx, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'template' });
  if (ifMatch !== undefined && ifMatch !== row.version)
    throw new Problem('VERSION_MISMATCH', { version: row.version });
  return row;
}

async function lockUsable(tx: Tx, id: string, ifMatch: number | undefined): Promise<TemplateRow> {
  const row = await lockKnown(tx, id, ifMatch);
  if (row.archivedAt) throw new Problem('TEMPLATE_ARCHIVED');
  return row;
}

const CONTENT = ['format', 'subject', 'preheader', 'source', 'textSource', 'variables', 'missing'] as const;

/** Texts are long: the timeline tells that they changed, not what they were. */
const changesToTell = (before: TemplateRow, after: TemplateRow) => ({
  changes: changedFields(before, after, ['name', 'subject']),
  fields: CONTENT.filter((field) => !sameValue(before[field], after[field])),
});

/**
 * Merge-patch of the draft. Mails go on with the published version.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, TEMPLATE_ARCHIVED, TEMPLATE_INVALID
 */
export function updateTemplate(
  ctx: Ctx,
  id: string,
  change: TemplateChange,
  ifMatch?: number,
): Promise<Template> {
  return write(ctx, async (tx) => {
    const row = await lockUsable(tx, id, ifMatch);
    const after = { ...row, ...change };
    checkDraft(after);
    const told = changesToTell(row, after);
    if (told.fields.length === 0 && after.name === row.name) return toTemplate(row);
    const saved = { ...after, version: row.version + 1, updatedAt: ctx.now };
    await updateRow(tx, id, saved);
    await tell(ctx, tx, { kind: 'template.updated', customerId: null, subjectId: id, data: told });
    return toTemplate(saved);
  });
}

/**
 * Compiles a draft and holds it against what it declares.
 * @throws Problem TEMPLATE_INVALID with every place to mend
 */
export async function compileDraft(
  { renderer }: TemplateDesk,
  draft: TemplateRow,
): Promise<CompiledTemplate> {
  const compiled = await renderer.compile(draft);
  if (!compiled.ok) throw new Problem('TEMPLATE_INVALID', { errors: [...compiled.problems] });
  refuseProblems([...checkVariables(compiled.uses, draft.variables), ...checkWayOut(compiled.uses, draft)]);
  return compiled;
}

/** The content of a draft, as a version keeps it. */
export const versionOf = (
  ctx: Ctx,
  draft: TemplateRow,
  number: number,
  { html, text }: Pick<CompiledTemplate, 'html' | 'text'>,
): TemplateVersionRow => {
  const { id: templateId, format, subject, preheader, source, textSource, variables, missing } = draft;
  const content = { format, subject, preheader, source, textSource, variables, missing };
  return { templateId, number, ...content, html, text, publishedBy: ctx.actor, publishedAt: ctx.now };
};

/** The published version says what the draft says. */
async function isPublished(tx: Tx, draft: TemplateRow): Promise<boolean> {
  const latest =
    draft.published === null ? undefined : await findTemplateVersion(tx, draft.id, draft.published);
  return latest !== undefined && CONTENT.every((field) => sameValue(latest[field], draft[field]));
}

/** Compiling takes a while: it is done before the transaction, and its refusal is told within. */
async function tried<Result>(work: () => Promise<Result>): Promise<() => Result> {
  try {
    const result = await work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/**
 * Makes the draft the version that mails take from now on. A draft that is published already stays as it is.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, TEMPLATE_ARCHIVED, TEMPLATE_INVALID, CONFLICT when it changed meanwhile
 */
export async function publishTemplate(
  ctx: Ctx,
  desk: TemplateDesk,
  id: string,
  ifMatch?: number,
): Promise<Template> {
  const draft = await findTemplate(ctx.db, id);
  const compiled = draft && (await tried(() => compileDraft(desk, draft)));
  return write(ctx, async (tx) => {
    const row = await lockUsable(tx, id, ifMatch);
    if (!draft || !compiled || row.version !== draft.version) throw new Problem('CONFLICT');
    if (await isPublished(tx, row)) return toTemplate(row);
    const number = (row.published ?? 0) + 1;
    await insertVersion(tx, versionOf(ctx, row, number, compiled()));
    const change = { published: number, version: row.version + 1, updatedAt: ctx.now };
    await updateRow(tx, id, change);
    const data = { key: row.key, locale: row.locale, version: number };
    await tell(ctx, tx, { kind: 'template.published', customerId: null, subjectId: id, data });
    return toTemplate({ ...row, ...change });
  });
}

async function setArchived(ctx: Ctx, tx: Tx, row: TemplateRow, archivedAt: Date | null): Promise<Template> {
  if ((row.archivedAt === null) === (archivedAt === null)) return toTemplate(row);
  const change = { archivedAt, version: row.version + 1, updatedAt: ctx.now };
  await updateRow(tx, row.id, change);
  await tell(ctx, tx, {
    kind: archivedAt ? 'template.archived' : 'template.restored',
    customerId: null,
    subjectId: row.id,
    data: { key: row.key, locale: row.locale },
  });
  return toTemplate({ ...row, ...change });
}

/**
 * No mail takes it any more; its versions stay. What mails of the service fall back to cannot go.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, TEMPLATE_NEEDED
 */
export function archiveTemplate(ctx: Ctx, id: string, ifMatch?: number): Promise<Template> {
  return write(ctx, async (tx) => {
    const row = await lockKnown(tx, id, ifMatch);
    if (isReadyMade(row.key) && row.locale === READY_MADE_LOCALE)
      throw new Problem('TEMPLATE_NEEDED', { key: row.key });
    return setArchived(ctx, tx, row, ctx.now);
  });
}

/**
 * Takes an archived template back into use.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH
 */
export const restoreTemplate = (ctx: Ctx, id: string, ifMatch?: number): Promise<Template> =>
  write(ctx, async (tx) => setArchived(ctx, tx, await lockKnown(tx, id, ifMatch), null));

// The ready-made ones

function readyMadeRow(
  ctx: Ctx,
  { key, name, class: messageClass, subject, preheader, source, variables }: ReadyMade,
) {
  const row: TemplateRow = {
    id: ctx.newId(),
    key,
    locale: READY_MADE_LOCALE,
    name,
    class: messageClass,
    format: 'mjml',
    subject,
    preheader,
    source,
    textSource: null,
    variables,
    missing: 'fail',
    published: 1,
    archivedAt: null,
    version: 1,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  return row;
}

function compiledOf(key: string): { html: string; text: string } {
  const compiled = COMPILED[key];
  if (!compiled)
    throw new Error(`The ready-made template ${key} is not compiled: run \`npm run ready-made\`.`);
  return compiled;
}

/** Adds the ready-made templates, published as version 1. */
export async function addReadyMade(
  ctx: Ctx,
  tx: Tx,
  templates: readonly ReadyMade[] = READY_MADE,
): Promise<void> {
  const rows = templates.map((template) => readyMadeRow(ctx, template));
  await insertTemplates(
    tx,
    rows,
    rows.map((row) => versionOf(ctx, row, 1, compiledOf(row.key))),
  );
}

/** Adds those ready-made templates that a store, opened by an earlier version of this service, has not. */
export async function ensureReadyMade(ctx: Ctx, tx: Tx): Promise<void> {
  const known = await listTemplateKeys(tx, READY_MADE_LOCALE);
  const lacking = READY_MADE.filter(({ key }) => !known.has(key));
  if (lacking.length > 0) await addReadyMade(ctx, tx, lacking);
}

const isWhole = (filter: TemplateFilter): boolean =>
  Object.values(filter).every((value) => value === undefined);

/** Templates of the store; one that has none yet, opened by an earlier version, gets the ready-made ones. */
export async function listStoreTemplates(
  ctx: Ctx,
  filter: TemplateFilter,
  start: PageStart<[key: string, locale: string]>,
) {
  let rows = await listTemplates(ctx.db, filter, start);
  if (rows.length === 0 && start.after === undefined && isWhole(filter)) {
    await transaction(ctx.db, (tx) => ensureReadyMade(ctx, tx));
    rows = await listTemplates(ctx.db, filter, start);
  }
  return rows.map(toTemplate);
}

/** The template that a mail of the key takes; a ready-made one is added where the store lacks it. */
export async function templateFor(
  ctx: Ctx,
  tx: Tx,
  wanted: TemplateWanted,
): Promise<PublishedTemplate | undefined> {
  const found = await findTemplateFor(tx, wanted);
  if (found || !isReadyMade(wanted.key)) return found;
  await ensureReadyMade(ctx, tx);
  return findTemplateFor(tx, wanted);
}
