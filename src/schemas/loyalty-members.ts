// The wire contract of members, their points and tiers.
import Type from 'typebox';
import { LOYALTY_EVENTS } from '../domain/loyalty/earning.ts';
import { MEMBER_STATUSES } from '../domain/loyalty/members.ts';
import { PROGRAMME_KEY_PATTERN } from '../domain/loyalty/programme.ts';
import { dryRun, reference } from './credit.ts';
import { closed, DateTime, Int64, nullable, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';
import { TransferResource } from './ledger.ts';
import { TierLevel } from './loyalty-programme.ts';

const points = (description: string, example = 120) => Int64({ description, examples: [example] });
const tierKey = (description: string) =>
  Type.String({ pattern: PROGRAMME_KEY_PATTERN, description, examples: ['gold'] });

const PointsExpiring = closed(
  {
    points: points('How many points.'),
    expiresAt: Timestamp({ description: 'From here they count no more.' }),
  },
  { $id: 'PointsExpiring', description: 'Points that are the next to expire.' },
);

export const PointsBalance = closed(
  {
    balance: points('available + held + pending + expired.', 500),
    available: points('Can be spent now; below 0 where refunds took more than was there.', 380),
    held: points('Reserved by redemptions.', 0),
    pending: points('Will count later, after the return period or on delivery (P3).'),
    expired: points('Count no more and are not booked yet.', 0),
    expiringNext: Type.Optional(
      ref(PointsExpiring, { description: 'What of `available` is the next to expire.' }),
    ),
  },
  { $id: 'PointsBalance', description: 'What somebody has of points.' },
);

const gap = {
  missing: Int64({
    description: 'What is missing, in the unit of the basis; 0 = reached.',
    examples: [5000],
  }),
  by: nullable(Timestamp({ description: 'It counts before this instant; null = no hurry.' })),
};
const TierNext = closed(
  { tier: tierKey('The tier above.'), ...gap },
  { $id: 'TierNext', description: 'What is missing for the next tier.' },
);
const TierKeep = closed(gap, {
  $id: 'TierKeep',
  description: 'What keeps the present tier over the end of its period.',
});

const TierForecast = closed(
  {
    at: Timestamp({ description: 'The date that was asked for.' }),
    value: Int64({ description: 'Value of the basis in the window of that date.', examples: [95000] }),
    next: Type.Optional(ref(TierNext, { description: 'Absent at the top.' })),
    keep: Type.Optional(ref(TierKeep, { description: 'Absent where nothing can be lost.' })),
  },
  { $id: 'TierForecast', description: 'What leads to the next tier and what keeps the present one (P7).' },
);

const TierOverrideShown = closed(
  {
    tier: tierKey('The tier that was given.'),
    until: Timestamp({ description: 'When it ends.' }),
    reason: Type.String({ description: 'Why.' }),
  },
  { $id: 'TierOverride', description: 'A tier given by hand.' },
);

const TierStanding = closed(
  {
    level: Type.Optional(ref(TierLevel, { description: 'The tier with its perks; absent below the first.' })),
    since: Timestamp({ description: 'Since when the earned tier is held.' }),
    periodEndsAt: nullable(Timestamp({ description: 'When it is looked at again; null = it is kept.' })),
    override: Type.Optional(ref(TierOverrideShown, { description: 'While a tier given by hand holds.' })),
    forecast: ref(TierForecast, { description: 'What is missing.' }),
  },
  { $id: 'TierStanding', description: 'The tier of a member.' },
);

const membership = {
  enrolledAt: Type.Optional(Timestamp({ description: 'First enrolment.' })),
  leftAt: Type.Optional(Timestamp({ description: 'When the member left.' })),
  pointsEarned: points('Points ever earned, less what refunds took back.', 1200),
  referralCode: Type.Optional(
    Type.String({ description: 'To hand on to friends (P9).', examples: ['K7MX2Q9A'] }),
  ),
};

export const LoyaltyStanding = closed(
  {
    customerId: Uuid({ description: 'The customer.' }),
    status: stringEnum([...MEMBER_STATUSES, 'none'], { description: '`none`: never was a member.' }),
    ...membership,
    points: ref(PointsBalance, { description: 'The points.' }),
    tier: Type.Optional(ref(TierStanding, { description: 'Of members, where the programme has tiers.' })),
  },
  { $id: 'LoyaltyStanding', description: 'What the programme means for a customer.' },
);

export const LoyaltyMember = closed(
  {
    customerId: Uuid({ description: 'The customer.' }),
    status: stringEnum(MEMBER_STATUSES, { description: 'Whether the customer is in the programme.' }),
    ...membership,
    tier: nullable(Type.String({ description: 'Key of the tier.', examples: ['gold'] })),
    tierSince: Timestamp({ description: 'Since when the earned tier is held.' }),
  },
  { $id: 'LoyaltyMember', description: 'A member of the programme.' },
);
export const LoyaltyMemberPage = page(LoyaltyMember, 'LoyaltyMemberPage');

const MAX_POINTS = Number.MAX_SAFE_INTEGER;

export const PointsChange = closed(
  {
    amount: Int64({
      minimum: -MAX_POINTS,
      maximum: MAX_POINTS,
      description: 'Above zero grants, below zero takes away.',
      examples: [100],
    }),
    reason: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Why; for the statement and the timeline.',
      examples: ['Thanks for the photo'],
    }),
    expiresAt: Type.Optional(
      DateTime({ description: 'When granted points stop to count; by the programme’s policy, if absent.' }),
    ),
    reference,
    dryRun,
  },
  {
    $id: 'PointsChange',
    description: 'A grant or a correction of points.',
    examples: [{ amount: 100, reason: 'Thanks for the photo' }],
  },
);

