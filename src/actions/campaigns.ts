// Campaigns as people plan them: create, change, duplicate, delete, and how one stands.
import type { Ctx } from '../context.ts';
import {
  accountFor,
  type CampaignRow,
  deleteCampaign as deleteRow,
  findCampaign,
  findPace,
  findStart,
  insertCampaign,
  updateCampaign as updateRow,
} from '../db/campaigns.ts';
import type { Db, Tx } from '../db/connection.ts';
import { changedFields } from '../domain/customers.ts';
import { estimateCampaignEnd } from '../domain/mail/campaign-forecast.ts';
import {
  type Audience,
  type Brake,
  type CampaignPlan,
  DEFAULT_PLAN,
  localTimeIn,
  planCommand,
  reconcile,
  type SendMode,
  type StateCount,
} from '../domain/mail/campaigns.ts';
import { WAITING_STATUSES } from '../domain/mail/messages.ts';
import { accepted, type FieldError, Problem } from '../errors.ts';
import { unknownReferences } from './campaign-audience.ts';
import { lockKnown, scheduleOf } from './campaign-life.ts';
import { storeOf } from './customers.ts';
import { tell } from './timeline.ts';
import { ensureTopics } from './topics.ts';
import { write } from './write.ts';

/** What callers say of a campaign. In a merge-patch absent keeps and null clears; objects are replaced as a whole. */
export interface CampaignInput {
  name?: string;
  templateId?: string;
  topic?: string;
  onceKey?: string | null;
  deadline?: string | null;
  audience?: Audience;
  exclusions?: Audience;
  sendMode?: SendMode;
  perSecond?: number | null;
  domainRates?: { domain: string; perSecond: number }[];
  holdoutPercent?: number;
  brake?: Brake;
  offerPrefix?: string | null;
  data?: Record<string, unknown>;
  resultDays?: number;
}

export type CampaignCreate = CampaignInput & { name: string; templateId: string; topic: string };

/** The campaign in the shape of the contract. */
export function toCampaign(campaign: CampaignRow) {
  const { plan, audience: recipients, actor, pauseCause, failure, templateVersion, ...row } = campaign;
  const { perSecond, perDomain = {}, offerPrefix, localTime, brakeSince: _, ...planned } = plan;
  return {
    ...row,
    ...planned,
    domainRates: Object.entries(perDomain).map(([domain, rate]) => ({ domain, perSecond: rate })),
    ...(perSecond !== undefined && { perSecond }),
    ...(offerPrefix !== undefined && { offerPrefix }),
    ...(localTime !== undefined && { localTime }),
    ...(pauseCause !== null && { pauseCause }),
    ...(failure !== null && { failure }),
    ...(templateVersion !== null && { templateVersion }),
    ...(recipients !== null && { recipients }),
    createdBy: actor,
  };
}

export type Campaign = ReturnType<typeof toCampaign>;

/** What is sent within this long is the speed of a campaign. */
const PACE_MS = 60_000;

const isWaiting = ({ status }: StateCount): boolean =>
  (WAITING_STATUSES as readonly string[]).includes(status);

const countOf = (states: readonly StateCount[], wanted: (state: StateCount) => boolean): number =>
  states.filter(wanted).reduce((sum, { count }) => sum + count, 0);

/** How far a campaign is: mails by state, its speed, and when it ends if it goes on like this. */
export async function readProgress(ctx: Ctx, { id, status }: Pick<CampaignRow, 'id' | 'status'>) {
  const now = new Date();
  const account = await accountFor(ctx.db, id);
  const states = account?.states ?? [];
  const waiting = countOf(states, isWaiting);
  const pace =
    status === 'running'
      ? await findPace(ctx.db, id, new Date(now.getTime() - PACE_MS))
      : { sent: 0, lastDue: null };
  const perSecond = pace.sent / (PACE_MS / 1000);
  return {
    status,
    ...reconcile(account?.audience ?? null, states),
    states,
    waiting,
    perSecond,
    estimatedEndAt: estimateCampaignEnd({ waiting, perSecond, lastDue: pace.lastDue }, now),
  };
}

/** @throws Problem NOT_FOUND */
export async function findKnown(db: Db, id: string): Promise<CampaignRow> {
  const campaign = await findCampaign(db, id);
  if (!campaign) throw new Problem('NOT_FOUND', { resource: 'campaign' });
  return campaign;
}

