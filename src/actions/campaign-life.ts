// The life of a campaign: what people command, and what the sender does by itself from the start to the end.
import type { Ctx } from '../context.ts';
import {
  type CampaignRow,
  countSent,
  endWaiting,
  findStart,
  hasOpenMails,
  lockCampaign,
  type StartRow,
  updateCampaign,
} from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import { findJob } from '../db/jobs.ts';
import type { EventKind } from '../domain/events.ts';
import type { FieldProblem } from '../domain/fields.ts';
import { isFinished } from '../domain/jobs.ts';
import {
  type CampaignCommand,
  firstSendAt,
  localTimeOf,
  type PauseCause,
  planCommand,
  shouldBrake,
  startObstacles,
} from '../domain/mail/campaigns.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import { accepted, Problem } from '../errors.ts';
import { unknownReferences } from './campaign-audience.ts';
import { storeOf } from './customers.ts';
import { startJob } from './jobs.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/**
 * The campaign under its lock, held against If-Match.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH
 */
export async function lockKnown(tx: Tx, id: string, ifMatch?: number): Promise<CampaignRow> {
  const campaign = await lockCampaign(tx, id);
  if (!campaign) throw new Problem('NOT_FOUND', { resource: 'campaign' });
  if (ifMatch !== undefined && ifMatch !== campaign.version)
    throw new Problem('VERSION_MISMATCH', { version: campaign.version });
  return campaign;
}

interface Move {
  command: CampaignCommand;
  change?: Partial<CampaignRow>;
  told: EventKind;
  data?: object;
}

/** Takes a locked campaign to where the command leads, and tells it. */
export async function move(ctx: Ctx, tx: Tx, campaign: CampaignRow, to: Move): Promise<CampaignRow> {
  const next = accepted(planCommand(campaign.status, to.command));
  const stamp = { status: next.to, version: campaign.version + 1, updatedAt: ctx.now };
  const change = { pauseCause: null, ...to.change, ...stamp };
  await updateCampaign(tx, campaign.id, change);
  const data = { name: campaign.name, ...to.data };
  await tell(ctx, tx, { kind: to.told, customerId: null, subjectId: campaign.id, data });
  return { ...campaign, ...change };
}

const templateOf = ({ class: mailClass, published, templateArchivedAt }: StartRow) =>
  mailClass === null ? undefined : { class: mailClass, published, archivedAt: templateArchivedAt };

/** Everything that stands in the way of starting the campaign at the instant; [] when nothing does. */
export async function listObstacles(
  ctx: Ctx,
  tx: Tx,
  campaign: CampaignRow,
  startsAt: Date,
): Promise<FieldProblem[]> {
  const { settings } = await storeOf({ ...ctx, db: tx });
  const start = await findStart(tx, campaign);
  return startObstacles({
    plan: campaign.plan,
    deadline: campaign.deadline,
    startsAt,
    template: templateOf(start),
    topic: start.hasTopic ? { archivedAt: start.topicArchivedAt } : undefined,
    mail: mailSettingsOf(settings),
    sender: settings.sender,
    fallbackSender: ctx.fallbackSender ?? null,
    unknown: await unknownReferences(tx, campaign.plan),
  });
}

async function refuseUnready(ctx: Ctx, tx: Tx, campaign: CampaignRow, startsAt: Date): Promise<void> {
  const errors = await listObstacles(ctx, tx, campaign, startsAt);
  if (errors.length > 0) throw new Problem('CAMPAIGN_NOT_READY', { errors });
}

/**
 * When it starts, and with `local_time` the time that every clock is to show: the one that the store's clock shows
 * then. Its audience is frozen before that, when the first clock of the world shows it.
 */
export function scheduleOf(
  { plan: { localTime: _, ...plan } }: Pick<CampaignRow, 'plan'>,
  at: Date,
  timezone: string,
): Pick<CampaignRow, 'plan' | 'startsAt'> {
  if (plan.sendMode === 'instant') return { plan, startsAt: at };
  const localTime = localTimeOf(at, timezone);
  return { plan: { ...plan, localTime }, startsAt: firstSendAt(localTime) };
}

/**
 * Says when a campaign starts, or that it starts another time.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT, CAMPAIGN_NOT_READY, CAMPAIGN_INVALID for a
 *   time that is past
 */
