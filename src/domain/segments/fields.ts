// The registry: everything that a segment query can ask about. One entry is all that an attribute needs: language,
// rule builder, reference page, both evaluators and the reader of facts are made from it.
import { cityKey, postcodeKey } from '../addresses.ts';
import { normaliseCountryCode } from '../countries.ts';
import type { CustomFieldDeclaration, CustomFieldType } from '../custom-fields.ts';
import { LISTED_STATUSES, STATUSES_WITH_ACCOUNT } from '../customer-filter.ts';
import { GENDERS, SOURCES } from '../customers.ts';
import { caseKey, foldText } from '../fields.ts';
import { REFERRAL_STATES } from '../loyalty/referrals.ts';
import type { ConsentState } from '../mail/consents.ts';
import { COUNTED_STATUSES, ORDER_STATUSES } from '../orders.ts';
import { tagKey } from '../tags.ts';
import type { Operator } from './ast.ts';

/** Areas in the order in which people read them. */
export const AREAS = ['Profile', 'Address', 'Orders', 'Credit and loyalty', 'Consent and mail'] as const;
export type Area = (typeof AREAS)[number];

/**
 * What a value is and how facts hold it: `integer`, `number` and `money` (minor units of the store's currency) as
 * numbers, `date` as an instant in ms, compared by whole days of the store's zone, `calendar_date` as YYYY-MM-DD,
 * `yearly_date` as month × 100 + day (in SQL a row of both, which an index can have), `age` as the day of birth
 * year × 10,000 + month × 100 + day, `days_since` as an instant in ms, `word` one of a few words, `text` free text.
 */
export type ScalarType =
  | 'integer'
  | 'number'
  | 'money'
  | 'date'
  | 'calendar_date'
  | 'yearly_date'
  | 'age'
  | 'days_since'
  | 'boolean'
  | 'word'
  | 'text';

/**
 * A single value. `sql` is an expression for what is compared, null where the value is missing; `:currency` stands for
 * the currency of the store, `:store` for its id and `:at` for the instant of asking. Our own text only: nothing of it
 * comes from outside.
 */
export interface Scalar {
  type: ScalarType;
  sql: string;
  /** What facts hold, where that is not what is compared: what people see, or a number that stands for it. */
  shown?: string;
  /** From what people write to what is compared; undefined for what cannot be meant. Without it: as it is written. */
  key?: (text: string) => string | undefined;
  /** What `key` takes, for the message of a refusal: "a country code (ISO 3166-1)". */
  takes?: string;
  /** All values there are, of a `word`; compared without regard to case. */
  words?: readonly string[];
  /** Of a `word` that follows from columns: when it is which; the planner knows how common a column's values are. */
  when?: Readonly<Record<string, string>>;
  /** Words that stand for several others; no value is ever one of them. */
  means?: Readonly<Record<string, readonly string[]>>;
  /** Never missing. */
  always?: true;
  /** A parameter that has several values at once: `sql` and `shown` are arrays. */
  many?: true;
}

interface Described {
  name: string;
  label: string;
  description: string;
  /** The version of the service that brought it. */
  since: string;
  /** A clause that works, for the reference. */
  example: string;
}

interface OfArea extends Described {
  area: Area;
}

/** A table that has at most one row of a customer. */
export interface OneRow {
  from: string;
  stores: readonly string[];
  customer: string;
  /** Which row, where the customer alone does not say it. */
  scope: string;
  /** The value of those who have no row; without it their value is missing. */
  otherwise?: number;
}

/** One value of a customer; `sql` is on the table `customers`, or on the one row of `of`. */
export interface ValueAttribute extends OfArea, Scalar {
  kind: 'value';
  of?: OneRow;
  /** What a person says of a value: "ordered 3 times". Without it: "<label> is 3". */
  says?: (shown: string) => string;
}

/** Several values of a customer, one row each. */
export interface ListAttribute extends OfArea {
  kind: 'list';
  /** `addresses a`; every table of it is bound to the store, by `stores` or by `:store` in the join. */
  from: string;
  stores: readonly string[];
  customer: string;
  /** Columns with the compared values; a value in any of them counts. */
  values: readonly string[];
  /** Expressions with what people see, null where there is none. */
  shown: readonly string[];
  key: (text: string) => string | undefined;
  takes?: string;
  /** The values are ids of this table, found by its column name_key. */
  dictionary?: 'tags' | 'groups';
  /** STARTS WITH is possible. */
  prefixes?: true;
}

