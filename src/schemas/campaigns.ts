// The wire contract of campaigns.
import Type, { type TProperties } from 'typebox';
import { CAMPAIGN_STATUSES, PAUSE_CAUSES, SEND_MODES } from '../domain/mail/campaigns.ts';
import { MESSAGE_STATUSES, SKIP_REASONS } from '../domain/mail/messages.ts';
import {
  closed,
  DateTime,
  Int64,
  nullable,
  page,
  pageQuery,
  ref,
  stringEnum,
  Timestamp,
  Uuid,
} from './helpers.ts';

/** Most parts of one kind in an audience; whole groups of people are what segments are for. */
const MAX_PARTS = 50;
const MAX_NAMED = 1_000;
const MAX_RATE = 100_000;

export const CampaignParams = closed({ campaignId: Uuid({ description: 'Id of the campaign.' }) });

const ids = (what: string, maxItems: number) =>
  Type.Optional(
    Type.Array(Uuid({ description: `Id of a ${what}.` }), {
      maxItems,
      description: `Everybody of one of these ${what}s.`,
    }),
  );

export const CampaignAudience = closed(
  {
    everyone: Type.Optional(Type.Boolean({ description: 'Every customer of the store.', examples: [false] })),
    segmentIds: ids('segment', MAX_PARTS),
    groupIds: ids('group', MAX_PARTS),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255, description: 'Name of a tag.' }), {
        maxItems: MAX_PARTS,
        description: 'Everybody who carries one of these tags.',
        examples: [['VIP']],
      }),
    ),
    customerIds: Type.Optional(
      Type.Array(Uuid({ description: 'Id of a customer.' }), {
        maxItems: MAX_NAMED,
        description: 'These customers; merged and erased ones are told with that reason.',
      }),
    ),
  },
  {
    $id: 'CampaignAudience',
    description: 'Everybody whom one of the members names.',
    examples: [{ tags: ['VIP'] }],
  },
);

const percent = (description: string, example: number, exclusive: boolean) =>
  Type.Number({
    ...(exclusive ? { exclusiveMinimum: 0 } : { minimum: 0 }),
    maximum: 100,
    description,
    examples: [example],
  });

const Brake = closed(
  {
    bouncePercent: percent('Pauses when this share of the sent mails has bounced.', 5, true),
    complaintPercent: percent('Pauses when this share of the sent mails was complained about.', 0.5, true),
    minimum: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Sent mails below which no share counts.',
      examples: [100],
    }),
  },
  { description: 'When the campaign pauses by itself.' },
);

const rate = (description: string) =>
  Type.Number({ exclusiveMinimum: 0, maximum: MAX_RATE, description, examples: [20] });

const DomainRate = closed(
  {
    domain: Type.String({
      minLength: 1,
      maxLength: 253,
      pattern: '^(\\*|[A-Za-z0-9.-]+)$',
      description: 'Domain of recipients; `*` for each of all others.',
      examples: ['gmail.com'],
    }),
    perSecond: rate('Most mails per second to the domain.'),
  },
  { description: 'How fast mails go to one domain.' },
);

const planned = {
  name: Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'What staff calls it.',
    examples: ['Autumn sale'],
  }),
  templateId: Uuid({
    description: 'Template of the class marketing; its latest version is frozen at the start.',
  }),
  topic: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'Topic that recipients must have agreed to.',
    examples: ['offers'],
  }),
  onceKey: nullable(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'Nobody gets two campaigns of one key.',
      examples: ['launch-2026'],
    }),
  ),
  sendMode: stringEnum(SEND_MODES, {
    description: '`instant` sends to all at once, `local_time` when each recipient’s clock shows the time.',
    examples: ['instant'],
  }),
  perSecond: nullable(rate('Most mails per second; null: as fast as the server takes them.')),
  domainRates: Type.Array(DomainRate, { maxItems: 100, description: 'Rates of single domains.' }),
  holdoutPercent: percent('Share of those who would get it that gets nothing and is compared.', 10, false),
  offerPrefix: nullable(
    Type.String({
      pattern: '^[A-Z0-9-]{1,20}$',
      description: 'Each recipient gets a code of their own that begins with this: `{{ offer.code }}`.',
      examples: ['AUTUMN-'],
    }),
  ),
  data: Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    additionalProperties: true,
    maxProperties: 100,
    description: 'Facts for the template that are the same for all: `{{ data.headline }}`.',
    examples: [{ headline: 'Autumn is here' }],
  }),
  resultDays: Type.Integer({
    minimum: 1,
    maximum: 90,
    description: 'Orders within so many days after the mail count as results.',
    examples: [7],
  }),
};

