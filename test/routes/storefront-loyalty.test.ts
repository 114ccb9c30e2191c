// What a signed-in customer sees and does on the pages of the shop (P11): their own, and nothing else.
import { createSigner } from 'fast-jwt';
import t from 'tap';
import { jwtSecret, STOREFRONT_AUDIENCE } from '../../src/plugins/auth.ts';
import { signCustomerToken } from '../../src/tokens.ts';
import { call, TEST_CONFIG, testApp, testDatabase } from '../support/harness.ts';
import { loyaltyStore } from '../support/loyalty.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

t.test('P11 a token is made for a customer, for at most 15 minutes', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member();
  const url = `/v1/customers/${id}/storefront-tokens`;
  const made = await store.call('POST', url, { lifetimeSeconds: 60 });
  t.equal(made.statusCode, 201, made.body);
  t.equal(made.data.customerId, id);
  t.equal(made.headers['cache-control'], 'no-store');
  const left = new Date(made.data.expiresAt).getTime() - Date.now();
  t.ok(left > 50_000 && left <= 60_000);
  t.equal((await store.call('POST', url, { lifetimeSeconds: 901 })).statusCode, 400);
  const mine = await call(app, made.data.token, 'GET', '/storefront/v1/me/credit');
  t.equal(mine.statusCode, 200, mine.body);
});

t.test('P11 a publishable key alone is told that a customer has to sign in', async (t) => {
  const store = await loyaltyStore(app, database);
  const answer = await call(app, store.publishableKey, 'GET', '/storefront/v1/me/credit');
  t.equal(answer.statusCode, 401);
  t.equal(answer.data.code, 'CUSTOMER_TOKEN_REQUIRED');
  t.equal((await call(app, store.token, 'GET', '/storefront/v1/me/credit')).data.code, 'UNAUTHENTICATED');
});

t.test('P11 a customer’s token opens no staff operation and no other store', async (t) => {
  const [store, other] = [await loyaltyStore(app, database), await loyaltyStore(app, database)];
  const id = await store.member();
  const token = signCustomerToken(TEST_CONFIG, {
    storeId: store.storeId,
    customerId: id,
    lifetimeSeconds: 60,
  });
  t.equal((await call(app, token, 'GET', `/v1/customers/${id}`)).statusCode, 401);
  t.equal((await call(app, token, 'GET', '/v1/store')).statusCode, 401);
  const elsewhere = signCustomerToken(TEST_CONFIG, {
    storeId: other.storeId,
    customerId: id,
    lifetimeSeconds: 60,
  });
  t.equal((await call(app, elsewhere, 'GET', '/storefront/v1/me/credit')).statusCode, 401);
});

t.test('P11 what is no token of a customer is 401, never 500', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member();
  const good = {
    iss: TEST_CONFIG.JWT_ISSUER,
    aud: STOREFRONT_AUDIENCE,
    sub: id,
    store: store.storeId,
    scope: '',
  };
  const sign = createSigner({ key: jwtSecret(TEST_CONFIG), algorithm: 'HS256', expiresIn: 60_000 });
  const statusOf = async (claims: object) =>
    (await call(app, sign(claims), 'GET', '/storefront/v1/me/credit')).statusCode;
  t.equal(await statusOf(good), 200);
  for (const [what, claims] of Object.entries({
    'a subject that is no id': { ...good, sub: "x' or 1=1" },
    'an unknown customer': { ...good, sub: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11' },
    'no store': { ...good, store: undefined },
    'the audience of staff': { ...good, aud: 'clientele:staff' },
    'both audiences and scopes': { ...good, aud: 'clientele:staff', scope: 'credit:read' },
  }))
    t.equal(await statusOf(claims), 401, what);
  const both = sign({ ...good, aud: ['clientele:staff', STOREFRONT_AUDIENCE], scope: 'customers:read' });
  t.equal((await call(app, both, 'GET', '/v1/customers')).statusCode, 401, 'the lesser audience counts');
  const expired = createSigner({ key: jwtSecret(TEST_CONFIG), algorithm: 'HS256' })({
    ...good,
    iat: 1_000_000,
    exp: 1_000_060,
  });
  t.equal((await call(app, expired, 'GET', '/storefront/v1/me/credit')).statusCode, 401);
});

t.test('P11 a token dies with its customer: disabled, merged, erased', async (t) => {
  const store = await loyaltyStore(app, database);
  const [id, survivor] = [await store.member(), await store.member()];
  const shop = await store.shop(id);
  t.equal((await shop('GET', '/me/credit')).statusCode, 200);
  await store.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'disabled' });
  t.equal((await shop('GET', '/me/credit')).data.code, 'UNAUTHENTICATED');
  t.equal((await shop('POST', '/me/redemptions', { rewardId: id })).statusCode, 401);
  t.equal(
    (await store.call('POST', `/v1/customers/${id}/storefront-tokens`, {})).data.code,
    'ACCOUNT_NOT_ACTIVE',
  );
  await store.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'active' });
  t.equal((await shop('GET', '/me/credit')).statusCode, 200);
  const merged = await store.call('POST', `/v1/customers/${survivor}/merge`, { from: id });
  t.equal(merged.statusCode, 200, merged.body);
  t.equal((await shop('GET', '/me/credit')).statusCode, 401);
  t.equal((await store.call('POST', `/v1/customers/${id}/storefront-tokens`, {})).data.code, 'CUSTOMER_GONE');
});

