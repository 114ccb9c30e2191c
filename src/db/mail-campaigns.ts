// What the sender has to know of campaigns: which are open, how fast each may go, whether one is done.
import { sql } from 'drizzle-orm';
import type { CampaignPlan, CampaignStatus } from '../domain/mail/campaigns.ts';
import type { Bucket } from '../domain/mail/pace.ts';
import { type Db, statement, type Tx } from './connection.ts';

export interface OpenCampaign {
  id: string;
  status: CampaignStatus;
  plan: CampaignPlan;
  deadline: Date | null;
}

/** Campaigns whose time has come and that are not paused, the oldest first. */
export const listOpenCampaigns = statement<{ now: Date }, OpenCampaign>(
  'list_open_campaigns',
  (p) => sql`
    select c.id, c.status, c.plan, c.deadline from campaigns c
    where c.store_id = ${p.storeId} and c.status in ('scheduled', 'preparing', 'running') and c.starts_at <= ${p.now}
    order by c.starts_at, c.id`,
);

/** Holds the campaign while its buckets change; no row when it is not running. */
export const lockRunningCampaign = statement<{ id: string }, { plan: CampaignPlan }>(
  'lock_running_campaign',
  (p) => sql`
    select plan from campaigns where store_id = ${p.storeId} and id = ${p.id} and status = 'running' for no key update`,
);

const list = statement<{ id: string }, Bucket & { domain: string }>(
  'list_campaign_paces',
  (p) => sql`
    select domain, tokens, filled_at as "filledAt" from campaign_paces
    where store_id = ${p.storeId} and campaign_id = ${p.id}`,
);

/** The buckets of a campaign by domain. */
export async function readBuckets(tx: Tx, id: string): Promise<Map<string, Bucket>> {
  return new Map((await list(tx, { id })).map(({ domain, ...bucket }) => [domain, bucket]));
}

const save = statement<{ id: string; domains: string[]; tokens: number[]; times: Date[] }, never>(
  'save_campaign_paces',
  (p) => sql`
    insert into campaign_paces (store_id, campaign_id, domain, tokens, filled_at)
    select ${p.storeId}, ${p.id}, r.* from unnest(${p.domains}::text[], ${p.tokens}::real[], ${p.times}::timestamptz[]) r
    on conflict (store_id, campaign_id, domain) do update set tokens = excluded.tokens, filled_at = excluded.filled_at`,
);

export async function saveBuckets(tx: Tx, id: string, buckets: ReadonlyMap<string, Bucket>): Promise<void> {
  if (buckets.size === 0) return;
  const values = [...buckets.values()];
  await save(tx, {
    id,
    domains: [...buckets.keys()],
    tokens: values.map(({ tokens }) => tokens),
    times: values.map(({ filledAt }) => filledAt),
  });
}

/** What the mails of a campaign have alike. */
export interface CampaignContent {
  id: string;
  templateId: string;
  templateVersion: number | null;
  plan: CampaignPlan;
}

const contents = statement<{ ids: string[] }, CampaignContent>(
  'list_campaign_contents',
  (p) => sql`
    select c.id, c.template_id as "templateId", c.template_version as "templateVersion", c.plan from campaigns c
    where c.store_id = ${p.storeId} and c.id = any (${p.ids}::uuid[])`,
);

/** By id. */
export async function listCampaignContents(db: Db, ids: string[]): Promise<Map<string, CampaignContent>> {
  if (ids.length === 0) return new Map();
  return new Map((await contents(db, { ids })).map((campaign) => [campaign.id, campaign]));
}
