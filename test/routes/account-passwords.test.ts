// Forgotten and changed passwords, and changes of the address.
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import t from 'tap';
import { execute } from '../../src/db/connection.ts';
import {
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

const eventsOf = async (store: TestStore, id: string): Promise<string[]> =>
  (await store.call('GET', `/v1/customers/${id}/timeline?limit=100`)).data.data.map(
    ({ kind }: { kind: string }) => kind,
  );

t.test('password reset: the same answer for all, a mail only for active accounts', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const guest = someone();
  await shop.call('POST', '/v1/customers', { email: guest });
  for (const who of [email, guest, someone(), 'no address']) {
    const answer = await shop.page('POST', '/password-reset', { email: who });
    t.equal(answer.statusCode, 202, answer.body);
    t.same(answer.data, { status: 'received' });
  }
  const made = await makeMails(shop, 'password_reset');
  t.equal(made.length, 3);
  t.equal(made.filter((token) => token !== undefined).length, 1);
});

t.test('password reset: sets the password, ends all sessions and throttles, logs in', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const before = (await shop.logIn(email)).data;
  for (let failure = 0; failure < 5; failure++) await shop.logIn(email, OTHER_PASSWORD);
  t.equal((await shop.logIn(email)).statusCode, 429);
  await shop.page('POST', '/password-reset', { email });
  const token = await mailedToken(shop, 'password_reset');
  t.match((await shop.page('GET', `/password-reset/${token}`)).data, {
    status: 'open',
    email: /•••@example\.com$/,
  });
  const weak = await shop.page('POST', `/password-reset/${token}`, { password: 'password1' });
  t.equal(weak.data.code, 'PASSWORD_REFUSED', 'which does not use the link up');
  const done = await shop.page('POST', `/password-reset/${token}`, { password: OTHER_PASSWORD });
  t.equal(done.statusCode, 200, done.body);
  t.equal((await shop.as(done.data.accessToken, 'GET', '/me/credit')).statusCode, 200);
  t.equal((await shop.as(before.accessToken, 'GET', '/me/credit')).statusCode, 401);
  t.equal((await shop.page('POST', '/login/refresh', before)).statusCode, 400, 'unknown fields are refused');
  const { refreshToken } = before;
  t.equal((await shop.page('POST', '/login/refresh', { refreshToken })).data.code, 'SESSION_ENDED');
  t.equal((await shop.logIn(email)).data.code, 'LOGIN_FAILED');
  t.equal((await shop.logIn(email, OTHER_PASSWORD)).statusCode, 200);
  t.equal((await shop.page('GET', `/password-reset/${token}`)).statusCode, 404);
  const told = await eventsOf(shop, id);
  for (const kind of ['password.reset_requested', 'password.changed', 'session.ended'])
    t.ok(told.includes(kind), kind);
});

t.test(
  'I3 a reset link of 24 hours and one second: 410; of a disabled account or a former address: 404',
  async (t) => {
    const shop = await newShop();
    const [one, two, three] = [await shopper(shop), await shopper(shop), await shopper(shop)];
    const tokenFor = async ({ email }: { email: string }, at?: Date) => {
      await shop.page('POST', '/password-reset', { email });
      return mailedToken(shop, 'password_reset', at);
    };
    const [late, disabled, moved] = [
      await tokenFor(one, ago(DAY_MS + 1000)),
      await tokenFor(two),
      await tokenFor(three),
    ];
    await shop.call('PATCH', `/v1/customers/${two.id}`, { accountStatus: 'disabled' });
    await shop.call('PATCH', `/v1/customers/${three.id}`, { email: someone() });
    const expired = await shop.page('POST', `/password-reset/${late}`, { password: OTHER_PASSWORD });
    t.equal(expired.statusCode, 410);
    t.match(expired.data, { code: 'PASSWORD_TOKEN_EXPIRED', wayOut: /password-reset/ });
    for (const token of [disabled, moved])
      t.equal(
        (await shop.page('POST', `/password-reset/${token}`, { password: OTHER_PASSWORD })).statusCode,
        404,
      );
    await shop.call('PATCH', `/v1/customers/${two.id}`, { accountStatus: 'active' });
    t.equal(
      (await shop.page('GET', `/password-reset/${disabled}`)).statusCode,
      404,
      'enabling brings no link back',
    );
  },
);