/** What can be asked of things that a customer has many of: which of them, how many, how much in all. */
export interface RowsAttribute extends OfArea {
  kind: 'rows';
  from: string;
  stores: readonly string[];
  customer: string;
  /** Which rows there are at all. */
  scope: string;
  /** True on `customers` for exactly those who have a row, where that is known without looking at the rows. */
  any?: string;
  /** What one row is called: "order", "orders". */
  noun: readonly [one: string, many: string];
  parameters: Readonly<Record<string, Parameter>>;
  aggregates: Readonly<Record<string, Aggregate>>;
}

/** What one row says. */
export interface Parameter extends Scalar {
  label: string;
  description: string;
}

/** What the chosen rows say together: their number, or the sum of a parameter, missing values as 0. */
export interface Aggregate {
  type: 'integer' | 'money';
  label: string;
  description: string;
  of: 'rows' | string;
}

export type Attribute = ValueAttribute | ListAttribute | RowsAttribute;

const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
/** Lower case of A–Z alone: the same in every locale of every database. */
const lower = (expression: string): string => `lower(${expression} collate "C")`;
const listOf = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(', ');

const word = <const Words extends readonly string[]>(words: Words) => ({ type: 'word' as const, words });
const country = {
  key: (text: string) => normaliseCountryCode(text),
  takes: 'a country code (ISO 3166-1), such as DE',
};

/** The ISO 3166-2 code in its spelling, everything else folded like a city. */
const regionWord = (text: string): string =>
  /^[a-z]{2}-[a-z\d]{1,3}$/i.test(text) ? text.toUpperCase() : cityKey(text);

const ADDRESSES = { from: 'addresses a', stores: ['a.store_id'], customer: 'a.customer_id' } as const;

const SINCE = '0.1.0';

const PROFILE: readonly Attribute[] = [
  {
    kind: 'value',
    area: 'Profile',
    name: 'account_status',
    label: 'Account status',
    description: 'State of the account; merged and erased customers are in no segment.',
    since: SINCE,
    example: "account_status = 'active'",
    ...word(LISTED_STATUSES),
    sql: 'customers.account_status',
    always: true,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'has_account',
    label: 'Has an account',
    description: 'Has an account of their own: active or disabled.',
    since: SINCE,
    example: 'has_account = true',
    type: 'boolean',
    sql: `customers.account_status in (${listOf(STATUSES_WITH_ACCOUNT)})`,
    always: true,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'created_date',
    label: 'Created',
    description: 'Day on which the customer was created.',
    since: SINCE,
    example: 'created_date >= -30d',
    type: 'date',
    sql: 'customers.created_at',
    always: true,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'registered_date',
    label: 'Registered',
    description: 'Day on which the account was made.',
    since: SINCE,
    example: 'registered_date >= -1m',
    type: 'date',
    sql: 'customers.registered_at',
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'source',
    label: 'Source',
    description: 'Where the customer came from.',
    since: SINCE,
    example: "source IN ('newsletter', 'registration')",
    ...word(SOURCES),
    sql: 'customers.source',
    always: true,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'language',
    label: 'Language',
    description:
      'Language tag (BCP 47), without regard to case; STARTS WITH finds all regions of a language.',
    since: SINCE,
    example: "language STARTS WITH 'de'",
    type: 'text',
    sql: lower('customers.language'),
    shown: 'customers.language',
    key: lowerAscii,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'company',
    label: 'Company',
    description: 'Company, without regard to case and accents.',
    since: SINCE,
    example: "company CONTAINS 'gmbh'",
    type: 'text',
    sql: 'customers.sort_company',
    shown: 'customers.company',
    key: foldText,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'sales_agent',
    label: 'Sales agent',
    description: 'Name of the sales agent who looks after the customer, exactly as it is written.',
    since: SINCE,
    example: 'sales_agent IS NULL',
    type: 'text',
    sql: '(select sa.name from sales_agents sa where sa.store_id = :store and sa.id = customers.sales_agent_id)',
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'birthday',
    label: 'Birthday',
    description:
      'The yearly day, whatever the year; 29 February counts as 28 February in common years. Ranges may cross New Year.',
    since: SINCE,
    example: 'birthday BETWEEN today AND +7d',
    type: 'yearly_date',
    sql: '(customers.birthday_month, customers.birthday_day)',
    shown: 'customers.birthday_month * 100 + customers.birthday_day',
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'age',
    label: 'Age',
    description: 'Full years today; missing when the year of birth is not known.',
    since: SINCE,
    example: 'age >= 18',
    type: 'age',
    sql: 'customers.birthday_year * 10000 + customers.birthday_month * 100 + customers.birthday_day',
    says: (years) => `is ${years === '1' ? 'a year' : `${years} years`} old`,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'gender',
    label: 'Gender',
    description: 'As the customer gave it.',
    since: SINCE,
    example: "gender = 'female'",
    ...word(GENDERS),
    sql: 'customers.gender',
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'email_domain',
    label: 'Email domain',
    description: 'What stands behind the @, in lower case.',
    since: SINCE,
    example: "email_domain = 'example.com'",
    type: 'text',
    sql: "split_part(customers.email_norm, '@', 2)",
    key: (text) => text.toLowerCase(),
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'phone_country',
    label: 'Phone country',
    description: 'Country that the phone number belongs to (ISO 3166-1).',
    since: SINCE,
    example: "phone_country IN ('DE', 'AT')",
    type: 'text',
    sql: 'customers.phone_country',
    ...country,
  },
  {
    kind: 'value',
    area: 'Profile',
    name: 'wholesale',
    label: 'Wholesale',
    description: 'Is marked as a wholesale customer.',
    since: SINCE,
    example: 'wholesale = true',
    type: 'boolean',
    sql: 'customers.wholesale',
    always: true,
  },
  {
    kind: 'list',
    area: 'Profile',
    name: 'customer_tags',
    label: 'Tags',
    description: 'Tags that the customer carries, without regard to case.',
    since: SINCE,
    example: "customer_tags CONTAINS ALL ('family', 'friend')",
    from: 'customer_tags ct',
    stores: ['ct.store_id'],
    customer: 'ct.customer_id',
    values: ['ct.tag_id'],
    shown: ['(select d.name from tags d where d.store_id = :store and d.id = ct.tag_id)'],
    key: tagKey,
    dictionary: 'tags',
  },
  {
    kind: 'list',
    area: 'Profile',
    name: 'customer_groups',
    label: 'Groups',
    description: 'Groups that the customer is in, without regard to case. in_group() asks for one.',
    since: SINCE,
    example: "customer_groups CONTAINS 'Business'",
    from: 'group_members gm',
    stores: ['gm.store_id'],
    customer: 'gm.customer_id',
    values: ['gm.group_id'],
    shown: ['(select d.name from groups d where d.store_id = :store and d.id = gm.group_id)'],
    key: caseKey,
    dictionary: 'groups',
  },
];

