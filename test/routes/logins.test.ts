// Log-in with address and password: who gets in, who is told what, and how guessing is slowed down.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { passwords } from '../../src/clients/passwords.ts';
import {
  OTHER_PASSWORD,
  openConnections,
  PASSWORD,
  type Shop,
  shopOf,
  shopper,
} from '../support/accounts.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
await openConnections(database);
const newShop = async (): Promise<Shop> => shopOf(app, await testStore(app, database));
const someone = () => `${randomUUID()}@example.com`;

const setAccounts = (store: TestStore, accounts: string) => store.call('PATCH', '/v1/store', { accounts });
const eventsOf = async (store: TestStore, id: string): Promise<string[]> =>
  (await store.call('GET', `/v1/customers/${id}/timeline?limit=100`)).data.data.map(
    ({ kind }: { kind: string }) => kind,
  );

t.test('C4 a customer that staff enters with a password is active and logs in', async (t) => {
  const shop = await newShop();
  const email = someone();
  const made = await shop.call('POST', '/v1/customers', { email: email.toUpperCase(), password: PASSWORD });
  t.equal(made.statusCode, 201, made.body);
  t.equal(made.data.accountStatus, 'active');
  t.type(made.data.registeredAt, 'string');
  t.notMatch(made.body, PASSWORD);
  const answer = await shop.logIn(email);
  t.equal(answer.statusCode, 200, answer.body);
  t.equal(answer.headers['cache-control'], 'no-store');
  t.match(answer.data, { expiresIn: 900, customer: { id: made.data.id, email: email.toUpperCase() } });
  const me = await shop.as(answer.data.accessToken, 'GET', '/me/credit');
  t.equal(me.statusCode, 200, me.body);
  t.match(await eventsOf(shop, made.data.id), ['login.succeeded']);
});

t.test('C4 entering with a password needs an email, accounts, and a usable password', async (t) => {
  const shop = await newShop();
  const codeOf = async (body: object) => (await shop.call('POST', '/v1/customers', body)).data.code;
  t.equal(await codeOf({ lastName: 'Lovelace', password: PASSWORD }), 'NO_EMAIL');
  t.equal(await codeOf({ email: someone(), password: 'password1' }), 'PASSWORD_REFUSED');
  t.equal(
    await codeOf({ email: someone(), password: PASSWORD, accountStatus: 'guest' }),
    'ACCOUNT_STATE_CONFLICT',
  );
  await setAccounts(shop, 'none');
  t.equal(await codeOf({ email: someone(), password: PASSWORD }), 'ACCOUNTS_NOT_OFFERED');
});

t.test(
  'a repeat by Idempotency-Key replays, and nothing from which the password could be guessed is kept',
  async (t) => {
    const shop = await newShop();
    const body = { email: someone(), password: PASSWORD };
    const headers = { 'idempotency-key': randomUUID() };
    const first = await shop.call('POST', '/v1/customers', body, headers);
    const again = await shop.call('POST', '/v1/customers', body, headers);
    t.same(again.data, first.data);
    t.equal(again.headers['idempotency-replayed'], 'true');
    const other = await shop.call('POST', '/v1/customers', { ...body, password: OTHER_PASSWORD }, headers);
    t.equal(other.headers['idempotency-replayed'], 'true', 'the fingerprint is the same for every password');
  },
);

t.test('log-in: unknown, guest, invited, without a password and wrong are one answer', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const [guest, bare] = [someone(), someone()];
  await shop.call('POST', '/v1/customers', { email: guest });
  await shop.call('POST', '/v1/customers', { email: bare, accountStatus: 'active' });
  const bodies = new Set<string>();
  for (const [who, password] of [
    [email, OTHER_PASSWORD],
    [someone(), PASSWORD],
    [guest, PASSWORD],
    [bare, PASSWORD],
    ['no address at all', PASSWORD],
  ] as const) {
    const answer = await shop.logIn(who, password);
    t.equal(answer.statusCode, 401, who);
    t.equal(answer.data.code, 'LOGIN_FAILED');
    const { instance: _, ...rest } = answer.data;
    bodies.add(JSON.stringify(rest));
  }
  t.equal(bodies.size, 1);
});

t.test('log-in: a disabled account is told so after the right password only', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  await shop.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'disabled' });
  t.equal((await shop.logIn(email, OTHER_PASSWORD)).data.code, 'LOGIN_FAILED');
  const answer = await shop.logIn(email);
  t.equal(answer.statusCode, 403);
  t.equal(answer.data.code, 'ACCOUNT_DISABLED');
  await shop.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'active' });
  t.equal((await shop.logIn(email)).statusCode, 200, 'enabled again, the password is the same');
});

t.test('log-in: an account of one store is unknown in another', async (t) => {
  const [shop, other] = [await newShop(), await newShop()];
  const { id, email } = await shopper(shop);
  t.equal((await other.logIn(email)).data.code, 'LOGIN_FAILED');
  const { refreshToken, accessToken } = (await shop.logIn(email)).data;
  t.equal((await other.page('POST', '/login/refresh', { refreshToken })).data.code, 'SESSION_ENDED');
  t.equal((await other.call('GET', `/v1/customers/${id}/sessions`)).statusCode, 404);
  t.equal(
    (await other.call('POST', `/v1/customers/${id}/password-reset`, undefined, { 'idempotency-key': 'a' }))
      .statusCode,
    404,
  );
  await other.page('POST', '/logout', { refreshToken });
  t.equal((await shop.as(accessToken, 'GET', '/me/credit')).statusCode, 200);
});

