// Loyalty: the versions of the programme, its members, what earned points, rewards, their redemptions, and referrals.
// The points themselves are in the ledger.
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { LoyaltyEvent } from '../../domain/loyalty/earning.ts';
import type { MemberStatus } from '../../domain/loyalty/members.ts';
import type { ProgrammeSettings } from '../../domain/loyalty/programme.ts';
import type { ReferralState, RejectionReason } from '../../domain/loyalty/referrals.ts';
import type {
  RedemptionStatus,
  RewardKind,
  RewardSnapshot,
  RewardStatus,
} from '../../domain/loyalty/rewards.ts';
import { id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';
import { ledgerAccounts, transfers } from './ledger.ts';
import { orders } from './orders.ts';
import { stores } from './stores.ts';

const points = (name: string) => bigint(name, { mode: 'number' });

/** Every version of the programme's settings; the last one holds. Only inserted: what was earned names its version. */
export const loyaltyProgrammes = pgTable(
  'loyalty_programmes',
  {
    storeId: storeId(),
    version: integer('version').notNull(),
    settings: jsonb('settings').$type<ProgrammeSettings>().notNull(),
    actor: keyText('actor').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'loyalty_programmes_pk', columns: [table.storeId, table.version] }),
    foreignKey({
      name: 'loyalty_programmes_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
  ],
);

/** A customer in the programme (P10), with the tier (P7). */
export const loyaltyMembers = pgTable(
  'loyalty_members',
  {
    storeId: storeId(),
    customerId: uuid('customer_id').notNull(),
    status: keyText('status').$type<MemberStatus>().notNull(),
    enrolledAt: instant('enrolled_at').notNull(),
    leftAt: instant('left_at'),
    /** Points ever earned, less what refunds took back. */
    pointsEarned: points('points_earned').notNull(),
    /** Last earning or spending, from which inactivity counts (P4). */
    lastActivityAt: instant('last_activity_at').notNull(),
    /** The tier that holds: the override's while it lasts, else the earned one. */
    tier: keyText('tier'),
    tierEarned: keyText('tier_earned'),
    tierSince: instant('tier_since').notNull(),
    periodEndsAt: instant('period_ends_at'),
    overrideTier: keyText('override_tier'),
    overrideUntil: instant('override_until'),
    overrideReason: text('override_reason'),
    /** When the tier has to be looked at again: the end of a period or of an override. */
    tierDueAt: instant('tier_due_at'),
    referralCode: keyText('referral_code').notNull(),
    /** P8. */
    birthdayRewardedYear: integer('birthday_rewarded_year'),
    birthdayEditedYear: integer('birthday_edited_year'),
    version: integer('version').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'loyalty_members_pk', columns: [table.storeId, table.customerId] }),
    unique('loyalty_members_code_unique').on(table.storeId, table.referralCode),
    foreignKey({
      name: 'loyalty_members_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    index('loyalty_members_by_tier').on(table.storeId, table.tier, table.customerId),
    index('loyalty_members_by_enrolment').on(table.storeId, table.enrolledAt, table.customerId),
    index('loyalty_members_due').on(table.storeId, table.tierDueAt).where(sql`tier_due_at is not null`),
    check('loyalty_members_status_valid', sql`status in ('active', 'left')`),
    check(
      'loyalty_members_override_valid',
      sql`(override_tier is null) = (override_until is null) and (override_tier is null) = (override_reason is null)`,
    ),
  ],
);

/** What one rule gave for one source, once (P2), with what explains it. */
export const loyaltyEarnings = pgTable(
  'loyalty_earnings',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    /** `<rule>:<kind of source>:<id of source>`. */
    sourceKey: keyText('source_key').notNull(),
    ruleId: keyText('rule_id').notNull(),
    sourceKind: keyText('source_kind').$type<'order' | LoyaltyEvent>().notNull(),
    programmeVersion: integer('programme_version').notNull(),
    orderId: uuid('order_id'),
    points: points('points').notNull(),
    /** What counted: minor units of money, pieces, or 1. */
    base: points('base').notNull(),
    formula: text('formula').notNull(),
    lines: jsonb('lines').$type<number[]>().notNull(),
    /** The ledger's transfer and lot. */
    transferId: uuid('transfer_id').notNull(),
    accountId: uuid('account_id').notNull(),
    lotId: uuid('lot_id').notNull(),
    /** P6: points that refunds have settled, taken or forgiven. */
    reversed: points('reversed').notNull(),
    earnedAt: instant('earned_at').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'loyalty_earnings_pk', columns: [table.storeId, table.id] }),
    unique('loyalty_earnings_source_unique').on(table.storeId, table.sourceKey),
    foreignKey({
      name: 'loyalty_earnings_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'loyalty_earnings_transfer_fk',
      columns: [table.storeId, table.transferId],
      foreignColumns: [transfers.storeId, transfers.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'loyalty_earnings_account_fk',
      columns: [table.storeId, table.accountId],
      foreignColumns: [ledgerAccounts.storeId, ledgerAccounts.id],
    }).onDelete('restrict'),
    index('loyalty_earnings_by_customer').on(table.storeId, table.customerId, table.ruleId, table.earnedAt),
    index('loyalty_earnings_by_order').on(table.storeId, table.orderId).where(sql`order_id is not null`),
    check('loyalty_earnings_points_valid', sql`points > 0 and reversed >= 0 and reversed <= points`),
  ],
);