const ADDRESS: readonly Attribute[] = [
  {
    kind: 'list',
    area: 'Address',
    name: 'customer_countries',
    label: 'Countries',
    description: 'Countries of all addresses (ISO 3166-1).',
    since: SINCE,
    example: "customer_countries CONTAINS ANY ('DE', 'AT')",
    ...ADDRESSES,
    values: ['a.country_code'],
    shown: ['a.country_code'],
    ...country,
  },
  {
    kind: 'list',
    area: 'Address',
    name: 'customer_regions',
    label: 'Regions',
    description:
      'Regions of all addresses: by ISO 3166-2 code, or by name without regard to case and accents.',
    since: SINCE,
    example: "customer_regions CONTAINS 'DE-BY'",
    ...ADDRESSES,
    values: ['a.region_code', 'a.region_key'],
    shown: ['a.region_code', 'a.region'],
    key: regionWord,
  },
  {
    kind: 'list',
    area: 'Address',
    name: 'customer_cities',
    label: 'Cities',
    description: 'Cities of all addresses, without regard to case and accents.',
    since: SINCE,
    example: "customer_cities CONTAINS 'Lyon'",
    ...ADDRESSES,
    values: ['a.city_key'],
    shown: ['a.city'],
    key: cityKey,
  },
  {
    kind: 'list',
    area: 'Address',
    name: 'postcodes',
    label: 'Postcodes',
    description: 'Postcodes of all addresses, without regard to case and spaces.',
    since: SINCE,
    example: "postcodes STARTS WITH '101'",
    ...ADDRESSES,
    values: ['a.postcode_key'],
    shown: ['a.postcode'],
    key: postcodeKey,
    prefixes: true,
  },
  {
    kind: 'value',
    area: 'Address',
    name: 'default_country',
    label: 'Country',
    description: 'Country of the default address (ISO 3166-1).',
    since: SINCE,
    example: "default_country = 'GB'",
    type: 'text',
    sql: 'customers.default_country',
    ...country,
  },
];

function ordered(count: string): string {
  if (count === '0') return 'never ordered';
  return count === '1' ? 'ordered once' : `ordered ${count} times`;
}

