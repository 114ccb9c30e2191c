// Preferences and unsubscribing: links of mails, signed-in customers, one click (RFC 8058), pages.
import t from 'tap';
import { confirmationMails } from '../../src/actions/consent-confirmations.ts';
import { preferencesTokenOf, unsubscribeTokenOf } from '../../src/clients/mail-identity.ts';
import { newId } from '../../src/context.ts';
import { transaction } from '../../src/db/connection.ts';
import { mailSecretsOf } from '../../src/mail.ts';
import { call, TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const secrets = mailSecretsOf(TEST_CONFIG);
const open = () => testStore(app, database);

interface Mail {
  id: string;
  customerId: string;
  preferences: string;
  unsubscribe: string;
}

/** A customer who got a marketing mail. */
async function mailed(
  store: TestStore,
  options: { topic?: string | null; email?: string } = {},
): Promise<Mail> {
  const { topic = 'offers', email = 'ada@example.com' } = options;
  const { data } = await store.call('POST', '/v1/customers', { email });
  return { ...(await mailTo(store, data.id, email, topic)), customerId: data.id };
}

async function mailTo(store: TestStore, customerId: string | null, email: string, topic: string | null) {
  const id = newId();
  await database.owner.query(
    `insert into messages (store_id, id, customer_id, kind, class, status, topic, to_email, data, attempts, created_at, sent_at)
     values ($1, $2, $3, 'campaign', 'marketing', 'sent', $4, $5, '{}', 1, now(), now())`,
    [store.storeId, id, customerId, topic, email],
  );
  const row = { storeId: store.storeId, id };
  return {
    id,
    preferences: preferencesTokenOf(secrets, row),
    unsubscribe: unsubscribeTokenOf(secrets, row),
  };
}

const grant = (store: TestStore, id: string, topics: string[]) =>
  store.call('POST', `/v1/customers/${id}/consents`, { channel: 'email', topics, action: 'grant' });
const consentsOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}/consents`)).data;
const statesOf = async (store: TestStore, id: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await consentsOf(store, id)).data.map((one: { topic: string; state: string }) => [one.topic, one.state]),
  );
const shopper = (store: TestStore, method: string, url: string, body?: unknown) =>
  call(app, store.publishableKey, method, `/storefront/v1${url}`, body);
const page = (
  method: 'GET' | 'POST' | 'HEAD',
  url: string,
  payload?: string,
  type = 'application/x-www-form-urlencoded',
) =>
  app.inject({ method, url, ...(payload !== undefined && { payload, headers: { 'content-type': type } }) });
const mark = async (id: string) =>
  (await database.owner.query('select unsubscribed_at as at from messages where id = $1', [id])).rows[0].at;

const ONE_CLICK = 'List-Unsubscribe=One-Click';
const MULTIPART = [
  '--xx',
  'Content-Disposition: form-data; name="List-Unsubscribe"',
  '',
  'One-Click',
  '--xx--',
  '',
].join('\r\n');

t.test(
  'RFC 8058 a POST unsubscribes from the topic of the mail, urlencoded and multipart alike',
  async (t) => {
    const forms = [
      [ONE_CLICK, 'application/x-www-form-urlencoded'],
      [MULTIPART, 'multipart/form-data; boundary=xx'],
    ] as const;
    for (const [payload, type] of forms) {
      const store = await open();
      const mail = await mailed(store);
      await grant(store, mail.customerId, ['offers', 'newsletter']);
      const answer = await page('POST', `/pages/unsubscribe/${mail.unsubscribe}`, payload, type);
      t.equal(answer.statusCode, 200, type);
      t.same(await statesOf(store, mail.customerId), { newsletter: 'granted', offers: 'withdrawn' });
      t.match((await consentsOf(store, mail.customerId)).data[1], {
        source: 'one_click',
        proof: { messageId: mail.id, ip: '127.0.0.1' },
      });
      t.ok(await mark(mail.id));
      const { data } = await store.call('GET', `/v1/customers/${mail.customerId}/timeline?kind=message`);
      t.match(data.data, [{ kind: 'message.unsubscribed', subjectId: mail.id, data: { topic: 'offers' } }]);
    }
  },
);

t.test('RFC 8058 posting twice, or many times at once, is fine and writes nothing more', async (t) => {
  const store = await open();
  const mail = await mailed(store);
  await grant(store, mail.customerId, ['offers']);
  const url = `/pages/unsubscribe/${mail.unsubscribe}`;
  const answers = await Promise.all(Array.from({ length: 6 }, () => page('POST', url, ONE_CLICK)));
  t.same(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]));
  const at = await mark(mail.id);
  const count = async () =>
    (await store.call('GET', `/v1/customers/${mail.customerId}/consents/history?limit=100`)).data.data.length;
  const before = await count();
  t.equal((await page('POST', url, ONE_CLICK)).statusCode, 200);
  t.equal(await count(), before);
  t.same(await mark(mail.id), at, 'the first time counts');
  await grant(store, mail.customerId, ['offers']);
  await page('POST', url, ONE_CLICK);
  t.equal(
    (await statesOf(store, mail.customerId)).offers,
    'withdrawn',
    'an old link works after a new consent, too',
  );
});

t.test('races: a click and a consent for another topic at once leave a true acceptsMarketing', async (t) => {
  const store = await open();
  for (let round = 0; round < 10; round++) {
    const email = `race${round}@example.com`;
    const mail = await mailed(store, { email });
    await grant(store, mail.customerId, ['offers']);
    await Promise.all([
      page('POST', `/pages/unsubscribe/${mail.unsubscribe}`, ONE_CLICK),
      store.call('POST', '/v1/consents', { email, topics: ['surveys'], action: 'grant' }),
      store.call('POST', '/v1/consents', { email, topics: ['surveys'], action: 'withdraw' }),
    ]);
    const shown = await consentsOf(store, mail.customerId);
    const { data } = await store.call('GET', `/v1/customers/${mail.customerId}`);
    t.equal(data.acceptsMarketing, shown.acceptsMarketing);
  }
});

t.test('RFC 8058 GET and HEAD never unsubscribe; whatever is posted does', async (t) => {
  const store = await open();
  const mail = await mailed(store);
  await grant(store, mail.customerId, ['offers']);
  const url = `/pages/unsubscribe/${mail.unsubscribe}`;
  const shown = await page('GET', url);
  t.equal(shown.statusCode, 200);
  t.match(shown.body, /<button[^>]*>Unsubscribe</);
  t.match(shown.body, 'a•••@example.com');
  t.match(shown.headers['content-security-policy'], /default-src 'none'/);
  t.match(shown.headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  t.equal((await page('HEAD', url)).statusCode, 200);
  t.equal((await statesOf(store, mail.customerId)).offers, 'granted');
  const pressed = await page('POST', url, 'unsubscribe=yes');
  t.match(pressed.body, 'You are unsubscribed');
  t.match((await consentsOf(store, mail.customerId)).data, [
    { state: 'withdrawn', source: 'unsubscribe_page' },
  ]);
  for (const [payload, type] of [
    ['', 'text/plain'],
    ['{}', 'application/json'],
    ['x', 'application/x-other'],
  ] as const) {
    await grant(store, mail.customerId, ['offers']);
    t.equal((await page('POST', url, payload, type)).statusCode, 200, type);
    t.equal((await statesOf(store, mail.customerId)).offers, 'withdrawn', type);
  }
  await grant(store, mail.customerId, ['offers']);
  t.equal((await app.inject({ method: 'POST', url })).statusCode, 200, 'without any body');
  t.equal((await statesOf(store, mail.customerId)).offers, 'withdrawn');
});

t.test('a mail without a topic, or of one that is gone, unsubscribes from everything', async (t) => {
  for (const topic of [null, 'forgotten']) {
    const store = await open();
    const mail = await mailed(store, { topic });
    await grant(store, mail.customerId, ['offers', 'newsletter']);
    await page('POST', `/pages/unsubscribe/${mail.unsubscribe}`, ONE_CLICK);
    t.same(new Set(Object.values(await statesOf(store, mail.customerId))), new Set(['withdrawn']));
    t.equal((await store.call('GET', `/v1/customers/${mail.customerId}`)).data.acceptsMarketing, false);
  }
});

t.test('tokens that we did not sign are 404, of another purpose too, and nothing is told', async (t) => {
  const store = await open();
  const mail = await mailed(store);
  await grant(store, mail.customerId, ['offers']);
  const turned = mail.unsubscribe.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  const row = { storeId: store.storeId, id: newId() };
  for (const token of [turned, mail.preferences, 'x', unsubscribeTokenOf(secrets, row)]) {
    const answer = await page('POST', `/pages/unsubscribe/${token}`, ONE_CLICK);
    t.equal(answer.statusCode, 404);
    t.match(answer.body, 'This link does not work');
  }
  t.equal((await page('GET', `/pages/preferences/${mail.unsubscribe}`)).statusCode, 404);
  t.equal((await page('POST', `/pages/preferences/${mail.unsubscribe}`, 'everything=yes')).statusCode, 404);
  const nowhere = { storeId: newId(), id: newId() };
  t.equal(
    (await page('POST', `/pages/unsubscribe/${unsubscribeTokenOf(secrets, nowhere)}`, ONE_CLICK)).statusCode,
    404,
  );
  t.equal((await statesOf(store, mail.customerId)).offers, 'granted');
  const foreign = await open();
  t.equal((await shopper(foreign, 'GET', `/preferences/${mail.preferences}`)).statusCode, 404);
  t.equal((await shopper(store, 'GET', `/preferences/${mail.preferences}`)).statusCode, 200);
});

t.test(
  'an old link works for the present address, and a withdrawal for the one that it went to as well',
  async (t) => {
    const store = await open();
    const mail = await mailed(store);
    await grant(store, mail.customerId, ['offers']);
    await store.call('PATCH', `/v1/customers/${mail.customerId}`, { email: 'new@example.com' });
    await page('POST', `/pages/unsubscribe/${mail.unsubscribe}`, ONE_CLICK);
    t.equal((await statesOf(store, mail.customerId)).offers, 'withdrawn');
    const old = await store.call('GET', '/v1/consents?email=ada@example.com');
    t.match(old.data.data, [{ topic: 'offers', state: 'withdrawn' }]);
  },
);

t.test('a link in a mail to somebody who was merged is for the survivor', async (t) => {
  const store = await open();
  const mail = await mailed(store);
  const into = (await store.call('POST', '/v1/customers', { email: 'into@example.com' })).data.id;
  await grant(store, into, ['offers']);
  await store.call('POST', `/v1/customers/${into}/merge`, { from: mail.customerId });
  await page('POST', `/pages/unsubscribe/${mail.unsubscribe}`, ONE_CLICK);
  t.equal((await statesOf(store, into)).offers, 'withdrawn');
});

t.test('a mail to an address that is no customer’s can be unsubscribed from', async (t) => {
  const store = await open();
  const mail = await mailTo(store, null, 'Test@Example.com', null);
  t.equal((await page('POST', `/pages/unsubscribe/${mail.unsubscribe}`, ONE_CLICK)).statusCode, 200);
  const { data } = (await store.call('GET', '/v1/consents?email=test@example.com')).data;
  t.same(new Set(data.map(({ state }: { state: string }) => state)), new Set(['withdrawn']));
});

t.test('the preference centre shows and saves topics and how often, without a log-in', async (t) => {
  const store = await open();
  const mail = await mailed(store);
  await grant(store, mail.customerId, ['offers']);
  const url = `/preferences/${mail.preferences}`;
  const shown = await shopper(store, 'GET', url);
  t.match(shown.data, { email: 'a•••@example.com', contactLimit: null });
  t.same(
    shown.data.topics.map(({ key, subscribed }: { key: string; subscribed: boolean }) => [key, subscribed]),
    [
      ['newsletter', false],
      ['offers', true],
      ['product_news', false],
      ['surveys', false],
    ],
  );
  const since = (await consentsOf(store, mail.customerId)).data[0].since;
  const wording = { version: 'p1', text: 'News from us', locale: 'en' };
  const saved = await shopper(store, 'PUT', url, {
    topics: ['newsletter', 'offers'],
    contactLimit: 4,
    wording,
  });
  t.match(saved.data, {
    contactLimit: 4,
    topics: [{ subscribed: true }, { subscribed: true }, { state: 'none' }],
  });
  const [newsletter, offers] = (await consentsOf(store, mail.customerId)).data;
  t.match(newsletter, {
    state: 'granted',
    source: 'preference_centre',
    wording,
    proof: { messageId: mail.id },
  });
  t.match(offers, { since, source: 'staff' }, 'what was on stays as it was');
  t.match((await consentsOf(store, mail.customerId)).contactLimit, 4);
  await shopper(store, 'PUT', url, { contactLimit: null });
  t.equal((await shopper(store, 'GET', url)).data.contactLimit, null);
  t.equal((await statesOf(store, mail.customerId)).offers, 'granted', 'topics that are not named stay');
  await shopper(store, 'PUT', url, { topics: [] });
  t.same(await statesOf(store, mail.customerId), { newsletter: 'withdrawn', offers: 'withdrawn' });
  await shopper(store, 'PUT', url, { unsubscribeFromAll: true, topics: ['offers'] });
  t.equal(
    Object.values(await statesOf(store, mail.customerId)).filter((state) => state === 'withdrawn').length,
    4,
  );
  t.equal((await shopper(store, 'PUT', url, { topics: ['nothing'] })).data.code, 'TOPIC_UNKNOWN');
  t.equal((await shopper(store, 'PUT', url, { contactLimit: 0 })).statusCode, 400);
});

t.test(
  'double opt-in: the preference centre needs no confirmation, the mail proved the address',
  async (t) => {
    const store = await open();
    await database.owner.query(
      `update stores set settings = jsonb_set(settings, '{mail}', '{"doubleOptIn": true}') where id = $1`,
      [store.storeId],
    );
    const mail = await mailed(store);
    await grant(store, mail.customerId, ['offers']);
    t.equal((await statesOf(store, mail.customerId)).offers, 'pending');
    await shopper(store, 'PUT', `/preferences/${mail.preferences}`, { topics: ['offers', 'surveys'] });
    t.same(await statesOf(store, mail.customerId), { offers: 'granted', surveys: 'granted' });
  },
);

t.test('an archived topic is shown only to those who can still withdraw it', async (t) => {
  const store = await open();
  const [with_, without] = [await mailed(store), await mailed(store, { email: 'bob@example.com' })];
  await grant(store, with_.customerId, ['offers']);
  await store.call('PATCH', '/v1/topics/offers', { archived: true });
  const keysOf = async ({ preferences }: Mail) =>
    (await shopper(store, 'GET', `/preferences/${preferences}`)).data.topics.map(
      ({ key }: { key: string }) => key,
    );
  t.ok((await keysOf(with_)).includes('offers'));
  t.notOk((await keysOf(without)).includes('offers'));
  const refused = await shopper(store, 'PUT', `/preferences/${without.preferences}`, { topics: ['offers'] });
  t.equal(refused.data.code, 'TOPIC_ARCHIVED');
});

t.test('signed-in customers see and save the same', async (t) => {
  const store = await open();
  const { customerId } = await mailed(store);
  const { data } = await store.call('POST', `/v1/customers/${customerId}/storefront-tokens`, {});
  const mine = (method: string, body?: unknown) =>
    call(app, data.token ?? data.accessToken, method, '/storefront/v1/me/preferences', body);
  t.equal((await mine('GET')).data.topics.length, 4);
  await mine('PUT', { topics: ['offers'], contactLimit: 2 });
  t.match((await consentsOf(store, customerId)).data, [
    { topic: 'offers', state: 'granted', source: 'self_service' },
  ]);
  t.match((await mine('GET')).data, { contactLimit: 2 });
  t.equal((await shopper(store, 'GET', '/me/preferences')).data.code, 'CUSTOMER_TOKEN_REQUIRED');
  await store.call('PATCH', `/v1/customers/${customerId}`, { email: null, lastName: 'L' });
  t.match((await mine('GET')).data, { email: null });
  t.equal((await mine('PUT', { topics: ['offers'] })).data.code, 'NO_EMAIL');
});

t.test('the page of the preference centre: a form without script that says what it saved', async (t) => {
  const store = await open();
  const mail = await mailed(store);
  await grant(store, mail.customerId, ['offers']);
  const url = `/pages/preferences/${mail.preferences}`;
  const shown = await page('GET', url);
  t.equal(shown.statusCode, 200);
  t.match(shown.body, /id="topics-offers" name="topics" value="offers" checked/);
  t.notMatch(shown.body, '<script');
  t.notMatch(shown.body, 'ada@example.com', 'the address is masked');
  t.equal((await statesOf(store, mail.customerId)).newsletter, undefined, 'a GET changes nothing');
  const saved = await page('POST', url, 'save=yes&topics=newsletter&topics=surveys&contactLimit=2');
  t.match(saved.body, /role="status".*Your choices are saved/s);
  t.match(saved.body, /<option value="2" selected>/);
  t.same(await statesOf(store, mail.customerId), {
    newsletter: 'granted',
    offers: 'withdrawn',
    surveys: 'granted',
  });
  t.match((await consentsOf(store, mail.customerId)).data[0].wording, {
    text: 'Newsletter: News from the shop, now and then.',
  });
  const ended = await page('POST', url, 'everything=yes');
  t.match(ended.body, 'You are unsubscribed from everything');
  t.same(new Set(Object.values(await statesOf(store, mail.customerId))), new Set(['withdrawn']));
  t.equal((await page('POST', url, 'nonsense=1')).statusCode, 200, 'what we did not ask changes nothing');
});

t.test(
  'the page that confirms: a button, a GET never confirms, an expired link says what to do',
  async (t) => {
    const store = await open();
    await database.owner.query(
      `update stores set settings = jsonb_set(settings, '{mail}', '{"doubleOptIn": true}') where id = $1`,
      [store.storeId],
    );
    await shopper(store, 'POST', '/newsletter', { email: 'ada@example.com' });
    const mails = await database.owner.query(
      'select id, customer_id as "customerId", to_email as "toEmail" from messages where store_id = $1',
      [store.storeId],
    );
    const token = async (at: Date) => {
      const ctx = store.ctx(at);
      const made = await transaction(ctx.db, (tx) =>
        confirmationMails(ctx, tx, mails.rows, (_, text) => text),
      );
      return [...made.values()][0]?.links.confirm;
    };
    const customerId = mails.rows[0].customerId;
    const late = await page(
      'POST',
      `/pages/confirm/${await token(new Date(Date.now() - 8 * 86_400_000))}`,
      '',
    );
    t.equal(late.statusCode, 410);
    t.match(late.body, 'sign up again');
    const url = `/pages/confirm/${await token(new Date())}`;
    for (const method of ['GET', 'HEAD'] as const) t.equal((await page(method, url)).statusCode, 200);
    t.match((await page('GET', url)).body, /Newsletter.*<button[^>]*>Yes, confirm</s);
    t.equal((await statesOf(store, customerId)).newsletter, 'pending');
    const done = await page('POST', url, '');
    t.match(done.body, 'Thank you');
    t.equal((await statesOf(store, customerId)).newsletter, 'granted');
    for (const method of ['GET', 'POST'] as const)
      t.equal((await page(method, url)).statusCode, 404, 'used up');
    t.equal((await page('GET', '/pages/confirm/nonsense')).statusCode, 404);
  },
);

t.test(
  'mail programs post for everybody from few addresses: one click is not limited, pages are',
  async (t) => {
    const limited = await testApp(t, database, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: 2 });
    const store = await testStore(limited, database);
    const mail = await mailed(store);
    const url = `/pages/unsubscribe/${mail.unsubscribe}`;
    const post = () =>
      limited.inject({
        method: 'POST',
        url,
        payload: ONE_CLICK,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    for (let n = 0; n < 5; n++) t.equal((await post()).statusCode, 200);
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) statuses.push((await limited.inject({ method: 'GET', url })).statusCode);
    t.same(statuses, [200, 200, 429]);
  },
);