/** What points can be redeemed for (P5). */
export const loyaltyRewards = pgTable(
  'loyalty_rewards',
  {
    storeId: storeId(),
    id: id(),
    name: text('name').notNull(),
    description: text('description'),
    kind: keyText('kind').$type<RewardKind>().notNull(),
    status: keyText('status').$type<RewardStatus>().notNull(),
    points: points('points').notNull(),
    /** Of store credit and of a discount by amount: minor units of `currency`. */
    amount: points('amount'),
    currency: keyText('currency'),
    /** Of a discount by percentage, 1 to 100. */
    percent: integer('percent'),
    productId: keyText('product_id'),
    earlyAccessHours: integer('early_access_hours'),
    /** Lowest tier that may redeem it. */
    minTier: keyText('min_tier'),
    startsAt: instant('starts_at'),
    endsAt: instant('ends_at'),
    /** How many are left; null = any number. */
    stock: integer('stock'),
    maxPerCustomer: integer('max_per_customer'),
    /** Days that a code or an early access is good for; null = for good. */
    validDays: integer('valid_days'),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'loyalty_rewards_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'loyalty_rewards_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
    check('loyalty_rewards_points_valid', sql`points > 0 and (stock is null or stock >= 0)`),
  ],
);

/** A reward that a member asked for: its points are held until it is fulfilled, then taken (P5). */
export const loyaltyRedemptions = pgTable(
  'loyalty_redemptions',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    rewardId: uuid('reward_id').notNull(),
    /** The reward as it was. */
    reward: jsonb('reward').$type<RewardSnapshot>().notNull(),
    points: points('points').notNull(),
    status: keyText('status').$type<RedemptionStatus>().notNull(),
    holdId: uuid('hold_id').notNull(),
    /** The transfer that took the points. */
    transferId: uuid('transfer_id'),
    /** The grant of store credit that it became. */
    creditTransferId: uuid('credit_transfer_id'),
    code: keyText('code'),
    orderId: uuid('order_id'),
    reason: text('reason'),
    /** Until when the points are held. */
    heldUntil: instant('held_until').notNull(),
    /** Until when code or access are good. */
    validUntil: instant('valid_until'),
    createdAt: instant('created_at').notNull(),
    closedAt: instant('closed_at'),
  },
  (table) => [
    primaryKey({ name: 'loyalty_redemptions_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'loyalty_redemptions_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'loyalty_redemptions_reward_fk',
      columns: [table.storeId, table.rewardId],
      foreignColumns: [loyaltyRewards.storeId, loyaltyRewards.id],
    }).onDelete('restrict'),
    uniqueIndex('loyalty_redemptions_code_unique').on(table.storeId, table.code).where(sql`code is not null`),
    index('loyalty_redemptions_by_customer').on(table.storeId, table.customerId, table.id),
    index('loyalty_redemptions_by_reward').on(table.storeId, table.rewardId, table.customerId),
    index('loyalty_redemptions_held').on(table.storeId, table.heldUntil).where(sql`status = 'held'`),
  ],
);

/** P9. The friend is somebody as soon as they register; one referral per friend for good. */
export const referrals = pgTable(
  'referrals',
  {
    storeId: storeId(),
    id: id(),
    advocateId: uuid('advocate_id').notNull(),
    friendId: uuid('friend_id'),
    /** Whom the advocate invited, as compared; gone with erasure. */
    invitedEmail: keyText('invited_email'),
    state: keyText('state').$type<ReferralState>().notNull(),
    reason: keyText('reason').$type<RejectionReason>(),
    programmeVersion: integer('programme_version').notNull(),
    /** The first order that counted. */
    orderId: uuid('order_id'),
    /** When the return window ends and the first order decides. */
    decidesAt: instant('decides_at'),
    invitedAt: instant('invited_at').notNull(),
    registeredAt: instant('registered_at'),
    qualifiedAt: instant('qualified_at'),
    rewardedAt: instant('rewarded_at'),
    rejectedAt: instant('rejected_at'),
    version: integer('version').notNull(),
  },
  (table) => [
    primaryKey({ name: 'referrals_pk', columns: [table.storeId, table.id] }),
    uniqueIndex('referrals_friend_unique')
      .on(table.storeId, table.friendId)
      .where(sql`friend_id is not null`),
    foreignKey({
      name: 'referrals_advocate_fk',
      columns: [table.storeId, table.advocateId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'referrals_friend_fk',
      columns: [table.storeId, table.friendId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'referrals_order_fk',
      columns: [table.storeId, table.orderId],
      foreignColumns: [orders.storeId, orders.id],
    }).onDelete('restrict'),
    index('referrals_by_invitation')
      .on(table.storeId, table.invitedEmail)
      .where(sql`invited_email is not null`),
    index('referrals_by_advocate').on(table.storeId, table.advocateId, table.id),
    index('referrals_due').on(table.storeId, table.decidesAt).where(sql`decides_at is not null`),
  ],
);