function lastOrdered(days: string): string {
  if (days === '0') return 'last ordered today';
  return days === '1' ? 'last ordered a day ago' : `last ordered ${days} days ago`;
}

const ORDERS_OF_CUSTOMER = { stores: ['o.store_id'], customer: 'o.customer_id' } as const;

const placed: Parameter = {
  label: 'Placed',
  description: 'Day on which the order was placed.',
  type: 'date',
  sql: 'o.placed_at',
  always: true,
};

const ORDERS: readonly Attribute[] = [
  {
    kind: 'value',
    area: 'Orders',
    name: 'number_of_orders',
    label: 'Number of orders',
    description:
      'Confirmed orders (confirmed, processing, shipped, delivered or completed, no tests); 0 without any.',
    since: SINCE,
    example: 'number_of_orders > 5',
    type: 'integer',
    sql: 'customers.orders_count',
    always: true,
    says: ordered,
  },
  {
    kind: 'value',
    area: 'Orders',
    name: 'amount_spent',
    label: 'Amount spent',
    description: 'Sum of confirmed orders less refunds, in the currency of the store; 0 without any.',
    since: SINCE,
    example: 'amount_spent >= 500',
    type: 'money',
    sql: 'customers.total_spent',
    always: true,
    says: (amount) => `spent ${amount}`,
  },
  {
    kind: 'value',
    area: 'Orders',
    name: 'average_order_value',
    label: 'Average order value',
    description: 'Amount spent ÷ number of orders, rounded to the minor unit; missing without orders.',
    since: SINCE,
    example: 'average_order_value > 99.99',
    type: 'money',
    sql: 'round(customers.total_spent::numeric / nullif(customers.orders_count, 0))::bigint',
  },
  {
    kind: 'value',
    area: 'Orders',
    name: 'refunded_total',
    label: 'Refunded',
    description: 'Sum of refunds on confirmed orders, in the currency of the store; 0 without any.',
    since: SINCE,
    example: 'refunded_total > 0',
    type: 'money',
    sql: 'customers.refunded_total',
    always: true,
    says: (amount) => `was refunded ${amount}`,
  },
  {
    kind: 'value',
    area: 'Orders',
    name: 'first_order_date',
    label: 'First order',
    description: 'Day of the first confirmed order; missing without orders.',
    since: SINCE,
    example: 'first_order_date >= -1y',
    type: 'date',
    sql: 'customers.first_order_at',
  },
  {
    kind: 'value',
    area: 'Orders',
    name: 'last_order_date',
    label: 'Last order',
    description: 'Day of the latest confirmed order; missing without orders.',
    since: SINCE,
    example: 'last_order_date < -90d',
    type: 'date',
    sql: 'customers.last_order_at',
  },
  {
    kind: 'value',
    area: 'Orders',
    name: 'days_since_last_order',
    label: 'Days since last order',
    description: 'Whole days from the day of the latest confirmed order to today; missing without orders.',
    since: SINCE,
    example: 'days_since_last_order BETWEEN 30 AND 60',
    type: 'days_since',
    sql: 'customers.last_order_at',
    says: lastOrdered,
  },
  {
    kind: 'rows',
    area: 'Orders',
    name: 'orders_placed',
    label: 'Orders placed',
    description:
      'Orders of any status, tests left out. The date restricts when they were placed; without `status` cancelled ones count too.',
    since: SINCE,
    example: "orders_placed MATCHES (date >= -1m, status != 'cancelled', sum_amount > 1000.00)",
    from: 'orders o',
    ...ORDERS_OF_CUSTOMER,
    scope: 'not o.is_test',
    noun: ['order', 'orders'],
    parameters: {
      date: placed,
      amount: {
        label: 'Amount',
        description: 'Total less refunds, of orders in the currency of the store.',
        type: 'money',
        sql: 'case when o.currency = :currency then o.total - o.refunded_total end',
      },
      status: {
        label: 'Status',
        description: 'Status of the order.',
        ...word(ORDER_STATUSES),
        sql: 'o.status',
        always: true,
      },
      currency: {
        label: 'Currency',
        description: 'ISO 4217 code of the currency of the order.',
        type: 'text',
        sql: 'o.currency',
        key: (text) => text.toUpperCase(),
        always: true,
      },
      channel: {
        label: 'Channel',
        description: 'Where the order was placed, without regard to case.',
        type: 'text',
        sql: lower('o.channel'),
        shown: 'o.channel',
        key: lowerAscii,
      },
      payment_method: {
        label: 'Payment method',
        description: 'How the order was paid, without regard to case.',
        type: 'text',
        sql: lower('o.payment_method'),
        shown: 'o.payment_method',
        key: lowerAscii,
      },
      coupon: {
        label: 'Coupon',
        description: 'Any of the coupon codes of the order, without regard to case.',
        type: 'text',
        sql: `array(select ${lower('code')} from unnest(o.coupon_codes) code)`,
        shown: 'o.coupon_codes',
        key: lowerAscii,
        many: true,
        always: true,
      },
    },
    aggregates: {
      count: { type: 'integer', label: 'Count', description: 'How many orders fit.', of: 'rows' },
      sum_amount: {
        type: 'money',
        label: 'Sum',
        description: 'Sum of `amount` of the orders that fit.',
        of: 'amount',
      },
    },
  },
  {
    kind: 'rows',
    area: 'Orders',
    name: 'products_purchased',
    label: 'Products purchased',
    description:
      'Lines of confirmed orders (as number_of_orders counts them); an order that came without lines is one line without a product.',
    since: SINCE,
    example: "products_purchased MATCHES (category = 'shoes', date >= -6m)",
    from: 'orders o left join order_items i on i.store_id = :store and i.order_id = o.id',
    ...ORDERS_OF_CUSTOMER,
    scope: `not o.is_test and o.status in (${listOf(COUNTED_STATUSES)})`,
    any: 'customers.orders_count > 0',
    noun: ['order line', 'order lines'],
    parameters: {
      product_id: {
        label: 'Product',
        description: 'Product id, exactly.',
        type: 'text',
        sql: 'i.product_id',
      },
      sku: { label: 'SKU', description: 'Stock keeping unit, exactly.', type: 'text', sql: 'i.sku' },
      category: {
        label: 'Category',
        description: 'Any of the categories of the product, without regard to case.',
        type: 'text',
        sql: 'i.category_keys',
        shown: 'i.categories',
        key: caseKey,
        many: true,
      },
      tag: {
        label: 'Product tag',
        description: 'Any of the tags of the product, without regard to case.',
        type: 'text',
        sql: 'i.tag_keys',
        shown: 'i.tags',
        key: caseKey,
        many: true,
      },
      date: placed,
      quantity: {
        label: 'Quantity',
        description: 'Pieces on the line.',
        type: 'integer',
        sql: 'i.quantity',
      },
      amount: {
        label: 'Amount',
        description: 'Total of the line, of orders in the currency of the store.',
        type: 'money',
        sql: 'case when o.currency = :currency then i.total end',
      },
    },
    aggregates: {
      count: { type: 'integer', label: 'Count', description: 'How many order lines fit.', of: 'rows' },
      sum_quantity: {
        type: 'integer',
        label: 'Pieces',
        description: 'Sum of `quantity` of the lines that fit.',
        of: 'quantity',
      },
      sum_amount: {
        type: 'money',
        label: 'Sum',
        description: 'Sum of `amount` of the lines that fit.',
        of: 'amount',
      },
    },
  },
];

