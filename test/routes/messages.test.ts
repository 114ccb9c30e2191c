// Mails over HTTP: direct mail by template and in own words, lists, and what staff may do to a mail (M4).
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { MESSAGE_STATUSES, type MessageStatus } from '../../src/domain/mail/messages.ts';
import { makeCampaign } from '../support/campaigns.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { queueMail, sentMarketing, setMail } from '../support/sent-mails.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;
const open = (): Promise<TestStore> => testStore(app, database);

const NOBODY = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';
const OWN_WORDS = { subject: 'Your question', text: 'Dear Ada,\n\nthe blue one is back.' };

async function customerIn(store: TestStore, input: object = {}): Promise<string> {
  const made = await store.call('POST', '/v1/customers', { email: `${randomUUID()}@example.com`, ...input });
  if (made.statusCode !== 201) throw new Error(made.body);
  return made.data.id;
}

const write = (
  store: TestStore,
  customerId: string,
  body: object,
  key: string = randomUUID(),
): Promise<Answer> =>
  store.call('POST', `/v1/customers/${customerId}/messages`, body, { 'idempotency-key': key });
const command = (store: TestStore, id: string, path: string, key: string = randomUUID()): Promise<Answer> =>
  store.call('POST', `/v1/messages/${id}/${path}`, undefined, { 'idempotency-key': key });
const timeline = async (store: TestStore, customerId: string) =>
  (await store.call('GET', `/v1/customers/${customerId}/timeline?kind=message`)).data.data;
const countOf = async (store: TestStore): Promise<number> =>
  (await owner.query('select count(*)::integer as count from messages where store_id = $1', [store.storeId]))
    .rows[0].count;

async function orderOf(store: TestStore, customerId: string): Promise<string> {
  const made = await store.call('PUT', `/v1/orders/${randomUUID()}`, {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { id: customerId },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
    total: 100,
  });
  if (made.statusCode >= 300) throw new Error(made.body);
  return made.data.id;
}

t.test('own words become a waiting mail that shows in the timeline', async (t) => {
  const store = await open();
  const id = await customerIn(store);
  const answer = await write(store, id, OWN_WORDS);
  t.equal(answer.statusCode, 202, answer.body);
  t.equal(answer.headers.location, `/v1/messages/${answer.data.id}`);
  t.match(answer.data, {
    customerId: id,
    kind: 'direct',
    class: 'transactional',
    status: 'pending',
    reason: null,
    campaignId: null,
    topic: null,
    orderId: null,
    toEmail: null,
    actor: 'staff:tester',
    attempts: 0,
    sentAt: null,
    clickedAt: null,
  });
  t.notOk('data' in answer.data || 'leaseId' in answer.data || 'reference' in answer.data, 'no insides');
  t.match(await timeline(store, id), [
    {
      kind: 'message.queued',
      subjectId: answer.data.id,
      actor: 'staff:tester',
      data: { kind: 'direct', subject: OWN_WORDS.subject },
    },
  ]);
  const read = await store.call('GET', `/v1/messages/${answer.data.id}`);
  t.match(read.data, { id: answer.data.id, attemptList: [], clicks: [] });
});

