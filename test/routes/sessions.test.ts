// Sessions: refreshing, listing, ending, and what ends them.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createSchedules } from '../../src/jobs/schedules.ts';
import {
  mailedToken,
  OTHER_PASSWORD,
  openConnections,
  type Shop,
  shopOf,
  shopper,
  waitingMails,
} from '../support/accounts.ts';
import { runBulk } from '../support/bulk-jobs.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
await openConnections(database);
const newShop = async (): Promise<Shop> => shopOf(app, await testStore(app, database));

const refresh = (shop: Shop, refreshToken: string) => shop.page('POST', '/login/refresh', { refreshToken });
const isIn = async (shop: Shop, { accessToken }: { accessToken: string }): Promise<boolean> =>
  (await shop.as(accessToken, 'GET', '/me/credit')).statusCode === 200;
const endReasons = async (shop: Shop): Promise<string[]> =>
  (
    await database.owner.query(
      'select end_reason as reason from sessions where store_id = $1 and ended_at is not null',
      [shop.storeId],
    )
  ).rows.map(({ reason }) => reason);

t.test('refresh: each token is good once, and the session goes on', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const first = (await shop.logIn(email)).data;
  const second = await refresh(shop, first.refreshToken);
  t.equal(second.statusCode, 200, second.body);
  t.equal(second.headers['cache-control'], 'no-store');
  t.equal(second.data.sessionId, first.sessionId);
  t.equal(second.data.customer.id, id);
  t.not(second.data.refreshToken, first.refreshToken);
  t.ok(await isIn(shop, first), 'the access token before is still good');
  t.ok(await isIn(shop, second.data));
  const third = await refresh(shop, second.data.refreshToken);
  t.equal(third.statusCode, 200);
});

t.test('RFC 9700 a refresh token that is used twice ends the session', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const [stolen, other] = [(await shop.logIn(email)).data, (await shop.logIn(email)).data];
  const next = (await refresh(shop, stolen.refreshToken)).data;
  const again = await refresh(shop, stolen.refreshToken);
  t.match(again, { statusCode: 401, data: { code: 'SESSION_ENDED' } });
  t.equal((await refresh(shop, next.refreshToken)).statusCode, 401, 'of whoever it was');
  t.notOk(await isIn(shop, next), 'access tokens end with it');
  t.ok(await isIn(shop, other), 'other sessions do not');
  t.same(await endReasons(shop), ['token_reused']);
  const { data } = await shop.call('GET', `/v1/customers/${id}/timeline`);
  t.match(data.data[0], { kind: 'session.ended', data: { reason: 'token_reused' } });
});

t.test(
  'RFC 9700 a refresh token that is used many times at once: one wins, and the session ends',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    const { refreshToken } = (await shop.logIn(email)).data;
    const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(shop, refreshToken)));
    t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1);
    t.equal(answers.filter(({ statusCode }) => statusCode === 401).length, 5);
    t.same(await endReasons(shop), ['token_reused']);
  },
);

t.test('refresh: unknown, malformed and expired tokens are one answer', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const { refreshToken } = (await shop.logIn(email)).data;
  await database.owner.query(
    `update sessions set created_at = now() - interval '31 d', expires_at = now() - interval '1 s' where store_id = $1`,
    [shop.storeId],
  );
  for (const token of [refreshToken, 'x', 'A'.repeat(64)])
    t.match(await refresh(shop, token), { statusCode: 401, data: { code: 'SESSION_ENDED' } });
});

t.test('log-out ends the session and its access tokens; twice is fine, and so is nonsense', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const [here, there] = [(await shop.logIn(email)).data, (await shop.logIn(email)).data];
  for (const refreshToken of [here.refreshToken, here.refreshToken, 'nonsense'])
    t.equal((await shop.page('POST', '/logout', { refreshToken })).statusCode, 204);
  t.notOk(await isIn(shop, here));
  t.ok(await isIn(shop, there));
  t.equal((await refresh(shop, here.refreshToken)).statusCode, 401);
});

t.test('log-out everywhere ends all sessions at once, and nobody else’s', async (t) => {
  const shop = await newShop();
  const [one, other] = [await shopper(shop), await shopper(shop)];
  const [here, there, theirs] = [
    (await shop.logIn(one.email)).data,
    (await shop.logIn(one.email)).data,
    (await shop.logIn(other.email)).data,
  ];
  t.equal((await shop.as(here.accessToken, 'POST', '/logout-everywhere')).statusCode, 204);
  t.notOk(await isIn(shop, here));
  t.notOk(await isIn(shop, there));
  t.ok(await isIn(shop, theirs));
  t.equal((await shop.as(here.accessToken, 'POST', '/logout-everywhere')).statusCode, 401);
});

