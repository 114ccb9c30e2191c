// Stores: what a tenant is and which settings it has.
import type { CustomFieldDeclaration } from './custom-fields.ts';

/** Whether shoppers may or must have an account. */
export const ACCOUNT_MODES = ['none', 'optional', 'required'] as const;
export type AccountMode = (typeof ACCOUNT_MODES)[number];

/** K5: what store credit may pay for at checkout. */
export const CREDIT_BASES = ['items_only', 'order_total'] as const;
export type CreditBasis = (typeof CREDIT_BASES)[number];

/** Settings of a store, as they are kept. */
export interface StoreSettings {
  accounts: AccountMode;
  credit: { basis: CreditBasis };
  sender: { name: string; email: string } | null;
  /** Origins (scheme, host, port) whose pages may call the storefront API. */
  corsOrigins: string[];
  /** Country for phone numbers that are given without one; ISO 3166-1 alpha-2. */
  defaultCountry: string | null;
  customFields: CustomFieldDeclaration[];
}

export const DEFAULT_SETTINGS: StoreSettings = {
  accounts: 'optional',
  credit: { basis: 'order_total' },
  sender: null,
  corsOrigins: [],
  defaultCountry: null,
  customFields: [],
};
