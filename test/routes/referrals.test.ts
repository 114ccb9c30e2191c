// Referrals (P9) and the events that programmes reward (P1, P8): who may refer whom, when both are rewarded, and once.
import t from 'tap';
import { birthdayRewardsSlice } from '../../src/actions/birthday-rewards.ts';
import { runJob, type Slice, startJob } from '../../src/actions/jobs.ts';
import { referralDecisionsSlice } from '../../src/actions/referral-decisions.ts';
import { transaction } from '../../src/db/connection.ts';
import type { JobKind } from '../../src/domain/jobs.ts';
import type { EarningRule } from '../../src/domain/loyalty/earning.ts';
import type { ReferralSettings } from '../../src/domain/loyalty/referrals.ts';
import { call, testApp, testDatabase } from '../support/harness.ts';
import { type LoyaltyStore, loyaltyStore } from '../support/loyalty.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const DAY_MS = 86_400_000;
const RULES: EarningRule[] = [
  { id: 'advocate', kind: 'event', event: 'referral', side: 'advocate', points: 500 },
  { id: 'friend', kind: 'event', event: 'referral', side: 'friend', points: 200 },
];
const TERMS: ReferralSettings = { minimumAmount: 1_000, returnDays: 14, onRefund: 'reverse' };

const shopWith = (terms: Partial<ReferralSettings> = {}, rules: EarningRule[] = RULES) =>
  loyaltyStore(app, database, {
    rules,
    tiers: null,
    reversal: 'allow_negative',
    referrals: { ...TERMS, ...terms },
  });

const codeOf = async (store: LoyaltyStore, id: string): Promise<string> =>
  (await store.call('GET', `/v1/customers/${id}/loyalty/referral-code`)).data.code;

const refer = (store: LoyaltyStore, body: object) => store.call('POST', '/v1/loyalty/referrals', body);

/** An order that is `daysAgo` old; later calls with other fields are later versions. */
async function order(
  store: LoyaltyStore,
  customerId: string,
  {
    key = 'o-1',
    total = 5_000,
    daysAgo = 0,
    at = 0,
    ...fields
  }: Record<string, unknown> & {
    key?: string;
    total?: number;
    daysAgo?: number;
    at?: number;
  },
) {
  const placedAt = new Date(Date.now() - daysAgo * DAY_MS);
  const answer = await store.call('PUT', `/v1/orders/${key}`, {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: placedAt.toISOString(),
    updatedAt: new Date(placedAt.getTime() + at * 1000).toISOString(),
    customer: { id: customerId },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: total }],
    total,
    ...fields,
  });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return answer.data;
}

/** Runs one job as a worker does. */
async function run(store: LoyaltyStore, kind: JobKind, slice: Slice): Promise<void> {
  const ctx = store.ctx();
  const job = await transaction(ctx.db, (tx) => startJob(ctx, tx, { kind, params: {} }));
  await runJob(ctx, job.id, slice, new AbortController().signal);
}

const decide = (store: LoyaltyStore) => run(store, 'referral-decisions', referralDecisionsSlice);

/** Moves a referral, its order and what waits for it into the past. */
async function letDaysPass(store: LoyaltyStore, days: number): Promise<void> {
  const past = `interval '${days} days'`;
  await database.owner.query(
    `update referrals set decides_at = decides_at - ${past}, invited_at = invited_at - ${past} where store_id = $1`,
    [store.storeId],
  );
  await database.owner.query(`update orders set placed_at = placed_at - ${past} where store_id = $1`, [
    store.storeId,
  ]);
}

const stateOf = async (store: LoyaltyStore, id: string) =>
  (await store.call('GET', `/v1/loyalty/referrals/${id}`)).data;

