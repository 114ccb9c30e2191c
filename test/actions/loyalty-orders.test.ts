// Points of orders in the orders' own transaction: known failures of other systems, random histories, races.
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { putProgramme } from '../../src/actions/loyalty-programme.ts';
import { ingestOrders, type OrderDelivery } from '../../src/actions/orders.ts';
import type { ProgrammeSettings } from '../../src/domain/loyalty/programme.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { delivery, minute, pointsFaults, pointsIn, programme } from '../support/loyalty-orders.ts';
import { item, refund } from '../support/order-examples.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

async function openShop(settings: Partial<ProgrammeSettings> = {}): Promise<TestStore> {
  const store = await testStore(app, database);
  await putProgramme(store.ctx(), programme(settings));
  return store;
}

const take = (store: TestStore, ...deliveries: OrderDelivery[]) => ingestOrders(store.ctx(), deliveries);
const pointsOf = (store: TestStore, email?: string) => pointsIn(database, store, email);
const rowsOf = async (store: TestStore, text: string) =>
  (await database.owner.query(text, [store.storeId])).rows;
const noFaults = async (t: Test, store: TestStore) =>
  t.same(await pointsFaults(database, store), [], 'the books agree');

t.test('P1 an order earns in its own transaction, with rule, version, formula and lines', async (t) => {
  const store = await openShop();
  await take(store, delivery('o1', { total: 12_345 }));
  t.match(await pointsOf(store), { balance: 123, earned: 123 });
  const [earning] = await rowsOf(store, 'select * from loyalty_earnings where store_id = $1');
  t.match(earning, {
    rule_id: 'purchase',
    programme_version: 1,
    points: '123',
    base: '12345',
    formula: 'floor(12345 × 1 / 100)',
    lines: [0],
  });
  const [transfer] = await rowsOf(store, "select * from transfers where store_id = $1 and kind = 'earn'");
  t.match(transfer, { counter_account: 'issued:order', effective_at: minute(0) });
  await noFaults(t, store);
});

t.test('O4 a store without a programme earns nothing and writes nothing', async (t) => {
  const store = await testStore(app, database);
  await take(store, delivery('o1'));
  t.same(await rowsOf(store, 'select id from ledger_accounts where store_id = $1'), []);
  t.same(await rowsOf(store, 'select customer_id from loyalty_members where store_id = $1'), []);
});

t.test('P2 replays, re-deliveries and stale deliveries earn nothing again', async (t) => {
  const store = await openShop();
  const first = delivery('o1');
  await take(store, first);
  await take(store, first, first);
  await take(store, delivery('o1', { minutes: 5, status: 'shipped' }));
  await take(store, delivery('o1', { minutes: 1 }));
  await take(store, delivery('o1', { minutes: 9, paymentMethod: 'invoice', status: 'shipped' }));
  t.match(await pointsOf(store), { balance: 100, earned: 100 });
  await noFaults(t, store);
});

t.test('P2 an order earns when it is confirmed, not when it is pending, test or cancelled', async (t) => {
  const store = await openShop();
  await take(
    store,
    delivery('o1', { status: 'pending' }),
    delivery('o2', { isTest: true }),
    delivery('o3', { status: 'cancelled' }),
  );
  t.match(await pointsOf(store), { balance: 0 });
  await take(store, delivery('o1', { status: 'confirmed', minutes: 1 }));
  t.match(await pointsOf(store), { balance: 100 });
});

t.test('P2 an order that counted before there was a programme never earns later', async (t) => {
  const store = await testStore(app, database);
  await take(store, delivery('o1'));
  await putProgramme(store.ctx(), programme());
  await take(store, delivery('o1', { minutes: 1, status: 'shipped' }));
  t.match(await pointsOf(store), { balance: 0 });
});

t.test('P1 shipping, tax, gift cards and what credit or points paid earn nothing', async (t) => {
  const store = await openShop();
  await take(
    store,
    delivery('o1', {
      items: [item({ unitPrice: 8000 }), item({ unitPrice: 2000, sku: 'gift', isGiftCard: true })],
      shipping: 500,
      tax: 1000,
      total: 11_500,
      creditPaid: 1150,
    }),
  );
  t.match(await pointsOf(store), { balance: 72 }, '90 % of 80.00');
  const refused = await take(store, delivery('o2', { creditPaid: 6000, pointsPaid: 4001 }));
  t.match(refused[0], { outcome: 'refused', problem: { code: 'ORDER_PAID_EXCEEDS_TOTAL' } });
  t.match(refused[0]?.problem?.errors[0], { pointer: '/pointsPaid' });
});