const audience = ref(CampaignAudience, { description: 'Who is meant.' });
const exclusions = ref(CampaignAudience, {
  description: 'Who of these gets nothing; they stay in the account as `excluded`.',
});
const deadline = nullable(DateTime({ description: 'What was not sent by then is skipped; null: no end.' }));

const changeable = {
  onceKey: Type.Optional(planned.onceKey),
  deadline: Type.Optional(deadline),
  audience: Type.Optional(audience),
  exclusions: Type.Optional(exclusions),
  sendMode: Type.Optional(planned.sendMode),
  perSecond: Type.Optional(planned.perSecond),
  domainRates: Type.Optional(planned.domainRates),
  holdoutPercent: Type.Optional(planned.holdoutPercent),
  brake: Type.Optional(Brake),
  offerPrefix: Type.Optional(planned.offerPrefix),
  data: Type.Optional(planned.data),
  resultDays: Type.Optional(planned.resultDays),
} satisfies TProperties;

export const CampaignCreate = closed(
  { name: planned.name, templateId: planned.templateId, topic: planned.topic, ...changeable },
  {
    $id: 'CampaignCreate',
    description: 'A new campaign; it is a draft until it is scheduled or sent.',
    examples: [
      {
        name: 'Autumn sale',
        templateId: '0199a3c4-7e10-7aaa-8bbb-0123456789ab',
        topic: 'offers',
        audience: { everyone: true },
        holdoutPercent: 5,
      },
    ],
  },
);

export const CampaignUpdate = closed(
  {
    name: Type.Optional(planned.name),
    templateId: Type.Optional(planned.templateId),
    topic: Type.Optional(planned.topic),
    ...changeable,
  },
  {
    $id: 'CampaignUpdate',
    minProperties: 1,
    description:
      'Merge patch: null clears, absent stays; audience, exclusions, brake and data are replaced as a whole.',
    examples: [{ name: 'Autumn sale, second try' }],
  },
);

export const CampaignSchedule = closed(
  {
    at: DateTime({
      description:
        'When it starts. With `local_time`, the clock time that the store’s zone shows then is the one that each recipient’s clock is to show.',
      examples: ['2030-10-25T10:00:00+02:00'],
    }),
  },
  {
    $id: 'CampaignSchedule',
    description: 'When a campaign starts.',
    examples: [{ at: '2030-10-25T10:00:00+02:00' }],
  },
);

export const CampaignDuplicate = closed(
  { name: Type.Optional(planned.name) },
  { $id: 'CampaignDuplicate', description: 'What the copy is called, if not the same.', examples: [{}] },
);

const count = (description: string) => Int64({ minimum: 0, description, examples: [120] });

export const CampaignStateCount = closed(
  {
    status: stringEnum(MESSAGE_STATUSES, { description: 'State of the mails.' }),
    reason: nullable(
      Type.String({ description: 'Why they were skipped or failed.', examples: ['no_consent'] }),
    ),
    count: count('How many.'),
  },
  { $id: 'CampaignStateCount', description: 'How many people of the audience are in one state.' },
);

const states = Type.Array(ref(CampaignStateCount), {
  description: 'Everybody of the audience, each in exactly one state.',
});

const accounted = {
  audience: count('People of the frozen audience; 0 before it is frozen.'),
  total: count('Sum of all states.'),
  balanced: Type.Boolean({ description: 'Whether the sum is the audience; it always is.', examples: [true] }),
  states,
};

export const CampaignReconciliation = closed(accounted, {
  $id: 'CampaignReconciliation',
  description: 'The accounting identity: the audience is the sum of its states.',
});

const status = stringEnum(CAMPAIGN_STATUSES, {
  description: 'draft → scheduled → preparing → running ⇄ paused → completed, cancelled, expired or failed.',
  examples: ['draft'],
});

