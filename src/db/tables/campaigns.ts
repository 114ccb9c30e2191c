// Campaigns, what was foretold of them, and how fast they go.
import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { CampaignPlan, CampaignStatus, PauseCause } from '../../domain/mail/campaigns.ts';
import { id, instant, keyText, storeId } from './columns.ts';
import { stores } from './stores.ts';
import { templates } from './templates.ts';

export const campaigns = pgTable(
  'campaigns',
  {
    storeId: storeId(),
    id: id(),
    name: text('name').notNull(),
    status: keyText('status').$type<CampaignStatus>().notNull(),
    pauseCause: keyText('pause_cause').$type<PauseCause>(),
    /** Why it failed. */
    failure: text('failure'),
    templateId: uuid('template_id').notNull(),
    /** Frozen at the start. */
    templateVersion: integer('template_version'),
    topic: keyText('topic').notNull(),
    /** Nobody gets two campaigns of one key. */
    onceKey: keyText('once_key'),
    /** Audience, schedule, throttle, brake, hold-out, offer codes, data of the template. */
    plan: jsonb('plan').$type<CampaignPlan>().notNull(),
    /** When it starts; null before it was scheduled. */
    startsAt: instant('starts_at'),
    /** What was not sent by then is skipped. */
    deadline: instant('deadline'),
    /** Rows of the frozen audience. */
    audience: integer('audience'),
    preparedAt: instant('prepared_at'),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    actor: keyText('actor').notNull(),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'campaigns_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'campaigns_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'campaigns_template_fk',
      columns: [table.storeId, table.templateId],
      foreignColumns: [templates.storeId, templates.id],
    }).onDelete('restrict'),
    index('campaigns_by_status').on(table.storeId, table.status, table.id),
    // Across stores: what the sweeper looks for.
    index('campaigns_open').on(table.startsAt).where(sql`status in ('scheduled', 'preparing', 'running')`),
    index('campaigns_by_once_key').on(table.storeId, table.onceKey).where(sql`once_key is not null`),
    check(
      'campaigns_status_valid',
      sql`status in ('draft', 'scheduled', 'preparing', 'running', 'paused', 'completed', 'cancelled', 'expired', 'failed')`,
    ),
    check('campaigns_pause_told', sql`(status = 'paused') = (pause_cause is not null)`),
  ],
);

/** What a simulation foretold; compared with what happened. */
export const campaignSimulations = pgTable(
  'campaign_simulations',
  {
    storeId: storeId(),
    id: id(),
    campaignId: uuid('campaign_id').notNull(),
    result: jsonb('result').$type<Record<string, unknown>>().notNull(),
    simulatedAt: instant('simulated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'campaign_simulations_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'campaign_simulations_campaign_fk',
      columns: [table.storeId, table.campaignId],
      foreignColumns: [campaigns.storeId, campaigns.id],
    }).onDelete('cascade'),
    index('campaign_simulations_by_campaign').on(table.storeId, table.campaignId, table.id),
  ],
);

/** Token buckets of a campaign, shared by all workers: the empty domain is the campaign's own. */
export const campaignPaces = pgTable(
  'campaign_paces',
  {
    storeId: storeId(),
    campaignId: uuid('campaign_id').notNull(),
    domain: keyText('domain').notNull(),
    tokens: real('tokens').notNull(),
    filledAt: instant('filled_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'campaign_paces_pk', columns: [table.storeId, table.campaignId, table.domain] }),
    foreignKey({
      name: 'campaign_paces_campaign_fk',
      columns: [table.storeId, table.campaignId],
      foreignColumns: [campaigns.storeId, campaigns.id],
    }).onDelete('cascade'),
  ],
);
