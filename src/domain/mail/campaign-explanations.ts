// Why somebody did or did not get a campaign, in sentences.
import type { CampaignStatus } from './campaigns.ts';
import type { ConsentSource, ConsentState } from './consents.ts';
import type { MessageStatus, SkipReason } from './messages.ts';

/** What audience or exclusions have that holds for the customer now. */
export interface NamedBy {
  kind: 'everyone' | 'segment' | 'group' | 'tag' | 'customer';
  name: string | null;
}

/** What stands behind the reasons; read for one customer. */
export interface ExplanationFacts {
  campaign: { name: string; status: CampaignStatus; topic: string; preparedAt: Date | null };
  namedBy: readonly NamedBy[];
  excludedBy: readonly NamedBy[];
  /** The frozen row. */
  row?: {
    status: MessageStatus;
    reason: string | null;
    sendAfter: Date;
    sentAt: Date | null;
    deliveredAt: Date | null;
    bouncedAt: Date | null;
    complainedAt: Date | null;
    unsubscribedAt: Date | null;
    clickedAt: Date | null;
  };
  /** What would become of the customer if the campaign started now; before it has started. */
  verdict?: { reason: string | null; due: Date };
  consent: { state: ConsentState; effectiveAt: Date; source: ConsentSource } | null;
  suppression: { reason: string; createdAt: Date; until: Date | null } | null;
  /** Marketing mails that were sent within the days of each limit; null: there is no limit. */
  contacts: { sent: number; limit: number; days: number; lastAt: Date | null }[];
  /** Others who share the mailbox. */
  twins: readonly string[];
  /** Mails of other campaigns of the same key. */
  received: readonly { campaign: string; at: Date | null }[];
  holdoutPercent: number;
  mergedIntoId: string | null;
}

export interface Explanation {
  /** `sent`, `waiting`, `skipped`, `not_in_audience`, and what would be: `would_send`, `would_skip`. */
  outcome:
    | 'sent'
    | 'waiting'
    | 'skipped'
    | 'failed'
    | 'cancelled'
    | 'not_in_audience'
    | 'would_send'
    | 'would_skip';
  reason: string | null;
  sentences: string[];
}

const when = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const KINDS: Readonly<Record<NamedBy['kind'], (name: string | null) => string>> = {
  everyone: () => 'it goes to everybody',
  segment: (name) => `the segment “${name}”`,
  group: (name) => `the group “${name}”`,
  tag: (name) => `the tag “${name}”`,
  customer: () => 'the customer is named one by one',
};

const list = (parts: readonly NamedBy[]): string =>
  parts.map(({ kind, name }) => KINDS[kind](name)).join(', ');

const SOURCES: Readonly<Record<ConsentSource, string>> = {
  newsletter_form: 'by the newsletter form',
  registration: 'at registration',
  checkout: 'at checkout',
  preference_centre: 'in the preference centre',
  one_click: 'by the one-click link of a mail',
  unsubscribe_page: 'on the unsubscribe page',
  confirmation_link: 'by the link in the confirmation mail',
  self_service: 'in the customer’s account',
  staff: 'by staff',
  api: 'by an integration',
  import: 'by an import',
  address_change: 'with a change of the address',
  complaint: 'by a complaint to the mail provider',
};

const consentSentence = ({ consent, campaign }: ExplanationFacts): string => {
  if (!consent) return `Nobody of this address ever agreed to the topic “${campaign.topic}”.`;
  const how = `${SOURCES[consent.source]} on ${when(consent.effectiveAt)}`;
  if (consent.state === 'withdrawn') return `Consent to the topic “${campaign.topic}” was withdrawn ${how}.`;
  if (consent.state === 'pending')
    return `Consent to the topic “${campaign.topic}” was given ${how}, but is not confirmed yet.`;
  return `Consent to the topic “${campaign.topic}” stands, given ${how}.`;
};

const suppressionSentence = ({ suppression }: ExplanationFacts): string => {
  if (!suppression) return 'The address was on the suppression list then; it is no longer.';
  const end = suppression.until ? ` until ${when(suppression.until)}` : ' until somebody takes it off';
  return `The address is on the suppression list (${suppression.reason}) since ${when(suppression.createdAt)}${end}.`;
};

const contactSentence = ({ contacts }: ExplanationFacts): string =>
  contacts
    .map(({ sent, limit, days, lastAt }) => {
      const last = lastAt ? `, the last one on ${when(lastAt)}` : '';
      return `${sent} marketing mails were sent to them within ${days} days${last}; the limit is ${limit}.`;
    })
    .join(' ');

