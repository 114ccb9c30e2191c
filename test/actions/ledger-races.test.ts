// The ledger under parallel clients: two API processes on one Postgres, so that no queue within a process helps. After
// each race the books are checked in SQL.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { runJob, startJob } from '../../src/actions/jobs.ts';
import { ledgerExpirySlice } from '../../src/actions/ledger-expiry.ts';
import { transaction } from '../../src/db/connection.ts';
import { newShopper, type Shopper, setStore, shopperOf, tally } from '../support/credit.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { ledgerFaults } from '../support/ledger-invariants.ts';
import { type RemoteAnswer, remote } from '../support/remote.ts';
import { startApiProcess } from '../support/worker-process.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const env = {
  DATABASE_URL: database.url,
  APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
  DATABASE_POOL_SIZE: '20',
};
const processes = await Promise.all([startApiProcess(env), startApiProcess(env)]);
t.teardown(() => Promise.all(processes.map((one) => one.end('SIGKILL'))));

t.setTimeout(280_000);

const CLIENTS = 64;
const EUR = { currency: 'EUR' };

/** Sends all of it at once, by turns to one process and the other. */
const race = (count: number, send: (index: number) => Promise<RemoteAnswer>): Promise<RemoteAnswer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(index)));

interface Shop {
  store: TestStore;
  /** The same customer through one of the processes. */
  at(index: number, id?: string): Shopper;
  shopper: Shopper;
}

async function openShop(settings?: object): Promise<Shop> {
  const store = await testStore(app, database);
  if (settings) await setStore(store, settings);
  const shopper = await newShopper(store);
  const at = (index: number, id = shopper.id) => {
    const { url } = processes[index % processes.length] as (typeof processes)[number];
    return shopperOf(remote(url, store), id);
  };
  return { store, at, shopper };
}

async function checkBooks(
  t: Test,
  { store, shopper }: Shop,
): Promise<{ balance: number; available: number }> {
  t.same(await ledgerFaults(database.owner, store.storeId), [], 'the books are sound');
  const { data } = await store.call('GET', `/v1/customers/${shopper.id}/credit`);
  return data.data.find(({ unit }: { unit: string }) => unit === 'EUR');
}

const transfersOf = async ({ storeId }: TestStore, kind: string): Promise<number> =>
  (
    await database.owner.query<{ n: number }>(
      'select count(*)::int as n from transfers where store_id = $1 and kind = $2',
      [storeId, kind],
    )
  ).rows[0]?.n ?? 0;

t.test('L6: of 64 clients that spend one balance exactly the affordable ones succeed', async (t) => {
  const shop = await openShop();
  for (const amount of [100, 400, 500]) await shop.shopper.grant(amount);
  const answers = await race(CLIENTS, (index) => shop.at(index).credit('/redeem', { amount: 50, ...EUR }));
  t.same(tally(answers), { 201: 20, INSUFFICIENT_CREDIT: 44 });
  t.match(await checkBooks(t, shop), { balance: 0, available: 0 });
});

t.test('L6: amounts that do not fit evenly leave what nobody could afford, beyond 2^31 too', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(10_000_000_000);
  const answers = await race(CLIENTS, (index) =>
    shop.at(index).credit('/redeem', { amount: 300_000_000, ...EUR }),
  );
  t.same(tally(answers), { 201: 33, INSUFFICIENT_CREDIT: 31 });
  t.match(await checkBooks(t, shop), { available: 100_000_000 });
});

t.test('K6: two tabs at checkout hold one balance: one wins, in each of 20 rounds', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(700);
  for (let round = 0; round < 20; round++) {
    const answers = await race(2, (index) => shop.at(index).credit('/holds', { amount: 700, ...EUR }));
    t.same(tally(answers), { 201: 1, INSUFFICIENT_CREDIT: 1 });
    const { hold } = answers.find(({ statusCode }) => statusCode === 201)?.data ?? {};
    t.equal((await shop.shopper.credit(`/holds/${hold.id}/void`, {})).statusCode, 200);
  }
  t.match(await checkBooks(t, shop), { available: 700 });
});

t.test('K6: a hold in one tab and a spend in the other never take the same credit', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(1000);
  const answers = await race(CLIENTS, (index) =>
    shop.at(index).credit(index % 4 < 2 ? '/holds' : '/redeem', { amount: 100, ...EUR }),
  );
  t.same(tally(answers), { 201: 10, INSUFFICIENT_CREDIT: 54 });
  t.match(await checkBooks(t, shop), { available: 0 });
});

async function held(shop: Shop, amount: number): Promise<string> {
  const { data, statusCode, body } = await shop.shopper.credit('/holds', { amount, ...EUR });
  if (statusCode !== 201) throw new Error(body);
  return data.hold.id;
}