/** Lots of the account that are open, beside what `condition` asks of them. */
const openLots = (shown: string, condition: string): string =>
  `(select ${shown} from lots l where l.store_id = :store and l.account_id = la.id and l.is_open and ${condition})`;

/** L5: what is in the account and counts at the instant. */
const COUNTING = `la.balance - coalesce(${openLots('sum(l.remaining)', '(l.active_from > :at or l.expires_at <= :at)')}, 0)::bigint`;
const PENDING = `coalesce(${openLots('sum(l.remaining)', 'l.active_from > :at')}, 0)::bigint`;
const NEXT_EXPIRY = openLots('min(l.expires_at)', 'l.active_from <= :at and l.expires_at > :at');

const accountOf = (unit: string) => ({
  from: 'ledger_accounts la',
  stores: ['la.store_id'],
  customer: 'la.customer_id',
  scope: `la.unit = ${unit}`,
});
const MEMBER = {
  from: 'loyalty_members lm',
  stores: ['lm.store_id'],
  customer: 'lm.customer_id',
  scope: "lm.status = 'active'",
} as const;

const LOYALTY: readonly Attribute[] = [
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'credit_balance',
    label: 'Store credit',
    description:
      'Store credit in the currency of the store that has not expired, held credit included; 0 for those who never had any.',
    since: SINCE,
    example: 'credit_balance >= 10.00',
    type: 'money',
    sql: COUNTING,
    always: true,
    of: { ...accountOf(':currency'), otherwise: 0 },
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'credit_next_expiry',
    label: 'Next expiry of credit',
    description: 'Day on which the next store credit in the currency of the store expires.',
    since: SINCE,
    example: 'credit_next_expiry <= +30d',
    type: 'date',
    sql: NEXT_EXPIRY,
    of: accountOf(':currency'),
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'points_balance',
    label: 'Points',
    description:
      'Points that count now: neither pending nor expired, held ones included; 0 for those without any.',
    since: SINCE,
    example: 'points_balance >= 500',
    type: 'integer',
    sql: COUNTING,
    always: true,
    of: { ...accountOf("'points'"), otherwise: 0 },
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'points_pending',
    label: 'Pending points',
    description: 'Points that will count later, for example after the return period.',
    since: SINCE,
    example: 'points_pending > 0',
    type: 'integer',
    sql: PENDING,
    always: true,
    of: { ...accountOf("'points'"), otherwise: 0 },
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'points_lifetime',
    label: 'Points ever earned',
    description:
      'Points that members have earned since they joined, less what refunds took back; 0 for everybody else.',
    since: SINCE,
    example: 'points_lifetime >= 1000',
    type: 'integer',
    sql: 'lm.points_earned',
    always: true,
    of: { ...MEMBER, otherwise: 0 },
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'tier',
    label: 'Tier',
    description: 'Key of the tier of the loyalty programme.',
    since: SINCE,
    example: "tier = 'gold'",
    type: 'text',
    sql: 'lm.tier',
    key: lowerAscii,
    of: MEMBER,
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'tier_since',
    label: 'In the tier since',
    description: 'Day since which the member has the tier.',
    since: SINCE,
    example: 'tier_since >= -30d',
    type: 'date',
    sql: 'case when lm.tier is not null then lm.tier_since end',
    of: MEMBER,
  },
  {
    kind: 'value',
    area: 'Credit and loyalty',
    name: 'enrolled_date',
    label: 'Enrolled',
    description: 'Day on which the customer joined the loyalty programme; those who left have none.',
    since: SINCE,
    example: 'enrolled_date >= -1m',
    type: 'date',
    sql: 'lm.enrolled_at',
    of: MEMBER,
  },
  {
    kind: 'rows',
    area: 'Credit and loyalty',
    name: 'referrals',
    label: 'Referrals',
    description: 'Friends whom the customer has referred.',
    since: SINCE,
    example: "referrals MATCHES (status = 'rewarded', count >= 2)",
    from: 'referrals r',
    stores: ['r.store_id'],
    customer: 'r.advocate_id',
    scope: 'true',
    noun: ['referral', 'referrals'],
    parameters: {
      status: {
        label: 'Status',
        description: 'How far the referral has come.',
        ...word(REFERRAL_STATES),
        sql: 'r.state',
        always: true,
      },
      date: {
        label: 'Date',
        description: 'Day of the referral.',
        type: 'date',
        sql: 'r.invited_at',
        always: true,
      },
    },
    aggregates: {
      count: { type: 'integer', label: 'Count', description: 'How many referrals fit.', of: 'rows' },
    },
  },
];

