// Making mails: a batch of due rows becomes bytes. One transaction for what they say and the secrets in them, one trip to
// the rendering threads, nothing per mail that could be had for all.

import {
  addressHashOf,
  bounceAddressOf,
  type MailSecrets,
  messageIdOf,
  offerHashOf,
  preferencesTokenOf,
  unsubscribeAddressOf,
  unsubscribeTokenOf,
} from '../clients/mail-identity.ts';
import type { DkimSigner } from '../clients/mail-mime.ts';
import type { Renderer, RenderJob, RenderOutcome, RenderTemplate } from '../clients/mail-renderer.ts';
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import { type CampaignContent, listCampaignContents } from '../db/mail-campaigns.ts';
import type { DueMessage } from '../db/messages.ts';
import type { Store } from '../db/stores.ts';
import { findPublishedTemplate, type PublishedTemplate } from '../db/templates.ts';
import { emailDomain, normaliseEmail } from '../domain/emails.ts';
import { grouped } from '../domain/grouped.ts';
import { offerCode } from '../domain/mail/campaigns.ts';
import { mailHeaders, senderOf } from '../domain/mail/headers.ts';
import { CLICK_PATH, linkTo } from '../domain/mail/links.ts';
import type { FailureReason, SkipReason } from '../domain/mail/messages.ts';
import { relayHeaders } from '../domain/mail/providers.ts';
import { quietUntil } from '../domain/mail/quiet-hours.ts';
import { type MailSettings, mailSettingsOf, type Sender } from '../domain/mail/settings.ts';
import { mergeVariables, type Variables } from '../domain/mail/template-variables.ts';
import { storeOf } from './customers.ts';
import type { LinkMaker, MailContent } from './mail-content.ts';
import { CONTENT_MAKERS } from './mail-contents.ts';
import type { Preparation, PreparedMail } from './mail-sending.ts';
import { customerVariables, orderVariables, storeVariables } from './mail-variables.ts';
import { templateFor } from './templates.ts';

/** Milliseconds for a mail that took too long the first time. */
const SECOND_RENDER_MS = 2_000;

/** What making mails needs from the installation. */
export interface MailWorkshop {
  renderer: Renderer;
  secrets: MailSecrets;
  /** For threads that render: signs links that are counted. */
  clickKey: Uint8Array;
  publicUrl: string;
  /** Domain of Message-IDs; bounces come back to it where `bounces` says so. */
  mailDomain: string;
  /** Whether mail to the domain reaches this service. */
  bounces: boolean;
  /** Host of the SMTP server; empty where there is none. Some relays are told in headers which mail it is. */
  relayHost: string;
  /** Where a store has no sender of its own. */
  fallbackSender: Sender | null;
  dkim?: DkimSigner;
}

/** What all mails of a batch are made from. */
interface Material {
  store: Store;
  settings: MailSettings;
  /** Variables of the store, one object for all mails. */
  shop: Variables;
  campaigns: ReadonlyMap<string, CampaignContent>;
  /** By kind; of mails that are left out nothing is to be sent any more. */
  contents: ReadonlyMap<string, MailContent>;
  customers: ReadonlyMap<string, Variables>;
  orders: ReadonlyMap<string, Variables>;
  templates: ReadonlyMap<string, PublishedTemplate>;
}

const idsOf = (ids: readonly (string | null)[]): string[] => [
  ...new Set(ids.filter((id): id is string => id !== null)),
];

const memberOf = (variables: Variables | undefined, root: string): Variables =>
  (variables?.[root] as Variables | undefined) ?? {};

async function makeContents(
  ctx: Ctx,
  tx: Tx,
  mails: readonly DueMessage[],
  link: LinkMaker,
): Promise<Map<string, MailContent>> {
  const contents = new Map<string, MailContent>();
  for (const [kind, list] of grouped(mails, (mail) => mail.kind)) {
    const make = CONTENT_MAKERS[kind];
    const made = make ? await make(ctx, tx, list, link) : new Map(list.map(({ id }) => [id, {}]));
    for (const [id, content] of made) contents.set(id, content);
  }
  return contents;
}

