// What a segment query means, cell by cell of the table in docs/segments.md, on real customers and by both evaluators.
import t, { type Test } from 'tap';
import { createCustomer } from '../../src/actions/customer-profiles.ts';
import { updateStore } from '../../src/actions/stores.ts';
import type { CustomFieldDeclaration } from '../../src/domain/custom-fields.ts';
import { catalogueOf } from '../../src/domain/segments/fields.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { type StoredOrder, storeOrders } from '../support/orders.ts';
import { bindEnv } from '../support/segment-binding.ts';
import { askBoth } from '../support/segments.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const CUSTOM: CustomFieldDeclaration[] = [{ key: 'since', label: 'Since', type: 'date' }];
const catalogue = catalogueOf(CUSTOM);

type Person = Parameters<typeof createCustomer>[1] & { at?: string; orders?: StoredOrder[]; sql?: string };

/** A store with these people; answers who of them a query means. */
async function world(people: Readonly<Record<string, Person>>, timezone = 'Europe/Berlin') {
  const store = await testStore(app, database, { timezone });
  await updateStore(store.ctx(), { customFields: CUSTOM });
  const names = new Map<string, string>();
  for (const [name, { at, orders, sql, ...input }] of Object.entries(people)) {
    const email = `${name}@example.com`;
    const { id } = await createCustomer(store.ctx(at ? new Date(at) : undefined), { email, ...input });
    if (orders) await storeOrders(store, id, orders);
    if (sql) await database.owner.query(`update customers set ${sql} where id = $1`, [id]);
    names.set(id, name);
  }
  return async (text: string, at = '2026-11-22T10:30:00Z'): Promise<string> => {
    const env = bindEnv({ at, timezone, catalogue });
    const ids = await askBoth(store.ctx().db, text, env, [...names.keys()]);
    return ids
      .map((id) => names.get(id))
      .sort()
      .join(' ');
  };
}

/** Each query with the names of those it means. */
async function expectEach(
  t: Test,
  ask: (text: string, at?: string) => Promise<string>,
  cases: readonly (readonly [text: string, expected: string, at?: string])[],
): Promise<void> {
  for (const [text, expected, at] of cases)
    t.equal(await ask(text, at), expected, at ? `${text} at ${at}` : text);
}

t.test('a missing value is unequal to everything and never compares', async (t) => {
  const ask = await world({ has: { company: 'Acme' }, none: {} });
  await expectEach(t, ask, [
    ["company = 'acme'", 'has'],
    ["company IN ('acme', 'other')", 'has'],
    ["company != 'acme'", 'none'],
    ["company NOT IN ('acme')", 'none'],
    ["company != 'other'", 'has none'],
    ["company CONTAINS 'cm'", 'has'],
    ["company NOT CONTAINS 'cm'", 'none'],
    ["company STARTS WITH 'ac'", 'has'],
    ['company IS NULL', 'none'],
    ['company IS NOT NULL', 'has'],
    ['last_order_date < today', ''],
    ['last_order_date > 2000-01-01', ''],
    ['last_order_date != today', 'has none'],
    ['last_order_date NOT BETWEEN 2000-01-01 AND today', 'has none'],
    ['average_order_value < 1000000', ''],
    ['average_order_value IS NULL', 'has none'],
    ['days_since_last_order >= 0', ''],
    ['age >= 0', ''],
  ]);
});

t.test('an empty list contains nothing and is NULL', async (t) => {
  const ask = await world({ friend: { tags: ['Friend', 'x'] }, none: {} });
  await expectEach(t, ask, [
    ["customer_tags CONTAINS 'friend'", 'friend'],
    ["customer_tags NOT CONTAINS 'friend'", 'none'],
    ["customer_tags CONTAINS ANY ('friend', 'y')", 'friend'],
    ["customer_tags CONTAINS ALL ('FRIEND', 'X')", 'friend'],
    ["customer_tags CONTAINS ALL ('friend', 'y')", ''],
    ["customer_tags CONTAINS NONE ('friend', 'y')", 'none'],
    ["customer_tags CONTAINS NONE ('y')", 'friend none'],
    ['customer_tags IS NULL', 'none'],
    ['customer_tags IS NOT NULL', 'friend'],
  ]);
});

