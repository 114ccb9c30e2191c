// Invitations over HTTP (I1–I4); the mails are made here, as the sender makes them.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { readOpenInvitation } from '../../src/actions/invitation-acceptance.ts';
import { listInvitations } from '../../src/db/invitations.ts';
import { invitationStatus } from '../../src/domain/accounts/invitations.ts';
import { MESSAGE_STATUSES } from '../../src/domain/mail/messages.ts';
import { call, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { invite, invitedToken, makeGuest, sendInvitations } from '../support/invitations.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);
const { owner } = database;

const HOUR_MS = 3_600_000;
const PASSWORD = 'plough harbour violet seven';
const UNKNOWN = Buffer.alloc(48, 7).toString('base64url');

const shop = (it: TestStore, method: string, url: string, body?: unknown) =>
  call(app, it.publishableKey, method, `/storefront/v1${url}`, body);
const look = (it: TestStore, token: string) => shop(it, 'GET', `/invitations/${token}`);
const accept = (it: TestStore, token: string, body: object = {}) =>
  shop(it, 'POST', `/invitations/${token}`, { password: PASSWORD, ...body });
const customer = async (it: TestStore, id: string) => (await it.call('GET', `/v1/customers/${id}`)).data;
const statusOf = async (it: TestStore, customerId: string): Promise<string> =>
  (await it.call('GET', `/v1/customers/${customerId}/invitations`)).data.data[0].status;
const kindsOf = async (it: TestStore, customerId: string): Promise<string[]> =>
  (
    await owner.query('select kind from events where store_id = $1 and customer_id = $2 order by id', [
      it.storeId,
      customerId,
    ])
  ).rows.map(({ kind }) => kind);

/** Links are in the past by so much: what was made now is as old. */
const age = (it: TestStore, byMs: number) =>
  owner.query(
    `update account_tokens set expires_at = expires_at - $2 * interval '1 millisecond' where store_id = $1`,
    [it.storeId, byMs],
  );

t.test('C4 inviting queues a mail and makes the guest invited, in one transaction', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'Ada@Example.com' });
  const answer = await invite(it, id);
  t.equal(answer.statusCode, 201);
  t.equal(answer.headers.location, `/v1/customers/${id}/invitations`);
  t.match(answer.data, {
    customerId: id,
    status: 'queued',
    email: 'Ada@Example.com',
    createdBy: 'staff:tester',
    expiresAt: null,
    sentAt: null,
  });
  t.match(await customer(it, id), { accountStatus: 'invited', version: 2 });
  const { rows } = await owner.query('select id, kind, class, status from messages where store_id = $1', [
    it.storeId,
  ]);
  t.same(rows, [
    { id: answer.data.messageId, kind: 'invitation', class: 'transactional', status: 'pending' },
  ]);
  t.ok((await kindsOf(it, id)).includes('invitation.queued'));
});

t.test('inviting needs an Idempotency-Key, and a repeat invites once', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const bare = await it.call('POST', `/v1/customers/${id}/invitation`);
  t.equal(bare.data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const headers = { 'idempotency-key': randomUUID() };
  const first = await it.call('POST', `/v1/customers/${id}/invitation`, undefined, headers);
  const again = await it.call('POST', `/v1/customers/${id}/invitation`, undefined, headers);
  t.equal(again.data.id, first.data.id);
  t.equal(again.headers['idempotency-replayed'], 'true');
});