/** Which template a mail takes: a version that it was tied to, or the latest of a key in the customer's language. */
type Choice = { templateId: string; number: number } | { key: string; language: string | null };

const nameOf = (choice: Choice): string =>
  'key' in choice ? `${choice.key} ${choice.language ?? ''}` : `${choice.templateId} ${choice.number}`;

function tiedChoiceOf(mail: DueMessage, campaigns: Material['campaigns']): Choice | undefined {
  const campaign = mail.campaignId === null ? undefined : campaigns.get(mail.campaignId);
  const templateId = mail.templateId ?? campaign?.templateId;
  const number = mail.templateVersion ?? campaign?.templateVersion;
  if (templateId && number !== undefined && number !== null) return { templateId, number };
  return undefined;
}

function keyChoiceOf(
  mail: DueMessage,
  customer: Variables | undefined,
  content: MailContent | undefined,
): Choice {
  const { template } = mail.data;
  const language = content?.language ?? memberOf(customer, 'customer').language;
  return {
    key: mail.kind === 'direct' && typeof template === 'string' ? template : mail.kind,
    language: typeof language === 'string' ? language : null,
  };
}

const choiceOf = (
  mail: DueMessage,
  campaigns: Material['campaigns'],
  customer: Variables | undefined,
  content: MailContent,
): Choice => tiedChoiceOf(mail, campaigns) ?? keyChoiceOf(mail, customer, content);

function findTemplate(
  ctx: Ctx,
  tx: Tx,
  choice: Choice,
  store: Store,
): Promise<PublishedTemplate | undefined> {
  return 'key' in choice
    ? templateFor(ctx, tx, { ...choice, locale: store.locale })
    : findPublishedTemplate(tx, choice.templateId, choice.number);
}

async function findTemplates(ctx: Ctx, tx: Tx, choices: readonly Choice[], store: Store) {
  const templates = new Map<string, PublishedTemplate>();
  for (const choice of new Map(choices.map((one) => [nameOf(one), one])).values()) {
    const template = await findTemplate(ctx, tx, choice, store);
    if (template) templates.set(nameOf(choice), template);
  }
  return templates;
}

const isPresent = <T>(value: T | undefined): value is T => value !== undefined;

/** Balances cost half of what a customer's variables cost, and few campaigns speak of them. */
const asksForAccounts = ({ subject, html, text }: PublishedTemplate): boolean =>
  [subject, html, text].some((source) => /\b(?:credit|points)\b/.test(source));

/** Reads what the mails need and makes their secrets; all of it in one transaction. */
async function gather(ctx: Ctx, workshop: MailWorkshop, mails: readonly DueMessage[]): Promise<Material> {
  return transaction(ctx.db, async (tx) => {
    const inTx = { ...ctx, db: tx };
    const store = await storeOf(inTx);
    const settings = mailSettingsOf(store.settings);
    const link: LinkMaker = (purpose, token) => linkTo(settings, workshop.publicUrl, purpose, token);
    const campaigns = await listCampaignContents(tx, idsOf(mails.map((mail) => mail.campaignId)));
    const contents = await makeContents(inTx, tx, mails, link);
    const tied = mails.map((mail) => tiedChoiceOf(mail, campaigns));
    const tiedTemplates = await findTemplates(inTx, tx, tied.filter(isPresent), store);
    const withAccounts = !tied.every(isPresent) || [...tiedTemplates.values()].some(asksForAccounts);
    const customers = await customerVariables(inTx, idsOf(mails.map((mail) => mail.customerId)), {
      withAccounts,
    });
    const orders = await orderVariables(inTx, idsOf(mails.map((mail) => mail.orderId)));
    const untied = mails.filter((_, index) => !tied[index]);
    const choices = untied.map((mail) =>
      keyChoiceOf(mail, customers.get(mail.customerId ?? ''), contents.get(mail.id)),
    );
    const templates = new Map([...tiedTemplates, ...(await findTemplates(inTx, tx, choices, store))]);
    const shop = storeVariables(store);
    return { store, settings, shop, campaigns, contents, customers, orders, templates };
  });
}

/** A mail on its way to the rendering thread, or why there is none. */
type Draft = { mail: DueMessage; job: RenderJob; made: Omit<PreparedMail, 'raw' | 'subject'> };

