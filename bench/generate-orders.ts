// Fills a store with made-up orders of its customers: few customers have many, some products and categories are
// common, the rest is rare.
import type pg from 'pg';
import { COUNTED_STATUSES } from '../src/domain/orders.ts';
import { roll, spread } from './bulk-load.ts';

/** Nothing was ordered after this instant. */
const END = '2026-01-01T00:00:00Z';
const PRODUCT_COUNT = 3_000;
/** Lines of ten orders one after the other: two on average. */
const LINES = [1, 2, 1, 3, 1, 2, 1, 5, 1, 3];
export const CATEGORIES = [
  'Shoes Shirts Trousers Jackets Dresses Skirts Socks Hats Scarves Gloves Belts Bags Watches Jewellery Sunglasses',
  'Books Comics Maps Calendars Pens Paper Puzzles Games Dolls Blocks Trains Kites Balls Rackets Skates',
  'Lamps Candles Vases Mirrors Clocks Rugs Curtains Cushions Blankets Towels Tables Chairs Shelves Beds Desks',
  'Kettles Pans Knives Plates Glasses Cups Cutlery Coffee Tea Chocolate Honey Spices Seeds Pots Tools',
].flatMap((line) => line.split(' '));

const FEW_BUY_MUCH = `power(0.06 + 0.94 * ${roll('n', 'buyer')}, 3)`;

/** Seven of ten customers, in an order of their own: the first buy most. */
const BUYERS = `
  insert into buyers select place, id, email, created_at
  from (select *, row_number() over (order by hashtextextended(id::text, 1)) as place from customers where store_id = $1) c
  where place <= 0.7 * (select count(*) from customers where store_id = $1)`;

/** A customer orders from the day of creation on, at first more often. */
const PLANS = `
  insert into plans (n, order_id, customer_id, email, placed_at, line_count)
  select n, (lpad(to_hex((extract(epoch from placed_at) * 1000)::bigint), 12, '0') || '7' ||
      substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
    customer_id, email, placed_at, ('{${LINES}}'::int[])[1 + n % ${LINES.length}]
  from (
    select row_number() over (order by placed_at, n) as n, customer_id, email, placed_at
    from (
      select n, b.customer_id, b.email, date_trunc('milliseconds',
        timestamptz '${END}' - power(${roll('n', 'placed')}, 0.6) * (timestamptz '${END}' - b.created_at)) as placed_at
      from generate_series(1, $1::bigint) n
      join buyers b on b.place = 1 + floor((select count(*) from buyers) * ${FEW_BUY_MUCH})
    ) bought
  ) numbered`;

const skewedCategory = (die: string): string =>
  `($1::text[])[1 + floor(${CATEGORIES.length} * power(${roll('n', die)}, 2))::int]`;

const PRODUCTS = `
  insert into products
  select *, lower(categories::text)::text[], lower(tags::text)::text[] from (
    select n as number, 'p-' || n, 'sku-' || n, 'Product ' || n, ${priceOf('n')},
      case when ${roll('n', 'categories')} < 0.5 or first = second then array[first] else array[first, second] end
        as categories,
      case when ${roll('n', 'tagged')} < 0.6
        then array[${spread('n', 'product tag', { New: 4, Sale: 3, Organic: 2, Handmade: 1 })}] else '{}' end as tags
    from (
      select n, ${skewedCategory('first')} as first, ${skewedCategory('second')} as second
      from generate_series(1, ${PRODUCT_COUNT}::bigint) n
    ) chosen
  ) named`;

/** Minor units of one piece. */
function priceOf(product: string): string {
  return `(490 + 10 * (${product}::bigint * 7919 % 1999))`;
}

const line = `(n * 8 + position)`;
const product = `(1 + floor(${PRODUCT_COUNT} * power(${roll(line, 'product')}, 2))::int)`;
const quantity = `(1 + floor(4 * power(${roll(line, 'quantity')}, 5))::int)`;

const ITEMS = `
  insert into order_items (store_id, order_id, position, product_id, sku, title, categories, tags, category_keys, tag_keys,
    quantity, unit_price, discount, tax, total)
  select $1, order_id, position, p.id, p.sku, p.title, p.categories, p.tags, p.category_keys,
    p.tag_keys, quantity, p.price, 0, 0, quantity * p.price
  from (
    select order_id, position, ${product} as number, ${quantity} as quantity
    from plans cross join lateral generate_series(0, line_count - 1) position
  ) l join products p using (number)`;

