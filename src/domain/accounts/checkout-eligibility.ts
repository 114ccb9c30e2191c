// Who may check out: the store setting `accounts` and the state of the account decide.
import type { AccountStatus } from '../account-states.ts';
import type { AccountMode } from '../stores.ts';

export const INELIGIBILITIES = ['ACCOUNT_DISABLED', 'ACCOUNT_REQUIRED'] as const;
export type Ineligibility = (typeof INELIGIBILITIES)[number];

export interface CheckoutEligibility {
  eligible: boolean;
  reason?: Ineligibility;
}

/**
 * Where accounts are required only an active one buys; anywhere else everybody does, somebody with a disabled account as
 * a guest. `status` is undefined for an address that nobody has.
 */
export function checkoutEligibility(
  accounts: AccountMode,
  status: AccountStatus | undefined,
): CheckoutEligibility {
  if (accounts !== 'required' || status === 'active') return { eligible: true };
  return { eligible: false, reason: status === 'disabled' ? 'ACCOUNT_DISABLED' : 'ACCOUNT_REQUIRED' };
}