t.test('the counters of a customer without orders are 0', async (t) => {
  const ask = await world({ buyer: { orders: [{ total: 1000 }] }, none: {} });
  await expectEach(t, ask, [
    ['number_of_orders = 0', 'none'],
    ['number_of_orders IN (0, 7)', 'none'],
    ['number_of_orders != 0', 'buyer'],
    ['number_of_orders NOT IN (0)', 'buyer'],
    ['number_of_orders < 1', 'none'],
    ['number_of_orders > 0', 'buyer'],
    ['number_of_orders IS NULL', ''],
    ['amount_spent = 0', 'none'],
    ['amount_spent <= 10.00', 'buyer none'],
    ['amount_spent > 9.99', 'buyer'],
    ['amount_spent IS NULL', ''],
    ['refunded_total = 0.00', 'buyer none'],
  ]);
});

t.test('NOT (a = b) is a != b for everybody, and NOT of a NOT is nothing', async (t) => {
  const ask = await world({ one: { company: 'A', tags: ['t'] }, two: { company: 'B' }, none: {} });
  for (const [positive, negative] of [
    ["company = 'a'", "company != 'a'"],
    ["company CONTAINS 'a'", "company NOT CONTAINS 'a'"],
    ["company IN ('a', 'b')", "company NOT IN ('a', 'b')"],
    ["customer_tags CONTAINS 't'", "customer_tags NOT CONTAINS 't'"],
    ['last_order_date BETWEEN -1y AND today', 'last_order_date NOT BETWEEN -1y AND today'],
    ['orders_placed MATCHES ()', 'orders_placed NOT MATCHES ()'],
    ['company IS NULL', 'company IS NOT NULL'],
  ] as const) {
    t.equal(await ask(`NOT ${positive}`), await ask(negative), positive);
    t.equal(await ask(`NOT (NOT ${positive})`), await ask(positive), positive);
  }
  await expectEach(t, ask, [
    ["NOT (company = 'a' OR customer_tags CONTAINS 't')", 'none two'],
    ["NOT (company = 'b' AND customer_tags IS NULL)", 'none one'],
  ]);
});

t.test('dates are whole days in the zone of the store', async (t) => {
  const people = {
    before: { at: '2026-11-21T22:59:59.999Z' },
    first: { at: '2026-11-21T23:00:00Z' },
    last: { at: '2026-11-22T22:59:59.999Z' },
    after: { at: '2026-11-22T23:00:00Z' },
  };
  await expectEach(t, await world(people), [
    ['created_date = 2026-11-22', 'first last'],
    ['created_date = today', 'first last'],
    ['created_date = yesterday', 'before'],
    ['created_date != today', 'after before'],
    ['created_date < today', 'before'],
    ['created_date <= today', 'before first last'],
    ['created_date > today', 'after'],
    ['created_date >= today', 'after first last'],
    ['created_date BETWEEN yesterday AND today', 'before first last'],
    ['created_date = 2026-11-22T00:00', 'first'],
    ['created_date >= 2026-11-21T23:00:00Z', 'after first last'],
    ['created_date > -12h', 'after last', '2026-11-22T11:00:00Z'],
    ['created_date >= -12h', 'after first last', '2026-11-22T11:00:00Z'],
  ]);
  await expectEach(t, await world(people, 'America/New_York'), [['created_date = 2026-11-22', 'after last']]);
});

t.test('a day of summer time begins where the clock first shows it', async (t) => {
  // Chile goes from 23:59:59 straight to 01:00 on 2025-09-07; Berlin has 23 hours on 2026-03-29.
  const santiago = await world(
    { eve: { at: '2025-09-07T03:59:59.999Z' }, day: { at: '2025-09-07T04:00:00Z' } },
    'America/Santiago',
  );
  await expectEach(t, santiago, [
    ['created_date = 2025-09-07', 'day'],
    ['created_date < 2025-09-07', 'eve'],
  ]);
  const berlin = await world({
    start: { at: '2026-03-28T23:00:00Z' },
    end: { at: '2026-03-29T21:59:59.999Z' },
    next: { at: '2026-03-29T22:00:00Z' },
  });
  await expectEach(t, berlin, [['created_date = 2026-03-29', 'end start']]);
});

