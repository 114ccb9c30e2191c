// The wire contract of rewards and of redemptions.
import Type, { type Static } from 'typebox';
import { PROGRAMME_LIMITS } from '../domain/loyalty/programme.ts';
import {
  REDEMPTION_STATUSES,
  REWARD_KINDS,
  REWARD_OBSTACLES,
  REWARD_STATUSES,
} from '../domain/loyalty/rewards.ts';
import { dryRun } from './credit.ts';
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
import { AccountBalances } from './ledger.ts';

const name = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'What members read.',
  examples: ['5 € store credit'],
});
const description = nullable(Type.String({ maxLength: 2_000, description: 'More about it.' }));
const kind = stringEnum(REWARD_KINDS, {
  description:
    'What members get: store credit, a code for a discount or for free shipping, a product, or access before everybody else.',
  examples: ['store_credit'],
});
const points = Int64({
  minimum: 1,
  maximum: PROGRAMME_LIMITS.points,
  description: 'What it costs, in points.',
  examples: [500],
});
const whole = (most: number, what: string, example: number) =>
  nullable(Int64({ minimum: 1, maximum: most, description: what, examples: [example] }));

/** What belongs to a kind, and when and for whom; null = none. */
const terms = {
  amount: whole(
    PROGRAMME_LIMITS.amount,
    'Of store credit and of a discount by amount: minor units of `currency`.',
    500,
  ),
  currency: nullable(
    Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 currency of `amount`.', examples: ['EUR'] }),
  ),
  percent: whole(100, 'Of a discount by percentage.', 10),
  productId: nullable(
    Type.String({ minLength: 1, maxLength: 255, description: 'Of a product: its id on the platform.' }),
  ),
  earlyAccessHours: whole(
    PROGRAMME_LIMITS.earlyAccessHours,
    'Of early access: hours before everybody else.',
    24,
  ),
  minTier: nullable(
    Type.String({ minLength: 1, maxLength: 63, description: 'Key of the lowest tier that can have it.' }),
  ),
  startsAt: nullable(DateTime({ description: 'When members can begin to redeem it.' })),
  endsAt: nullable(DateTime({ description: 'From when on they cannot any more.' })),
  stock: nullable(
    Int64({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'How many are left; null for any number.',
      examples: [100],
    }),
  ),
  maxPerCustomer: whole(1_000_000, 'How many one customer can have, held ones included.', 1),
  validDays: whole(3_650, 'Local days that credit, code or access are good for; null for good.', 90),
};

const optionalTerms = {
  amount: Type.Optional(terms.amount),
  currency: Type.Optional(terms.currency),
  percent: Type.Optional(terms.percent),
  productId: Type.Optional(terms.productId),
  earlyAccessHours: Type.Optional(terms.earlyAccessHours),
  minTier: Type.Optional(terms.minTier),
  startsAt: Type.Optional(terms.startsAt),
  endsAt: Type.Optional(terms.endsAt),
  stock: Type.Optional(terms.stock),
  maxPerCustomer: Type.Optional(terms.maxPerCustomer),
  validDays: Type.Optional(terms.validDays),
};

export const RewardCreate = closed(
  { name, kind, points, description: Type.Optional(description), ...optionalTerms },
  {
    $id: 'RewardCreate',
    description: 'A new reward; which of the terms it needs follows from its kind.',
    examples: [{ name: '5 € store credit', kind: 'store_credit', points: 500, amount: 500, currency: 'EUR' }],
  },
);

export const RewardUpdate = closed(
  {
    name: Type.Optional(name),
    points: Type.Optional(points),
    description: Type.Optional(description),
    ...optionalTerms,
  },
  {
    $id: 'RewardUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent stays. The kind of a reward stays what it is.',
    examples: [{ stock: 50 }],
  },
);

const shownTerms = {
  ...terms,
  startsAt: nullable(Timestamp({ description: 'When members can begin to redeem it.' })),
  endsAt: nullable(Timestamp({ description: 'From when on they cannot any more.' })),
};

const shownReward = {
  id: Uuid({ description: 'Id of the reward.' }),
  name,
  description,
  kind,
  status: stringEnum(REWARD_STATUSES, { description: 'Nobody can redeem an archived one.' }),
  points,
  ...shownTerms,
};

export const Reward = closed(
  {
    ...shownReward,
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When the reward was added.' }),
    updatedAt: Timestamp({ description: 'When the reward last changed.' }),
  },
  { $id: 'Reward', description: 'Something that points can be redeemed for (P5).' },
);
export const RewardPage = page(Reward, 'RewardPage');

export const RewardQuery = closed({
  ...pageQuery,
  status: Type.Optional(stringEnum(REWARD_STATUSES, { description: 'Only rewards in this status.' })),
});

