// What a campaign would do if it started now: counts, times and a trial of its template. Nothing is sent.
import type { Ctx } from '../context.ts';
import {
  type AudienceCounts,
  type AudienceQuestion,
  allowLongStatement,
  countAudience,
  type Sampled,
  sampleAudience,
} from '../db/campaign-audience.ts';
import { type CampaignRow, findStart, insertSimulation, type SimulationRow } from '../db/campaigns.ts';
import { transaction } from '../db/connection.ts';
import type { DueMessage } from '../db/messages.ts';
import type { FieldProblem } from '../domain/fields.ts';
import { grouped } from '../domain/grouped.ts';
import { forecast, type Load } from '../domain/mail/campaign-forecast.ts';
import { planCommand } from '../domain/mail/campaigns.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import { accepted } from '../errors.ts';
import { audienceQuestion } from './campaign-audience.ts';
import { listObstacles } from './campaign-life.ts';
import { findKnown } from './campaigns.ts';
import { storeOf } from './customers.ts';
import type { MailWay } from './mail-sending.ts';
import { write } from './write.ts';

/** Makes mails as the sender does, without sending them. */
export type MakeMails = MailWay['prepare'];

const SAMPLE_SIZE = 50;
const NO_TRIAL: Trial = { sampled: 0, failed: 0, errors: [] };

/** How the template fared with some of the recipients. */
interface Trial {
  sampled: number;
  failed: number;
  /** Alike ones together, with one customer to look at. */
  errors: { detail: string; count: number; customerId: string }[];
}

interface Counted {
  question: AudienceQuestion;
  counts: AudienceCounts;
  sample: Sampled[];
  obstacles: FieldProblem[];
  published: number | null;
  tookMs: number;
}

/** Reads everything in one transaction; the question is that of the start, so the counts are those of the start. */
const count = (ctx: Ctx, campaign: CampaignRow): Promise<Counted> =>
  transaction(ctx.db, async (tx) => {
    await allowLongStatement(tx);
    const startedAt = performance.now();
    const question = await audienceQuestion(ctx, tx, campaign);
    const { '*': others, ...paced } = campaign.plan.perDomain ?? {};
    const counts = await countAudience(tx, question, {
      paced: Object.keys(paced),
      others: others !== undefined,
    });
    const tookMs = Math.round(performance.now() - startedAt);
    const sample = await sampleAudience(tx, question, SAMPLE_SIZE);
    const obstacles = await listObstacles(ctx, tx, campaign, campaign.startsAt ?? ctx.now);
    const { published } = await findStart(tx, campaign);
    return { question, counts, sample, obstacles, published, tookMs };
  });

const trialMail = (ctx: Ctx, campaign: CampaignRow, version: number, { id, due }: Sampled): DueMessage => ({
  id: ctx.newId(),
  customerId: id,
  kind: 'campaign',
  class: 'marketing',
  campaignId: campaign.id,
  topic: campaign.topic,
  orderId: null,
  templateId: campaign.templateId,
  templateVersion: version,
  toEmail: null,
  domain: null,
  data: {},
  actor: ctx.actor,
  attempts: 0,
  firstTriedAt: null,
  createdAt: ctx.now,
  sendAfter: due,
});

/** Makes the mails of the sample as of the moment at which each would go. */
async function tryTemplate(
  ctx: Ctx,
  campaign: CampaignRow,
  { sample, published }: Counted,
  makeMails: MakeMails,
): Promise<Trial> {
  if (published === null) return NO_TRIAL;
  const failures: { detail: string; customerId: string }[] = [];
  for (const group of grouped(sample, ({ due }) => due.getTime()).values()) {
    const mails = group.map((one) => trialMail(ctx, campaign, published, one));
    const customers = new Map(mails.map(({ id, customerId }) => [id, customerId]));
    for (const made of await makeMails({ ...ctx, now: group[0].due }, mails)) {
      if (made.kind === 'failed')
        failures.push({ detail: made.detail, customerId: customers.get(made.id) ?? '' });
    }
  }
  const errors = [...grouped(failures, ({ detail }) => detail)].map(([detail, list]) => ({
    detail,
    count: list.length,
    customerId: list[0].customerId,
  }));
  return { sampled: sample.length, failed: failures.length, errors };
}

const loadsOf = ({ due }: AudienceCounts, { clocks }: AudienceQuestion): Load[] =>
  due.flatMap(({ clock, domain, count }) => {
    const [dueAt, timezone] = [clocks.due[clock], clocks.zones[clock]];
    return dueAt && timezone ? [{ domain, timezone, dueAt, count }] : [];
  });

async function resultOf(ctx: Ctx, { plan, deadline }: CampaignRow, counted: Counted, rendering: Trial) {
  const { question, counts, obstacles, tookMs } = counted;
  const { quietHours } = mailSettingsOf((await storeOf(ctx)).settings);
  const { ready = 0, ...skipped } = counts.reasons;
  const foretold = forecast(loadsOf(counts, question), { ...plan, quietHours, deadline });
  const named = counts.domains.reduce((sum, one) => sum + one.count, 0);
  return {
    audience: Object.values(skipped).reduce((sum, one) => sum + one, ready),
    ready,
    skipped,
    domains: counts.domains,
    otherDomains: ready - named,
    hours: foretold.hours,
    estimatedEndAt: foretold.endsAt,
    late: foretold.late,
    rendering,
    obstacles,
    tookMs,
  };
}

type Result = Awaited<ReturnType<typeof resultOf>>;

/** A simulation in the shape of the contract; its instants are text, for they come from JSON. */
export type Simulation = Pick<SimulationRow, 'id' | 'campaignId' | 'simulatedAt'> & Result;

export const toSimulation = ({ id, campaignId, simulatedAt, result }: SimulationRow): Simulation => ({
  ...(result as Result),
  id,
  campaignId,
  simulatedAt,
});

/**
 * Foretells a campaign and keeps what was foretold, to be compared with what happens.
 * @throws Problem NOT_FOUND, CAMPAIGN_STATE_CONFLICT
 */
export async function simulateCampaign(ctx: Ctx, id: string, makeMails: MakeMails): Promise<Simulation> {
  const campaign = await findKnown(ctx.db, id);
  accepted(planCommand(campaign.status, 'simulate'));
  const counted = await count(ctx, campaign);
  const rendering = await tryTemplate(ctx, campaign, counted, makeMails);
  const result = await resultOf(ctx, campaign, counted, rendering);
  return write(ctx, async (tx) => {
    const row = { id: ctx.newId(), campaignId: id, simulatedAt: ctx.now, result: { ...result } };
    await insertSimulation(tx, row);
    return toSimulation(row);
  });
}