t.test('P9 registered, first order, return window, then both are rewarded in one step', async (t) => {
  const store = await shopWith();
  const [advocate, friend] = [await store.member(), await store.member()];
  const code = await codeOf(store, advocate);
  const made = await refer(store, {
    code: `${code.slice(0, 4).toLowerCase()}-${code.slice(4)}`,
    friendId: friend,
  });
  t.equal(made.statusCode, 201, made.body);
  t.match(made.data, { advocateId: advocate, friendId: friend, state: 'registered' });
  t.equal(made.headers.location, `/v1/loyalty/referrals/${made.data.id}`);
  const placed = await order(store, friend, {});
  const waiting = await stateOf(store, made.data.id);
  t.match(waiting, { state: 'registered', orderId: placed.id });
  t.ok(new Date(waiting.decidesAt).getTime() > Date.now() + 13 * DAY_MS);
  await decide(store);
  t.match(await stateOf(store, made.data.id), { state: 'registered' }, 'not before the window ends');
  await letDaysPass(store, 15);
  await decide(store);
  t.match(await stateOf(store, made.data.id), { state: 'rewarded', qualifiedAt: String, rewardedAt: String });
  t.match(await store.points(advocate), { balance: 500 });
  t.match(await store.points(friend), { balance: 200 });
  await decide(store);
  t.match(await store.points(advocate), { balance: 500 }, 'a second run rewards nobody again');
  const list = await store.call('GET', `/v1/loyalty/referrals?advocateId=${advocate}&state=rewarded`);
  t.same(
    list.data.data.map((one: { id: string }) => one.id),
    [made.data.id],
  );
  t.same((await store.call('GET', '/v1/loyalty/referrals?state=invited')).data.data, []);
});

t.test('P9 a window of 0 days decides in the transaction of the order', async (t) => {
  const store = await shopWith({ returnDays: 0 });
  const [advocate, friend] = [await store.member(), await store.member()];
  const made = await refer(store, { code: await codeOf(store, advocate), friendId: friend });
  await order(store, friend, {});
  t.match(await stateOf(store, made.data.id), { state: 'rewarded' });
  await order(store, friend, { at: 5, channel: 'web' });
  t.match([await store.points(advocate), await store.points(friend)], [{ balance: 500 }, { balance: 200 }]);
});

