// Consent: topics, events and states of customers and addresses, double opt-in, what keeps `acceptsMarketing` true.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { confirmationMails } from '../../src/actions/consent-confirmations.ts';
import { recordConsents } from '../../src/actions/consents.ts';
import { transaction } from '../../src/db/connection.ts';
import { listStatesOf } from '../../src/db/consents.ts';
import { CONSENT_STATES, type ConsentPoint, standingAfter } from '../../src/domain/mail/consents.ts';
import { call, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const open = () => testStore(app, database);
const DAY_MS = 86_400_000;

async function customer(store: TestStore, fields: object = { email: 'Ada@Example.com' }): Promise<string> {
  return (await store.call('POST', '/v1/customers', fields)).data.id;
}

const get = async (store: TestStore, id: string) => (await store.call('GET', `/v1/customers/${id}`)).data;
const say = (store: TestStore, id: string, body: object) =>
  store.call('POST', `/v1/customers/${id}/consents`, { channel: 'email', ...body });
const consentsOf = async (store: TestStore, id: string, query = '') =>
  (await store.call('GET', `/v1/customers/${id}/consents${query}`)).data;
const statesOf = async (store: TestStore, id: string, query = '') =>
  Object.fromEntries(
    (await consentsOf(store, id, query)).data.map((one: { topic: string; state: string }) => [
      one.topic,
      one.state,
    ]),
  );
const signUp = (store: TestStore, body: object) =>
  call(app, store.publishableKey, 'POST', '/storefront/v1/newsletter', body);
const doubleOptIn = (store: TestStore) =>
  database.owner.query(
    `update stores set settings = jsonb_set(settings, '{mail}', '{"doubleOptIn": true}') where id = $1`,
    [store.storeId],
  );
const mailsOf = async (store: TestStore) =>
  (
    await database.owner.query(
      `select id, customer_id as "customerId", kind, status, to_email as "toEmail" from messages
       where store_id = $1 order by id`,
      [store.storeId],
    )
  ).rows;
const kindsOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}/timeline?kind=consent`)).data.data.map(
    (event: { kind: string }) => event.kind,
  );

/** Makes the mail that asks for confirmation, as the sender does, and reads the token from its link. */
async function tokenOf(store: TestStore, mail: { id: string }, at = new Date()): Promise<string | undefined> {
  const ctx = store.ctx(at);
  const [row] = (await mailsOf(store)).filter(({ id }) => id === mail.id);
  const made = await transaction(ctx.db, (tx) => confirmationMails(ctx, tx, [row], (_, token) => token));
  return made.get(mail.id)?.links.confirm;
}

t.test('a new store has topics; more can be added, changed, archived and brought back', async (t) => {
  const store = await open();
  const keys = async () =>
    (await store.call('GET', '/v1/topics')).data.data.map(({ key }: { key: string }) => key);
  t.same(await keys(), ['newsletter', 'offers', 'product_news', 'surveys']);
  const made = await store.call('POST', '/v1/topics', { key: 'events', name: 'Events' });
  t.equal(made.statusCode, 201);
  t.equal(made.headers.location, '/v1/topics/events');
  t.match(made.data, { key: 'events', description: '', position: 4, archivedAt: null, version: 1 });
  t.equal(
    (await store.call('POST', '/v1/topics', { key: 'events', name: 'E' })).data.code,
    'TOPIC_KEY_TAKEN',
  );
  t.equal((await store.call('POST', '/v1/topics', { key: 'No!', name: 'E' })).statusCode, 400);
  const url = '/v1/topics/events';
  const archived = await store.call('PATCH', url, { archived: true, position: 0 });
  t.equal(archived.data.version, 2);
  t.ok(archived.data.archivedAt);
  t.same((await keys()).at(-1), 'events', 'archived ones come last');
  t.equal(
    (await store.call('PATCH', url, { name: 'X' }, { 'if-match': '"1"' })).data.code,
    'VERSION_MISMATCH',
  );
  const back = await store.call('PATCH', url, { archived: false });
  t.equal(back.data.archivedAt, null);
  t.equal(
    (await store.call('PATCH', url, { archived: false })).data.version,
    3,
    'nothing changed, nothing counted',
  );
  t.equal((await store.call('GET', '/v1/topics/nothing')).statusCode, 404);
  t.equal((await store.call('GET', url)).headers.etag, '"3"');
});

t.test('a store that was opened before there were topics gets them when they are first needed', async (t) => {
  const store = await open();
  await database.owner.query('delete from topics where store_id = $1', [store.storeId]);
  t.equal((await store.call('GET', '/v1/topics')).data.data.length, 4);
  await database.owner.query('delete from topics where store_id = $1', [store.storeId]);
  const id = await customer(store);
  t.equal((await say(store, id, { topics: ['offers'], action: 'grant' })).statusCode, 200);
});

t.test(
  'a grant is kept with its words and its proof, and acceptsMarketing follows in the same transaction',
  async (t) => {
    const store = await open();
    const id = await customer(store);
    const before = await get(store, id);
    t.equal(before.acceptsMarketing, false);
    const wording = { version: '2026-01', text: 'Yes, news please.', locale: 'en' };
    const said = await say(store, id, {
      topics: ['newsletter', 'offers'],
      action: 'grant',
      wording,
      proof: 'Folder 12',
    });
    t.equal(said.statusCode, 200);
    t.match(said.data, { acceptsMarketing: true });
    t.match(said.data.data[0], {
      channel: 'email',
      address: 'ada@example.com',
      topic: 'newsletter',
      state: 'granted',
      action: 'grant',
      source: 'staff',
      actor: 'staff:tester',
      proof: { text: 'Folder 12' },
      wording: { ...wording, hash: createHash('sha256').update(wording.text).digest('hex') },
    });
    const after = await get(store, id);
    t.match(after, { acceptsMarketing: true, version: before.version + 1 });
    const byHash = { topics: ['surveys'], action: 'grant', wordingHash: said.data.data[0].wording.hash };
    t.match((await say(store, id, byHash)).data.data[2].wording, wording, 'the same words by their hash');
    t.equal((await get(store, id)).version, after.version, 'nothing that the customer shows changed');
    await say(store, id, { topics: ['newsletter'], action: 'withdraw' });
    t.equal((await get(store, id)).acceptsMarketing, true, 'another topic is granted');
    await say(store, id, { action: 'withdraw' });
    t.match(await get(store, id), { acceptsMarketing: false, version: after.version + 1 });
    t.same(await statesOf(store, id), {
      newsletter: 'withdrawn',
      offers: 'withdrawn',
      product_news: 'withdrawn',
      surveys: 'withdrawn',
    });
    t.same(await kindsOf(store, id), [
      'consent.withdrawn',
      'consent.withdrawn',
      'consent.granted',
      'consent.granted',
    ]);
  },
);

t.test('what cannot be recorded is refused, with all reasons', async (t) => {
  const store = await open();
  const id = await customer(store);
  const code = async (body: object) => (await say(store, id, body)).data.code;
  t.equal(await code({ topics: ['nothing'], action: 'grant' }), 'TOPIC_UNKNOWN');
  t.equal(await code({ action: 'grant' }), 'CONSENT_INVALID');
  t.equal(
    await code({ topics: ['offers'], action: 'grant', effectiveAt: '2999-01-01T00:00:00Z' }),
    'CONSENT_INVALID',
  );
  t.equal(await code({ topics: ['offers'], action: 'import' }), 'CONSENT_INVALID');
  t.equal(
    await code({ topics: ['offers'], action: 'grant', wordingHash: '0'.repeat(64) }),
    'WORDING_UNKNOWN',
  );
  t.equal(await code({ topics: ['offers'], action: 'grant', channel: 'sms' }), 'CONSENT_INVALID', 'no phone');
  t.equal(await code({ topics: ['offers'], action: 'grant', source: 'one_click' }), 'VALIDATION_FAILED');
  await say(store, id, { topics: ['offers'], action: 'grant' });
  await store.call('PATCH', '/v1/topics/offers', { archived: true });
  t.equal(await code({ topics: ['offers'], action: 'grant' }), 'TOPIC_ARCHIVED');
  t.same(await statesOf(store, id), { offers: 'granted' }, 'what was agreed to stays');
  t.equal((await say(store, id, { topics: ['offers'], action: 'withdraw' })).statusCode, 200);
  const other = await open();
  t.equal((await say(other, id, { topics: ['offers'], action: 'grant' })).statusCode, 404);
  t.equal((await other.call('GET', `/v1/customers/${id}/consents`)).statusCode, 404);
});

t.test(
  'something said earlier and recorded late changes no state, and can be seen as of its time',
  async (t) => {
    const store = await open();
    const id = await customer(store);
    const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`;
    await say(store, id, { topics: ['offers'], action: 'withdraw', effectiveAt: at(3) });
    await say(store, id, { topics: ['offers'], action: 'grant', effectiveAt: at(1), proof: 'Fair' });
    t.same(await statesOf(store, id), { offers: 'withdrawn' });
    t.equal((await get(store, id)).acceptsMarketing, false);
    const then = await consentsOf(store, id, `?asOf=${at(2)}`);
    t.match(then, {
      acceptsMarketing: true,
      data: [{ state: 'granted', since: at(1), proof: { text: 'Fair' } }],
    });
    t.same((await consentsOf(store, id, '?asOf=2025-12-31T00:00:00Z')).data, []);
    await say(store, id, { topics: ['offers'], action: 'grant', effectiveAt: at(4) });
    t.match((await consentsOf(store, id)).data, [{ state: 'granted', since: at(4) }]);
    t.match((await consentsOf(store, id, `?asOf=${at(3)}`)).data, [{ state: 'withdrawn', since: at(3) }]);
  },
);

