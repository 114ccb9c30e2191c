// Questions about the Online Retail file: the query, and by hand the same question to the stored tables (`customers c`)
// and to the raw lines (`raw_customers r`, see retail-facts.ts). It is noon of 2011-12-10 in London.

export const ASKED_AT = new Date('2011-12-10T12:00:00Z');

export interface Question {
  query: string;
  stored: string;
  raw: string;
}

const STORED_ORDERS = 'orders o where o.store_id = c.store_id and o.customer_id = c.id and not o.is_test';
const COUNTED = `${STORED_ORDERS} and o.status in ('confirmed', 'processing', 'shipped', 'delivered', 'completed')`;
const STORED_ITEMS = `order_items i join orders o on o.store_id = i.store_id and o.id = i.order_id
  where o.store_id = c.store_id and o.customer_id = c.id and not o.is_test and o.status = 'completed'`;
const RAW_ORDERS = 'raw_orders o where o.customer = r.customer';
const RAW_ITEMS = 'raw_items i where i.customer = r.customer';

const london = (day: string): string => `timestamptz '${day} 00:00 Europe/London'`;
const storedTag = (tag: string): string => `exists (select from customer_tags ct
  join tags d on d.store_id = ct.store_id and d.id = ct.tag_id
  where ct.store_id = c.store_id and ct.customer_id = c.id and d.name_key = '${tag}')`;
const storedAddress = (condition: string): string =>
  `exists (select from addresses a where a.store_id = c.store_id and a.customer_id = c.id and ${condition})`;
const storedSpent = `(select coalesce(sum(o.total - o.refunded_total), 0) from ${COUNTED})`;
const storedRefunded = `(select coalesce(sum(o.refunded_total), 0) from ${COUNTED})`;
const storedCount = `(select count(*) from ${COUNTED})`;
const rawSpent = `(select coalesce(sum(o.net), 0) from ${RAW_ORDERS})`;
const rawRefunded = `(select coalesce(sum(o.total - o.net), 0) from ${RAW_ORDERS})`;
const rawCount = `(select count(*) from ${RAW_ORDERS})`;

/** The examples of the specification. */
const SPECIFIED: readonly Question[] = [
  {
    query: "customer_tags CONTAINS 'friend' AND number_of_orders > 5",
    stored: `${storedTag('friend')} and ${storedCount} > 5`,
    raw: `'friend' = any(r.tags) and ${rawCount} > 5`,
  },
  {
    query: "customer_tags CONTAINS ALL ('family', 'friend')",
    stored: `${storedTag('family')} and ${storedTag('friend')}`,
    raw: `r.tags @> array['family', 'friend']`,
  },
  {
    query: "customer_tags CONTAINS 'wholesale' AND orders_placed MATCHES (date >= -1m, sum_amount > 1000.00)",
    stored: `${storedTag('wholesale')} and (select sum(o.total - o.refunded_total) from ${STORED_ORDERS}
      and o.placed_at >= ${london('2011-11-10')}) > 100000`,
    raw: `'wholesale' = any(r.tags)
      and (select sum(o.net) from ${RAW_ORDERS} and o.at >= '2011-11-10') > 100000`,
  },
  {
    query: 'amount_spent >= 500 AND last_order_date < -90d',
    stored: `${storedSpent} >= 50000
      and (select max(o.placed_at) from ${COUNTED}) < ${london('2011-09-11')}`,
    raw: `${rawSpent} >= 50000 and (select max(o.at) from ${RAW_ORDERS}) < '2011-09-11'`,
  },
  {
    query:
      "products_purchased MATCHES (category = 'shoes', date >= -6m) AND customer_countries CONTAINS ANY ('DE', 'AT')",
    stored: `exists (select from ${STORED_ITEMS} and i.categories @> '{Shoes}'
        and o.placed_at >= ${london('2011-06-10')})
      and ${storedAddress("a.country_code in ('DE', 'AT')")}`,
    raw: `exists (select from ${RAW_ITEMS} and 'shoes' = any(i.categories) and i.at >= '2011-06-10')
      and r.countries && array['DE', 'AT']`,
  },
  {
    query: 'products_purchased NOT MATCHES ()',
    stored: `not exists (select from ${STORED_ITEMS})`,
    raw: `not exists (select from ${RAW_ITEMS})`,
  },
  {
    query: 'birthday BETWEEN today AND +7d',
    stored: 'c.birthday_month = 12 and c.birthday_day between 10 and 17',
    raw: `to_char(r.birthday, 'MM-DD') between '12-10' and '12-17'`,
  },
  {
    query: "customer_cities CONTAINS 'Lyon' AND email_consent = 'subscribed'",
    stored: `${storedAddress("a.city = 'Lyon'")} and c.accepts_marketing`,
    raw: `r.city = 'Lyon' and r.consent`,
  },
];

