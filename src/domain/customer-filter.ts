// Which customers are meant: the filters of the customer list, of its export and of bulk actions.
import type { AccountStatus } from './account-states.ts';
import { placeRegion } from './addresses.ts';
import { normaliseCountryCode, normaliseRegion } from './countries.ts';
import { collapseSpaces, foldText } from './fields.ts';

/** States that a listed customer can have: merged and erased ones are nobody's. */
export const LISTED_STATUSES = [
  'guest',
  'invited',
  'active',
  'disabled',
] as const satisfies readonly AccountStatus[];
/** States with an account of the customer's own, whether it may be used now or not. */
export const STATUSES_WITH_ACCOUNT = ['active', 'disabled'] as const satisfies readonly AccountStatus[];

/** All that are given must hold. Times are RFC 3339 text, money is in minor units, ranges include their ends. */
export interface CustomerFilter {
  /** Words that stand in name, email, company or phone. */
  q?: string;
  /** Any of these. */
  accountStatus?: readonly (typeof LISTED_STATUSES)[number][];
  hasAccount?: boolean;
  /** In all of these groups, by id or name. */
  group?: readonly string[];
  /** In none of these groups; true for a customer without groups. */
  notGroup?: readonly string[];
  /** With all of these tags. */
  tag?: readonly string[];
  /** With any of these tags. */
  tagAny?: readonly string[];
  salesAgent?: string;
  /** Any of these, ISO 3166-1 alpha-2. */
  country?: readonly string[];
  /** Name or ISO 3166-2 code. */
  region?: string;
  city?: string;
  /** How the postcode begins. */
  postcode?: string;
  ordersCountMin?: number;
  ordersCountMax?: number;
  totalSpentMin?: number;
  totalSpentMax?: number;
  lastOrderAfter?: string;
  lastOrderBefore?: string;
  createdAfter?: string;
  createdBefore?: string;
  acceptsMarketing?: boolean;
  /** A segment query (segments.md). */
  filter?: string;
}

/** Columns that the list sorts by; `group` is the primary group's name, `tags` the first tag by name. */
export const CUSTOMER_SORTS = [
  'name',
  'group',
  'email',
  'company',
  'tags',
  'city',
  'country',
  'ordersCount',
  'lastOrderAt',
  'totalSpent',
  'accountStatus',
  'createdAt',
] as const;
export type CustomerSortColumn = (typeof CUSTOMER_SORTS)[number];
/** `name` or `-name`: ascending or descending. */
export type CustomerSort = CustomerSortColumn | `-${CustomerSortColumn}`;

export const DEFAULT_CUSTOMER_SORT: CustomerSort = '-createdAt';

/** The words of a quick search as they stand in the search column; '' when nothing is left to search for. */
export function searchTerm(q: string): string {
  return foldText(collapseSpaces(q));
}

/**
 * The region as customers carry it: by ISO 3166-2 code ('DE-BY'), or by any of its names and short codes when one
 * country is filtered by too ('Bavaria', 'BY'); else by its name, where it has no code.
 */
export function wantedRegionKey(region: string, countries: readonly string[] = []): string | null {
  const [ofCode] = /^[a-z]{2}(?=-)/i.exec(region) ?? [];
  const given = ofCode ?? (countries.length === 1 ? countries[0] : undefined);
  const country = given && normaliseCountryCode(given);
  const { name, code = null } = country ? normaliseRegion(country, region) : { name: region };
  return placeRegion({ region: name, regionCode: code });
}
