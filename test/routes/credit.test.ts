// Store credit (K1–K9, L7, L10): over HTTP, and by the actions where the time of a request matters.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  captureHold,
  changeCredit,
  extendHold,
  holdCredit,
  quoteCreditFor,
  redeemCredit,
  refundCredit,
} from '../../src/actions/credit.ts';
import { Problem } from '../../src/errors.ts';
import { countRows, newShopper, type Shopper, setStore } from '../support/credit.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { ledgerFaults } from '../support/ledger-invariants.ts';
import type { RemoteAnswer } from '../support/remote.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const EUR = { currency: 'EUR' };
const HUGE = 5_000_000_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function shop(settings?: object): Promise<TestStore & Shopper> {
  const store = await testStore(app, database);
  if (settings) await setStore(store, settings);
  return { ...store, ...(await newShopper(store)) };
}

const refusedWith = (t: Test, answer: RemoteAnswer, status: number, code: string, facts: object = {}) =>
  t.match({ ...answer.data, status: answer.statusCode }, { status, code, ...facts }, answer.body);

/** What an action refuses with. */
async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

/** The actions of one customer at given times. */
function inTime(store: TestStore & Shopper) {
  const { id, ctx } = store;
  return {
    grant: (at: Date, amount: number, more: object = {}) =>
      changeCredit(ctx(at), id, { amount, reason: 'Test', ...EUR, ...more }),
    redeem: (at: Date, amount: number) => redeemCredit(ctx(at), id, { amount, ...EUR }),
    hold: (at: Date, amount: number, ttlMinutes?: number) =>
      holdCredit(ctx(at), id, { amount, ttlMinutes, ...EUR }),
    capture: (at: Date, holdId: string, amount?: number) =>
      captureHold(ctx(at), id, { holdId, ...(amount !== undefined && { amount }) }),
    extend: (at: Date, holdId: string, ttlMinutes: number) => extendHold(ctx(at), id, { holdId, ttlMinutes }),
    refund: (at: Date, transferId = '', amount?: number) => refundCredit(ctx(at), id, { transferId, amount }),
    available: async (at: Date) =>
      (await quoteCreditFor(ctx(at), id, { items: 0, shipping: 0, tax: 0, ...EUR })).available,
  };
}

const soon = (at: Date, ms: number): Date => new Date(at.getTime() + ms);
const NOON = new Date('2031-03-01T12:00:00.000Z');

t.test('K1: a grant is there at once, with transfer, balance and hash', async (t) => {
  const { credit, call, id } = await shop();
  const granted = await credit('', { amount: 2500, currency: 'EUR', reason: 'Late parcel' });
  t.equal(granted.statusCode, 201, granted.body);
  t.match(granted.data, {
    transfer: {
      seq: 1,
      kind: 'grant',
      from: 'issued:grant',
      to: 'credit:EUR',
      amount: 2500,
      balanceAfter: 2500,
      reason: 'Late parcel',
      hash: /^[0-9a-f]{64}$/,
    },
    account: { balance: 2500, available: 2500, held: 0 },
    dryRun: false,
  });
  t.match((await call('GET', `/v1/customers/${id}/credit`)).data, {
    data: [{ unit: 'EUR', balance: 2500, available: 2500 }],
  });
});

t.test('K6, K7: hold, capture a part, refund a part: every amount adds up', async (t) => {
  const { credit, grant } = await shop();
  await grant(2500);
  const spent = await credit('/redeem', { amount: 1000, ...EUR });
  t.match(spent.data, { transfer: { seq: 2, to: 'redeemed' }, account: { available: 1500 } });
  const held = await credit('/holds', { amount: 1200, ...EUR });
  t.match(held.data, { hold: { status: 'open', amount: 1200 }, account: { available: 300, held: 1200 } });
  const short = await credit('/redeem', { amount: 301, ...EUR });
  refusedWith(t, short, 409, 'INSUFFICIENT_CREDIT', { available: 300 });
  const captured = await credit(`/holds/${held.data.hold.id}/capture`, { amount: 1000 });
  t.match(captured.data, {
    hold: { status: 'captured', captured: 1000 },
    transfer: { holdId: held.data.hold.id, amount: 1000 },
    account: { available: 500, held: 0 },
  });
  const refund = await credit('/refunds', { transferId: captured.data.transfer.id, amount: 400 });
  t.match(refund.data, { transfer: { kind: 'refund', from: 'redeemed' }, account: { available: 900 } });
  const tooMuch = await credit('/refunds', { transferId: captured.data.transfer.id, amount: 601 });
  refusedWith(t, tooMuch, 409, 'REFUND_EXCEEDS_CAPTURE', { refundable: 600 });
});