export const OfferedReward = closed(
  {
    ...shownReward,
    available: Type.Boolean({ description: 'Whether you can redeem it now.' }),
    why: Type.Optional(
      stringEnum([...REWARD_OBSTACLES, 'insufficient_points'], {
        description: 'What stands in the way, if something does.',
      }),
    ),
    missingPoints: Int64({ description: 'Points that you lack; 0 = you have enough.', examples: [0] }),
  },
  { $id: 'OfferedReward', description: 'A reward as one customer sees it.' },
);
export const OfferedRewards = closed(
  { data: Type.Array(ref(OfferedReward), { description: 'The rewards on offer, the latest first.' }) },
  { $id: 'OfferedRewards', description: 'What your points can be redeemed for.' },
);

export const RedemptionCreate = closed(
  {
    rewardId: Uuid({ description: 'The reward.' }),
    orderId: Type.Optional(
      Uuid({ description: 'The order it is for: when that is cancelled, the points come back.' }),
    ),
    fulfil: Type.Optional(
      Type.Boolean({
        description: 'Hand it over at once; not possible for products, which people hand over.',
      }),
    ),
    dryRun,
  },
  {
    $id: 'RedemptionCreate',
    description: 'A wish for a reward.',
    examples: [{ rewardId: '0199a3c4-7e10-7aaa-8bbb-0123456789ab', fulfil: true }],
  },
);

export const RedemptionRefusal = closed(
  {
    reason: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Why, for the timeline.',
      examples: ['Sold out in the warehouse'],
    }),
    dryRun,
  },
  {
    $id: 'RedemptionRefusal',
    description: 'Why the points are given back.',
    examples: [{ reason: 'Sold out in the warehouse' }],
  },
);

export const RedemptionFulfilment = closed(
  { dryRun },
  {
    $id: 'RedemptionFulfilment',
    description: 'Nothing has to be said to hand a reward over.',
    examples: [{}],
  },
);

const snapshot = closed(
  {
    name,
    kind,
    points,
    amount: terms.amount,
    currency: terms.currency,
    percent: terms.percent,
    productId: terms.productId,
    earlyAccessHours: terms.earlyAccessHours,
    validDays: terms.validDays,
  },
  { description: 'The reward as it was when it was asked for.' },
);

export const Redemption = closed(
  {
    id: Uuid({ description: 'Id of the redemption.' }),
    customerId: Uuid({ description: 'Whose points.' }),
    rewardId: Uuid({ description: 'The reward.' }),
    reward: snapshot,
    points: Int64({ description: 'Points held or taken.', examples: [500] }),
    status: stringEnum(REDEMPTION_STATUSES, {
      description:
        '`held` until it is fulfilled or refused, or its time runs out (`expired`); `reversed` after it was fulfilled. Only a fulfilled one has cost points.',
    }),
    holdId: Uuid({ description: 'The hold on the points.' }),
    transferId: Type.Optional(Uuid({ description: 'The transfer that took the points.' })),
    creditTransferId: Type.Optional(Uuid({ description: 'The grant of store credit that it became.' })),
    code: Type.Optional(
      Type.String({ description: 'What the checkout of the shop takes.', examples: ['7QK2M9XWA4TD'] }),
    ),
    orderId: Type.Optional(Uuid({ description: 'The order it is for.' })),
    reason: Type.Optional(Type.String({ description: 'Why it was refused or reversed.' })),
    heldUntil: Timestamp({ description: 'When held points are free again.' }),
    validUntil: Type.Optional(Timestamp({ description: 'Until when credit, code or access are good.' })),
    createdAt: Timestamp({ description: 'When it was asked for.' }),
    closedAt: Type.Optional(
      Timestamp({ description: 'When it was last closed: fulfilled, refused, expired or reversed.' }),
    ),
  },
  { $id: 'Redemption', description: 'A reward that a member asked for (P5).' },
);
export const RedemptionPage = page(Redemption, 'RedemptionPage');

export const RedemptionResult = closed(
  {
    redemption: ref(Redemption, { description: 'The redemption after the command.' }),
    account: ref(AccountBalances, { description: 'The points after it.' }),
    dryRun: Type.Boolean({ description: 'True: nothing was stored, this is what would be answered (L10).' }),
  },
  { $id: 'RedemptionResult', description: 'What a command did to a redemption.' },
);
export type RedemptionCreate = Static<typeof RedemptionCreate>;

export const rewardSchemas = [
  Reward,
  RewardPage,
  RewardCreate,
  RewardUpdate,
  OfferedReward,
  OfferedRewards,
  RedemptionCreate,
  RedemptionRefusal,
  RedemptionFulfilment,
  Redemption,
  RedemptionPage,
  RedemptionResult,
];
