// The audience of a campaign: from what its plan names to one question for the database.
import type { Ctx } from '../context.ts';
import { type AudienceQuestion, type Clocks, listPlaces, type Named } from '../db/campaign-audience.ts';
import { type CampaignRow, listKnown } from '../db/campaigns.ts';
import type { Db } from '../db/connection.ts';
import type { Selection } from '../db/customer-selection.ts';
import { findSegment } from '../db/segments/rows.ts';
import type { Store } from '../db/stores.ts';
import { zoneOfCountry } from '../domain/country-zones.ts';
import { normaliseTimezone } from '../domain/locales.ts';
import { type Audience, dueIn } from '../domain/mail/campaigns.ts';
import { type MailSettings, mailSettingsOf } from '../domain/mail/settings.ts';
import { tagKey } from '../domain/tags.ts';
import { localMsAt } from '../domain/zoned-time.ts';
import { storeOf } from './customers.ts';
import { askedAgain, bindIn, openQueries } from './segment-queries.ts';

/** One part of an audience that a query selects by, with where it stands. */
export interface NamedPart {
  member: 'segmentIds' | 'groupIds' | 'tags';
  value: string;
  selection: Selection;
}

/** Segments mean what they select at `ctx.now`; those that are gone select nobody. */
export async function partsOf(
  ctx: Ctx,
  db: Db,
  { segmentIds = [], groupIds = [], tags = [] }: Audience,
): Promise<NamedPart[]> {
  const parts: NamedPart[] = [];
  for (const id of segmentIds) {
    const segment = await findSegment(db, id);
    if (!segment) continue;
    const { bound } = await bindIn(db, await openQueries(ctx, ctx.now, db), askedAgain(segment.query));
    parts.push({ member: 'segmentIds', value: id, selection: { segment: bound } });
  }
  for (const id of groupIds) parts.push({ member: 'groupIds', value: id, selection: { group: [id] } });
  for (const tag of tags) parts.push({ member: 'tags', value: tag, selection: { tag: [tag] } });
  return parts;
}

async function namedBy(ctx: Ctx, db: Db, audience: Audience): Promise<Named> {
  const parts = await partsOf(ctx, db, audience);
  return {
    everyone: audience.everyone ?? false,
    selections: parts.map(({ selection }) => selection),
    ids: audience.customerIds ?? [],
  };
}

type Startable = Pick<CampaignRow, 'plan'> & { startsAt: Date };

/** The instants at which mails are due, by the zone of the customer, else of their country, else of the store. */
async function clocksOf(db: Db, campaign: Startable, settings: MailSettings, store: Store): Promise<Clocks> {
  const due: Date[] = [];
  const zones: string[] = [];
  const places = new Map<string, number>();
  // Zones whose clocks show the same at that moment are one.
  const clockOf = (timezone: string): number => {
    const instant = dueIn(timezone, { ...campaign, quietHours: settings.quietHours });
    const key = `${instant.getTime()} ${localMsAt(instant, timezone)}`;
    const place = places.get(key) ?? due.push(instant) - 1;
    zones[place] ??= timezone;
    places.set(key, place);
    return place;
  };
  clockOf(store.timezone);
  const clocks = { due, zones, byTimezone: new Map<string, number>(), byCountry: new Map<string, number>() };
  if (campaign.plan.localTime === undefined && settings.quietHours === null) return clocks;
  for (const { timezone, country } of await listPlaces(db)) {
    if (timezone) clocks.byTimezone.set(timezone, clockOf(normaliseTimezone(timezone) ?? store.timezone));
    else if (country) clocks.byCountry.set(country, clockOf(zoneOfCountry(country) ?? store.timezone));
  }
  return clocks;
}

/** What the audience of a campaign is asked with, as of `ctx.now`. */
export async function audienceQuestion(ctx: Ctx, db: Db, campaign: CampaignRow): Promise<AudienceQuestion> {
  const store = await storeOf({ ...ctx, db });
  const settings = mailSettingsOf(store.settings);
  const { id, topic, onceKey, plan, deadline } = campaign;
  const planned = campaign.startsAt ?? ctx.now;
  const startsAt = new Date(Math.max(planned.getTime(), ctx.now.getTime()));
  return {
    campaignId: id,
    topic,
    onceKey,
    deadline,
    now: ctx.now,
    audience: await namedBy(ctx, db, plan.audience),
    exclusions: await namedBy(ctx, db, plan.exclusions),
    holdoutPercent: plan.holdoutPercent,
    contactLimit: settings.contactLimit,
    clocks: await clocksOf(db, { plan, startsAt }, settings, store),
  };
}

const MEMBERS = ['segmentIds', 'groupIds', 'tags', 'customerIds'] as const;

/** Pointers to what audience and exclusions name and the store does not have. */
export async function unknownReferences(
  db: Db,
  { audience, exclusions }: { audience: Audience; exclusions: Audience },
): Promise<string[]> {
  const both = (member: (typeof MEMBERS)[number]) => [
    ...(audience[member] ?? []),
    ...(exclusions[member] ?? []),
  ];
  const known = await listKnown(db, {
    segmentIds: both('segmentIds'),
    groupIds: both('groupIds'),
    tagKeys: both('tags').map(tagKey),
    customerIds: both('customerIds'),
  });
  const names = new Set(known.map(({ name }) => name));
  return Object.entries({ audience, exclusions }).flatMap(([side, named]) =>
    MEMBERS.flatMap((member) =>
      (named[member] ?? []).flatMap((value, index) => {
        const key = member === 'tags' ? tagKey(value) : value.toLowerCase();
        return names.has(`${member} ${key}`) ? [] : [`/${side}/${member}/${index}`];
      }),
    ),
  );
}