for (const status of ['guest', 'invited', 'disabled']) {
  t.test(
    `K1, K9: a ${status} account gets no credit and spends none; corrections are possible`,
    async (t) => {
      const store = await shop();
      const { id, credit } = store;
      await store.grant(100);
      const spent = await credit('/redeem', { amount: 40, ...EUR });
      const { data } = await credit('/holds', { amount: 10, ...EUR });
      await database.owner.query('update customers set account_status = $1 where id = $2', [status, id]);
      const facts = { accountStatus: status, wayOut: /\w/ };
      for (const [path, body] of [
        ['', { amount: 1, reason: 'x' }],
        ['/redeem', { amount: 1 }],
        ['/holds', { amount: 1 }],
      ] as const)
        refusedWith(t, await credit(path, { ...body, ...EUR }), 409, 'ACCOUNT_NOT_ACTIVE', facts);
      refusedWith(t, await credit(`/holds/${data.hold.id}/capture`, {}), 409, 'ACCOUNT_NOT_ACTIVE', facts);
      t.match(
        (await store.call('GET', `/v1/customers/${id}/credit`)).data.data,
        [{ balance: 60 }],
        'balance is kept',
      );
      t.equal((await credit(`/holds/${data.hold.id}/void`, {})).statusCode, 200);
      t.equal((await credit('', { amount: -5, reason: 'Mistake', ...EUR })).statusCode, 201, 'K2');
      t.equal((await credit('/refunds', { transferId: spent.data.transfer.id })).statusCode, 201, 'K7');
      t.same(await ledgerFaults(database.owner, store.storeId), []);
    },
  );
}

for (const status of ['merged', 'erased']) {
  t.test(`K1, K2: a ${status} customer gets, spends and corrects nothing any more`, async (t) => {
    const store = await shop();
    const { id, credit } = store;
    await store.grant(100);
    const spent = await credit('/redeem', { amount: 40, ...EUR });
    const survivor = await newShopper(store);
    await database.owner.query(
      "update customers set account_status = $1, email = null, email_norm = null, email_key = null, merged_into_id = case when $1 = 'merged' then $3::uuid end where id = $2",
      [status, id, survivor.id],
    );
    const before = await countRows(database.owner, store.storeId);
    for (const [path, body] of [
      ['', { amount: 1, reason: 'x', ...EUR }],
      ['', { amount: -1, reason: 'x', ...EUR }],
      ['/redeem', { amount: 1, ...EUR }],
      ['/holds', { amount: 1, ...EUR }],
      ['/refunds', { transferId: spent.data.transfer.id }],
    ] as const)
      refusedWith(t, await credit(path, body), 409, 'CUSTOMER_GONE');
    t.same(await countRows(database.owner, store.storeId), before);
  });
}

t.test('K1: a reason is required, and 0, fractions, unknown currencies and fields are refused', async (t) => {
  const { credit, storeId } = await shop();
  const before = await countRows(database.owner, storeId);
  const body = { amount: 5, reason: 'x', ...EUR };
  for (const wrong of [
    { reason: undefined },
    { reason: '' },
    { reason: 'x'.repeat(501) },
    { amount: 1.5 },
    { amount: '5' },
    { amount: 2 ** 53 },
    { amount: undefined },
    { currency: undefined },
    { currency: 'eur' },
    { surprise: 1 },
    { expiresAt: 'tomorrow' },
    { reference: '' },
  ])
    t.equal((await credit('', { ...body, ...wrong })).statusCode, 400, JSON.stringify(wrong));
  refusedWith(t, await credit('', { ...body, amount: 0 }), 422, 'ZERO_AMOUNT');
  refusedWith(t, await credit('', { ...body, currency: 'XXQ' }), 422, 'CURRENCY_UNKNOWN');
  refusedWith(t, await credit('', { ...body, expiresAt: '2020-01-01T00:00:00Z' }), 422, 'EXPIRY_INVALID');
  refusedWith(
    t,
    await credit('', { ...body, amount: -5, expiresAt: '2100-01-01T00:00:00Z' }),
    422,
    'EXPIRY_INVALID',
  );
  for (const path of ['/redeem', '/holds'])
    for (const amount of [0, -1, 0.5]) t.equal((await credit(path, { amount, ...EUR })).statusCode, 400);
  t.same(await countRows(database.owner, storeId), before);
});

t.test('K2: a correction downward takes no more than is available', async (t) => {
  const { credit, grant } = await shop();
  await grant(100);
  await credit('/holds', { amount: 30, ...EUR });
  const short = await credit('', { amount: -71, reason: 'Mistake', ...EUR });
  refusedWith(t, short, 409, 'INSUFFICIENT_CREDIT', { available: 70 });
  const done = await credit('', { amount: -70, reason: 'Mistake', ...EUR });
  t.match(done.data, {
    transfer: { kind: 'adjustment', to: 'manual', amount: 70 },
    account: { available: 0, held: 30 },
  });
});

