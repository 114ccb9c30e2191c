// Rewards and their redemption (P5): terms, holds, hand-over, what gives points back, races.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { runJob, startJob } from '../../src/actions/jobs.ts';
import { redemptionExpirySlice } from '../../src/actions/redemption-returns.ts';
import { transaction } from '../../src/db/connection.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { type LoyaltyStore, loyaltyStore } from '../support/loyalty.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const CREDIT = { name: '5 € credit', kind: 'store_credit', points: 500, amount: 500, currency: 'EUR' };

async function rewardOf(store: LoyaltyStore, terms: object = CREDIT): Promise<string> {
  const made = await store.call('POST', '/v1/loyalty/rewards', terms);
  if (made.statusCode !== 201) throw new Error(made.body);
  return made.data.id;
}

const pathOf = (customerId: string, rest = '') => `/v1/customers/${customerId}/loyalty/redemptions${rest}`;

/** Lets the time of every held redemption of the store run out, hold included. */
async function runOut({ storeId }: LoyaltyStore): Promise<void> {
  await database.owner.query(
    `update holds set created_at = created_at - interval '8 days', expires_at = expires_at - interval '8 days'
     where store_id = $1 and status = 'open'`,
    [storeId],
  );
  await database.owner.query(
    `update loyalty_redemptions set held_until = held_until - interval '8 days'
     where store_id = $1 and status = 'held'`,
    [storeId],
  );
}

const stockOf = async (store: LoyaltyStore, id: string) =>
  (await store.call('GET', `/v1/loyalty/rewards/${id}`)).data.stock;

t.test('P5 a reward is added, read, changed, listed and archived', async (t) => {
  const store = await loyaltyStore(app, database);
  const made = await store.call('POST', '/v1/loyalty/rewards', { ...CREDIT, stock: 3, minTier: 'silver' });
  t.equal(made.statusCode, 201, made.body);
  t.equal(made.headers.location, `/v1/loyalty/rewards/${made.data.id}`);
  t.match(made.data, { ...CREDIT, status: 'active', stock: 3, minTier: 'silver', percent: null, version: 1 });
  const url = `/v1/loyalty/rewards/${made.data.id}`;
  const changed = await store.call('PATCH', url, { points: 400, minTier: null }, { 'if-match': '"1"' });
  t.match(changed.data, { points: 400, minTier: null, version: 2 }, changed.body);
  const stale = await store.call('PATCH', url, { points: 1 }, { 'if-match': '"1"' });
  t.equal(stale.statusCode, 412);
  t.match(
    (await store.call('PATCH', url, { points: 400 })).data,
    { version: 2 },
    'the same again is no change',
  );
  const second = await rewardOf(store, { name: 'Free shipping', kind: 'free_shipping', points: 100 });
  t.same(
    (await store.call('GET', '/v1/loyalty/rewards?limit=1')).data.data.map((one: { id: string }) => one.id),
    [second],
  );
  t.match((await store.call('POST', `${url}/archive`)).data, { status: 'archived', version: 3 });
  t.match((await store.call('POST', `${url}/archive`)).data, { status: 'archived', version: 3 });
  const active = await store.call('GET', '/v1/loyalty/rewards?status=active');
  t.same(
    active.data.data.map((one: { id: string }) => one.id),
    [second],
  );
});

