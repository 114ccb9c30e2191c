// The examples of the pages on segments: canonical texts, every one of which the tests run.
import type { CustomFieldDeclaration } from '../../src/domain/custom-fields.ts';
import type { Query } from '../../src/domain/segments/ast.ts';

export interface Example {
  query: string;
  /** Whom it finds. */
  finds: string;
}

/** One for each kind of node: a new operator does not compile without. */
export const NODE_EXAMPLES: Readonly<Record<Query['op'], Example>> = {
  '=': { query: "account_status = 'guest'", finds: 'guests' },
  '!=': { query: "language != 'de'", finds: 'everybody but those with `de`; without a language too' },
  '<': { query: 'last_order_date < -90d', finds: 'who ordered last more than 90 days ago' },
  '<=': {
    query: 'first_order_date <= 2025-12-31',
    finds: 'who ordered for the first time in 2025 or before',
  },
  '>': { query: 'number_of_orders > 5', finds: 'who ordered six times or more' },
  '>=': { query: 'amount_spent >= 500.00', finds: 'who spent 500.00 or more' },
  between: {
    query: 'birthday BETWEEN today AND +7d',
    finds: 'whose birthday is today or in the next seven days',
  },
  not_between: {
    query: 'age NOT BETWEEN 18 AND 65',
    finds: 'who is younger or older than that, or of unknown age',
  },
  in: { query: "phone_country IN ('DE', 'AT')", finds: 'whose phone number is German or Austrian' },
  not_in: {
    query: "source NOT IN ('import', 'newsletter')",
    finds: 'whom neither an import nor the newsletter brought',
  },
  starts_with: { query: "language STARTS WITH 'de'", finds: 'who reads `de`, `de-AT`, `de-CH` and so on' },
  contains: {
    query: "customer_tags CONTAINS 'friend'",
    finds: 'who carries the tag; in a text it asks for a part of it',
  },
  not_contains: {
    query: "company NOT CONTAINS 'gmbh'",
    finds: 'whose company has no “gmbh” in its name, or who has none',
  },
  contains_any: {
    query: "customer_countries CONTAINS ANY ('DE', 'AT')",
    finds: 'who has an address in one of the two',
  },
  contains_all: {
    query: "customer_tags CONTAINS ALL ('family', 'friend')",
    finds: 'who carries both tags',
  },
  contains_none: {
    query: "customer_groups CONTAINS NONE ('Business', 'Wholesale')",
    finds: 'who is in neither group, and who is in none',
  },
  is_null: { query: 'sales_agent IS NULL', finds: 'who has no sales agent' },
  is_not_null: { query: 'postcodes IS NOT NULL', finds: 'who has an address with a postcode' },
  matches: {
    query: "orders_placed MATCHES (date >= -1m, status != 'cancelled', sum_amount > 1000.00)",
    finds: 'whose orders of the last month, cancelled ones left out, come to more than 1,000.00',
  },
  not_matches: { query: 'products_purchased NOT MATCHES ()', finds: 'who never bought anything' },
  and: {
    query: 'amount_spent >= 500 AND last_order_date < -90d',
    finds: 'who is valuable and has not been back for 90 days',
  },
  or: {
    query: "default_country = 'GB' OR customer_cities CONTAINS 'London'",
    finds: 'who lives in the United Kingdom, or has an address in a London anywhere',
  },
  not: {
    query: "NOT (customer_tags CONTAINS 'friend' OR wholesale = true)",
    finds: 'who is neither a friend nor a wholesale customer',
  },
  in_segment: {
    query: "in_segment('vip') AND email_consent = 'subscribed'",
    finds: 'who is in the saved segment `vip` and accepts mail',
  },
  in_group: { query: "in_group('Business')", finds: 'who is in the group' },
  sample: {
    query: "in_segment('vip') AND NOT sample(10, 'spring')",
    finds: 'nine in ten of the segment; the tenth is held back',
  },
};

/** Longer ones, for the beginning. */
export const FIRST_EXAMPLES: readonly Example[] = [
  {
    query: "customer_tags CONTAINS 'wholesale' AND orders_placed MATCHES (date >= -1m, sum_amount > 1000.00)",
    finds: 'Wholesale customers whose orders of the last month come to more than 1,000.00.',
  },
  {
    query:
      "products_purchased MATCHES (category = 'shoes', date >= -6m) AND customer_countries CONTAINS ANY ('DE', 'AT')",
    finds: 'Bought shoes in the last six months and has an address in Germany or Austria.',
  },
  {
    query: "customer_cities CONTAINS 'Lyon' AND email_consent = 'subscribed'",
    finds: 'Has an address in Lyon and accepts mail.',
  },
  {
    query:
      "orders_placed MATCHES (date BETWEEN 2025-11-01 AND 2025-12-31, coupon = 'winter', count >= 2) AND NOT (in_group('Business') OR wholesale = true)",
    finds: 'Ordered twice or more with the coupon in two months, and buys for themselves.',
  },
];

/** Some of every value that can be written. */
export const VALUE_EXAMPLES: readonly { kind: string; spelling: string; query: string }[] = [
  {
    kind: 'text',
    spelling: 'in single quotes; a quote inside is written twice',
    query: "sales_agent = 'Ida O''Brien'",
  },
  { kind: 'number', spelling: 'digits, a point before decimals, no other separator', query: 'age >= 18' },
  {
    kind: 'money',
    spelling:
      'a number in the major unit of the store’s currency, with no more decimals than the currency has',
    query: 'average_order_value > 99.99',
  },
  { kind: 'yes or no', spelling: '`true`, `false`', query: 'has_account = true' },
  { kind: 'date', spelling: '`YYYY-MM-DD`: the whole day', query: 'created_date >= 2026-01-31' },
  {
    kind: 'date and time',
    spelling:
      '`YYYY-MM-DDThh:mm:ss`, seconds optional; in the store’s zone unless `Z` or an offset such as `+01:00` follows',
    query: 'last_order_date < 2026-01-31T18:00:00Z',
  },
  {
    kind: 'offset',
    spelling: '`+` or `-`, a number, and `h`, `d`, `w`, `m` (months) or `y`: that far from now',
    query: 'registered_date BETWEEN -6w AND -36h',
  },
  { kind: 'day', spelling: '`today`, `yesterday`', query: 'last_order_date = yesterday' },
];

/** Custom fields as a store may declare them, one of each type. */
export const CUSTOM_FIELDS: readonly CustomFieldDeclaration[] = [
  { key: 'club', label: 'Club', type: 'string' },
  { key: 'shoe_size', label: 'Shoe size', type: 'number' },
  { key: 'has_dog', label: 'Has a dog', type: 'boolean' },
  { key: 'joined_on', label: 'Joined on', type: 'date' },
  { key: 'boat', label: 'Boat', type: 'enum', options: ['sail', 'motor'] },
];

/** Queries with a fault, for the chapter on errors. */
export const BROKEN_EXAMPLES: readonly string[] = [
  'number_of_order > 5',
  "customer_tags CONTAINS 'friend' AND",
  "amount_spent >= '500'",
  'amount_spent > 10.999',
  "account_status = 'activ'",
  "customer_tags HAS 'friend'",
  "in_segment('vipp')",
];