t.test(
  'K2: where the store allows it a correction goes below zero, and the next grants pay for it first',
  async (t) => {
    const { credit, grant, storeId } = await shop({ creditAllowNegative: true });
    await grant(100);
    const below = await credit('', { amount: -HUGE, reason: 'Fraud', ...EUR });
    t.match(below.data.account, { balance: 100 - HUGE, available: 100 - HUGE });
    refusedWith(t, await credit('/redeem', { amount: 1, ...EUR }), 409, 'INSUFFICIENT_CREDIT');
    t.match((await credit('/quote', { items: 50, shipping: 0, tax: 0, ...EUR })).data, {
      available: { amount: 0 },
      applied: { amount: 0 },
      due: { amount: 50 },
    });
    t.match((await grant(50)).data.account, { available: 150 - HUGE });
    t.match((await grant(HUGE)).data.account, { balance: 150, available: 150 });
    t.equal((await credit('/redeem', { amount: 150, ...EUR })).statusCode, 201);
    t.same(await ledgerFaults(database.owner, storeId), []);
  },
);

t.test('K3: currencies never mix', async (t) => {
  const { credit, grant, call, id } = await shop();
  await grant(100);
  await grant(900, { currency: 'JPY' });
  refusedWith(t, await credit('/redeem', { amount: 101, ...EUR }), 409, 'INSUFFICIENT_CREDIT', {
    available: 100,
  });
  refusedWith(t, await credit('/redeem', { amount: 1, currency: 'USD' }), 409, 'INSUFFICIENT_CREDIT', {
    available: 0,
  });
  t.match((await credit('/redeem', { amount: 900, currency: 'JPY' })).data, {
    transfer: { unit: 'JPY', seq: 2 },
  });
  t.match((await call('GET', `/v1/customers/${id}/credit`)).data.data, [
    { unit: 'EUR', balance: 100 },
    { unit: 'JPY', balance: 0 },
  ]);
});

const messagesOf = async ({ storeId }: TestStore) =>
  (
    await database.owner.query('select customer_id, kind, status, data from messages where store_id = $1', [
      storeId,
    ])
  ).rows;

t.test('K4: notify writes a message in the transaction of the grant, and of nothing else', async (t) => {
  const store = await shop();
  const { credit, grant } = store;
  await grant(10);
  await grant(20, { notify: false });
  t.same(await messagesOf(store), []);
  const told = await grant(30, { notify: true, reason: 'Sorry', expiresAt: '2100-01-01T00:00:00.000Z' });
  const message = {
    customer_id: store.id,
    kind: 'credit_granted',
    status: 'pending',
    data: {
      transferId: told.data.transfer.id,
      amount: 30,
      currency: 'EUR',
      reason: 'Sorry',
      expiresAt: /^2100/,
    },
  };
  t.match(await messagesOf(store), [message]);
  await credit('', { amount: -5, reason: 'Mistake', notify: true, ...EUR });
  await credit('', { amount: 5, reason: 'x', notify: true, dryRun: true, ...EUR });
  await setStore(store, { creditLimits: [{ amount: 60, currency: 'EUR' }] });
  t.equal((await credit('', { amount: 500, reason: 'x', notify: true, ...EUR })).statusCode, 409);
  t.equal((await messagesOf(store)).length, 1, 'corrections, rehearsals and refusals write to nobody');
});

t.test('K5: a quote applies the smaller of what is available and what credit may pay for', async (t) => {
  const store = await shop({ creditBasis: 'items_only' });
  const { credit, grant } = store;
  const quote = async (items: number, shipping: number, tax: number) => {
    const { data } = await credit('/quote', { items, shipping, tax, ...EUR });
    return [data.available, data.eligible, data.applied, data.due].map(({ amount }) => amount);
  };
  t.same(await quote(4000, 490, 300), [0, 4300, 0, 4790], 'nothing there');
  const most = 3_000_000_000_000_000;
  t.equal((await quote(most, most, most))[3], 3 * most, 'exact up to the largest cart');
  await grant(4500);
  t.same(await quote(4000, 490, 300), [4500, 4300, 4300, 490], 'items_only leaves shipping to pay');
  t.same(await quote(4400, 490, 300), [4500, 4700, 4500, 690]);
  t.same(await quote(0, 490, 0), [4500, 0, 0, 490]);
  await setStore(store, { creditBasis: 'order_total' });
  t.same(await quote(4000, 490, 300), [4500, 4790, 4500, 290]);
  t.same(await quote(4000, 490, 10), [4500, 4500, 4500, 0]);
  t.same(await quote(0, 0, 0), [4500, 0, 0, 0]);
  await grant(HUGE);
  t.same(await quote(HUGE, 490, 0), [HUGE + 4500, HUGE + 490, HUGE + 490, 0]);
  await credit('/holds', { amount: HUGE, ...EUR });
  t.same(await quote(4000, 490, 300), [4500, 4790, 4500, 290], 'what is held is not available');
  await store.call('PATCH', `/v1/customers/${store.id}`, { accountStatus: 'disabled' });
  t.same(await quote(4000, 490, 300), [0, 4790, 0, 4790], 'K9');
  refusedWith(
    t,
    await credit('/quote', { items: 1, shipping: 0, tax: 0, currency: 'XXQ' }),
    422,
    'CURRENCY_UNKNOWN',
  );
  t.equal((await credit('/quote', { items: -1, shipping: 0, tax: 0, ...EUR })).statusCode, 400);
});