t.test('sessions are listed, the asking one marked, and ended one by one', async (t) => {
  const shop = await newShop();
  const [one, other] = [await shopper(shop), await shopper(shop)];
  const [old, here, theirs] = [
    (await shop.logIn(one.email)).data,
    (await shop.logIn(one.email)).data,
    (await shop.logIn(other.email)).data,
  ];
  const list = async () => (await shop.as(here.accessToken, 'GET', '/me/sessions')).data.data;
  t.match(await list(), [
    { id: here.sessionId, current: true, method: 'password', provider: null, ip: '127.0.0.1' },
    { id: old.sessionId, current: false },
  ]);
  const end = (sessionId: string) => shop.as(here.accessToken, 'DELETE', `/me/sessions/${sessionId}`);
  t.equal((await end(theirs.sessionId)).statusCode, 404, 'somebody else’s is not there');
  t.equal((await end(old.sessionId)).statusCode, 204);
  t.equal((await end(old.sessionId)).statusCode, 404);
  t.notOk(await isIn(shop, old));
  t.ok(await isIn(shop, theirs));
  t.equal((await list()).length, 1);
});

t.test('staff lists and ends the sessions of a customer', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const [one, two, three] = [
    (await shop.logIn(email)).data,
    (await shop.logIn(email)).data,
    (await shop.logIn(email)).data,
  ];
  const url = `/v1/customers/${id}/sessions`;
  const { data } = await shop.call('GET', url);
  t.same(
    data.data.map((session: { id: string }) => session.id),
    [three.sessionId, two.sessionId, one.sessionId],
  );
  t.equal((await shop.call('DELETE', `${url}/${two.sessionId}`)).statusCode, 204);
  t.notOk(await isIn(shop, two));
  t.ok(await isIn(shop, one));
  t.equal((await shop.call('DELETE', `${url}/${two.sessionId}`)).statusCode, 404);
  t.equal((await shop.call('DELETE', url)).statusCode, 204);
  t.notOk(await isIn(shop, one));
  t.notOk(await isIn(shop, three));
  t.same((await shop.call('GET', url)).data.data, []);
  t.equal((await shop.call('GET', `/v1/customers/${randomUUID()}/sessions`)).statusCode, 404);
});

t.test('a customer has at most 50 open sessions: the oldest gives way', async (t) => {
  const shop = await newShop();
  const { email } = await shopper(shop);
  const first = (await shop.logIn(email)).data;
  await database.owner.query(
    `insert into sessions (store_id, id, customer_id, method, created_at, last_used_at, expires_at)
     select store_id, gen_random_uuid(), customer_id, method, created_at, last_used_at, expires_at
     from sessions, generate_series(1, 49) where store_id = $1`,
    [shop.storeId],
  );
  await database.owner.query(
    `update sessions set id = '01900000-0000-7000-8000-000000000000' where store_id = $1 and id <> $2
       and id = (select min(id::text)::uuid from sessions where store_id = $1 and id <> $2)`,
    [shop.storeId, first.sessionId],
  );
  const last = (await shop.logIn(email)).data;
  t.equal((await shop.as(last.accessToken, 'GET', '/me/sessions')).data.data.length, 50);
  t.same(await endReasons(shop), ['too_many']);
});

t.test('C4 disabling ends sessions and links; staff’s tokens too', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const session = (await shop.logIn(email)).data;
  const { data: made } = await shop.call('POST', `/v1/customers/${id}/storefront-tokens`, {});
  t.ok(await isIn(shop, { accessToken: made.token }), 'a token without a session works');
  await shop.page('POST', '/password-reset', { email });
  const link = await mailedToken(shop, 'password_reset');
  await shop.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'disabled' });
  t.notOk(await isIn(shop, session));
  t.notOk(await isIn(shop, { accessToken: made.token }));
  t.equal((await refresh(shop, session.refreshToken)).statusCode, 401);
  t.equal((await shop.page('GET', `/password-reset/${link}`)).statusCode, 404);
  await shop.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'active' });
  t.notOk(await isIn(shop, session), 'enabling brings no session back');
  t.same(await endReasons(shop), ['account_disabled']);
});

t.test('C4 disabling in bulk ends the sessions of those who were disabled', async (t) => {
  const shop = await newShop();
  const [one, two, other] = [await shopper(shop), await shopper(shop), await shopper(shop)];
  const [first, second, third] = [
    (await shop.logIn(one.email)).data,
    (await shop.logIn(two.email)).data,
    (await shop.logIn(other.email)).data,
  ];
  const done = await runBulk(shop, { action: 'disable', ids: [one.id, two.id] });
  t.equal(done.data.status, 'completed', done.body);
  t.notOk(await isIn(shop, first));
  t.notOk(await isIn(shop, second));
  t.ok(await isIn(shop, third));
  t.same(await endReasons(shop), ['account_disabled', 'account_disabled']);
});