t.test('the history has every event, newest first, page by page', async (t) => {
  const store = await open();
  const id = await customer(store);
  for (let month = 1; month <= 5; month++)
    await say(store, id, { topics: ['offers'], action: 'grant', effectiveAt: `2026-01-0${month}T00:00:00Z` });
  const seen: string[] = [];
  let url: string | undefined = `/v1/customers/${id}/consents/history?limit=2`;
  while (url) {
    const { data } = await store.call('GET', url);
    seen.push(...data.data.map((event: { effectiveAt: string }) => event.effectiveAt.slice(8, 10)));
    url =
      data.page.nextCursor && `/v1/customers/${id}/consents/history?limit=2&cursor=${data.page.nextCursor}`;
  }
  t.same(seen, ['05', '04', '03', '02', '01']);
});

t.test(
  'property: the stored state is the fold of the events, in whatever order they are recorded',
  async () => {
    const store = await open();
    const ctx = store.ctx();
    const event = fc.record({
      minute: fc.integer({ min: 0, max: 9 }),
      state: fc.constantFrom(...CONSENT_STATES),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (list, size) => {
          const address = `p${run++}@example.com`;
          const points: ConsentPoint[] = [];
          for (let at = 0; at < list.length; at += size) {
            const batch = list.slice(at, at + size).map(({ minute, state }) => ({
              channel: 'email' as const,
              address,
              topic: 'offers',
              action: 'grant' as const,
              source: 'api' as const,
              effectiveAt: new Date(Date.UTC(2026, 0, 1, 0, minute)),
              state,
            }));
            const recorded = await transaction(ctx.db, (tx) => recordConsents(ctx, tx, batch));
            recorded.forEach(({ eventId }, index) => {
              const { effectiveAt, state } = batch[index] as (typeof batch)[number];
              points.push({ id: eventId, effectiveAt, state });
            });
          }
          const expected = standingAfter(points);
          const [stored] = await listStatesOf(ctx.db, { channels: ['email'], addresses: [address] });
          return stored?.state === expected?.state && stored?.since.getTime() === expected?.since.getTime();
        },
      ),
      { numRuns: 60 },
    );
  },
);