t.test('P5 terms that contradict each other are refused, each at its place', async (t) => {
  const store = await loyaltyStore(app, database);
  const base = { name: 'x', points: 1 };
  const cases: [object, Record<string, string>][] = [
    [{ kind: 'store_credit' }, { '/amount': 'FIELD_MISSING', '/currency': 'FIELD_MISSING' }],
    [{ kind: 'store_credit', amount: 1, currency: 'XXQ' }, { '/currency': 'CURRENCY_UNKNOWN' }],
    [{ kind: 'discount_code' }, { '/percent': 'FIELD_MISSING' }],
    [{ kind: 'discount_code', percent: 5, amount: 5, currency: 'EUR' }, { '/percent': 'DISCOUNT_TWICE' }],
    [{ kind: 'discount_code', amount: 5 }, { '/currency': 'FIELD_MISSING' }],
    [{ kind: 'free_shipping', percent: 5 }, { '/percent': 'FIELD_NOT_OF_KIND' }],
    [
      { kind: 'product', validDays: 3 },
      { '/productId': 'FIELD_MISSING', '/validDays': 'FIELD_NOT_OF_KIND' },
    ],
    [{ kind: 'early_access' }, { '/earlyAccessHours': 'FIELD_MISSING' }],
    [{ kind: 'free_shipping', minTier: 'mithril' }, { '/minTier': 'TIER_UNKNOWN' }],
    [
      { kind: 'free_shipping', startsAt: '2026-02-01T00:00:00Z', endsAt: '2026-02-01T00:00:00Z' },
      { '/endsAt': 'WINDOW_EMPTY' },
    ],
  ];
  for (const [terms, expected] of cases) {
    const answer = await store.call('POST', '/v1/loyalty/rewards', { ...base, ...terms });
    t.equal(answer.data.code, 'REWARD_INVALID', answer.body);
    t.equal(answer.statusCode, 422);
    const errors: { pointer: string; code: string }[] = answer.data.errors;
    t.same(Object.fromEntries(errors.map(({ pointer, code }) => [pointer, code])), expected);
  }
});

t.test('P5 store credit at once: points taken and credit granted in one step', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 700 });
  const rewardId = await rewardOf(store, { ...CREDIT, validDays: 90 });
  const key = randomUUID();
  const done = await store.post(pathOf(id), { rewardId, fulfil: true }, key);
  t.equal(done.statusCode, 201, done.body);
  t.match(done.data, {
    redemption: { status: 'fulfilled', points: 500, transferId: String, creditTransferId: String },
    account: { balance: 200, available: 200, held: 0 },
    dryRun: false,
  });
  const credit = await store.call('GET', `/v1/customers/${id}/credit`);
  t.match(credit.data.data, [{ unit: 'EUR', balance: 500, available: 500 }]);
  const { rows } = await database.owner.query(
    `select t.counter_account, t.reference, l.source, l.expires_at is not null as ends
     from transfers t join lots l on l.transfer_id = t.id where t.id = $1`,
    [done.data.redemption.creditTransferId],
  );
  t.same(rows, [
    {
      counter_account: 'issued:reward',
      reference: `:reward:${done.data.redemption.id}`,
      source: `redemption:${done.data.redemption.id}`,
      ends: true,
    },
  ]);
  const again = await store.post(pathOf(id), { rewardId, fulfil: true }, key);
  t.equal(again.headers['idempotency-replayed'], 'true');
  t.equal(again.data.redemption.id, done.data.redemption.id);
  t.match(await store.points(id), { balance: 200 });
  t.equal((await store.call('POST', pathOf(id), { rewardId })).data.code, 'IDEMPOTENCY_KEY_REQUIRED');
});

t.test('P5 hold, then fulfil: points wait, a second call answers as the first', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 500 });
  const rewardId = await rewardOf(store, { name: 'Mug', kind: 'product', points: 300, productId: 'mug-1' });
  const atOnce = await store.post(pathOf(id), { rewardId, fulfil: true });
  t.equal(atOnce.data.code, 'REWARD_NEEDS_DELIVERY', atOnce.body);
  const held = await store.post(pathOf(id), { rewardId });
  t.match(held.data, { redemption: { status: 'held' }, account: { available: 200, held: 300 } }, held.body);
  const path = pathOf(id, `/${held.data.redemption.id}`);
  t.match((await store.call('GET', path)).data, { status: 'held', reward: { productId: 'mug-1' } });
  const done = await store.post(`${path}/fulfil`);
  t.match(done.data, { redemption: { status: 'fulfilled' }, account: { balance: 200, held: 0 } }, done.body);
  const twice = await store.post(`${path}/fulfil`);
  t.match(twice.data, { redemption: { transferId: done.data.redemption.transferId } }, twice.body);
  t.match(await store.points(id), { balance: 200 });
  const refused = await store.post(`${path}/refuse`, { reason: 'No' });
  t.match(refused.data, { code: 'REDEMPTION_CLOSED', redemptionStatus: 'fulfilled' });
});

