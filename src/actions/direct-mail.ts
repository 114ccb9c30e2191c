// Mails that staff write to one customer, and what staff do to mails that wait, failed or are in doubt.
import type { Ctx } from '../context.ts';
import { lockCampaign } from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import type { CustomerRow } from '../db/customers.ts';
import { findMessage, listAttempts, listClicks, lockMessage, updateMessage } from '../db/message-list.ts';
import { announceMails, type DueMessage, type MessageRow } from '../db/messages.ts';
import { findOrder } from '../db/orders.ts';
import { listTopics } from '../db/topics.ts';
import {
  checkDirectMail,
  type MessageCommand,
  paragraphsOf,
  planMessageCommand,
} from '../domain/mail/direct.ts';
import type { MessageClass } from '../domain/mail/messages.ts';
import { accepted, Problem } from '../errors.ts';
import { lockPresent, storeOf } from './customers.ts';
import { queueMessages } from './messages.ts';
import { templateFor } from './templates.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

export interface DirectMailInput {
  template?: string;
  subject?: string;
  text?: string;
  class?: MessageClass;
  topic?: string;
  orderId?: string;
  data?: Record<string, unknown>;
  sendAfter?: string;
}

/** A mail as the API shows it. */
export function toMessage(row: MessageRow) {
  const { storeId: _, leaseId, leaseUntil, reference, data, ...shown } = row;
  return shown;
}

export type Message = ReturnType<typeof toMessage>;

/**
 * A mail with its attempts and clicks.
 * @throws Problem NOT_FOUND
 */
export async function readMessage(ctx: Ctx, id: string) {
  const row = await findMessage(ctx.db, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'message' });
  const [attempts, clicks] = [await listAttempts(ctx.db, id), await listClicks(ctx.db, id)];
  return { ...toMessage(row), attemptList: attempts, clicks };
}

const unknown = (reference: string) => new Problem('REFERENCE_UNKNOWN', { reference });

/** What the mail refers to must be there, and an order must be the customer's; resolves to the class of the mail. */
async function checkReferences(
  ctx: Ctx,
  tx: Tx,
  { id, language }: CustomerRow,
  input: DirectMailInput,
): Promise<MessageClass> {
  const order = input.orderId === undefined ? undefined : await findOrder(tx, input.orderId);
  if (input.orderId !== undefined && order?.customerId !== id) throw unknown('orderId');
  if (input.topic !== undefined && !(await listTopics(tx)).some(({ key }) => key === input.topic))
    throw unknown('topic');
  if (input.template === undefined) return input.class ?? 'transactional';
  const store = await storeOf({ ...ctx, db: tx });
  const template = await templateFor(ctx, tx, { key: input.template, language, locale: store.locale });
  if (!template) throw unknown('template');
  return template.class;
}

/**
 * Writes a mail to a customer; it shows in the timeline.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, NO_EMAIL, MESSAGE_INVALID, REFERENCE_UNKNOWN
 */
export async function sendDirectMail(ctx: Ctx, customerId: string, input: DirectMailInput): Promise<Message> {
  return write(ctx, async (tx) => {
    const customer = await lockPresent(tx, customerId, undefined);
    if (!customer.emailNorm)
      throw new Problem('NO_EMAIL', { wayOut: 'Give the customer an email address first.' });
    const messageClass = await checkReferences(ctx, tx, customer, input);
    const { template, subject, text, topic, orderId, data = {}, sendAfter } = input;
    const content = {
      ...(template !== undefined && { template }),
      ...(subject !== undefined && { subject }),
      ...(text !== undefined && { text }),
    };
    accepted(checkDirectMail({ ...content, class: messageClass, ...(topic !== undefined && { topic }) }));
    const [id] = await queueMessages(ctx, tx, [
      {
        kind: 'direct',
        customerId,
        class: messageClass,
        ...(topic !== undefined && { topic }),
        ...(orderId !== undefined && { orderId }),
        // A fact of that name is none: it would choose the template.
        data: { ...data, ...content, template },
        ...(sendAfter !== undefined && { sendAfter: new Date(sendAfter) }),
      },
    ]);
    const row = await findMessage(tx, id as string);
    await tell(ctx, tx, {
      kind: 'message.queued',
      customerId,
      subjectId: id as string,
      data: {
        kind: 'direct',
        ...(subject !== undefined && { subject }),
        ...(template !== undefined && { template }),
      },
    });
    return toMessage(row as MessageRow);
  });
}

/** The mail, locked behind its campaign, which then cannot end meanwhile. */
async function lockWithCampaign(tx: Tx, id: string) {
  const campaignId = (await findMessage(tx, id))?.campaignId;
  const campaign = campaignId ? await lockCampaign(tx, campaignId) : undefined;
  const row = await lockMessage(tx, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'message' });
  return { row, campaign: campaign?.status };
}

/**
 * Cancels a mail that waits, tries one anew, or says what is known of one in doubt (M4).
 * @throws Problem NOT_FOUND, MESSAGE_STATE_CONFLICT, CAMPAIGN_STATE_CONFLICT
 */
export async function commandMessage(ctx: Ctx, id: string, command: MessageCommand): Promise<Message> {
  return write(ctx, async (tx) => {
    const { row, campaign } = await lockWithCampaign(tx, id);
    const { status } = accepted(planMessageCommand(command, { status: row.status, campaign }));
    const change = {
      status,
      reason: status === 'failed' ? ('refused' as const) : null,
      leaseId: null,
      leaseUntil: null,
      ...(status === 'ready' && { sendAfter: ctx.now }),
      ...(status === 'sent' && { sentAt: row.sentAt ?? ctx.now }),
    };
    await updateMessage(tx, id, change);
    if (status === 'ready') await announceMails(tx, {});
    const data = { kind: row.kind, command };
    await tell(ctx, tx, { kind: 'message.changed', customerId: row.customerId, subjectId: id, data });
    return toMessage({ ...row, ...change });
  });
}

/** Own words come in paragraphs; what a template says is its own. */
async function directContents(_ctx: Ctx, _tx: Tx, mails: readonly Pick<DueMessage, 'id' | 'data'>[]) {
  return new Map(
    mails.map(({ id, data: { text } }) => [
      id,
      typeof text === 'string' ? { data: { paragraphs: paragraphsOf(text) } } : {},
    ]),
  );
}

export const DIRECT_MAILS = { direct: directContents };