t.test(
  'C10 merging: the account that survives keeps its password, and an undone merge gives it back',
  async (t) => {
    const shop = await newShop();
    const account = await shopper(shop);
    const { data: guest } = await shop.call('POST', '/v1/customers', { lastName: 'Lovelace' });
    const session = (await shop.logIn(account.email)).data;
    const merged = await shop.call('POST', `/v1/customers/${guest.id}/merge`, { from: account.id });
    t.equal(merged.statusCode, 200, merged.body);
    t.notOk(await isIn(shop, session), 'whoever was logged in to the merged customer is not any more');
    const now = (await shop.logIn(account.email)).data;
    t.equal(now.customer.id, guest.id);
    const undone = await shop.call('POST', `/v1/customers/${account.id}/unmerge`);
    t.equal(undone.statusCode, 200, undone.body);
    t.notOk(await isIn(shop, now));
    t.equal((await shop.logIn(account.email)).data.customer.id, account.id);
    t.same((await endReasons(shop)).sort(), ['customer_gone', 'customer_gone']);
  },
);

t.test('C10 merging a second account away: its password and sessions end, the survivor’s stay', async (t) => {
  const shop = await newShop();
  const [one, two] = [await shopper(shop), await shopper(shop, { password: OTHER_PASSWORD })];
  const [mine, theirs] = [
    (await shop.logIn(one.email)).data,
    (await shop.logIn(two.email, OTHER_PASSWORD)).data,
  ];
  await shop.call('POST', `/v1/customers/${one.id}/merge`, { from: two.id });
  t.ok(await isIn(shop, mine));
  t.notOk(await isIn(shop, theirs));
  t.equal((await shop.logIn(two.email, OTHER_PASSWORD)).statusCode, 401);
  t.equal((await shop.logIn(one.email)).statusCode, 200);
});

t.test('deleting a customer ends everything', async (t) => {
  const shop = await newShop();
  const { id, email } = await shopper(shop);
  const session = (await shop.logIn(email)).data;
  t.equal((await shop.call('DELETE', `/v1/customers/${id}`)).statusCode, 204);
  t.notOk(await isIn(shop, session));
  t.equal((await refresh(shop, session.refreshToken)).statusCode, 401);
  t.equal((await shop.logIn(email)).statusCode, 401);
});

t.test('a session of one customer is none of another’s, whatever the token says', async (t) => {
  const shop = await newShop();
  const { signCustomerToken } = await import('../../src/tokens.ts');
  const { TEST_CONFIG } = await import('../support/harness.ts');
  const [one, two] = [await shopper(shop), await shopper(shop)];
  const { sessionId } = (await shop.logIn(one.email)).data;
  const { storeId } = shop;
  const tokenOf = (customerId: string, sid: string) => ({
    accessToken: signCustomerToken(TEST_CONFIG, { storeId, customerId, lifetimeSeconds: 60, sessionId: sid }),
  });
  t.ok(await isIn(shop, tokenOf(one.id, sessionId)));
  t.notOk(await isIn(shop, tokenOf(two.id, sessionId)));
  t.notOk(await isIn(shop, tokenOf(one.id, randomUUID())));
  t.notOk(await isIn(shop, tokenOf(one.id, 'x')));
});

t.test(
  'what is over is removed: tokens, sessions, registrations, throttles, mails of strangers',
  async (t) => {
    const shop = await newShop();
    const { email } = await shopper(shop);
    const kept = (await shop.logIn(email)).data;
    await shop.logIn(email);
    await shop.logIn(`${randomUUID()}@example.com`);
    await shop.page('POST', '/register', { email: `${randomUUID()}@example.com`, password: OTHER_PASSWORD });
    await shop.page('POST', '/password-reset', { email });
    await mailedToken(shop, 'password_reset');
    const { storeId } = shop;
    const old = async (statement: string, ...more: unknown[]) =>
      database.owner.query(`${statement} and store_id = $1`, [storeId, ...more]);
    await old(`update sessions set expires_at = now() - interval '31 d' where id <> $2`, kept.sessionId);
    await old(`update account_tokens set expires_at = now() - interval '31 d' where true`);
    await old(`update registrations set expires_at = now() - interval '1 s' where true`);
    await old(`update login_throttles set since = now() - interval '25 h' where true`);
    await old(
      `update messages set status = 'skipped', reason = 'obsolete', created_at = now() - interval '8 d' where kind = 'email_verification'`,
    );
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    await createSchedules(database.pool, [], log).run(new Date());
    const countOf = async (table: string) =>
      (await database.owner.query(`select count(*)::int as n from ${table} where store_id = $1`, [storeId]))
        .rows[0].n;
    for (const [table, left] of Object.entries({
      sessions: 1,
      refresh_tokens: 1,
      account_tokens: 0,
      registrations: 0,
      login_throttles: 0,
    }))
      t.equal(await countOf(table), left, table);
    t.same(await waitingMails(shop, 'email_verification'), []);
    t.equal((await waitingMails(shop, 'password_reset')).length, 1, 'what waits is left alone');
    t.ok(await isIn(shop, kept));
  },
);
