// Referrals (P9): who may refer whom, when the friend's first order earns both their reward, what a refund does, and the
// codes that advocates hand on.
import assert from 'node:assert';
import type { AccountStatus } from '../account-states.ts';
import { type AddressFields, addressKey } from '../addresses.ts';
import { duplicateKey } from '../emails.ts';
import { type CountableOrder, counterContribution, isCounted } from '../order-counters.ts';
import { daysLater } from './earning.ts';

export const REFERRAL_STATES = ['invited', 'registered', 'qualified', 'rewarded', 'rejected'] as const;
export type ReferralState = (typeof REFERRAL_STATES)[number];

export const REJECTION_REASONS = [
  'self_referral',
  'friend_already_customer',
  'friend_already_referred',
  'advocate_not_active',
  'referral_limit',
  'below_minimum',
  'refunded',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export const REFERRAL_REFUND_POLICIES = ['keep', 'reverse'] as const;
export type ReferralRefundPolicy = (typeof REFERRAL_REFUND_POLICIES)[number];

/** The points of both sides are earning rules of kind `event` (`referral`, one rule for each side). */
export interface ReferralSettings {
  /** Least value of the first order net of refunds, in minor units of the store's currency. */
  minimumAmount: number;
  /** Local days after the order in which goods can come back; the reward waits for their end. */
  returnDays: number;
  /** Most referrals of one advocate that are not rejected; absent = any number. */
  maxPerAdvocate?: number;
  /** What a refund does to points that both have received. */
  onRefund: ReferralRefundPolicy;
}

/** Where each state may go. A rewarded referral is only rejected by a refund. */
const REFERRAL_TRANSITIONS: Readonly<Record<ReferralState, readonly ReferralState[]>> = {
  invited: ['registered', 'rejected'],
  registered: ['qualified', 'rejected'],
  qualified: ['rewarded', 'rejected'],
  rewarded: ['rejected'],
  rejected: [],
};

/** What tells people apart; rows fit. */
export interface ReferralPerson {
  id: string;
  emailNorm: string | null;
  /** E.164. */
  phone: string | null;
  addresses: readonly AddressFields[];
}

export type SharedIdentity = 'customer' | 'email' | 'phone' | 'address';

export type ReferralRefusal =
  | { refused: 'SELF_REFERRAL'; reason: 'self_referral'; shared: SharedIdentity }
  | { refused: 'FRIEND_ALREADY_CUSTOMER'; reason: 'friend_already_customer' }
  | { refused: 'FRIEND_ALREADY_REFERRED'; reason: 'friend_already_referred' }
  | { refused: 'ADVOCATE_NOT_ACTIVE'; reason: 'advocate_not_active' }
  | { refused: 'REFERRAL_LIMIT'; reason: 'referral_limit'; limit: number };

/** What the first order of a friend leads to. */
export type ReferralOutcome =
  | { state: 'registered'; waitsFor: 'order'; until: null }
  | { state: 'registered'; waitsFor: 'return_window'; until: Date }
  | { state: 'qualified' }
  | { state: 'rejected'; reason: RejectionReason };

/** P9: true when the state machine has this step. */
export function canMoveReferral(from: ReferralState, to: ReferralState): boolean {
  return REFERRAL_TRANSITIONS[from].includes(to);
}

/**
 * P9: whether the friend can be referred by the advocate; undefined = yes, else the code and the reason under which an
 * open referral is rejected. Ask when the friend registers, and again before the reward, with that referral left out of
 * the facts: an advocate may have been disabled meanwhile. Emails are compared by mailbox (C11), phones in E.164,
 * addresses by place (A5) as soon as they name a street and a town.
 */
export function checkReferral(
  advocate: ReferralPerson & { accountStatus: AccountStatus; isMember: boolean },
  friend: ReferralPerson,
  facts: {
    /** Counted orders that the friend had placed before the referral (C7). */
    friendOrdersBefore: number;
    /** Another referral has ever named the friend, whatever came of it. */
    friendWasReferred: boolean;
    /** The advocate's other referrals that are not rejected. */
    advocateReferrals: number;
  },
  settings: Pick<ReferralSettings, 'maxPerAdvocate'>,
): ReferralRefusal | undefined {
  const shared = sharedIdentity(advocate, friend);
  if (shared) return { refused: 'SELF_REFERRAL', reason: 'self_referral', shared };
  if (facts.friendOrdersBefore > 0) {
    return { refused: 'FRIEND_ALREADY_CUSTOMER', reason: 'friend_already_customer' };
  }
  if (facts.friendWasReferred) {
    return { refused: 'FRIEND_ALREADY_REFERRED', reason: 'friend_already_referred' };
  }
  if (advocate.accountStatus !== 'active' || !advocate.isMember) {
    return { refused: 'ADVOCATE_NOT_ACTIVE', reason: 'advocate_not_active' };
  }
  const limit = settings.maxPerAdvocate;
  if (limit === undefined || facts.advocateReferrals < limit) return undefined;
  return { refused: 'REFERRAL_LIMIT', reason: 'referral_limit', limit };
}

/**
 * P9: what the friend's first order leads to at an instant. `firstOrder` is the first that counts (C7), undefined while
 * there is none: one that was cancelled is none, so the next order takes its place. Everything is decided once, when the
 * return window ends, by what the order is worth then, net of refunds; another currency than the store's is worth 0.
 */
export function qualify(
  firstOrder: CountableOrder | undefined,
  settings: Pick<ReferralSettings, 'minimumAmount' | 'returnDays'>,
  store: { currency: string; timezone: string },
  at: Date,
): ReferralOutcome {
  if (firstOrder === undefined || !isCounted(firstOrder)) {
    return { state: 'registered', waitsFor: 'order', until: null };
  }
  const until = daysLater(firstOrder.placedAt, settings.returnDays, store.timezone);
  if (at < until) return { state: 'registered', waitsFor: 'return_window', until };
  const reason = shortfall(firstOrder, settings.minimumAmount, store.currency);
  return reason ? { state: 'rejected', reason } : { state: 'qualified' };
}

/**
 * P9: what a later refund or cancellation of the first order does. A qualified referral is not rewarded any more; a
 * rewarded one is taken back from both sides (`reversesPoints`, by the programme's policy for reversals) or kept, by
 * setting. Undefined = nothing: the order is still worth enough, or the referral is not that far.
 */
export function planReferralRefund(
  state: ReferralState,
  firstOrder: CountableOrder,
  settings: Pick<ReferralSettings, 'minimumAmount' | 'onRefund'>,
  currency: string,
): { state: 'rejected'; reason: RejectionReason; reversesPoints: boolean } | undefined {
  if (state !== 'qualified' && state !== 'rewarded') return undefined;
  if (shortfall(firstOrder, settings.minimumAmount, currency) === undefined) return undefined;
  if (state === 'rewarded' && settings.onRefund === 'keep') return undefined;
  return { state: 'rejected', reason: 'refunded', reversesPoints: state === 'rewarded' };
}

/** The people of a referral and how far it is; rows fit. */
export interface ReferralParties {
  advocateId: string;
  friendId: string | null;
  state: ReferralState;
}

/**
 * C10: a referral after `fromId` was merged into `intoId`. One referral per friend for good: where the survivor is
 * somebody's friend already (`isSurvivorReferred`), the other one stays with whom it was and is over. Where advocate and
 * friend become one person, it is over too. What both were rewarded for stays rewarded.
 */
export function mergeReferral(
  { advocateId, friendId, state }: ReferralParties,
  { fromId, intoId, isSurvivorReferred }: { fromId: string; intoId: string; isSurvivorReferred: boolean },
): { advocateId: string; friendId: string | null; rejected: RejectionReason | undefined } {
  const isTwice = friendId === fromId && isSurvivorReferred;
  const advocate = advocateId === fromId ? intoId : advocateId;
  const friend = friendId === fromId && !isTwice ? intoId : friendId;
  const isOpen = state === 'invited' || state === 'registered' || state === 'qualified';
  const isSelf = friend === advocate || (isTwice && advocate === intoId);
  const reason = isSelf ? 'self_referral' : isTwice ? 'friend_already_referred' : undefined;
  return { advocateId: advocate, friendId: friend, rejected: isOpen ? reason : undefined };
}

/** Crockford's Base32: without I, L, O and U, which people take for other characters or read as words. */
const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
export const REFERRAL_CODE_LENGTH = 8;
const CODE = new RegExp(`^[${CODE_ALPHABET}]{${REFERRAL_CODE_LENGTH}}$`);

/** P9: 2^40 codes, each as likely as any other. */
export const referralCode = (bytes: Uint8Array): string => codeFrom(bytes, REFERRAL_CODE_LENGTH);

/** A code that people can read out: one character from 5 bits of each of the first `length` random bytes. */
export function codeFrom(bytes: Uint8Array, length: number): string {
  assert(bytes.length >= length);
  return Array.from(bytes.slice(0, length), (byte) => CODE_ALPHABET[byte & 31]).join('');
}

/** The code that somebody typed: any case, spaces and hyphens, O for 0, I and L for 1; undefined when it is none. */
export function readReferralCode(text: string): string | undefined {
  const code = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return CODE.test(code) ? code : undefined;
}

function sharedIdentity(one: ReferralPerson, other: ReferralPerson): SharedIdentity | undefined {
  if (one.id === other.id) return 'customer';
  if (one.emailNorm && other.emailNorm && duplicateKey(one.emailNorm) === duplicateKey(other.emailNorm)) {
    return 'email';
  }
  if (one.phone && one.phone === other.phone) return 'phone';
  const places = new Set(placesOf(one));
  return placesOf(other).some((place) => places.has(place)) ? 'address' : undefined;
}

/** Half a country lives at an address that is only a country or a town. */
const placesOf = ({ addresses }: ReferralPerson): string[] =>
  addresses.filter(({ line1, city, postcode }) => line1 && (city || postcode)).map(addressKey);

function shortfall(
  order: CountableOrder,
  minimumAmount: number,
  currency: string,
): 'refunded' | 'below_minimum' | undefined {
  const isGone = !isCounted(order) || (order.total > 0 && order.refundedTotal >= order.total);
  if (isGone) return 'refunded';
  return counterContribution(order, currency).spent < minimumAmount ? 'below_minimum' : undefined;
}