t.test(
  'races: grants and withdrawals at once leave the state of the latest event, and a true copy',
  async (t) => {
    const store = await open();
    for (let round = 0; round < 8; round++) {
      const id = await customer(store, { email: `race${round}@example.com` });
      const moves = ['grant', 'withdraw', 'grant', 'withdraw', 'grant', 'withdraw'] as const;
      const answers = await Promise.all(
        moves.map((action, index) =>
          say(store, id, { topics: [index % 2 ? 'offers' : 'newsletter'], action }),
        ),
      );
      t.same(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]));
      const { data } = (await store.call('GET', `/v1/customers/${id}/consents/history?limit=100`)).data;
      const shown = await consentsOf(store, id);
      for (const { topic, state } of shown.data) {
        const points = data
          .filter((event: { topic: string }) => event.topic === topic)
          .map((event: { eventId: string; state: ConsentPoint['state']; effectiveAt: string }) => ({
            id: event.eventId,
            state: event.state,
            effectiveAt: new Date(event.effectiveAt),
          }));
        t.equal(state, standingAfter(points)?.state);
      }
      t.equal((await get(store, id)).acceptsMarketing, shown.acceptsMarketing);
    }
  },
);

t.test(
  'C3 consent of an address attaches to its customer; who agrees and is unknown becomes a guest',
  async (t) => {
    const store = await open();
    const id = await customer(store);
    const record = (body: object) => store.call('POST', '/v1/consents', body);
    const known = await record({ email: ' ADA@example.com', topics: ['offers'], action: 'grant' });
    t.match(known.data, {
      channel: 'email',
      address: 'ada@example.com',
      customerId: id,
      data: [{ state: 'granted' }],
    });
    const unknown = await record({ email: 'Bob@example.com', topics: ['offers'], action: 'grant' });
    t.match(await get(store, unknown.data.customerId), {
      email: 'Bob@example.com',
      accountStatus: 'guest',
      acceptsMarketing: true,
    });
    const byPhone = await record({ phone: '+49 30 901820', topics: ['offers'], action: 'grant' });
    t.match(await get(store, byPhone.data.customerId), { phone: '+4930901820', acceptsMarketing: false });
    const nobody = await record({ email: 'eve@example.com', action: 'withdraw' });
    t.equal(nobody.data.customerId, undefined, 'a withdrawal makes nobody');
    t.equal(nobody.data.data.length, 4);
    const eve = await customer(store, { email: 'eve@example.com' });
    t.equal((await statesOf(store, eve)).offers, 'withdrawn', 'it holds for whoever gets the address');
    const looked = await store.call('GET', '/v1/consents?email=BOB@example.com');
    t.match(looked.data, { customerId: unknown.data.customerId, data: [{ topic: 'offers' }] });
    t.equal((await store.call('GET', '/v1/consents')).data.code, 'CONSENT_INVALID');
    t.equal((await record({ email: 'x', topics: ['offers'], action: 'grant' })).data.code, 'CONSENT_INVALID');
  },
);

