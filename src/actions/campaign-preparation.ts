// The jobs of a campaign: freezing its audience, and ending what was not sent when it ends early.
import type { Ctx } from '../context.ts';
import { allowLongStatement, freezeAudience, lockOnceKey } from '../db/campaign-audience.ts';
import { type CampaignRow, endWaiting, findCampaign, findStart } from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import { announceMails } from '../db/messages.ts';
import { audienceQuestion } from './campaign-audience.ts';
import {
  completeCampaign,
  ENDED_AT_ONCE,
  type Ending,
  failCampaign,
  failureOf,
  listObstacles,
  lockKnown,
  move,
} from './campaign-life.ts';
import type { Slice } from './jobs.ts';

/**
 * Freezes the audience of a campaign that is `preparing` and lets it run: all rows and its new state in one
 * transaction, so whatever is killed in between has done nothing. The campaign is not locked meanwhile: it can be
 * cancelled.
 * @returns how many rows have which skip reason; those that are sent are under `ready`
 * @throws Problem CAMPAIGN_STATE_CONFLICT when it was cancelled meanwhile
 */
export async function prepareCampaign(
  ctx: Ctx,
  tx: Tx,
  campaign: CampaignRow,
): Promise<Record<string, number>> {
  await allowLongStatement(tx);
  if (campaign.onceKey !== null) await lockOnceKey(tx, campaign.onceKey);
  const obstacles = await listObstacles(ctx, tx, campaign, campaign.startsAt ?? ctx.now);
  const { published } = await findStart(tx, campaign);
  if (obstacles.length > 0 || published === null) {
    await failCampaign(ctx, tx, campaign.id, failureOf(obstacles));
    return {};
  }
  const { templateId, actor } = campaign;
  const question = await audienceQuestion(ctx, tx, campaign);
  const reasons = await freezeAudience(tx, question, { templateId, templateVersion: published, actor });
  await run(ctx, tx, campaign.id, { reasons, templateVersion: published });
  return reasons;
}

const sumOf = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

async function run(
  ctx: Ctx,
  tx: Tx,
  id: string,
  { reasons, templateVersion }: { reasons: Record<string, number>; templateVersion: number },
): Promise<void> {
  const audience = sumOf(reasons);
  await move(ctx, tx, await lockKnown(tx, id), {
    command: 'run',
    change: { audience, templateVersion, preparedAt: new Date(), startedAt: ctx.now },
    told: 'campaign.started',
    data: { audience, ready: reasons.ready ?? 0 },
  });
  if (reasons.ready) await announceMails(tx, {});
  else await completeCampaign(ctx, tx, id);
}

/** The only slice of the job that freezes an audience; its id is the campaign's. */
export const campaignPrepareSlice: Slice = async (ctx, tx, job) => {
  const campaign = await findCampaign(tx, job.id);
  if (campaign?.status !== 'preparing') return { done: 0, outcomes: {} };
  const outcomes = await prepareCampaign({ ...ctx, actor: job.actor }, tx, campaign);
  return { done: sumOf(outcomes), total: sumOf(outcomes), outcomes };
};

/** The next mails of a campaign that ended before they were sent. */
export const campaignEndSlice: Slice = async (_ctx, tx, job) => {
  const { campaignId, ...ending } = job.params as { campaignId: string } & Ending;
  const [ended] = await endWaiting(tx, { id: campaignId, ...ending, limit: ENDED_AT_ONCE });
  const done = ended?.count ?? 0;
  return { done, outcomes: { [ending.status]: done }, ...(done === ENDED_AT_ONCE && { position: {} }) };
};
