// Fills a store with made-up customers and their addresses for benchmarks and plan tests: the same ones for the same seed.
import type pg from 'pg';
import { bulkLoad, roll, spread } from './bulk-load.ts';
import { fillOrders } from './generate-orders.ts';

const DEFAULT_SEED = 0.42;

export interface GenerateOptions {
  storeId: string;
  customers: number;
  /** -1 to 1; other seeds make other customers of the same kind. */
  seed?: number;
}

const FIRST_NAMES =
  'Anna Ada Alan Amir Ben Bruno Carla Chloe Clara Dana David Elif Emil Emma Finn Frida Greta Hana Henry Ida Ines Ivan Jack Jana Jonas Karl Kim Lara Lea Leon Lina Luca Maja Marc Maria Max Mia Mila Nils Nina Noah Nora Olga Omar Oscar Paul Pia Rosa Ruth Sara Sofia Tara Theo Tim Tom Uma Vera Will Yara Zoe';
const NAME_HEADS =
  'Acker Al Berg Bern Birk Brand Brown Car Clay Dorn Eber Eich Falk Fern Fox Gold Green Gruen Hack Hart Hill Hof Holz Jansen Kamp Kirch Koch Lang Lind Mar Meyer Mor Nord Oster Pal Quist Rei Rich Ross Sand Schmid Silber Stein Sund Tal Thorn Ur Vogel Wald Weber West Wolf Zell Zimmer';
const NAME_TAILS =
  'a ach bach beck berg born brink by dal dorf er feld field ford gren hart haus horn in land lein ley lund mann mark ner ow quist sen ski son stein strom thal ton um vig wood worth';
const CITIES =
  'Berlin/DE Hamburg/DE Munich/DE Cologne/DE Leipzig/DE Dresden/DE Bremen/DE Essen/DE Kiel/DE Ulm/DE Vienna/AT Graz/AT Linz/AT Zurich/CH Basel/CH Bern/CH Paris/FR Lyon/FR Lille/FR London/GB Leeds/GB Bristol/GB Boston/US Denver/US Austin/US Rome/IT Milan/IT Madrid/ES Porto/PT Oslo/NO Malmo/SE Turku/FI Riga/LV Vilnius/LT Tallinn/EE Prague/CZ Brno/CZ Gdansk/PL Dublin/IE Reykjavik/IS';
const COMPANY_TAILS = 'Ltd GmbH AG Inc SARL';
const MAIL_DOMAINS = 'example.com example.org example.net mail.example shop.example';
const TAG_COUNT = 200;
const GROUPS = ['Standard', 'Business', 'Press', 'Partners', 'Schools', 'Museums', 'Clubs', 'Staff'];
const words = (text: string): string[] => text.split(' ');

/** Skewed towards the first: the n-th of `size` words, the first a tenth and more of all, the last very rare. */
const skewed = (list: string, roll: string, power = 3): string =>
  `(${list})[1 + floor(array_length(${list}, 1) * power(${roll}, ${power}))::int]`;

const CUSTOMERS = `
  insert into customers (store_id, id, external_id, email, email_norm, email_key, phone, phone_country, first_name,
    last_name, company, birthday_month, birthday_day, birthday_year, gender, language, account_status, registered_at, source, accepts_marketing, wholesale, primary_group_id, custom, orders_count, total_spent,
    refunded_total, first_order_at, last_order_at, default_country, default_region, default_city, default_postcode, sort_name,
    sort_company, search_text, version, created_at, updated_at)
  select $1, id, 'shop-' || n, email, email, email, phone, 'DE', first, last, company, extract(month from birthday),
    extract(day from birthday), case when knows_year then extract(year from birthday) end, gender, language, status,
    case when status in ('active', 'disabled') then created end, 'import', marketing, false, group_id, '{}', orders, spent, 0,
    case when orders > 0 then created end, case when orders > 0 then ordered end,
    split_part(place, '/', 2), null, lower(split_part(place, '/', 1)), lpad((n::bigint * 7919 % 100000)::text, 5, '0'),
    lower(last || ' ' || first), lower(company), lower(concat_ws(' ', first, last, email, phone, company)), 1, created, created
  from (
    select n, created, status, marketing, place, first, last, group_id, orders, ordered,
      orders * (500 + n % 20000)::bigint as spent,
      (lpad(to_hex((extract(epoch from created) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' ||
        substr(hash, 4, 15))::uuid as id,
      case when n % 50 > 0 then lower(first || '.' || last || n || '@' || domain) end as email,
      '+4930' || lpad(n::text, 8, '0') as phone,
      case when company_roll < 0.15 then last || ' ' || company_tail end as company,
      case when ${roll('n', 'birthday known')} < 0.4
        then date '1940-01-01' + floor(365.25 * 68 * ${roll('n', 'birthday')})::int end as birthday,
      ${roll('n', 'year known')} < 0.5 as knows_year,
      case when ${roll('n', 'gender known')} < 0.7
        then ${spread('n', 'gender', { female: 10, male: 8, other: 1, undisclosed: 1 })} end as gender,
      case when ${roll('n', 'language known')} < 0.8
        then ${spread('n', 'language', { de: 9, en: 4, fr: 2, 'de-AT': 1, 'pt-PT': 1, it: 1, es: 1, nl: 1 })} end as language
    from (
      select n, md5(n::text || $3::text) as hash,
        date_trunc('milliseconds', timestamptz '2020-01-01' + (n * interval '6 years' / $2)) as created,
        ${skewed('$4::text[]', 'random()', 1.5)} as first,
        ${skewed('$5::text[]', 'random()', 1.5)} || ${skewed('$6::text[]', 'random()', 1.5)} as last,
        case when random() < 0.95 then ${skewed('$7::text[]', 'random()', 2.5)} end as place,
        ${skewed('$8::text[]', 'random()')} as domain,
        ${skewed('$9::text[]', 'random()')} as company_tail,
        (array['guest', 'guest', 'guest', 'active', 'active', 'invited', 'disabled'])[1 + floor(7 * random())::int] as status,
        random() < 0.3 as marketing,
        case when random() < 0.4 then ${skewed('$10::uuid[]', 'random()')} end as group_id,
        floor(12 * power(random(), 4))::int as orders,
        date_trunc('milliseconds', timestamptz '2025-12-31' - random() * interval '3 years') as ordered,
        random() as company_roll
      from generate_series(1, $2::int) n
    ) rolled
  ) named`;