t.test('K6: 32 captures of one hold make one transfer, and all get the same answer', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(500);
  const id = await held(shop, 300);
  const answers = await race(32, (index) => shop.at(index).credit(`/holds/${id}/capture`, {}));
  t.same(tally(answers), { 200: 32 });
  t.equal(new Set(answers.map(({ data }) => data.transfer.id)).size, 1);
  t.equal(await transfersOf(shop.store, 'redemption'), 1);
  t.match(await checkBooks(t, shop), { available: 200 });
});

t.test('K6: captures of different amounts: the first counts, the others hear of it', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(500);
  const id = await held(shop, 300);
  const answers = await race(32, (index) =>
    shop.at(index).credit(`/holds/${id}/capture`, { amount: 100 + (index % 16) }),
  );
  const taken = answers.find(({ statusCode }) => statusCode === 200)?.data.hold.captured;
  t.same(tally(answers), { 200: 2, HOLD_CAPTURED: 30 });
  t.match(await checkBooks(t, shop), { available: 500 - taken });
});

t.test('K6: of capture and void one happens, in each of 20 rounds', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(20 * 10);
  let captured = 0;
  for (let round = 0; round < 20; round++) {
    const id = await held(shop, 10);
    const answers = await race(8, (index) =>
      shop.at(index).credit(`/holds/${id}/${index % 4 < 2 ? 'capture' : 'void'}`, {}),
    );
    const isCaptured = answers.some(({ data }) => data.hold?.status === 'captured');
    captured += isCaptured ? 1 : 0;
    t.same(tally(answers), isCaptured ? { 200: 4, HOLD_CAPTURED: 4 } : { 200: 4, HOLD_VOIDED: 4 });
  }
  t.comment(`${captured} of 20 captured`);
  t.match(await checkBooks(t, shop), { available: 200 - captured * 10 });
});

/** Sends requests over `ms`, evenly. */
const spread = (count: number, ms: number, send: (index: number) => Promise<RemoteAnswer>) =>
  race(count, async (index) => {
    await sleep((index * ms) / count);
    return send(index);
  });

t.test('K6, L6: captures race with the end of their hold and with spends of what it frees', async (t) => {
  for (let round = 0; round < 8; round++) {
    const shop = await openShop();
    await shop.shopper.grant(100);
    const id = await held(shop, 100);
    await database.owner.query(
      "update holds set expires_at = now() + interval '250 milliseconds' where id = $1",
      [id],
    );
    const started = spread(40, 120, (index) => shop.at(index).credit('/redeem', { amount: 100, ...EUR }));
    await sleep(200);
    const answers = await spread(40, 100, (index) =>
      index % 4 < 2 && round % 2
        ? shop.at(index).credit(`/holds/${id}/capture`, {})
        : shop.at(index).credit('/redeem', { amount: 100, ...EUR }),
    );
    const late = await shop.at(0).credit(`/holds/${id}/capture`, {});
    t.match(late.data, round % 2 ? {} : { code: 'HOLD_EXPIRED' });
    const codes = tally([...answers, ...(await started)]);
    for (const code of Object.keys(codes)) t.match(code, /^(200|201|INSUFFICIENT_CREDIT|HOLD_EXPIRED)$/);
    t.equal(await transfersOf(shop.store, 'redemption'), 1, `taken once: ${JSON.stringify(codes)}`);
    t.match(await checkBooks(t, shop), { balance: 0, available: 0, held: 0 });
  }
});

/** Books what has expired, as the nightly job does. */
async function bookExpired({ ctx }: TestStore): Promise<void> {
  const { id } = await transaction(ctx().db, (tx) =>
    startJob(ctx(), tx, { kind: 'ledger-expiry', params: {} }),
  );
  await runJob(ctx(), id, ledgerExpirySlice, new AbortController().signal);
}

t.test(
  'L5: spends, holds and the booking job race with the expiry of the lot: nobody gets anything afterwards',
  async (t) => {
    for (let round = 0; round < 5; round++) {
      const shop = await openShop();
      const expiresAt = new Date(Date.now() + 300);
      await shop.shopper.grant(10_000, { expiresAt: expiresAt.toISOString() });
      const booking = Promise.all(
        [250, 300, 310, 320, 350, 450].map((ms) => sleep(ms).then(() => bookExpired(shop.store))),
      );
      const answers = await spread(60, 500, (index) =>
        shop.at(index).credit(index % 4 < 2 ? '/holds' : '/redeem', { amount: 1, ...EUR }),
      );
      await booking;
      const codes = tally(answers);
      t.ok((codes[201] ?? 0) > 0 && (codes.INSUFFICIENT_CREDIT ?? 0) > 0, JSON.stringify(codes));
      t.same(Object.keys(codes).sort(), ['201', 'INSUFFICIENT_CREDIT']);
      const madeAt = answers.flatMap(({ data }) => data.transfer?.recordedAt ?? data.hold?.createdAt ?? []);
      t.ok(
        madeAt.every((at: string) => new Date(at) < expiresAt),
        'all before the end',
      );
      const account = await checkBooks(t, shop);
      t.match(account, { available: 0, expired: 0 }, 'all of it is booked that nobody holds');
      t.equal(await transfersOf(shop.store, 'expiry'), 1, 'once');
      const id = answers.find(({ data }) => data.hold)?.data.hold.id;
      const late = await shop.at(1).credit(`/holds/${id}/capture`, {});
      t.equal(late.statusCode, 200, 'what was held in time is captured in time');
      await checkBooks(t, shop);
    }
  },
);