export const CampaignProgress = closed(
  {
    status,
    ...accounted,
    waiting: count('Mails that are still to be sent.'),
    perSecond: Type.Number({
      minimum: 0,
      description: 'Mails per second within the last minute.',
      examples: [18.4],
    }),
    estimatedEndAt: nullable(
      Timestamp({ description: 'When it ends at this speed; null while nobody can tell.' }),
    ),
  },
  { $id: 'CampaignProgress', description: 'How far a campaign is.' },
);

export const Campaign = closed(
  {
    id: Uuid({ description: 'Id of the campaign.' }),
    ...planned,
    status,
    pauseCause: Type.Optional(
      stringEnum(PAUSE_CAUSES, { description: 'Of a paused one: who or what paused it.' }),
    ),
    failure: Type.Optional(Type.String({ description: 'Of a failed one: what stood in the way.' })),
    templateVersion: Type.Optional(
      Type.Integer({ description: 'Version that is sent; frozen at the start.' }),
    ),
    audience,
    exclusions,
    perSecond: Type.Optional(rate('Most mails per second; absent: as fast as the server takes them.')),
    offerPrefix: Type.Optional(
      Type.String({ description: 'What the codes of the recipients begin with.', examples: ['AUTUMN-'] }),
    ),
    brake: Brake,
    localTime: Type.Optional(
      Type.String({
        description: 'Of `local_time`, once it is scheduled: what each recipient’s clock shows then.',
        examples: ['2030-10-25T10:00:00'],
      }),
    ),
    startsAt: nullable(Timestamp({ description: 'When its audience is frozen and the first mails can go.' })),
    deadline: nullable(Timestamp({ description: 'What was not sent by then is skipped.' })),
    recipients: Type.Optional(count('People of the frozen audience, those who get nothing included.')),
    preparedAt: nullable(Timestamp({ description: 'When its audience was frozen.' })),
    startedAt: nullable(Timestamp({ description: 'As of when its audience was frozen.' })),
    finishedAt: nullable(Timestamp({ description: 'When it ended.' })),
    progress: Type.Optional(
      ref(CampaignProgress, { description: 'How far it is; in answers about one campaign.' }),
    ),
    createdBy: Type.String({ description: 'Who planned it.', examples: ['staff:eva'] }),
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When it was planned.' }),
    updatedAt: Timestamp({ description: 'When it last changed.' }),
  },
  { $id: 'Campaign', description: 'One mail to many people.' },
);
export const CampaignPage = page(Campaign, 'CampaignPage');

export const CampaignListQuery = closed({
  ...pageQuery,
  status: Type.Optional(stringEnum(CAMPAIGN_STATUSES, { description: 'Only campaigns in this state.' })),
});

const skipped = Type.Unsafe<Record<string, number>>({
  type: 'object',
  additionalProperties: { type: 'integer' },
  description: 'People who get nothing, by reason.',
  examples: [{ no_consent: 311, holdout: 40 }],
});

const DomainCount = closed(
  {
    domain: Type.String({ description: 'Domain of recipients.', examples: ['example.com'] }),
    count: count('Mails to it.'),
  },
  { description: 'Mails to one domain.' },
);

const HourCount = closed(
  { hour: Timestamp({ description: 'Beginning of the hour.' }), count: count('Mails in it.') },
  { description: 'Mails of one hour.' },
);

const Obstacle = closed(
  {
    pointer: Type.String({ description: 'What has to be mended.', examples: ['/templateId'] }),
    code: Type.String({ description: 'Which obstacle it is.', examples: ['TEMPLATE_UNPUBLISHED'] }),
    message: Type.String({ description: 'The obstacle in words.' }),
  },
  { description: 'What stands in the way of a start.' },
);

const TrialError = closed(
  {
    detail: Type.String({ description: 'What went wrong.', examples: ['customer.firstName has no value'] }),
    count: count('Mails of the sample that it befell.'),
    customerId: Uuid({ description: 'One of the customers, to look at.' }),
  },
  { description: 'What the template made of some customers.' },
);