/** What somebody said about marketing: `not_subscribed` stands for all but the first. */
export const CONSENTS = ['subscribed', 'pending', 'unsubscribed', 'never', 'not_subscribed'] as const;

/** A topic of the customer's present address is in this state. */
const saysOf = (channel: string, address: string, ...states: readonly ConsentState[]): string =>
  `exists (select from consents k where k.store_id = :store and k.channel = '${channel}' and k.address = ${address} and k.state in (${listOf(states)}))`;

/** One topic that is granted is enough; then one that waits; then one that was withdrawn. */
function consentOf(channel: string, address: string, subscribed: string) {
  const [pending, withdrawn] = [saysOf(channel, address, 'pending'), saysOf(channel, address, 'withdrawn')];
  return {
    ...word(CONSENTS),
    sql: `case when ${subscribed} then 'subscribed' when ${pending} then 'pending' when ${withdrawn} then 'unsubscribed' else 'never' end`,
    when: {
      subscribed,
      pending: `not ${subscribed} and ${pending}`,
      unsubscribed: `not ${subscribed} and not ${pending} and ${withdrawn}`,
      never: `not ${subscribed} and not ${saysOf(channel, address, 'pending', 'withdrawn')}`,
      not_subscribed: `not ${subscribed}`,
    },
    means: { not_subscribed: ['pending', 'unsubscribed', 'never'] },
    always: true as const,
  };
}