export function scheduleCampaign(
  ctx: Ctx,
  id: string,
  { at }: { at: string },
  ifMatch?: number,
): Promise<CampaignRow> {
  return write(ctx, async (tx) => {
    const campaign = await lockKnown(tx, id, ifMatch);
    accepted(planCommand(campaign.status, 'schedule'));
    const planned = new Date(at);
    if (planned <= ctx.now) {
      const message = 'To start now, use POST /v1/campaigns/{id}/send.';
      throw new Problem('CAMPAIGN_INVALID', { errors: [{ pointer: '/at', code: 'TIME_PAST', message }] });
    }
    const { timezone } = await storeOf({ ...ctx, db: tx });
    const schedule = scheduleOf(campaign, planned, timezone);
    await refuseUnready(ctx, tx, { ...campaign, ...schedule }, planned);
    return move(ctx, tx, campaign, {
      command: 'schedule',
      change: schedule,
      told: 'campaign.scheduled',
      data: { startsAt: schedule.startsAt },
    });
  });
}

/** Starts the job that freezes the audience; it has the id of the campaign, for there is only one. */
async function startPreparing(
  ctx: Ctx,
  tx: Tx,
  campaign: CampaignRow,
  command: 'send' | 'prepare',
): Promise<CampaignRow> {
  await startJob(ctx, tx, { kind: 'campaign-prepare', id: campaign.id, params: {} });
  const startsAt = command === 'send' ? ctx.now : campaign.startsAt;
  return move(ctx, tx, campaign, {
    command,
    change: { startsAt },
    told: 'campaign.updated',
    data: { changes: { status: [campaign.status, 'preparing'] } },
  });
}

/**
 * Starts a campaign now. With `local_time` that means: freezes the audience now, and mails go by each clock as
 * scheduled.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT, CAMPAIGN_NOT_READY
 */
export function sendCampaign(ctx: Ctx, id: string, ifMatch?: number): Promise<CampaignRow> {
  return write(ctx, async (tx) => {
    const campaign = await lockKnown(tx, id, ifMatch);
    accepted(planCommand(campaign.status, 'send'));
    await refuseUnready(ctx, tx, campaign, ctx.now);
    return startPreparing(ctx, tx, campaign, 'send');
  });
}

const pauseWith = (
  ctx: Ctx,
  tx: Tx,
  campaign: CampaignRow,
  command: 'pause' | 'brake',
  cause: PauseCause,
): Promise<CampaignRow> =>
  move(ctx, tx, campaign, {
    command,
    change: { pauseCause: cause },
    told: 'campaign.paused',
    data: { cause },
  });

/** @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT */
export const pauseCampaign = (ctx: Ctx, id: string, ifMatch?: number): Promise<CampaignRow> =>
  write(ctx, async (tx) => pauseWith(ctx, tx, await lockKnown(tx, id, ifMatch), 'pause', 'manual'));

/**
 * Lets a paused campaign go on. What bounced before no longer counts for the brake: whoever resumes it knows.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT
 */
export function resumeCampaign(ctx: Ctx, id: string, ifMatch?: number): Promise<CampaignRow> {
  return write(ctx, async (tx) => {
    const campaign = await lockKnown(tx, id, ifMatch);
    const plan = { ...campaign.plan, brakeSince: ctx.now.toISOString() };
    return move(ctx, tx, campaign, { command: 'resume', change: { plan }, told: 'campaign.resumed' });
  });
}

/** Waiting mails that one transaction ends: a quarter of a second. More of them are ended by a job. */
export const ENDED_AT_ONCE = 10_000;

/** What becomes of the mails of a campaign that ends before they were sent. */
export type Ending = { status: 'cancelled'; reason: null } | { status: 'skipped'; reason: 'expired' };

async function endMails(ctx: Ctx, tx: Tx, id: string, ending: Ending): Promise<void> {
  const [ended] = await endWaiting(tx, { id, ...ending, limit: ENDED_AT_ONCE });
  if ((ended?.count ?? 0) < ENDED_AT_ONCE) return;
  await startJob(ctx, tx, { kind: 'campaign-end', params: { campaignId: id, ...ending } });
}

/**
 * Ends a campaign: nothing more of it is sent. What the server is just being told may still go out.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT
 */
export function cancelCampaign(ctx: Ctx, id: string, ifMatch?: number): Promise<CampaignRow> {
  return write(ctx, async (tx) => {
    const campaign = await lockKnown(tx, id, ifMatch);
    const change = { finishedAt: ctx.now };
    const cancelled = await move(ctx, tx, campaign, {
      command: 'cancel',
      change,
      told: 'campaign.cancelled',
    });
    await endMails(ctx, tx, id, { status: 'cancelled', reason: null });
    return cancelled;
  });
}