t.test('C3 many statements about one new address at once make one customer', async (t) => {
  const store = await open();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      store.call('POST', '/v1/consents', { email: 'same@example.com', topics: ['offers'], action: 'grant' }),
    ),
  );
  t.same(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]));
  t.equal(new Set(answers.map(({ data }) => data.customerId)).size, 1);
});

t.test('an import answers entry by entry, and a withdrawal that is known stays the last word', async (t) => {
  const store = await open();
  const gone = await customer(store, { email: 'gone@example.com' });
  await say(store, gone, { action: 'withdraw' });
  const entry = (email: string, more: object = {}) => ({
    email,
    topics: ['newsletter'],
    action: 'import',
    effectiveAt: '2025-06-01T00:00:00Z',
    proof: 'Old tool',
    ...more,
  });
  const consents = [
    entry('new@example.com'),
    entry('gone@example.com'),
    entry('nobody'),
    entry('a@example.com', { topics: ['nothing'] }),
    entry('b@example.com', { proof: '' }),
    { email: 'c@example.com', action: 'shout' },
    { phone: '+4930901820', topics: ['offers'], action: 'grant' },
  ];
  const { statusCode, data } = await store.call('POST', '/v1/consents/import', { consents });
  t.equal(statusCode, 200);
  t.same(
    data.results.map(
      (one: { outcome: string; problem?: { code: string } }) => one.problem?.code ?? one.outcome,
    ),
    [
      'recorded',
      'recorded',
      'CONSENT_INVALID',
      'TOPIC_UNKNOWN',
      'CONSENT_INVALID',
      'VALIDATION_FAILED',
      'recorded',
    ],
  );
  t.equal((await statesOf(store, gone)).newsletter, 'withdrawn');
  t.match((await consentsOf(store, data.results[0].customerId)).data, [
    { state: 'granted', action: 'import', proof: { text: 'Old tool' }, since: '2025-06-01T00:00:00.000Z' },
  ]);
});

