// The wire contract of the loyalty programme: one flat document, of which each change is a version.
import Type, { type Static } from 'typebox';
import {
  LOYALTY_EVENTS,
  MULTIPLIER_KINDS,
  PENDING_BASES,
  REFERRAL_SIDES,
  RULE_KINDS,
} from '../domain/loyalty/earning.ts';
import { EXPIRY_KINDS, EXPIRY_ROUNDINGS } from '../domain/loyalty/expiry.ts';
import { REMINDER_DAYS, REMINDER_PAUSE_DAYS } from '../domain/loyalty/mails.ts';
import {
  DEFAULT_PROGRAMME,
  ENROLMENTS,
  ON_LEAVE,
  PROGRAMME_KEY_PATTERN,
  PROGRAMME_LIMITS,
} from '../domain/loyalty/programme.ts';
import { REFERRAL_REFUND_POLICIES } from '../domain/loyalty/referrals.ts';
import { REVERSAL_POLICIES } from '../domain/loyalty/reversal.ts';
import { TIER_BASES, TIER_DOWNGRADES, TIER_WINDOWS } from '../domain/loyalty/tiers.ts';
import { closed, DateTime, Int64, nullable, page, ref, stringEnum, Timestamp } from './helpers.ts';

const whole = (least: number, most: number, description: string, example: number) =>
  Type.Integer({ minimum: least, maximum: most, description, examples: [example] });
const money = (least: number, description: string, example: number) =>
  Int64({ minimum: least, maximum: PROGRAMME_LIMITS.amount, description, examples: [example] });
const key = (description: string, example: string) =>
  Type.String({ pattern: PROGRAMME_KEY_PATTERN, description, examples: [example] });
const factor = (description: string) =>
  Type.Number({
    minimum: 1,
    maximum: PROGRAMME_LIMITS.factor,
    description: `${description} At most two decimals.`,
    examples: [1.5],
  });
const months = Type.Optional(whole(1, PROGRAMME_LIMITS.months, 'Months, for the kinds that count them.', 12));
const names = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 255, description: 'One of them.' }), {
      maxItems: PROGRAMME_LIMITS.names,
      description,
    }),
  );

export const PointsMultiplier = closed(
  {
    kind: stringEnum(MULTIPLIER_KINDS, { description: 'What has to hold.' }),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'Key of the tier, slug of the segment, name of the category; `time` has none.',
        examples: ['gold'],
      }),
    ),
    factor: factor('Points times this.'),
    from: Type.Optional(DateTime({ description: 'Holds from this instant on.' })),
    until: Type.Optional(DateTime({ description: 'Holds before this instant.' })),
  },
  {
    $id: 'PointsMultiplier',
    description:
      'More points for some. The best of tier multipliers is the customer’s rate, the best of all others the campaign; the two multiply (P1).',
  },
);

export const EarningRule = closed(
  {
    id: key('Slug, stable over versions: each rule gives points for a source once (P2).', 'purchase'),
    kind: stringEnum(RULE_KINDS, {
      description: 'Points for money spent, for pieces of products, or for something that happens.',
    }),
    points: whole(1, PROGRAMME_LIMITS.points, 'Per `perAmount` of money, per piece, or for the event.', 1),
    perAmount: Type.Optional(money(1, 'Of `spend`: minor units of the store’s currency.', 100)),
    event: Type.Optional(stringEnum(LOYALTY_EVENTS, { description: 'Of `event`: what has to happen.' })),
    side: Type.Optional(
      stringEnum(REFERRAL_SIDES, { description: 'Of the event `referral`: whom it rewards.' }),
    ),
    productIds: names('Of `item`: a line counts when one of the three lists names it.'),
    categories: names('Of `item`: categories.'),
    tags: names('Of `item`: tags.'),
    multipliers: Type.Optional(
      Type.Array(ref(PointsMultiplier), {
        maxItems: PROGRAMME_LIMITS.multipliers,
        description: 'More points for some.',
      }),
    ),
    maxPerOrder: Type.Optional(money(1, 'Most points for one order.', 500)),
    maxPerDay: Type.Optional(money(1, 'Most points on one local day of the store.', 1000)),
    maxPerCustomer: Type.Optional(money(1, 'Most points in a customer’s lifetime.', 100000)),
  },
  { $id: 'EarningRule', description: 'What gives points (P1). Which fields a rule has depends on its kind.' },
);

export const PointsPending = closed(
  {
    basis: stringEnum(PENDING_BASES, { description: 'What the days are counted from.' }),
    days: whole(0, PROGRAMME_LIMITS.pendingDays, 'Local days until points count.', 14),
  },
  { $id: 'PointsPending', description: 'When points of an order begin to count (P3).' },
);

export const PointsExpiry = closed(
  {
    kind: stringEnum(EXPIRY_KINDS, { description: 'What ends the life of points.' }),
    months,
    roundUp: Type.Optional(
      stringEnum(EXPIRY_ROUNDINGS, { description: 'Of `rolling_months`: on to the end of the period.' }),
    ),
    month: Type.Optional(whole(1, 12, 'Of `fixed_day`.', 12)),
    day: Type.Optional(whole(1, 31, 'Of `fixed_day`; 29 February is the 28th in common years.', 31)),
  },
  {
    $id: 'PointsExpiry',
    description: 'When points stop to count (P4). Points keep the policy that they were made with.',
  },
);