t.test('P6 a refund takes points back: they are not kept', async (t) => {
  const store = await openShop();
  await take(store, delivery('o1'));
  await take(store, delivery('o1', { minutes: 1, refunds: [refund('r1', 10_000)] }));
  t.match(await pointsOf(store), { balance: 0, earned: 0 });
  const [reversal] = await rowsOf(
    store,
    "select t.*, e.transfer_id as earned from transfers t join loyalty_earnings e on e.store_id = t.store_id where t.store_id = $1 and t.kind = 'reversal'",
  );
  t.equal(reversal.corrects_id, reversal.earned, 'the reversal names what it corrects');
  await noFaults(t, store);
});

t.test('P6 many partial refunds take what one full refund takes, never twice', async (t) => {
  const store = await openShop();
  await take(store, delivery('o1', { total: 9_999 }));
  t.match(await pointsOf(store), { balance: 99 });
  const refunds = [3_333, 1, 3_332, 3_333].map((amount, index) => refund(`r${index}`, amount));
  for (const [index] of refunds.entries()) {
    const change = delivery('o1', { total: 9_999, minutes: index + 1, refunds: refunds.slice(0, index + 1) });
    await take(store, change, change);
    await take(store, change);
  }
  t.match(await pointsOf(store), { balance: 0, earned: 0 });
  await noFaults(t, store);
});

t.test('P6 a cancelled order has earned nothing; cancelled while pending the points are gone', async (t) => {
  const store = await openShop({ pending: { basis: 'delivery', days: 0 } });
  await take(store, delivery('o1'));
  t.match(await pointsOf(store), { balance: 100, pending: 100 });
  await take(store, delivery('o1', { status: 'cancelled', minutes: 1 }));
  t.match(await pointsOf(store), { balance: 0, pending: 0, earned: 0 });
  await noFaults(t, store);
});

t.test('P6 an order that shrinks gives back, one that grows earns nothing more', async (t) => {
  const store = await openShop();
  await take(store, delivery('o1'));
  await take(store, delivery('o1', { total: 6_000, minutes: 1 }));
  t.match(await pointsOf(store), { balance: 60 });
  await take(store, delivery('o1', { total: 20_000, minutes: 2 }));
  t.match(await pointsOf(store), { balance: 60 });
  await take(store, delivery('o1', { total: 6_000, minutes: 3, refunds: [refund('r', 3_000)] }));
  t.match(await pointsOf(store), { balance: 30 });
  await noFaults(t, store);
});

t.test('P6 an order that moves takes its points along, back too', async (t) => {
  const store = await openShop();
  await take(store, delivery('o1'));
  await take(store, { ...delivery('o1', { email: 'bob@example.com', minutes: 1 }) });
  t.match(await pointsOf(store), { balance: 0, earned: 0 });
  t.match(await pointsOf(store, 'bob@example.com'), { balance: 100, earned: 100 });
  await take(store, delivery('o1', { minutes: 2 }));
  t.match(await pointsOf(store), { balance: 100, earned: 100 });
  t.match(await pointsOf(store, 'bob@example.com'), { balance: 0, earned: 0 });
  await noFaults(t, store);
});

t.test('P6 policies: only pending, within the balance, below zero', async (t) => {
  const spend = async (store: TestStore) => {
    const [row] = await rowsOf(store, 'select customer_id as id from loyalty_members where store_id = $1');
    const body = { amount: -80, reason: 'spent' };
    const headers = { 'idempotency-key': 'spend' };
    const answer = await store.call('POST', `/v1/customers/${row.id}/points`, body, headers);
    t.equal(answer.statusCode, 201);
  };
  for (const [reversal, balance] of [
    ['pending_only', 20],
    ['within_balance', 0],
    ['allow_negative', -80],
  ] as const) {
    const store = await openShop({ reversal });
    await take(store, delivery('o1'));
    await spend(store);
    await take(store, delivery('o1', { minutes: 1, refunds: [refund('r1', 10_000)] }));
    t.match(await pointsOf(store), { balance, earned: 0 }, reversal);
    await noFaults(t, store);
  }
});