t.test('offsets are calendar arithmetic, and months end where they end', async (t) => {
  const ask = await world({
    february: { at: '2026-02-28T12:00:00Z' },
    march: { at: '2026-03-01T12:00:00Z' },
    leap: { at: '2024-02-29T12:00:00Z' },
  });
  await expectEach(t, ask, [
    ['created_date = -1m', 'february', '2026-03-31T10:00:00Z'],
    ['created_date = -1m', 'february', '2026-03-28T10:00:00Z'],
    ['created_date = -1m', 'march', '2026-04-01T10:00:00Z'],
    ['created_date = -1y', '', '2025-02-28T10:00:00Z'],
    ['created_date = -4y', 'leap', '2028-02-29T10:00:00Z'],
    ['created_date = -1w', 'march', '2026-03-08T10:00:00Z'],
    ['created_date = -90d', 'february', '2026-05-29T10:00:00Z'],
  ]);
});

t.test('29 February is 28 February in common years, and a window may cross New Year', async (t) => {
  const ask = await world({
    eve: { birthday: { month: 2, day: 28 } },
    leap: { birthday: { month: 2, day: 29, year: 2004 } },
    march: { birthday: { month: 3, day: 1 } },
    sylvester: { birthday: { month: 12, day: 31 } },
    january: { birthday: { month: 1, day: 2 } },
    none: {},
  });
  await expectEach(t, ask, [
    ['birthday = today', 'eve leap', '2025-02-28T12:00:00Z'],
    ['birthday = today', 'eve', '2024-02-28T12:00:00Z'],
    ['birthday = today', 'leap', '2024-02-29T12:00:00Z'],
    ['birthday = today', 'march', '2025-03-01T12:00:00Z'],
    ['birthday BETWEEN today AND +7d', 'january sylvester', '2026-12-28T12:00:00Z'],
    ['birthday BETWEEN 2026-12-28 AND 2026-01-04', 'january sylvester'],
    ['birthday BETWEEN today AND +1y', 'eve january leap march sylvester', '2026-06-01T12:00:00Z'],
    ['birthday NOT BETWEEN today AND +7d', 'eve leap march none', '2026-12-28T12:00:00Z'],
    ['birthday != today', 'eve january march none sylvester', '2024-02-29T12:00:00Z'],
    ['birthday IN (2025-02-28, 2026-03-01)', 'eve leap march'],
    ['birthday IS NULL', 'none'],
    ['age = 20', 'leap', '2025-02-27T22:59:59Z'],
    ['age = 21', 'leap', '2025-02-27T23:00:00Z'],
    ['age = 19', 'leap', '2024-02-28T22:59:59Z'],
    ['age = 20', 'leap', '2024-02-28T23:00:00Z'],
    ['age BETWEEN 20 AND 21', 'leap', '2025-06-01T12:00:00Z'],
    ['age < 22', 'leap', '2025-06-01T12:00:00Z'],
    ['age > 21', '', '2025-06-01T12:00:00Z'],
    ['age <= 20', '', '2025-06-01T12:00:00Z'],
    ['age != 21', 'eve january march none sylvester', '2025-06-01T12:00:00Z'],
  ]);
});

t.test('days since the last order are counted by local midnights', async (t) => {
  const ask = await world({
    today: { orders: [{ placedAt: new Date('2026-11-21T23:30:00Z') }] },
    yesterday: { orders: [{ placedAt: new Date('2026-11-21T22:30:00Z') }] },
    week: { orders: [{ placedAt: new Date('2026-11-15T12:00:00Z') }] },
    none: {},
  });
  await expectEach(t, ask, [
    ['days_since_last_order = 0', 'today'],
    ['days_since_last_order = 1', 'yesterday'],
    ['days_since_last_order < 2', 'today yesterday'],
    ['days_since_last_order <= 1', 'today yesterday'],
    ['days_since_last_order > 1', 'week'],
    ['days_since_last_order >= 7', 'week'],
    ['days_since_last_order BETWEEN 1 AND 7', 'week yesterday'],
    ['days_since_last_order IN (0, 7)', 'today week'],
    ['days_since_last_order != 0', 'none week yesterday'],
  ]);
});