t.test('K6: a hold lives 30 minutes, as the store says, or as it says itself', async (t) => {
  const store = await shop();
  const { credit, grant } = store;
  await grant(100);
  const lifeOf = async (body: object = {}) => {
    const { data } = await credit('/holds', { amount: 1, ...EUR, ...body });
    return (Date.parse(data.hold.expiresAt) - Date.parse(data.hold.createdAt)) / MINUTE_MS;
  };
  t.equal(await lifeOf(), 30);
  t.equal(await lifeOf({ ttlMinutes: 5 }), 5);
  await setStore(store, { creditHoldMinutes: 90 });
  t.equal(await lifeOf(), 90);
  t.equal(await lifeOf({ ttlMinutes: 10_080 }), 10_080);
  for (const ttlMinutes of [0, 10_081, 1.5])
    t.equal((await credit('/holds', { amount: 1, ...EUR, ttlMinutes })).statusCode, 400);
});

t.test(
  'K6: a hold without a time of its own is the same command after the setting was changed (L7)',
  async (t) => {
    const store = await shop();
    await store.grant(100);
    const body = { amount: 10, reference: 'cart-1', ...EUR };
    const first = await store.credit('/holds', body);
    await setStore(store, { creditHoldMinutes: 90 });
    const again = await store.credit('/holds', body);
    t.same([again.statusCode, again.data.hold], [201, first.data.hold]);
  },
);

t.test('K6: an expired hold frees by time, to the millisecond, without any job', async (t) => {
  const store = await shop();
  const { grant, hold, available, capture, extend } = inTime(store);
  await grant(NOON, 100);
  const { hold: made } = await hold(NOON, 100, 10);
  const end = soon(NOON, 10 * MINUTE_MS);
  t.equal(await available(soon(end, -1)), 0);
  t.equal(await available(end), 100);
  const id = made?.id ?? '';
  t.equal(await codeOf(capture(end, id)), 'HOLD_EXPIRED');
  t.equal(await codeOf(extend(end, id, 10)), 'HOLD_EXPIRED');
  t.match(await store.call('GET', `/v1/customers/${store.id}/credit/holds/${id}`), {
    data: { status: 'open' },
  });
  t.equal((await capture(soon(end, -1), id)).account.available, 0, 'in time');
});

t.test('K6: capturing and voiding twice answers the same; one after the other is refused', async (t) => {
  const { credit, grant, storeId } = await shop();
  await grant(100);
  const hold = async (amount: number) => (await credit('/holds', { amount, ...EUR })).data.hold.id;
  const [first, second] = [await hold(40), await hold(30)];
  const captured = await credit(`/holds/${first}/capture`, { amount: 25 });
  for (const body of [{}, { amount: 25 }]) {
    const again = await credit(`/holds/${first}/capture`, body);
    t.equal(again.headers['idempotency-replayed'], 'true');
    t.same([again.statusCode, again.data], [200, captured.data]);
  }
  refusedWith(t, await credit(`/holds/${first}/capture`, { amount: 24 }), 409, 'HOLD_CAPTURED', {
    captured: 25,
  });
  refusedWith(t, await credit(`/holds/${first}/void`, {}), 409, 'HOLD_CAPTURED');
  refusedWith(t, await credit(`/holds/${first}/extend`, { ttlMinutes: 60 }), 409, 'HOLD_CAPTURED');
  const voided = await credit(`/holds/${second}/void`, {});
  t.match(voided.data, { hold: { status: 'voided', closedAt: /Z$/ }, account: { available: 75, held: 0 } });
  t.same((await credit(`/holds/${second}/void`, {})).data, voided.data);
  refusedWith(t, await credit(`/holds/${second}/capture`, {}), 409, 'HOLD_VOIDED');
  refusedWith(t, await credit(`/holds/${second}/extend`, { ttlMinutes: 60 }), 409, 'HOLD_VOIDED');
  refusedWith(t, await credit(`/holds/${await hold(10)}/capture`, { amount: 11 }), 409, 'HOLD_EXCEEDED', {
    held: 10,
  });
  refusedWith(t, await credit(`/holds/${randomUUID()}/capture`, {}), 404, 'NOT_FOUND');
  t.same(await ledgerFaults(database.owner, storeId), []);
});

t.test('K6: a hold is extended from now, never shortened, at most to 7 days after it was made', async (t) => {
  const { grant, hold, extend } = inTime(await shop());
  await grant(NOON, 100);
  const { hold: made } = await hold(NOON, 10, 30);
  const endOf = async (at: Date, minutes: number) =>
    (await extend(at, made?.id ?? '', minutes)).hold?.expiresAt;
  t.same(await endOf(soon(NOON, 10 * MINUTE_MS), 5), made?.expiresAt, 'never shortened');
  t.same(await endOf(soon(NOON, 20 * MINUTE_MS), 30), soon(NOON, 50 * MINUTE_MS));
  t.same(await endOf(soon(NOON, 40 * MINUTE_MS), 10_080 - 40), soon(NOON, 7 * DAY_MS));
  t.equal(await codeOf(extend(soon(NOON, 41 * MINUTE_MS), made?.id ?? '', 10_080 - 40)), 'HOLD_TOO_LONG');
});

