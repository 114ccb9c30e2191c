// Stores: what a tenant is and which settings it has.
import type { CustomFieldDeclaration } from './custom-fields.ts';
import type { ExpiredRefunds } from './ledger/refunds.ts';
import type { MailSettings, Sender } from './mail/settings.ts';

/** Whether shoppers may or must have an account. */
export const ACCOUNT_MODES = ['none', 'optional', 'required'] as const;
export type AccountMode = (typeof ACCOUNT_MODES)[number];

/** K5: what store credit may pay for at checkout. */
export const CREDIT_BASES = ['items_only', 'order_total'] as const;
export type CreditBasis = (typeof CREDIT_BASES)[number];

/** K2, K5–K8: what holds for store credit. */
export interface CreditSettings {
  basis: CreditBasis;
  /** K2: corrections may take more than there is. */
  allowNegative: boolean;
  /** K8: most that one customer may have, by currency, in minor units. */
  limits: Readonly<Record<string, number>>;
  /** K7: what becomes of refunded credit whose lot expired meanwhile, and for how many days it comes back. */
  expiredRefunds: ExpiredRefunds;
  graceDays: number;
  /** K6: life of a hold that names none. */
  holdMinutes: number;
}

export const DEFAULT_CREDIT: CreditSettings = {
  basis: 'order_total',
  allowNegative: false,
  limits: {},
  expiredRefunds: 'grace',
  graceDays: 30,
  holdMinutes: 30,
};

/** The settings with what a store that was opened earlier has not stored. */
export const creditSettingsOf = ({ credit }: Pick<StoreSettings, 'credit'>): CreditSettings => ({
  ...DEFAULT_CREDIT,
  ...credit,
});

/** Settings of a store, as they are kept. */
export interface StoreSettings {
  accounts: AccountMode;
  credit: Partial<CreditSettings>;
  /** Has a resource of its own. */
  mail?: Partial<MailSettings>;
  sender: Sender | null;
  /** Origins (scheme, host, port) whose pages may call the storefront API. */
  corsOrigins: string[];
  /** Country for phone numbers that are given without one; ISO 3166-1 alpha-2. */
  defaultCountry: string | null;
  customFields: CustomFieldDeclaration[];
}

export const DEFAULT_SETTINGS: StoreSettings = {
  accounts: 'optional',
  credit: DEFAULT_CREDIT,
  sender: null,
  corsOrigins: [],
  defaultCountry: null,
  customFields: [],
};