t.test('C4 who cannot be invited is refused with the way out', async (t) => {
  const it = await store();
  const refused = async (id: string) => {
    const { statusCode, data } = await invite(it, id);
    return [statusCode, data.code, typeof data.wayOut];
  };
  const active = await makeGuest(it, { accountStatus: 'active' });
  t.same(await refused(active), [409, 'ALREADY_ACTIVE', 'string']);
  await it.call('PATCH', `/v1/customers/${active}`, { accountStatus: 'disabled' });
  t.same(await refused(active), [409, 'ACCOUNT_STATE_CONFLICT', 'string']);
  t.same(await refused(await makeGuest(it, { email: null, lastName: 'Doe' })), [409, 'NO_EMAIL', 'string']);
  const [gone, bounced] = [await makeGuest(it), await makeGuest(it, { email: 'bounced@example.com' })];
  await owner.query(`update customers set account_status = 'erased' where store_id = $1 and id = $2`, [
    it.storeId,
    gone,
  ]);
  t.equal((await invite(it, gone)).data.code, 'CUSTOMER_GONE');
  await suppress(it, 'bounced@example.com');
  t.match((await invite(it, bounced)).data, { code: 'ADDRESS_SUPPRESSED', reason: 'hard_bounce' });
  t.equal((await customer(it, bounced)).accountStatus, 'guest', 'a refusal changes nothing');
  await it.call('PATCH', '/v1/store', { accounts: 'none' });
  t.same(await refused(await makeGuest(it)), [409, 'ACCOUNTS_NOT_OFFERED', 'string']);
  t.equal((await invite(await store(), gone)).statusCode, 404, 'another store knows nobody');
});

const suppress = (it: TestStore, email: string, until: Date | null = null) =>
  owner.query(
    `insert into suppressions (store_id, address_hash, email, reason, bounces, counted_since, until, active, actor, created_at, updated_at)
     values ($1, sha256($2::text::bytea), $2, 'hard_bounce', 1, now(), $3, true, 'system', now(), now())`,
    [it.storeId, email, until],
  );

t.test('an address that was suppressed for a time can be invited when it is over', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'full@example.com' });
  await suppress(it, 'full@example.com', new Date(Date.now() - 1));
  t.equal((await invite(it, id)).statusCode, 201);
});

t.test('I1 only the hash of the token is stored, and it is made with the mail', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  await invite(it, id);
  const count = async () =>
    (await owner.query('select * from account_tokens where store_id = $1', [it.storeId])).rows;
  t.same(await count(), [], 'no token before the mail');
  const tokens = await sendInvitations(it, owner);
  const [text = ''] = tokens.values();
  const [row] = await count();
  t.equal(Buffer.from(text, 'base64url').length, 48, 'the store and 256 random bits');
  t.notOk(JSON.stringify(row).includes(text));
  t.equal(row.secret_hash.length, 32);
});

t.test('I1 a mail that waits long is not dead on arrival: its time begins when it is made', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const { data } = await invite(it, id);
  await owner.query(`update invitations set created_at = now() - interval '40 hours' where store_id = $1`, [
    it.storeId,
  ]);
  const at = new Date();
  const tokens = await sendInvitations(it, owner, { at });
  const [row] = (await it.call('GET', `/v1/customers/${id}/invitations`)).data.data;
  t.equal(row.expiresAt, new Date(at.getTime() + 24 * HOUR_MS).toISOString());
  t.equal((await look(it, tokens.get(data.messageId) ?? '')).statusCode, 200);
});

t.test('I1 the store says how long a link works', async (t) => {
  const it = await store();
  await owner.query(
    `update stores set settings = jsonb_set(settings, '{mail}', '{"invitationHours": 72}') where id = $1`,
    [it.storeId],
  );
  const id = await makeGuest(it);
  const at = new Date();
  await invitedToken(it, owner, id, at);
  const [row] = (await it.call('GET', `/v1/customers/${id}/invitations`)).data.data;
  t.equal(row.expiresAt, new Date(at.getTime() + 72 * HOUR_MS).toISOString());
});

t.test('I1 each attempt to send makes a link; using one uses them all', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const first = await invitedToken(it, owner, id);
  await owner.query(`update messages set status = 'deferred' where store_id = $1`, [it.storeId]);
  const [second = ''] = (await sendInvitations(it, owner)).values();
  t.not(first, second);
  t.equal((await look(it, first)).statusCode, 200, 'the first attempt may have arrived');
  t.equal((await accept(it, second)).statusCode, 200);
  t.equal((await look(it, first)).statusCode, 404);
});