t.test(
  'P5 what a redemption holds or took is nothing that the credit of the customer can touch',
  async (t) => {
    const store = await loyaltyStore(app, database);
    const id = await store.member({ points: 1_000 });
    const rewardId = await rewardOf(store, { ...CREDIT, points: 300 });
    const held = (await store.post(pathOf(id), { rewardId })).data.redemption;
    const taken = (await store.post(pathOf(id), { rewardId, fulfil: true })).data.redemption;
    const credit = `/v1/customers/${id}/credit`;
    for (const command of ['capture', 'void', 'extend']) {
      const body = command === 'extend' ? { ttlMinutes: 60 } : {};
      t.equal((await store.post(`${credit}/holds/${held.holdId}/${command}`, body)).statusCode, 404, command);
    }
    t.equal((await store.post(`${credit}/refunds`, { transferId: taken.transferId })).statusCode, 404);
    t.match(await store.points(id), { balance: 700, held: 300 });
  },
);

t.test('P5 codes differ, and no character of them is taken for another', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 5_000 });
  const rewardId = await rewardOf(store, { name: '10 %', kind: 'discount_code', points: 100, percent: 10 });
  const codes = new Set<string>();
  for (let n = 0; n < 10; n++) {
    const { data } = await store.post(pathOf(id), { rewardId, fulfil: true });
    t.match(data.redemption.code, /^[0-9A-HJKMNP-TV-Z]{12}$/);
    codes.add(data.redemption.code);
  }
  t.equal(codes.size, 10);
});

t.test('P5 a refused redemption gives the points back to their lots', async (t) => {
  const store = await loyaltyStore(app, database);
  const soon = new Date(Date.now() + 3600_000);
  const id = await store.member({ points: 100, expiresAt: soon });
  await store.grant(id, 400);
  const rewardId = await rewardOf(store, { ...CREDIT, stock: 1 });
  const held = await store.post(pathOf(id), { rewardId });
  t.equal(await stockOf(store, rewardId), 0);
  const path = pathOf(id, `/${held.data.redemption.id}`);
  const refused = await store.post(`${path}/refuse`, { reason: 'Sold out' });
  t.match(refused.data, {
    redemption: { status: 'refused', reason: 'Sold out' },
    account: { available: 500 },
  });
  t.equal(await stockOf(store, rewardId), 1, 'and the reward is back in stock');
  t.match((await store.post(`${path}/refuse`, { reason: 'Again' })).data.redemption, { reason: 'Sold out' });
  t.equal(await stockOf(store, rewardId), 1);
  t.match((await store.post(`${path}/fulfil`)).data, {
    code: 'REDEMPTION_CLOSED',
    redemptionStatus: 'refused',
  });
});

