// Registration: nothing tells whether an address was known, and an account is made when its owner confirms it.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import {
  countMails,
  languagesOf,
  mailedToken,
  makeMails,
  OTHER_PASSWORD,
  openConnections,
  PASSWORD,
  type Shop,
  shopOf,
  shopper,
  waitingMails,
} from '../support/accounts.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
await openConnections(database);
const newShop = async (): Promise<Shop> => shopOf(app, await testStore(app, database));
const DAY_MS = 86_400_000;
const ago = (ms: number) => new Date(Date.now() - ms);
const someone = () => `${randomUUID()}@example.com`;

const setAccounts = (store: TestStore, accounts: string) => store.call('PATCH', '/v1/store', { accounts });
const statusOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}`)).data.accountStatus;

const register = (shop: Shop, email: string, more: object = {}) =>
  shop.page('POST', '/register', { email, password: PASSWORD, ...more });

t.test('C4 registration: the mail confirms the address, and the account is there, logged in', async (t) => {
  const shop = await newShop();
  const email = `Ada.${randomUUID()}@Example.com`;
  const answer = await register(shop, email, { firstName: 'Ada', lastName: 'Lovelace', language: 'en-GB' });
  t.equal(answer.statusCode, 202, answer.body);
  t.same(answer.data, { status: 'received' });
  t.equal((await shop.logIn(email)).statusCode, 401, 'not before the address is confirmed');
  const token = await mailedToken(shop, 'email_verification');
  const look = await shop.page('GET', `/email-verification/${token}`);
  t.match(look.data, { status: 'open', storeName: 'Test store', email: /^a•••@example\.com$/ });
  const done = await shop.page('POST', '/email-verification', { token, password: PASSWORD });
  t.equal(done.statusCode, 200, done.body);
  t.match(done.data.customer, { email, firstName: 'Ada', lastName: 'Lovelace' });
  t.equal((await shop.as(done.data.accessToken, 'GET', '/me/credit')).statusCode, 200);
  const { data: customer } = await shop.call('GET', `/v1/customers/${done.data.customer.id}`);
  t.match(customer, { accountStatus: 'active', source: 'registration', language: 'en-GB' });
  t.equal((await shop.logIn(email)).statusCode, 200);
  t.equal(
    (await shop.page('POST', '/email-verification', { token, password: PASSWORD })).data.code,
    'TOKEN_UNKNOWN',
    'once',
  );
});

t.test('a new account is welcomed by one mail, when it is active', async (t) => {
  const shop = await newShop();
  const email = someone();
  const { data: guest } = await shop.call('POST', '/v1/customers', { email });
  await register(shop, email);
  const token = await mailedToken(shop, 'email_verification');
  t.same(await waitingMails(shop, 'welcome'), [], 'not before');
  await shop.page('POST', '/email-verification', { token, password: PASSWORD });
  t.match(await waitingMails(shop, 'welcome'), [{ customerId: guest.id, toEmail: null }]);
  await shop.call('PATCH', `/v1/customers/${guest.id}`, { accountStatus: 'disabled' });
  t.same(
    await countMails(shop, 'welcome'),
    { made: 0, left: 1 },
    'an account that was closed meanwhile is not',
  );
  await shop.call('PATCH', `/v1/customers/${guest.id}`, { accountStatus: 'active' });
  t.same(await countMails(shop, 'welcome'), { made: 1, left: 0 }, 'once');
  await shopper(shop);
  t.equal((await waitingMails(shop, 'welcome')).length, 1, 'who was entered by staff is not');
});

t.test(
  'the mails of a registration are in the language of the form, those of an account in its own',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    const { data: known } = await shop.call('GET', `/v1/customers?q=${email}`);
    await shop.call('PATCH', `/v1/customers/${known.data[0].id}`, { language: 'fr' });
    await register(shop, someone(), { language: 'de-AT' });
    await register(shop, email, { language: 'de-AT' });
    t.same(await languagesOf(shop, 'email_verification'), ['de-AT']);
    t.same(await languagesOf(shop, 'account_exists'), ['fr']);
  },
);

t.test('C3 registration attaches to the guest of the address and fills gaps only', async (t) => {
  const shop = await newShop();
  const email = someone();
  const { data: guest } = await shop.call('POST', '/v1/customers', { email, firstName: 'Augusta' });
  await register(shop, email, { firstName: 'Mallory', lastName: 'Lovelace' });
  t.equal(await statusOf(shop, guest.id), 'guest', 'nothing happens before the address is confirmed');
  const token = await mailedToken(shop, 'email_verification');
  const done = await shop.page('POST', '/email-verification', { token, password: PASSWORD });
  t.match(done.data.customer, { id: guest.id, firstName: 'Augusta', lastName: 'Lovelace' });
  t.equal(await statusOf(shop, guest.id), 'active');
});

t.test('C4 registration of an invited customer ends the invitation', async (t) => {
  const shop = await newShop();
  const email = someone();
  const { data: guest } = await shop.call('POST', '/v1/customers', { email });
  const invited = await shop.call('POST', `/v1/customers/${guest.id}/invitation`, undefined, {
    'idempotency-key': randomUUID(),
  });
  t.ok(invited.statusCode < 300, invited.body);
  await register(shop, email);
  await shop.page('POST', '/email-verification', {
    token: await mailedToken(shop, 'email_verification'),
    password: PASSWORD,
  });
  t.equal(await statusOf(shop, guest.id), 'active');
  const { data } = await shop.call('GET', `/v1/customers/${guest.id}/invitations`);
  t.equal(data.data[0].status, 'revoked');
});

t.test('registration with the address of an account: the owner is told, nothing else changes', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const answer = await register(shop, email, { password: OTHER_PASSWORD, firstName: 'Mallory' });
  t.equal(answer.statusCode, 202);
  t.same(answer.data, { status: 'received' });
  t.same(await waitingMails(shop, 'email_verification'), []);
  const token = await mailedToken(shop, 'account_exists');
  t.equal((await shop.logIn(email, OTHER_PASSWORD)).statusCode, 401);
  t.equal((await shop.logIn(email)).statusCode, 200);
  const reset = await shop.page('POST', `/password-reset/${token}`, { password: OTHER_PASSWORD });
  t.equal(reset.data.customer.id, id, 'its link sets a new password');
  t.equal((await waitingMails(shop, 'account_exists'))[0]?.customerId, id, 'the mail is the customer’s now');
});

t.test('registration with the address of a disabled account sends nothing', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  await shop.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'disabled' });
  t.equal((await register(shop, email)).statusCode, 202);
  t.same(await makeMails(shop, 'account_exists'), [undefined]);
  t.same(await makeMails(shop, 'email_verification'), []);
});

t.test('registration refuses what is wrong whoever asks', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  for (const who of [email, someone()]) {
    t.equal((await register(shop, who, { password: 'password1' })).data.code, 'PASSWORD_REFUSED');
    t.equal((await register(shop, who, { phone: '12' })).data.code, 'CUSTOMER_INVALID');
    t.equal((await register(shop, who, { topics: ['no_such_topic'] })).data.code, 'TOPIC_UNKNOWN');
  }
  t.equal((await register(shop, 'nobody')).data.code, 'CUSTOMER_INVALID');
  const own = await register(shop, 'grace.hopper@example.com', { password: 'grace.hopper1' });
  t.match(own.data, {
    code: 'PASSWORD_REFUSED',
    errors: [{ pointer: '/password', code: 'PASSWORD_IS_OWN' }],
  });
  await setAccounts(shop, 'none');
  const none = await register(shop, someone());
  t.equal(none.statusCode, 409);
  t.equal(none.data.code, 'ACCOUNTS_NOT_OFFERED');
});

t.test('registration: topics are granted when the address is confirmed, not before', async (t) => {
  const shop = await newShop();
  const email = someone();
  await register(shop, email, { topics: ['newsletter'] });
  const done = await shop.page('POST', '/email-verification', {
    token: await mailedToken(shop, 'email_verification'),
    password: PASSWORD,
  });
  t.equal(done.statusCode, 200, done.body);
  const { data } = await shop.call('GET', `/v1/customers/${done.data.customer.id}`);
  t.equal(data.acceptsMarketing, true);
});

t.test('registration twice: whichever is confirmed first counts, the other is void', async (t) => {
  const shop = await newShop();
  const email = someone();
  await register(shop, email);
  await register(shop, email, { password: OTHER_PASSWORD });
  const [first, second] = (await makeMails(shop, 'email_verification')) as string[];
  t.equal(
    (await shop.page('POST', '/email-verification', { token: second, password: OTHER_PASSWORD })).statusCode,
    200,
  );
  t.equal((await shop.page('GET', `/email-verification/${first}`)).statusCode, 404);
  t.equal(
    (await shop.page('POST', '/email-verification', { token: first, password: PASSWORD })).data.code,
    'TOKEN_UNKNOWN',
  );
  t.equal((await shop.logIn(email, OTHER_PASSWORD)).statusCode, 200);
  t.same(await makeMails(shop, 'email_verification'), [undefined, undefined], 'a late mail is not sent');
});

t.test(
  'a registration in somebody else’s name opens no account, even when they follow the link',
  async (t) => {
    const shop = await newShop();
    const email = someone();
    const { data: victim } = await shop.call('POST', '/v1/customers', { email });
    await register(shop, email, { password: OTHER_PASSWORD });
    const token = await mailedToken(shop, 'email_verification');
    const refused = await shop.page('POST', '/email-verification', { token, password: PASSWORD });
    t.equal(refused.statusCode, 422, refused.body);
    t.match(refused.data, {
      code: 'PASSWORD_REFUSED',
      errors: [{ pointer: '/password', code: 'PASSWORD_MISMATCH' }],
    });
    t.equal(await statusOf(shop, victim.id), 'guest');
    t.equal((await shop.logIn(email, OTHER_PASSWORD)).statusCode, 401);
    const meant = await shop.page('POST', '/email-verification', { token, password: OTHER_PASSWORD });
    t.equal(meant.statusCode, 200, 'the link is still good for who filled in the form');
  },
);

t.test('I1 one link used many times at once: one wins', async (t) => {
  const shop = await newShop();
  const email = someone();
  await register(shop, email);
  const token = await mailedToken(shop, 'email_verification');
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => shop.page('POST', '/email-verification', { token, password: PASSWORD })),
  );
  t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1);
  t.ok(answers.every(({ statusCode }) => statusCode === 200 || statusCode === 404));
});

t.test(
  'I1 a mail that was tried twice carried two links: using one uses up both, also at once',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    await shop.page('POST', '/password-reset', { email });
    const tokens = [await mailedToken(shop, 'password_reset'), await mailedToken(shop, 'password_reset')];
    const answers = await Promise.all(
      tokens.map((token) => shop.page('POST', `/password-reset/${token}`, { password: OTHER_PASSWORD })),
    );
    t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 404]);
  },
);

t.test('C3 an order for the address at the moment of confirming: both come to one customer', async (t) => {
  const shop = await newShop();
  const email = someone();
  await register(shop, email);
  const token = await mailedToken(shop, 'email_verification');
  const [done, signedUp] = await Promise.all([
    shop.page('POST', '/email-verification', { token, password: PASSWORD }),
    shop.page('POST', '/newsletter', { email }),
  ]);
  t.equal(done.statusCode, 200, done.body);
  t.equal(signedUp.statusCode, 202, signedUp.body);
  t.equal(await statusOf(shop, done.data.customer.id), 'active');
});

t.test(
  'I3 a link of 24 hours and one second: 410 with the way out; HEAD, GET and wrong tokens use nothing up',
  async (t) => {
    const shop = await newShop();
    const email = someone();
    await register(shop, email);
    const late = await mailedToken(shop, 'email_verification', ago(DAY_MS + 1000));
    for (const [method, path, body] of [
      ['GET', `/email-verification/${late}`],
      ['POST', '/email-verification', { token: late, password: PASSWORD }],
    ] as const) {
      const answer = await shop.page(method, path, body);
      t.equal(answer.statusCode, 410);
      t.match(answer.data, { code: 'PASSWORD_TOKEN_EXPIRED', wayOut: /register/ });
    }
    const token = await mailedToken(shop, 'email_verification', ago(DAY_MS - 60_000));
    for (let look = 0; look < 5; look++) {
      t.equal((await shop.page('GET', `/email-verification/${token}`)).statusCode, 200);
      const head = await app.inject({
        method: 'HEAD',
        url: `/storefront/v1/email-verification/${token}`,
        headers: { authorization: `Bearer ${shop.publishableKey}` },
      });
      t.equal(head.statusCode, 200);
    }
    const [unknown, foreign] = [token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')), 'not a token'];
    for (const wrong of [unknown, foreign]) {
      const answer = await shop.page('POST', '/email-verification', { token: wrong, password: PASSWORD });
      t.equal(answer.statusCode, 404);
      t.equal(answer.data.code, 'TOKEN_UNKNOWN');
    }
    t.equal(
      (await shop.page('POST', `/password-reset/${token}`, { password: PASSWORD })).statusCode,
      404,
      'of another kind',
    );
    const other = await newShop();
    t.equal(
      (await other.page('POST', '/email-verification', { token, password: PASSWORD })).statusCode,
      404,
      'of another store',
    );
    t.equal((await shop.page('POST', '/email-verification', { token, password: PASSWORD })).statusCode, 200);
  },
);