t.test('P3 points that wait for the delivery count from then on', async (t) => {
  const store = await openShop({
    pending: { basis: 'delivery', days: 1 },
    expiry: { kind: 'rolling_months', months: 12, roundUp: 'none' },
  });
  await take(store, delivery('o1'), delivery('o2'));
  t.match(await pointsOf(store), { balance: 200, pending: 200 });
  await take(store, delivery('o1', { status: 'delivered', minutes: 10 }));
  t.match(await pointsOf(store), { balance: 200, pending: 100 });
  const dates = await rowsOf(
    store,
    'select active_from as "from", expires_at as until from lots where store_id = $1 order by active_from',
  );
  t.match(dates[0], {
    from: new Date('2026-01-02T00:10:00Z'),
    until: new Date('2027-01-02T23:00:00Z'),
  });
  t.same(dates[1].until, null);
  await take(store, delivery('o1', { status: 'completed', minutes: 20 }));
  const again = await rowsOf(store, 'select min(active_from) as "from" from lots where store_id = $1');
  t.same(again[0].from, new Date('2026-01-02T00:10:00Z'), 'the first delivery counts');
  await take(store, delivery('o2', { status: 'completed', minutes: 20 }), delivery('o3', { minutes: 1 }));
  await take(
    store,
    delivery('o3', { status: 'shipped', minutes: 2 }),
    delivery('o3', { status: 'delivered', minutes: 3 }),
  );
  t.match(await pointsOf(store), { balance: 300, pending: 0 });
});

t.test('P4 points that last while their owner is active last longer with each order', async (t) => {
  const store = await openShop({ expiry: { kind: 'inactivity_months', months: 6 } });
  const placed = (text: string) => ({ placedAt: new Date(text), platformUpdatedAt: new Date(text) });
  await take(store, delivery('o1', placed('2026-01-10T12:00:00Z')));
  await take(store, delivery('o2', placed('2026-05-10T12:00:00Z')));
  await take(store, delivery('o3', placed('2026-02-10T12:00:00Z')));
  const ends = await rowsOf(store, 'select distinct expires_at as until from lots where store_id = $1');
  t.same(ends, [{ until: new Date('2026-11-10T23:00:00Z') }], 'all last from the latest order on');
});

t.test('P10 members: at the first earning or explicitly; who left earns nothing', async (t) => {
  const explicit = await openShop({ enrolment: 'explicit' });
  await take(explicit, delivery('o1'));
  t.same(await rowsOf(explicit, 'select customer_id from loyalty_members where store_id = $1'), []);
  const [{ id }] = await rowsOf(explicit, 'select id from customers where store_id = $1');
  await explicit.call('POST', `/v1/customers/${id}/loyalty/enrol`);
  await take(explicit, delivery('o1', { minutes: 1, status: 'shipped' }), delivery('o2'));
  t.match(await pointsOf(explicit), { balance: 100 }, 'only what came after it');
  await explicit.call('POST', `/v1/customers/${id}/loyalty/leave`);
  await take(explicit, delivery('o3'));
  t.match(await pointsOf(explicit), { balance: 100 });
});

t.test('P1 a cap per day and customer holds within a batch and over batches', async (t) => {
  const rules: ProgrammeSettings['rules'] = [
    { id: 'purchase', kind: 'spend', points: 1, perAmount: 100, maxPerDay: 150, maxPerCustomer: 220 },
  ];
  const next = {
    placedAt: new Date('2026-01-05T10:00:00Z'),
    platformUpdatedAt: new Date('2026-01-05T10:00:00Z'),
  };
  const batch = [delivery('o1'), delivery('o2'), delivery('o3', next), delivery('o4', next)];
  const whole = await openShop({ rules });
  await take(whole, ...batch);
  const single = await openShop({ rules });
  for (const one of batch) await take(single, one);
  for (const store of [whole, single]) {
    t.match(await pointsOf(store), { balance: 220 });
    const points = await rowsOf(
      store,
      'select points::integer from loyalty_earnings where store_id = $1 order by id',
    );
    t.same(
      points.map((row) => row.points),
      [100, 50, 70],
    );
  }
});

