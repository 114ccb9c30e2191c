// Campaigns: the states and what leads from one to the other, what must be there before a start, when each recipient's
// mail is due, and when the brake takes hold.
import type { FieldProblem } from '../fields.ts';
import { codeFrom } from '../loyalty/referrals.ts';
import { firstInstantOfLocal, localMsAt } from '../zoned-time.ts';
import { senderOf } from './headers.ts';
import type { MessageClass, MessageStatus } from './messages.ts';
import { quietUntil } from './quiet-hours.ts';
import type { MailSettings, QuietHours, Sender } from './settings.ts';

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

/** Shares in percent, and the sent mails below which no share means anything. */
export interface Brake {
  bouncePercent: number;
  complaintPercent: number;
  minimum: number;
}

/** What a campaign is to do; the facts about what it did stand in columns. */
export interface CampaignPlan {
  audience: Audience;
  exclusions: Audience;
  sendMode: SendMode;
  /**
   * Of `local_time`, once it is scheduled: what each recipient's clock shows when the mail is due,
   * `2026-10-25T10:00:00`.
   */
  localTime?: string;
  /** Most mails per second; absent: as fast as the server takes them. */
  perSecond?: number;
  /** Most mails per second for each domain of recipients, `*` for all others. */
  perDomain?: Record<string, number>;
  /** Share of the audience, in percent, that gets nothing and is compared. */
  holdoutPercent: number;
  /** The campaign pauses when a share of at least `minimum` sent mails bounces or is complained about. */
  brake: Brake;
  /** RFC 3339: what was sent before does not count for the brake, for somebody has resumed the campaign since. */
  brakeSince?: string;
  /** Each recipient gets a code of their own that begins with this. */
  offerPrefix?: string;
  /** Facts for the template that are the same for all. */
  data: Record<string, unknown>;
  /** Orders within so many days after the mail count as results. */
  resultDays: number;
}

/** What a campaign has that says nothing else. */
export const DEFAULT_PLAN: CampaignPlan = {
  audience: {},
  exclusions: {},
  sendMode: 'instant',
  holdoutPercent: 0,
  brake: { bouncePercent: 5, complaintPercent: 0.5, minimum: 100 },
  data: {},
  resultDays: 7,
};

/** States that nothing leads out of. */
export const FINAL_STATUSES = ['completed', 'cancelled', 'expired', 'failed'] as const;
export const isFinal = (status: CampaignStatus): boolean =>
  (FINAL_STATUSES as readonly string[]).includes(status);

/** States in which what it is to do can still be changed. */
export const isOpenToChange = (status: CampaignStatus): boolean =>
  status === 'draft' || status === 'scheduled';

/** What people ask for, and what the sender does by itself from `prepare` on. */
export const CAMPAIGN_COMMANDS = [
  'schedule',
  'send',
  'pause',
  'resume',
  'cancel',
  'change',
  'simulate',
  'delete',
  'prepare',
  'run',
  'brake',
  'complete',
  'expire',
  'fail',
] as const;
export type CampaignCommand = (typeof CAMPAIGN_COMMANDS)[number];

/** Where a command leads from each state; `delete` leads nowhere. */
const COMMANDS: Readonly<Record<CampaignCommand, Partial<Record<CampaignStatus, CampaignStatus>>>> = {
  schedule: { draft: 'scheduled', scheduled: 'scheduled' },
  send: { draft: 'preparing', scheduled: 'preparing' },
  pause: { running: 'paused' },
  resume: { paused: 'running' },
  cancel: {
    scheduled: 'cancelled',
    preparing: 'cancelled',
    running: 'cancelled',
    paused: 'cancelled',
  },
  change: { draft: 'draft', scheduled: 'scheduled' },
  simulate: { draft: 'draft', scheduled: 'scheduled' },
  delete: { draft: 'draft' },
  prepare: { scheduled: 'preparing' },
  run: { preparing: 'running' },
  brake: { running: 'paused' },
  complete: { running: 'completed' },
  expire: { scheduled: 'expired', preparing: 'expired', running: 'expired', paused: 'expired' },
  fail: { scheduled: 'failed', preparing: 'failed', running: 'failed', paused: 'failed' },
};

