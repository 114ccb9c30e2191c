// What the pages of a shop call: newsletter sign-up, origins of browsers, limits per address.
import t from 'tap';
import { factsOf } from '../support/derived-keys.ts';
import { call, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const signUp = (key: string, body: unknown, headers: Record<string, string> = {}) =>
  call(app, key, 'POST', '/storefront/v1/newsletter', body, headers);

async function customersOf(storeId: string) {
  const question =
    'select id, email_norm, first_name, last_name, source, account_status, version from customers where store_id = $1';
  return (await database.owner.query(question, [storeId])).rows;
}

t.test(
  'C3 a newsletter sign-up makes a guest, and attaches to the customer of a known address',
  async (t) => {
    const store = await testStore(app, database);
    const first = await signUp(store.publishableKey, { email: ' Ada@Example.com ', firstName: 'Ada' });
    t.equal(first.statusCode, 202);
    t.match(await customersOf(store.storeId), [
      { email_norm: 'ada@example.com', first_name: 'Ada', source: 'newsletter', account_status: 'guest' },
    ]);
    const again = await signUp(store.publishableKey, {
      email: 'ada@example.com',
      firstName: 'Eve',
      lastName: 'King',
    });
    t.same(again.data, first.data, 'the answer does not tell whether the address was known');
    const after = await customersOf(store.storeId);
    t.equal(after.length, 1);
    t.match(
      after[0],
      { first_name: 'Ada', last_name: 'King' },
      'a public form fills gaps and changes nothing',
    );
  },
);

t.test('C3 many sign-ups of one new address at once make one customer', async (t) => {
  const store = await testStore(app, database);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => signUp(store.publishableKey, { email: 'same@example.com' })),
  );
  t.same(new Set(answers.map((answer) => answer.statusCode)), new Set([202]));
  t.equal((await customersOf(store.storeId)).length, 1);
});

t.test('something that is no address is refused, a staff token opens no storefront', async (t) => {
  const store = await testStore(app, database);
  t.equal((await signUp(store.publishableKey, { email: 'nobody' })).data.code, 'CUSTOMER_INVALID');
  t.equal((await signUp(store.token, { email: 'a@example.com' })).statusCode, 401);
});

t.test('a browser is let in from the origins of its store alone', async (t) => {
  const [mine, other] = [await testStore(app, database), await testStore(app, database)];
  const origin = `https://shop-${mine.storeId}.example.com`;
  await mine.call('PATCH', '/v1/store', { corsOrigins: [origin] });
  const preflight = (from: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/storefront/v1/newsletter',
      headers: { origin: from, 'access-control-request-method': 'POST' },
    });
  t.equal((await preflight(origin)).headers['access-control-allow-origin'], origin);
  t.equal((await preflight('https://evil.example')).headers['access-control-allow-origin'], undefined);
  const allowed = await signUp(mine.publishableKey, { email: 'a@example.com' }, { origin });
  t.equal(allowed.headers['access-control-allow-origin'], origin);
  const foreign = await signUp(other.publishableKey, { email: 'a@example.com' }, { origin });
  t.equal(foreign.headers['access-control-allow-origin'], undefined);
});

t.test(
  'past the limit of an address the answer is 429 with Retry-After, and staff is counted apart',
  async (t) => {
    const limited = await testApp(t, database, {
      RATE_LIMIT_ANONYMOUS_PER_MINUTE: 3,
      RATE_LIMIT_PER_MINUTE: 5,
    });
    const store = await testStore(limited, database);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) {
      const answer = await call(limited, store.publishableKey, 'POST', '/storefront/v1/newsletter', {
        email: `n${n}@example.com`,
      });
      statuses.push(answer.statusCode);
      if (n < 3) continue;
      t.equal(answer.data.code, 'RATE_LIMITED');
      t.ok(Number(answer.headers['retry-after']) > 0);
      t.match(answer.headers.ratelimit, /r=0/);
      t.match(answer.headers['ratelimit-policy'], /q=3;w=60/);
    }
    t.same(statuses, [202, 202, 202, 429]);
    t.equal((await call(limited, store.token, 'GET', '/v1/store')).statusCode, 200);
  },
);

t.test('a guest of the newsletter has no phone, and one who has keeps its country', async (t) => {
  const store = await testStore(app, database);
  await signUp(store.publishableKey, { email: 'ada@example.com' });
  const countries = async () =>
    (await factsOf(database.owner, store.storeId)).phones.map(({ keys }) => keys.phoneCountry);
  t.same(await countries(), [null]);
  await store.call('POST', '/v1/customers', { email: 'bob@example.com', phone: '+49 30 901820' });
  await signUp(store.publishableKey, { email: 'bob@example.com', firstName: 'Bob' });
  t.same(await countries(), [null, 'DE']);
});
