// Which action does the work of which kind of job.
import { bulkSlice } from '../actions/bulk-slices.ts';
import { groupChangeSlice } from '../actions/groups.ts';
import { ledgerExpirySlice } from '../actions/ledger-expiry.ts';
import { redemptionExpirySlice } from '../actions/redemption-returns.ts';
import { selfCheckSlice } from '../actions/self-check.ts';
import { tagChangeSlice } from '../actions/tags.ts';
import type { Slices } from './runner.ts';

export const SLICES: Slices = {
  bulk: bulkSlice,
  'tag-change': tagChangeSlice,
  'group-change': groupChangeSlice,
  'self-check': selfCheckSlice,
  'ledger-expiry': ledgerExpirySlice,
  'redemption-expiry': redemptionExpirySlice,
};
