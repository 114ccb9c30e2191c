// The frozen audience: everybody in exactly one row, with the first reason that holds, at the right time.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { audienceQuestion } from '../../src/actions/campaign-audience.ts';
import {
  brakeCampaign,
  completeCampaign,
  considerBrake,
  expireCampaign,
  startDueCampaign,
} from '../../src/actions/campaign-life.ts';
import { prepareCampaign } from '../../src/actions/campaign-preparation.ts';
import { allowLongStatement, countAudience } from '../../src/db/campaign-audience.ts';
import { findCampaign } from '../../src/db/campaigns.ts';
import { transaction } from '../../src/db/connection.ts';
import { localTimeOf } from '../../src/domain/mail/campaigns.ts';
import { SKIP_REASONS } from '../../src/domain/mail/messages.ts';
import { addPerson, plan, prepare, reasonsOf } from '../support/campaign-people.ts';
import { readyToSend, sendCampaign } from '../support/campaigns.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;

async function shop(mail: object = {}): Promise<TestStore> {
  const store = await testStore(app, database);
  await readyToSend(store, mail);
  return store;
}

async function create(store: TestStore, input: object = {}): Promise<string> {
  const { statusCode, data, body } = await store.call('POST', '/v1/campaigns', await plan(store, input));
  if (statusCode !== 201) throw new Error(body);
  return data.id;
}

/** Plans, sends and freezes a campaign. */
async function freeze(store: TestStore, input: object = {}): Promise<string> {
  const id = await create(store, input);
  const sent = await sendCampaign(store, id);
  if (sent.statusCode !== 202) throw new Error(sent.body);
  await prepare(store, id);
  return id;
}