const skipped = ({ id }: DueMessage, reason: SkipReason): Preparation => ({ kind: 'skipped', id, reason });
const failed = ({ id }: DueMessage, reason: FailureReason, detail: string): Preparation => ({
  kind: 'failed',
  id,
  reason,
  detail,
});

function variablesOf(
  ctx: Ctx,
  workshop: MailWorkshop,
  material: Material,
  mail: DueMessage,
  content: MailContent,
): Variables {
  const { secrets, publicUrl } = workshop;
  const { shop, settings, campaigns, customers, orders } = material;
  const row = { storeId: ctx.storeId, id: mail.id };
  const campaign = mail.campaignId === null ? undefined : campaigns.get(mail.campaignId);
  const data = { ...campaign?.plan.data, ...mail.data, ...content.data };
  const prefix = campaign?.plan.offerPrefix;
  return mergeVariables(content.variables ?? {}, {
    ...shop,
    ...customers.get(mail.customerId ?? ''),
    ...orders.get(mail.orderId ?? ''),
    data,
    ...(prefix !== undefined && { offer: { code: offerCode(prefix, offerHashOf(secrets, row)) } }),
    links: {
      ...memberOf(shop, 'links'),
      preferences: linkTo(settings, publicUrl, 'preferences', preferencesTokenOf(secrets, row)),
      unsubscribe: linkTo(settings, publicUrl, 'unsubscribe', unsubscribeTokenOf(secrets, row)),
      ...content.links,
    },
  });
}

const renderTemplateOf = (template: PublishedTemplate): RenderTemplate => {
  const { templateId: id, number, subject, html, text, missing, variables, locale } = template;
  return { id, number, subject, html, text, missing, variables, locale };
};

function draftOf(
  ctx: Ctx,
  workshop: MailWorkshop,
  material: Material,
  mail: DueMessage,
  template: RenderTemplate,
  content: MailContent,
  to: string,
): Draft | Preparation {
  const { secrets, publicUrl, mailDomain, bounces, dkim } = workshop;
  const { store, settings, customers } = material;
  const sender = senderOf(
    mail.class,
    { sender: store.settings.sender, marketingSender: settings.marketingSender },
    workshop.fallbackSender,
  );
  const norm = normaliseEmail(to);
  if (!norm) return failed(mail, 'address_invalid', 'The address of the recipient cannot be written to.');
  if (!sender) return failed(mail, 'refused_sender', 'Neither the store nor MAIL_FROM names a sender.');
  const row = { storeId: ctx.storeId, id: mail.id };
  const { name } = memberOf(customers.get(mail.customerId ?? ''), 'customer');
  const unsubscribeUrl = `${publicUrl}/pages/unsubscribe/${unsubscribeTokenOf(secrets, row)}`;
  const facts = {
    kind: mail.kind,
    class: mail.class,
    storeId: ctx.storeId,
    campaignId: mail.campaignId,
    unsubscribeUrl,
    ...(bounces && { unsubscribeAddress: unsubscribeAddressOf(secrets, row, mailDomain) }),
  };
  return {
    mail,
    job: {
      template,
      variables: variablesOf(ctx, workshop, material, mail, content),
      ...(settings.trackClicks &&
        mail.class === 'marketing' && {
          clicks: { prefix: `${publicUrl}${CLICK_PATH}`, key: workshop.clickKey, ...row },
        }),
      mime: {
        messageId: messageIdOf(secrets, row, mailDomain),
        from: { name: sender === workshop.fallbackSender ? store.name : sender.name, address: sender.email },
        to: { address: to, ...(typeof name === 'string' && { name }) },
        ...(settings.replyTo !== null && { replyTo: { address: settings.replyTo } }),
        date: ctx.now,
        headers: { ...mailHeaders(facts), ...relayHeaders(workshop.relayHost, mail.id) },
        ...(dkim && { dkim }),
      },
    },
    made: {
      mail,
      to,
      domain: emailDomain(norm),
      address: (content.toEmail ?? mail.toEmail) === null ? norm : null,
      addressHash: addressHashOf(secrets, ctx.storeId, norm).toString('hex'),
      envelope: { from: bounces ? bounceAddressOf(secrets, row, mailDomain) : sender.email, to },
      templateId: template.id,
      templateVersion: template.number,
    },
  };
}

