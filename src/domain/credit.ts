// Store credit: who may get and spend it, up to which limit, and what it pays for at checkout (K1–K9).
import type { AccountStatus } from './account-states.ts';
import type { Balances } from './ledger/accounts.ts';
import type { CreditBasis } from './stores.ts';

export type CreditStatusRefusal =
  | { refused: 'ACCOUNT_NOT_ACTIVE'; accountStatus: AccountStatus; wayOut: string }
  | { refused: 'CUSTOMER_GONE'; accountStatus: AccountStatus };

const WAY_OUT: Partial<Record<AccountStatus, string>> = {
  guest: 'Invite the customer, or set accountStatus to active.',
  invited: 'Wait until the invitation is accepted, or set accountStatus to active.',
  disabled: 'Set accountStatus to active to enable the account again.',
};

const isGone = (status: AccountStatus): boolean => status === 'merged' || status === 'erased';

/** K1, K9: credit is granted to and spent by active accounts only. */
export function checkActive(accountStatus: AccountStatus): CreditStatusRefusal | undefined {
  if (accountStatus === 'active') return undefined;
  if (isGone(accountStatus)) return { refused: 'CUSTOMER_GONE', accountStatus };
  return { refused: 'ACCOUNT_NOT_ACTIVE', accountStatus, wayOut: WAY_OUT[accountStatus] ?? '' };
}

/** K2, K7: corrections and refunds are possible for everybody who is still somebody. */
export function checkPresent(accountStatus: AccountStatus): CreditStatusRefusal | undefined {
  return isGone(accountStatus) ? { refused: 'CUSTOMER_GONE', accountStatus } : undefined;
}

/**
 * K8: `room` is what may still be granted. What has expired counts no more, booked to breakage or not. Without a limit of
 * the store the limit is what can be counted exactly.
 */
export function checkLimit(
  { balance, expired }: Pick<Balances, 'balance' | 'expired'>,
  amount: number,
  limit = Number.MAX_SAFE_INTEGER,
): { refused: 'CREDIT_LIMIT_EXCEEDED'; limit: number; room: number } | undefined {
  const room = limit - (balance - expired);
  return amount <= room ? undefined : { refused: 'CREDIT_LIMIT_EXCEEDED', limit, room: Math.max(0, room) };
}

/** A cart at checkout, in minor units of one currency. */
export interface Checkout {
  /** Sum of the lines after all discounts; with taxes if prices contain them. */
  items: number;
  shipping: number;
  /** Tax that comes on top; 0 where prices contain it. */
  tax: number;
}

export interface CreditQuote {
  /** What credit may pay for by the store's setting. */
  eligible: number;
  /** What it pays. */
  applied: number;
  /** What is left to pay otherwise. */
  due: number;
}

/** K5: applied = min(available, eligible), until used up. `items_only` leaves out shipping alone. */
export function quoteCredit(checkout: Checkout, basis: CreditBasis, available: number): CreditQuote {
  const total = checkout.items + checkout.shipping + checkout.tax;
  const eligible = basis === 'items_only' ? checkout.items + checkout.tax : total;
  const applied = Math.max(0, Math.min(available, eligible));
  return { eligible, applied, due: total - applied };
}
