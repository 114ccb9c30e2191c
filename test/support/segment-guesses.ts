// Queries that are likely to tell the customers of segment-population.ts apart: values from what the customers have and
// from what lies beside it.
import fc from 'fast-check';
import { formatMajor } from '../../src/domain/money.ts';
import type { Call, Literal, Query } from '../../src/domain/segments/ast.ts';
import type { Catalogue } from '../../src/domain/segments/fields.ts';
import {
  AMOUNTS,
  CAMPAIGNS,
  CATEGORIES,
  CHANNELS,
  CITIES,
  COMPANIES,
  COUNTRIES,
  COUPONS,
  CURRENCIES,
  DOMAINS,
  GROUPS,
  POSTCODES,
  TAGS,
  TIERS,
  WORDS,
} from './segment-pools.ts';

import { calls, queries, type Subject } from './segment-queries.ts';

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);
const literal = (type: Literal['type'], texts: readonly string[]) =>
  pick(texts).map((text): Literal => ({ type, text }));

/** Words by attribute or parameter. */
const POOLS: Readonly<Record<string, readonly string[]>> = {
  customer_tags: [...TAGS, 'vip', 'nobody'],
  customer_groups: [...GROUPS, 'ÉTÉ', 'nothing'],
  customer_countries: COUNTRIES,
  customer_regions: ['DE-BY', 'de-by', 'bayern', 'ile-de-france', 'Nowhere', 'Ü'],
  customer_cities: [...CITIES, 'munchen', 'LODZ'],
  postcodes: [...POSTCODES, '101', 'sw1a'],
  default_country: COUNTRIES,
  phone_country: COUNTRIES,
  language: ['de', 'DE-at', 'en', 'fr'],
  company: [...COMPANIES, 'acme', 'söhne', 'mbh'],
  email_domain: [...DOMAINS, 'Example.COM', 'example'],
  sales_agent: ['Jane'],
  category: [...CATEGORIES, 'SHOES', 'hüte'],
  tag: [...TAGS, 'VIP'],
  coupon: [...COUPONS, 'Summer'],
  channel: [...CHANNELS, 'WEB', 'pos'],
  payment_method: ['card', 'CARD', 'invoice'],
  currency: [...CURRENCIES, 'usd'],
  product_id: ['p1', 'P1', 'p9'],
  sku: ['s-1', "s'2"],
  tier: [...TIERS, 'GOLD', 'platinum'],
  campaign_id: [...CAMPAIGNS, CAMPAIGNS[0].toUpperCase()],
  email_topics: ['offers', 'newsletter', 'SURVEYS', 'nothing'],
};

const DATES = [
  ...[
    '2026-11-22',
    '2025-12-31',
    '2024-02-29',
    '2025-02-28',
    '2025-03-01',
    '2026-01-01',
    '2026-11-29',
    '2026-03-29',
  ].map((text): Literal => ({ type: 'date', text })),
  ...['today', 'yesterday'].map((text): Literal => ({ type: 'day', text })),
  ...['-90d', '-1m', '+7d', '-1y', '-1w', '-24h', '+0d', '-3m', '+6h', '-12m'].map(
    (text): Literal => ({ type: 'offset', text }),
  ),
  ...['2026-11-22T10:30:00Z', '2025-12-31T23:00', '2025-03-01T01:00:00.000+01:00'].map(
    (text): Literal => ({ type: 'datetime', text }),
  ),
];

function valuesOf(
  { attribute, parameter = attribute, type, words = [] }: Subject,
  currency: string,
): fc.Arbitrary<Literal> {
  switch (type) {
    case 'integer':
      return literal('number', ['0', '1', '2', '5', '6', '10', '-1', '3000000000']);
    case 'number':
      return literal('number', ['0', '42', '42.5', '42.50', '-1.25', '100']);
    case 'money':
      return literal(
        'number',
        AMOUNTS.map((amount) => formatMajor(amount, currency)),
      );
    case 'age':
      return literal('number', ['0', '17', '18', '21', '26', '40', '-1']);
    case 'days_since':
      return literal('number', ['0', '1', '7', '30', '90', '365', '-7']);
    case 'boolean':
      return literal('boolean', ['true', 'false']);
    case 'word':
      return literal('string', words);
    case 'text':
      return literal('string', POOLS[parameter] ?? WORDS);
    default:
      return pick(DATES);
  }
}

const samples: fc.Arbitrary<Call> = fc
  .tuple(pick(['0', '10', '50', '33.33', '100']), pick(['a', "it's", 'é']))
  .map(([share, salt]) => ({
    op: 'sample',
    values: [
      { type: 'number', text: share },
      { type: 'string', text: salt },
    ],
  }));

/** Queries over all attributes of the catalogue; the segments that they refer to are called `buyers` and `outer`. */
export const guesses = (catalogue: Catalogue, currency: string): fc.Arbitrary<Query> =>
  queries({
    catalogue,
    maxDepth: 3,
    literals: (subject) => valuesOf(subject, currency),
    calls: [samples, calls('in_segment', pick(['buyers', 'outer'])), calls('in_group', pick(GROUPS))],
  });