const CONSENT: readonly Attribute[] = [
  {
    kind: 'value',
    area: 'Consent and mail',
    name: 'email_consent',
    label: 'Email consent',
    description:
      'Whether the customer accepts marketing by email: `subscribed` to at least one topic, `pending` until the address is confirmed, `unsubscribed` from all that was ever agreed to, or `never` asked. `not_subscribed` is everything but the first.',
    since: SINCE,
    example: "email_consent = 'subscribed'",
    ...consentOf('email', 'customers.email_norm', 'customers.accepts_marketing'),
  },
  {
    kind: 'value',
    area: 'Consent and mail',
    name: 'sms_consent',
    label: 'SMS consent',
    description: 'The same for marketing by text message, at the present phone.',
    since: SINCE,
    example: "sms_consent = 'subscribed'",
    ...consentOf('sms', 'customers.phone', saysOf('sms', 'customers.phone', 'granted')),
  },
  {
    kind: 'list',
    area: 'Consent and mail',
    name: 'email_topics',
    label: 'Email topics',
    description: 'Keys of the topics that are granted for the present email address.',
    since: SINCE,
    example: "email_topics CONTAINS 'offers'",
    from: "customers kc join consents k on k.store_id = kc.store_id and k.channel = 'email' and k.address = kc.email_norm and k.state = 'granted'",
    stores: ['kc.store_id', 'k.store_id'],
    customer: 'kc.id',
    values: ['k.topic'],
    shown: ['k.topic'],
    key: lowerAscii,
  },
  {
    kind: 'value',
    area: 'Consent and mail',
    name: 'subscribed_date',
    label: 'Subscribed since',
    description: 'Day on which the customer first agreed to one of the topics that are granted by email now.',
    since: SINCE,
    example: 'subscribed_date >= -30d',
    type: 'date',
    sql: `case when customers.accepts_marketing then (
      select min(k.since) from consents k
      where k.store_id = :store and k.channel = 'email' and k.address = customers.email_norm and k.state = 'granted') end`,
  },
  {
    kind: 'value',
    area: 'Consent and mail',
    name: 'suppressed',
    label: 'Suppressed',
    description: 'Whether the email address gets no mail at present: it bounced, complained or was blocked.',
    since: SINCE,
    example: 'suppressed = true',
    type: 'boolean',
    sql: `exists (
      select from suppressions s where s.store_id = :store and s.email = customers.email_norm and s.active
        and (s.until is null or s.until > :at))`,
    always: true,
  },
];

/** What a mail can have come to, with the column that says when. */
const MAIL_EVENTS = {
  sent: 'sent_at',
  delivered: 'delivered_at',
  clicked: 'clicked_at',
  bounced: 'bounced_at',
  complained: 'complained_at',
  unsubscribed: 'unsubscribed_at',
} as const;

/** One row for each event of a mail. Whoever asks for one event reads that arm alone: the others are false at planning. */
const MAIL_EVENT_ROWS = Object.entries(MAIL_EVENTS)
  .map(
    ([event, column]) =>
      `select m.customer_id, m.campaign_id, '${event}' as event, m.${column} as at from messages m where m.store_id = :store and m.customer_id is not null and m.${column} is not null`,
  )
  .join(' union all ');

/** Ids are compared as they are written in answers. */
const uuidKey = (text: string): string | undefined =>
  /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? text.toLowerCase() : undefined;

const MAIL: readonly Attribute[] = [
  {
    kind: 'rows',
    area: 'Consent and mail',
    name: 'email',
    label: 'Email',
    description:
      'What mails to the customer came to, of any kind: each was `sent` and may have been `delivered`, `clicked` by a person, `bounced`, `complained` about or `unsubscribed` by. Without `event` each of these counts.',
    since: SINCE,
    example: "email MATCHES (event = 'clicked', date >= -30d)",
    from: `(${MAIL_EVENT_ROWS}) e`,
    stores: [],
    customer: 'e.customer_id',
    scope: 'true',
    noun: ['event of a mail', 'events of mails'],
    parameters: {
      event: {
        label: 'Event',
        description: 'What the mail came to.',
        ...word(Object.keys(MAIL_EVENTS)),
        sql: 'e.event',
        always: true,
      },
      campaign_id: {
        label: 'Campaign',
        description: 'Id of the campaign that the mail belongs to.',
        type: 'text',
        sql: 'e.campaign_id::text',
        key: uuidKey,
        takes: 'the id of a campaign',
      },
      date: {
        label: 'Date',
        description: 'Day of the event; the first one, of clicks.',
        type: 'date',
        sql: 'e.at',
        always: true,
      },
    },
    aggregates: {
      count: { type: 'integer', label: 'Count', description: 'How many events of mails fit.', of: 'rows' },
    },
  },
];