t.test('an import of 1,000 addresses is a handful of statements', async (t) => {
  const store = await open();
  const consents = Array.from({ length: 1000 }, (_, n) => ({
    email: `n${n}@example.com`,
    topics: ['newsletter', 'offers'],
    action: 'import',
    effectiveAt: '2025-06-01T00:00:00Z',
    proof: 'Old tool',
  }));
  const started = performance.now();
  const { data } = await store.call('POST', '/v1/consents/import', { consents });
  t.equal(data.results.filter(({ outcome }: { outcome: string }) => outcome === 'recorded').length, 1000);
  t.ok(performance.now() - started < 5_000);
  t.comment(`${Math.round(performance.now() - started)} ms`);
});

t.test('consent goes along when the address changes; a withdrawal at the new one wins', async (t) => {
  const store = await open();
  const id = await customer(store);
  await say(store, id, { topics: ['newsletter', 'offers'], action: 'grant' });
  await store.call('POST', '/v1/consents', {
    email: 'ada@new.example',
    topics: ['offers'],
    action: 'withdraw',
  });
  await store.call('PATCH', `/v1/customers/${id}`, { email: 'ada@new.example' });
  t.same(await statesOf(store, id), { newsletter: 'granted', offers: 'withdrawn' });
  t.equal((await get(store, id)).acceptsMarketing, true);
  t.match((await consentsOf(store, id)).data[0], { address: 'ada@new.example', source: 'address_change' });
  await store.call('PATCH', `/v1/customers/${id}`, { email: null, lastName: 'Lovelace' });
  t.equal((await get(store, id)).acceptsMarketing, false, 'without an address there is nothing to accept');
  await store.call('PATCH', `/v1/customers/${id}`, { email: 'ada@new.example' });
  t.equal((await get(store, id)).acceptsMarketing, true, 'what was said for the address holds again');
  await say(store, id, { action: 'withdraw' });
  await store.call('PATCH', `/v1/customers/${id}`, { email: 'ada@example.com' });
  t.equal(
    (await get(store, id)).acceptsMarketing,
    false,
    'a withdrawal goes along, also to an address that agreed',
  );
});

t.test('consent by phone goes along with the phone', async (t) => {
  const store = await open();
  const id = await customer(store, { phone: '+4930901820' });
  await say(store, id, { channel: 'sms', topics: ['offers'], action: 'grant' });
  await store.call('PATCH', `/v1/customers/${id}`, { phone: '+4930901821' });
  t.match((await consentsOf(store, id)).data, [{ channel: 'sms', address: '+4930901821', state: 'granted' }]);
});

