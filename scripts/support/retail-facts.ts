// What the Online Retail file lacks (docs/examples/online-retail.md has the rules), and the tables that SQL over the
// raw lines is written on.
import type { Client } from 'pg';

interface RetailCustomer {
  number: number;
  country: string | null;
}

export type Categories = Readonly<Record<string, readonly string[]>>;

const CITIES: Readonly<Record<string, readonly string[]>> = {
  GB: ['London', 'Leeds', 'York'],
  FR: ['Paris', 'Lyon', 'Marseille'],
  DE: ['Berlin', 'Köln', 'München'],
};
const TAG_DIVISORS = { friend: 5, family: 7, wholesale: 11 } as const;
const LEAP_YEAR = 2000;
const DAY_MS = 86_400_000;

const tagsOf = (number: number): string[] =>
  Object.entries(TAG_DIVISORS).flatMap(([tag, divisor]) => (number % divisor === 0 ? [tag] : []));

const birthdayOf = (number: number): string =>
  new Date(Date.UTC(LEAP_YEAR, 0, 1) + (number % 366) * DAY_MS).toISOString().slice(5, 10);

/** A customer file with the derived facts of everybody whom the raw file names. */
export function customerFile(customers: readonly RetailCustomer[]): string {
  const rows = customers.map(({ number, country }) => {
    const city = CITIES[country ?? '']?.[number % 3];
    const address = city ? [city, country] : ['', ''];
    const consent = number % 3 !== 0;
    const tags = `"${tagsOf(number).join(',')}"`;
    const email = `customer-${number}@example.com`;
    return [number, email, `Customer ${number}`, tags, `--${birthdayOf(number)}`, consent, ...address].join(
      ',',
    );
  });
  return ['externalId,email,lastName,tags,birthday,acceptsMarketing,city,countryCode', ...rows].join('\n');
}

/** Categories and their words as a regular expression of Postgres. */
const CATEGORY_PATTERNS = `
  select key as name, '\\m(' || string_agg(word, '|') || ')S?\\M' as pattern
  from jsonb_each($1::jsonb), jsonb_array_elements_text(value) as word group by key`;

/** Gives the order lines of the store their categories. */
export async function categorise(owner: Client, storeId: string, categories: Categories): Promise<void> {
  await owner.query(
    `with patterns as (${CATEGORY_PATTERNS}),
     found as (
       select title, array_agg(name order by name) as names, array_agg(lower(name) order by name) as keys
       from (select distinct title from order_items where store_id = $2) titles
       join patterns on title ~* pattern group by title)
     update order_items i set categories = names, category_keys = keys
     from found where i.store_id = $2 and i.title = found.title`,
    [JSON.stringify(categories), storeId],
  );
}

/** Orders, their lines, notes and customers, out of `raw_lines`: pence, the clock of London. */
const RAW_TABLES = `
  create temp table raw_lines_read as
  select line, invoice, left(invoice, 1) = 'C' as is_note, replace(customer, '.0', '') as customer, sku, description,
         abs(quantity::bigint) as quantity, round(price::numeric * 100)::bigint as price, at::timestamp as at, country
  from raw_lines where customer <> '';
  create index on raw_lines_read (invoice);
  create temp table raw_orders as
  select invoice, min(customer) as customer, min(at) as at, sum(quantity * price)::bigint as total,
         sum(quantity * price)::bigint as net, max(line) as line, min(country) as country
  from raw_lines_read where not is_note group by invoice;
  create unique index on raw_orders (invoice);
  create index on raw_orders (customer);
  create temp table raw_items as
  select r.line, r.invoice, o.customer, o.at, r.sku, r.description, r.quantity, r.price, r.quantity as pieces_left,
         r.quantity * r.price as total, '{}'::text[] as categories
  from raw_lines_read r join raw_orders o using (invoice);
  create index on raw_items (customer, sku);
  create unique index on raw_items (line);
  create index on raw_items (invoice);
  create temp table raw_notes as
  select invoice, min(customer) as customer, min(at) as at, sum(quantity * price)::bigint as amount, max(line) as line
  from raw_lines_read where is_note group by invoice;
  analyze raw_lines_read; analyze raw_orders; analyze raw_items; analyze raw_notes`;