/** Every attribute that each store has, area by area. */
export const ATTRIBUTES: readonly Attribute[] = [
  ...PROFILE,
  ...ADDRESS,
  ...ORDERS,
  ...LOYALTY,
  ...CONSENT,
  ...MAIL,
];

const CUSTOM_PREFIX = 'custom.';
export const customName = (key: string): string => `${CUSTOM_PREFIX}${key}`;

const CUSTOM_TYPES: Readonly<Record<CustomFieldType, ScalarType>> = {
  string: 'text',
  number: 'number',
  boolean: 'boolean',
  date: 'calendar_date',
  enum: 'word',
};
const JSON_TYPES: Readonly<Record<CustomFieldType, string>> = {
  string: 'string',
  number: 'number',
  boolean: 'boolean',
  date: 'string',
  enum: 'string',
};
const CUSTOM_CASTS: Readonly<Partial<Record<CustomFieldType, string>>> = {
  number: '::numeric',
  boolean: '::boolean',
};
const CUSTOM_EXAMPLES: Readonly<Record<CustomFieldType, string>> = {
  string: "= 'abc'",
  number: '> 40',
  boolean: '= true',
  date: '< -1y',
  enum: 'IS NOT NULL',
};

/** A value that was stored while the field had another type is missing. `key` is a word of `CUSTOM_KEY_PATTERN`. */
function customAttribute({ key, label, type, options }: CustomFieldDeclaration): ValueAttribute {
  const cast = CUSTOM_CASTS[type] ?? ' collate "C"';
  return {
    kind: 'value',
    area: 'Profile',
    name: customName(key),
    label,
    description: `Custom field of the store: ${label}.`,
    since: SINCE,
    example: `${customName(key)} ${CUSTOM_EXAMPLES[type]}`,
    type: CUSTOM_TYPES[type],
    sql: `case jsonb_typeof(customers.custom -> '${key}') when '${JSON_TYPES[type]}' then (customers.custom ->> '${key}')${cast} end`,
    ...(options && { words: options }),
  };
}

/** Attributes by name: those of every store and the custom fields of this one. */
export type Catalogue = ReadonlyMap<string, Attribute>;

const COMMON = ATTRIBUTES.map((attribute) => [attribute.name, attribute] as const);

/** The attributes of a store. */
export function catalogueOf(customFields: readonly CustomFieldDeclaration[]): Catalogue {
  const custom = customFields.map((field) => [customName(field.key), customAttribute(field)] as const);
  return new Map<string, Attribute>([...COMMON, ...custom]);
}

const EQUALITY = ['=', '!=', 'in', 'not_in'] as const satisfies readonly Operator[];
const ORDER = ['<', '<=', '>', '>='] as const satisfies readonly Operator[];
const RANGE = ['between', 'not_between'] as const satisfies readonly Operator[];
const WORDS = ['starts_with', 'contains', 'not_contains'] as const satisfies readonly Operator[];
const MISSING = ['is_null', 'is_not_null'] as const satisfies readonly Operator[];

const ORDERED: readonly Operator[] = [...EQUALITY, ...ORDER, ...RANGE];
const SCALAR_OPERATORS: Readonly<Record<ScalarType, readonly Operator[]>> = {
  integer: ORDERED,
  number: ORDERED,
  money: ORDERED,
  date: ORDERED,
  calendar_date: ORDERED,
  yearly_date: [...EQUALITY, ...RANGE],
  age: ORDERED,
  days_since: ORDERED,
  boolean: ['=', '!='],
  word: EQUALITY,
  text: [...EQUALITY, ...WORDS],
};

/** The operators that an attribute takes beside it; a function takes `matches` and `not_matches` alone. */
export function operatorsOf(attribute: Attribute): readonly Operator[] {
  if (attribute.kind === 'rows') return [];
  if (attribute.kind === 'value') return [...SCALAR_OPERATORS[attribute.type], ...MISSING];
  const prefix = attribute.prefixes ? (['starts_with'] as const) : [];
  return ['contains', 'not_contains', 'contains_any', 'contains_all', 'contains_none', ...prefix, ...MISSING];
}

/** The operators of a parameter of a function: comparisons, BETWEEN and IN. */
export function parameterOperators({ type }: Pick<Scalar, 'type'>): readonly Operator[] {
  return SCALAR_OPERATORS[type].filter((op) => !(WORDS as readonly Operator[]).includes(op));
}