t.test('P9 refused, each with its code', async (t) => {
  const store = await shopWith({ maxPerAdvocate: 1 });
  const advocate = await store.member({ email: 'ada.lovelace@gmail.com' });
  const code = await codeOf(store, advocate);
  const codeOfRefusal = async (body: object) => (await refer(store, body)).data.code;
  t.equal(await codeOfRefusal({ code: 'ZZZZ-ZZZZ', email: 'x@example.com' }), 'REFERRAL_CODE_UNKNOWN');
  t.equal(await codeOfRefusal({ code: 'no', email: 'x@example.com' }), 'REFERRAL_CODE_UNKNOWN');
  t.equal(await codeOfRefusal({ code }), 'REFERRAL_INVALID');
  t.equal(await codeOfRefusal({ code, email: 'nobody' }), 'REFERRAL_INVALID');
  t.equal(
    await codeOfRefusal({ code, friendId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11' }),
    'REFERENCE_UNKNOWN',
  );
  const self = await refer(store, { code, friendId: advocate });
  t.match(self.data, { code: 'SELF_REFERRAL', shared: 'customer' });
  const dotted = await refer(store, { code, email: 'adalovelace+me@googlemail.com' });
  t.match(dotted.data, { code: 'SELF_REFERRAL', shared: 'email' });
  const buyer = await store.member();
  await order(store, buyer, { key: 'before' });
  t.equal(await codeOfRefusal({ code, friendId: buyer }), 'FRIEND_ALREADY_CUSTOMER');
  const friend = await store.member();
  t.equal((await refer(store, { code, friendId: friend })).statusCode, 201);
  t.equal(await codeOfRefusal({ code, friendId: await store.member() }), 'REFERRAL_LIMIT');
  const other = await codeOf(store, await store.member());
  t.equal(await codeOfRefusal({ code: other, friendId: friend }), 'FRIEND_ALREADY_REFERRED');
  await store.call('PATCH', `/v1/customers/${advocate}`, { accountStatus: 'disabled' });
  t.equal(await codeOfRefusal({ code, email: 'new@example.com' }), 'ADVOCATE_NOT_ACTIVE');
  const without = await loyaltyStore(app, database);
  const lonely = await codeOf(without, await without.member());
  t.equal(
    (await refer(without, { code: lonely, email: 'a@example.com' })).data.code,
    'REFERRALS_NOT_OFFERED',
  );
});

t.test('P9 same phone or same address is one person', async (t) => {
  const store = await shopWith();
  const advocate = await store.member();
  await store.call('PATCH', `/v1/customers/${advocate}`, { phone: '+4930901820' });
  await store.call('POST', `/v1/customers/${advocate}/addresses`, {
    line1: 'Hauptstraße 1',
    city: 'Berlin',
    countryCode: 'DE',
  });
  const code = await codeOf(store, advocate);
  const phone = await store.call('POST', '/v1/customers', { email: 'p@example.com', phone: '+49 30 901820' });
  t.match((await refer(store, { code, friendId: phone.data.id })).data, {
    code: 'SELF_REFERRAL',
    shared: 'phone',
  });
  const near = await store.call('POST', '/v1/customers', { email: 'n@example.com' });
  await store.call('POST', `/v1/customers/${near.data.id}/addresses`, {
    line1: 'HAUPTSTRASSE 1',
    city: 'Berlin',
    countryCode: 'DE',
  });
  t.match((await refer(store, { code, friendId: near.data.id })).data, {
    code: 'SELF_REFERRAL',
    shared: 'address',
  });
});

t.test('P9 an invitation finds its friend, however they turn up', async (t) => {
  const store = await shopWith({ returnDays: 0 });
  const code = await codeOf(store, await store.member());
  const invite = async (email: string) => (await refer(store, { code, email })).data;
  const [one, two, three] = [
    await invite('One@Example.com'),
    await invite('two@example.com'),
    await invite('three@example.com'),
  ];
  t.match(one, { state: 'invited', friendId: undefined });
  t.equal((await refer(store, { code, email: 'one@example.com' })).data.code, 'FRIEND_ALREADY_REFERRED');
  const made = await store.call('POST', '/v1/customers', { email: 'one@example.com' });
  t.match(await stateOf(store, one.id), { state: 'registered', friendId: made.data.id });
  await call(app, store.publishableKey, 'POST', '/storefront/v1/newsletter', { email: 'two@example.com' });
  t.match(await stateOf(store, two.id), { state: 'registered', friendId: String });
  const placed = await store.call('PUT', '/v1/orders/guest-1', {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: new Date().toISOString(),
    updatedAt: new Date().toISOString(),
    email: 'three@example.com',
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 5_000 }],
    total: 5_000,
  });
  t.equal(placed.statusCode, 201, placed.body);
  t.match(await stateOf(store, three.id), { state: 'rewarded', friendId: String });
  t.notMatch(JSON.stringify(three), 'example.com', 'nobody reads addresses here');
});

t.test('P9 below the minimum, or gone within the window: no reward', async (t) => {
  const store = await shopWith();
  const code = await codeOf(store, await store.member());
  const [small, returned, cancelled] = [await store.member(), await store.member(), await store.member()];
  const ids = [];
  for (const friendId of [small, returned, cancelled])
    ids.push((await refer(store, { code, friendId })).data.id);
  await order(store, small, { key: 's', total: 999 });
  await order(store, returned, { key: 'r' });
  await order(store, returned, {
    key: 'r',
    at: 5,
    refunds: [{ id: 'x', amount: 5_000, at: new Date().toISOString() }],
  });
  await order(store, cancelled, { key: 'c' });
  await order(store, cancelled, { key: 'c', at: 5, status: 'cancelled' });
  t.match(
    await stateOf(store, ids[2]),
    { state: 'registered', orderId: undefined },
    'a later order can do it',
  );
  await letDaysPass(store, 15);
  await decide(store);
  t.match(await stateOf(store, ids[0]), { state: 'rejected', reason: 'below_minimum' });
  t.match(await stateOf(store, ids[1]), { state: 'rejected', reason: 'refunded' });
  t.match(await stateOf(store, ids[2]), { state: 'registered' });
});