/** What each order has left after the credit notes: the same pieces first, newest order first, then any money. */
const RAW_REFUNDS = `
  do $$
  declare
    note record; piece record; share record;
    wanted bigint; pieces bigint; part bigint; remaining bigint; money bigint;
  begin
    for note in select * from raw_notes order by line loop
      remaining := note.amount;
      for piece in select sku, quantity, price from raw_lines_read where invoice = note.invoice order by line loop
        continue when piece.sku = '' or piece.price = 0;
        wanted := piece.quantity;
        for share in
          select i.line, i.invoice, i.pieces_left from raw_items i join raw_orders o using (invoice)
          where i.customer = note.customer and i.sku = piece.sku and i.price = piece.price and o.at < note.at
          order by o.at desc, o.line desc, i.line
        loop
          select net into money from raw_orders where invoice = share.invoice;
          pieces := least(wanted, share.pieces_left, money / piece.price);
          update raw_items set pieces_left = pieces_left - pieces where line = share.line;
          update raw_orders set net = net - pieces * piece.price where invoice = share.invoice;
          wanted := wanted - pieces;
          remaining := remaining - pieces * piece.price;
        end loop;
      end loop;
      for share in
        select invoice, net from raw_orders where customer = note.customer and at < note.at order by at desc, line desc
      loop
        part := least(remaining, share.net);
        update raw_orders set net = net - part where invoice = share.invoice;
        remaining := remaining - part;
      end loop;
    end loop;
  end $$`;

/** Everybody whom the file names; countries are those of orders, as codes. */
const RAW_CUSTOMERS = `
  create temp table raw_customers as
  select customer, customer::integer as number,
    array(select distinct $1::jsonb ->> o.country from raw_orders o
          where o.customer = r.customer and $1::jsonb ->> o.country is not null order by 1) as countries
  from (select distinct customer from raw_lines_read) r`;

const RAW_CATEGORIES = `
  with patterns as (${CATEGORY_PATTERNS}),
  found as (
    select description, array_agg(lower(name)) as keys
    from (select distinct description from raw_items) d join patterns on description ~* pattern group by 1)
  update raw_items i set categories = keys from found where i.description = found.description`;

/** Derived facts by the rules themselves, once more and in SQL. */
const RAW_DERIVED = `
  alter table raw_customers add tags text[], add birthday date, add consent boolean, add city text;
  update raw_customers set
    tags = array_remove(array[case when number % 5 = 0 then 'friend' end, case when number % 7 = 0 then 'family' end,
                              case when number % 11 = 0 then 'wholesale' end], null),
    birthday = date '2000-01-01' + number % 366,
    consent = number % 3 > 0,
    city = (case countries[1] when 'GB' then array['London', 'Leeds', 'York']
                              when 'FR' then array['Paris', 'Lyon', 'Marseille']
                              when 'DE' then array['Berlin', 'Köln', 'München'] end)[number % 3 + 1]`;

/**
 * Makes `raw_orders`, `raw_items` and `raw_customers` out of `raw_lines` (online-retail.ts).
 * @param countryCodes of the mapping: code by the file's name for a country
 */
export async function readRaw(
  client: Client,
  countryCodes: object,
  categories: Categories,
): Promise<RetailCustomer[]> {
  await client.query(RAW_TABLES);
  await client.query(RAW_REFUNDS);
  await client.query(RAW_CUSTOMERS, [JSON.stringify(countryCodes)]);
  await client.query(RAW_CATEGORIES, [JSON.stringify(categories)]);
  await client.query(RAW_DERIVED);
  const { rows } = await client.query<RetailCustomer>(
    'select number, countries[1] as country from raw_customers order by number',
  );
  return rows;
}