t.test('I2 a mail scanner that opens every link before the human uses nothing up', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  const urls = [`/storefront/v1/invitations/${token}`, `/pages/invitation/${token}`];
  const authorization = `Bearer ${it.publishableKey}`;
  for (const url of urls) {
    for (const method of ['HEAD', 'GET'] as const) {
      for (const headers of [{}, { 'sec-purpose': 'prefetch;prerender' }, { purpose: 'prefetch' }]) {
        const answer = await app.inject({ method, url, headers: { authorization, ...headers } });
        t.equal(answer.statusCode, 200, `${method} ${url.split('/')[1]}`);
        t.equal(answer.headers['cache-control'], 'no-store');
      }
    }
  }
  t.equal((await customer(it, id)).accountStatus, 'invited');
  const answer = await accept(it, token);
  t.equal(answer.statusCode, 200, 'the human comes after it');
  t.equal((await customer(it, id)).accountStatus, 'active');
});

t.test('I4 HEAD and prefetching do not count as opening the page; looking does, once', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  const url = `/storefront/v1/invitations/${token}`;
  const authorization = `Bearer ${it.publishableKey}`;
  await app.inject({ method: 'HEAD', url, headers: { authorization } });
  await app.inject({ method: 'GET', url, headers: { authorization, 'sec-purpose': 'prefetch' } });
  t.equal(await statusOf(it, id), 'sent');
  await look(it, token);
  await look(it, token);
  t.equal(await statusOf(it, id), 'opened');
  t.equal((await kindsOf(it, id)).filter((kind) => kind === 'invitation.opened').length, 1);
});

t.test('the page of the link shows who invites, and of the address only enough', async (t) => {
  const it = await store();
  const token = await invitedToken(it, owner, await makeGuest(it, { email: 'ada@example.com' }));
  const { data } = await look(it, token);
  t.match(data, { status: 'open', storeName: 'Test store', email: 'a•••@example.com', needsName: true });
  t.same(Object.keys(data).sort(), ['email', 'expiresAt', 'needsName', 'status', 'storeName']);
});

t.test('accepting makes the account active, with the password, and logs in', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { firstName: 'Ada' });
  const token = await invitedToken(it, owner, id);
  const answer = await accept(it, token, { lastName: 'Lovelace', topics: ['newsletter'] });
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['cache-control'], 'no-store');
  t.match(answer.data, {
    accessToken: String,
    refreshToken: String,
    customer: { id, firstName: 'Ada', lastName: 'Lovelace' },
  });
  const now = await customer(it, id);
  t.match(now, { accountStatus: 'active', firstName: 'Ada', lastName: 'Lovelace', acceptsMarketing: true });
  t.ok(now.registeredAt);
  t.equal(await statusOf(it, id), 'accepted');
  const mine = await call(app, answer.data.accessToken, 'GET', '/storefront/v1/me/credit');
  t.equal(mine.statusCode, 200, 'the access token works');
  const login = await shop(it, 'POST', '/login', { email: now.email, password: PASSWORD });
  t.equal(login.statusCode, 200, 'so does the password');
  const { rows } = await owner.query(
    `select status from messages where customer_id = $1 and kind = 'welcome'`,
    [id],
  );
  t.same(rows, [{ status: 'pending' }], 'a mail welcomes');
  const kinds = await kindsOf(it, id);
  for (const kind of ['invitation.accepted', 'login.succeeded', 'consent.granted'])
    t.ok(kinds.includes(kind), kind);
});

