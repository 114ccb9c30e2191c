// What time brings: leases that ended, campaigns that begin, end or have to stop.
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import { listOpenCampaigns, type OpenCampaign } from '../db/mail-campaigns.ts';
import { endLostLeases, type RecordedMessage } from '../db/mail-leases.ts';
import type { PauseCause } from '../domain/mail/campaigns.ts';
import { MAX_ATTEMPTS } from '../domain/mail/smtp-outcomes.ts';
import {
  brakeCampaign,
  completeCampaign,
  considerBrake,
  expireCampaign,
  startDueCampaign,
} from './campaign-life.ts';
import { afterOutcomes } from './mail-aftermath.ts';

/** Mails that a worker was sending when it went away (M1). */
async function endLost(ctx: Ctx): Promise<void> {
  for (;;) {
    const lost = await transaction(ctx.db, async (tx) => {
      const ended = await endLostLeases(tx, { now: ctx.now, maxAttempts: MAX_ATTEMPTS });
      await afterOutcomes({ ...ctx, db: tx }, tx, ended, []);
      return ended;
    });
    if (lost.length === 0) return;
    ctx.log.warn({ mails: lost.length }, 'leases of mails ended without an outcome');
  }
}

async function settleCampaign(ctx: Ctx, tx: Tx, { id, status, deadline }: OpenCampaign): Promise<void> {
  if (status !== 'running') return startDueCampaign(ctx, tx, id);
  if (deadline !== null && deadline <= ctx.now) await expireCampaign(ctx, tx, id);
  else await completeCampaign(ctx, tx, id);
}

/** Sees to what is due by time alone; each campaign in a transaction of its own. */
export async function settleMail(ctx: Ctx): Promise<void> {
  await endLost(ctx);
  for (const campaign of await listOpenCampaigns(ctx.db, { now: ctx.now }))
    await transaction(ctx.db, (tx) => settleCampaign({ ...ctx, db: tx }, tx, campaign));
}

/** What happened to the mails of one batch. */
export interface BatchFates {
  recorded: readonly RecordedMessage[];
  /** The server did not take mails from us. */
  senderRefused: boolean;
}

/** Templates that fail for so many mails of a batch are wrong for all: the campaign waits for somebody to look. */
const TEMPLATE_ERRORS = 20;

const isBounce = ({ status, reason }: RecordedMessage): boolean =>
  status === 'failed' && (reason === 'refused_recipient' || reason === 'mailbox_full');
const isTemplateError = ({ reason }: RecordedMessage): boolean =>
  reason === 'template_error' || reason === 'template_timeout';

function causeOf(fates: BatchFates, mails: readonly RecordedMessage[]): PauseCause | undefined {
  if (fates.senderRefused) return 'sender_refused';
  return mails.filter(isTemplateError).length >= TEMPLATE_ERRORS ? 'template_errors' : undefined;
}

/** Pauses campaigns whose mails fared badly. */
export async function brakeCampaigns(ctx: Ctx, fates: BatchFates): Promise<void> {
  const ids = new Set(fates.recorded.flatMap(({ campaignId }) => (campaignId === null ? [] : [campaignId])));
  for (const id of ids) {
    const mails = fates.recorded.filter(({ campaignId }) => campaignId === id);
    const cause = causeOf(fates, mails);
    if (!cause && !mails.some(isBounce)) continue;
    await transaction(ctx.db, (tx) => {
      const inTx = { ...ctx, db: tx };
      return cause ? brakeCampaign(inTx, tx, id, cause) : considerBrake(inTx, tx, id);
    });
  }
}