t.test('tags, words, places and companies compare without case, other text exactly', async (t) => {
  const ask = await world({
    one: { company: 'MÜLLER', tags: ['Vip'], accountStatus: 'active', language: 'de-AT' },
  });
  await expectEach(t, ask, [
    ["customer_tags CONTAINS 'vIP'", 'one'],
    ["company = 'muller'", 'one'],
    ["account_status = 'ACTIVE'", 'one'],
    ["language = 'DE-at'", 'one'],
    ["language STARTS WITH 'DE'", 'one'],
    ["email_domain = 'EXAMPLE.com'", 'one'],
    ['has_account = true', 'one'],
    ['has_account != true', ''],
  ]);
});

t.test(
  'a function asks for orders that fulfil all of its parameters, and without count for at least one',
  async (t) => {
    const order = (changes: StoredOrder = {}): StoredOrder => ({
      placedAt: new Date('2026-11-20T12:00:00Z'),
      ...changes,
    });
    const ask = await world({
      two: { orders: [order({ total: 600 }), order({ total: 500, refundedTotal: 100 })] },
      old: { orders: [order({ total: 9000, placedAt: new Date('2025-01-01T12:00:00Z') })] },
      cancelled: { orders: [order({ status: 'cancelled' })] },
      test: { orders: [order({ isTest: true })] },
      foreign: { orders: [order({ total: 5000, currency: 'USD' })] },
      none: {},
    });
    await expectEach(t, ask, [
      ['orders_placed MATCHES ()', 'cancelled foreign old two'],
      ['orders_placed NOT MATCHES ()', 'none test'],
      ['orders_placed MATCHES (date >= -1m)', 'cancelled foreign two'],
      ['orders_placed MATCHES (date >= -1m, count >= 2)', 'two'],
      ['orders_placed MATCHES (date >= -1m, sum_amount = 10.00)', 'cancelled two'],
      ['orders_placed MATCHES (sum_amount < 1.00)', 'foreign'],
      ['orders_placed MATCHES (count = 0)', 'none test'],
      ['orders_placed MATCHES (count < 2, sum_amount <= 10)', 'cancelled foreign none test'],
      ['orders_placed NOT MATCHES (count = 0)', 'cancelled foreign old two'],
      ["orders_placed MATCHES (status = 'CANCELLED')", 'cancelled'],
      ["orders_placed MATCHES (status != 'cancelled')", 'foreign old two'],
      ["orders_placed MATCHES (currency = 'usd')", 'foreign'],
      ['orders_placed MATCHES (amount = 4.00)', 'two'],
      ['orders_placed MATCHES (amount != 4.00)', 'cancelled foreign old two'],
      ['orders_placed MATCHES (amount BETWEEN 4.00 AND 6.00, count = 2)', 'two'],
    ]);
  },
);

t.test('merged and erased customers are in no segment, whatever it asks', async (t) => {
  const ask = await world({
    here: {},
    merged: { sql: "account_status = 'merged'" },
    erased: { sql: "account_status = 'erased'" },
  });
  await expectEach(t, ask, [
    ['number_of_orders = 0', 'here'],
    ['NOT number_of_orders = 1', 'here'],
    ["sample(100, 'a')", 'here'],
    ["company != 'a' OR company IS NULL", 'here'],
  ]);
});

t.test('a sample is the same for the same salt, another for another, and grows with its share', async (t) => {
  const people = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`p${index}`, {}]));
  const ask = await world(people);
  const ten = (await ask("sample(10, 'a')")).split(' ');
  const forty = (await ask("sample(40, 'a')")).split(' ');
  t.ok(ten.every((name) => name === '' || forty.includes(name)));
  t.ok(forty.length > 8 && forty.length < 45);
  t.not(await ask("sample(40, 'b')"), forty.join(' '));
  t.equal((await ask("sample(100, 'a')")).split(' ').length, 60);
  t.equal(await ask("sample(0, 'a')"), '');
});