t.test('L5, K6: what expires while it is held can be captured, but not held any longer', async (t) => {
  const { grant, hold, extend, capture, redeem, available } = inTime(await shop());
  await grant(NOON, 60, { expiresAt: soon(NOON, 5 * MINUTE_MS) });
  await grant(NOON, 40);
  const { hold: made } = await hold(NOON, 70, 30);
  const later = soon(NOON, 6 * MINUTE_MS);
  t.equal(await available(later), 30);
  t.equal(await codeOf(redeem(later, 31)), 'INSUFFICIENT_CREDIT');
  t.equal(await codeOf(extend(later, made?.id ?? '', 60)), 'HOLD_LOTS_EXPIRED');
  const { account } = await capture(later, made?.id ?? '', 50);
  t.match(account, { balance: 50, available: 40, held: 0, expired: 10 }, 'what is not captured has expired');
});

t.test('L5: credit counts up to its last millisecond, at checkout too', async (t) => {
  const end = soon(NOON, MINUTE_MS);
  for (const [ms, code] of [
    [-1, undefined],
    [0, 'INSUFFICIENT_CREDIT'],
    [1, 'INSUFFICIENT_CREDIT'],
  ] as const) {
    const { grant, redeem, hold, available } = inTime(await shop());
    await grant(NOON, 100, { expiresAt: end });
    t.equal(await available(soon(end, ms)), code ? 0 : 100, `${ms} ms`);
    t.equal(await codeOf(hold(soon(end, ms), 50)), code);
    t.equal(await codeOf(redeem(soon(end, ms), 50)), code);
  }
});

t.test(
  'L5: leap day, month end and the hour that summer time skips are instants like any other',
  async (t) => {
    for (const instant of [
      '2032-02-29T00:00:00.000Z',
      '2032-02-29T23:59:59.999Z',
      '2031-12-31T23:59:59.999Z',
      '2031-03-30T01:00:00.000Z',
      '2031-03-30T02:30:00.000+02:00',
      '2031-10-26T01:00:00.000Z',
    ]) {
      const { grant, redeem, available } = inTime(await shop());
      const end = new Date(instant);
      await grant(soon(end, -DAY_MS), 100, { expiresAt: end });
      t.equal(await available(soon(end, -1)), 100, instant);
      t.equal(await available(end), 0, instant);
      t.equal(await codeOf(redeem(end, 1)), 'INSUFFICIENT_CREDIT');
    }
  },
);

t.test('L4: what expires first is spent first, then what is older', async (t) => {
  const store = await shop();
  const { grant, redeem, available } = inTime(store);
  await grant(NOON, 10);
  await grant(NOON, 20, { expiresAt: soon(NOON, 2 * DAY_MS) });
  await grant(NOON, 40, { expiresAt: soon(NOON, DAY_MS) });
  await redeem(NOON, 45);
  t.equal(await available(soon(NOON, DAY_MS)), 25, 'nothing of the first to expire was left');
  t.equal(await available(soon(NOON, 2 * DAY_MS)), 10);
});

t.test(
  'the time of an account never goes back: a slower clock neither frees nor ends anything',
  async (t) => {
    const store = await shop();
    const { grant, hold, redeem, capture, available } = inTime(store);
    await grant(NOON, 100);
    t.equal(await available(soon(NOON, -50)), 100, 'what was granted can be spent by whoever heard of it');
    const { hold: made } = await hold(soon(NOON, -50), 100, 10);
    const end = soon(NOON, 10 * MINUTE_MS);
    t.equal(await codeOf(redeem(soon(end, 5), 100)), undefined, 'freed by time and spent');
    t.equal(
      await codeOf(capture(soon(end, -5), made?.id ?? '')),
      'HOLD_EXPIRED',
      'by a request that had to wait',
    );
    t.equal(await available(soon(end, -5)), 0);
    t.same(await ledgerFaults(database.owner, store.storeId, end), []);
  },
);

t.test('K7: a refund restores the very lots that paid, the last spent first', async (t) => {
  const store = await shop();
  const { grant, redeem, refund, available } = inTime(store);
  await grant(NOON, 40, { expiresAt: soon(NOON, DAY_MS) });
  await grant(NOON, 60);
  const { transfer } = await redeem(NOON, 100);
  t.match((await refund(NOON, transfer?.id, 70)).account, { available: 70 });
  t.equal(await available(soon(NOON, DAY_MS)), 60, 'the rest came back with its old end');
  t.equal(await codeOf(refund(NOON, transfer?.id, 31)), 'REFUND_EXCEEDS_CAPTURE');
  t.match((await refund(NOON, transfer?.id)).account, { available: 100 }, 'all that is left');
  t.equal(await codeOf(refund(NOON, transfer?.id)), 'REFUND_EXCEEDS_CAPTURE');
});