t.test('K7: refunds race with refunds and spends: never more comes back than was captured', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(400);
  await shop.shopper.grant(600, { expiresAt: '2100-01-01T00:00:00Z' });
  const spent = await shop.shopper.credit('/redeem', { amount: 1000, ...EUR });
  const transferId = spent.data.transfer.id;
  const answers = await race(CLIENTS, (index) =>
    index % 4 === 3
      ? shop.at(index).credit('/redeem', { amount: 30, ...EUR })
      : shop.at(index).credit('/refunds', { transferId, amount: 70 }),
  );
  const refunds = answers.filter((_, index) => index % 4 !== 3);
  t.same(tally(refunds), { 201: 14, REFUND_EXCEEDS_CAPTURE: 34 });
  const spends = tally(answers.filter((_, index) => index % 4 === 3));
  t.match(await checkBooks(t, shop), { balance: 14 * 70 - 30 * (spends[201] ?? 0) });
});

t.test('L6: grants race with spends: each counts once', async (t) => {
  const shop = await openShop();
  const answers = await race(CLIENTS * 2, (index) =>
    index % 4 < 2
      ? shop.at(index).credit('', { amount: 10, reason: 'Race', ...EUR })
      : shop.at(index).credit('/redeem', { amount: 10, ...EUR }),
  );
  const grants = tally(answers.filter((_, index) => index % 4 < 2));
  const spends = tally(answers.filter((_, index) => index % 4 >= 2));
  t.same(grants, { 201: CLIENTS });
  t.same(
    Object.keys(spends).filter((code) => code !== '201' && code !== 'INSUFFICIENT_CREDIT'),
    [],
  );
  t.match(await checkBooks(t, shop), { balance: 10 * (CLIENTS - (spends[201] ?? 0)) });
});

t.test('L7: one reference from 32 clients is one transfer, and all get the same answer', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(1000);
  for (const [path, body] of [
    ['', { amount: 30, reason: 'Race', ...EUR }],
    ['', { amount: -30, reason: 'Race', ...EUR }],
    ['/redeem', { amount: 30, ...EUR }],
    ['/holds', { amount: 30, ...EUR }],
  ] as const) {
    const reference = randomUUID();
    const answers = await race(32, (index) => shop.at(index).credit(path, { ...body, reference }));
    t.same(tally(answers), { 201: 32 }, `${path} ${body.amount}`);
    t.equal(new Set(answers.map(({ data }) => (data.transfer ?? data.hold).id)).size, 1);
    const replays = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true');
    t.equal(replays.length, 31, 'all but one say that they are repeats');
    const other = await shop.at(0).credit(path, { ...body, amount: body.amount * 2, reference });
    t.match(other.data, { status: 409, code: 'REFERENCE_REUSED' });
  }
  t.match(await checkBooks(t, shop), { balance: 970, available: 940 });
});

t.test('L7: of commands under one reference one is carried out, of whichever customer', async (t) => {
  const shop = await openShop();
  const ids = await Promise.all(Array.from({ length: 8 }, async () => (await newShopper(shop.store)).id));
  const answers = await race(32, (index) =>
    shop.at(index, ids[index % 8]).credit('', { amount: 5, reason: 'Race', reference: 'once', ...EUR }),
  );
  t.same(tally(answers), { 201: 4, REFERENCE_REUSED: 28 });
  t.equal(await transfersOf(shop.store, 'grant'), 1);
  t.same(await ledgerFaults(database.owner, shop.store.storeId), []);
});

t.test('one Idempotency-Key from 32 clients is one transfer and one answer', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(1000);
  for (const [path, body, kind] of [
    ['', { amount: 30, reason: 'Race', ...EUR }, 'grant'],
    ['/redeem', { amount: 30, ...EUR }, 'redemption'],
  ] as const) {
    const before = await transfersOf(shop.store, kind);
    const key = randomUUID();
    const answers = await race(32, (index) => shop.at(index).credit(path, body, key));
    const { 201: done = 0, IDEMPOTENCY_IN_PROGRESS: waiting = 0 } = tally(answers);
    t.equal(done + waiting, 32, JSON.stringify(tally(answers)));
    const bodies = new Set(answers.filter(({ statusCode }) => statusCode === 201).map(({ body }) => body));
    t.equal(bodies.size, 1, 'the first answer is the answer');
    t.equal((await transfersOf(shop.store, kind)) - before, 1);
  }
  t.match(await checkBooks(t, shop), { balance: 1000 });
});

