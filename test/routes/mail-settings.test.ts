// What holds for the mails of a store: one document with the store's version.
import t from 'tap';
import { DEFAULT_MAIL } from '../../src/domain/mail/settings.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { toldEvents } from '../support/told-events.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const open = () => testStore(app, database);
const URL = '/v1/mail/settings';

t.test('a new store has settings that harm nobody', async (t) => {
  const store = await open();
  const { data, headers } = await store.call('GET', URL);
  const { marketingSender, contactLimit, quietHours, ...shown } = DEFAULT_MAIL;
  t.match(data, { ...shown, version: 1 });
  t.notOk('marketingSender' in data || 'contactLimit' in data || 'quietHours' in data);
  t.equal(headers.etag, '"1"');
  t.equal((await store.call('GET', URL, undefined, { 'if-none-match': '"1"' })).statusCode, 304);
});

t.test('a change keeps what it does not name; null clears', async (t) => {
  const store = await open();
  const whole = {
    marketingSender: { name: 'News', email: 'news@example.com' },
    replyTo: 'service@example.com',
    postalAddress: 'My store, Torstr. 1, 10119 Berlin',
    contactLimit: { messages: 4, days: 30 },
    quietHours: { from: '21:00', to: '08:00' },
    trackClicks: false,
    doubleOptIn: true,
    invitationHours: 720,
    brandColor: '#AA0000',
    links: { invitation: 'https://shop.example/join?t={token}' },
  };
  const changed = await store.call('PATCH', URL, whole);
  t.equal(changed.statusCode, 200, changed.body);
  t.match(changed.data, { ...whole, version: 2 });
  const next = await store.call('PATCH', URL, {
    contactLimit: null,
    marketingSender: null,
    links: { passwordReset: 'https://shop.example/reset/{token}' },
  });
  t.match(next.data, {
    replyTo: 'service@example.com',
    links: { ...whole.links, passwordReset: 'https://shop.example/reset/{token}' },
    version: 3,
  });
  t.notOk('contactLimit' in next.data || 'marketingSender' in next.data);
  const cleared = await store.call('PATCH', URL, { links: { invitation: null }, replyTo: null });
  t.same(cleared.data.links, { passwordReset: 'https://shop.example/reset/{token}' });
  t.equal(cleared.data.replyTo, null);
  t.match((await store.call('GET', URL)).data, cleared.data);
  const told = await toldEvents(store, 'store.updated', ({ length }) => length >= 3);
  t.match(told.at(-1).data, { fields: ['mail.links', 'mail.replyTo'] });
});

t.test('the rest of the store stays as it is', async (t) => {
  const store = await open();
  const before = (await store.call('GET', '/v1/store')).data;
  await store.call('PATCH', URL, { trackClicks: false });
  const after = (await store.call('GET', '/v1/store')).data;
  t.match(after, { name: before.name, timezone: before.timezone, version: before.version + 1 });
  await store.call('PATCH', '/v1/store', { name: 'Another name' });
  t.equal((await store.call('GET', URL)).data.trackClicks, false);
});

t.test('what cannot work is refused with its place, and nothing changes', async (t) => {
  const store = await open();
  const cases: [name: string, change: object, pointer: string, code: string][] = [
    ['an address', { replyTo: 'nobody' }, '/replyTo', 'EMAIL_INVALID'],
    [
      'a sender',
      { marketingSender: { name: 'x', email: 'a b@c' } },
      '/marketingSender/email',
      'EMAIL_INVALID',
    ],
    ['a whole day', { quietHours: { from: '08:00', to: '08:00' } }, '/quietHours/to', 'QUIET_HOURS_INVALID'],
    [
      'a link without its secret',
      { links: { invitation: 'https://shop.example/' } },
      '/links/invitation',
      'LINK_INVALID',
    ],
  ];
  for (const [name, change, pointer, code] of cases)
    t.match(
      (await store.call('PATCH', URL, change)).data,
      { code: 'STORE_INVALID', errors: [{ pointer, code }] },
      name,
    );
  const malformed = [
    { quietHours: { from: '25:00', to: '08:00' } },
    { contactLimit: { messages: 0, days: 30 } },
    { brandColor: 'red' },
    { links: { invitation: 'javascript:alert(1)//{token}' } },
    { logoUrl: 'http://shop.example/logo.png' },
    { invitationHours: 721 },
    { surprise: true },
  ];
  for (const change of malformed)
    t.equal((await store.call('PATCH', URL, change)).data.code, 'VALIDATION_FAILED', JSON.stringify(change));
  t.equal((await store.call('GET', URL)).data.version, 1);
});

t.test('two writers: who read an old version hears of it', async (t) => {
  const store = await open();
  const change = (color: string) => store.call('PATCH', URL, { brandColor: color }, { 'if-match': '"1"' });
  const answers = await Promise.all(['#111111', '#222222', '#333333'].map(change));
  t.same(
    answers
      .map(({ statusCode }) => statusCode)
      .sort()
      .slice(0, 1),
    [200],
  );
  t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1);
  const blind = await Promise.all(
    ['#111111', '#222222'].map((brandColor) => store.call('PATCH', URL, { brandColor })),
  );
  t.ok(blind.some(({ statusCode }) => statusCode === 200));
  const { version } = (await store.call('GET', URL)).data;
  const carried = blind.filter(({ statusCode }) => statusCode === 200).length;
  t.equal(version, 2 + carried, 'each change that was carried out is a version');
});

t.test('stores have settings of their own; changing takes its scope', async (t) => {
  const [store, other] = [await open(), await open()];
  await store.call('PATCH', URL, { brandColor: '#123456' });
  t.equal((await other.call('GET', URL)).data.brandColor, DEFAULT_MAIL.brandColor);
  const reader = await testStore(app, database, { scopes: ['store:read'] });
  t.equal((await reader.call('PATCH', URL, { trackClicks: false })).statusCode, 403);
  t.equal((await reader.call('GET', URL)).statusCode, 200);
});