/** What stands against making the mail, or the mail to be rendered. */
function begin(
  ctx: Ctx,
  workshop: MailWorkshop,
  material: Material,
  mail: DueMessage,
  rendered: (template: PublishedTemplate) => RenderTemplate,
): Draft | Preparation {
  const { contents, customers, campaigns, templates, settings, store } = material;
  const content = contents.get(mail.id);
  if (!content) return skipped(mail, 'obsolete');
  const customer = mail.customerId === null ? undefined : customers.get(mail.customerId);
  if (mail.customerId !== null && !customer) return skipped(mail, 'erased');
  const facts = memberOf(customer, 'customer');
  const to = content.toEmail ?? mail.toEmail ?? facts.email;
  if (typeof to !== 'string') return skipped(mail, 'no_email');
  const template = templates.get(nameOf(choiceOf(mail, campaigns, customer, content)));
  if (!template) return failed(mail, 'template_error', 'There is no published template for this mail.');
  const zone = typeof facts.timezone === 'string' ? facts.timezone : store.timezone;
  const free = mail.class === 'marketing' ? quietUntil(ctx.now, zone, settings.quietHours) : ctx.now;
  if (free > ctx.now) return { kind: 'later', id: mail.id, at: free };
  return draftOf(ctx, workshop, material, mail, rendered(template), content, to);
}

function preparationOf({ mail, made }: Draft, outcome: RenderOutcome): Preparation {
  if (outcome.ok) {
    const { raw, subject } = outcome;
    return raw
      ? { kind: 'ready', mail: { ...made, raw, subject } }
      : failed(mail, 'template_error', 'The mail was rendered without its bytes.');
  }
  if (outcome.code === 'TEMPLATE_TIMEOUT') return failed(mail, 'template_timeout', outcome.detail);
  if (outcome.code === 'MAIL_INVALID')
    return failed(mail, outcome.field === 'to' ? 'address_invalid' : 'refused_sender', outcome.detail);
  return failed(mail, 'template_error', outcome.detail);
}

const isDraft = (begun: Draft | Preparation): begun is Draft => 'job' in begun;

const isLate = (outcome: RenderOutcome): boolean => !outcome.ok && outcome.code === 'TEMPLATE_TIMEOUT';

/**
 * Renders; a mail that took too long gets a second chance with more time, for a busy machine makes any template slow. The first
 * that is late again says that it is the template, and the others are spared.
 */
async function renderFairly(renderer: Renderer, jobs: readonly RenderJob[]): Promise<RenderOutcome[]> {
  const outcomes = await renderer.renderMails(jobs);
  for (const [index, job] of jobs.entries()) {
    if (!isLate(outcomes[index] as RenderOutcome)) continue;
    const [again] = (await renderer.renderMails([job], { timeoutMs: SECOND_RENDER_MS })) as [RenderOutcome];
    outcomes[index] = again;
    if (isLate(again)) break;
  }
  return outcomes;
}

/** Makes the mails of a batch, in its order. */
export async function makeMails(
  ctx: Ctx,
  workshop: MailWorkshop,
  mails: readonly DueMessage[],
): Promise<Preparation[]> {
  const material = await gather(ctx, workshop, mails);
  // Mails of one version share the object, so that it travels to the thread once.
  const shared = new Map<PublishedTemplate, RenderTemplate>();
  const rendered = (template: PublishedTemplate): RenderTemplate => {
    const known = shared.get(template) ?? renderTemplateOf(template);
    shared.set(template, known);
    return known;
  };
  const begun = mails.map((mail) => begin(ctx, workshop, material, mail, rendered));
  const drafts = begun.filter(isDraft);
  const outcomes = await renderFairly(
    workshop.renderer,
    drafts.map(({ job }) => job),
  );
  const ready = drafts.map((draft, index) => preparationOf(draft, outcomes[index] as RenderOutcome));
  return [...begun.filter((one): one is Preparation => !isDraft(one)), ...ready];
}