t.test('a password that is refused leaves the link as it is', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'grace.hopper@example.com' });
  const token = await invitedToken(it, owner, id);
  for (const password of ['short', 'password1', 'grace.hopper@example.com', 'x'.repeat(200)]) {
    const { statusCode, data } = await accept(it, token, { password });
    t.match([statusCode, data.code], [422, 'PASSWORD_REFUSED'], password);
  }
  t.match((await accept(it, token, { topics: ['no_such_topic'] })).data, { code: 'TOPIC_UNKNOWN' });
  t.equal((await customer(it, id)).accountStatus, 'invited');
  t.equal((await accept(it, token)).statusCode, 200);
});

t.test('I1 of parallel acceptances one wins', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  const passwords = Array.from({ length: 5 }, (_, index) => `${PASSWORD} ${index}`);
  const answers = await Promise.all(passwords.map((password) => accept(it, token, { password })));
  const codes = answers.map(({ statusCode }) => statusCode).sort();
  t.same(codes, [200, 404, 404, 404, 404]);
  const winner = answers.findIndex(({ statusCode }) => statusCode === 200);
  const { email } = await customer(it, id);
  const logins = await Promise.all(
    passwords.map((password) => shop(it, 'POST', '/login', { email, password })),
  );
  t.same(
    logins.map(({ statusCode }) => statusCode === 200),
    passwords.map((_, index) => index === winner),
    'and the password is the winner’s',
  );
});

t.test('I3 a link that is 24 hours and a second old has expired, and says the way out', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  await age(it, 24 * HOUR_MS - 5_000);
  t.equal((await look(it, token)).statusCode, 200, 'five seconds before');
  await age(it, 6_000);
  for (const answer of [await look(it, token), await accept(it, token)]) {
    t.match([answer.statusCode, answer.data.code], [410, 'PASSWORD_TOKEN_EXPIRED']);
    t.match(answer.data.wayOut, /renew/);
  }
  t.equal((await customer(it, id)).accountStatus, 'invited');
});

t.test('I3 used, revoked, replaced, foreign and invented links look the same', async (t) => {
  const it = await store();
  const used = await invitedToken(it, owner, await makeGuest(it));
  await accept(it, used);
  const revokedId = await makeGuest(it);
  const revoked = await invitedToken(it, owner, revokedId);
  await it.call('DELETE', `/v1/customers/${revokedId}/invitation`);
  const againId = await makeGuest(it);
  const replaced = await invitedToken(it, owner, againId);
  await invite(it, againId);
  const other = await store();
  const foreign = await invitedToken(other, owner, await makeGuest(other));
  const shape = async (token: string, method: 'GET' | 'POST') => {
    const answer = method === 'GET' ? await look(it, token) : await accept(it, token);
    const { instance: _, ...rest } = answer.data;
    return [answer.statusCode, rest];
  };
  for (const method of ['GET', 'POST'] as const) {
    const expected = await shape(UNKNOWN, method);
    t.equal(expected[0], 404);
    for (const token of [used, revoked, replaced, foreign, 'x', 'a'.repeat(64)])
      t.same(await shape(token, method), expected, `${method} ${token.slice(0, 8)}`);
  }
  t.equal((await look(other, foreign)).statusCode, 200, 'where it belongs it works');
});

t.test('inviting again kills the old link at once, and a mail that waits', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const old = await invitedToken(it, owner, id);
  const { data: waiting } = await invite(it, id);
  t.equal((await look(it, old)).statusCode, 404);
  const { data: last } = await invite(it, id);
  const tokens = await sendInvitations(it, owner);
  t.same([...tokens.keys()], [last.messageId]);
  const { rows } = await owner.query('select status from messages where store_id = $1 and id = $2', [
    it.storeId,
    waiting.messageId,
  ]);
  t.same(rows, [{ status: 'cancelled' }]);
  const { data } = await it.call('GET', `/v1/customers/${id}/invitations`);
  t.same(
    data.data.map(({ status }: { status: string }) => status),
    ['sent', 'revoked', 'revoked'],
  );
  t.equal((await customer(it, id)).version, 2, 'the customer was invited once and stays so');
});