const reconciled = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/campaigns/${id}/reconciliation`)).data;

const tagged = async (store: TestStore, id: string, tag: string) =>
  store.call('PUT', `/v1/customers/${id}/tags`, { tags: [tag] });

/** What the simulation counts, by the query of the start. */
async function counted(store: TestStore, id: string): Promise<Record<string, number>> {
  const campaign = await findCampaign(store.ctx().db, id);
  if (!campaign) throw new Error('gone');
  return transaction(store.ctx().db, async (tx) => {
    await allowLongStatement(tx);
    const question = await audienceQuestion(store.ctx(), tx, campaign);
    return (await countAudience(tx, question, { paced: [], others: false })).reasons;
  });
}

t.test('each reason befalls whom it should, and the simulation counts the same', async (t) => {
  const store = await shop({ contactLimit: { messages: 2, days: 7 } });
  const before = await addPerson(owner, store);
  await freeze(store, { onceKey: 'launch', audience: { customerIds: [before] } });
  const survivor = await addPerson(owner, store);
  const merged = await addPerson(owner, store, { status: 'merged', mergedIntoId: survivor });
  const erased = await addPerson(owner, store, { status: 'erased', email: null });
  const excluded = await addPerson(owner, store);
  await tagged(store, excluded, 'out');
  const first = await addPerson(owner, store, { emailKey: 'twin@gmail.com' });
  const expected = new Map<string, string | null>([
    [survivor, null],
    [merged, 'merged'],
    [erased, 'erased'],
    [excluded, 'excluded'],
    [first, null],
    [before, 'already_received'],
    [await addPerson(owner, store, { emailKey: 'twin@gmail.com' }), 'duplicate_address'],
    [await addPerson(owner, store, { status: 'disabled' }), 'disabled'],
    [await addPerson(owner, store, { status: 'active' }), null],
    [await addPerson(owner, store, { email: null }), 'no_email'],
    [await addPerson(owner, store, { suppressed: 'hard_bounce' }), 'suppressed_hard_bounce'],
    [await addPerson(owner, store, { suppressed: 'complaint' }), 'suppressed_complaint'],
    [await addPerson(owner, store, { suppressed: 'manual' }), 'suppressed_manual'],
    [await addPerson(owner, store, { suppressed: 'soft_bounces' }), 'suppressed_soft_bounces'],
    [await addPerson(owner, store, { suppressed: 'soft_bounces', suppressedUntil: new Date(0) }), null],
    [
      await addPerson(owner, store, { suppressed: 'soft_bounces', suppressedUntil: new Date('2100-01-01') }),
      'suppressed_soft_bounces',
    ],
    [await addPerson(owner, store, { consent: 'withdrawn' }), 'unsubscribed'],
    [await addPerson(owner, store, { consent: 'pending' }), 'consent_pending'],
    [await addPerson(owner, store, { consent: null }), 'no_consent'],
    [await addPerson(owner, store, { mails: 2 }), 'contact_limit'],
    [await addPerson(owner, store, { mails: 1 }), null],
    [await addPerson(owner, store, { mails: 1, contactLimit: 1 }), 'contact_limit'],
    [await addPerson(owner, store, { contactLimit: 0 }), 'contact_limit'],
  ]);
  const input = {
    onceKey: 'launch',
    audience: { everyone: true, customerIds: [merged, erased] },
    exclusions: { tags: ['OUT'] },
  };
  const id = await create(store, input);
  const foretold = await counted(store, id);
  await sendCampaign(store, id);
  await prepare(store, id);
  t.same(await reasonsOf(owner, store, id), expected);
  const account = await reconciled(store, id);
  t.match(account, { balanced: true, audience: expected.size, total: expected.size });
  const real = Object.fromEntries(
    account.states.map(({ reason, count }: { reason: string | null; count: number }) => [
      reason ?? 'ready',
      count,
    ]),
  );
  t.same(real, foretold, 'simulate = prepare');
  const untested = SKIP_REASONS.filter((reason) => ![...expected.values()].includes(reason));
  t.same(untested, ['holdout', 'expired', 'obsolete'], 'these have tests of their own');
});

t.test('of several reasons the first of the list counts', async (t) => {
  const store = await shop({ contactLimit: { messages: 1, days: 7 } });
  const got = await addPerson(owner, store, { mails: 1, emailKey: 'got@gmail.com' });
  const alone = await addPerson(owner, store, { mails: 1 });
  await owner.query('update messages set sent_at = null where store_id = $1', [store.storeId]);
  await freeze(store, { onceKey: 'k', audience: { customerIds: [got, alone] } });
  await owner.query('update messages set sent_at = now() where store_id = $1 and campaign_id is null', [
    store.storeId,
  ]);
  const people = {
    disabled: await addPerson(owner, store, { status: 'disabled', email: null }),
    excluded: await addPerson(owner, store, { email: null }),
    suppressed_complaint: await addPerson(owner, store, { suppressed: 'complaint', consent: 'withdrawn' }),
    unsubscribed: await addPerson(owner, store, { consent: 'withdrawn', emailKey: 'got@gmail.com' }),
    duplicate_address: await addPerson(owner, store, { emailKey: 'got@gmail.com', mails: 3 }),
    contact_limit: await addPerson(owner, store, { mails: 3 }),
    holdout: await addPerson(owner, store),
  };
  await tagged(store, people.disabled, 'out');
  await tagged(store, people.excluded, 'out');
  const id = await create(store, {
    onceKey: 'k',
    exclusions: { tags: ['out'] },
    holdoutPercent: 100,
    deadline: '2027-01-01T00:00:00Z',
  });
  await sendCampaign(store, id);
  await owner.query(`update campaigns set deadline = now() + interval '1 s', plan = plan where id = $1`, [
    id,
  ]);
  await prepare(store, id);
  const reasons = await reasonsOf(owner, store, id);
  for (const [reason, customerId] of Object.entries(people)) t.equal(reasons.get(customerId), reason);
  t.equal(reasons.get(alone), 'already_received', 'before the contact limit');
  t.equal(reasons.get(got), 'already_received', 'the first of the mailbox is no duplicate');
});

t.test('nobody gets two campaigns of one key, started at the same moment', async (t) => {
  const store = await shop();
  for (let n = 0; n < 20; n++) await addPerson(owner, store);
  const ids = await Promise.all([1, 2, 3].map(() => create(store, { onceKey: 'launch-X' })));
  for (const id of ids) await sendCampaign(store, id);
  await Promise.all(ids.map((id) => prepare(store, id)));
  const { rows } = await owner.query(
    `select count(*) filter (where status = 'ready')::int as ready, count(distinct customer_id)::int as people, count(*)::int as rows
     from messages where store_id = $1`,
    [store.storeId],
  );
  t.same(rows[0], { ready: 20, people: 20, rows: 60 });
  const other = await freeze(store, { onceKey: 'launch-Y' });
  t.notOk(
    [...(await reasonsOf(owner, store, other)).values()].includes('already_received'),
    'another key is another matter',
  );
});

t.test('what a campaign of the key did not send counts for nobody', async (t) => {
  const store = await shop();
  const held = await addPerson(owner, store);
  const id = await freeze(store, { onceKey: 'k', holdoutPercent: 100 });
  t.equal((await reasonsOf(owner, store, id)).get(held), 'holdout');
  const cancelled = await freeze(store, { onceKey: 'k' });
  await store.call('POST', `/v1/campaigns/${cancelled}/cancel`);
  t.equal((await reasonsOf(owner, store, await freeze(store, { onceKey: 'k' }))).get(held), null);
});

t.test('the hold-out group has its share, and is the same whenever it is asked for', async (t) => {
  const store = await shop();
  await owner.query(
    `insert into customers (store_id, id, email, email_norm, email_key, account_status, source, accepts_marketing, wholesale,
       custom, orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
     select $1, gen_random_uuid(), e, e, e, 'guest', 'api', false, false, '{}', 0, 0, 0, '', '', 1, now(), now()
     from (select 'h' || n || '@people.example' as e from generate_series(1, 3000) n) people`,
    [store.storeId],
  );
  await owner.query(
    `insert into consents (store_id, channel, address, topic, state, since, effective_at, event_id)
     select store_id, 'email', email_norm, 'newsletter', 'granted', now(), now(), gen_random_uuid() from customers where store_id = $1`,
    [store.storeId],
  );
  const id = await create(store, { holdoutPercent: 12.5 });
  const [one, two] = [await counted(store, id), await counted(store, id)];
  t.same(one, two);
  t.ok(Math.abs((one.holdout ?? 0) - 375) < 80, `${one.holdout} of 3000`);
  await sendCampaign(store, id);
  await prepare(store, id);
  const held = [...(await reasonsOf(owner, store, id))].filter(([, reason]) => reason === 'holdout');
  t.equal(held.length, one.holdout);
  const other = await freeze(store, { holdoutPercent: 12.5 });
  const again = await reasonsOf(owner, store, other);
  const both = held.filter(([customerId]) => again.get(customerId) === 'holdout').length;
  t.ok(both < held.length / 2, 'another campaign holds out others');
});

t.test('each recipient gets it by their own clock, over the change to winter time', async (t) => {
  const store = await shop();
  const due = {
    [await addPerson(owner, store, { timezone: 'Asia/Tokyo', country: 'DE' })]: '2030-10-27T01:00:00.000Z',
    [await addPerson(owner, store, { timezone: 'America/New_York' })]: '2030-10-27T14:00:00.000Z',
    [await addPerson(owner, store, { country: 'GB' })]: '2030-10-27T10:00:00.000Z',
    [await addPerson(owner, store)]: '2030-10-27T09:00:00.000Z',
    [await addPerson(owner, store, { timezone: 'Nowhere/Atall' })]: '2030-10-27T09:00:00.000Z',
  };
  const id = await create(store, { sendMode: 'local_time' });
  const scheduled = await store.call('POST', `/v1/campaigns/${id}/schedule`, {
    at: '2030-10-27T10:00:00+01:00',
  });
  t.match(scheduled.data, {
    status: 'scheduled',
    localTime: '2030-10-27T10:00:00',
    startsAt: '2030-10-26T20:00:00.000Z',
  });
  await transaction(store.ctx().db, (tx) =>
    startDueCampaign(store.ctx(new Date('2030-10-26T20:00:00Z')), tx, id),
  );
  await prepare(store, id);
  const { data } = await store.call('GET', `/v1/campaigns/${id}/recipients`);
  const shown = data.data.map(({ customerId, sendAfter }: { customerId: string; sendAfter: string }) => [
    customerId,
    sendAfter,
  ]);
  t.same(Object.fromEntries(shown), due);
});

/** Quiet hours around now on the clock of Berlin, whatever time it is: from two hours ago, for four hours. */
function quietNow(): { from: string; to: string } {
  const clock = (hours: number) =>
    localTimeOf(new Date(Date.now() + hours * 3_600_000), 'Europe/Berlin').slice(11, 16);
  return { from: clock(-2), to: clock(2) };
}

t.test('nobody’s mail is due in their quiet hours', async (t) => {
  const quietHours = quietNow();
  const store = await shop({ quietHours });
  const tokyo = await addPerson(owner, store, { timezone: 'Asia/Tokyo' });
  const berlin = await addPerson(owner, store);
  const before = Date.now();
  const id = await freeze(store);
  const { data } = await store.call('GET', `/v1/campaigns/${id}/recipients`);
  const due = new Map<string, Date>(
    data.data.map(({ customerId, sendAfter }: { customerId: string; sendAfter: string }) => [
      customerId,
      new Date(sendAfter),
    ]),
  );
  const [now, later] = [due.get(tokyo), due.get(berlin)];
  if (!now || !later) throw new Error('not in the audience');
  t.ok(now.getTime() - before < 60_000, 'in Tokyo it is another time');
  t.equal(localTimeOf(later, 'Europe/Berlin').slice(11, 16), quietHours.to);
  t.ok(later.getTime() - before > 3_600_000);
});

t.test('whose turn comes behind the deadline gets nothing, from the start or later', async (t) => {
  const store = await shop({ quietHours: quietNow() });
  const person = await addPerson(owner, store);
  const soon = new Date(Date.now() + 60_000).toISOString();
  const late = await freeze(store, { deadline: soon });
  t.equal((await reasonsOf(owner, store, late)).get(person), 'expired');
  t.match(
    (await store.call('GET', `/v1/campaigns/${late}`)).data,
    { status: 'completed' },
    'nothing is left to do',
  );

  const running = await freeze(store, { deadline: new Date(Date.now() + 7 * 86_400_000).toISOString() });
  const at = store.ctx(new Date(Date.now() + 8 * 86_400_000));
  t.notOk(
    await transaction(store.ctx().db, (tx) => expireCampaign(store.ctx(), tx, running)),
    'not before its time',
  );
  t.ok(await transaction(store.ctx().db, (tx) => expireCampaign(at, tx, running)));
  t.match((await reconciled(store, running)).states, [{ status: 'skipped', reason: 'expired', count: 1 }]);
  t.equal((await store.call('GET', `/v1/campaigns/${running}`)).data.status, 'expired');
});

t.test('an audience is everybody whom one part names, once', async (t) => {
  const store = await shop();
  const [one, two, three, four, stranger] = await Promise.all(
    [1, 2, 3, 4, 5].map(() => addPerson(owner, store)),
  );
  const group = (await store.call('POST', '/v1/groups', { name: 'Friends' })).data.id;
  await store.call('POST', `/v1/groups/${group}/members`, { customerIds: [one, two] });
  await tagged(store, two ?? '', 'vip');
  await tagged(store, three ?? '', 'vip');
  const query = `email_domain = 'people.example' AND customer_tags CONTAINS 'vip'`;
  const segment = (await store.call('POST', '/v1/segments', { name: 'Vips', query })).data.id;
  const audience = { groupIds: [group], tags: ['VIP'], segmentIds: [segment], customerIds: [four] };
  const id = await freeze(store, { audience, exclusions: { customerIds: [three] } });
  const reasons = await reasonsOf(owner, store, id);
  t.same(
    reasons,
    new Map([one, two, three, four].map((person) => [person, person === three ? 'excluded' : null])),
  );
  t.notOk(reasons.has(stranger ?? ''));
  const nobody = await freeze(store, { exclusions: { everyone: true } });
  t.same([...new Set((await reasonsOf(owner, store, nobody)).values())], ['excluded']);
  t.equal(
    (await store.call('DELETE', `/v1/segments/${segment}`)).statusCode,
    204,
    'what has started keeps nothing',
  );
});

t.test('a deleted customer leaves the account, and it stays balanced', async (t) => {
  const store = await shop();
  const [gone, stays, bulked] = await Promise.all([1, 2, 3].map(() => addPerson(owner, store)));
  const id = await freeze(store);
  t.equal((await store.call('DELETE', `/v1/customers/${gone}`)).statusCode, 204);
  t.match(await reconciled(store, id), { audience: 2, total: 2, balanced: true });
  const { data } = await store.call(
    'POST',
    '/v1/customers/bulk',
    { action: 'delete', ids: [bulked] },
    { 'idempotency-key': randomUUID() },
  );
  const { bulkSlice } = await import('../../src/actions/bulk-slices.ts');
  const { runJob } = await import('../../src/actions/jobs.ts');
  await runJob(store.ctx(), data.id, bulkSlice, new AbortController().signal);
  t.match(await reconciled(store, id), { audience: 1, total: 1, balanced: true });
  t.ok((await reasonsOf(owner, store, id)).has(stays ?? ''));
});

t.test('freezing is whole or not at all, and can be cancelled meanwhile', async (t) => {
  const store = await shop();
  for (let n = 0; n < 5; n++) await addPerson(owner, store);
  const id = await create(store);
  await sendCampaign(store, id);
  const { db } = store.ctx();
  const campaign = await findCampaign(db, id);
  if (!campaign) throw new Error('gone');
  await t.rejects(
    transaction(db, async (tx) => {
      await prepareCampaign(store.ctx(), tx, campaign);
      throw new Error('killed');
    }),
  );
  t.match(await reconciled(store, id), { audience: 0, total: 0, balanced: true });
  t.equal((await findCampaign(db, id))?.status, 'preparing');
  await store.call('POST', `/v1/campaigns/${id}/cancel`);
  await t.rejects(
    transaction(db, (tx) => prepareCampaign(store.ctx(), tx, campaign)),
    { code: 'CAMPAIGN_STATE_CONFLICT' },
  );
  t.equal(await prepare(store, id), 'ended', 'the job finds nothing to do');
  t.match(await reconciled(store, id), { audience: 0, total: 0, balanced: true });
});

t.test('a scheduled campaign starts when its time has come, or says why it failed', async (t) => {
  const store = await shop();
  await addPerson(owner, store);
  const at = new Date(Date.now() + 3_600_000);
  const start = (id: string, when: Date) =>
    transaction(store.ctx().db, (tx) => startDueCampaign(store.ctx(when), tx, id));
  const scheduled = async (input: object = {}) => {
    const id = await create(store, input);
    const answer = await store.call('POST', `/v1/campaigns/${id}/schedule`, { at: at.toISOString() });
    t.equal(answer.statusCode, 200, answer.body);
    return id;
  };
  const statusOf = async (id: string) => (await store.call('GET', `/v1/campaigns/${id}`)).data;
  const [id, stopped] = [await scheduled(), await scheduled()];
  await start(id, new Date(at.getTime() - 1));
  t.match(await statusOf(id), { status: 'scheduled' }, 'not before its time');
  await start(id, at);
  await start(id, at);
  t.match(await statusOf(id), { status: 'preparing' }, 'twice is once');
  await prepare(store, id, at);
  t.match(await statusOf(id), { status: 'running', recipients: 1 });
  await start(stopped, at);
  await store.call('POST', `/v1/jobs/${stopped}/cancel`);
  await start(stopped, at);
  t.match(await statusOf(stopped), { status: 'failed', failure: /cancelled/ });

  const [unready, late] = [
    await scheduled(),
    await scheduled({ deadline: new Date(at.getTime() + 1).toISOString() }),
  ];
  await start(late, new Date(at.getTime() + 2));
  t.match(await statusOf(late), { status: 'expired' });
  await readyToSend(store, { postalAddress: null });
  await start(unready, at);
  t.match(await statusOf(unready), { status: 'failed', failure: /postal address/ });
});

t.test('ids of the mails are UUIDs of version 7, unique and in the order of the audience', async (t) => {
  const store = await shop();
  for (let n = 0; n < 40; n++) await addPerson(owner, store);
  const ids = [await freeze(store), await freeze(store)];
  const { rows } = await owner.query<{ id: string; customer: string }>(
    `select id, customer_id as customer from messages where store_id = $1 and campaign_id = $2 order by id`,
    [store.storeId, ids[0]],
  );
  t.ok(rows.every(({ id }) => /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/.test(id)));
  const people = rows.map(({ customer }) => customer);
  t.same(people, [...people].sort());
  t.equal(rows.length, 40);
});

t.test('two customers of one mailbox who agreed under different spellings get one mail', async (t) => {
  const store = await shop();
  const emailKey = 'ada@gmail.com';
  const first = await addPerson(owner, store, { email: 'ada@gmail.com', emailKey, consent: 'withdrawn' });
  const second = await addPerson(owner, store, { email: 'a.da@gmail.com', emailKey });
  const third = await addPerson(owner, store, { email: 'ad.a@gmail.com', emailKey });
  const reasons = await reasonsOf(owner, store, await freeze(store));
  t.same(
    [first, second, third].map((id) => reasons.get(id)),
    ['unsubscribed', null, 'duplicate_address'],
  );
});

t.test(
  'the brake pauses, counts only what was sent since somebody resumed, and completes nothing by itself',
  async (t) => {
    const store = await shop();
    for (let n = 0; n < 10; n++) await addPerson(owner, store);
    const id = await freeze(store, { brake: { bouncePercent: 20, complaintPercent: 20, minimum: 5 } });
    const { db } = store.ctx();
    const sendSome = (count: number, column: string) =>
      owner.query(
        `update messages set status = 'sent', sent_at = now(), ${column} = now() where id in (
         select id from messages where campaign_id = $1 and status = 'ready' order by id limit $2)`,
        [id, count],
      );
    await sendSome(4, 'bounced_at');
    t.notOk(await transaction(db, (tx) => considerBrake(store.ctx(), tx, id)), 'below the minimum');
    await sendSome(1, 'delivered_at');
    t.ok(await transaction(db, (tx) => considerBrake(store.ctx(), tx, id)));
    t.match((await store.call('GET', `/v1/campaigns/${id}`)).data, {
      status: 'paused',
      pauseCause: 'bounce_brake',
    });
    await store.call('POST', `/v1/campaigns/${id}/resume`);
    t.notOk(await transaction(db, (tx) => considerBrake(store.ctx(), tx, id)), 'whoever resumed it knew');
    t.notOk(await transaction(db, (tx) => completeCampaign(store.ctx(), tx, id)), 'five still wait');
    t.ok(await transaction(db, (tx) => brakeCampaign(store.ctx(), tx, id, 'sender_refused')));
    t.notOk(await transaction(db, (tx) => brakeCampaign(store.ctx(), tx, id, 'sender_refused')), 'once');
    await store.call('POST', `/v1/campaigns/${id}/resume`);
    await sendSome(5, 'delivered_at');
    t.ok(await transaction(db, (tx) => completeCampaign(store.ctx(), tx, id)));
    t.match(await reconciled(store, id), { balanced: true, states: [{ status: 'sent', count: 10 }] });
  },
);
