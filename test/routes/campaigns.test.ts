// Campaigns over HTTP: the plan, the commands and their refusals, what is foretold, accounted for, explained and earned.
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import t from 'tap';
import type { Sender } from '../../src/domain/mail/settings.ts';
import { handlersOf } from '../../src/jobs/runner.ts';
import { SLICES } from '../../src/jobs/slices.ts';
import { addPerson, endRest, plan, prepare } from '../support/campaign-people.ts';
import { readyToSend, sendCampaign } from '../support/campaigns.ts';
import { type Answer, call, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;

async function shop(mail: object = {}): Promise<TestStore> {
  const store = await testStore(app, database);
  await readyToSend(store, mail);
  return store;
}

const create = async (store: TestStore, input: object = {}): Promise<Answer> =>
  store.call('POST', '/v1/campaigns', await plan(store, input));

async function created(store: TestStore, input: object = {}): Promise<string> {
  const { statusCode, data, body } = await create(store, input);
  if (statusCode !== 201) throw new Error(body);
  return data.id;
}

const get = async (store: TestStore, id: string, path = '') =>
  (await store.call('GET', `/v1/campaigns/${id}${path}`)).data;
const command = (store: TestStore, id: string, name: string, body?: object, headers = {}) =>
  store.call('POST', `/v1/campaigns/${id}/${name}`, body, headers);

async function running(store: TestStore, input: object = {}): Promise<string> {
  const id = await created(store, input);
  await sendCampaign(store, id);
  await prepare(store, id);
  return id;
}

/** A template that fails for people without a first name. */
async function strictTemplate(store: TestStore): Promise<string> {
  const template = {
    key: 'strict',
    locale: 'en',
    name: 'Strict',
    class: 'marketing',
    format: 'html',
    subject: 'Hello',
    source: '<p>Hello {{ customer.firstName }} <a href="{{ links.unsubscribe }}">Unsubscribe</a></p>',
    variables: [{ name: 'customer.firstName' }, { name: 'links.unsubscribe' }],
    missing: 'fail',
  };
  const { data, body, statusCode } = await store.call('POST', '/v1/templates', template);
  if (statusCode !== 201) throw new Error(body);
  const published = await store.call('POST', `/v1/templates/${data.id}/publish`);
  if (published.statusCode >= 300) throw new Error(published.body);
  return data.id;
}

const key = () => ({ 'idempotency-key': randomUUID() });
const NEVER = new AbortController().signal;

const codesIn = ({ data }: Answer): string[] => data.errors.map(({ code }: { code: string }) => code);

t.test('a plan is a draft with what it does not say filled in, and changes by merge patch', async (t) => {
  const store = await shop();
  const made = await create(store, { perSecond: 20, domainRates: [{ domain: 'GMAIL.com', perSecond: 2 }] });
  t.equal(made.statusCode, 201);
  t.equal(made.headers.location, `/v1/campaigns/${made.data.id}`);
  t.match(made.data, {
    status: 'draft',
    perSecond: 20,
    domainRates: [{ domain: 'gmail.com', perSecond: 2 }],
    holdoutPercent: 0,
    resultDays: 7,
    brake: { bouncePercent: 5, complaintPercent: 0.5, minimum: 100 },
    exclusions: {},
    startsAt: null,
    createdBy: 'staff:tester',
    version: 1,
  });
  const url = `/v1/campaigns/${made.data.id}`;
  const patch = { name: 'Summer', perSecond: null, offerPrefix: 'SUMMER-', onceKey: 'summer' };
  const patched = await store.call('PATCH', url, patch, { 'if-match': '"1"' });
  t.match(patched.data, { name: 'Summer', offerPrefix: 'SUMMER-', onceKey: 'summer', version: 2 });
  t.notOk('perSecond' in patched.data);
  t.equal((await store.call('PATCH', url, { name: 'x' }, { 'if-match': '"1"' })).statusCode, 412);
  t.equal((await store.call('PATCH', url, { name: 'Summer' })).data.version, 2, 'no change, no version');
  const cleared = await store.call('PATCH', url, { offerPrefix: null, onceKey: null });
  t.notOk('offerPrefix' in cleared.data);
  const read = await store.call('GET', url, undefined, { 'if-none-match': '*' });
  t.equal(read.statusCode, 200, 'progress moves without a version, so it is never 304');
  t.equal(read.headers.etag, '"3"');
  t.match(read.data.progress, { audience: 0, total: 0, balanced: true, states: [], waiting: 0 });
  const { rows } = await owner.query(
    `select kind from events where store_id = $1 and kind ^@ 'campaign.' order by id`,
    [store.storeId],
  );
  t.same(
    rows.map(({ kind }) => kind),
    ['campaign.created', 'campaign.updated', 'campaign.updated'],
  );
});

t.test('a plan names only what the store has, each unknown part told', async (t) => {
  const store = await shop();
  const id = randomUUID();
  const refused = await create(store, {
    templateId: id,
    topic: 'nothing',
    audience: { segmentIds: [id], tags: ['unknown'] },
    exclusions: { groupIds: [id], customerIds: [id] },
  });
  t.equal(refused.statusCode, 422);
  t.equal(refused.data.code, 'CAMPAIGN_INVALID');
  t.same(
    refused.data.errors.map(({ pointer }: { pointer: string }) => pointer),
    [
      '/templateId',
      '/topic',
      '/audience/segmentIds/0',
      '/audience/tags/0',
      '/exclusions/groupIds/0',
      '/exclusions/customerIds/0',
    ],
  );
});

t.test('a start that is not ready is refused with everything that is missing', async (t) => {
  const store = await testStore(app, database);
  const id = await created(store, { audience: {}, deadline: '2020-01-01T00:00:00Z' });
  const refused = await sendCampaign(store, id);
  t.equal(refused.statusCode, 409);
  t.equal(refused.data.code, 'CAMPAIGN_NOT_READY');
  t.same(codesIn(refused), ['POSTAL_ADDRESS_MISSING', 'AUDIENCE_EMPTY', 'DEADLINE_PASSED']);
  t.equal((await get(store, id)).status, 'draft');
  await readyToSend(store);
  await store.call('PATCH', `/v1/campaigns/${id}`, {
    audience: { everyone: true },
    deadline: null,
    sendMode: 'local_time',
  });
  t.same(codesIn(await sendCampaign(store, id)), ['SCHEDULE_MISSING']);
});

t.test('sending needs a key, and the same key starts it once', async (t) => {
  const store = await shop();
  const id = await created(store);
  t.equal((await command(store, id, 'send')).data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const key = { 'idempotency-key': randomUUID() };
  const first = await command(store, id, 'send', undefined, key);
  t.equal(first.statusCode, 202);
  t.equal(first.headers.location, `/v1/jobs/${id}`);
  t.equal(first.data.status, 'preparing');
  const again = await command(store, id, 'send', undefined, key);
  t.equal(again.statusCode, 202);
  t.equal(again.headers['idempotency-replayed'], 'true');
  t.match((await sendCampaign(store, id)).data, {
    code: 'CAMPAIGN_STATE_CONFLICT',
    campaignStatus: 'preparing',
  });
  await prepare(store, id);
  t.match((await store.call('GET', `/v1/jobs/${id}`)).data, {
    kind: 'campaign-prepare',
    status: 'completed',
  });
});

t.test('each command works in its states and says the way out in the others', async (t) => {
  const store = await shop();
  await addPerson(owner, store);
  const id = await running(store);
  t.match(await get(store, id), { status: 'running', recipients: 1, templateVersion: 1 });
  for (const name of ['resume', 'schedule']) {
    const refused = await command(
      store,
      id,
      name,
      name === 'schedule' ? { at: '2030-01-01T00:00:00Z' } : undefined,
    );
    t.match(refused.data, { status: 409, code: 'CAMPAIGN_STATE_CONFLICT', wayOut: /Pause or cancel/ }, name);
  }
  t.equal(
    (await store.call('PATCH', `/v1/campaigns/${id}`, { name: 'x' })).data.code,
    'CAMPAIGN_STATE_CONFLICT',
  );
  t.equal((await store.call('DELETE', `/v1/campaigns/${id}`)).data.code, 'CAMPAIGN_STATE_CONFLICT');
  t.equal((await command(store, id, 'simulate')).data.code, 'CAMPAIGN_STATE_CONFLICT');
  const { version } = await get(store, id);
  t.equal((await command(store, id, 'pause', undefined, { 'if-match': '"1"' })).statusCode, 412);
  const paused = await command(store, id, 'pause', undefined, { 'if-match': `"${version}"` });
  t.match(paused.data, { status: 'paused', pauseCause: 'manual', version: version + 1 });
  const resumed = await command(store, id, 'resume');
  t.equal(resumed.data.status, 'running');
  t.notOk('pauseCause' in resumed.data);
  const cancelled = await command(store, id, 'cancel');
  t.match(cancelled.data, { status: 'cancelled', finishedAt: String });
  t.match(await get(store, id, '/reconciliation'), {
    balanced: true,
    states: [{ status: 'cancelled', reason: null, count: 1 }],
  });
  t.match((await command(store, id, 'cancel')).data, { wayOut: /Duplicate/ });
  const copy = await command(store, id, 'duplicate', { name: 'Again' });
  t.match(copy.data, { status: 'draft', name: 'Again', startsAt: null, audience: { everyone: true } });
  t.equal((await store.call('DELETE', `/v1/campaigns/${copy.data.id}`)).statusCode, 204);
  t.equal((await store.call('GET', `/v1/campaigns/${copy.data.id}`)).statusCode, 404);
});

t.test('a schedule can be changed, and follows a change of the clocks', async (t) => {
  const store = await shop();
  const id = await created(store);
  const past = await command(store, id, 'schedule', { at: '2020-01-01T00:00:00Z' });
  t.match(past.data, { code: 'CAMPAIGN_INVALID', errors: [{ pointer: '/at', code: 'TIME_PAST' }] });
  const at = '2030-07-01T10:00:00+02:00';
  t.match((await command(store, id, 'schedule', { at })).data, {
    status: 'scheduled',
    startsAt: '2030-07-01T08:00:00.000Z',
  });
  const local = await store.call('PATCH', `/v1/campaigns/${id}`, { sendMode: 'local_time' });
  t.match(local.data, { localTime: '2030-07-01T10:00:00', startsAt: '2030-06-30T20:00:00.000Z' });
  const instant = await store.call('PATCH', `/v1/campaigns/${id}`, { sendMode: 'instant' });
  t.equal(instant.data.startsAt, '2030-07-01T08:00:00.000Z');
  t.notOk('localTime' in instant.data);
  t.equal((await command(store, id, 'cancel')).data.status, 'cancelled');
  const list = await store.call('GET', '/v1/campaigns?status=cancelled');
  t.same(
    list.data.data.map((campaign: { id: string }) => campaign.id),
    [id],
  );
  t.equal((await store.call('GET', '/v1/campaigns?status=draft')).data.data.length, 0);
});

t.test('segments and groups of campaigns that are still to start cannot be deleted', async (t) => {
  const store = await shop();
  const group = (await store.call('POST', '/v1/groups', { name: 'Friends' })).data.id;
  const segment = (await store.call('POST', '/v1/segments', { name: 'Many', query: 'number_of_orders > 5' }))
    .data.id;
  const id = await created(store, { audience: { segmentIds: [segment] }, exclusions: { groupIds: [group] } });
  const use = { kind: 'campaign', id, name: 'Spring' };
  t.match((await store.call('DELETE', `/v1/segments/${segment}`)).data, {
    code: 'SEGMENT_IN_USE',
    usedBy: [use],
  });
  t.match((await store.call('DELETE', `/v1/groups/${group}`)).data, { code: 'GROUP_IN_USE', usedBy: [use] });
  await store.call('DELETE', `/v1/campaigns/${id}`);
  t.equal((await store.call('DELETE', `/v1/segments/${segment}`)).statusCode, 204);
});

t.test(
  'a simulation tells counts, hours, end and what the template makes of people, and is kept',
  async (t) => {
    const store = await shop();
    for (let n = 0; n < 3; n++) await addPerson(owner, store, { email: `s${n}@one.example` });
    await addPerson(owner, store, { email: 'x@two.example' });
    await addPerson(owner, store, { consent: null });
    const id = await created(store, {
      perSecond: 1,
      domainRates: [{ domain: 'one.example', perSecond: 0.01 }],
    });
    const simulated = await command(store, id, 'simulate');
    t.equal(simulated.statusCode, 200, simulated.body);
    t.match(simulated.data, {
      campaignId: id,
      audience: 5,
      ready: 4,
      skipped: { no_consent: 1 },
      domains: [
        { domain: 'one.example', count: 3 },
        { domain: 'two.example', count: 1 },
      ],
      otherDomains: 0,
      late: 0,
      rendering: { sampled: 4, failed: 0, errors: [] },
      obstacles: [],
    });
    const seconds =
      (Date.parse(simulated.data.estimatedEndAt) - Date.parse(simulated.data.simulatedAt)) / 1000;
    t.ok(seconds >= 290 && seconds < 700, `three mails at one in 100 s take ${seconds} s`);
    const hours = simulated.data.hours.reduce((sum: number, { count }: { count: number }) => sum + count, 0);
    t.equal(hours, 4);
    await store.call('PATCH', `/v1/campaigns/${id}`, { templateId: await strictTemplate(store) });
    const broken = await command(store, id, 'simulate');
    t.match(broken.data.rendering, { sampled: 4, failed: 4, errors: [{ count: 4, detail: /firstName/ }] });
    const kept = await store.call('GET', `/v1/campaigns/${id}/simulations?limit=1`);
    t.equal(kept.data.data[0].id, broken.data.id, 'the latest first');
    t.ok(kept.data.page.hasMore);
    t.equal((await get(store, id)).status, 'draft', 'nothing is sent');
    t.equal((await owner.query('select from messages where store_id = $1', [store.storeId])).rowCount, 0);
  },
);

t.test(
  'M7 a store without a sender starts with the one of the installation, and not where there is none',
  async (t) => {
    const store = await testStore(app, database);
    await store.call('PATCH', '/v1/mail/settings', { postalAddress: 'Torstr. 1, 10119 Berlin' });
    const bare = await testApp(t, database, { NODE_ENV: 'production' });
    const unsent = await created(store);
    const refused = await call(bare, store.token, 'POST', `/v1/campaigns/${unsent}/send`, undefined, key());
    t.same(codesIn(refused), ['SENDER_MISSING']);
    const named = await testApp(t, database, {
      NODE_ENV: 'production',
      MAIL_FROM: 'Shop <shop@host.example>',
    });
    const sent = await call(named, store.token, 'POST', `/v1/campaigns/${unsent}/send`, undefined, key());
    t.equal(sent.statusCode, 202, sent.body);
    const log = pino({ level: 'silent' });
    const work = async (facts: { fallbackSender: Sender | null }, jobId: string) => {
      const handler = handlersOf(database.pool, SLICES, log, facts)['campaign-prepare'];
      await handler?.({ storeId: store.storeId, jobId }, { number: 1, isLast: false, signal: NEVER });
      return get(store, jobId);
    };
    const fallbackSender = { name: 'Shop', email: 'shop@host.example' };
    t.match(await work({ fallbackSender }, unsent), { status: 'completed' }, 'nobody is in the audience');
    const late = await created(store);
    await sendCampaign(store, late);
    const failed = await work({ fallbackSender: null }, late);
    t.match(failed, { status: 'failed', failure: /sender/ }, 'the sender was taken away meanwhile');
  },
);

t.test('an unready campaign can be simulated, and is told what is missing', async (t) => {
  const store = await testStore(app, database);
  const id = await created(store);
  const { data } = await command(store, id, 'simulate');
  t.match(data, { audience: 0, ready: 0, estimatedEndAt: null });
  t.same(
    data.obstacles.map(({ code }: { code: string }) => code),
    ['POSTAL_ADDRESS_MISSING'],
  );
});

t.test('the audience is listed by state and reason, page by page, and as a file', async (t) => {
  const store = await shop();
  const people = [];
  for (let n = 0; n < 5; n++) people.push(await addPerson(owner, store, { email: `r${n}@people.example` }));
  const silent = await addPerson(owner, store, { consent: null, email: '=cmd@people.example' });
  const id = await running(store);
  const seen: string[] = [];
  let next = `/v1/campaigns/${id}/recipients?limit=2&status=ready`;
  while (next) {
    const { data } = await store.call('GET', next);
    seen.push(...data.data.map(({ customerId }: { customerId: string }) => customerId));
    next = data.page.nextCursor
      ? `/v1/campaigns/${id}/recipients?limit=2&status=ready&cursor=${data.page.nextCursor}`
      : '';
  }
  t.same(seen, [...people].sort());
  t.match(await get(store, id, '/recipients?reason=no_consent'), {
    data: [{ customerId: silent, status: 'skipped', reason: 'no_consent', attempts: 0, sentAt: null }],
  });
  const file = await store.call('GET', `/v1/campaigns/${id}/recipients.csv?status=skipped`);
  t.equal(file.headers['content-type'], 'text/csv; charset=utf-8');
  const lines = file.body.trim().split(/\r?\n/);
  t.equal(lines.length, 2);
  t.match(lines[1], /skipped,no_consent/);
  t.notMatch(lines[1], /,=cmd/, 'no formula gets into a spreadsheet');
});

t.test('each recipient has an offer code of their own, the same whenever it is asked for', async (t) => {
  const store = await shop();
  for (let n = 0; n < 6; n++) await addPerson(owner, store);
  await addPerson(owner, store, { consent: null });
  const id = await running(store, { offerPrefix: 'SPRING-' });
  const file = async () =>
    (await store.call('GET', `/v1/campaigns/${id}/codes.csv`)).body.trim().split(/\r?\n/);
  const lines = await file();
  t.equal(lines.shift(), 'customerId,email,code,status');
  const codes = lines.map((line: string) => line.split(',')[2] ?? '');
  t.equal(codes.length, 6, 'not for whom nothing is sent');
  t.equal(new Set(codes).size, 6);
  t.ok(codes.every((code) => /^SPRING-[0-9A-Z]{12}$/.test(code)));
  t.same((await file()).slice(1), lines);
  const without = await running(store);
  t.equal(
    (await store.call('GET', `/v1/campaigns/${without}/codes.csv`)).body.trim(),
    'customerId,email,code,status',
  );
});

t.test('why somebody got it or not is told in sentences, before and after the start', async (t) => {
  const store = await shop({ contactLimit: { messages: 1, days: 7 } });
  const people = {
    ready: await addPerson(owner, store),
    unsubscribed: await addPerson(owner, store, { consent: 'withdrawn' }),
    suppressed: await addPerson(owner, store, { suppressed: 'hard_bounce' }),
    limited: await addPerson(owner, store, { mails: 1 }),
    excluded: await addPerson(owner, store),
    twin: await addPerson(owner, store, { emailKey: 'twin@gmail.com' }),
    twin2: await addPerson(owner, store, { emailKey: 'twin@gmail.com' }),
  };
  const stranger = await addPerson(owner, store);
  for (const id of Object.values(people)) {
    const tags = id === people.excluded ? ['In', 'Out'] : ['In'];
    await store.call('PUT', `/v1/customers/${id}/tags`, { tags });
  }
  const id = await created(store, { audience: { tags: ['In'] }, exclusions: { tags: ['Out'] } });
  const explain = async (customerId: string) => {
    const { statusCode, data, body } = await store.call(
      'GET',
      `/v1/customers/${customerId}/explain?campaign=${id}`,
    );
    t.equal(statusCode, 200, body);
    return { ...data, text: data.sentences?.join(' ') };
  };
  t.match(await explain(people.ready), {
    outcome: 'would_send',
    reason: null,
    text: /tag “In”.*would get the mail/,
  });
  t.match(await explain(people.unsubscribed), {
    outcome: 'would_skip',
    reason: 'unsubscribed',
    text: /withdrawn by the one-click link of a mail on 2026-01-02 03:04 UTC/,
  });
  t.match(await explain(people.twin2), { reason: 'duplicate_address', text: new RegExp(people.twin) });
  t.match(await explain(stranger), { outcome: 'not_in_audience', text: /No part of the audience/ });
  await sendCampaign(store, id);
  await prepare(store, id);
  t.match(await explain(people.ready), { outcome: 'waiting', text: /frozen on .*The mail waits/ });
  t.match(await explain(people.unsubscribed), {
    outcome: 'skipped',
    reason: 'unsubscribed',
    text: /one-click/,
  });
  t.match(await explain(people.suppressed), {
    reason: 'suppressed_hard_bounce',
    text: /suppression list \(hard_bounce\)/,
  });
  t.match(await explain(people.limited), {
    reason: 'contact_limit',
    text: /1 marketing mails .* within 7 days.*the limit is 1/,
  });
  t.match(await explain(people.excluded), {
    reason: 'excluded',
    text: /exclusions name the customer: the tag “Out”/,
  });
  t.match(await explain(stranger), {
    outcome: 'not_in_audience',
    text: /not in the audience when it was frozen/,
  });
  await owner.query(
    `update messages set status = 'sent', sent_at = now(), clicked_at = now() where campaign_id = $1 and customer_id = $2`,
    [id, people.ready],
  );
  t.match(await explain(people.ready), { outcome: 'sent', text: /was sent on .*clicked in it/ });
  t.equal((await store.call('GET', `/v1/customers/${randomUUID()}/explain?campaign=${id}`)).statusCode, 404);
  t.equal(
    (await store.call('GET', `/v1/customers/${stranger}/explain?campaign=${randomUUID()}`)).statusCode,
    404,
  );
});

async function order(store: TestStore, customerId: string, total: number, more: object = {}): Promise<void> {
  const at = new Date(Date.now() + 60_000).toISOString();
  const answer = await store.call('PUT', `/v1/orders/${randomUUID()}`, {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: at,
    updatedAt: at,
    customer: { id: customerId },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: total }],
    total,
    ...more,
  });
  if (answer.statusCode >= 300) throw new Error(answer.body);
}

