// Customers over HTTP, on real Postgres.
import t from 'tap';
import { factsOf } from '../support/derived-keys.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

t.test('a created customer is answered whole and can be read again with its ETag', async (t) => {
  const { call } = await store();
  const created = await call('POST', '/v1/customers', {
    email: 'Ada@Example.com',
    lastName: 'Lovelace',
    tags: ['VIP', 'friend'],
  });
  t.equal(created.statusCode, 201);
  t.equal(created.headers.location, `/v1/customers/${created.data.id}`);
  t.match(created.data, {
    email: 'Ada@Example.com',
    tags: ['friend', 'VIP'],
    version: 1,
    totalSpent: { amount: 0, currency: 'EUR' },
  });
  const read = await call('GET', `/v1/customers/${created.data.id}`);
  t.same(read.data, created.data);
  t.equal(read.headers.etag, '"1"');
  const unchanged = await call('GET', `/v1/customers/${created.data.id}`, undefined, {
    'if-none-match': '"1"',
  });
  t.equal(unchanged.statusCode, 304);
  t.equal(unchanged.body, '');
});

t.test('C1 two creates of one email at once: one 201, one 409', async (t) => {
  const { call } = await store();
  const spellings = ['a@example.com', 'A@Example.com', ' a@EXAMPLE.com ', 'a@example.COM'];
  const answers = await Promise.all(spellings.map((email) => call('POST', '/v1/customers', { email })));
  const codes = answers.map((answer) => answer.statusCode).sort();
  t.same(codes, [201, 409, 409, 409]);
  t.same(
    new Set(answers.filter((a) => a.statusCode === 409).map((a) => a.data.code)),
    new Set(['EMAIL_TAKEN']),
  );
});

t.test('C2 nobody without email, phone, last name and company', async (t) => {
  const { call } = await store();
  const refused = await call('POST', '/v1/customers', { firstName: 'Ada' });
  t.equal(refused.statusCode, 422);
  t.equal(refused.data.code, 'CUSTOMER_NEEDS_IDENTITY');
});

t.test(
  'C8 a change with the ETag of an older version is refused, with the present one it is made',
  async (t) => {
    const { call } = await store();
    const { data } = await call('POST', '/v1/customers', { lastName: 'Lovelace' });
    const url = `/v1/customers/${data.id}`;
    const changed = await call('PATCH', url, { firstName: 'Ada' }, { 'if-match': '"1"' });
    t.equal(changed.data.version, 2);
    const refused = await call('PATCH', url, { firstName: 'Bob' }, { 'if-match': '"1"' });
    t.equal(refused.statusCode, 412);
    t.equal(refused.data.code, 'VERSION_MISMATCH');
    t.equal((await call('GET', url)).data.firstName, 'Ada');
  },
);

t.test('an Idempotency-Key makes a repeat answer the first result, and another body 422', async (t) => {
  const { call } = await store();
  const headers = { 'idempotency-key': 'key-1' };
  const first = await call('POST', '/v1/customers', { lastName: 'Once' }, headers);
  const again = await call('POST', '/v1/customers', { lastName: 'Once' }, headers);
  t.equal(again.statusCode, 201);
  t.equal(again.data.id, first.data.id);
  t.equal(again.headers['idempotency-replayed'], 'true');
  t.equal(again.headers.etag, first.headers.etag);
  t.equal(
    (await call('POST', '/v1/customers', { lastName: 'Other' }, headers)).data.code,
    'IDEMPOTENCY_KEY_REUSED',
  );
});

t.test('the country of the phone follows it: set, changed, of no country, cleared', async (t) => {
  const { call, storeId } = await store();
  const { data } = await call('POST', '/v1/customers', { lastName: 'Lovelace', phone: '+49 30 901820' });
  const countryNow = async () =>
    (await factsOf(database.owner, storeId)).phones.map(({ keys }) => keys.phoneCountry);
  t.same(await countryNow(), ['DE']);
  for (const [phone, country] of [
    ['+43 1 58858', 'AT'],
    ['+800 1234 5678', null],
    ['+1 416 555 0123', 'CA'],
    [null, null],
  ]) {
    t.equal((await call('PATCH', `/v1/customers/${data.id}`, { phone })).statusCode, 200);
    t.same(await countryNow(), [country], String(phone));
  }
  t.notOk('phoneCountry' in (await call('GET', `/v1/customers/${data.id}`)).data, 'it is not shown');
});

t.test('the country of a phone from before there was one is filled in by the next change', async (t) => {
  const { call, storeId } = await store();
  const { data } = await call('POST', '/v1/customers', { lastName: 'Lovelace', phone: '+49 30 901820' });
  await database.owner.query('update customers set phone_country = null where store_id = $1', [storeId]);
  await call('PATCH', `/v1/customers/${data.id}`, { firstName: 'Ada' });
  t.same((await factsOf(database.owner, storeId)).phones[0]?.keys, { phoneCountry: 'DE' });
});