t.test('C10 consent goes with the email in a merge, and back with it', async (t) => {
  const store = await open();
  const into = await customer(store, { email: 'into@example.com' });
  const from = await customer(store, { email: 'from@example.com' });
  await say(store, from, { topics: ['offers'], action: 'grant' });
  const merge = (choose: object) => store.call('POST', `/v1/customers/${into}/merge`, { from, choose });
  t.equal((await merge({ email: 'from' })).statusCode, 200);
  t.same(await statesOf(store, into), { offers: 'granted' });
  t.equal((await get(store, into)).acceptsMarketing, true);
  await say(store, into, { topics: ['offers'], action: 'withdraw' });
  const history = await store.call('GET', `/v1/customers/${into}/consents/history`);
  t.equal(history.data.data.length, 2, 'the history of the merged customer is theirs');
  await store.call('POST', `/v1/customers/${from}/unmerge`);
  t.match(await get(store, from), { email: 'from@example.com', acceptsMarketing: false });
  t.match(await get(store, into), { email: 'into@example.com', acceptsMarketing: false });
});

t.test('whoever is deleted leaves no consent behind', async (t) => {
  const store = await open();
  const id = await customer(store);
  await say(store, id, { topics: ['offers'], action: 'grant' });
  t.equal((await store.call('DELETE', `/v1/customers/${id}`)).statusCode, 204);
  t.same((await store.call('GET', '/v1/consents?email=ada@example.com')).data.data, []);
  t.equal((await get(store, await customer(store))).acceptsMarketing, false);
});

t.test(
  'a newsletter sign-up grants what the form offers, with the words and the network address',
  async (t) => {
    const store = await open();
    const wording = { version: 'f1', text: 'News please', locale: 'en' };
    const answer = await signUp(store, {
      email: 'ada@example.com',
      topics: ['newsletter', 'offers'],
      wording,
      page: 'https://shop.example.com/',
    });
    t.equal(answer.statusCode, 202);
    const { data, customerId } = (await store.call('GET', '/v1/consents?email=ada@example.com')).data;
    t.same(
      data.map(({ topic, state }: { topic: string; state: string }) => [topic, state]),
      [
        ['newsletter', 'granted'],
        ['offers', 'granted'],
      ],
    );
    t.match(data[0], {
      source: 'newsletter_form',
      wording,
      proof: { ip: '127.0.0.1', page: 'https://shop.example.com/' },
    });
    t.equal((await get(store, customerId)).acceptsMarketing, true);
    t.equal(
      (await signUp(store, { email: 'b@example.com', topics: ['nothing'] })).data.code,
      'TOPIC_UNKNOWN',
    );
    t.same(await mailsOf(store), [], 'without double opt-in nobody is asked');
  },
);

t.test('double opt-in: a sign-up waits, a mail asks, the token confirms once', async (t) => {
  const store = await open();
  await doubleOptIn(store);
  const confirm = (token: string | undefined) =>
    call(app, store.publishableKey, 'POST', '/storefront/v1/consent-confirmation', { token });
  const first = await signUp(store, { email: 'ada@example.com', topics: ['newsletter', 'offers'] });
  const { data, customerId } = (await store.call('GET', '/v1/consents?email=ada@example.com')).data;
  t.same(new Set(data.map(({ state }: { state: string }) => state)), new Set(['pending']));
  t.equal((await get(store, customerId)).acceptsMarketing, false);
  const [mail, ...more] = await mailsOf(store);
  t.same(more, []);
  t.match(mail, { kind: 'consent_confirmation', status: 'pending', toEmail: 'ada@example.com', customerId });
  const token = await tokenOf(store, mail);
  const again = await signUp(store, { email: 'ada@example.com' });
  t.same(again.data, first.data);
  t.equal((await mailsOf(store)).length, 1, 'at most one mail an hour');
  const foreign = await open();
  t.equal(
    (await call(app, foreign.publishableKey, 'POST', '/storefront/v1/consent-confirmation', { token })).data
      .code,
    'TOKEN_UNKNOWN',
  );
  const answers = await Promise.all([confirm(token), confirm(token), confirm(token)]);
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 404, 404], 'one of three wins');
  t.match(answers.find(({ statusCode }) => statusCode === 200)?.data, {
    email: 'a•••@example.com',
    topics: [{ key: 'newsletter' }, { key: 'offers' }],
  });
  t.equal((await get(store, customerId)).acceptsMarketing, true);
  t.match((await consentsOf(store, customerId)).data[0], {
    state: 'granted',
    action: 'confirm',
    source: 'confirmation_link',
    since: data[0].since,
    proof: { messageId: mail.id },
  });
  const subscribed = await signUp(store, { email: 'ada@example.com' });
  t.same(subscribed.data, first.data, 'the same answer for the subscribed');
  t.equal((await get(store, customerId)).acceptsMarketing, true, 'a form takes nothing away');
  t.equal((await mailsOf(store)).length, 1);
});