const FURTHER: readonly Question[] = [
  {
    query: 'number_of_orders = 1 AND first_order_date BETWEEN 2011-01-01 AND 2011-06-30',
    stored: `${storedCount} = 1 and (select min(o.placed_at) from ${COUNTED}) >= ${london('2011-01-01')}
      and (select min(o.placed_at) from ${COUNTED}) < ${london('2011-07-01')}`,
    raw: `${rawCount} = 1
      and (select min(o.at)::date from ${RAW_ORDERS}) between '2011-01-01' and '2011-06-30'`,
  },
  {
    query: 'orders_placed MATCHES (date BETWEEN 2011-09-01 AND 2011-11-30, count >= 3)',
    stored: `(select count(*) from ${STORED_ORDERS} and o.placed_at >= ${london('2011-09-01')}
      and o.placed_at < ${london('2011-12-01')}) >= 3`,
    raw: `(select count(*) from ${RAW_ORDERS} and o.at >= '2011-09-01' and o.at < '2011-12-01') >= 3`,
  },
  {
    query: 'orders_placed NOT MATCHES (date >= -3m) AND amount_spent > 0',
    stored: `not exists (select from ${STORED_ORDERS} and o.placed_at >= ${london('2011-09-10')})
      and ${storedSpent} > 0`,
    raw: `not exists (select from ${RAW_ORDERS} and o.at >= '2011-09-10') and ${rawSpent} > 0`,
  },
  {
    query: "products_purchased MATCHES (sku IN ('85123A', '22423'), sum_quantity >= 50)",
    stored: `(select sum(i.quantity) from ${STORED_ITEMS} and i.sku in ('85123A', '22423')) >= 50`,
    raw: `(select sum(i.quantity) from ${RAW_ITEMS} and i.sku in ('85123A', '22423')) >= 50`,
  },
  {
    query:
      "products_purchased MATCHES (category = 'CHRISTMAS', date >= 2011-10-01, date < 2011-12-01, sum_amount >= 250.00)",
    stored: `(select sum(i.total) from ${STORED_ITEMS} and i.categories @> '{Christmas}'
      and o.placed_at >= ${london('2011-10-01')} and o.placed_at < ${london('2011-12-01')}) >= 25000`,
    raw: `(select sum(i.total) from ${RAW_ITEMS} and 'christmas' = any(i.categories)
      and i.at >= '2011-10-01' and i.at < '2011-12-01') >= 25000`,
  },
  {
    query: "average_order_value BETWEEN 250 AND 500.50 AND NOT customer_countries CONTAINS 'GB'",
    stored: `round(${storedSpent}::numeric / nullif(${storedCount}, 0)) between 25000 and 50050
      and not ${storedAddress("a.country_code = 'GB'")}`,
    raw: `round(${rawSpent}::numeric / nullif(${rawCount}, 0)) between 25000 and 50050
      and not 'GB' = any(r.countries)`,
  },
  {
    query: 'refunded_total > 0 AND amount_spent < 100',
    stored: `${storedRefunded} > 0 and ${storedSpent} < 10000`,
    raw: `${rawRefunded} > 0 and ${rawSpent} < 10000`,
  },
  {
    query: 'first_order_date <= 2010-12-31 AND days_since_last_order BETWEEN 1 AND 30',
    stored: `(select min(o.placed_at) from ${COUNTED}) < ${london('2011-01-01')}
      and date '2011-12-10' - (select max(o.placed_at at time zone 'Europe/London')::date from ${COUNTED})
        between 1 and 30`,
    raw: `(select min(o.at)::date from ${RAW_ORDERS}) <= '2010-12-31'
      and date '2011-12-10' - (select max(o.at)::date from ${RAW_ORDERS}) between 1 and 30`,
  },
  {
    query: 'birthday BETWEEN 2011-12-20 AND +1m',
    stored: `(c.birthday_month, c.birthday_day) >= (12, 20) or (c.birthday_month, c.birthday_day) <= (1, 10)`,
    raw: `to_char(r.birthday, 'MM-DD') >= '12-20' or to_char(r.birthday, 'MM-DD') <= '01-10'`,
  },
  {
    query: 'birthday = 2011-02-28',
    stored: 'c.birthday_month = 2 and c.birthday_day in (28, 29)',
    raw: `to_char(r.birthday, 'MM-DD') in ('02-28', '02-29')`,
  },
  {
    query:
      "customer_tags CONTAINS NONE ('friend', 'family') AND customer_cities CONTAINS ANY ('MÜNCHEN', 'koln') OR customer_countries CONTAINS 'JP'",
    stored: `not ${storedTag('friend')} and not ${storedTag('family')}
        and ${storedAddress("a.city in ('München', 'Köln')")}
      or ${storedAddress("a.country_code = 'JP'")}`,
    raw: `not r.tags && array['friend', 'family'] and r.city in ('München', 'Köln') or 'JP' = any(r.countries)`,
  },
  {
    query:
      "products_purchased MATCHES (category IN ('lighting', 'kitchen'), count >= 100) AND orders_placed NOT MATCHES (date >= 2011-12-01)",
    stored: `(select count(*) from ${STORED_ITEMS} and i.categories && '{Lighting,Kitchen}') >= 100
      and not exists (select from ${STORED_ORDERS} and o.placed_at >= ${london('2011-12-01')})`,
    raw: `(select count(*) from ${RAW_ITEMS} and i.categories && '{lighting,kitchen}') >= 100
      and not exists (select from ${RAW_ORDERS} and o.at >= '2011-12-01')`,
  },
  {
    query:
      'orders_placed MATCHES (amount >= 500.00, date BETWEEN 2011-11-01T12:00:00 AND yesterday, count != 1)',
    stored: `(select count(*) from ${STORED_ORDERS} and o.total - o.refunded_total >= 50000
      and o.placed_at >= timestamptz '2011-11-01 12:00 Europe/London'
      and o.placed_at < ${london('2011-12-10')}) <> 1`,
    raw: `(select count(*) from ${RAW_ORDERS} and o.net >= 50000
      and o.at >= '2011-11-01 12:00' and o.at < '2011-12-10') <> 1`,
  },
  {
    query: "in_segment('vip') AND NOT in_segment('frequent-buyers')",
    stored: `${storedSpent} >= 50000 and ${storedCount} < 5`,
    raw: `${rawSpent} >= 50000 and ${rawCount} < 5`,
  },
  {
    query: 'customer_countries IS NULL',
    stored: `not ${storedAddress('a.country_code is not null')}`,
    raw: `r.countries = '{}'`,
  },
];

export const QUESTIONS: readonly Question[] = [...SPECIFIED, ...FURTHER];