t.test('P5, K6 time frees held points and stock, and the job only writes it down', async (t) => {
  const store = await loyaltyStore(app, database);
  const [one, other] = [await store.member({ points: 500 }), await store.member({ points: 500 })];
  const rewardId = await rewardOf(store, { ...CREDIT, stock: 1, maxPerCustomer: 1 });
  const held = await store.post(pathOf(one), { rewardId });
  await runOut(store);
  const path = pathOf(one, `/${held.data.redemption.id}`);
  t.match((await store.call('GET', path)).data, { status: 'expired' });
  t.match((await store.post(`${path}/fulfil`)).data, {
    code: 'REDEMPTION_CLOSED',
    redemptionStatus: 'expired',
  });
  t.match(await store.points(one), { available: 500 });
  const next = await store.post(pathOf(other), { rewardId });
  t.equal(next.statusCode, 201, 'the last one went to somebody else before any job ran');
  t.equal(await stockOf(store, rewardId), 0);
  await runOut(store);
  const ctx = store.ctx();
  const job = await transaction(ctx.db, (tx) => startJob(ctx, tx, { kind: 'redemption-expiry', params: {} }));
  await runJob(ctx, job.id, redemptionExpirySlice, new AbortController().signal);
  t.equal(await stockOf(store, rewardId), 1);
  const { rows } = await database.owner.query(
    `select status, count(*)::integer as count from loyalty_redemptions where store_id = $1 group by status`,
    [store.storeId],
  );
  t.same(rows, [{ status: 'expired', count: 2 }]);
  const events = await database.owner.query(
    `select count(*)::integer as count from events where store_id = $1 and kind = 'redemption.expired'`,
    [store.storeId],
  );
  t.equal(events.rows[0].count, 2, 'each is told once');
});

t.test('P5 fulfilled and taken back: points to their lots, credit gone, stock back', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 500 });
  const rewardId = await rewardOf(store, { ...CREDIT, stock: 5 });
  const { data } = await store.post(pathOf(id), { rewardId, fulfil: true });
  const path = pathOf(id, `/${data.redemption.id}/reverse`);
  const back = await store.post(path, { reason: 'Mistake' });
  t.match(
    back.data,
    { redemption: { status: 'reversed' }, account: { balance: 500, available: 500 } },
    back.body,
  );
  t.match((await store.call('GET', `/v1/customers/${id}/credit`)).data.data, [{ balance: 0 }]);
  t.equal(await stockOf(store, rewardId), 5);
  t.match((await store.post(path, { reason: 'Mistake' })).data, { account: { balance: 500 } });
  const { rows } = await database.owner.query(
    `select amount::integer, remaining::integer from lots l join ledger_accounts a on a.id = l.account_id
     where l.store_id = $1 and a.unit = 'points'`,
    [store.storeId],
  );
  t.same(rows, [{ amount: 500, remaining: 500 }], 'the very lot that paid');
});

t.test('P5 credit that was spent meanwhile cannot be taken back, and then nothing is', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 500 });
  const rewardId = await rewardOf(store);
  const { data } = await store.post(pathOf(id), { rewardId, fulfil: true });
  await store.post(`/v1/customers/${id}/credit/redeem`, { amount: 1, currency: 'EUR' });
  const back = await store.post(pathOf(id, `/${data.redemption.id}/reverse`), { reason: 'Mistake' });
  t.match(back.data, { code: 'INSUFFICIENT_CREDIT', available: 499 }, back.body);
  t.match(await store.points(id), { balance: 0 });
});

t.test('P5 what stands in the way is named', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 10_000, tier: 'bronze' });
  const whyOf = async (terms: object, customerId = id) => {
    const { data } = await store.post(pathOf(customerId), {
      rewardId: await rewardOf(store, { ...CREDIT, ...terms }),
    });
    return data.why ?? data.code ?? data.redemption.status;
  };
  t.equal(await whyOf({ startsAt: new Date(Date.now() + 60_000).toISOString() }), 'not_started');
  t.equal(await whyOf({ endsAt: new Date(Date.now() - 60_000).toISOString() }), 'ended');
  t.equal(await whyOf({ minTier: 'silver' }), 'tier_too_low');
  t.equal(await whyOf({ minTier: 'bronze' }), 'held');
  t.equal(await whyOf({ stock: 0 }), 'out_of_stock');
  t.equal(await whyOf({ points: 100_000 }), 'INSUFFICIENT_POINTS');
  const once = await rewardOf(store, { ...CREDIT, maxPerCustomer: 1 });
  t.equal((await store.post(pathOf(id), { rewardId: once })).statusCode, 201);
  t.equal((await store.post(pathOf(id), { rewardId: once })).data.why, 'customer_limit');
  const archived = await rewardOf(store);
  await store.call('POST', `/v1/loyalty/rewards/${archived}/archive`);
  t.match((await store.post(pathOf(id), { rewardId: archived })).data, {
    code: 'REWARD_NOT_AVAILABLE',
    why: 'archived',
  });
  const stranger = (await store.call('POST', '/v1/customers', { email: 'stranger@example.com' })).data.id;
  t.equal(await whyOf({}, stranger), 'not_a_member');
  const unknown = await store.post(pathOf(id), { rewardId: randomUUID() });
  t.match(unknown.data, { code: 'REFERENCE_UNKNOWN', reference: '/rewardId' });
  await store.call('PATCH', `/v1/customers/${id}`, { accountStatus: 'disabled' });
  t.equal((await store.post(pathOf(id), { rewardId: once })).data.code, 'ACCOUNT_NOT_ACTIVE');
});