t.test('a request that is repeated writes once; without a key nothing is written', async (t) => {
  const store = await open();
  const id = await customerIn(store);
  const none = await store.call('POST', `/v1/customers/${id}/messages`, OWN_WORDS);
  t.equal(none.data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const key = randomUUID();
  const [one, other] = [await write(store, id, OWN_WORDS, key), await write(store, id, OWN_WORDS, key)];
  t.equal(other.data.id, one.data.id);
  t.equal(other.headers['idempotency-replayed'], 'true');
  t.equal(await countOf(store), 1);
  t.equal((await timeline(store, id)).length, 1);
});

t.test('a template brings its class; it is looked for when the mail is asked for', async (t) => {
  const store = await open();
  const id = await customerIn(store);
  const orderId = await orderOf(store, id);
  const notice = await write(store, id, { template: 'delay_notice', orderId, data: { days: 3 } });
  t.equal(notice.statusCode, 202, notice.body);
  t.match(notice.data, { class: 'transactional', orderId });
  t.match(await timeline(store, id), [{ data: { kind: 'direct', template: 'delay_notice' } }]);
  const offer = await write(store, id, { template: 'special_offer', topic: 'offers' });
  t.match(offer.data, { class: 'marketing', topic: 'offers' }, offer.body);
  const unknown = await write(store, id, { template: 'no_such_template' });
  t.match(unknown.data, { status: 422, code: 'REFERENCE_UNKNOWN', reference: 'template' });
});

t.test('what a mail says is said once and whole; marketing has a topic, the others have none', async (t) => {
  const store = await open();
  const id = await customerIn(store);
  const cases: [name: string, body: object, pointer: string, code: string][] = [
    ['nothing', {}, '/subject', 'CONTENT_MISSING'],
    ['a subject alone', { subject: 'x' }, '/text', 'CONTENT_MISSING'],
    ['a text alone', { text: 'x' }, '/subject', 'CONTENT_MISSING'],
    ['words and a template', { ...OWN_WORDS, template: 'delay_notice' }, '/template', 'CONTENT_TWICE'],
    ['marketing without a topic', { ...OWN_WORDS, class: 'marketing' }, '/topic', 'TOPIC_MISSING'],
    ['a marketing template without a topic', { template: 'special_offer' }, '/topic', 'TOPIC_MISSING'],
    ['a topic of no marketing', { ...OWN_WORDS, topic: 'offers' }, '/topic', 'TOPIC_UNUSED'],
    [
      'a template whose class is another',
      { template: 'delay_notice', topic: 'offers' },
      '/topic',
      'TOPIC_UNUSED',
    ],
  ];
  for (const [name, body, pointer, code] of cases)
    t.match(
      (await write(store, id, body)).data,
      { code: 'MESSAGE_INVALID', errors: [{ pointer, code }] },
      name,
    );
  const schema: [name: string, body: object][] = [
    ['two lines of subject', { ...OWN_WORDS, subject: 'a\r\nBcc: b@example.com' }],
    ['an empty text', { ...OWN_WORDS, text: '' }],
    ['another field', { ...OWN_WORDS, to: 'b@example.com' }],
  ];
  for (const [name, body] of schema)
    t.equal((await write(store, id, body)).data.code, 'VALIDATION_FAILED', name);
  t.equal(await countOf(store), 0);
});

t.test('a fact called template chooses none: own words stay own words', async (t) => {
  const store = await open();
  const id = await customerIn(store);
  const { data } = await write(store, id, { ...OWN_WORDS, data: { template: 'special_offer', size: 3 } });
  const { rows } = await owner.query('select data from messages where id = $1', [data.id]);
  t.same(rows[0].data, { size: 3, ...OWN_WORDS });
});

t.test('the order is the customer’s own, the topic the store’s', async (t) => {
  const [store, elsewhere] = [await open(), await open()];
  const [id, other, foreign] = [
    await customerIn(store),
    await customerIn(store),
    await customerIn(elsewhere),
  ];
  const orderId = await orderOf(store, id);
  t.equal((await write(store, id, { ...OWN_WORDS, orderId })).statusCode, 202);
  const strangers = [await orderOf(store, other), await orderOf(elsewhere, foreign), NOBODY];
  for (const stranger of strangers)
    t.match((await write(store, id, { ...OWN_WORDS, orderId: stranger })).data, {
      code: 'REFERENCE_UNKNOWN',
      reference: 'orderId',
    });
  const marketing = { ...OWN_WORDS, class: 'marketing' };
  t.match((await write(store, id, { ...marketing, topic: 'no-such-topic' })).data, {
    code: 'REFERENCE_UNKNOWN',
    reference: 'topic',
  });
  t.equal((await write(store, id, { ...marketing, topic: 'offers' })).statusCode, 202);
});

t.test('only to a customer who is there and has an address', async (t) => {
  const [store, elsewhere] = [await open(), await open()];
  const silent = await customerIn(store, { email: null, phone: '+4930123456' });
  t.equal((await write(store, silent, OWN_WORDS)).data.code, 'NO_EMAIL');
  const [one, two] = [await customerIn(store), await customerIn(store)];
  const merged = await store.call('POST', `/v1/customers/${one}/merge`, { from: two });
  t.ok(merged.statusCode < 300, merged.body);
  t.equal((await write(store, two, OWN_WORDS)).data.code, 'CUSTOMER_GONE');
  t.equal((await store.call('GET', `/v1/customers/${two}/messages`)).data.code, 'CUSTOMER_GONE');
  const foreign = await customerIn(elsewhere);
  t.equal((await write(store, foreign, OWN_WORDS)).statusCode, 404);
  t.equal((await store.call('GET', `/v1/customers/${foreign}/messages`)).statusCode, 404);
  t.equal((await write(store, NOBODY, OWN_WORDS)).statusCode, 404);
});

t.test('a mail can wait for its time', async (t) => {
  const store = await open();
  const id = await customerIn(store);
  const { data } = await write(store, id, { ...OWN_WORDS, sendAfter: '2030-03-01T09:00:00+01:00' });
  t.equal(data.sendAfter, '2030-03-01T08:00:00.000Z');
});

t.test('lists show the newest first, in pages, and only what is asked for', async (t) => {
  const [store, elsewhere] = [await open(), await open()];
  const [ada, ben] = [await customerIn(store), await customerIn(store)];
  await write(elsewhere, await customerIn(elsewhere), OWN_WORDS);
  const first = await queueMail(store, { kind: 'credit_granted', customerId: ada });
  const failed = await queueMail(store, { kind: 'direct', customerId: ben });
  await setMail(owner, failed, { status: 'failed', reason: 'refused_recipient' });
  const marketing = await sentMarketing(store, owner, ada, new Date());
  const campaignId = randomUUID();
  const campaign = await queueMail(store, { kind: 'campaign', topic: 'offers', customerId: ben });
  await setMail(owner, campaign, { status: 'skipped', reason: 'unsubscribed', campaignId });
  const ids = async (url: string): Promise<string[]> => {
    const { data } = await store.call('GET', url);
    return data.data.map(({ id }: { id: string }) => id);
  };
  t.same(await ids('/v1/messages'), [campaign, marketing, failed, first]);
  t.same(await ids('/v1/messages?status=failed'), [failed]);
  t.same(await ids('/v1/messages?kind=credit_granted'), [first]);
  t.same(await ids('/v1/messages?class=marketing'), [campaign, marketing]);
  t.same(await ids('/v1/messages?class=marketing&status=sent'), [marketing]);
  t.same(await ids(`/v1/messages?campaignId=${campaignId}`), [campaign]);
  t.same(await ids(`/v1/messages?campaignId=${NOBODY}`), []);
  t.same(await ids(`/v1/customers/${ada}/messages`), [marketing, first]);
  t.same(
    await ids(`/v1/customers/${ben}/messages?status=skipped`),
    [campaign],
    'with those that were not sent',
  );
  const page = await store.call('GET', '/v1/messages?limit=3');
  t.equal(page.data.page.hasMore, true);
  const next = await store.call('GET', `/v1/messages?limit=3&cursor=${page.data.page.nextCursor}`);
  t.same(
    next.data.data.map(({ id }: { id: string }) => id),
    [first],
  );
  t.equal((await store.call('GET', '/v1/messages?cursor=x')).data.code, 'CURSOR_INVALID');
  t.equal((await store.call('GET', '/v1/messages?status=lost')).data.code, 'VALIDATION_FAILED');
});

/** What each command makes of a mail; all other states refuse it. */
const COMMANDS: Record<string, Partial<Record<MessageStatus, MessageStatus>>> = {
  cancel: { pending: 'cancelled', ready: 'cancelled', deferred: 'cancelled' },
  retry: { deferred: 'ready', failed: 'ready', unknown: 'ready' },
  'mark-sent': { unknown: 'sent' },
  'mark-failed': { unknown: 'failed' },
};

t.test(
  'M4 final states never change, except that unknown becomes known and failed is tried anew',
  async (t) => {
    const store = await open();
    const customerId = await customerIn(store);
    for (const [path, leads] of Object.entries(COMMANDS)) {
      for (const status of MESSAGE_STATUSES) {
        const id = await queueMail(store, { kind: 'direct', customerId });
        const reason = status === 'failed' ? 'refused' : status === 'skipped' ? 'no_consent' : undefined;
        await setMail(owner, id, { status, ...(reason && { reason }) });
        const { statusCode, data } = await command(store, id, path);
        const after = leads[status];
        if (after) t.match(data, { id, status: after }, `${path} of ${status}`);
        else {
          t.equal(statusCode, 409, `${path} of ${status}`);
          t.match(data, {
            code: 'MESSAGE_STATE_CONFLICT',
            messageStatus: status,
            possibleFrom: Object.keys(leads),
          });
        }
        const { data: read } = await store.call('GET', `/v1/messages/${id}`);
        t.equal(read.status, after ?? status);
      }
    }
  },
);

t.test(
  'M4 what is known of a mail in doubt is written down; a mail that is tried anew is due at once',
  async (t) => {
    const store = await open();
    const customerId = await customerIn(store);
    const inDoubt = async (): Promise<string> => {
      const id = await queueMail(store, { kind: 'direct', customerId, sendAfter: new Date('2030-01-01') });
      await setMail(owner, id, { status: 'unknown' });
      return id;
    };
    const sent = await command(store, await inDoubt(), 'mark-sent');
    t.ok(Date.now() - Date.parse(sent.data.sentAt) < 60_000);
    const failed = await command(store, await inDoubt(), 'mark-failed');
    t.match(failed.data, { reason: 'refused', sentAt: null });
    const again = await command(store, failed.data.id, 'retry');
    t.match(again.data, { status: 'ready', reason: null });
    t.ok(Date.parse(again.data.sendAfter) <= Date.now());
    t.match((await timeline(store, customerId)).slice(0, 2), [
      { kind: 'message.changed', subjectId: again.data.id, data: { kind: 'direct', command: 'retry' } },
      { kind: 'message.changed', subjectId: again.data.id, data: { kind: 'direct', command: 'mark_failed' } },
    ]);
  },
);

t.test('a mail of a campaign that is over cannot be sent again: nobody would', async (t) => {
  const store = await open();
  const customerId = await customerIn(store);
  const campaignId = await makeCampaign(store);
  const id = await queueMail(store, { kind: 'campaign', topic: 'offers', customerId });
  await setMail(owner, id, { status: 'failed', reason: 'mailbox_full', campaignId });
  const during = (status: string) =>
    owner.query('update campaigns set status = $2, pause_cause = $3 where id = $1', [
      campaignId,
      status,
      status === 'paused' ? 'manual' : null,
    ]);
  for (const status of ['completed', 'cancelled', 'expired', 'failed']) {
    await during(status);
    const refused = await command(store, id, 'retry');
    t.match(refused.data, { status: 409, code: 'CAMPAIGN_STATE_CONFLICT', campaignStatus: status });
  }
  t.equal((await store.call('GET', `/v1/messages/${id}`)).data.status, 'failed');
  await during('paused');
  t.match((await command(store, id, 'retry')).data, { status: 'ready' });
});

t.test('two commands at once: one is carried out, the other hears of it', async (t) => {
  const store = await open();
  const id = await queueMail(store, { kind: 'direct', customerId: await customerIn(store) });
  const answers = await Promise.all([1, 2, 3].map(() => command(store, id, 'cancel')));
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 409, 409]);
  const key = randomUUID();
  await setMail(owner, id, { status: 'failed', reason: 'refused' });
  t.equal((await store.call('POST', `/v1/messages/${id}/retry`)).data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const retried = [await command(store, id, 'retry', key), await command(store, id, 'retry', key)];
  t.same(
    retried.map(({ statusCode }) => statusCode),
    [200, 200],
    'a repeat gets the first answer',
  );
});

