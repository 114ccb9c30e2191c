// Looking at templates before a customer does: previews, and tests that go to an address of one's own.
import type { RenderTemplate } from '../clients/mail-renderer.ts';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  deleteTrials,
  findTemplate,
  findTemplateVersion,
  insertVersion,
  nextTrialNumber,
  type TemplateRow,
  type TemplateVersionRow,
} from '../db/templates.ts';
import { normaliseEmail } from '../domain/emails.ts';
import {
  exampleVariables,
  mergeVariables,
  TEMPLATE_ROOTS,
  type Variables,
} from '../domain/mail/template-variables.ts';
import type { TemplateVariable } from '../domain/mail/templates.ts';
import { Problem } from '../errors.ts';
import { recentStoreOf } from './customers.ts';
import { customerVariables, storeVariables } from './mail-variables.ts';
import { queueMessages } from './messages.ts';
import { compileDraft, type TemplateDesk, versionOf } from './templates.ts';
import { write } from './write.ts';

/** Roots that are the store's or the customer's own: of a real one nothing is made up. */
const REAL_ROOTS = ['customer', 'credit', 'points', 'tier', 'referral'];

async function realVariables(ctx: Ctx, customerId: string): Promise<Variables> {
  const variables = (await customerVariables(ctx, [customerId])).get(customerId);
  if (!variables) throw new Problem('REFERENCE_UNKNOWN', { reference: '/customerId' });
  return variables;
}

/**
 * What a template is shown with: the store as it is, the customer if one is named, examples for all else.
 * @throws Problem REFERENCE_UNKNOWN
 */
export async function trialVariables(
  ctx: Ctx,
  declared: readonly TemplateVariable[],
  customerId: string | undefined,
): Promise<Variables> {
  const store = storeVariables(await recentStoreOf(ctx));
  const made = TEMPLATE_ROOTS.filter(
    (root) => root !== 'store' && (customerId === undefined || !REAL_ROOTS.includes(root)),
  );
  const examples = mergeVariables(exampleVariables(declared, made), store);
  return customerId === undefined ? examples : mergeVariables(examples, await realVariables(ctx, customerId));
}

async function templateOf(ctx: Ctx, id: string): Promise<TemplateRow> {
  const template = await findTemplate(ctx.db, id);
  if (!template) throw new Problem('NOT_FOUND', { resource: 'template' });
  return template;
}

async function versionNumbered(ctx: Ctx, id: string, number: number): Promise<TemplateVersionRow> {
  const version = await findTemplateVersion(ctx.db, id, number);
  if (!version) throw new Problem('NOT_FOUND', { resource: 'version' });
  return version;
}

/** The draft, compiled now, or a version as it was published. */
async function rendered(
  ctx: Ctx,
  desk: TemplateDesk,
  draft: TemplateRow,
  number: number | undefined,
): Promise<RenderTemplate & { variables: TemplateVariable[] }> {
  const { id, locale } = draft;
  if (number !== undefined) {
    const { subject, html, text, missing, variables } = await versionNumbered(ctx, id, number);
    return { id, number, subject, html, text, missing, variables, locale };
  }
  const { html, text } = await compileDraft(desk, draft);
  const { subject, missing, variables } = draft;
  return { id, number: null, subject, html, text, missing, variables, locale };
}

export interface PreviewRequest {
  customerId?: string;
  /** A published version; the draft, if absent. */
  version?: number;
  /** Laid over everything else. */
  variables?: Variables;
}

export interface TemplatePreview {
  subject: string;
  html: string;
  text: string;
  /** Variables without a value: with the policy `fail` such a mail would not go out. */
  missing: string[];
}

/**
 * Shows what a mail would say. Nothing is stored or sent.
 * @throws Problem NOT_FOUND, REFERENCE_UNKNOWN, TEMPLATE_INVALID, TEMPLATE_NOT_RENDERED
 */
export async function previewTemplate(
  ctx: Ctx,
  desk: TemplateDesk,
  id: string,
  { customerId, version, variables = {} }: PreviewRequest,
): Promise<TemplatePreview> {
  const template = await rendered(ctx, desk, await templateOf(ctx, id), version);
  const shown = mergeVariables(await trialVariables(ctx, template.variables, customerId), variables);
  const [outcome] = await desk.renderer.renderMails([{ template, variables: shown, listMissing: true }]);
  if (!outcome?.ok) {
    const { code: reason, detail: why, line } = outcome ?? { code: 'TEMPLATE_ERROR', detail: '' };
    throw new Problem('TEMPLATE_NOT_RENDERED', { reason, why, ...(line !== undefined && { line }) });
  }
  const { subject, html, text, missing = [] } = outcome;
  return { subject, html, text, missing };
}

export interface TestRequest {
  to: string;
  customerId?: string;
  version?: number;
}

export interface QueuedTest {
  messageId: string;
  to: string;
}

const TRIALS_KEPT_MS = 7 * 24 * 3_600_000;

/** Keeps the draft as it is tried, under a number of its own: what was sent can be shown as it was. */
async function keepTrial(ctx: Ctx, tx: Tx, trial: TemplateVersionRow): Promise<number> {
  const { templateId } = trial;
  await deleteTrials(tx, { templateId, before: new Date(ctx.now.getTime() - TRIALS_KEPT_MS) });
  const number = await nextTrialNumber(tx, templateId);
  await insertVersion(tx, { ...trial, number });
  return number;
}

/**
 * Queues a mail of the draft, or of a version, to any address.
 * @throws Problem NOT_FOUND, EMAIL_INVALID, REFERENCE_UNKNOWN, TEMPLATE_INVALID
 */
export async function testTemplate(
  ctx: Ctx,
  desk: TemplateDesk,
  id: string,
  { to, customerId, version }: TestRequest,
): Promise<QueuedTest> {
  const toEmail = normaliseEmail(to);
  if (toEmail === undefined)
    throw new Problem('TEMPLATE_INVALID', {
      errors: [{ pointer: '/to', code: 'EMAIL_INVALID', message: 'Not an email address.' }],
    });
  const draft = await templateOf(ctx, id);
  const template = await rendered(ctx, desk, draft, version);
  await trialVariables(ctx, template.variables, customerId);
  return write(ctx, async (tx) => {
    const number = version ?? (await keepTrial(ctx, tx, versionOf(ctx, draft, 0, template)));
    const [messageId] = await queueMessages(ctx, tx, [
      {
        kind: 'test',
        customerId: null,
        toEmail,
        templateId: id,
        templateVersion: number,
        data: customerId === undefined ? {} : { customerId },
      },
    ]);
    return { messageId: messageId ?? '', to: toEmail };
  });
}

/** What a mail of the kind `test` is made of, for the room that makes mails. */
interface TestMail {
  id: string;
  templateId: string | null;
  templateVersion: number | null;
  data: Record<string, unknown>;
}

/** Variables of test mails by id; one whose template or customer is gone is left out. */
async function testMails(ctx: Ctx, tx: Tx, mails: readonly TestMail[]) {
  const contents = new Map<string, { variables: Variables }>();
  for (const { id, templateId, templateVersion, data } of mails) {
    const version =
      templateId && templateVersion !== null && (await findTemplateVersion(tx, templateId, templateVersion));
    if (!version) continue;
    const customerId = typeof data.customerId === 'string' ? data.customerId : undefined;
    try {
      const variables = await trialVariables({ ...ctx, db: tx }, version.variables, customerId);
      contents.set(id, { variables });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return contents;
}

export const TEST_MAILS = { test: testMails };