t.test('L10 a dry run says the same and stores nothing', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 500 });
  const rewardId = await rewardOf(store, { ...CREDIT, stock: 1 });
  const dry = await store.post(pathOf(id), { rewardId, fulfil: true, dryRun: true });
  t.match(dry.data, { redemption: { status: 'fulfilled' }, account: { balance: 0 }, dryRun: true }, dry.body);
  t.match(await store.points(id), { balance: 500, held: 0 });
  t.equal(await stockOf(store, rewardId), 1);
  t.equal((await store.call('GET', pathOf(id, `/${dry.data.redemption.id}`))).statusCode, 404);
  t.same((await store.call('GET', pathOf(id))).data.data, []);
});

t.test('L10 every command on a redemption can be tried dry', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 500 });
  const held = await store.post(pathOf(id), { rewardId: await rewardOf(store, CREDIT) });
  const path = pathOf(id, `/${held.data.redemption.id}`);
  const before = await store.points(id);
  const dry = (command: string, body: object = {}) =>
    store.post(`${path}/${command}`, { ...body, dryRun: true });
  t.match((await dry('fulfil')).data, { redemption: { status: 'fulfilled' }, dryRun: true });
  t.match((await dry('refuse', { reason: 'No' })).data, { redemption: { status: 'refused' }, dryRun: true });
  t.equal((await dry('reverse', { reason: 'No' })).data.code, 'REDEMPTION_CLOSED');
  t.match((await store.call('GET', path)).data, { status: 'held' });
  t.same(await store.points(id), before);
  await store.post(`${path}/fulfil`);
  t.match((await dry('reverse', { reason: 'No' })).data, {
    redemption: { status: 'reversed' },
    dryRun: true,
  });
  t.match((await store.call('GET', path)).data, { status: 'fulfilled' });
});

t.test('P5, K8 credit beyond the limit of the store: no credit, and the points stay', async (t) => {
  const store = await loyaltyStore(app, database);
  await database.owner.query(
    `update stores set settings = jsonb_set(settings, '{credit}', '{"limits":{"EUR":400}}') where id = $1`,
    [store.storeId],
  );
  const id = await store.member({ points: 500 });
  const answer = await store.post(pathOf(id), { rewardId: await rewardOf(store), fulfil: true });
  t.match(answer.data, { code: 'CREDIT_LIMIT_EXCEEDED', room: 400 }, answer.body);
  t.match(await store.points(id), { balance: 500, held: 0 });
});