t.test('password reset by staff: active accounts with an email, once per Idempotency-Key', async (t) => {
  const shop = await newShop();
  const { id } = await shopper(shop);
  const { data: guest } = await shop.call('POST', '/v1/customers', { email: someone() });
  const { data: bare } = await shop.call('POST', '/v1/customers', {
    lastName: 'Byron',
    accountStatus: 'active',
  });
  const send = (customerId: string, key = randomUUID()) =>
    shop.call('POST', `/v1/customers/${customerId}/password-reset`, undefined, { 'idempotency-key': key });
  const key = randomUUID();
  const sent = await send(id, key);
  t.equal(sent.statusCode, 202, sent.body);
  t.same((await send(id, key)).data, sent.data);
  t.equal((await waitingMails(shop, 'password_reset')).length, 1);
  t.match(await send(guest.id), { statusCode: 409, data: { code: 'ACCOUNT_NOT_ACTIVE' } });
  t.match(await send(bare.id), { statusCode: 409, data: { code: 'NO_EMAIL' } });
  t.match(await shop.call('POST', `/v1/customers/${id}/password-reset`), { statusCode: 400 });
  const token = await mailedToken(shop, 'password_reset');
  t.equal(
    (await shop.page('POST', `/password-reset/${token}`, { password: OTHER_PASSWORD })).statusCode,
    200,
  );
});

t.test(
  'mails that strangers ask for are bounded for each address, known or not, with the same answer',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    const unknown = someone();
    for (const who of [email, unknown])
      for (let ask = 0; ask < 6; ask++)
        t.same((await shop.page('POST', '/password-reset', { email: who })).data, { status: 'received' });
    const mails = await waitingMails(shop, 'password_reset');
    t.equal(mails.filter(({ toEmail }) => toEmail === email).length, 3);
    t.equal(mails.filter(({ toEmail }) => toEmail === unknown).length, 3);
  },
);

t.test(
  'change of password: asks for the old one, keeps this session, ends the others and every link',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    const [here, there] = [(await shop.logIn(email)).data, (await shop.logIn(email)).data];
    await shop.page('POST', '/password-reset', { email });
    const link = await mailedToken(shop, 'password_reset');
    const change = (currentPassword: string, newPassword: string) =>
      shop.as(here.accessToken, 'POST', '/me/password', { currentPassword, newPassword });
    t.match(await change(OTHER_PASSWORD, OTHER_PASSWORD), {
      statusCode: 403,
      data: { code: 'PASSWORD_WRONG' },
    });
    t.match(await change(PASSWORD, 'password1'), { data: { errors: [{ pointer: '/newPassword' }] } });
    t.equal((await change(PASSWORD, OTHER_PASSWORD)).statusCode, 204);
    t.equal((await shop.as(here.accessToken, 'GET', '/me/credit')).statusCode, 200);
    t.equal((await shop.as(there.accessToken, 'GET', '/me/credit')).statusCode, 401);
    t.equal((await shop.page('GET', `/password-reset/${link}`)).statusCode, 404);
    t.equal((await shop.logIn(email)).statusCode, 401);
    t.equal((await shop.logIn(email, OTHER_PASSWORD)).statusCode, 200);
  },
);

t.test('change of password: guessing the old one is throttled as a log-in', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const { accessToken } = (await shop.logIn(email)).data;
  const guess = () =>
    shop.as(accessToken, 'POST', '/me/password', {
      currentPassword: 'wrong wrong wrong',
      newPassword: OTHER_PASSWORD,
    });
  for (let failure = 0; failure < 5; failure++) t.equal((await guess()).statusCode, 403);
  t.equal((await guess()).data.code, 'LOGIN_THROTTLED');
});

t.test('change of password: an account without one is told to set one by mail', async (t) => {
  const shop = await newShop();
  const { data } = await shop.call('POST', '/v1/customers', { email: someone(), accountStatus: 'active' });
  const { data: made } = await shop.call('POST', `/v1/customers/${data.id}/storefront-tokens`, {});
  const answer = await shop.as(made.token, 'POST', '/me/password', {
    currentPassword: PASSWORD,
    newPassword: OTHER_PASSWORD,
  });
  t.match(answer, { statusCode: 409, data: { code: 'PASSWORD_NOT_SET' } });
});

t.test('two changes of the password at once: one wins, the other is told', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const { accessToken } = (await shop.logIn(email)).data;
  const answers = await Promise.all(
    ['a first long sentence', 'a second long sentence'].map((newPassword) =>
      shop.as(accessToken, 'POST', '/me/password', { currentPassword: PASSWORD, newPassword }),
    ),
  );
  const codes = answers.map(({ statusCode }) => statusCode).sort();
  t.ok(codes[0] === 204 && [403, 409].includes(codes[1] ?? 0), String(codes));
});

const askForEmail = (shop: Shop, accessToken: string, email: string, password = PASSWORD) =>
  shop.as(accessToken, 'POST', '/me/email', { email, password });

