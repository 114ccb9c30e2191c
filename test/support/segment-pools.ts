// What the customers and the queries of segment tests are made of: few values of each kind, so that queries hit and
// nearly hit.
import type { CustomFieldDeclaration } from '../../src/domain/custom-fields.ts';

/** Few words that differ in case, accents and quotes, so that queries hit and nearly hit. */
export const WORDS = [
  'VIP',
  'vip ',
  'friend',
  'Família',
  "it's",
  'Straße',
  'a,b',
  '100%',
  'Zoë',
  'x_y',
] as const;
export const TAGS = ['VIP', 'friend', 'Família', "it's", 'Straße', '100%'] as const;
export const GROUPS = ['Standard', 'Business', 'Été'] as const;
export const CITIES = ['Lyon', 'lyon', 'München', 'Saint-Étienne', "L'Île", 'Łódź'] as const;
export const POSTCODES = ['10115', '101 17', 'SW1A 1AA', 'sw1a2ab'] as const;
export const REGIONS = [
  ['Bayern', 'DE-BY'],
  ['Île-de-France', 'FR-IDF'],
  ['Nowhere', null],
] as const;
export const COUNTRIES = ['DE', 'AT', 'FR', 'GB'] as const;
export const CATEGORIES = ['shoes', 'Shoes', 'HÜTE', 'bags', "men's"] as const;
export const CHANNELS = ['web', 'POS', 'Instagram', 'É-shop'] as const;
export const COUPONS = ['SUMMER', 'summer', 'x;y'] as const;
export const COMPANIES = ['Acme GmbH', 'ACME gmbh', 'Müller & Söhne', "O'Neil"] as const;
export const AMOUNTS = [0, 1, 99, 100, 9_999, 10_000, 10_001, 5_000_000_000] as const;
export const CURRENCIES = ['EUR', 'USD', 'JPY', 'KWD'] as const;
export const CAMPAIGNS = [
  '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
  '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a12',
] as const;
export const TIERS = ['bronze', 'silver', 'gold'] as const;
export const DOMAINS = ['example.com', 'example.org', 'bücher.example'] as const;

export const CUSTOM_FIELDS: CustomFieldDeclaration[] = [
  { key: 'nick', label: 'Nickname', type: 'string' },
  { key: 'shoe_size', label: 'Shoe size', type: 'number' },
  { key: 'b2b', label: 'B2B', type: 'boolean' },
  { key: 'since', label: 'Since', type: 'date' },
  { key: 'level', label: 'Level', type: 'enum', options: ['Gold', 'silver'] },
];

/** Instants at which something changes, or nearly: New Year, leap days, summer time, the end of a month. */
export const MOMENTS: readonly string[] = [
  '2026-11-22T10:30:00Z',
  '2024-02-29T23:59:59.999Z',
  '2025-02-28T12:00:00Z',
  '2025-03-01T00:00:00Z',
  '2025-12-31T22:59:59.999Z',
  '2026-01-01T04:00:00Z',
  '2026-03-29T01:00:00Z',
  '2025-09-07T03:30:00Z',
  '2026-05-31T09:00:00Z',
];