t.test('K7: what expired meanwhile comes back for the days of grace', async (t) => {
  const store = await shop({ creditGraceDays: 3 });
  const { grant, redeem, refund, available } = inTime(store);
  await grant(NOON, 40, { expiresAt: soon(NOON, DAY_MS) });
  await grant(NOON, 60);
  const { transfer } = await redeem(NOON, 100);
  const later = soon(NOON, 2 * DAY_MS);
  t.match((await refund(later, transfer?.id)).account, { balance: 100, available: 100 });
  t.equal(await available(soon(later, 3 * DAY_MS - 1)), 100);
  t.equal(await available(soon(later, 3 * DAY_MS)), 60);
  t.same(await ledgerFaults(database.owner, store.storeId, later), []);
});

t.test('K7: with breakage what expired meanwhile is given back to its lot and stays expired', async (t) => {
  const store = await shop({ creditExpiredRefunds: 'breakage' });
  const { grant, redeem, refund } = inTime(store);
  await grant(NOON, 40, { expiresAt: soon(NOON, DAY_MS) });
  await grant(NOON, 60);
  const { transfer } = await redeem(NOON, 100);
  const { account } = await refund(soon(NOON, 2 * DAY_MS), transfer?.id);
  t.match(account, { balance: 100, available: 60, expired: 40 });
  t.same(await ledgerFaults(database.owner, store.storeId, soon(NOON, 2 * DAY_MS)), []);
});

t.test('K7: expired credit that a refund brings pays no overdraft', async (t) => {
  const store = await shop({ creditExpiredRefunds: 'breakage', creditAllowNegative: true });
  const { grant, redeem, refund } = inTime(store);
  await grant(NOON, 100, { expiresAt: soon(NOON, DAY_MS) });
  const { transfer } = await redeem(NOON, 100);
  await grant(soon(NOON, DAY_MS), -30);
  const { account } = await refund(soon(NOON, 2 * DAY_MS), transfer?.id);
  t.match(account, { balance: 70, available: -30, expired: 100 });
  t.same(await ledgerFaults(database.owner, store.storeId, soon(NOON, 2 * DAY_MS)), []);
});

t.test(
  'K7: many partial refunds, some of them after an expiry, never give back more than was taken',
  async (t) => {
    const store = await shop();
    const { grant, redeem, refund } = inTime(store);
    await grant(NOON, 33, { expiresAt: soon(NOON, 3 * DAY_MS) });
    await grant(NOON, 67, { expiresAt: soon(NOON, 6 * DAY_MS) });
    const { transfer } = await redeem(NOON, 100);
    let returned = 0;
    for (let day = 0; day < 12; day++) {
      const code = await codeOf(refund(soon(NOON, day * DAY_MS), transfer?.id, 9));
      t.equal(code, day < 11 ? undefined : 'REFUND_EXCEEDS_CAPTURE');
      returned += code ? 0 : 9;
    }
    t.equal(returned, 99);
    t.same(await ledgerFaults(database.owner, store.storeId, soon(NOON, 12 * DAY_MS)), []);
  },
);

t.test('K7: only redemptions of the same customer are refunded', async (t) => {
  const store = await shop();
  const granted = await store.grant(100);
  refusedWith(
    t,
    await store.credit('/refunds', { transferId: granted.data.transfer.id }),
    422,
    'NOT_REFUNDABLE',
  );
  const spent = await store.credit('/redeem', { amount: 5, ...EUR });
  const other = await newShopper(store);
  const transferId = spent.data.transfer.id;
  refusedWith(t, await other.credit('/refunds', { transferId }), 404, 'NOT_FOUND');
  refusedWith(t, await store.credit('/refunds', { transferId: randomUUID() }), 404, 'NOT_FOUND');
  const { credit } = await shop();
  refusedWith(t, await credit('/refunds', { transferId }), 404, 'NOT_FOUND');
});

t.test('K8: nobody gets more than the limit of the currency; expired credit counts no more', async (t) => {
  const store = await shop({ creditLimits: [{ amount: HUGE, currency: 'EUR' }] });
  const { grant } = inTime(store);
  await grant(NOON, HUGE - 10, { expiresAt: soon(NOON, DAY_MS) });
  const tooMuch = await store.credit('', { amount: 11, reason: 'x', ...EUR });
  refusedWith(t, tooMuch, 409, 'CREDIT_LIMIT_EXCEEDED', { limit: HUGE, room: 10 });
  t.equal((await store.credit('', { amount: 10, reason: 'x', ...EUR })).statusCode, 201);
  t.equal(
    (await store.credit('', { amount: 2 * HUGE, reason: 'x', currency: 'USD' })).statusCode,
    201,
    'no limit',
  );
  const late = soon(NOON, DAY_MS);
  t.equal(await codeOf(grant(late, HUGE - 9)), 'CREDIT_LIMIT_EXCEEDED');
  t.equal(await codeOf(grant(late, HUGE - 10)), undefined, 'a late job takes no room');
});

