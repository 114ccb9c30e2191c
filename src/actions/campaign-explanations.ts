// Why one customer did or did not get a campaign: the frozen row, or what would become of them now, with what is
// behind it.
import type { Ctx } from '../context.ts';
import { judgeCustomer, matchSelections } from '../db/campaign-audience.ts';
import { type BackgroundRow, findBackground, findRecipient } from '../db/campaign-recipients.ts';
import type { CampaignRow } from '../db/campaigns.ts';
import { type Db, transaction } from '../db/connection.ts';
import { findGroups } from '../db/groups.ts';
import { findSegment } from '../db/segments/rows.ts';
import { daysBefore } from '../domain/days.ts';
import {
  type Explanation,
  type ExplanationFacts,
  explain,
  type NamedBy,
} from '../domain/mail/campaign-explanations.ts';
import { type Audience, isOpenToChange } from '../domain/mail/campaigns.ts';
import { type ContactLimit, mailSettingsOf, OWN_LIMIT_DAYS } from '../domain/mail/settings.ts';
import { Problem } from '../errors.ts';
import { audienceQuestion, type NamedPart, partsOf } from './campaign-audience.ts';
import { findKnown } from './campaigns.ts';
import { storeOf } from './customers.ts';

async function nameOf(db: Db, { member, value }: NamedPart): Promise<NamedBy> {
  if (member === 'tags') return { kind: 'tag', name: value };
  if (member === 'segmentIds')
    return { kind: 'segment', name: (await findSegment(db, value))?.name ?? value };
  return { kind: 'group', name: (await findGroups(db, [value]))[0]?.name ?? value };
}

/** Which parts of an audience name the customer now. */
async function namingParts(ctx: Ctx, db: Db, audience: Audience, customerId: string): Promise<NamedBy[]> {
  const parts = await partsOf(ctx, db, audience);
  const held = await matchSelections(
    db,
    customerId,
    parts.map(({ selection }) => selection),
  );
  const naming: NamedBy[] = audience.everyone ? [{ kind: 'everyone', name: null }] : [];
  for (const [index, part] of parts.entries()) if (held[index]) naming.push(await nameOf(db, part));
  if (audience.customerIds?.includes(customerId)) naming.push({ kind: 'customer', name: null });
  return naming;
}

function contactsOf(limit: ContactLimit | null, row: BackgroundRow): ExplanationFacts['contacts'] {
  const { contactLimit, sentOfStore, sentOfOwn, lastSentAt: lastAt } = row;
  return [
    ...(limit ? [{ sent: sentOfStore, limit: limit.messages, days: limit.days, lastAt }] : []),
    ...(contactLimit === null
      ? []
      : [{ sent: sentOfOwn, limit: contactLimit, days: OWN_LIMIT_DAYS, lastAt }]),
  ];
}

const consentOf = ({ consentState, consentAt, consentSource }: BackgroundRow): ExplanationFacts['consent'] =>
  consentState && consentAt && consentSource
    ? { state: consentState, effectiveAt: consentAt, source: consentSource }
    : null;

const suppressionOf = (row: BackgroundRow): ExplanationFacts['suppression'] => {
  const { suppressionReason: reason, suppressedAt: createdAt, suppressedUntil: until } = row;
  return reason && createdAt ? { reason, createdAt, until } : null;
};

async function gather(
  ctx: Ctx,
  db: Db,
  campaign: CampaignRow,
  customerId: string,
): Promise<ExplanationFacts> {
  const { contactLimit } = mailSettingsOf((await storeOf({ ...ctx, db })).settings);
  const { id: campaignId, topic, onceKey, plan } = campaign;
  const row = await findBackground(db, {
    customerId,
    campaignId,
    topic,
    onceKey,
    now: ctx.now,
    storeSince: daysBefore(ctx.now, contactLimit?.days ?? 0),
    ownSince: daysBefore(ctx.now, OWN_LIMIT_DAYS),
  });
  if (!row) throw new Problem('NOT_FOUND', { resource: 'customer' });
  const recipient = await findRecipient(db, { campaignId, customerId });
  const verdict = isOpenToChange(campaign.status)
    ? await judgeCustomer(db, await audienceQuestion(ctx, db, campaign), customerId)
    : undefined;
  return {
    campaign,
    namedBy: await namingParts(ctx, db, plan.audience, customerId),
    excludedBy: await namingParts(ctx, db, plan.exclusions, customerId),
    ...(recipient && { row: recipient }),
    ...(verdict && { verdict }),
    consent: consentOf(row),
    suppression: suppressionOf(row),
    contacts: contactsOf(contactLimit, row),
    twins: row.twins,
    received: row.received.map(({ campaign: name, at }) => ({
      campaign: name,
      at: at === null ? null : new Date(at),
    })),
    holdoutPercent: plan.holdoutPercent,
    mergedIntoId: row.mergedIntoId,
  };
}

/**
 * Why the customer got the campaign or not; before its start, what would become of them.
 * @throws Problem NOT_FOUND
 */
export async function explainCampaign(
  ctx: Ctx,
  customerId: string,
  campaignId: string,
): Promise<Explanation & { customerId: string; campaignId: string }> {
  const campaign = await findKnown(ctx.db, campaignId);
  const facts = await transaction(ctx.db, (tx) => gather(ctx, tx, campaign, customerId.toLowerCase()));
  return { customerId, campaignId, ...explain(facts) };
}