t.test('K3: first grants of 20 currencies at once open one account each', async (t) => {
  const shop = await openShop();
  const currencies = 'AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF INR JPY KRW MXN NOK NZD PLN SEK TRY USD'.split(
    ' ',
  );
  const answers = await race(currencies.length * 4, (index) =>
    shop.at(index).credit('', { amount: 7, reason: 'Race', currency: currencies[index >> 2] }),
  );
  t.same(tally(answers), { 201: 80 });
  await checkBooks(t, shop);
  const { data } = await shop.store.call('GET', `/v1/customers/${shop.shopper.id}/credit`);
  t.same(
    data.data.map(({ unit, balance }: { unit: string; balance: number }) => [unit, balance]),
    currencies.map((currency) => [currency, 28]),
  );
});

t.test('K8: parallel grants never go above the limit', async (t) => {
  const shop = await openShop({ creditLimits: [{ amount: 1000, currency: 'EUR' }] });
  const answers = await race(CLIENTS, (index) =>
    shop.at(index).credit('', { amount: 30, reason: 'Race', ...EUR }),
  );
  t.same(tally(answers), { 201: 33, CREDIT_LIMIT_EXCEEDED: 31 });
  t.match(await checkBooks(t, shop), { balance: 990 });
});

t.test('K9: spends race with the account being disabled: none succeeds once that is answered', async (t) => {
  const shop = await openShop();
  await shop.shopper.grant(1000);
  const disabling = sleep(20).then(() =>
    shop.store.call('PATCH', `/v1/customers/${shop.shopper.id}`, { accountStatus: 'disabled' }),
  );
  const answers = await race(CLIENTS, (index) => shop.at(index).credit('/redeem', { amount: 1, ...EUR }));
  t.equal((await disabling).statusCode, 200);
  const codes = tally(answers);
  t.same(
    Object.keys(codes).filter((code) => code !== '201' && code !== 'ACCOUNT_NOT_ACTIVE'),
    [],
  );
  t.match((await shop.at(1).credit('/redeem', { amount: 1, ...EUR })).data, { code: 'ACCOUNT_NOT_ACTIVE' });
  t.match(await checkBooks(t, shop), { balance: 1000 - (codes[201] ?? 0) });
});

t.test('all commands on three customers at once: no deadlock surfaces, the books stay sound', async (t) => {
  const shop = await openShop({ creditAllowNegative: true });
  const ids = [shop.shopper.id, (await newShopper(shop.store)).id, (await newShopper(shop.store)).id];
  const holds: string[][] = [[], [], []];
  const spends: string[][] = [[], [], []];
  const any = (list: readonly string[] = []) => list[Math.floor(Math.random() * list.length)] ?? randomUUID();
  const act = async (index: number): Promise<RemoteAnswer> => {
    const whose = index % 3;
    const { credit } = shop.at(Math.floor(Math.random() * 2), ids[whose]);
    const amount = 1 + Math.floor(Math.random() * 40);
    switch (Math.floor(Math.random() * 8)) {
      case 0:
      case 1:
        return credit('', { amount: amount * 2, reason: 'Race', ...EUR });
      case 2:
        return credit('', { amount: -amount, reason: 'Race', ...EUR });
      case 3:
        return credit(`/holds/${any(holds[whose])}/capture`, {});
      case 4:
        return credit(`/holds/${any(holds[whose])}/void`, {});
      case 5:
        return credit('/refunds', { transferId: any(spends[whose]), amount: 3 });
      case 6: {
        const answer = await credit('/holds', { amount, ...EUR });
        if (answer.data.hold) holds[whose]?.push(answer.data.hold.id);
        return answer;
      }
      default: {
        const answer = await credit('/redeem', { amount, ...EUR });
        if (answer.data.transfer) spends[whose]?.push(answer.data.transfer.id);
        return answer;
      }
    }
  };
  const answers = await race(24, async (index) => {
    let answer = await act(index);
    for (let turn = 0; turn < 25; turn++) {
      answer = await act(index);
      if (answer.statusCode >= 500 || answer.data?.code === 'CONFLICT') break;
    }
    return answer;
  });
  const bad = answers.filter(({ statusCode, data }) => statusCode >= 500 || data?.code === 'CONFLICT');
  t.same(
    bad.map(({ body }) => body),
    [],
  );
  const { rows } = await database.owner.query(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  t.comment(`deadlocks that Postgres saw in this file: ${rows[0].deadlocks}`);
  await checkBooks(t, shop);
});