t.test('K8: without a limit no balance grows beyond what can be counted exactly', async (t) => {
  const { credit, grant } = await shop();
  await grant(Number.MAX_SAFE_INTEGER);
  const one = await credit('', { amount: 1, reason: 'x', ...EUR });
  refusedWith(t, one, 409, 'CREDIT_LIMIT_EXCEEDED', { room: 0 });
  t.match((await credit('/redeem', { amount: Number.MAX_SAFE_INTEGER, ...EUR })).data, {
    account: { balance: 0 },
  });
});

t.test(
  'L7: a reference answers the first result; another body, customer or command is refused',
  async (t) => {
    const store = await shop();
    await store.grant(100);
    for (const [path, body, other] of [
      ['', { amount: 10, reason: 'x', expiresAt: '2100-01-01T00:00:00Z' }, { amount: 11 }],
      ['', { amount: -10, reason: 'x' }, { reason: 'y' }],
      ['/redeem', { amount: 10 }, { orderId: randomUUID() }],
      ['/holds', { amount: 10, ttlMinutes: 5 }, { ttlMinutes: 6 }],
    ] as const) {
      const reference = randomUUID();
      const said = { ...body, ...EUR, reference };
      const first = await store.credit(path, said);
      t.equal(first.statusCode, 201, first.body);
      await store.grant(1);
      const again = await store.credit(path, said);
      t.equal(again.headers['idempotency-replayed'], 'true');
      t.same([again.data.transfer, again.data.hold], [first.data.transfer, first.data.hold]);
      refusedWith(t, await store.credit(path, { ...said, ...other }), 409, 'REFERENCE_REUSED');
      refusedWith(t, await (await newShopperWith(store)).credit(path, said), 409, 'REFERENCE_REUSED');
    }
    const { data } = await store.credit('/redeem', { amount: 9, ...EUR });
    const refund = { transferId: data.transfer.id, amount: 3, reference: 'r-1' };
    const first = await store.credit('/refunds', refund);
    t.same((await store.credit('/refunds', refund)).data.transfer, first.data.transfer);
    refusedWith(t, await store.credit('/refunds', { ...refund, amount: 4 }), 409, 'REFERENCE_REUSED');
    refusedWith(
      t,
      await store.credit('/redeem', { amount: 3, reference: 'r-1', ...EUR }),
      409,
      'REFERENCE_REUSED',
    );
    t.same(await ledgerFaults(database.owner, store.storeId), []);
  },
);

async function newShopperWith(store: TestStore): Promise<Shopper> {
  const shopper = await newShopper(store);
  await shopper.grant(100);
  return shopper;
}

t.test('L7: a grant is repeated under its reference even after it has expired', async (t) => {
  const { grant } = inTime(await shop());
  const more = { expiresAt: soon(NOON, 1000), reference: 'g-1' };
  const first = await grant(NOON, 10, more);
  t.same((await grant(soon(NOON, 1000), 10, more)).transfer, first.transfer);
});

t.test('a key answers byte for byte what it answered first, also where a reference is known', async (t) => {
  const store = await shop();
  await store.grant(100);
  const key = randomUUID();
  const said = { amount: 10, reason: 'x', reference: 'g-1', ...EUR };
  const first = await store.credit('', said, key);
  await store.credit('/redeem', { amount: 50, ...EUR });
  const again = await store.credit('', said, key);
  t.equal(again.body, first.body);
  t.equal(again.headers['idempotency-replayed'], 'true');
  refusedWith(t, await store.credit('', { ...said, notify: true }, key), 422, 'IDEMPOTENCY_KEY_REUSED');
  const short = randomUUID();
  const refused = await store.credit('/redeem', { amount: 999, ...EUR }, short);
  refusedWith(t, refused, 409, 'INSUFFICIENT_CREDIT', { available: 60 });
  await store.grant(1000);
  const repeated = await store.credit('/redeem', { amount: 999, ...EUR }, short);
  refusedWith(t, repeated, 409, 'INSUFFICIENT_CREDIT', { available: 60 });
  t.equal(repeated.headers['idempotency-replayed'], 'true', 'a refusal, too');
});

t.test('every change asks for an Idempotency-Key', async (t) => {
  const store = await shop();
  const path = `/v1/customers/${store.id}/credit`;
  await store.grant(10);
  const { data } = await store.credit('/holds', { amount: 1, ...EUR });
  const hold = `/holds/${data.hold.id}`;
  for (const [tail, body] of [
    ['', { amount: 1, reason: 'x', ...EUR }],
    ['/redeem', { amount: 1, ...EUR }],
    ['/holds', { amount: 1, ...EUR }],
    [`${hold}/capture`, {}],
    [`${hold}/void`, {}],
    [`${hold}/extend`, { ttlMinutes: 5 }],
    ['/refunds', { transferId: randomUUID() }],
  ] as const)
    refusedWith(t, await store.call('POST', `${path}${tail}`, body), 400, 'IDEMPOTENCY_KEY_REQUIRED');
});