t.test('mails of another store are not there', async (t) => {
  const [store, elsewhere] = [await open(), await open()];
  const id = await queueMail(elsewhere, { kind: 'direct', customerId: await customerIn(elsewhere) });
  t.equal((await store.call('GET', `/v1/messages/${id}`)).statusCode, 404);
  for (const path of Object.keys(COMMANDS)) t.equal((await command(store, id, path)).statusCode, 404, path);
  t.equal((await store.call('GET', `/v1/messages/${NOBODY}`)).statusCode, 404);
});

t.test('attempts and clicks are told, the first ones first', async (t) => {
  const store = await open();
  const id = await sentMarketing(store, owner, await customerIn(store), new Date());
  await owner.query(
    `insert into message_attempts (store_id, message_id, number, outcome, code, response, ended_at)
     values ($1, $2, 2, 'sent', 250, '2.0.0 Ok', now()), ($1, $2, 1, 'deferred', 451, '4.3.0 Try again', now())`,
    [store.storeId, id],
  );
  await owner.query(
    `insert into message_clicks (store_id, message_id, id, url, machine, clicked_at)
     values ($1, $2, $3, 'https://shop.example/', true, now())`,
    [store.storeId, id, randomUUID()],
  );
  const { data } = await store.call('GET', `/v1/messages/${id}`);
  t.match(data.attemptList, [
    { number: 1, outcome: 'deferred', code: 451, response: '4.3.0 Try again' },
    { number: 2, outcome: 'sent', code: 250 },
  ]);
  t.match(data.clicks, [{ url: 'https://shop.example/', machine: true }]);
});