/** What stands behind each reason. */
const REASONS: Readonly<Record<SkipReason, (facts: ExplanationFacts) => string>> = {
  erased: () => 'The customer was erased.',
  merged: ({ mergedIntoId }) => `The customer was merged into ${mergedIntoId ?? 'another one'}.`,
  disabled: () => 'The account is disabled.',
  excluded: ({ excludedBy }) =>
    excludedBy.length > 0
      ? `The exclusions name the customer: ${list(excludedBy)}.`
      : 'The exclusions named the customer when the audience was frozen; today they do not.',
  no_email: () => 'The customer has no email address.',
  suppressed_hard_bounce: suppressionSentence,
  suppressed_complaint: suppressionSentence,
  suppressed_manual: suppressionSentence,
  suppressed_soft_bounces: suppressionSentence,
  unsubscribed: consentSentence,
  no_consent: consentSentence,
  consent_pending: consentSentence,
  duplicate_address: ({ twins }) => `Another customer has the same mailbox and gets it: ${twins.join(', ')}.`,
  already_received: ({ received }) =>
    received.length > 0
      ? `A campaign of the same once-key went to them: ${received
          .map(({ campaign, at }) => `“${campaign}”${at ? ` on ${when(at)}` : ''}`)
          .join(', ')}.`
      : 'A campaign of the same once-key went to their mailbox.',
  contact_limit: contactSentence,
  holdout: ({ holdoutPercent }) =>
    `They are in the hold-out group: ${holdoutPercent} % of the audience get nothing, so that the others can be compared with them.`,
  expired: () => 'The deadline of the campaign passed before it was their turn.',
  obsolete: () => 'What the mail was to say was no longer true.',
};

const reasonSentence = (reason: string, facts: ExplanationFacts): string =>
  REASONS[reason as SkipReason]?.(facts) ?? `The reason is ${reason}.`;

const audienceSentence = ({ namedBy, row }: ExplanationFacts): string => {
  if (namedBy.length > 0) return `The customer is in the audience: ${list(namedBy)}.`;
  return row
    ? 'The customer was in the audience when it was frozen; today no part of it names them.'
    : 'No part of the audience names the customer.';
};

const FACTS = {
  deliveredAt: 'It was delivered',
  bouncedAt: 'It bounced',
  complainedAt: 'They complained about it',
  unsubscribedAt: 'They unsubscribed by it',
  clickedAt: 'They clicked in it',
} as const;

type Row = NonNullable<ExplanationFacts['row']>;

const STATES: Readonly<Record<MessageStatus, (row: Row, facts: ExplanationFacts) => string>> = {
  pending: ({ sendAfter }) => `The mail waits; it is due on ${when(sendAfter)}.`,
  ready: ({ sendAfter }) => `The mail waits; it is due on ${when(sendAfter)}.`,
  sending: () => 'The mail is being handed to the mail server.',
  deferred: ({ sendAfter }) => `The mail server put the mail off; it is tried again on ${when(sendAfter)}.`,
  sent: ({ sentAt }) => `The mail was sent${sentAt ? ` on ${when(sentAt)}` : ''}.`,
  failed: ({ reason }) => `The mail could not be sent: ${reason}.`,
  unknown: () =>
    'The connection broke while the mail was handed over: whether it arrived is not known, and it is not sent again.',
  skipped: ({ reason }, facts) => `They get nothing. ${reasonSentence(reason ?? '', facts)}`,
  cancelled: () => 'The campaign ended before it was their turn.',
};

const OUTCOMES: Readonly<Record<MessageStatus, Explanation['outcome']>> = {
  pending: 'waiting',
  ready: 'waiting',
  sending: 'waiting',
  deferred: 'waiting',
  sent: 'sent',
  failed: 'failed',
  unknown: 'sent',
  skipped: 'skipped',
  cancelled: 'cancelled',
};

function explainRow(row: Row, facts: ExplanationFacts): Explanation {
  const told = Object.entries(FACTS).flatMap(([name, words]) => {
    const at = row[name as keyof typeof FACTS];
    return at ? [`${words} on ${when(at)}.`] : [];
  });
  const frozen = facts.campaign.preparedAt
    ? [`The audience was frozen on ${when(facts.campaign.preparedAt)}.`]
    : [];
  return {
    outcome: OUTCOMES[row.status],
    reason: row.reason,
    sentences: [audienceSentence(facts), ...frozen, STATES[row.status](row, facts), ...told],
  };
}

function explainVerdict(
  { reason, due }: NonNullable<ExplanationFacts['verdict']>,
  facts: ExplanationFacts,
): Explanation {
  const would =
    reason === null
      ? `If the campaign started now, they would get the mail on ${when(due)}. ${consentSentence(facts)}`
      : `If the campaign started now, they would get nothing. ${reasonSentence(reason, facts)}`;
  return {
    outcome: reason === null ? 'would_send' : 'would_skip',
    reason,
    sentences: [audienceSentence(facts), would],
  };
}

/** Why the customer got the campaign or not, or what would become of them. */
export function explain(facts: ExplanationFacts): Explanation {
  if (facts.row) return explainRow(facts.row, facts);
  if (facts.verdict) return explainVerdict(facts.verdict, facts);
  const frozen = facts.campaign.preparedAt
    ? [`They were not in the audience when it was frozen on ${when(facts.campaign.preparedAt)}.`]
    : [];
  return { outcome: 'not_in_audience', reason: null, sentences: [audienceSentence(facts), ...frozen] };
}
