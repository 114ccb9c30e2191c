// The templates of a new store, by the key that mails look for.
import {
  accountExists,
  consentConfirmation,
  emailChange,
  emailChanged,
  emailVerification,
  invitation,
  passwordReset,
  welcome,
} from './accounts.ts';
import type { ReadyMade } from './frame.ts';
import { birthday, productRecommendation, reEngagement, specialOffer, survey } from './offers.ts';
import { delayNotice, orderConfirmation, reviewRequest, shippingUpdate, thankYou } from './orders.ts';
import { creditGranted, direct, pointsExpiring, tierReached } from './rewards.ts';

export type { ReadyMade } from './frame.ts';

export const READY_MADE: readonly ReadyMade[] = [
  welcome,
  invitation,
  passwordReset,
  emailVerification,
  emailChange,
  emailChanged,
  accountExists,
  consentConfirmation,
  thankYou,
  orderConfirmation,
  shippingUpdate,
  delayNotice,
  productRecommendation,
  specialOffer,
  reEngagement,
  birthday,
  reviewRequest,
  survey,
  creditGranted,
  pointsExpiring,
  tierReached,
  direct,
];

/** Keys of which a store always has a template. */
export const isReadyMade = (key: string): boolean => READY_MADE.some((template) => template.key === key);