t.test('P1 the multiplier of a segment that the customer is in', async (t) => {
  const rules: ProgrammeSettings['rules'] = [
    {
      id: 'purchase',
      kind: 'spend',
      points: 1,
      perAmount: 100,
      multipliers: [
        { kind: 'segment', key: 'regulars', factor: 3 },
        { kind: 'segment', key: 'nowhere', factor: 9 },
      ],
    },
  ];
  const store = await openShop({ rules });
  const made = await store.call('POST', '/v1/segments', {
    name: 'Regulars',
    slug: 'regulars',
    query: 'number_of_orders >= 2',
  });
  t.equal(made.statusCode, 201, made.body);
  await take(store, delivery('o1'));
  t.match(await pointsOf(store), { balance: 100 });
  await take(store, delivery('o2'));
  t.match(await pointsOf(store), { balance: 400 });
});

const TIERS: NonNullable<ProgrammeSettings['tiers']> = {
  basis: 'spend',
  window: 'lifetime',
  downgrade: 'none',
  graceDays: 0,
  levels: [['bronze', 0, 1] as const, ['silver', 15_000, 2] as const, ['gold', 40_000, 3] as const].map(
    ([key, threshold, multiplier]) => ({
      key,
      name: key,
      threshold,
      multiplier,
      earlyAccessHours: 0,
      freeShipping: false,
      label: null,
    }),
  ),
};

t.test(
  'P7 tiers rise at once, in a batch too, and the order keeps the tier it was placed with',
  async (t) => {
    const batch = [1, 2, 3, 4, 5].map((number) => delivery(`o${number}`));
    const whole = await openShop({ tiers: TIERS });
    await take(whole, ...batch);
    const single = await openShop({ tiers: TIERS });
    for (const one of batch) await take(single, one);
    for (const store of [whole, single]) {
      // 100 and 100 as bronze, then twice silver, then gold.
      t.match(await pointsOf(store), { balance: 100 + 100 + 200 + 200 + 300, tier: 'gold' });
      const told = await rowsOf(
        store,
        "select data->>'to' as tier from events where store_id = $1 and kind = 'tier.changed' order by id",
      );
      t.same(
        told.map(({ tier }) => tier),
        ['bronze', 'silver', 'gold'],
        'one event for each change',
      );
    }
    const { data } = await single.call('GET', '/v1/orders/o5');
    t.equal(data.snapshot.tier, 'gold', 'O7');
  },
);

t.test('P6 P7 a cancelled order lowers the value, not the tier before its period ends', async (t) => {
  const store = await openShop({ tiers: TIERS });
  await take(store, delivery('o1', { total: 20_000 }));
  t.match(await pointsOf(store), { tier: 'silver' });
  await take(store, delivery('o1', { total: 20_000, status: 'cancelled', minutes: 1 }));
  t.match(await pointsOf(store), { tier: 'silver', balance: 0 });
});

t.test('P1 a change of the programme changes nothing that was earned', async (t) => {
  const store = await openShop();
  await take(store, delivery('o1'));
  await putProgramme(
    store.ctx(),
    programme({ rules: [{ id: 'purchase', kind: 'spend', points: 10, perAmount: 100 }] }),
  );
  await take(store, delivery('o1', { minutes: 1, status: 'shipped' }), delivery('o2'));
  t.match(await pointsOf(store), { balance: 1100 });
  await take(store, delivery('o1', { minutes: 2, status: 'shipped', refunds: [refund('r', 5_000)] }));
  t.match(await pointsOf(store), { balance: 1050 });
});

t.test('O4 P2 64 batches at once: every order earns once', async (t) => {
  const store = await openShop({ tiers: TIERS });
  const batch = (writer: number) =>
    Array.from({ length: 12 }, (_, index) => {
      const number = (index * 5 + writer * 7) % 30;
      return delivery(`o${number}`, { email: `c${number % 6}@example.com`, minutes: writer % 4 });
    });
  await Promise.all(Array.from({ length: 64 }, (_, writer) => ingestOrders(store.ctx(), batch(writer))));
  const [sums] = await rowsOf(
    store,
    'select count(*)::integer as n, count(distinct order_id)::integer as orders from loyalty_earnings where store_id = $1',
  );
  t.same(sums, { n: 30, orders: 30 });
  await noFaults(t, store);
});

