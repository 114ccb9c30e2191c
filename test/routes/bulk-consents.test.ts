// Bulk consent: words are needed, withdrawals stay, double opt-in asks, and doing it again changes nothing.
import { createHash } from 'node:crypto';
import t from 'tap';
import { bulkSlice } from '../../src/actions/bulk-slices.ts';
import { makeCustomers, outcomesOf, runBulk, startBulk, work, workOnce } from '../support/bulk-jobs.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;
const open = () => testStore(app, database);

const WORDING = { version: '2026-01', text: 'Yes, send me offers by email.', locale: 'en' };
const OFFERS = { channel: 'email', topic: 'offers', wording: WORDING, proof: 'Fair, folder 12' };
const subscribe = (ids: readonly string[], consent: object = OFFERS) => ({
  action: 'subscribeTopic',
  ids,
  consent,
});
const unsubscribe = (ids: readonly string[]) => ({
  action: 'unsubscribeTopic',
  ids,
  consent: { channel: 'email', topic: 'offers' },
});

const say = (store: TestStore, id: string, action: string) =>
  store.call('POST', `/v1/customers/${id}/consents`, { channel: 'email', topics: ['offers'], action });
const read = async (store: TestStore, id: string) => (await store.call('GET', `/v1/customers/${id}`)).data;
const consentsOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}/consents`)).data.data;
const historyOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}/consents/history`)).data.data;

t.test('subscribing many records words, proof and job for each; a withdrawal stays', async (t) => {
  const store = await open();
  const [fresh = '', agreed = '', left = '', silent = ''] = await makeCustomers(
    store,
    { email: 'fresh@example.com' },
    { email: 'agreed@example.com' },
    { email: 'left@example.com' },
    {},
  );
  await say(store, agreed, 'grant');
  await say(store, left, 'withdraw');
  const { data: job } = await runBulk(store, subscribe([fresh, agreed, left, silent]));
  t.match(job, {
    status: 'completed',
    action: 'subscribeTopic',
    consent: { topic: 'offers', source: 'staff' },
  });
  t.same(await outcomesOf(store, job.id), {
    [fresh]: 'done',
    [agreed]: 'unchanged',
    [left]: 'refused:CONSENT_WITHDRAWN',
    [silent]: 'refused:NO_EMAIL',
  });
  t.match(await consentsOf(store, fresh), [
    {
      channel: 'email',
      address: 'fresh@example.com',
      topic: 'offers',
      state: 'granted',
      source: 'staff',
      wording: WORDING,
      proof: { text: 'Fair, folder 12', jobId: job.id },
    },
  ]);
  t.match(await read(store, fresh), { acceptsMarketing: true, version: 2 });
  t.match(await read(store, left), { acceptsMarketing: false });
  t.match(await consentsOf(store, left), [{ state: 'withdrawn' }]);
  const { data } = await store.call('GET', `/v1/customers/${fresh}/timeline?kind=consent`);
  t.match(data.data, [{ kind: 'consent.granted', data: { topics: ['offers'], source: 'staff' } }]);
  t.notOk(job.undoable, 'consent is never taken back by undoing');
  const again = await runBulk(store, subscribe([fresh]));
  t.same(await outcomesOf(store, again.data.id), { [fresh]: 'unchanged' });
  t.equal((await historyOf(store, fresh)).length, 1);
});

t.test('with double opt-in subscribing many asks each once', async (t) => {
  const store = await open();
  await store.call('PATCH', '/v1/mail/settings', { doubleOptIn: true });
  const ids = await makeCustomers(store, { email: 'a@example.com' }, { email: 'b@example.com' });
  await runBulk(store, subscribe(ids));
  for (const id of ids) t.match(await consentsOf(store, id), [{ state: 'pending' }]);
  const again = await runBulk(store, subscribe(ids));
  t.same(again.data.outcomes, { unchanged: 2 }, 'who waits is not asked again');
  const { rows } = await owner.query(
    `select customer_id from messages where store_id = $1 and kind = 'consent_confirmation'`,
    [store.storeId],
  );
  t.equal(rows.length, 2);
});