export const TierLevel = closed(
  {
    key: key('Slug, unique in the programme.', 'gold'),
    name: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'What members read.',
      examples: ['Gold'],
    }),
    threshold: money(0, 'Least value of the basis; strictly rising.', 100000),
    multiplier: factor('Perk: points for purchases times this.'),
    earlyAccessHours: whole(
      0,
      PROGRAMME_LIMITS.earlyAccessHours,
      'Perk: hours by which launches open earlier; 0 = none.',
      24,
    ),
    freeShipping: Type.Boolean({ description: 'Perk.' }),
    label: nullable(Type.String({ maxLength: 500, description: 'Perk in the shop’s own words.' })),
  },
  { $id: 'TierLevel', description: 'A tier with its perks (P7).' },
);

export const TierSettings = closed(
  {
    basis: stringEnum(TIER_BASES, { description: 'What is counted.' }),
    window: stringEnum(TIER_WINDOWS, { description: 'Over which time.' }),
    months,
    downgrade: stringEnum(TIER_DOWNGRADES, {
      description: 'What a period without enough value does; `none` for `lifetime`.',
    }),
    graceDays: whole(
      0,
      PROGRAMME_LIMITS.graceDays,
      'Days after a period in which what is missing can be made up for.',
      0,
    ),
    levels: Type.Array(ref(TierLevel), {
      maxItems: PROGRAMME_LIMITS.tiers,
      description: 'The tiers, lowest first.',
    }),
  },
  { $id: 'TierSettings', description: 'Tiers of a programme (P7).' },
);

export const ReferralSettings = closed(
  {
    minimumAmount: money(0, 'Least value of the friend’s first order, net of refunds.', 2000),
    returnDays: whole(0, PROGRAMME_LIMITS.returnDays, 'Days after the order that the reward waits for.', 14),
    maxPerAdvocate: Type.Optional(
      whole(1, PROGRAMME_LIMITS.referralsPerAdvocate, 'Most referrals of one advocate.', 50),
    ),
    onRefund: stringEnum(REFERRAL_REFUND_POLICIES, {
      description: 'What a refund does to points that both have.',
    }),
  },
  { $id: 'ReferralSettings', description: 'Terms of referrals (P9); the points are rules of kind event.' },
);

export const ProgrammeMails = closed(
  {
    tierReached: Type.Boolean({ description: 'When a member rises to a tier.' }),
    pointsExpiring: Type.Boolean({
      description: `${REMINDER_DAYS} days before points end; at most one mail in ${REMINDER_PAUSE_DAYS} days.`,
    }),
  },
  { $id: 'ProgrammeMails', description: 'Mails that the programme sends to members.' },
);

const settings = {
  name: Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'Name of the programme.',
    examples: ['Rewards'],
  }),
  enrolment: stringEnum(ENROLMENTS, { description: 'How customers become members (P10).' }),
  onLeave: stringEnum(ON_LEAVE, { description: 'What becomes of the points of those who leave (P10).' }),
  rules: Type.Array(ref(EarningRule), {
    maxItems: PROGRAMME_LIMITS.rules,
    description: 'What gives points.',
  }),
  pending: ref(PointsPending, { description: 'When points begin to count.' }),
  expiry: ref(PointsExpiry, { description: 'When they stop to count.' }),
  reversal: stringEnum(REVERSAL_POLICIES, {
    description:
      'What refunds take back (P6): only points that are pending, what the balance has, or more than it has.',
  }),
  tiers: Type.Optional(ref(TierSettings, { description: 'Absent: a programme without tiers.' })),
  referrals: Type.Optional(ref(ReferralSettings, { description: 'Absent: nobody is rewarded for friends.' })),
  mails: Type.Optional(ref(ProgrammeMails, { description: 'Absent: it sends none.' })),
};

const { tiers, referrals, ...others } = DEFAULT_PROGRAMME;
const EXAMPLE = { ...others, ...(tiers && { tiers }), ...(referrals && { referrals }) };

export const ProgrammeInput = closed(settings, {
  $id: 'ProgrammeInput',
  description: 'All settings of the programme; they take the place of the version before.',
  examples: [EXAMPLE],
});
export type ProgrammeInput = Static<typeof ProgrammeInput>;

export const Programme = closed(
  {
    version: Type.Integer({
      minimum: 0,
      description: '1, 2, 3 …; 0 is the suggestion for a new shop. The ETag.',
      examples: [1],
    }),
    ...settings,
    createdBy: Type.String({ description: 'Who made this version.', examples: ['staff:42'] }),
    createdAt: Timestamp({ description: 'When it took effect.' }),
  },
  {
    $id: 'Programme',
    description: 'A version of the programme. What was earned names its version and never changes.',
  },
);

export const ProgrammePage = page(Programme, 'ProgrammePage');

export const programmeSchemas = [
  PointsMultiplier,
  EarningRule,
  PointsPending,
  PointsExpiry,
  TierLevel,
  TierSettings,
  ReferralSettings,
  ProgrammeMails,
  ProgrammeInput,
  Programme,
  ProgrammePage,
];