const ORDERS = `
  insert into orders (store_id, id, external_id, customer_id, status, refund_status, currency, placed_at,
    platform_updated_at, shipping, tax, taxes_included, discount, total, refunded_total, refunds, payment_method, channel,
    coupon_codes, email, is_test, snapshot, version, created_at, updated_at)
  select $1, order_id, 'order-' || lpad(n::text, 8, '0'), customer_id,
    ${spread('n', 'status', { completed: 80, delivered: 6, confirmed: 4, shipped: 3, cancelled: 4, pending: 3 })},
    case refunded when 0 then 'none' when total then 'refunded' else 'partially_refunded' end,
    case when ${roll('n', 'currency')} < 0.03 then $3 else $2 end, placed_at, placed_at, shipping, total * 19 / 119, true,
    discount, total, refunded,
    case refunded when 0 then '[]' else jsonb_build_array(
      jsonb_build_object('id', 'refund-1', 'amount', refunded, 'at', placed_at + interval '9 days')) end,
    ${spread('n', 'payment', { card: 9, paypal: 6, invoice: 3, giro: 1, Cash: 1 })},
    ${spread('n', 'channel', { web: 12, app: 5, phone: 1, store: 1, Marketplace: 1 })},
    case when coupon then array[${spread('n', 'coupon', { WELCOME10: 4, SUMMER: 3, vip: 2, FRIENDS: 1 })}] else '{}' end,
    email, ${roll('n', 'test')} < 0.01, '{"groupIds":[],"primaryGroupId":null,"tier":null,"priceBasis":"retail"}', 1,
    placed_at, placed_at
  from (
    select *, case when ${roll('n', 'refund')} >= 0.03 then 0 when ${roll('n', 'full refund')} < 0.5 then total
      else total / 3 end as refunded
    from (
      select *, goods + shipping - discount as total
      from (
        select p.*, goods, coupon, case when goods < 5000 then 490 else 0 end as shipping,
          case when coupon then goods / 10 else 0 end as discount
        from plans p
        cross join lateral (
          select sum(${quantity} * ${priceOf(product)})::bigint as goods from generate_series(0, line_count - 1) position
        ) lines
        cross join lateral (select ${roll('n', 'with coupon')} < 0.1 as coupon) coupons
        order by n
      ) charged
    ) totalled
  ) settled`;

/** C7, of all customers at once. */
const COUNTERS = `
  update customers c set orders_count = coalesce(k.orders_count, 0), total_spent = coalesce(k.total_spent, 0),
    refunded_total = coalesce(k.refunded_total, 0), first_order_at = k.first_order_at, last_order_at = k.last_order_at,
    last_order_id = k.last_order_id
  from customers known left join (
    select customer_id, count(*) as orders_count, min(placed_at) as first_order_at, max(placed_at) as last_order_at,
      (array_agg(id order by placed_at desc, id desc))[1] as last_order_id,
      coalesce(sum(total - refunded_total) filter (where currency = $2), 0) as total_spent,
      coalesce(sum(refunded_total) filter (where currency = $2), 0) as refunded_total
    from orders where store_id = $1 and not is_test and status = any($3) group by customer_id
  ) k on k.customer_id = known.id
  where known.store_id = $1 and c.store_id = $1 and c.id = known.id`;

/**
 * Adds `orders` orders with twice as many lines to the customers of the store, and counts the customers' counters from
 * them. For the inside of `bulkLoad`.
 */
export async function fillOrders(
  client: pg.ClientBase,
  { storeId, orders }: { storeId: string; orders: number },
): Promise<void> {
  const { rows } = await client.query<{ currency: string }>('select currency from stores where id = $1', [
    storeId,
  ]);
  const currency = rows[0]?.currency ?? 'EUR';
  await client.query(`
    create temp table buyers (place bigint primary key, customer_id uuid, email text, created_at timestamptz) on commit drop;
    create temp table plans (n bigint, order_id uuid, customer_id uuid, email text, placed_at timestamptz, line_count int)
      on commit drop;
    create temp table products (number int primary key, id text, sku text, title text, price bigint, categories text[],
      tags text[], category_keys text[], tag_keys text[]) on commit drop`);
  await client.query(BUYERS, [storeId]);
  await client.query(PLANS, [orders]);
  await client.query(PRODUCTS, [CATEGORIES]);
  await client.query('analyze buyers, plans, products');
  await client.query(ITEMS, [storeId]);
  await client.query(ORDERS, [storeId, currency, currency === 'USD' ? 'EUR' : 'USD']);
  await client.query(COUNTERS, [storeId, currency, COUNTED_STATUSES]);
}