t.test('double opt-in: after an hour the mail comes again; a token is good for seven days', async (t) => {
  const store = await open();
  await doubleOptIn(store);
  await signUp(store, { email: 'ada@example.com' });
  await database.owner.query(
    `update messages set created_at = created_at - interval '61 minutes' where store_id = $1`,
    [store.storeId],
  );
  await signUp(store, { email: 'ada@example.com' });
  const [one, two] = await mailsOf(store);
  t.ok(two);
  const eightDaysAgo = new Date(Date.now() - 7 * DAY_MS - 1000);
  const confirm = (token: string | undefined) =>
    call(app, store.publishableKey, 'POST', '/storefront/v1/consent-confirmation', { token });
  const late = await confirm(await tokenOf(store, one, eightDaysAgo));
  t.match([late.statusCode, late.data.code], [410, 'PASSWORD_TOKEN_EXPIRED']);
  t.equal((await confirm(await tokenOf(store, two))).statusCode, 200);
});

t.test(
  'double opt-in: who withdraws before confirming stays withdrawn, and a mail that waits is not made',
  async (t) => {
    const store = await open();
    await doubleOptIn(store);
    await signUp(store, { email: 'ada@example.com' });
    const [mail] = await mailsOf(store);
    const token = await tokenOf(store, mail);
    await store.call('POST', '/v1/consents', { email: 'ada@example.com', action: 'withdraw' });
    const late = await call(app, store.publishableKey, 'POST', '/storefront/v1/consent-confirmation', {
      token,
    });
    t.match([late.statusCode, late.data.code], [404, 'TOKEN_UNKNOWN']);
    t.equal(await tokenOf(store, mail), undefined);
    t.equal((await statesOf(store, mail.customerId)).newsletter, 'withdrawn');
  },
);

t.test(
  'double opt-in holds for what staff enters; consent from elsewhere and by phone does not wait',
  async (t) => {
    const store = await open();
    await doubleOptIn(store);
    const id = await customer(store, { email: 'ada@example.com', phone: '+4930901820' });
    t.equal((await say(store, id, { topics: ['offers'], action: 'grant' })).data.data[0].state, 'pending');
    t.equal((await mailsOf(store)).length, 1);
    const proven = { action: 'import', effectiveAt: '2025-01-01T00:00:00Z', proof: 'Old tool' };
    const imported = await say(store, id, { ...proven, topics: ['surveys'] });
    t.equal(imported.data.data.find(({ topic }: { topic: string }) => topic === 'surveys').state, 'granted');
    const sms = await say(store, id, { channel: 'sms', topics: ['offers'], action: 'grant' });
    t.equal(sms.data.data.at(-1).state, 'granted');
    const confirmed = await say(store, id, { topics: ['offers'], action: 'confirm' });
    t.equal(confirmed.data.data[0].state, 'granted', 'an integration that asked by itself says so');
  },
);

t.test('orders and files: a guest takes over what was said for the address', async (t) => {
  const store = await open();
  const id = await customer(store, { email: 'old@example.com' });
  await say(store, id, { topics: ['offers'], action: 'grant' });
  await store.call('PATCH', `/v1/customers/${id}`, { email: 'new@example.com' });
  const again = await customer(store, { email: 'old@example.com' });
  t.equal((await get(store, again)).acceptsMarketing, true, 'the address keeps its own consent');
});
