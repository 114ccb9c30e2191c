// Migrations on databases that are in use already.
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import pg from 'pg';
import t, { type Test } from 'tap';
import { newId } from '../../src/context.ts';
import { ensureDatabase } from '../../src/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { addressKeys } from '../../src/domain/addresses.ts';
import { readText } from '../../src/domain/fields.ts';
import { itemKeys } from '../../src/domain/orders.ts';
import { factsOf } from '../support/derived-keys.ts';
import { testDatabase } from '../support/harness.ts';

const { url, owner } = await testDatabase(t);
const MIGRATIONS = 'migrations';
const FILES = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'));

/** A database with the files up to `last` applied. */
async function databaseAt(t: Test, last: string): Promise<{ url: string; pool: pg.Pool }> {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-migrations-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of FILES.filter((name) => name.slice(0, 4) <= last))
    cpSync(join(MIGRATIONS, name), join(folder, name));
  const name = `test_${newId().replaceAll('-', '')}`;
  const own = await ensureDatabase(url, name);
  await migrate(own, pathToFileURL(`${folder}/`));
  const pool = new pg.Pool({ connectionString: own, max: 2 });
  pool.on('error', () => {});
  t.teardown(async () => {
    await pool.end();
    await owner.query(`drop database ${name} with (force)`);
  });
  return { url: own, pool };
}

const STORE = `
  insert into stores (id, name, currency, timezone, locale, settings, version, created_at, updated_at)
  values ($1, 'Shop', 'EUR', 'Europe/Berlin', 'en', '{}', 1, now(), now())`;
const CUSTOMER = `
  insert into customers (store_id, id, phone, account_status, source, accepts_marketing, wholesale, custom, orders_count,
    total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
  values ($1, $2, '+4930901820', 'guest', 'api', false, false, '{}', 0, 0, 0, '', '', 1, now(), now())`;
const ADDRESSES = `
  insert into addresses (store_id, id, customer_id, city, region, region_code, postcode, is_default, is_default_billing,
    content_key, created_at, updated_at)
  select $1, gen_random_uuid(), $2, a.city, a.region, 'DE-BY', a.postcode, false, false, '', now(), now()
  from json_to_recordset($3) a (city text, region text, postcode text)`;
const ITEMS = `
  with o as (
    insert into orders (store_id, id, external_id, customer_id, status, refund_status, currency, placed_at,
      platform_updated_at, shipping, tax, taxes_included, discount, total, refunded_total, refunds, coupon_codes, is_test,
      snapshot, version, created_at, updated_at)
    values ($1, $2, '1', $2, 'confirmed', 'none', 'EUR', now(), now(), 0, 0, true, 0, 0, 0, '[]', '{}', false, '{}', 1,
      now(), now()) returning id)
  insert into order_items (store_id, order_id, position, title, categories, quantity, unit_price, discount, tax, total)
  select $1, o.id, i.position, 'Lantern', i.categories, 1, 0, 0, 0, 0
  from o, json_to_recordset($3) i (position smallint, categories text[])`;

const PLACES = [
  { city: 'Łódź', region: 'Île-de-France', postcode: 'sw1a 1aa' },
  { city: 'İstanbul', region: 'ΑΣ ΟΔΟΣ', postcode: 'ﬁ １２' },
  { city: 'Große Ærø Œuvre', region: 'Þórshöfn ĐđŁł', postcode: 'straße' },
  { city: '東京 ガ', region: 'दिल्ली', postcode: '١٢' },
  { city: 'ﷺ'.repeat(40), region: 'Jalapeño', postcode: 'ŉ 1' },
  { city: null, region: null, postcode: '10117' },
  { city: 'Berlin', region: null, postcode: null },
  { city: null, region: null, postcode: null },
];
const CATEGORIES = [
  [],
  ['Light'],
  ['LIGHT', 'garden', 'light', 'Ｌｉｇｈｔ'],
  ['  two   words ', 'Two words', 'İ', 'ΟΔΟΣ', 'Straße', 'STRASSE'],
  ['"a,b"', '{c}', 'NULL'],
];

/** Lines as they are stored: cleaned, at most 60 characters. */
const line = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => readText(text) ?? null);
const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((text) => text.replaceAll('\0', ' '));
const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed: 3 });

t.test('rows from before the segments get the keys that the domain would give them', async (t) => {
  const { url, pool } = await databaseAt(t, '0002');
  const [storeId, customerId] = [newId(), newId()];
  const places = [...PLACES, ...sample(fc.record({ city: line, region: line, postcode: line }), 1000)];
  const categories = [...CATEGORIES, ...sample(fc.array(word, { maxLength: 4 }), 1000)];
  await pool.query(STORE, [storeId]);
  await pool.query(CUSTOMER, [storeId, customerId]);
  await pool.query(ADDRESSES, [storeId, customerId, JSON.stringify(places)]);
  const items = categories.map((list, position) => ({ position, categories: list }));
  await pool.query(ITEMS, [storeId, customerId, JSON.stringify(items)]);

  t.ok((await migrate(url)).length >= 3);
  const facts = await factsOf(pool, storeId);
  t.equal(facts.places.length, places.length);
  t.strictSame(
    facts.places.map(({ keys }) => keys),
    facts.places.map(({ place }) => addressKeys(place)),
  );
  t.strictSame(
    facts.items.map(({ keys }) => keys),
    categories.map((list) => itemKeys({ categories: list, tags: [] })),
  );
  t.strictSame(facts.phones, [{ phone: '+4930901820', keys: { phoneCountry: null } }]);
  t.strictSame(await migrate(url), [], 'once');
});

t.test(
  'several processes that start at once migrate once, indexes that are built beside the writers too',
  async (t) => {
    const { url, pool } = await databaseAt(t, '0002');
    const applied = await Promise.all([1, 2, 3].map(() => migrate(url)));
    t.strictSame(
      applied.flat(),
      FILES.filter((name) => name.slice(0, 4) > '0002'),
    );
    const { rows } = await pool.query(
      'select indexrelid::regclass::text as name from pg_index where not indisvalid',
    );
    t.strictSame(rows, []);
  },
);

t.test('a build of an index that broke off is begun anew', async (t) => {
  const { url, pool } = await databaseAt(t, '0004');
  await pool.query('create index addresses_by_city on addresses (store_id)');
  await pool.query(`update pg_index set indisvalid = false where indexrelid = 'addresses_by_city'::regclass`);
  await migrate(url);
  const { rows } = await pool.query(
    `select indisvalid as valid, indnkeyatts as columns from pg_index where indexrelid = 'addresses_by_city'::regclass`,
  );
  t.strictSame(rows, [{ valid: true, columns: 3 }]);
});

t.test('a migration waits for a transaction that holds a table, over several tries', async (t) => {
  const { url, pool } = await databaseAt(t, '0004');
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('lock table addresses in row exclusive mode');
  const migrated = migrate(url);
  await new Promise((resolve) => setTimeout(resolve, 2_600));
  await holder.query('commit');
  holder.release();
  t.strictSame(
    await migrated,
    FILES.filter((name) => name.slice(0, 4) > '0004'),
  );
});