const Trial = closed(
  {
    sampled: count('Mails that were made for a trial; 0 without a published template.'),
    failed: count('Those that could not be made.'),
    errors: Type.Array(TrialError, { description: 'What went wrong, alike errors together.' }),
  },
  { description: 'A trial of the template with some of the recipients.' },
);

export const CampaignSimulation = closed(
  {
    id: Uuid({ description: 'Id of the simulation.' }),
    campaignId: Uuid({ description: 'The campaign.' }),
    audience: count('Everybody who is meant.'),
    ready: count('Those who would get the mail.'),
    skipped,
    domains: Type.Array(DomainCount, { description: 'The domains with most recipients, at most 20.' }),
    otherDomains: count('Mails to all other domains.'),
    hours: Type.Array(HourCount, { description: 'Mails by the hour in which they would go.' }),
    estimatedEndAt: nullable(
      Timestamp({ description: 'When the last one would go, under rates and quiet hours; null for nobody.' }),
    ),
    late: count('Mails that would not go before the deadline.'),
    rendering: Trial,
    obstacles: Type.Array(Obstacle, { description: 'Everything that stands in the way of a start.' }),
    tookMs: Type.Integer({ description: 'How long counting took, in milliseconds.', examples: [840] }),
    simulatedAt: Timestamp({ description: 'As of when it was counted.' }),
  },
  { $id: 'CampaignSimulation', description: 'What a campaign would do if it started at that moment.' },
);
export const CampaignSimulationPage = page(CampaignSimulation, 'CampaignSimulationPage');
export const SimulationQuery = closed({ ...pageQuery });

const recipientFilter = {
  status: Type.Optional(stringEnum(MESSAGE_STATUSES, { description: 'Only mails in this state.' })),
  reason: Type.Optional(
    Type.String({
      maxLength: 63,
      description: `Only mails with this reason, such as ${SKIP_REASONS.slice(4, 6).join(' or ')}.`,
      examples: ['no_consent'],
    }),
  ),
};
export const RecipientQuery = closed({ ...pageQuery, ...recipientFilter });
export const RecipientExportQuery = closed(recipientFilter);

const fact = (description: string) => nullable(Timestamp({ description }));

export const CampaignRecipient = closed(
  {
    messageId: Uuid({ description: 'Id of the mail, or of what stands for it.' }),
    customerId: Uuid({ description: 'The customer.' }),
    email: nullable(Type.String({ description: 'Where it went or would go.' })),
    status: stringEnum(MESSAGE_STATUSES, { description: 'Where the mail is.' }),
    reason: nullable(Type.String({ description: 'Why it was skipped or failed.', examples: ['holdout'] })),
    attempts: Type.Integer({ description: 'Times that it was handed to the server.', examples: [1] }),
    sendAfter: Timestamp({ description: 'Not sent before.' }),
    sentAt: fact('When the server took it.'),
    deliveredAt: fact('When it was reported as delivered.'),
    bouncedAt: fact('When it came back.'),
    complainedAt: fact('When the recipient called it spam.'),
    unsubscribedAt: fact('When the recipient unsubscribed by it.'),
    clickedAt: fact('When a person first followed a link of it.'),
  },
  { $id: 'CampaignRecipient', description: 'One person of a frozen audience.' },
);
export const CampaignRecipientPage = page(CampaignRecipient, 'CampaignRecipientPage');

const rateOf = (description: string) => Type.Number({ description, examples: [0.021] });

const CurrencyResult = closed(
  {
    currency: Type.String({ description: 'ISO 4217 currency of the orders.', examples: ['EUR'] }),
    orders: count('Orders within the days.'),
    customers: count('How many people placed them.'),
    revenue: Int64({ description: 'In minor units, net of refunds.', examples: [1_250_000] }),
    conversionRate: rateOf('Share of the group that ordered.'),
    revenuePerPerson: Int64({ description: 'Per person of the group, in minor units.', examples: [104] }),
  },
  { description: 'Orders of a group in one currency.' },
);

const group = (description: string) =>
  closed(
    {
      people: count('People of the group.'),
      currencies: Type.Array(CurrencyResult, { description: 'Their orders, by currency.' }),
    },
    { description },
  );

