// Which action does the work of which kind of job.
import { birthdayRewardsSlice } from '../actions/birthday-rewards.ts';
import { bulkSlice } from '../actions/bulk-slices.ts';
import { campaignEndSlice, campaignPrepareSlice } from '../actions/campaign-preparation.ts';
import { groupChangeSlice } from '../actions/groups.ts';
import { ledgerExpirySlice } from '../actions/ledger-expiry.ts';
import { pointsRemindersSlice } from '../actions/loyalty-mails.ts';
import { redemptionExpirySlice } from '../actions/redemption-returns.ts';
import { referralDecisionsSlice } from '../actions/referral-decisions.ts';
import { selfCheckSlice } from '../actions/self-check.ts';
import { tagChangeSlice } from '../actions/tags.ts';
import { loyaltyTiersSlice } from '../actions/tiers.ts';
import type { Slices } from './runner.ts';

export const SLICES: Slices = {
  bulk: bulkSlice,
  'tag-change': tagChangeSlice,
  'group-change': groupChangeSlice,
  'self-check': selfCheckSlice,
  'loyalty-tiers': loyaltyTiersSlice,
  'ledger-expiry': ledgerExpirySlice,
  'redemption-expiry': redemptionExpirySlice,
  'birthday-rewards': birthdayRewardsSlice,
  'points-reminders': pointsRemindersSlice,
  'campaign-prepare': campaignPrepareSlice,
  'campaign-end': campaignEndSlice,
  'referral-decisions': referralDecisionsSlice,
};