t.test('log-in: a hash with other parameters is made anew', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const { hash } = await import('@node-rs/argon2');
  const old = await hash(PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
  await database.owner.query('update credentials set password_hash = $1 where customer_id = $2', [old, id]);
  t.equal((await shop.logIn(email)).statusCode, 200);
  const { rows } = await database.owner.query(
    'select password_hash as hash from credentials where customer_id = $1',
    [id],
  );
  t.match(rows[0].hash, /m=19456,t=2,p=1/);
  t.equal((await shop.logIn(email)).statusCode, 200);
});

t.test(
  'throttle: after five failures an account waits, known or not, and the right password does not help',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    for (const who of [email, someone()]) {
      for (let failure = 1; failure <= 5; failure++)
        t.equal((await shop.logIn(who, OTHER_PASSWORD)).statusCode, 401, `failure ${failure}`);
      const answer = await shop.logIn(who);
      t.equal(answer.statusCode, 429);
      t.equal(answer.data.code, 'LOGIN_THROTTLED');
      t.match(answer.headers['retry-after'], /^\d+$/);
      t.equal(answer.headers['retry-after'], String(answer.data.retryAfter));
    }
  },
);

const counters = async (store: TestStore) =>
  (
    await database.owner.query<{ failures: number; blocked: number | null }>(
      `select failures, extract(epoch from blocked_until - now())::float8 as blocked from login_throttles
       where store_id = $1 order by failures`,
      [store.storeId],
    )
  ).rows;
const letIn = (store: TestStore) =>
  database.owner.query(
    `update login_throttles set blocked_until = now() - interval '1 s' where store_id = $1`,
    [store.storeId],
  );

t.test(
  'throttle: each further failure doubles the wait, up to 15 minutes, and success forgets all',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    for (let failure = 1; failure <= 5; failure++) await shop.logIn(email, OTHER_PASSWORD);
    for (const seconds of [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      await letIn(shop);
      t.equal((await shop.logIn(email, OTHER_PASSWORD)).statusCode, 401);
      const blocked = (await counters(shop)).find((one) => one.blocked !== null)?.blocked ?? 0;
      t.ok(blocked > seconds - 2 && blocked <= seconds, `${blocked} of ${seconds} s`);
    }
    await letIn(shop);
    t.equal((await shop.logIn(email)).statusCode, 200);
    const left = await counters(shop);
    t.equal(left.length, 1, 'only the network is still counted, and the success is not');
    t.match(left[0], { failures: 16, blocked: null });
    await shop.logIn(email, OTHER_PASSWORD);
    t.equal((await shop.logIn(email)).statusCode, 200, 'counting began anew');
  },
);

t.test('throttle: attempts at the same time count each other', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const answers = await Promise.all(Array.from({ length: 25 }, () => shop.logIn(email, OTHER_PASSWORD)));
  const tried = answers.filter(({ statusCode }) => statusCode === 401).length;
  t.ok(tried >= 5 && tried <= 6, `${tried} of 25 were tried`);
  t.equal(answers.length - tried, answers.filter(({ statusCode }) => statusCode === 429).length);
});

t.test('throttle: counting begins anew after a day', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  for (let failure = 1; failure <= 4; failure++) await shop.logIn(email, OTHER_PASSWORD);
  await database.owner.query(
    `update login_throttles set since = now() - interval '25 h' where store_id = $1`,
    [shop.storeId],
  );
  await shop.logIn(email, OTHER_PASSWORD);
  t.equal((await counters(shop))[0]?.failures, 1);
});

t.test(
  'throttle: a hundred failures from one network block it, whatever accounts they were for',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    t.equal((await shop.logIn(email)).statusCode, 200);
    await database.owner.query('update login_throttles set failures = 98 where store_id = $1', [
      shop.storeId,
    ]);
    t.equal((await shop.logIn(someone())).statusCode, 401);
    t.equal((await shop.logIn(email)).statusCode, 200, 'a success is taken back');
    t.equal((await shop.logIn(someone())).statusCode, 401, 'the hundredth');
    t.equal((await shop.logIn(email)).data.code, 'LOGIN_THROTTLED');
    t.equal((await shop.logIn(email, PASSWORD, '192.0.2.17')).statusCode, 200, 'from another network');
  },
);

t.test('SERVICE_BUSY when too many passwords are being checked', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const { verify } = passwords;
  t.teardown(() => Object.assign(passwords, { verify }));
  const { PasswordsBusy } = await import('../../src/clients/passwords.ts');
  Object.assign(passwords, { verify: () => Promise.reject(new PasswordsBusy()) });
  const answer = await shop.logIn(email);
  t.equal(answer.statusCode, 503);
  t.equal(answer.data.code, 'SERVICE_BUSY');
  t.type(answer.headers['retry-after'], 'string');
});