/**
 * One campaign with its progress.
 * @throws Problem NOT_FOUND
 */
export async function readCampaign(ctx: Ctx, id: string) {
  const campaign = await findKnown(ctx.db, id);
  return { ...toCampaign(campaign), progress: await readProgress(ctx, campaign) };
}

const ratesOf = (rates: readonly { domain: string; perSecond: number }[]): Record<string, number> =>
  Object.fromEntries(rates.map(({ domain, perSecond }) => [domain.toLowerCase(), perSecond]));

const lowerIds = (ids: readonly string[]): string[] => [...new Set(ids.map((id) => id.toLowerCase()))];

/** Ids as the store writes them, each once. */
const audienceOf = ({ segmentIds, groupIds, customerIds, ...rest }: Audience): Audience => ({
  ...rest,
  ...(segmentIds && { segmentIds: lowerIds(segmentIds) }),
  ...(groupIds && { groupIds: lowerIds(groupIds) }),
  ...(customerIds && { customerIds: lowerIds(customerIds) }),
});

/** A member of the plan that null takes out. */
function cleared<Name extends 'perSecond' | 'offerPrefix'>(plan: CampaignPlan, name: Name): CampaignPlan {
  const { [name]: _, ...rest } = plan;
  return rest as CampaignPlan;
}

function planWith(before: CampaignPlan, input: CampaignInput): CampaignPlan {
  const { audience, exclusions, domainRates, perSecond, offerPrefix } = input;
  let plan: CampaignPlan = {
    ...before,
    sendMode: input.sendMode ?? before.sendMode,
    holdoutPercent: input.holdoutPercent ?? before.holdoutPercent,
    brake: input.brake ?? before.brake,
    data: input.data ?? before.data,
    resultDays: input.resultDays ?? before.resultDays,
    ...(audience && { audience: audienceOf(audience) }),
    ...(exclusions && { exclusions: audienceOf(exclusions) }),
    ...(domainRates && { perDomain: ratesOf(domainRates) }),
    ...(typeof perSecond === 'number' && { perSecond }),
    ...(typeof offerPrefix === 'string' && { offerPrefix }),
  };
  if (perSecond === null) plan = cleared(plan, 'perSecond');
  if (offerPrefix === null) plan = cleared(plan, 'offerPrefix');
  return plan;
}

const instantOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

function columnsOf(input: CampaignInput, before: CampaignRow): CampaignRow {
  const { name, templateId, topic, onceKey, deadline } = input;
  return {
    ...before,
    name: name ?? before.name,
    templateId: templateId?.toLowerCase() ?? before.templateId,
    topic: topic ?? before.topic,
    onceKey: onceKey === undefined ? before.onceKey : onceKey,
    deadline: deadline === undefined ? before.deadline : instantOf(deadline),
    plan: planWith(before.plan, input),
  };
}

const unknown = (pointer: string): FieldError => ({
  pointer,
  code: 'REFERENCE_UNKNOWN',
  message: 'The store has nothing of this id or name.',
});

/** A plan names only what the store has; whether all is ready is asked at the start. */
async function refuseUnknown(ctx: Ctx, tx: Tx, campaign: CampaignRow): Promise<void> {
  await ensureTopics(ctx, tx);
  const start = await findStart(tx, campaign);
  const pointers = [
    ...(start.class === null ? ['/templateId'] : []),
    ...(start.hasTopic ? [] : ['/topic']),
    ...(await unknownReferences(tx, campaign.plan)),
  ];
  if (pointers.length > 0) throw new Problem('CAMPAIGN_INVALID', { errors: pointers.map(unknown) });
}

const NEW = {
  status: 'draft',
  pauseCause: null,
  failure: null,
  templateVersion: null,
  startsAt: null,
  audience: null,
  preparedAt: null,
  startedAt: null,
  finishedAt: null,
  version: 1,
} as const;

