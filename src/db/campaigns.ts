// Campaign rows, and what became of their mails in numbers.
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { CampaignStatus, SentCounts, StateCount } from '../domain/mail/campaigns.ts';
import type { MessageClass } from '../domain/mail/messages.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { campaignSimulations, campaigns } from './tables/campaigns.ts';

export type CampaignRow = Omit<typeof campaigns.$inferSelect, 'storeId'>;

const find = prepared<{ id: string }>()('find_campaign', (queries, p) =>
  queries
    .select()
    .from(campaigns)
    .where(and(eq(campaigns.storeId, p.storeId), eq(campaigns.id, p.id))),
);

export const findCampaign = async (db: Db, id: string): Promise<CampaignRow | undefined> =>
  (await find(db, { id }))[0];

const lock = prepared<{ id: string }>()('lock_campaign', (queries, p) =>
  queries
    .select()
    .from(campaigns)
    .where(and(eq(campaigns.storeId, p.storeId), eq(campaigns.id, p.id)))
    .for('no key update'),
);

export const lockCampaign = async (tx: Tx, id: string): Promise<CampaignRow | undefined> =>
  (await lock(tx, { id }))[0];

/** Campaigns, the latest first. */
export const listCampaigns = (
  db: Db,
  { status }: { status?: CampaignStatus | undefined },
  { after, limit }: PageStart<[id: string]>,
): Promise<CampaignRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(campaigns)
      .where(
        and(
          eq(campaigns.storeId, db.storeId),
          status === undefined ? undefined : eq(campaigns.status, status),
          after ? lt(campaigns.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(campaigns.id))
      .limit(limit),
  );

export const insertCampaign = (tx: Tx, campaign: CampaignRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(campaigns).values({ ...campaign, storeId: tx.storeId }));

/** Changes one campaign; the caller holds its lock and gives the next version. */
export const updateCampaign = (tx: Tx, id: string, change: Partial<CampaignRow>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(campaigns)
      .set(change)
      .where(and(eq(campaigns.storeId, tx.storeId), eq(campaigns.id, id))),
  );

export const deleteCampaign = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.delete(campaigns).where(and(eq(campaigns.storeId, tx.storeId), eq(campaigns.id, id))),
  );

/** Campaigns that are still to be started and name a segment or group in audience or exclusions. */
export const listCampaignsNaming = statement<
  { member: 'segmentIds' | 'groupIds'; id: string },
  { id: string; name: string }
>(
  'list_campaigns_naming',
  (p) => sql`
    select id, name from campaigns
    where store_id = ${p.storeId} and status in ('draft', 'scheduled', 'preparing')
      and (plan -> 'audience' -> ${p.member}::text ? ${p.id}::text or plan -> 'exclusions' -> ${p.member}::text ? ${p.id}::text)
    order by id limit 20`,
);

/** What stands in the store of template and topic of a campaign. */
export interface StartRow {
  /** Null: there is none. */
  class: MessageClass | null;
  published: number | null;
  templateArchivedAt: Date | null;
  hasTopic: boolean;
  topicArchivedAt: Date | null;
}

const startRow = statement<{ templateId: string; topic: string }, StartRow>(
  'find_campaign_start',
  (p) => sql`
    select t.class, t.published, t.archived_at as "templateArchivedAt", o.key is not null as "hasTopic",
      o.archived_at as "topicArchivedAt"
    from (select 1) one
    left join templates t on t.store_id = ${p.storeId} and t.id = ${p.templateId}
    left join topics o on o.store_id = ${p.storeId} and o.key = ${p.topic}`,
);

export async function findStart(db: Db, campaign: { templateId: string; topic: string }): Promise<StartRow> {
  const [row] = await startRow(db, { templateId: campaign.templateId, topic: campaign.topic });
  return row as StartRow;
}

interface References {
  segmentIds: readonly string[];
  groupIds: readonly string[];
  tagKeys: readonly string[];
  customerIds: readonly string[];
}

/** What of these the store has, as `<kind> <id or key>`. */
export const listKnown = statement<References, { name: string }>(
  'list_known_references',
  (p) => sql`
    select 'segmentIds ' || id as name from segments where store_id = ${p.storeId} and id = any(${p.segmentIds}::uuid[])
    union all
    select 'groupIds ' || id from groups where store_id = ${p.storeId} and id = any(${p.groupIds}::uuid[])
    union all
    select 'tags ' || name_key from tags where store_id = ${p.storeId} and name_key = any(${p.tagKeys}::text[])
    union all
    select 'customerIds ' || id from customers where store_id = ${p.storeId} and id = any(${p.customerIds}::uuid[])`,
);

interface Account {
  audience: number | null;
  states: StateCount[];
}

const account = statement<{ id: string }, Account>(
  'account_for_campaign',
  (p) => sql`
    select c.audience, coalesce((
      select json_agg(json_build_object('status', status, 'reason', reason, 'count', count) order by status, reason)
      from (
        select m.status, m.reason, count(*) as count from messages m
        where m.store_id = ${p.storeId} and m.campaign_id = ${p.id} group by m.status, m.reason
      ) counted), '[]') as states
    from campaigns c where c.store_id = ${p.storeId} and c.id = ${p.id}`,
);

/** The frozen audience and where everybody of it stands, at one moment. */
export const accountFor = async (db: Db, id: string): Promise<Account | undefined> =>
  (await account(db, { id }))[0];