t.test('P9 a refund after the reward takes the points of both back, or keeps them, by setting', async (t) => {
  for (const [onRefund, left, state] of [
    ['reverse', [0, 0], 'rejected'],
    ['keep', [500, 200], 'rewarded'],
  ] as const) {
    const store = await shopWith({ returnDays: 0, onRefund });
    const [advocate, friend] = [await store.member(), await store.member()];
    const made = await refer(store, { code: await codeOf(store, advocate), friendId: friend });
    await order(store, friend, {});
    const refunds = [{ id: 'x', amount: 5_000, at: new Date().toISOString() }];
    await order(store, friend, { at: 5, refunds });
    await order(store, friend, { at: 6, refunds, channel: 'again' });
    t.match(await stateOf(store, made.data.id), { state });
    t.same([(await store.points(advocate)).balance, (await store.points(friend)).balance], left, onRefund);
  }
});

t.test('P9 asked again before the reward: an advocate who was disabled meanwhile gets none', async (t) => {
  const store = await shopWith();
  const [advocate, friend] = [await store.member(), await store.member()];
  const made = await refer(store, { code: await codeOf(store, advocate), friendId: friend });
  await order(store, friend, {});
  await store.call('PATCH', `/v1/customers/${advocate}`, { accountStatus: 'disabled' });
  await letDaysPass(store, 15);
  await decide(store);
  t.match(await stateOf(store, made.data.id), { state: 'rejected', reason: 'advocate_not_active' });
  t.match([await store.points(advocate), await store.points(friend)], [{ balance: 0 }, { balance: 0 }]);
});

t.test('race: one friend by two advocates, one referral', async (t) => {
  const store = await shopWith();
  const codes = await Promise.all(Array.from({ length: 6 }, async () => codeOf(store, await store.member())));
  const friend = await store.member();
  const answers = await Promise.all(codes.map((code) => refer(store, { code, friendId: friend })));
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [201, 409, 409, 409, 409, 409]);
  const invited = await Promise.all(codes.map((code) => refer(store, { code, email: 'new@example.com' })));
  t.same(invited.map(({ statusCode }) => statusCode).sort(), [201, 409, 409, 409, 409, 409]);
});

t.test('race: the limit of an advocate holds', async (t) => {
  const store = await shopWith({ maxPerAdvocate: 3 });
  const code = await codeOf(store, await store.member());
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => refer(store, { code, email: `f${n}@example.com` })),
  );
  t.equal(answers.filter(({ statusCode }) => statusCode === 201).length, 3);
});

t.test('race: two decisions and the order at once reward once', async (t) => {
  const store = await shopWith();
  const [advocate, friend] = [await store.member(), await store.member()];
  await refer(store, { code: await codeOf(store, advocate), friendId: friend });
  await order(store, friend, { daysAgo: 0 });
  await letDaysPass(store, 15);
  await Promise.all([
    decide(store),
    decide(store),
    store.call('PATCH', `/v1/customers/${friend}`, { firstName: 'Grace' }),
    decide(store),
  ]);
  t.match([await store.points(advocate), await store.points(friend)], [{ balance: 500 }, { balance: 200 }]);
});

