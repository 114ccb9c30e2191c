// Taking due mails: those of no campaign first, then campaigns in turn, each at its own pace.
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import {
  listOpenCampaigns,
  lockRunningCampaign,
  type OpenCampaign,
  readBuckets,
  saveBuckets,
} from '../db/mail-campaigns.ts';
import {
  type DueMessage,
  lockDueOfCampaign,
  postponeMessages,
  takeChosen,
  takeMessages,
} from '../db/messages.ts';
import { type Pace, planPace } from '../domain/mail/pace.ts';

/** Mails of one batch: enough that rendering and statements are shared, few enough that a stop does not wait long. */
const BATCH = 100;
/** Due mails that are looked at for one batch where domains have rates of their own. */
const LOOKED_AT = 500;

/** Mails that are this worker's until `leaseUntil`. */
export interface TakenBatch {
  leaseId: string;
  mails: DueMessage[];
  /** There is probably more. */
  full: boolean;
  /** When to look again for what the rates of campaigns held back. */
  comeBackAt: Date | undefined;
}

interface Taken {
  mails: DueMessage[];
  nextAt?: Date | undefined;
}

const isPaced = (pace: Pace): boolean => pace.perSecond !== undefined || pace.perDomain !== undefined;

async function takePaced(ctx: Ctx, tx: Tx, id: string, leaseId: string, leaseUntil: Date): Promise<Taken> {
  const [campaign] = await lockRunningCampaign(tx, { id });
  if (!campaign) return { mails: [] };
  const limit = campaign.plan.perDomain ? LOOKED_AT : BATCH;
  const due = await lockDueOfCampaign(tx, { campaignId: id, now: ctx.now, limit });
  const pace = planPace(due, campaign.plan, await readBuckets(tx, id), { now: ctx.now, limit: BATCH });
  await saveBuckets(tx, id, pace.buckets);
  if (pace.postpone.length > 0)
    await postponeMessages(tx, {
      ids: pace.postpone.map((mail) => mail.id),
      times: pace.postpone.map((mail) => mail.until),
    });
  const { take: ids, nextAt } = pace;
  return { mails: ids.length > 0 ? await takeChosen(tx, { ids, leaseId, leaseUntil }) : [], nextAt };
}

async function takeUnpaced(ctx: Ctx, tx: Tx, id: string, leaseId: string, leaseUntil: Date): Promise<Taken> {
  const due = await lockDueOfCampaign(tx, { campaignId: id, now: ctx.now, limit: BATCH });
  const ids = due.map((mail) => mail.id);
  return { mails: ids.length > 0 ? await takeChosen(tx, { ids, leaseId, leaseUntil }) : [] };
}

function takeOfCampaign(ctx: Ctx, { id, plan }: OpenCampaign, leaseId: string, leaseUntil: Date) {
  const take = isPaced(plan) ? takePaced : takeUnpaced;
  return transaction(ctx.db, (tx) => take(ctx, tx, id, leaseId, leaseUntil));
}

const earlier = (one: Date | undefined, other: Date | undefined): Date | undefined =>
  one && other ? new Date(Math.min(one.getTime(), other.getTime())) : (one ?? other);

/** The next batch of the store: `leaseMs` is how long nobody else takes it. An empty one: nothing is due now. */
export async function takeBatch(ctx: Ctx, leaseMs: number): Promise<TakenBatch> {
  const leaseId = ctx.newId();
  const leaseUntil = new Date(ctx.now.getTime() + leaseMs);
  const batch = (mails: DueMessage[], comeBackAt?: Date): TakenBatch => ({
    leaseId,
    mails,
    full: mails.length === BATCH,
    comeBackAt,
  });
  const mails = await takeMessages(ctx.db, { leaseId, leaseUntil, now: ctx.now, limit: BATCH });
  if (mails.length > 0) return batch(mails);
  let comeBackAt: Date | undefined;
  for (const campaign of await listOpenCampaigns(ctx.db, { now: ctx.now })) {
    if (campaign.status !== 'running') continue;
    const taken = await takeOfCampaign(ctx, campaign, leaseId, leaseUntil);
    comeBackAt = earlier(comeBackAt, taken.nextAt);
    if (taken.mails.length > 0) return batch(taken.mails, comeBackAt);
  }
  return batch([], comeBackAt);
}