async function addCampaign(
  ctx: Ctx,
  tx: Tx,
  { input, plan, from }: { input: CampaignCreate; plan: CampaignPlan; from?: string },
): Promise<Campaign> {
  const stamp = { id: ctx.newId(), actor: ctx.actor, createdAt: ctx.now, updatedAt: ctx.now };
  const { name, templateId, topic } = input;
  const bare: CampaignRow = {
    ...NEW,
    ...stamp,
    name,
    templateId,
    topic,
    onceKey: null,
    deadline: null,
    plan,
  };
  const campaign = columnsOf(input, bare);
  await refuseUnknown(ctx, tx, campaign);
  await insertCampaign(tx, campaign);
  await tell(ctx, tx, {
    kind: 'campaign.created',
    customerId: null,
    subjectId: campaign.id,
    data: { name, ...(from && { from }) },
  });
  return toCampaign(campaign);
}

/**
 * Plans a campaign; it is a draft until it is scheduled or sent.
 * @throws Problem CAMPAIGN_INVALID
 */
export const createCampaign = (ctx: Ctx, input: CampaignCreate): Promise<Campaign> =>
  write(ctx, (tx) => addCampaign(ctx, tx, { input, plan: DEFAULT_PLAN }));

/**
 * A draft of the same plan, without its schedule, deadline and once-key: those belong to the one that was.
 * @throws Problem NOT_FOUND, CAMPAIGN_INVALID when something it names is gone
 */
export function duplicateCampaign(ctx: Ctx, id: string, { name }: { name?: string }): Promise<Campaign> {
  return write(ctx, async (tx) => {
    const { templateId, topic, ...campaign } = await findKnown(tx, id);
    const { localTime: _, brakeSince: __, ...plan } = campaign.plan;
    const input = { name: name ?? campaign.name, templateId, topic };
    return addCampaign(ctx, tx, { input, plan, from: id });
  });
}

const TOLD = ['name', 'templateId', 'topic', 'onceKey', 'deadline', 'startsAt', 'plan'] as const;

/** A scheduled campaign that is to go by other clocks keeps the time that the store's clock shows at its start. */
async function reschedule(ctx: Ctx, tx: Tx, before: CampaignRow, after: CampaignRow): Promise<CampaignRow> {
  if (before.startsAt === null || before.plan.sendMode === after.plan.sendMode) return after;
  const { timezone } = await storeOf({ ...ctx, db: tx });
  const { localTime } = before.plan;
  const at = localTime === undefined ? before.startsAt : localTimeIn(localTime, timezone);
  return { ...after, ...scheduleOf(after, at, timezone) };
}

/**
 * Merge-patch of a campaign that has not started.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT, CAMPAIGN_INVALID
 */
export function updateCampaign(
  ctx: Ctx,
  id: string,
  input: CampaignInput,
  ifMatch?: number,
): Promise<Campaign> {
  return write(ctx, async (tx) => {
    const before = await lockKnown(tx, id, ifMatch);
    accepted(planCommand(before.status, 'change'));
    const after = await reschedule(ctx, tx, before, columnsOf(input, before));
    const changes = changedFields(before, after, TOLD);
    if (Object.keys(changes).length === 0) return toCampaign(before);
    await refuseUnknown(ctx, tx, after);
    const { name, templateId, topic, onceKey, deadline, startsAt, plan } = after;
    const stamp = { version: before.version + 1, updatedAt: ctx.now };
    await updateRow(tx, id, { name, templateId, topic, onceKey, deadline, startsAt, plan, ...stamp });
    await tell(ctx, tx, { kind: 'campaign.updated', customerId: null, subjectId: id, data: { changes } });
    return toCampaign({ ...after, ...stamp });
  });
}

/**
 * Deletes a draft; what was scheduled or sent stays for the record.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CAMPAIGN_STATE_CONFLICT
 */
export function deleteCampaign(ctx: Ctx, id: string, ifMatch?: number): Promise<void> {
  return write(ctx, async (tx) => {
    const campaign = await lockKnown(tx, id, ifMatch);
    accepted(planCommand(campaign.status, 'delete'));
    await deleteRow(tx, id);
    const data = { name: campaign.name };
    await tell(ctx, tx, { kind: 'campaign.deleted', customerId: null, subjectId: id, data });
  });
}

/**
 * The accounting identity of a campaign: its audience is the sum of its states.
 * @throws Problem NOT_FOUND
 */
export async function reconcileCampaign(db: Db, id: string) {
  const account = await accountFor(db, id);
  if (!account) throw new Problem('NOT_FOUND', { resource: 'campaign' });
  return { ...reconcile(account.audience, account.states), states: account.states };
}