const AGAIN = 'Duplicate it with POST /v1/campaigns/{id}/duplicate and send the copy.';

/** What somebody can do instead, by the state that a campaign is in. */
const WAYS_OUT: Readonly<Record<CampaignStatus, string>> = {
  draft: 'Send it with POST /v1/campaigns/{id}/send, or delete it.',
  scheduled: 'Change it, send it now, or cancel it.',
  preparing: 'Its audience is being frozen: cancel it, or pause it once it runs.',
  running: 'Pause or cancel it; to send something else, duplicate it.',
  paused: 'Resume or cancel it; to send something else, duplicate it.',
  completed: AGAIN,
  cancelled: AGAIN,
  expired: AGAIN,
  failed: AGAIN,
};

export type CampaignRefusal = {
  refused: 'CAMPAIGN_STATE_CONFLICT';
  campaignStatus: CampaignStatus;
  command: CampaignCommand;
  wayOut: string;
};

/** Where the command leads, or why it does not. */
export function planCommand(
  status: CampaignStatus,
  command: CampaignCommand,
): { to: CampaignStatus } | CampaignRefusal {
  const to = COMMANDS[command][status];
  if (to !== undefined) return { to };
  return { refused: 'CAMPAIGN_STATE_CONFLICT', campaignStatus: status, command, wayOut: WAYS_OUT[status] };
}

/** Whether an audience names anybody at all; who that is shows only in the database. */
export const namesAnybody = ({ everyone, segmentIds, groupIds, tags, customerIds }: Audience): boolean =>
  everyone === true || [segmentIds, groupIds, tags, customerIds].some((list = []) => list.length > 0);

/** What a start is held against. */
export interface StartFacts {
  plan: CampaignPlan;
  deadline: Date | null;
  /** When the first mail could go. */
  startsAt: Date;
  template: { class: MessageClass; published: number | null; archivedAt: Date | null } | undefined;
  topic: { archivedAt: Date | null } | undefined;
  mail: Pick<MailSettings, 'marketingSender' | 'postalAddress'>;
  sender: Sender | null;
  /** Of the installation, for stores that have none. */
  fallbackSender: Sender | null;
  /** Pointers to ids and names in audience and exclusions that the store no longer has. */
  unknown: readonly string[];
}

/** Everything that stands in the way of a start, each with the place to mend (M7); [] when nothing does. */
export function startObstacles(facts: StartFacts): FieldProblem[] {
  const { plan, template, topic, mail, sender, fallbackSender, deadline, startsAt, unknown } = facts;
  const problems: FieldProblem[] = [];
  const refuse = (isWrong: boolean, pointer: string, code: string, message: string): void => {
    if (isWrong) problems.push({ pointer, code, message });
  };
  refuse(!template, '/templateId', 'TEMPLATE_UNKNOWN', 'There is no such template.');
  if (template) {
    refuse(
      template.published === null,
      '/templateId',
      'TEMPLATE_UNPUBLISHED',
      'Publish the template first: POST /v1/templates/{id}/publish.',
    );
    refuse(template.archivedAt !== null, '/templateId', 'TEMPLATE_ARCHIVED', 'The template is archived.');
    refuse(
      template.class !== 'marketing',
      '/templateId',
      'TEMPLATE_NOT_MARKETING',
      'Campaigns take templates of the class marketing.',
    );
  }
  refuse(!topic, '/topic', 'TOPIC_UNKNOWN', 'There is no such topic: see GET /v1/topics.');
  refuse(Boolean(topic?.archivedAt), '/topic', 'TOPIC_ARCHIVED', 'The topic is archived.');
  refuse(
    !mail.postalAddress,
    '/settings/postalAddress',
    'POSTAL_ADDRESS_MISSING',
    'Marketing mail needs the postal address of the store.',
  );
  refuse(
    !senderOf('marketing', { sender, marketingSender: mail.marketingSender }, fallbackSender),
    '/settings/marketingSender',
    'SENDER_MISSING',
    'Give the store a sender for marketing, or a sender for everything; the installation has none either.',
  );
  refuse(
    !namesAnybody(plan.audience),
    '/audience',
    'AUDIENCE_EMPTY',
    'Name segments, groups, tags or customers, or set `everyone`.',
  );
  for (const pointer of unknown) refuse(true, pointer, 'REFERENCE_UNKNOWN', 'The store no longer has this.');
  refuse(
    plan.sendMode === 'local_time' && plan.localTime === undefined,
    '/sendMode',
    'SCHEDULE_MISSING',
    'Say by POST /v1/campaigns/{id}/schedule which time it is to be on each clock.',
  );
  refuse(
    deadline !== null && deadline <= startsAt,
    '/deadline',
    'DEADLINE_PASSED',
    'The deadline must be later than the start.',
  );
  return problems;
}