t.test('P11 my credit by currency, what expires next, and what it pays of a cart', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member();
  const soon = new Date(Date.now() + 86_400_000).toISOString();
  const later = new Date(Date.now() + 2 * 86_400_000).toISOString();
  const grant = (body: object) => store.post(`/v1/customers/${id}/credit`, { reason: 'x', ...body });
  await grant({ amount: 1_000, currency: 'EUR' });
  await grant({ amount: 300, currency: 'EUR', expiresAt: later });
  await grant({ amount: 200, currency: 'EUR', expiresAt: soon });
  await grant({ amount: 100, currency: 'EUR', expiresAt: soon });
  await grant({ amount: 3_000_000_000, currency: 'USD' });
  const shop = await store.shop(id);
  t.same((await shop('GET', '/me/credit')).data.data, [
    { currency: 'EUR', available: 1_600, held: 0, expiringNext: { amount: 300, expiresAt: soon } },
    { currency: 'USD', available: 3_000_000_000, held: 0 },
  ]);
  const quote = await shop('POST', '/me/credit/quote', {
    items: 1_500,
    shipping: 490,
    tax: 0,
    currency: 'EUR',
  });
  t.match(quote.data, { applied: { amount: 1_600 }, due: { amount: 390 } }, quote.body);
});

t.test('P11 rewards say whether I can have them and why not; redeeming is mine alone', async (t) => {
  const store = await loyaltyStore(app, database);
  const [id, other] = [
    await store.member({ points: 500, tier: 'bronze' }),
    await store.member({ points: 100 }),
  ];
  const add = (terms: object) =>
    store.call('POST', '/v1/loyalty/rewards', { name: 'r', kind: 'free_shipping', points: 100, ...terms });
  const cheap = (await add({})).data.id;
  await add({ points: 800 });
  await add({ minTier: 'gold' });
  await add({ endsAt: '2020-01-01T00:00:00Z' });
  const shop = await store.shop(id);
  const offers = (await shop('GET', '/rewards')).data.data;
  t.same(
    offers.map((offer: { available: boolean; why?: string; missingPoints: number }) => [
      offer.available,
      offer.why,
      offer.missingPoints,
    ]),
    [
      [false, 'tier_too_low', 0],
      [false, 'insufficient_points', 300],
      [true, undefined, 0],
    ],
  );
  const done = await shop('POST', '/me/redemptions', { rewardId: cheap, fulfil: true });
  t.match(
    done.data,
    { redemption: { customerId: id, code: String }, account: { available: 400 } },
    done.body,
  );
  const mine = await shop('GET', '/me/redemptions');
  t.match(mine.data.data, [{ id: done.data.redemption.id, code: done.data.redemption.code }]);
  t.same((await (await store.shop(other))('GET', '/me/redemptions')).data.data, [], 'nobody else sees it');
  t.match(await store.points(other), { balance: 100 });
});

t.test('P11 my points, their history and my standing, without what staff noted for itself', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member();
  await store.post(`/v1/customers/${id}/points`, { amount: 100, reason: 'Angry on the phone' });
  await store.post(`/v1/customers/${id}/points`, {
    amount: 30,
    reason: 'x',
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  });
  const until = new Date(Date.now() + 86_400_000).toISOString();
  await store.call('PUT', `/v1/customers/${id}/loyalty/tier`, {
    tier: 'gold',
    until,
    reason: 'Press contact',
  });
  const shop = await store.shop(id);
  t.match((await shop('GET', '/me/points')).data, {
    available: 130,
    pending: 0,
    expiringNext: { points: 30 },
  });
  const first = await shop('GET', '/me/points/history?limit=1');
  t.match(first.data, { data: [{ transfer: { amount: 30 } }], page: { hasMore: true } }, first.body);
  const second = await shop('GET', `/me/points/history?limit=1&cursor=${first.data.page.nextCursor}`);
  t.match(second.data, { data: [{ transfer: { amount: 100 } }], page: { hasMore: false } });
  const standing = await shop('GET', '/me/loyalty');
  t.match(
    standing.data,
    { customerId: id, status: 'active', tier: { level: { key: 'gold' } } },
    standing.body,
  );
  for (const { body } of [first, second, standing]) t.notMatch(body, /Angry|Press/);
  const left = await shop('POST', '/me/loyalty/leave');
  t.match(left.data, { status: 'left' }, left.body);
  t.equal((await shop('GET', '/me/referral-code')).data.code, 'MEMBER_NOT_ACTIVE');
  t.match((await shop('POST', '/me/loyalty/enrol')).data, { status: 'active', points: { available: 130 } });
});

t.test('a browser of another origin gets no answer to read', async (t) => {
  const store = await loyaltyStore(app, database);
  const origin = `https://shop-${store.storeId}.example.com`;
  await store.call('PATCH', '/v1/store', { corsOrigins: [origin] });
  const token = signCustomerToken(TEST_CONFIG, {
    storeId: store.storeId,
    customerId: await store.member(),
    lifetimeSeconds: 60,
  });
  const from = async (site: string) =>
    (await call(app, token, 'GET', '/storefront/v1/me/credit', undefined, { origin: site })).headers[
      'access-control-allow-origin'
    ];
  t.equal(await from(origin), origin);
  t.equal(await from('https://evil.example'), undefined);
});