const MEMBERSHIPS = `
  insert into group_members (store_id, customer_id, group_id, source, created_at)
  select store_id, id, primary_group_id, 'import', created_at from customers
  where store_id = $1 and primary_group_id is not null`;

/** Half of the customers carry one to three tags. */
const ASSIGNMENTS = `
  insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
  select $1, id, tag_id, 'import', created_at from (
    select distinct id, created_at, ${skewed('$2::uuid[]', 'random()', 4)} as tag_id
    from (
      select id, created_at, floor(4 * power(random(), 2))::int as tags_count
      from customers where store_id = $1
    ) c cross join lateral generate_series(1, tags_count)
  ) picked`;

/** Adds `names` to the dictionary table and answers their ids. */
async function addNames(
  client: pg.ClientBase,
  table: 'tags' | 'groups',
  storeId: string,
  names: string[],
): Promise<string[]> {
  const times = table === 'groups' ? 'created_at, updated_at' : 'created_at';
  const values = table === 'groups' ? 'now(), now()' : 'now()';
  await client.query(
    `insert into ${table} (store_id, id, name, name_key, ${times})
     select $1, gen_random_uuid(), name, lower(name), ${values} from unnest($2::text[]) name
     on conflict (store_id, name_key) do nothing`,
    [storeId, names],
  );
  const { rows } = await client.query<{ id: string }>(
    `select t.id from unnest($2::text[]) with ordinality n(name, place)
     join ${table} t on t.store_id = $1 and t.name_key = lower(n.name) order by n.place`,
    [storeId, names],
  );
  return rows.map((row) => row.id);
}

/** The default address of each customer who has a place, and for three of ten a second one somewhere else. */
const ADDRESSES = `
  insert into addresses (store_id, id, customer_id, first_name, last_name, line1, city, postcode, country_code, is_default,
    is_default_billing, content_key, city_key, postcode_key, created_at, updated_at)
  select $1, overlay(md5(id::text || nth) placing '8' from 17)::uuid, id, first_name, last_name, 'Main Street 1', city,
    postcode, country, nth = 1, nth = 1, md5(country || postcode || city), lower(city), postcode, created_at, created_at
  from (
    select c.*, nth, case nth when 1 then initcap(c.default_city) else split_part(place, '/', 1) end as city,
      case nth when 1 then c.default_country else split_part(place, '/', 2) end as country,
      case nth when 1 then c.default_postcode else reverse(c.default_postcode) end as postcode
    from (
      select c.*, hashtextextended(id::text, 0) as n from customers c where store_id = $1 and default_country is not null
    ) c cross join lateral (select ${skewed('$2::text[]', roll('c.n', 'second place'), 1.5)} as place) second
      cross join lateral generate_series(1, case when ${roll('c.n', 'second address')} < 0.3 then 2 else 1 end) nth
  ) placed`;

const TABLES = ['customers', 'customer_tags', 'group_members', 'tags', 'groups'] as const;

async function fillCustomers(
  client: pg.ClientBase,
  { storeId, customers, seed = DEFAULT_SEED }: GenerateOptions,
): Promise<void> {
  const tagNames = Array.from(
    { length: TAG_COUNT },
    (_, index) => `tag ${String(index + 1).padStart(3, '0')}`,
  );
  await client.query('select setseed($1)', [seed]);
  const tagIds = await addNames(client, 'tags', storeId, tagNames);
  const groupIds = await addNames(client, 'groups', storeId, GROUPS);
  await client.query(CUSTOMERS, [
    storeId,
    customers,
    seed,
    words(FIRST_NAMES),
    words(NAME_HEADS),
    words(NAME_TAILS),
    words(CITIES),
    words(MAIL_DOMAINS),
    words(COMPANY_TAILS),
    groupIds,
  ]);
  await client.query(MEMBERSHIPS, [storeId]);
  await client.query(ASSIGNMENTS, [storeId, tagIds]);
}

/**
 * Makes the store's tags (`tag 001` … `tag 200`, the first ones common, the last rare), groups and customers.
 * `client` is a superuser on a migrated database; the store exists.
 */
export async function generateCustomers(client: pg.ClientBase, options: GenerateOptions): Promise<void> {
  await bulkLoad(client, TABLES, () => fillCustomers(client, options));
}

/** The same customers with addresses and `orders` orders of two lines on average; their counters are those of the orders. */
export async function generateShop(
  client: pg.ClientBase,
  options: GenerateOptions & { orders: number },
): Promise<void> {
  await bulkLoad(client, [...TABLES, 'addresses', 'orders', 'order_items'], async () => {
    await fillCustomers(client, options);
    await client.query(ADDRESSES, [options.storeId, words(CITIES)]);
    await fillOrders(client, options);
  });
}