t.test('results set answers and orders of the recipients against those of the hold-out group', async (t) => {
  const store = await shop();
  const people = [];
  for (let n = 0; n < 40; n++) people.push(await addPerson(owner, store));
  const id = await created(store, { holdoutPercent: 50, resultDays: 3 });
  await command(store, id, 'simulate');
  await sendCampaign(store, id);
  await prepare(store, id);
  await owner.query(
    `update messages set status = 'sent', sent_at = now(), delivered_at = now() where campaign_id = $1 and status = 'ready'`,
    [id],
  );
  const { rows } = await owner.query<{ id: string; customerId: string; reason: string | null }>(
    `select id, customer_id as "customerId", reason from messages where campaign_id = $1 order by id`,
    [id],
  );
  const sent = rows.filter(({ reason }) => reason === null);
  const held = rows.filter(({ reason }) => reason === 'holdout');
  t.ok(sent.length > 5 && held.length > 5);
  const [first, second] = [sent[0], sent[1]];
  if (!first || !second || !held[0]) throw new Error('too few');
  await order(store, first.customerId, 3_000_000_000);
  await order(store, first.customerId, 50);
  await order(store, second.customerId, 100, { status: 'cancelled' });
  await order(store, second.customerId, 100, { isTest: true });
  const later = new Date(Date.now() + 4 * 86_400_000).toISOString();
  await order(store, second.customerId, 100, { placedAt: later, updatedAt: later });
  await order(store, held[0].customerId, 1_000);
  await owner.query(`update messages set clicked_at = now(), unsubscribed_at = now() where id = $1`, [
    first.id,
  ]);
  await owner.query(
    `insert into message_clicks (store_id, message_id, id, url, machine, clicked_at)
     values ($1, $2, gen_random_uuid(), 'https://shop.example', true, now()), ($1, $2, gen_random_uuid(), 'https://shop.example', false, now())`,
    [store.storeId, first.id],
  );
  const results = await get(store, id, '/results');
  t.match(results, {
    resultDays: 3,
    sent: sent.length,
    delivered: sent.length,
    bounced: 0,
    clicked: 1,
    unsubscribed: 1,
    machineClicks: 1,
    holdout: held.length,
    rates: { delivered: 1, bounced: 0 },
    recipients: {
      people: sent.length,
      currencies: [{ currency: 'EUR', orders: 2, customers: 1, revenue: 3_000_000_050 }],
    },
    holdoutGroup: { people: held.length, currencies: [{ currency: 'EUR', orders: 1, revenue: 1_000 }] },
    comparison: {
      foretold: { audience: 40, ready: sent.length, skipped: { holdout: held.length } },
      real: { audience: 40, ready: sent.length, skipped: { holdout: held.length } },
    },
  });
  t.equal(results.uplift.length, 1);
  t.ok(results.uplift[0].revenue > 2_900_000_000);
});