/** The zone where each date begins first. */
const FIRST_ZONE = 'Etc/GMT-14';

/** What the zone's clock shows at the instant, without the zone. */
export const localTimeOf = (at: Date, timezone: string): string =>
  new Date(localMsAt(at, timezone)).toISOString().slice(0, 19);

/**
 * The instant at which the zone's clock shows a local time. Where the clock skips it, that of the next minute; where
 * it comes twice, the first one.
 */
export function localTimeIn(localTime: string, timezone: string): Date {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = localTime
    .split(/[-T:]/)
    .map(Number);
  const instant = firstInstantOfLocal({ year, month, day, hour, minute, second }, timezone);
  return instant ?? new Date(`${localTime}Z`);
}

/**
 * When the audience must be frozen so that the first clock of the world that shows the time finds its mails ready.
 */
export const firstSendAt = (localTime: string): Date => localTimeIn(localTime, FIRST_ZONE);

/** When mails to people in a zone are due: at the campaign's own moment, or at theirs, outside of quiet hours. */
export function dueIn(
  timezone: string,
  {
    plan,
    startsAt,
    quietHours,
  }: { plan: Pick<CampaignPlan, 'localTime'>; startsAt: Date; quietHours: QuietHours | null },
): Date {
  const local = plan.localTime === undefined ? startsAt : localTimeIn(plan.localTime, timezone);
  return quietUntil(local > startsAt ? local : startsAt, timezone, quietHours);
}

/** What became of the mails that were sent so far. */
export interface SentCounts {
  sent: number;
  bounced: number;
  complained: number;
}

/** Why the brake takes hold; undefined while it does not. */
export function shouldBrake(
  { sent, bounced, complained }: SentCounts,
  { bouncePercent, complaintPercent, minimum }: Brake,
): Extract<PauseCause, 'bounce_brake' | 'complaint_brake'> | undefined {
  if (sent < Math.max(1, minimum)) return undefined;
  if (complained * 100 >= complaintPercent * sent) return 'complaint_brake';
  return bounced * 100 >= bouncePercent * sent ? 'bounce_brake' : undefined;
}

const OFFER_CODE_LENGTH = 12;

/** The code that one recipient gets: 60 bits of a keyed hash of the mail's id, as letters that nobody misreads. */
export const offerCode = (prefix: string, hash: Uint8Array): string =>
  `${prefix}${codeFrom(hash, OFFER_CODE_LENGTH)}`;

/** How many rows of a campaign are in one state, for one reason. */
export interface StateCount {
  status: MessageStatus;
  reason: string | null;
  count: number;
}

/** The accounting identity: everybody of the audience is in exactly one state. */
export function reconcile(
  audience: number | null,
  states: readonly StateCount[],
): { audience: number; total: number; balanced: boolean } {
  const total = states.reduce((sum, { count }) => sum + count, 0);
  return { audience: audience ?? 0, total, balanced: total === (audience ?? 0) };
}