t.test('a mail whose invitation fell while it was being made is not sent', async (t) => {
  const it = await store();
  const [accepted, disabled, replaced] = [await makeGuest(it), await makeGuest(it), await makeGuest(it)];
  const messages = [];
  for (const id of [accepted, disabled, replaced]) messages.push((await invite(it, id)).data.messageId);
  await owner.query(`update customers set account_status = 'active' where store_id = $1 and id = $2`, [
    it.storeId,
    accepted,
  ]);
  await owner.query(`update customers set account_status = 'disabled' where store_id = $1 and id = $2`, [
    it.storeId,
    disabled,
  ]);
  await it.call('DELETE', `/v1/customers/${replaced}/invitation`);
  await owner.query(`update messages set status = 'pending' where store_id = $1`, [it.storeId]);
  t.equal((await sendInvitations(it, owner, { ids: messages })).size, 0);
});

t.test(
  'a mail that is made and an invitation that is replaced at the same time leave one link',
  async (t) => {
    const it = await store();
    for (let round = 0; round < 10; round++) {
      const id = await makeGuest(it);
      const { data } = await invite(it, id);
      const [made, again] = await Promise.all([
        sendInvitations(it, owner, { ids: [data.messageId] }),
        invite(it, id),
      ]);
      t.equal(again.statusCode, 201);
      const rest = await sendInvitations(it, owner, { ids: [again.data.messageId] });
      for (const token of made.values())
        t.equal((await look(it, token)).statusCode, 404, 'the old one is dead');
      for (const token of rest.values()) t.equal((await look(it, token)).statusCode, 200);
      t.equal(rest.size, 1);
    }
  },
);

t.test('a link that was mailed to one address is worth nothing once the customer has another', async (t) => {
  const it = await store();
  const byStaff = (id: string) => it.call('PATCH', `/v1/customers/${id}`, { email: 'right@example.com' });
  const byImport = (id: string) =>
    owner.query(`update customers set email_norm = 'other@example.com' where store_id = $1 and id = $2`, [
      it.storeId,
      id,
    ]);
  for (const change of [byStaff, byImport]) {
    const id = await makeGuest(it);
    const token = await invitedToken(it, owner, id);
    await change(id);
    t.equal((await look(it, token)).statusCode, 404);
    t.equal((await accept(it, token)).statusCode, 404);
  }
});

t.test('revoking leaves the customer invited (C4), and is 404 when nothing is open', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  t.equal((await it.call('DELETE', `/v1/customers/${id}/invitation`)).statusCode, 404);
  await invite(it, id);
  t.equal((await it.call('DELETE', `/v1/customers/${id}/invitation`)).statusCode, 204);
  t.equal((await customer(it, id)).accountStatus, 'invited');
  t.equal(await statusOf(it, id), 'revoked');
  t.equal((await it.call('DELETE', `/v1/customers/${id}/invitation`)).statusCode, 404);
  t.equal((await kindsOf(it, id)).at(-1), 'invitation.revoked');
});

t.test('I3 an expired link can be renewed, once, to the customer’s own address', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'ada@example.com' });
  const token = await invitedToken(it, owner, id);
  const renew = (text: string) => shop(it, 'POST', `/invitations/${text}/renew`, undefined);
  const count = async () => (await it.call('GET', `/v1/customers/${id}/invitations`)).data.data.length;
  const early = await renew(token);
  t.equal(await count(), 1, 'a link that works is not renewed');
  await age(it, 25 * HOUR_MS);
  const answers = await Promise.all([renew(token), renew(token), renew(token)]);
  t.equal(await count(), 2, 'once');
  for (const answer of [early, ...answers, await renew(token), await renew(UNKNOWN)])
    t.same([answer.statusCode, answer.data], [202, { status: 'received' }]);
  t.equal(await count(), 2);
  const [last] = (await it.call('GET', `/v1/customers/${id}/invitations`)).data.data;
  t.match(last, { status: 'queued', email: 'ada@example.com', createdBy: 'storefront' });
  t.equal((await look(it, token)).statusCode, 404, 'the old link is gone');
});