t.test(
  'C10 results follow orders to whom a recipient was merged into, each order counted once',
  async (t) => {
    const store = await shop();
    const people: string[] = [];
    for (let n = 0; n < 5; n++) people.push(await addPerson(owner, store));
    const [sent = '', twin = '', held = '', next = '', last = ''] = people;
    const id = await created(store, { audience: { customerIds: [sent, twin, held] } });
    await sendCampaign(store, id);
    await prepare(store, id);
    const end = (customerId: string, change: string) =>
      owner.query(`update messages set ${change} where campaign_id = $1 and customer_id = $2`, [
        id,
        customerId,
      ]);
    await end(sent, `status = 'sent', sent_at = now()`);
    await end(twin, `status = 'sent', sent_at = now()`);
    await end(held, `status = 'skipped', reason = 'holdout'`);
    await order(store, sent, 3_000_000_000);
    await order(store, twin, 50);
    await order(store, held, 1_000);
    const groups = async () => {
      const { recipients, holdoutGroup } = await get(store, id, '/results');
      return [recipients, holdoutGroup].map(({ currencies: [one] }) => one && [one.orders, one.revenue]);
    };
    const apart = [
      [2, 3_000_000_050],
      [1, 1_000],
    ];
    t.same(await groups(), apart);
    const merge = async (into: string, from: string) => {
      const answer = await store.call('POST', `/v1/customers/${into}/merge`, { from }, key());
      if (answer.statusCode >= 300) throw new Error(answer.body);
    };
    await merge(next, sent);
    await merge(last, next);
    t.same(await groups(), apart, 'over two merges, into somebody who got no mail');
    await merge(last, twin);
    t.same(await groups(), apart, 'two recipients who are one person');
    await merge(last, held);
    t.same(await groups(), [[3, 3_000_001_050], undefined], 'somebody who got the mail after all');
  },
);