t.test('C10 referrals follow a merge, and one between the two merged is over', async (t) => {
  const store = await shopWith();
  const [survivor, gone, friend] = [await store.member(), await store.member(), await store.member()];
  const code = await codeOf(store, gone);
  const [between, theirs] = [
    await refer(store, { code, friendId: survivor }),
    await refer(store, { code, friendId: friend }),
  ];
  const merged = await store.call('POST', `/v1/customers/${survivor}/merge`, { from: gone });
  t.equal(merged.statusCode, 200, merged.body);
  t.match(await stateOf(store, between.data.id), { state: 'rejected', reason: 'self_referral' });
  t.match(await stateOf(store, theirs.data.id), { state: 'registered', advocateId: survivor });
});

t.test('P11 on the storefront: my code, and the code that I came with', async (t) => {
  const store = await shopWith();
  const [advocate, friend] = [await store.member(), await store.member()];
  const code = await codeOf(store, advocate);
  t.same((await (await store.shop(advocate))('GET', '/me/referral-code')).data, {
    customerId: advocate,
    code,
  });
  const shop = await store.shop(friend);
  t.match((await shop('POST', '/me/referral', { code })).data, { state: 'registered', friendId: friend });
  t.equal((await shop('POST', '/me/referral', { code })).data.code, 'FRIEND_ALREADY_REFERRED');
});

t.test('P1, P2 sign-up and newsletter earn once for good', async (t) => {
  const rules: EarningRule[] = [
    { id: 'hello', kind: 'event', event: 'sign_up', points: 50 },
    { id: 'mail', kind: 'event', event: 'newsletter', points: 20 },
  ];
  const store = await loyaltyStore(app, database, { rules, tiers: null });
  const active = await store.call('POST', '/v1/customers', {
    email: 'a@example.com',
    accountStatus: 'active',
  });
  t.match(await store.points(active.data.id), { balance: 50 });
  const guest = await store.call('POST', '/v1/customers', { email: 'g@example.com' });
  t.match(await store.points(guest.data.id), { balance: 0 });
  for (const accountStatus of ['active', 'disabled', 'active'])
    await store.call('PATCH', `/v1/customers/${guest.data.id}`, { accountStatus });
  t.match(await store.points(guest.data.id), { balance: 50 });
  for (let n = 0; n < 2; n++)
    await call(app, store.publishableKey, 'POST', '/storefront/v1/newsletter', { email: 'g@example.com' });
  t.match(await store.points(guest.data.id), { balance: 70 });
});

t.test(
  'P8 a birthday is rewarded on its day, once a year, also when it is edited or the job was down',
  async (t) => {
    const rules: EarningRule[] = [{ id: 'cake', kind: 'event', event: 'birthday', points: 100 }];
    const store = await loyaltyStore(app, database, { rules, tiers: null });
    const dayOf = (back: number) => {
      const text = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Berlin' }).format(
        Date.now() - back * DAY_MS,
      );
      const [, month, day] = text.split('-').map(Number);
      return { birthday: { month, day } };
    };
    const born = async (back: number) => {
      const id = await store.member();
      await store.call('PATCH', `/v1/customers/${id}`, dayOf(back));
      return id;
    };
    const celebrate = () => run(store, 'birthday-rewards', birthdayRewardsSlice);
    const [today, missed, longAgo] = [await born(0), await born(3), await born(40)];
    await celebrate();
    const balances = async () =>
      Promise.all([today, missed, longAgo].map(async (id) => (await store.points(id)).balance));
    t.same(await balances(), [100, 0, 0], 'the first run has only its own day');
    await database.owner.query(
      `update jobs set created_at = created_at - interval '5 days' where store_id = $1 and kind = 'birthday-rewards'`,
      [store.storeId],
    );
    await celebrate();
    t.same(await balances(), [100, 100, 0], 'and the next all days since');
    await store.call('PATCH', `/v1/customers/${today}`, dayOf(1));
    await store.call('PATCH', `/v1/customers/${missed}`, dayOf(0));
    await Promise.all([celebrate(), celebrate()]);
    t.same(await balances(), [100, 100, 0], 'a birthday that is edited is no second one');
  },
);