export const TierOverrideInput = closed(
  {
    tier: tierKey('Key of the tier.'),
    until: DateTime({ description: 'When it ends; ahead.', examples: ['2027-01-01T00:00:00Z'] }),
    reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why.', examples: ['Press contact'] }),
  },
  {
    $id: 'TierOverrideInput',
    description: 'A tier given by hand: it wins until its end, whatever was earned (P7).',
    examples: [{ tier: 'gold', until: '2999-01-01T00:00:00Z', reason: 'Press contact' }],
  },
);

export const PointsEarning = closed(
  {
    id: Uuid({ description: 'Id of the earning.' }),
    ruleId: Type.String({ description: 'The rule that gave the points.', examples: ['purchase'] }),
    programmeVersion: Type.Integer({ description: 'The version that the rule was in.', examples: [1] }),
    sourceKind: stringEnum(['order', ...LOYALTY_EVENTS], { description: 'What was rewarded.' }),
    orderId: Type.Optional(Uuid({ description: 'The order.' })),
    points: points('Points given.'),
    base: Int64({ description: 'What counted: minor units, pieces, or 1.', examples: [12345] }),
    formula: Type.String({
      description: 'How they were worked out; evaluates to `points`.',
      examples: ['floor(12345 × 1 / 100)'],
    }),
    lines: Type.Array(Type.Integer({ description: 'Position of a line, from 0.' }), {
      description: 'Lines of the order that counted.',
    }),
    reversed: points('Points that refunds have settled since.', 0),
    earnedAt: Timestamp({ description: 'When it happened.' }),
  },
  { $id: 'PointsEarning', description: 'Points of one rule for one source, with what explains them.' },
);

export const PointsMovement = closed(
  {
    transfer: ref(TransferResource, { description: 'The movement.' }),
    earning: Type.Optional(ref(PointsEarning, { description: 'What earned it, where it was earned.' })),
  },
  { $id: 'PointsMovement', description: 'One movement of points.' },
);
export const PointsMovementPage = page(PointsMovement, 'PointsMovementPage');

export const memberSchemas = [
  PointsExpiring,
  PointsBalance,
  TierNext,
  TierKeep,
  TierForecast,
  TierOverrideShown,
  TierStanding,
  LoyaltyStanding,
  LoyaltyMember,
  LoyaltyMemberPage,
  PointsChange,
  TierOverrideInput,
  PointsEarning,
  PointsMovement,
  PointsMovementPage,
];