t.test('an expired link of somebody who is not invited any more renews nothing', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'gone@example.com' });
  const token = await invitedToken(it, owner, id);
  await age(it, 25 * HOUR_MS);
  await suppress(it, 'gone@example.com');
  t.equal((await shop(it, 'POST', `/invitations/${token}/renew`)).statusCode, 202);
  t.equal((await it.call('GET', `/v1/customers/${id}/invitations`)).data.data.length, 1);
});

t.test('I4 the states that lists filter by are those that invitations show', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const now = new Date();
  // One open invitation for each customer: the unique index stands in the way of this table of all cases.
  await owner.query('drop index invitations_open_unique');
  await owner.query(
    `with cases as materialized (
       select gen_random_uuid() as message_id, mail, expires, opened, accepted, revoked, bounced
       from unnest($3::text[]) mail, unnest(array[null, $4::timestamptz - interval '1 s', $4::timestamptz + interval '1 s']) expires,
         unnest(array[null, $4::timestamptz]) opened, unnest(array[null, $4::timestamptz]) accepted,
         unnest(array[null, $4::timestamptz]) revoked, unnest(array[null, $4::timestamptz]) bounced
     ), mails as (
       insert into messages (store_id, id, customer_id, kind, status, reason, data, bounced_at, created_at)
       select $1, message_id, $2, 'invitation', mail, 'refused', '{}', bounced, now() from cases
     )
     insert into invitations (store_id, id, customer_id, message_id, expires_at, opened_at, accepted_at, revoked_at, actor, created_at)
     select $1, gen_random_uuid(), $2, message_id, expires, opened, accepted, revoked, 'x', now() from cases`,
    [it.storeId, id, [...MESSAGE_STATUSES], now],
  );
  const all = await listInvitations(it.ctx().db, { at: now }, { after: undefined, limit: 1000 });
  t.equal(all.length, MESSAGE_STATUSES.length * 3 * 16);
  let sum = 0;
  for (const status of ['queued', 'sent', 'failed', 'opened', 'accepted', 'expired', 'revoked'] as const) {
    const listed = await listInvitations(it.ctx().db, { status, at: now }, { after: undefined, limit: 1000 });
    t.ok(listed.length > 0, status);
    t.ok(
      listed.every((one) => invitationStatus(one, now) === status),
      status,
    );
    sum += listed.length;
  }
  t.equal(sum, all.length, 'each is in one state');
});

t.test('invitations of the store are listed by state, page by page', async (t) => {
  const it = await store();
  const ids = [];
  for (let n = 0; n < 5; n++) ids.push(await makeGuest(it));
  for (const id of ids) await invite(it, id);
  await it.call('DELETE', `/v1/customers/${ids[0]}/invitation`);
  const first = await it.call('GET', '/v1/invitations?status=queued&limit=3');
  t.equal(first.data.data.length, 3);
  const next = await it.call(
    'GET',
    `/v1/invitations?status=queued&limit=3&cursor=${encodeURIComponent(first.data.page.nextCursor)}`,
  );
  const seen = [...first.data.data, ...next.data.data].map(({ customerId }) => customerId);
  t.same(seen, ids.slice(1).reverse(), 'newest first, none twice');
  t.equal((await it.call('GET', '/v1/invitations?status=revoked')).data.data[0].customerId, ids[0]);
  t.equal((await it.call('GET', '/v1/invitations?status=lost')).statusCode, 400);
});

t.test('looking and accepting know only links of invitations', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  await owner.query(`update account_tokens set kind = 'password_reset' where store_id = $1`, [it.storeId]);
  t.equal((await look(it, token)).statusCode, 404);
  await t.rejects(readOpenInvitation(it.ctx(), token, { looked: true }), { code: 'TOKEN_UNKNOWN' });
});
