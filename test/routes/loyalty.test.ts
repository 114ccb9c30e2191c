// The programme, its members, their points and tiers over HTTP.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { runJob, startJobOnce } from '../../src/actions/jobs.ts';
import { putProgramme } from '../../src/actions/loyalty-programme.ts';
import { ingestOrders } from '../../src/actions/orders.ts';
import { loyaltyTiersSlice } from '../../src/actions/tiers.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { delivery, pointsFaults, pointsIn, programme } from '../support/loyalty-orders.ts';
import { refund } from '../support/order-examples.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const RULES = [{ id: 'purchase', kind: 'spend', points: 1, perAmount: 100 }];
const PROGRAMME = {
  name: 'Rewards',
  enrolment: 'at_first_earn',
  onLeave: 'freeze',
  rules: RULES,
  pending: { basis: 'order', days: 0 },
  expiry: { kind: 'rolling_months', months: 12, roundUp: 'none' },
  reversal: 'within_balance',
};
const level = (key: string, threshold: number, multiplier = 1) => ({
  key,
  name: key,
  threshold,
  multiplier,
  earlyAccessHours: 0,
  freeShipping: false,
  label: null,
});
const TIERS = {
  basis: 'spend',
  window: 'rolling_months',
  months: 12,
  downgrade: 'recalculate',
  graceDays: 0,
  levels: [level('bronze', 0), level('silver', 10_000), level('gold', 50_000)],
} as const;

async function openShop(changes: object = {}): Promise<TestStore> {
  const store = await testStore(app, database);
  const made = await store.call('PUT', '/v1/loyalty/programme', { ...PROGRAMME, ...changes });
  if (made.statusCode !== 201) throw new Error(made.body);
  return store;
}

async function customerIn(store: TestStore, email = 'ann@example.com'): Promise<string> {
  const { data } = await store.call('POST', '/v1/customers', { email, accountStatus: 'active' });
  return data.id;
}

const grant = (store: TestStore, id: string, body: object, key: string = randomUUID()) =>
  store.call('POST', `/v1/customers/${id}/points`, body, { 'idempotency-key': key });
const kindsOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}/timeline?limit=100`)).data.data.map(
    ({ kind }: { kind: string }) => kind,
  );
const noFaults = async (t: Test, store: TestStore) => t.same(await pointsFaults(database, store), []);

t.test('P1 a programme is versioned; the suggestion can be sent back', async (t) => {
  const store = await testStore(app, database);
  const none = await store.call('GET', '/v1/loyalty/programme');
  t.match(none.data, { status: 404, code: 'PROGRAMME_MISSING' });
  const suggestion = await store.call('GET', '/v1/loyalty/programme?version=default');
  t.match(suggestion.data, { version: 0, name: 'Rewards' });
  const { version, createdBy, createdAt, ...settings } = suggestion.data;
  const first = await store.call('PUT', '/v1/loyalty/programme', settings);
  t.equal(first.statusCode, 201, first.body);
  t.match(first.data, { version: 1, createdBy: 'staff:tester' });
  t.equal(first.headers.etag, '"1"');
  const same = await store.call('PUT', '/v1/loyalty/programme', settings);
  t.match(same.data, { version: 1 }, 'the same again is no version');
  const stale = await store.call(
    'PUT',
    '/v1/loyalty/programme',
    { ...settings, name: 'Club' },
    { 'if-match': '"0"' },
  );
  t.match(stale.data, { code: 'VERSION_MISMATCH' });
  const second = await store.call(
    'PUT',
    '/v1/loyalty/programme',
    { ...settings, name: 'Club' },
    { 'if-match': '"1"' },
  );
  t.match(second.data, { version: 2, name: 'Club' });
  const versions = await store.call('GET', '/v1/loyalty/programme/versions?limit=1');
  t.match(versions.data, { data: [{ version: 2 }], page: { hasMore: true } });
  t.match((await store.call('GET', '/v1/loyalty/programme/versions/1')).data, {
    version: 1,
    name: 'Rewards',
  });
  t.equal((await store.call('GET', '/v1/loyalty/programme/versions/3')).statusCode, 404);
});

t.test('P1 writers of the programme at once make versions without gaps', async (t) => {
  const store = await openShop();
  const names = Array.from({ length: 8 }, (_, index) => `Club ${index}`);
  const made = await Promise.all(
    names.map((name) => store.call('PUT', '/v1/loyalty/programme', { ...PROGRAMME, name })),
  );
  t.same(
    made.map(({ data }) => data.version).sort((one, other) => one - other),
    [2, 3, 4, 5, 6, 7, 8, 9],
  );
});

t.test('P1 what does not hold together is refused with every place', async (t) => {
  const store = await testStore(app, database);
  const wrong = await store.call('PUT', '/v1/loyalty/programme', {
    ...PROGRAMME,
    rules: [{ id: 'purchase', kind: 'spend', points: 1 }],
    tiers: { ...TIERS, levels: [level('gold', 5), level('silver', 5)] },
  });
  t.match(wrong.data, { status: 422, code: 'PROGRAMME_INVALID' });
  t.same(
    wrong.data.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/rules/0/perAmount', '/tiers/levels/1/threshold'],
  );
});

t.test('P10 enrol, leave and come back: frozen points can be used again', async (t) => {
  const store = await openShop({ enrolment: 'explicit' });
  const id = await customerIn(store);
  t.match((await store.call('GET', `/v1/customers/${id}/loyalty`)).data, { status: 'none' });
  t.match((await grant(store, id, { amount: 50, reason: 'Hello' })).data, { code: 'MEMBER_NOT_ACTIVE' });
  t.match((await store.call('POST', `/v1/customers/${id}/loyalty/leave`)).data, {
    code: 'MEMBER_NOT_ACTIVE',
  });
  const enrolled = await store.call('POST', `/v1/customers/${id}/loyalty/enrol`);
  t.match(enrolled.data, { status: 'active', referralCode: /^[0-9A-Z]{8}$/, points: { available: 0 } });
  await store.call('POST', `/v1/customers/${id}/loyalty/enrol`);
  await grant(store, id, { amount: 50, reason: 'Hello' });
  const left = await store.call('POST', `/v1/customers/${id}/loyalty/leave`);
  t.match(left.data, { status: 'left', points: { balance: 50 } });
  t.match((await grant(store, id, { amount: 50, reason: 'Hello' })).data, {
    code: 'MEMBER_NOT_ACTIVE',
    status: 409,
    memberStatus: 'left',
  });
  const back = await store.call('POST', `/v1/customers/${id}/loyalty/enrol`);
  t.match(back.data, { status: 'active', points: { available: 50 } });
  const kinds = await kindsOf(store, id);
  t.equal(kinds.filter((kind: string) => kind === 'loyalty.enrolled').length, 2);
  t.equal(kinds.filter((kind: string) => kind === 'loyalty.left').length, 1);
});

t.test('P10 leaving forfeits where the programme says so', async (t) => {
  const store = await openShop({ onLeave: 'forfeit' });
  const id = await customerIn(store);
  await grant(store, id, { amount: 70, reason: 'Hello' });
  t.match((await store.call('POST', `/v1/customers/${id}/loyalty/leave`)).data, {
    status: 'left',
    points: { balance: 0 },
  });
  const again = await store.call('POST', `/v1/customers/${id}/loyalty/leave`);
  t.equal(again.statusCode, 200, 'leaving twice answers the same');
  t.match((await store.call('POST', `/v1/customers/${id}/loyalty/enrol`)).data, { points: { balance: 0 } });
  const { data } = await store.call('GET', `/v1/customers/${id}/points/history`);
  t.match(data.data, [
    { transfer: { kind: 'forfeit', amount: 70, to: 'breakage' } },
    { transfer: { kind: 'grant' } },
  ]);
  await noFaults(t, store);
});

t.test('P4 staff grants points with the expiry of the programme, and takes what is there', async (t) => {
  const store = await openShop();
  const id = await customerIn(store);
  const huge = 3_000_000_000;
  const rehearsed = await grant(store, id, { amount: huge, reason: 'Contest', dryRun: true });
  t.match(rehearsed.data, { dryRun: true, account: { available: huge } });
  t.match((await store.call('GET', `/v1/customers/${id}/loyalty`)).data, { status: 'none' }, 'L10');
  const given = await grant(store, id, { amount: huge, reason: 'Contest', reference: 'contest-1' });
  t.equal(given.statusCode, 201, given.body);
  t.match(given.data, { transfer: { kind: 'grant', reason: 'Contest' }, account: { available: huge } });
  const repeated = await grant(store, id, { amount: huge, reason: 'Contest', reference: 'contest-1' });
  t.equal(repeated.data.transfer.id, given.data.transfer.id, 'L7');
  const points = await store.call('GET', `/v1/customers/${id}/points`);
  t.match(points.data, { available: huge, expiringNext: { points: huge } });
  const year = 365 * 86_400_000;
  const ends = Date.parse(points.data.expiringNext.expiresAt) - Date.now();
  t.ok(ends > year - 86_400_000 && ends < year + 3 * 86_400_000, 'twelve months');
  t.match((await grant(store, id, { amount: -1, reason: 'Oops' })).data.account, { available: huge - 1 });
  t.match((await grant(store, id, { amount: -huge, reason: 'Oops' })).data, {
    status: 409,
    code: 'INSUFFICIENT_POINTS',
    available: huge - 1,
  });
  t.match((await grant(store, id, { amount: 0, reason: 'Nothing' })).data, { code: 'ZERO_AMOUNT' });
  const past = { amount: 5, reason: 'Late', expiresAt: '2020-01-01T00:00:00Z' };
  t.match((await grant(store, id, past)).data, { code: 'EXPIRY_INVALID' });
  t.equal(
    (await store.call('POST', `/v1/customers/${id}/points`, { amount: 5, reason: 'x' })).statusCode,
    400,
  );
  await noFaults(t, store);
});

t.test('P1 the history says which rule of which version gave points for which lines', async (t) => {
  const store = await openShop();
  await ingestOrders(store.ctx(), [delivery('o1', { total: 12_345 })]);
  await ingestOrders(store.ctx(), [
    delivery('o1', { total: 12_345, minutes: 1, refunds: [refund('r', 12_345)] }),
  ]);
  const { data: members } = await store.call('GET', '/v1/loyalty/members');
  const id = members.data[0].customerId;
  const { data } = await store.call('GET', `/v1/customers/${id}/points/history`);
  t.match(data.data, [
    { transfer: { kind: 'reversal', amount: 123, correctsId: data.data[1].transfer.id } },
    {
      transfer: { kind: 'earn', from: 'issued:order', to: 'points' },
      earning: {
        ruleId: 'purchase',
        programmeVersion: 1,
        formula: 'floor(12345 × 1 / 100)',
        lines: [0],
        base: 12_345,
        reversed: 123,
      },
    },
  ]);
  const page = await store.call('GET', `/v1/customers/${id}/points/history?limit=1`);
  const next = await store.call(
    'GET',
    `/v1/customers/${id}/points/history?limit=1&cursor=${page.data.page.nextCursor}`,
  );
  t.match(next.data, { data: [{ transfer: { kind: 'earn' } }], page: { hasMore: false } });
});

t.test('P7 the standing says what is missing, at any date; members are listed by tier', async (t) => {
  const store = await openShop({ tiers: TIERS });
  const now = new Date();
  const placed = { placedAt: now, platformUpdatedAt: now };
  await ingestOrders(store.ctx(), [delivery('o1', { total: 12_000, ...placed })]);
  const { data: members } = await store.call('GET', '/v1/loyalty/members?tier=silver&status=active');
  t.equal(members.data.length, 1);
  t.same((await store.call('GET', '/v1/loyalty/members?tier=gold')).data.data, []);
  const id = members.data[0].customerId;
  const { data } = await store.call('GET', `/v1/customers/${id}/loyalty`);
  t.match(data, {
    status: 'active',
    pointsEarned: 120,
    tier: { level: { key: 'silver' }, forecast: { value: 12_000, next: { tier: 'gold', missing: 38_000 } } },
  });
  const later = new Date(now.getTime() + 400 * 86_400_000).toISOString();
  const ahead = await store.call('GET', `/v1/customers/${id}/loyalty?at=${later}`);
  t.match(ahead.data.tier.forecast, { value: 0, next: { missing: 50_000 } });
});

t.test('P7 a tier given by hand wins until its end, then what was earned holds', async (t) => {
  const store = await openShop({ tiers: TIERS });
  const id = await customerIn(store);
  const url = `/v1/customers/${id}/loyalty/tier`;
  const until = '2999-01-01T00:00:00Z';
  t.match((await store.call('PUT', url, { tier: 'gold', until, reason: 'Press' })).data, {
    code: 'MEMBER_NOT_ACTIVE',
  });
  await store.call('POST', `/v1/customers/${id}/loyalty/enrol`);
  t.match((await store.call('PUT', url, { tier: 'lead', until, reason: 'Press' })).data, {
    code: 'TIER_NOT_FOUND',
    tiers: ['bronze', 'silver', 'gold'],
  });
  const past = { tier: 'gold', until: '2020-01-01T00:00:00Z', reason: 'Press' };
  t.match((await store.call('PUT', url, past)).data, { code: 'OVERRIDE_END_PAST' });
  const given = await store.call('PUT', url, { tier: 'gold', until, reason: 'Press' });
  t.match(given.data.tier, { level: { key: 'gold' }, override: { tier: 'gold', reason: 'Press' } });
  const ended = await store.call('DELETE', url);
  t.match(ended.data.tier, { level: { key: 'bronze' } });
  t.notOk(ended.data.tier.override);
  const { data: told } = await store.call('GET', `/v1/customers/${id}/timeline?limit=100`);
  const changes = told.data.filter(({ kind }: { kind: string }) => kind === 'tier.changed');
  t.same(
    changes
      .map(({ data }: { data: { from: string; to: string; cause: string } }) => [
        data.from,
        data.to,
        data.cause,
      ])
      .reverse(),
    [
      [null, 'bronze', 'upgrade'],
      ['bronze', 'gold', 'override'],
      ['gold', 'bronze', 'override_ended'],
    ],
  );
  const without = await openShop();
  const other = await customerIn(without);
  await without.call('POST', `/v1/customers/${other}/loyalty/enrol`);
  const refused = await without.call('PUT', `/v1/customers/${other}/loyalty/tier`, {
    tier: 'gold',
    until,
    reason: 'x',
  });
  t.match(refused.data, { code: 'TIERS_NOT_OFFERED' });
});

async function runTiers(store: TestStore, at: Date, params: object = {}): Promise<void> {
  const ctx = store.ctx(at);
  const id = ctx.newId();
  await startJobOnce(ctx, { kind: 'loyalty-tiers', id, params: { ...params } });
  const timed: typeof loyaltyTiersSlice = (inner, tx, job) =>
    loyaltyTiersSlice({ ...inner, now: at }, tx, job);
  await runJob(ctx, id, timed, new AbortController().signal);
}

t.test('P7 the nightly job takes a tier at the end of its period, not before, and once', async (t) => {
  const store = await openShop({ tiers: TIERS });
  const day = (text: string) => new Date(`${text}T12:00:00Z`);
  const placed = { placedAt: day('2026-01-10'), platformUpdatedAt: day('2026-01-10') };
  await ingestOrders(store.ctx(day('2026-01-10')), [delivery('o1', { total: 12_000, ...placed })]);
  await runTiers(store, day('2027-01-09'));
  t.match(await pointsIn(database, store), { tier: 'silver' });
  await runTiers(store, day('2027-01-12'));
  t.match(await pointsIn(database, store), { tier: 'bronze' });
  await runTiers(store, day('2027-01-13'));
  const { rows } = await database.owner.query(
    "select data->>'to' as tier from events where store_id = $1 and kind = 'tier.changed' order by id",
    [store.storeId],
  );
  t.same(
    rows.map(({ tier }) => tier),
    ['bronze', 'silver', 'bronze'],
  );
});

t.test('P7 lower thresholds lift members at the next night', async (t) => {
  const store = await openShop({
    tiers: { ...TIERS, window: 'lifetime', months: undefined, downgrade: 'none' },
  });
  await ingestOrders(store.ctx(), [delivery('o1', { total: 9_000 })]);
  t.match(await pointsIn(database, store), { tier: 'bronze' });
  const levels = [level('bronze', 0), level('silver', 8_000)];
  await putProgramme(
    store.ctx(),
    programme({ tiers: { basis: 'spend', window: 'lifetime', downgrade: 'none', graceDays: 0, levels } }),
  );
  const { data: jobs } = await store.call('GET', '/v1/jobs?limit=10');
  t.equal(jobs.data[0].kind, 'loyalty-tiers', 'a new version with other tiers looks at every member');
  await runJob(store.ctx(), jobs.data[0].id, loyaltyTiersSlice, new AbortController().signal);
  t.match(await pointsIn(database, store), { tier: 'silver' });
});

t.test(
  'C10 a merge takes membership and earnings along: a later refund finds its lot; un-merging gives back',
  async (t) => {
    const store = await openShop({
      tiers: { ...TIERS, window: 'lifetime', months: undefined, downgrade: 'none' },
    });
    await ingestOrders(store.ctx(), [
      delivery('o1', { email: 'ann@example.com', total: 12_000 }),
      delivery('o2', { email: 'bob@example.com', total: 5_000 }),
      delivery('o3', { email: 'bob@example.com', total: 3_000 }),
    ]);
    const { rows } = await database.owner.query(
      'select email_norm as email, id from customers where store_id = $1',
      [store.storeId],
    );
    const idOf = (email: string) => rows.find((row) => row.email === email).id;
    const [ann, bob] = [idOf('ann@example.com'), idOf('bob@example.com')];
    const merged = await store.call('POST', `/v1/customers/${ann}/merge`, { from: bob });
    t.equal(merged.statusCode, 200, merged.body);
    t.match(await pointsIn(database, store), { balance: 200, earned: 200 });
    await noFaults(t, store);
    const back = delivery('o2', {
      email: 'ann@example.com',
      total: 5_000,
      minutes: 3,
      refunds: [refund('r', 5_000)],
    });
    await ingestOrders(store.ctx(), [{ ...back, customer: { id: ann } }]);
    t.match(await pointsIn(database, store), { balance: 150, earned: 150 });
    await noFaults(t, store);
  },
);

t.test('C10 un-merging gives membership and earnings back', async (t) => {
  const store = await openShop();
  await ingestOrders(store.ctx(), [
    delivery('o1', { email: 'ann@example.com', total: 12_000 }),
    delivery('o2', { email: 'bob@example.com', total: 5_000 }),
  ]);
  const { data } = await store.call('GET', '/v1/customers?limit=10');
  const idOf = (email: string) => data.data.find((row: { email: string }) => row.email === email).id;
  const [ann, bob] = [idOf('ann@example.com'), idOf('bob@example.com')];
  t.equal((await store.call('POST', `/v1/customers/${ann}/merge`, { from: bob })).statusCode, 200);
  const undone = await store.call('POST', `/v1/customers/${bob}/unmerge`);
  t.equal(undone.statusCode, 200, undone.body);
  t.match(await pointsIn(database, store), { balance: 120, earned: 120 });
  t.match(await pointsIn(database, store, 'bob@example.com'), { balance: 50, earned: 50 });
  t.match((await store.call('GET', `/v1/customers/${bob}/loyalty`)).data, { status: 'active' });
  await noFaults(t, store);
});

t.test('the self-check sees points that do not belong together', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['earning_is_paid', 'update loyalty_earnings set points = points + 1 where store_id = $1'],
    ['reversal_within_earning', 'update loyalty_earnings set reversed = reversed - 1 where store_id = $1'],
    ['member_has_earned', 'update loyalty_members set points_earned = points_earned + 1 where store_id = $1'],
  ];
  for (const [name, breaking] of cases) {
    const store = await openShop();
    await ingestOrders(store.ctx(), [delivery('o1')]);
    await ingestOrders(store.ctx(), [delivery('o1', { minutes: 1, refunds: [refund('r', 5_000)] })]);
    const check = async () => {
      const { data } = await store.call('GET', '/v1/ledger/self-check');
      return data.checks.find((one: { name: string }) => one.name === name);
    };
    t.match(await check(), { checked: 1, broken: 0 }, name);
    await database.owner.query(breaking, [store.storeId]);
    t.match(await check(), { broken: 1 }, name);
  }
});

t.test('P4 spending is activity: what is left lasts longer', async (t) => {
  const store = await openShop({ expiry: { kind: 'inactivity_months', months: 6 } });
  const id = await customerIn(store);
  const soon = new Date(Date.now() + 20 * 86_400_000);
  await grant(store, id, { amount: 500, reason: 'Contest' });
  await database.owner.query('update lots set expires_at = $2 where store_id = $1', [store.storeId, soon]);
  const reward = await store.call('POST', '/v1/loyalty/rewards', {
    name: 'Post',
    kind: 'free_shipping',
    points: 100,
  });
  const redeemed = await store.call(
    'POST',
    `/v1/customers/${id}/loyalty/redemptions`,
    { rewardId: reward.data.id, fulfil: true },
    { 'idempotency-key': 'spend' },
  );
  t.equal(redeemed.statusCode, 201, redeemed.body);
  const { data } = await store.call('GET', `/v1/customers/${id}/points`);
  t.match(data, { available: 400, expiringNext: { points: 400 } });
  t.ok(Date.parse(data.expiringNext.expiresAt) - Date.now() > 170 * 86_400_000);
  await noFaults(t, store);
});
