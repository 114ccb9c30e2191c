// The store, its settings, its keys; and what every list of keys must keep to itself.
import t from 'tap';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

t.test(
  'settings are a merge patch with ETag: null clears, absent keeps, the currency cannot be sent',
  async (t) => {
    const { call } = await store();
    const before = await call('GET', '/v1/store');
    t.match(before.data, { currency: 'EUR', accounts: 'optional', version: 1 });
    const change = { timezone: 'Europe/Paris', sender: { name: 'Shop', email: 'hello@example.com' } };
    const changed = await call('PATCH', '/v1/store', change, { 'if-match': String(before.headers.etag) });
    t.match(changed.data, { ...change, accounts: 'optional', version: 2 });
    t.equal(changed.headers.etag, '"2"');
    t.equal(
      (await call('PATCH', '/v1/store', { name: 'x' }, { 'if-match': '"1"' })).data.code,
      'VERSION_MISMATCH',
    );
    t.equal((await call('PATCH', '/v1/store', { sender: null })).data.sender, undefined);
    t.equal((await call('PATCH', '/v1/store', { currency: 'USD' })).statusCode, 400);
  },
);

t.test('settings that mean nothing are refused by place', async (t) => {
  const { call } = await store();
  const answer = await call('PATCH', '/v1/store', {
    timezone: 'Mars/Olympus',
    defaultCountry: 'XX',
    customFields: [{ key: 'size', label: 'Size', type: 'enum' }],
  });
  t.equal(answer.data.code, 'STORE_INVALID');
  const pointers = answer.data.errors.map((error: { pointer: string }) => error.pointer);
  t.same(pointers, ['/timezone', '/defaultCountry', '/customFields/0/options']);
});

t.test('custom fields that the store declares are checked on customers', async (t) => {
  const { call } = await store();
  await call('PATCH', '/v1/store', {
    customFields: [{ key: 'shoe_size', label: 'Shoe size', type: 'number' }],
  });
  const made = await call('POST', '/v1/customers', { lastName: 'A', custom: { shoe_size: 42 } });
  t.same(made.data.custom, { shoe_size: 42 });
  const wrong = await call('PATCH', `/v1/customers/${made.data.id}`, { custom: { shoe_size: 'big' } });
  t.match(wrong.data, { code: 'CUSTOMER_INVALID', errors: [{ pointer: '/custom/shoe_size' }] });
  t.same(
    (await call('PATCH', `/v1/customers/${made.data.id}`, { custom: { shoe_size: null } })).data.custom,
    {},
  );
});

t.test('C5 wholesale needs an account, survives disabling', async (t) => {
  const { call } = await store();
  const guest = await call('POST', '/v1/customers', { lastName: 'Guest' });
  const url = `/v1/customers/${guest.data.id}`;
  t.equal((await call('PATCH', url, { wholesale: true })).data.code, 'WHOLESALE_REQUIRES_ACCOUNT');
  const active = await call('POST', '/v1/customers', {
    email: 'w@example.com',
    accountStatus: 'active',
    wholesale: true,
  });
  const disabled = await call('PATCH', `/v1/customers/${active.data.id}`, { accountStatus: 'disabled' });
  t.match(disabled.data, { accountStatus: 'disabled', wholesale: true });
});

t.test(
  'a request that runs already under the same Idempotency-Key is 409, and nothing is made twice',
  async (t) => {
    const { call, storeId } = await store();
    const headers = { 'idempotency-key': 'one' };
    const send = () => call('POST', '/v1/customers', { lastName: 'Once' }, headers);
    const answers = await Promise.all(Array.from({ length: 8 }, send));
    for (const { statusCode, data } of answers) {
      t.ok(statusCode === 201 || data.code === 'IDEMPOTENCY_IN_PROGRESS', `${statusCode} ${data.code}`);
    }
    const { rows } = await database.owner.query(
      'select count(*)::int as count from customers where store_id = $1',
      [storeId],
    );
    t.same(rows, [{ count: 1 }]);
  },
);

t.test('a refusal is kept too: a repeat with the same key gets the same answer', async (t) => {
  const { call } = await store();
  await call('POST', '/v1/customers', { email: 'taken@example.com' });
  const headers = { 'idempotency-key': 'refused' };
  const first = await call('POST', '/v1/customers', { email: 'taken@example.com' }, headers);
  const again = await call('POST', '/v1/customers', { email: 'taken@example.com' }, headers);
  t.equal(first.data.code, 'EMAIL_TAKEN');
  t.equal(again.data.code, 'EMAIL_TAKEN');
  t.equal(again.data.customerId, first.data.customerId);
});