const UpliftResult = closed(
  {
    currency: Type.String({ description: 'ISO 4217 currency of the orders.', examples: ['EUR'] }),
    conversionRate: rateOf('Share of recipients that ordered, less that of the hold-out group.'),
    revenuePerPerson: Int64({ description: 'The same per person, in minor units.', examples: [12] }),
    revenue: Int64({ description: 'That times the recipients.', examples: [144_000] }),
  },
  { description: 'What the mails brought beyond what would have come anyway.' },
);

const Comparison = closed(
  {
    simulatedAt: Timestamp({ description: 'When it was foretold.' }),
    foretold: closed(
      {
        audience: count('Everybody who was meant.'),
        ready: count('Who would get it.'),
        skipped,
        endAt: fact('When it would end.'),
      },
      { description: 'What the last simulation said.' },
    ),
    real: closed(
      { audience: count('Everybody who was meant.'), ready: count('Who was not skipped.'), skipped },
      { description: 'What it came to so far.' },
    ),
  },
  { description: 'The last simulation beside the real run; absent without one.' },
);

export const CampaignResults = closed(
  {
    campaignId: Uuid({ description: 'The campaign.' }),
    resultDays: planned.resultDays,
    sent: count('Mails that the server took, or may have taken.'),
    delivered: count('Mails reported as delivered.'),
    bounced: count('Mails that came back.'),
    complained: count('Mails that were called spam.'),
    unsubscribed: count('Mails by which somebody unsubscribed.'),
    clicked: count('Mails in which a person followed a link.'),
    machineClicks: count('Clicks of programs that open every link; they are not in `clicked`.'),
    holdout: count('People who got nothing so that the others can be compared.'),
    rates: closed(
      {
        delivered: rateOf('Share of the sent mails.'),
        bounced: rateOf('Share of the sent mails.'),
        complained: rateOf('Share of the sent mails.'),
        unsubscribed: rateOf('Share of the sent mails.'),
        clicked: rateOf('Share of the sent mails.'),
      },
      { description: 'Shares of the sent mails.' },
    ),
    recipients: group('Those who got the mail.'),
    holdoutGroup: group('Those who were held out; the days count from when their mail would have gone.'),
    uplift: Type.Array(UpliftResult, {
      description: 'What the mails brought; empty without a hold-out group.',
    }),
    comparison: Type.Optional(Comparison),
    finishedAt: fact('When the campaign ended.'),
  },
  { $id: 'CampaignResults', description: 'What came of a campaign.' },
);

export const ExplainQuery = closed({
  campaign: Uuid({
    description: 'Id of the campaign.',
    examples: ['0199a3c4-7e10-7aaa-8bbb-0123456789ab'],
  }),
});

export const CampaignExplanation = closed(
  {
    customerId: Uuid({ description: 'The customer.' }),
    campaignId: Uuid({ description: 'The campaign.' }),
    outcome: stringEnum(
      ['sent', 'waiting', 'skipped', 'failed', 'cancelled', 'not_in_audience', 'would_send', 'would_skip'],
      { description: 'What became of them; `would_…` before the start.', examples: ['skipped'] },
    ),
    reason: nullable(Type.String({ description: 'Why they got nothing.', examples: ['unsubscribed'] })),
    sentences: Type.Array(Type.String({ description: 'One fact.' }), {
      description: 'Why, in sentences for people.',
      examples: [['The customer is in the audience: the segment “VIP”.', 'They get nothing.']],
    }),
  },
  { $id: 'CampaignExplanation', description: 'Why somebody got a campaign or not.' },
);

export const CampaignStream = Type.String({
  description: 'Server-sent events: `progress` and, at the end, `finished`; the data is the progress.',
});
export const RecipientsFile = Type.String({
  description: 'CSV with one line for each person of the audience.',
});
export const CodesFile = Type.String({
  description: 'CSV with the columns customerId, email, code and status.',
});

export const campaignSchemas = [
  CampaignAudience,
  CampaignCreate,
  CampaignUpdate,
  CampaignSchedule,
  CampaignDuplicate,
  CampaignStateCount,
  CampaignReconciliation,
  CampaignProgress,
  Campaign,
  CampaignPage,
  CampaignSimulation,
  CampaignSimulationPage,
  CampaignRecipient,
  CampaignRecipientPage,
  CampaignResults,
  CampaignExplanation,
];