t.test('P6 an order that is cancelled gives back what was redeemed for it', async (t) => {
  const store = await loyaltyStore(app, database, { rules: [] });
  const id = await store.member({ points: 1_000 });
  const order = {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { id },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
    total: 100,
  };
  const placed = await store.call('PUT', '/v1/orders/o-1', order);
  const orderId = placed.data.id;
  const mug = await rewardOf(store, { name: 'Mug', kind: 'product', points: 300, productId: 'mug' });
  const held = await store.post(pathOf(id), { rewardId: mug, orderId });
  const code = await rewardOf(store, { name: '10 %', kind: 'discount_code', points: 200, percent: 10 });
  const done = await store.post(pathOf(id), { rewardId: code, orderId, fulfil: true });
  t.match(await store.points(id), { balance: 800, held: 300 });
  const cancel = { ...order, status: 'cancelled', updatedAt: '2026-01-02T10:00:00Z' };
  t.equal((await store.call('PUT', '/v1/orders/o-1', cancel)).statusCode, 200);
  await store.call('PUT', '/v1/orders/o-1', { ...cancel, updatedAt: '2026-01-03T10:00:00Z' });
  t.match(await store.points(id), { balance: 1_000, held: 0, available: 1_000 });
  t.match((await store.call('GET', pathOf(id, `/${held.data.redemption.id}`))).data, { status: 'refused' });
  t.match((await store.call('GET', pathOf(id, `/${done.data.redemption.id}`))).data, { status: 'reversed' });
});

t.test('race: twenty members want the last three, three get one', async (t) => {
  const store = await loyaltyStore(app, database);
  const members = await Promise.all(Array.from({ length: 20 }, () => store.member({ points: 500 })));
  const rewardId = await rewardOf(store, { ...CREDIT, stock: 3 });
  const answers = await Promise.all(members.map((id) => store.post(pathOf(id), { rewardId, fulfil: true })));
  const whys = answers.map(({ statusCode, data }) => (statusCode === 201 ? 'served' : data.why));
  t.equal(whys.filter((why) => why === 'served').length, 3, whys.join());
  t.equal(whys.filter((why) => why === 'out_of_stock').length, 17);
  t.equal(await stockOf(store, rewardId), 0);
});

t.test('race: one member in ten tabs gets what the limit and the points allow', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 1_200 });
  const limited = await rewardOf(store, { ...CREDIT, points: 100, maxPerCustomer: 1 });
  const tabs = await Promise.all(
    Array.from({ length: 10 }, () => store.post(pathOf(id), { rewardId: limited })),
  );
  t.equal(tabs.filter(({ statusCode }) => statusCode === 201).length, 1);
  const dear = await rewardOf(store, CREDIT);
  const more = await Promise.all(
    Array.from({ length: 10 }, () => store.post(pathOf(id), { rewardId: dear, fulfil: true })),
  );
  t.equal(more.filter(({ statusCode }) => statusCode === 201).length, 2);
  t.match(await store.points(id), { balance: 200, held: 100 });
});

t.test('race: fulfil against refuse on one hold, exactly one wins', async (t) => {
  const store = await loyaltyStore(app, database);
  const rewardId = await rewardOf(store);
  for (let round = 0; round < 8; round++) {
    const id = await store.member({ points: 500 });
    const held = await store.post(pathOf(id), { rewardId });
    const path = pathOf(id, `/${held.data.redemption.id}`);
    const answers = await Promise.all([
      store.post(`${path}/fulfil`),
      store.post(`${path}/refuse`, { reason: 'No' }),
      store.post(`${path}/fulfil`),
    ]);
    const { status } = (await store.call('GET', path)).data;
    const { balance, held: stillHeld } = await store.points(id);
    t.same([balance, stillHeld], [status === 'fulfilled' ? 0 : 500, 0]);
    t.notOk(answers.some(({ statusCode }) => statusCode >= 500));
  }
});

t.test('another store sees nothing of rewards and redemptions', async (t) => {
  const store = await loyaltyStore(app, database);
  const id = await store.member({ points: 500 });
  const rewardId = await rewardOf(store);
  const held = await store.post(pathOf(id), { rewardId });
  const other = await testStore(app, database);
  t.equal((await other.call('GET', `/v1/loyalty/rewards/${rewardId}`)).statusCode, 404);
  t.equal((await other.call('GET', pathOf(id, `/${held.data.redemption.id}`))).statusCode, 404);
  const mine = await store.member({ points: 500 });
  t.equal(
    (await store.call('GET', pathOf(mine, `/${held.data.redemption.id}`))).statusCode,
    404,
    'nor does another customer',
  );
});