t.test('unsubscribing many withdraws what was agreed to, an archived topic too', async (t) => {
  const store = await open();
  const [on = '', never = ''] = await makeCustomers(
    store,
    { email: 'a@example.com' },
    { email: 'b@example.com' },
  );
  await say(store, on, 'grant');
  await store.call('PATCH', '/v1/topics/offers', { archived: true });
  const { data: job } = await runBulk(store, unsubscribe([on, never]));
  t.same(await outcomesOf(store, job.id), { [on]: 'done', [never]: 'unchanged' });
  t.match(await consentsOf(store, on), [{ state: 'withdrawn', proof: { jobId: job.id } }]);
  t.equal((await read(store, on)).acceptsMarketing, false);
  t.same(await consentsOf(store, never), []);
});

t.test('by phone, and by the hash of words that are known', async (t) => {
  const store = await open();
  const [reached = '', mailOnly = ''] = await makeCustomers(
    store,
    { phone: '+4930901820' },
    { email: 'a@example.com' },
  );
  const sms = { channel: 'sms', topic: 'offers', wording: WORDING };
  const { data: job } = await runBulk(store, subscribe([reached, mailOnly], sms));
  t.same(await outcomesOf(store, job.id), { [reached]: 'done', [mailOnly]: 'refused:NO_PHONE' });
  const wordingHash = createHash('sha256').update(WORDING.text).digest('hex');
  await runBulk(
    store,
    subscribe([mailOnly], { channel: 'email', topic: 'offers', wordingHash, source: 'checkout' }),
  );
  t.match(await consentsOf(store, mailOnly), [{ state: 'granted', source: 'checkout', wording: WORDING }]);
});

t.test('a dry run of subscribing tells the outcomes and records nothing', async (t) => {
  const store = await open();
  const ids = await makeCustomers(store, { email: 'a@example.com' }, {});
  const { data } = await runBulk(store, { ...subscribe(ids), dryRun: true });
  t.same(data.outcomes, { done: 1, 'refused:NO_EMAIL': 1 });
  t.same(await consentsOf(store, ids[0] ?? ''), []);
});

t.test('a worker that stops in the middle: what is left is subscribed once', async (t) => {
  const store = await open();
  await owner.query(
    `insert into customers (store_id, id, email, email_norm, account_status, source, accepts_marketing, wholesale,
       custom, orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
     select $1, gen_random_uuid(), 'p' || n || '@example.com', 'p' || n || '@example.com', 'guest', 'import', false,
       false, '{}', 0, 0, 0, '', '', 1, now(), now() from generate_series(1, 4500) n`,
    [store.storeId],
  );
  const { data } = await startBulk(store, { action: 'subscribeTopic', all: true, consent: OFFERS });
  await workOnce(store, data.id, bulkSlice);
  await work(store, data.id);
  const { data: job } = await store.call('GET', `/v1/bulk-jobs/${data.id}`);
  t.same(job.outcomes, { done: 4500 });
  const { rows } = await owner.query(
    `select count(*)::integer as events, count(distinct address)::integer as people from consent_events where store_id = $1`,
    [store.storeId],
  );
  t.same(rows, [{ events: 4500, people: 4500 }]);
});

t.test('subscribing is refused without words, for unknown topics and without the scope', async (t) => {
  const store = await open();
  const ids = await makeCustomers(store, { email: 'a@example.com' });
  const { wording: _, ...wordless } = OFFERS;
  const cases: [body: object, status: number, code: string][] = [
    [subscribe(ids, wordless), 422, 'BULK_ACTION_INVALID'],
    [subscribe(ids, { ...OFFERS, wordingHash: '0'.repeat(64) }), 422, 'BULK_ACTION_INVALID'],
    [{ action: 'subscribeTopic', ids }, 422, 'BULK_ACTION_INVALID'],
    [{ action: 'enable', ids, consent: OFFERS }, 422, 'BULK_ACTION_INVALID'],
    [subscribe(ids, { ...wordless, wordingHash: '0'.repeat(64) }), 422, 'WORDING_UNKNOWN'],
    [subscribe(ids, { ...OFFERS, topic: 'nothing' }), 422, 'TOPIC_UNKNOWN'],
  ];
  for (const [body, status, code] of cases) {
    const answer = await startBulk(store, body);
    t.equal(answer.statusCode, status);
    t.equal(answer.data.code, code);
  }
  await store.call('PATCH', '/v1/topics/offers', { archived: true });
  t.equal((await startBulk(store, subscribe(ids))).data.code, 'TOPIC_ARCHIVED');
  const limited = await testStore(app, database, { scopes: ['customers:write'] });
  const refused = await startBulk(limited, subscribe(ids));
  t.match(refused.data, { code: 'SCOPE_MISSING', required: 'consents:write' });
});