t.test('change of email: confirmed at the new address, told at the old one', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const { accessToken } = (await shop.logIn(email)).data;
  const wanted = `New.${randomUUID()}@Example.org`;
  t.match(await askForEmail(shop, accessToken, wanted, OTHER_PASSWORD), { data: { code: 'PASSWORD_WRONG' } });
  t.match(await askForEmail(shop, accessToken, 'nobody'), { data: { code: 'CUSTOMER_INVALID' } });
  t.match(await askForEmail(shop, accessToken, email.toUpperCase()), {
    data: { errors: [{ code: 'EMAIL_UNCHANGED' }] },
  });
  const asked = await askForEmail(shop, accessToken, wanted);
  t.equal(asked.statusCode, 202, asked.body);
  t.match(await waitingMails(shop, 'email_change'), [{ customerId: id, toEmail: wanted.toLowerCase() }]);
  t.match(await waitingMails(shop, 'email_changed'), [{ customerId: id, toEmail: email }]);
  t.same(await makeMails(shop, 'email_changed'), [undefined], 'the notice opens nothing');
  t.equal((await shop.logIn(email)).statusCode, 200, 'until then the old one holds');
  await shop.page('POST', '/password-reset', { email });
  const reset = await mailedToken(shop, 'password_reset');
  const token = await mailedToken(shop, 'email_change');
  t.match((await shop.page('GET', `/email-change/${token}`)).data, { email: /^N•••@Example\.org$/ });
  const done = await shop.page('POST', '/email-change', { token });
  t.same(done.data, { email: wanted });
  t.equal((await shop.logIn(email)).statusCode, 401);
  t.equal((await shop.logIn(wanted)).statusCode, 200);
  t.equal((await shop.as(accessToken, 'GET', '/me/credit')).statusCode, 200, 'sessions go on');
  t.equal(
    (await shop.page('GET', `/password-reset/${reset}`)).statusCode,
    404,
    'links at the old address are dead',
  );
  t.equal((await shop.page('POST', '/email-change', { token })).statusCode, 404);
  const { data } = await shop.call('GET', `/v1/customers/${id}`);
  t.equal(data.email, wanted);
  t.ok((await eventsOf(shop, id)).includes('email.changed'));
});

t.test(
  'C1 change of email: that an address is taken is told to its owner only, and without the other’s id',
  async (t) => {
    const shop = await newShop();
    const [mine, other] = [await shopper(shop), await shopper(shop)];
    const { accessToken } = (await shop.logIn(mine.email)).data;
    const asked = await askForEmail(shop, accessToken, other.email);
    t.equal(asked.statusCode, 202);
    t.same(asked.data, { status: 'received' });
    const token = await mailedToken(shop, 'email_change');
    const answer = await shop.page('POST', '/email-change', { token });
    t.equal(answer.statusCode, 409);
    t.equal(answer.data.code, 'EMAIL_TAKEN');
    t.notOk('customerId' in answer.data);
    await shop.call('PATCH', `/v1/customers/${other.id}`, { email: someone() });
    t.equal(
      (await shop.page('POST', '/email-change', { token })).statusCode,
      200,
      'the refusal did not use it up',
    );
  },
);

t.test('C1 two customers confirm one address at once: one wins', async (t) => {
  const shop = await newShop();
  const wanted = someone();
  const tokens: string[] = [];
  for (const { email } of [await shopper(shop), await shopper(shop)]) {
    await askForEmail(shop, (await shop.logIn(email)).data.accessToken, wanted);
    tokens.push(await mailedToken(shop, 'email_change'));
  }
  const answers = await Promise.all(tokens.map((token) => shop.page('POST', '/email-change', { token })));
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 409]);
  for (const { data } of answers) t.notOk('customerId' in data);
});

t.test('I3 a link to a new address of 24 hours and one second: 410', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  await askForEmail(shop, (await shop.logIn(email)).data.accessToken, someone());
  const token = await mailedToken(shop, 'email_change', ago(DAY_MS + 1000));
  t.match(await shop.page('POST', '/email-change', { token }), {
    statusCode: 410,
    data: { wayOut: /me\/email/ },
  });
});

t.test('secrets are in no row: passwords as argon2id, tokens as SHA-256', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const { refreshToken } = (await shop.logIn(email)).data;
  await shop.page('POST', '/password-reset', { email });
  const token = await mailedToken(shop, 'password_reset');
  for (const table of [
    'credentials',
    'account_tokens',
    'refresh_tokens',
    'sessions',
    'messages',
    'events',
    'registrations',
    'login_throttles',
  ]) {
    const rows = await execute<{ row: string }>(
      shop.ctx().db,
      sql`select r::text as row from ${sql.identifier(table)} r where store_id = ${shop.storeId}`,
    );
    const text = JSON.stringify(rows);
    for (const secret of [PASSWORD, refreshToken, token]) t.notOk(text.includes(secret), table);
  }
});