const pace = statement<{ id: string; since: Date }, { sent: number; lastDue: Date | null }>(
  'find_campaign_pace',
  (p) => sql`
    select (
      select count(*) from messages m where m.store_id = ${p.storeId} and m.class = 'marketing'
        and m.sent_at > ${p.since} and m.campaign_id = ${p.id}) as sent,
      (select m.send_after from messages m where m.store_id = ${p.storeId} and m.campaign_id = ${p.id}
        and m.status in ('pending', 'ready', 'deferred') order by m.send_after desc limit 1) as "lastDue"`,
);

/** Mails of a campaign that were sent since the instant, and when the last one of those that wait is due. */
export async function findPace(
  db: Db,
  id: string,
  since: Date,
): Promise<{ sent: number; lastDue: Date | null }> {
  const [row] = await pace(db, { id, since });
  return row ?? { sent: 0, lastDue: null };
}

const sent = statement<{ id: string; since: Date }, SentCounts>(
  'count_sent_of_campaign',
  (p) => sql`
    select count(*) as sent,
      count(*) filter (where m.bounced_at is not null or m.status = 'failed') as bounced,
      count(m.complained_at) as complained
    from messages m
    where m.store_id = ${p.storeId} and m.campaign_id = ${p.id} and coalesce(m.sent_at, m.send_after) > ${p.since}
      and (m.status in ('sent', 'unknown')
        or m.status = 'failed' and m.reason in ('refused_recipient', 'mailbox_full', 'address_invalid'))`,
);

/** What became of the mails that were sent since the instant, as the brake counts them. */
export async function countSent(db: Db, id: string, since: Date): Promise<SentCounts> {
  const [row] = await sent(db, { id, since });
  return row ?? { sent: 0, bounced: 0, complained: 0 };
}

/**
 * Ends at most `limit` of the mails that wait and that nobody is sending; resolves to how many those were. The reason
 * is for skipped ones.
 */
export const endWaiting: (
  tx: Tx,
  params: { id: string; status: 'cancelled' | 'skipped'; reason: 'expired' | null; limit: number },
) => Promise<{ count: number }[]> = statement(
  'end_waiting_mails',
  (p) => sql`
    with ended as (
      update messages m set status = ${p.status}, reason = ${p.reason}, lease_id = null, lease_until = null
      from (
        select w.id from messages w
        where w.store_id = ${p.storeId} and w.campaign_id = ${p.id} and w.status in ('pending', 'ready', 'deferred')
        order by w.send_after, w.id limit ${p.limit} for update
      ) waiting
      where m.store_id = ${p.storeId} and m.id = waiting.id
      returning 1
    )
    select count(*) as count from ended`,
);

/**
 * Ends those of the mails that went back to waiting when their campaign had ended already: the server put them off
 * while it was being cancelled or ran out.
 */
export const endStragglers = statement<{ ids: readonly string[] }, { id: string }>(
  'end_straggling_mails',
  (p) => sql`
    update messages m set
      status = case c.status when 'expired' then 'skipped' else 'cancelled' end,
      reason = case c.status when 'expired' then 'expired' end
    from campaigns c
    where m.store_id = ${p.storeId} and m.id = any(${p.ids}::uuid[]) and m.status in ('pending', 'ready', 'deferred')
      and c.store_id = ${p.storeId} and c.id = m.campaign_id and c.status in ('completed', 'cancelled', 'expired', 'failed')
    returning m.id`,
);

const waiting = statement<{ id: string }, { open: boolean }>(
  'find_open_mails',
  (p) => sql`
    select exists (
      select from messages m where m.store_id = ${p.storeId} and m.campaign_id = ${p.id}
        and m.status in ('pending', 'ready', 'deferred', 'sending')) as open`,
);

/** Whether any mail of the campaign still waits or is being sent. */
export const hasOpenMails = async (db: Db, id: string): Promise<boolean> =>
  (await waiting(db, { id }))[0]?.open ?? false;

/**
 * Deletes the mails of customers who are about to be deleted, and of those who were merged into them; audiences shrink by
 * them. No foreign key does that: it took 45 % of the time in which an audience is frozen, and held up every change of the
 * customers in it. A mail that is frozen for somebody at the very moment of their deletion is skipped as `erased`.
 */
export const deleteMailsOf = statement<{ ids: readonly string[] }, never>(
  'delete_mails_of',
  (p) => sql`
    with recursive family (id) as (
      select c.id from customers c where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])
      union select c.id from customers c join family on c.store_id = ${p.storeId} and c.merged_into_id = family.id
    ), gone as (
      delete from messages m using family where m.store_id = ${p.storeId} and m.customer_id = family.id
      returning m.campaign_id
    )
    update campaigns c set audience = c.audience - counted.count
    from (
      select campaign_id, count(*)::integer as count from gone where campaign_id is not null group by campaign_id
    ) counted
    where c.store_id = ${p.storeId} and c.id = counted.campaign_id`,
);

export type SimulationRow = Omit<typeof campaignSimulations.$inferSelect, 'storeId'>;

export const insertSimulation = (tx: Tx, simulation: SimulationRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(campaignSimulations).values({ ...simulation, storeId: tx.storeId }));

/** Simulations of a campaign, the latest first. */
export const listSimulations = (
  db: Db,
  campaignId: string,
  { after, limit }: PageStart<[id: string]>,
): Promise<SimulationRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(campaignSimulations)
      .where(
        and(
          eq(campaignSimulations.storeId, db.storeId),
          eq(campaignSimulations.campaignId, campaignId),
          after ? lt(campaignSimulations.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(campaignSimulations.id))
      .limit(limit),
  );