/** A locked campaign that the command can be given to; undefined when it has gone another way meanwhile. */
async function lockFor(tx: Tx, id: string, command: CampaignCommand): Promise<CampaignRow | undefined> {
  const campaign = await lockCampaign(tx, id);
  return campaign && 'to' in planCommand(campaign.status, command) ? campaign : undefined;
}

const finish = (
  ctx: Ctx,
  tx: Tx,
  campaign: CampaignRow,
  command: 'complete' | 'expire' | 'fail',
  failure: string | null = null,
): Promise<CampaignRow> =>
  move(ctx, tx, campaign, {
    command,
    change: { finishedAt: ctx.now, failure },
    told: 'campaign.finished',
    data: { outcome: command, ...(failure !== null && { failure }) },
  });

/**
 * Starts a scheduled campaign whose time has come, or says why it failed. One that is `preparing` fails when the job
 * that was to freeze its audience has ended without. Any other is left alone.
 */
export async function startDueCampaign(ctx: Ctx, tx: Tx, id: string): Promise<void> {
  const campaign = await lockCampaign(tx, id);
  if (campaign?.status === 'preparing') {
    const job = await findJob(tx, id);
    if (job && isFinished(job.status))
      await finish(
        ctx,
        tx,
        campaign,
        'fail',
        job.error?.detail ?? 'The job that froze the audience was cancelled.',
      );
    return;
  }
  if (campaign?.status !== 'scheduled' || campaign.startsAt === null || campaign.startsAt > ctx.now) return;
  if (campaign.deadline !== null && campaign.deadline <= ctx.now) {
    await finish(ctx, tx, campaign, 'expire');
    return;
  }
  const obstacles = await listObstacles(ctx, tx, campaign, campaign.startsAt);
  if (obstacles.length > 0) await finish(ctx, tx, campaign, 'fail', failureOf(obstacles));
  else await startPreparing(ctx, tx, campaign, 'prepare');
}

/** What stood in the way, as the campaign tells it afterwards. */
export const failureOf = (obstacles: readonly FieldProblem[]): string =>
  obstacles.map(({ pointer, message }) => `${pointer}: ${message}`).join(' ');

/** Ends a running campaign of which no mail waits or is being sent; resolves to whether it did. */
export async function completeCampaign(ctx: Ctx, tx: Tx, id: string): Promise<boolean> {
  const campaign = await lockFor(tx, id, 'complete');
  if (!campaign || (await hasOpenMails(tx, id))) return false;
  await finish(ctx, tx, campaign, 'complete');
  return true;
}

/** Ends a campaign whose deadline has passed: what was not sent is skipped. Resolves to whether it did. */
export async function expireCampaign(ctx: Ctx, tx: Tx, id: string): Promise<boolean> {
  const campaign = await lockFor(tx, id, 'expire');
  if (!campaign?.deadline || campaign.deadline > ctx.now) return false;
  await finish(ctx, tx, campaign, 'expire');
  await endMails(ctx, tx, id, { status: 'skipped', reason: 'expired' });
  return true;
}

/** Ends a campaign that cannot go on; what was not sent is cancelled. Resolves to whether it did. */
export async function failCampaign(ctx: Ctx, tx: Tx, id: string, failure: string): Promise<boolean> {
  const campaign = await lockFor(tx, id, 'fail');
  if (!campaign) return false;
  await finish(ctx, tx, campaign, 'fail', failure);
  await endMails(ctx, tx, id, { status: 'cancelled', reason: null });
  return true;
}

/** Pauses a running campaign by itself; resolves to whether it ran. */
export async function brakeCampaign(ctx: Ctx, tx: Tx, id: string, cause: PauseCause): Promise<boolean> {
  const campaign = await lockFor(tx, id, 'brake');
  if (!campaign) return false;
  await pauseWith(ctx, tx, campaign, 'brake', cause);
  return true;
}

/** Pauses a running campaign of which too many mails bounced or were complained about. Resolves to whether it did. */
export async function considerBrake(ctx: Ctx, tx: Tx, id: string): Promise<boolean> {
  const campaign = await lockFor(tx, id, 'brake');
  if (!campaign) return false;
  const { brake, brakeSince } = campaign.plan;
  const cause = shouldBrake(await countSent(tx, id, new Date(brakeSince ?? 0)), brake);
  if (cause) await pauseWith(ctx, tx, campaign, 'brake', cause);
  return cause !== undefined;
}
