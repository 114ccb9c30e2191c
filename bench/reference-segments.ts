// Ten questions about customers, each as a segment query and as the best SQL that was found for it by hand at 1,000,000
// customers; other forms that were tried and were slower are named beside it.

/** The instant of all questions; the dates of the SQL are the local midnights of Berlin that follow from it. */
export const AT = new Date('2026-01-01T12:00:00Z');
export const TIMEZONE = 'Europe/Berlin';
export const CURRENCY = 'EUR';

export interface ReferenceSegment {
  name: string;
  /** What is asked, in people's words. */
  asks: string;
  /** In canonical text. */
  query: string;
  /**
   * What follows `select c.id`; $1 is the store. `{tag …}` and `{group …}` stand for ids, which whoever asks has looked
   * up before, as the engine does: only with them the planner knows how many customers carry a tag.
   */
  hand: string;
}

const LISTED = `c.store_id = $1 and c.account_status not in ('merged', 'erased')`;
const COUNTED = `not o.is_test and o.status in ('confirmed', 'processing', 'shipped', 'delivered', 'completed')`;
const IN_EUROS = `case when o.currency = 'EUR' then o.total - o.refunded_total end`;

const carries = (tag: string): string =>
  `exists (select from customer_tags t where t.store_id = $1 and t.customer_id = c.id and t.tag_id = {tag ${tag}})`;
const livesIn = (...codes: string[]): string =>
  `exists (select from addresses a where a.store_id = $1 and a.customer_id = c.id
     and a.country_code in (${codes.map((code) => `'${code}'`).join()}))`;

export const REFERENCE_SEGMENTS: readonly ReferenceSegment[] = [
  {
    name: 'spent',
    asks: 'Who spent 5,000.00 or more?',
    query: 'amount_spent >= 5000',
    hand: `from customers c where ${LISTED} and c.total_spent >= 500000`,
  },
  {
    name: 'tag',
    asks: 'Who carries one tag?',
    query: "customer_tags CONTAINS 'tag 002'",
    // A join from the tag, `id = any (array (…))`: 3 × slower, by the row of each customer.
    hand: `from customers c where ${LISTED} and ${carries('tag 002')}`,
  },
  {
    name: 'tags and country',
    asks: 'Who carries both tags and has an address in Germany?',
    query: "customer_tags CONTAINS ALL ('tag 001', 'tag 002') AND customer_countries CONTAINS 'DE'",
    // INTERSECT ALL of the two tags, GROUP BY … HAVING count(*) = 2: up to 3 × slower.
    hand: `from customers c where ${LISTED} and ${carries('tag 001')} and ${carries('tag 002')} and ${livesIn('DE')}`,
  },
  {
    name: 'valuable, at risk',
    asks: 'Who spent 2,000.00 or more, but ordered nothing in the last 90 days?',
    query: 'last_order_date < -90d AND amount_spent >= 2000',
    // INTERSECT ALL of the two conditions, each by an index of its own: 6 × slower than one index that has both columns.
    hand: `from customers c where ${LISTED} and c.last_order_at < '2025-10-02T22:00Z' and c.total_spent >= 200000`,
  },
  {
    name: 'spent last month',
    asks: 'Who placed orders of more than 500.00 in all within a month, cancelled ones left out?',
    query: "orders_placed MATCHES (date >= -1m, status != 'cancelled', sum_amount > 500.00)",
    // `id in (…)`: 2 × slower, for each of the parallel workers groups all orders.
    hand: `from customers c where ${LISTED} and c.id = any(array(
      select o.customer_id from orders o
      where o.store_id = $1 and not o.is_test and o.placed_at >= '2025-11-30T23:00Z' and o.status <> 'cancelled'
        and o.currency = 'EUR'
      group by 1 having sum(o.total - o.refunded_total) > 50000))`,
  },
  {
    name: 'category and countries',
    asks: 'Who bought shoes in the last six months and has an address in Germany or Austria?',
    query:
      "products_purchased MATCHES (category = 'shoes', date >= -6m) AND customer_countries CONTAINS ANY ('DE', 'AT')",
    // The lines of each order by themselves, before orders are joined to customers: up to 1.2 × slower.
    hand: `from customers c where ${LISTED} and ${livesIn('DE', 'AT')} and exists (
      select from orders o join order_items i on i.store_id = $1 and i.order_id = o.id
      where o.store_id = $1 and o.customer_id = c.id and o.placed_at >= '2025-06-30T22:00Z' and ${COUNTED}
        and i.category_keys && array['shoes'])`,
  },
  {
    name: 'never bought',
    asks: 'Who never bought any product?',
    query: 'products_purchased NOT MATCHES ()',
    // Every order has a line, so the counter knows. NOT EXISTS over orders and lines: more than 100 × slower.
    hand: `from customers c where ${LISTED} and c.orders_count = 0`,
  },
  {
    name: 'birthday',
    asks: 'Whose birthday is today or on one of the next seven days?',
    query: 'birthday BETWEEN today AND +7d',
    hand: `from customers c where ${LISTED} and c.birthday_month = 1 and c.birthday_day <= 8`,
  },
  {
    name: 'city and consent',
    asks: 'Who has an address in Lyon and takes mail?',
    query: "customer_cities CONTAINS 'Lyon' AND email_consent = 'subscribed'",
    // `id in (…)`: 1.6 × slower, EXISTS likewise: customers are not met in the order in which they are stored.
    hand: `from customers c where ${LISTED} and c.accepts_marketing and c.id = any(array(
      select a.customer_id from addresses a where a.store_id = $1 and a.city_key = 'lyon'))`,
  },
  {
    name: 'eight clauses',
    asks: 'Who, not disabled and not staff, lives nearby or carries a tag, ordered three times or more and last within a year, completed orders twice for more than 400.00 in six months, and bought two lamps or rugs or more within a year?',
    query:
      "account_status != 'disabled' AND (customer_countries CONTAINS ANY ('DE', 'AT', 'CH') OR customer_tags CONTAINS 'tag 003') AND NOT customer_groups CONTAINS 'Staff' AND number_of_orders >= 3 AND last_order_date >= -1y AND orders_placed MATCHES (date >= -6m, status IN ('completed', 'delivered'), count >= 2, sum_amount > 400.00) AND products_purchased MATCHES (category IN ('lamps', 'rugs'), date >= -1y, sum_quantity >= 2)",
    // One customer after the other: 3 × slower and more. The lines of each order instead of all lines: 1.3 × slower.
    hand: `from customers c where ${LISTED} and c.account_status <> 'disabled' and c.orders_count >= 3
      and c.last_order_at >= '2024-12-31T23:00Z'
      and (${livesIn('DE', 'AT', 'CH')} or ${carries('tag 003')})
      and not exists (
        select from group_members g where g.store_id = $1 and g.customer_id = c.id and g.group_id = {group Staff})
      and c.id in (
        select o.customer_id from orders o
        where o.store_id = $1 and not o.is_test and o.placed_at >= '2025-06-30T22:00Z'
          and o.status in ('completed', 'delivered')
        group by 1 having count(*) >= 2 and sum(${IN_EUROS}) > 40000)
      and c.id in (
        select o.customer_id from orders o join order_items i on i.store_id = $1 and i.order_id = o.id
        where o.store_id = $1 and o.placed_at >= '2024-12-31T23:00Z' and ${COUNTED}
          and i.category_keys && array['lamps', 'rugs']
        group by 1 having sum(i.quantity) >= 2)`,
  },
];
