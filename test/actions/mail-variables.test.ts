import t from 'tap';
import { customerVariables, orderVariables, storeVariables } from '../../src/actions/mail-variables.ts';
import type { Db } from '../../src/db/connection.ts';
import { findStore } from '../../src/db/stores.ts';
import { DEFAULT_PROGRAMME } from '../../src/domain/loyalty/programme.ts';
import type { Variables } from '../../src/domain/mail/template-variables.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { referrals: _, ...programme } = DEFAULT_PROGRAMME;

/** Asks for something that has to be there. */
async function make(store: TestStore, method: string, url: string, body?: unknown) {
  const answer = await store.call(method, url, body, { 'idempotency-key': crypto.randomUUID() });
  if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.body}`);
  return answer.data;
}

/** Counts the statements that go through the handle. */
function counting(db: Db): Db & { count: number } {
  const counted = {
    storeId: db.storeId,
    count: 0,
    use: <T>(work: Parameters<typeof db.use<T>>[0]) => {
      counted.count++;
      return db.use(work);
    },
  };
  return counted;
}

t.test('a customer with everything has credit, points, tier and referral beside the profile', async (t) => {
  const store = await testStore(app, database);
  await make(store, 'PUT', '/v1/loyalty/programme', programme);
  const customer = await make(store, 'POST', '/v1/customers', {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
    language: 'en-GB',
    accountStatus: 'active',
  });
  const url = `/v1/customers/${customer.id}`;
  const expiresAt = '2099-01-01T00:00:00.000Z';
  const amount = 3_000_000_000;
  await make(store, 'POST', `${url}/credit`, { amount, currency: 'EUR', reason: 'x', expiresAt });
  await make(store, 'POST', `${url}/credit/holds`, { amount: 1_000, currency: 'EUR' });
  await make(store, 'POST', `${url}/loyalty/enrol`, undefined);
  await make(store, 'POST', `${url}/points`, { amount: 250, reason: 'x' });
  const variables = (await customerVariables(store.ctx(), [customer.id])).get(customer.id) as Record<
    string,
    Variables
  >;
  t.match(variables.customer, { name: 'Ada Lovelace', firstName: 'Ada', language: 'en-GB', ordersCount: 0 });
  t.same(variables.customer?.totalSpent, { amount: 0, currency: 'EUR' });
  t.notOk(
    'phone' in (variables.customer ?? {}) || 'company' in (variables.customer ?? {}),
    'null is left out',
  );
  t.same(variables.credit, {
    balance: { amount: amount - 1_000, currency: 'EUR' },
    expiring: { amount: amount - 1_000, currency: 'EUR' },
    expiresAt: new Date(expiresAt),
  });
  t.match(variables.points, { balance: 250, pending: 0, programme: 'Rewards', expiring: 250 });
  t.match(variables.tier, { key: 'bronze', name: 'Bronze', multiplier: 1, freeShipping: false });
  t.match(variables.referral, { code: /./ });
});

t.test('a customer without anything has no such variables at all', async (t) => {
  const store = await testStore(app, database);
  const data = await make(store, 'POST', '/v1/customers', { email: 'bare@example.com' });
  const variables = (await customerVariables(store.ctx(), [data.id, crypto.randomUUID()])).get(data.id);
  t.same(Object.keys(variables ?? {}), ['customer']);
  t.match(variables?.customer, { name: 'bare@example.com' });
});

t.test('a hundred customers cost as many statements as one', async (t) => {
  const store = await testStore(app, database);
  const ids = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const { id } = await make(store, 'POST', '/v1/customers', { email: `c${index}@example.com` });
      return id as string;
    }),
  );
  const spent = async (some: string[]) => {
    const db = counting(store.ctx().db);
    t.equal((await customerVariables({ ...store.ctx(), db }, some)).size, some.length);
    return db.count;
  };
  await spent(ids);
  t.equal(await spent(ids), 2, 'customers, and their accounts');
  t.equal(await spent(ids.slice(0, 1)), 2);
});

t.test('an order is told with its lines, in money', async (t) => {
  const store = await testStore(app, database);
  const order = await make(store, 'PUT', '/v1/orders/A-1', {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    email: 'ada@example.com',
    items: [{ title: 'Lamp', quantity: 2, unitPrice: 5_000, sku: 'L' }],
    shippingAddress: {
      firstName: 'Ada',
      lastName: 'Lovelace',
      line1: '12 Square',
      city: 'London',
      countryCode: 'GB',
    },
    shipping: 490,
    total: 10_490,
  });
  const variables = (await orderVariables(store.ctx(), [order.id])).get(order.id)?.order as Variables;
  t.match(variables, {
    number: 'A-1',
    itemsTotal: { amount: 10_000, currency: 'EUR' },
    shipping: { amount: 490, currency: 'EUR' },
    total: { amount: 10_490, currency: 'EUR' },
    shippingAddress: { name: 'Ada Lovelace', city: 'London' },
    items: [{ title: 'Lamp', quantity: 2, sku: 'L', total: { amount: 10_000 } }],
  });
  t.notOk('discount' in variables);
  t.equal((await orderVariables(store.ctx(), [])).size, 0);
});

t.test('colours of a store can be read: text on them, and they on paper', async (t) => {
  const store = await testStore(app, database);
  const row = await findStore(store.ctx().db);
  if (!row) throw new Error('no store');
  const yellow = { ...row, settings: { ...row.settings, mail: { brandColor: '#ffee00' } } };
  const { store: variables } = storeVariables(yellow) as { store: Variables };
  t.equal(variables.color, '#ffee00');
  t.equal(variables.textOnColor, '#000000');
  t.not(variables.linkColor, '#ffee00');
});