// Random histories against a naive oracle.

type Told = { order: number; status: string; refunded: number; total: number; minute: number; who: number };

const STATUSES = ['pending', 'confirmed', 'shipped', 'delivered', 'completed', 'cancelled'] as const;
const COUNTS = new Set<string>(['confirmed', 'shipped', 'delivered', 'completed']);

const told: fc.Arbitrary<Told> = fc.record({
  order: fc.integer({ min: 0, max: 3 }),
  status: fc.constantFrom(...STATUSES),
  refunded: fc.constantFrom(0, 0, 1, 1_250, 3_333, 9_999),
  total: fc.constantFrom(9_999, 9_999, 9_999, 5_000, 12_345),
  minute: fc.integer({ min: 0, max: 30 }),
  who: fc.constantFrom(0, 0, 0, 1),
});

const toDelivery = ({ order, status, refunded, total, minute: minutes, who }: Told): OrderDelivery =>
  delivery(`o${order}`, {
    email: `c${who}@example.com`,
    status: status as (typeof STATUSES)[number],
    total,
    minutes,
    refunds: refunded > 0 ? [refund('r', Math.min(refunded, total))] : [],
  });

interface Known {
  who: number;
  status: string;
  minute: number;
  /** Points given and taken back, of the present owner. */
  earned: number;
  base: number;
  back: number;
}

/** Tells one delivery after the other what a clerk would do by hand. */
function naivePoints(history: readonly Told[]): Map<number, number> {
  const orders = new Map<number, Known>();
  const points = new Map<number, number>();
  const give = (who: number, amount: number) => points.set(who, (points.get(who) ?? 0) + amount);
  for (const one of history) {
    const before = orders.get(one.order);
    const isStale = before !== undefined && one.minute < before.minute;
    const from = STATUSES.indexOf((before?.status ?? 'pending') as 'pending');
    const to = STATUSES.indexOf(one.status as 'pending');
    const isFinal = before?.status === 'completed' || before?.status === 'cancelled';
    if (isStale || (before && one.status !== before.status && (isFinal || to < from))) continue;
    const now: Known = before
      ? { ...before, who: one.who, status: one.status, minute: one.minute }
      : { who: one.who, status: one.status, minute: one.minute, earned: 0, base: 0, back: 0 };
    const moved = before !== undefined && before.who !== one.who;
    if (moved) {
      give(before.who, before.back - before.earned);
      Object.assign(now, { earned: 0, base: 0, back: 0 });
    }
    const counted = before !== undefined && !moved && COUNTS.has(before.status);
    if (COUNTS.has(one.status) && !counted && now.earned === now.back) {
      Object.assign(now, { earned: Math.floor(one.total / 100), base: one.total, back: 0 });
      give(one.who, now.earned);
    }
    const refunded = Math.min(one.refunded, one.total);
    const lost = Math.floor((now.earned * Math.max(0, now.base - one.total)) / (now.base || 1));
    const left = now.earned - lost;
    const due = COUNTS.has(one.status) ? lost + Math.floor((left * refunded) / one.total) : now.earned;
    if (due > now.back) {
      give(one.who, now.back - due);
      now.back = due;
    }
    orders.set(one.order, now);
  }
  return points;
}

t.test('P2 P6 random histories, cut into batches at random, end as a naive clerk would end', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(told, { minLength: 1, maxLength: 14 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
      async (history, sizes) => {
        const store = await openShop({ reversal: 'allow_negative' });
        const deliveries = history.map(toDelivery);
        while (deliveries.length > 0) await take(store, ...deliveries.splice(0, sizes.next().value));
        const expected = naivePoints(history);
        for (const who of [0, 1]) {
          const { balance, earned } = await pointsOf(store, `c${who}@example.com`);
          t.same({ balance, earned }, { balance: expected.get(who) ?? 0, earned: expected.get(who) ?? 0 });
        }
        const faults = await pointsFaults(database, store);
        t.same(faults, []);
        return faults.length === 0 && t.passing();
      },
    ),
    { numRuns: 60 },
  );
});