t.test('L10: a dry run answers what would happen, and stores nothing', async (t) => {
  const store = await shop();
  await store.grant(100);
  const spent = await store.credit('/redeem', { amount: 20, ...EUR });
  const { data } = await store.credit('/holds', { amount: 10, ...EUR });
  const hold = `/holds/${data.hold.id}`;
  const UNLIKE = [
    'id',
    'accountId',
    'hash',
    'reference',
    'createdAt',
    'closedAt',
    'expiresAt',
    'effectiveAt',
    'recordedAt',
    'transferId',
  ];
  const shown = (value: object) =>
    JSON.parse(JSON.stringify(value, (key, held) => (UNLIKE.includes(key) ? '' : held)));
  for (const [path, body] of [
    ['', { amount: 7, reason: 'x', notify: true, ...EUR }],
    ['', { amount: -7, reason: 'x', ...EUR }],
    ['/redeem', { amount: 7, ...EUR }],
    ['/holds', { amount: 7, ...EUR }],
    [`${hold}/extend`, { ttlMinutes: 60 }],
    [`${hold}/capture`, { amount: 4 }],
    ['/refunds', { transferId: spent.data.transfer.id, amount: 5 }],
    ['', { amount: 7, reason: 'x', currency: 'USD' }],
  ] as const) {
    const before = await countRows(database.owner, store.storeId);
    const rehearsed = await store.credit(path, { ...body, dryRun: true });
    t.same(await countRows(database.owner, store.storeId), before, `${path} stored nothing`);
    const done = await store.credit(path, body);
    t.equal(rehearsed.statusCode, done.statusCode);
    t.equal(rehearsed.data.dryRun, true);
    t.same(shown({ ...rehearsed.data, dryRun: false }), shown(done.data), path);
    t.notSame(await countRows(database.owner, store.storeId), before, `${path} stored something`);
  }
  refusedWith(
    t,
    await store.credit('/redeem', { amount: 999, dryRun: true, ...EUR }),
    409,
    'INSUFFICIENT_CREDIT',
  );
  refusedWith(t, await store.credit(`${hold}/void`, { dryRun: true }), 409, 'HOLD_CAPTURED');
});

t.test('values beyond 2^31 stay exact in every command', async (t) => {
  const { credit, grant, storeId } = await shop();
  await grant(HUGE + 1);
  await credit('/redeem', { amount: HUGE - 1, ...EUR });
  const held = await credit('/holds', { amount: 2, ...EUR });
  const captured = await credit(`/holds/${held.data.hold.id}/capture`, {});
  t.match(captured.data.account, { balance: 0 });
  const huge = await grant(9_007_199_254_740_990);
  t.equal(huge.data.account.balance, 9_007_199_254_740_990);
  t.same(await ledgerFaults(database.owner, storeId), []);
});

t.test('scopes: reading needs credit:read, changing credit:write', async (t) => {
  const reader = await testStore(app, database, { scopes: ['credit:read'] });
  const writer = await testStore(app, database, { scopes: ['credit:write'] });
  const path = (tail = '') => `/v1/customers/${randomUUID()}/credit${tail}`;
  const key = () => ({ 'idempotency-key': randomUUID() });
  const cart = { items: 1, shipping: 0, tax: 0, ...EUR };
  const grant = { amount: 1, reason: 'x', ...EUR };
  t.equal((await reader.call('GET', path())).statusCode, 404);
  t.equal((await reader.call('POST', path('/quote'), cart)).statusCode, 404);
  t.equal((await reader.call('POST', path(), grant, key())).statusCode, 403);
  t.equal((await reader.call('POST', path('/redeem'), { amount: 1, ...EUR }, key())).statusCode, 403);
  t.equal((await writer.call('POST', path(), grant, key())).statusCode, 404);
  t.equal((await writer.call('GET', path())).statusCode, 403);
});

t.test("another store's customer and holds answer 404", async (t) => {
  const [mine, theirs] = [await shop(), await shop()];
  await theirs.grant(10);
  const { data } = await theirs.credit('/holds', { amount: 1, ...EUR });
  const path = `/v1/customers/${theirs.id}/credit`;
  const key = { 'idempotency-key': randomUUID() };
  t.equal((await mine.call('GET', path)).statusCode, 404);
  t.equal((await mine.call('POST', path, { amount: 1, reason: 'x', ...EUR }, key)).statusCode, 404);
  t.equal((await mine.call('POST', `${path}/redeem`, { amount: 1, ...EUR }, key)).statusCode, 404);
  t.equal((await mine.call('POST', `${path}/holds/${data.hold.id}/void`, {}, key)).statusCode, 404);
  t.equal((await mine.credit(`/holds/${data.hold.id}/void`, {})).statusCode, 404);
  t.equal((await mine.call('GET', `/v1/customers/${mine.id}/credit/holds/${data.hold.id}`)).statusCode, 404);
});