t.test('a campaign that ends with many waiting mails ends the rest by a job', async (t) => {
  const store = await shop();
  const id = await running(store);
  await owner.query(
    `update campaigns set status = 'running', audience = 10050, finished_at = null where id = $1`,
    [id],
  );
  await owner.query(
    `with people as (
       insert into customers (store_id, id, account_status, source, accepts_marketing, wholesale, custom, orders_count,
         total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
       select $1, gen_random_uuid(), 'guest', 'api', false, false, '{}', 0, 0, 0, '', '', 1, now(), now()
       from generate_series(1, 10050) returning id)
     insert into messages (store_id, id, customer_id, kind, class, status, campaign_id, data, created_at)
     select $1, gen_random_uuid(), id, 'campaign', 'marketing', 'ready', $2, '{}', now() from people`,
    [store.storeId, id],
  );
  await command(store, id, 'cancel');
  t.match(await get(store, id, '/reconciliation'), { balanced: true, total: 10_050 });
  const jobs = await store.call('GET', '/v1/jobs?kind=campaign-end');
  await endRest(store, jobs.data.data[0].id);
  t.match(await get(store, id, '/reconciliation'), {
    balanced: true,
    states: [{ status: 'cancelled', reason: null, count: 10_050 }],
  });
});

t.test('progress is followed until the campaign ends', async (t) => {
  const app = await testApp(t, database);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const store = await shop();
  await addPerson(owner, store);
  const id = await running(store);
  const response = await fetch(`${url}/v1/campaigns/${id}/events`, {
    headers: { authorization: `Bearer ${store.token}` },
  });
  t.equal(response.headers.get('content-type'), 'text/event-stream');
  const text = response.text();
  await new Promise((resolve) => setTimeout(resolve, 700));
  await command(store, id, 'cancel');
  const events = [...(await text).matchAll(/event: (\w+)\ndata: (.+)\n\n/g)].map(([, event, data = '']) => ({
    event,
    data: JSON.parse(data),
  }));
  t.match(events.at(0), { event: 'progress', data: { status: 'running', waiting: 1, balanced: true } });
  t.match(events.at(-1), { event: 'finished', data: { status: 'cancelled', waiting: 0, total: 1 } });
});

t.test('what is another store’s answers 404', async (t) => {
  const store = await shop();
  const other = await shop();
  const id = await created(other);
  for (const path of [
    '',
    '/reconciliation',
    '/results',
    '/recipients',
    '/recipients.csv',
    '/codes.csv',
    '/simulations',
    '/events',
  ])
    t.equal((await store.call('GET', `/v1/campaigns/${id}${path}`)).statusCode, 404, path);
  for (const name of ['pause', 'resume', 'cancel', 'simulate'])
    t.equal((await command(store, id, name)).statusCode, 404, name);
  t.equal((await sendCampaign(store, id)).statusCode, 404);
});
