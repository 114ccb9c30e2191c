// Campaigns: the states and what leads from one to the other.

/** `draft → scheduled → preparing → running ⇄ paused → completed | cancelled | expired | failed`. */
export const CAMPAIGN_STATUSES = [
  'draft',
  'scheduled',
  'preparing',
  'running',
  'paused',
  'completed',
  'cancelled',
  'expired',
  'failed',
] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];

/** Who paused it: a person, or the brake. */
export const PAUSE_CAUSES = [
  'manual',
  'bounce_brake',
  'complaint_brake',
  'sender_refused',
  'template_errors',
] as const;
export type PauseCause = (typeof PAUSE_CAUSES)[number];

/** Who gets it: everybody whom one of these names, minus those whom one of the exclusions names. */
export interface Audience {
  /** Everybody of the store. */
  everyone?: boolean;
  segmentIds?: string[];
  groupIds?: string[];
  tags?: string[];
  customerIds?: string[];
}

/** `instant` sends to all at once; `local_time` at the same clock time in each recipient's zone. */
export const SEND_MODES = ['instant', 'local_time'] as const;
export type SendMode = (typeof SEND_MODES)[number];

/** What a campaign is to do; the facts about what it did stand in columns. */
export interface CampaignPlan {
  audience: Audience;
  exclusions: Audience;
  sendMode: SendMode;
  /** Most mails per second; absent: as fast as the server takes them. */
  perSecond?: number;
  /** Most mails per second for each domain of recipients, `*` for all others. */
  perDomain?: Record<string, number>;
  /** Share of the audience, in percent, that gets nothing and is compared. */
  holdoutPercent: number;
  /** The campaign pauses when a share of at least `minimum` sent mails bounces or is complained about. */
  brake: { bouncePercent: number; complaintPercent: number; minimum: number };
  /** Each recipient gets a code of their own that begins with this. */
  offerPrefix?: string;
  /** Facts for the template that are the same for all. */
  data: Record<string, unknown>;
  /** Orders within so many days after the mail count as results. */
  resultDays: number;
}
