// Orders under load: many writers at once, replays, moves. Counters must be what the orders say, whatever happened.
import fc from 'fast-check';
import t from 'tap';
import { runJob } from '../../src/actions/jobs.ts';
import { ingestOrders, type OrderDelivery, putOrder } from '../../src/actions/orders.ts';
import {
  checkCounters,
  repairCounters,
  selfCheckSlice,
  startSelfCheck,
} from '../../src/actions/self-check.ts';
import { findJob } from '../../src/db/jobs.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { incoming, item } from '../support/order-examples.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const openStore = () => testStore(app, database);

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

function delivery(
  externalId: string,
  email: string | null,
  changes: Partial<OrderDelivery['order']> = {},
  customer = {},
): OrderDelivery {
  return { externalId, customer, order: incoming({ email, shippingAddress: null, ...changes }) };
}

const priced = (total: number) => ({ items: [item({ unitPrice: total })], total });

const rowsOf = async (text: string, store: TestStore) =>
  (await database.owner.query(text, [store.storeId])).rows;
const countOf = async (table: string, store: TestStore): Promise<number> =>
  (await rowsOf(`select count(*)::integer as n from ${table} where store_id = $1`, store))[0].n;

/** The counters as plain SQL counts them, written a second time and differently from the code under test. */
const MISCOUNTED = `
  select c.id from customers c left join lateral (
    select count(*) as n, sum(case when o.currency = 'EUR' then o.total - o.refunded_total else 0 end) as spent,
      sum(case when o.currency = 'EUR' then o.refunded_total else 0 end) as refunded,
      min(o.placed_at) as first, max(o.placed_at) as last
    from orders o where o.customer_id = c.id and not o.is_test and o.status not in ('pending', 'cancelled')) k on true
  where c.store_id = $1 and (c.orders_count <> k.n or c.total_spent <> coalesce(k.spent, 0)
    or c.refunded_total <> coalesce(k.refunded, 0) or c.first_order_at is distinct from k.first
    or c.last_order_at is distinct from k.last or (k.n > 0 and not exists (
      select from orders o where o.id = c.last_order_id and o.customer_id = c.id and o.placed_at = k.last)))`;

t.test(
  'O4 64 batches at once over few new customers: no deadlock, each customer and each order once',
  async (t) => {
    const store = await openStore();
    const batch = (writer: number) =>
      Array.from({ length: 40 }, (_, index) => {
        const number = (index * 7 + writer * 13) % 80;
        return delivery(`o${number}`, `c${number % 9}@example.com`, {
          ...priced(3_000_000_000 + number),
          platformUpdatedAt: at(writer % 3),
        });
      });
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, writer) => ingestOrders(store.ctx(), batch(writer))),
    );
    const outcomes = results.flat().map((result) => result.outcome);
    t.equal(outcomes.filter((outcome) => outcome === 'created').length, 80);
    t.notOk(outcomes.includes('refused'));
    t.equal(await countOf('customers', store), 9);
    t.equal(await countOf('orders', store), 80);
    t.equal(await countOf('order_items', store), 80);
    t.same(await rowsOf(MISCOUNTED, store), []);
    t.equal(
      (
        await rowsOf(
          "select count(*)::integer as n from events where store_id = $1 and kind = 'order.placed'",
          store,
        )
      )[0].n,
      80,
    );
    t.equal(
      (
        await rowsOf(
          "select count(*)::integer as n from events where store_id = $1 and kind = 'customer.created'",
          store,
        )
      )[0].n,
      9,
    );
  },
);

t.test(
  'C3 the same new order under different customers at once: one order, nobody counts it twice',
  async (t) => {
    const store = await openStore();
    await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        putOrder(store.ctx(), delivery('same', `c${index % 6}@example.com`)),
      ),
    );
    t.equal(await countOf('orders', store), 1);
    t.same(await rowsOf(MISCOUNTED, store), []);
    t.equal(
      (await rowsOf('select sum(orders_count)::integer as n from customers where store_id = $1', store))[0].n,
      1,
    );
  },
);

t.test('C3 guests by externalId and by email at once, crosswise: never two of one identity', async (t) => {
  const store = await openStore();
  const numbers = Array.from({ length: 30 }, (_, index) => index);
  await Promise.all(
    numbers.map((writer) =>
      ingestOrders(
        store.ctx(),
        [0, 1, 2, 3].map((index) => {
          const who = (writer + (writer % 2 ? index : 3 - index)) % 5;
          return delivery(
            `o${writer}-${index}`,
            `c${who}@example.com`,
            {},
            writer % 3 ? { externalId: `x${who}` } : {},
          );
        }),
      ),
    ),
  );
  t.equal(await countOf('customers', store), 5);
  t.equal(await countOf('orders', store), 120);
  t.same(await rowsOf(MISCOUNTED, store), []);
});

t.test('a customer who is created and orders at once is one customer', async (t) => {
  const store = await openStore();
  await Promise.all([
    ...Array.from({ length: 10 }, (_, index) =>
      putOrder(store.ctx(), delivery(`o${index}`, 'ada@example.com')),
    ),
    ...Array.from({ length: 10 }, () => store.call('POST', '/v1/customers', { email: 'ADA@example.com' })),
  ]);
  t.equal(await countOf('customers', store), 1);
  t.same(await rowsOf(MISCOUNTED, store), []);
});

t.test('refused orders make no guests and leave no events', async (t) => {
  const store = await openStore();
  const events = await countOf('events', store);
  const results = await ingestOrders(store.ctx(), [
    delivery('1', 'a@example.com', { total: 1 }),
    delivery('2', 'b@example.com', { currency: 'XXX' }),
    delivery('3', null),
  ]);
  t.same(
    results.map((result) => result.problem?.code),
    ['ORDER_TOTAL_MISMATCH', 'CURRENCY_UNKNOWN', 'CUSTOMER_NEEDS_IDENTITY'],
  );
  t.equal(await countOf('customers', store), 0);
  t.equal(await countOf('events', store), events);
});

t.test('a stale delivery under another email makes no guest', async (t) => {
  const store = await openStore();
  await putOrder(store.ctx(), delivery('1', 'a@example.com', { platformUpdatedAt: at(5) }));
  const [result] = await ingestOrders(store.ctx(), [
    delivery('1', 'b@example.com', { platformUpdatedAt: at(4) }),
  ]);
  t.equal(result?.outcome, 'ignored');
  t.equal(await countOf('customers', store), 1);
});

const step = fc.record({
  order: fc.integer({ min: 0, max: 5 }),
  customer: fc.integer({ min: 0, max: 2 }),
  status: fc.constantFrom(
    'pending',
    'confirmed',
    'processing',
    'shipped',
    'completed',
    'cancelled',
    'refunded',
    'partially_refunded',
  ),
  placed: fc.integer({ min: 0, max: 4 }),
  stamp: fc.integer({ min: 0, max: 30 }),
  total: fc.constantFrom(0, 1, 1000, 5_000_000_000),
  refunded: fc.constantFrom(0, 1, 1000, 5_000_000_000),
  currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'USD'),
  isTest: fc.constantFrom(false, false, false, true),
  named: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const minute = (value: number) => `2026-01-01T00:${String(value).padStart(2, '0')}:00Z`;

const bodyOf = (change: Step) => ({
  status: change.status,
  currency: change.currency,
  placedAt: minute(change.placed),
  updatedAt: minute(change.stamp),
  email: `c${change.customer}@example.com`,
  ...(change.named && { customer: { externalId: `x${change.customer}` } }),
  items: [{ title: 'x', quantity: 1, unitPrice: change.total }],
  total: change.total,
  isTest: change.isTest,
  ...(change.refunded > 0 && { refunds: [{ id: 'r', amount: change.refunded, at: minute(1) }] }),
});

t.test(
  'C7 any sequence of upserts, refunds, cancels and moves leaves the counters that the orders say',
  async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        async (batches) => {
          const store = await openStore();
          for (const [index, batch] of batches.entries()) {
            if (index % 3 === 2 && batch[0]) {
              const { statusCode } = await store.call(
                'PUT',
                `/v1/orders/o${batch[0].order}`,
                bodyOf(batch[0]),
              );
              if (statusCode >= 500) throw new Error('failed');
            } else {
              const orders = batch.map((change) => ({ externalId: `o${change.order}`, ...bodyOf(change) }));
              const { statusCode } = await store.call('POST', '/v1/orders/batch', { orders });
              if (statusCode !== 200) throw new Error('failed');
            }
            const wrong = await rowsOf(MISCOUNTED, store);
            if (wrong.length > 0) throw new Error(`counters are wrong after batch ${index}`);
          }
          return (await checkCounters(store.ctx())).length === 0;
        },
      ),
      { numRuns: 60 },
    );
    t.pass();
  },
);

t.test(
  'C7 the check finds each wrong counter and changes nothing; the repair mends and tells it',
  async (t) => {
    const store = await openStore();
    await ingestOrders(
      store.ctx(),
      Array.from({ length: 30 }, (_, index) => delivery(`o${index}`, `c${index % 10}@example.com`)),
    );
    t.same(await checkCounters(store.ctx()), []);
    const [spent, dated] = await rowsOf(
      'select id, total_spent as "totalSpent" from customers where store_id = $1 order by id limit 2',
      store,
    );
    await database.owner.query('update customers set total_spent = total_spent + 7 where id = $1', [
      spent.id,
    ]);
    await database.owner.query('update customers set first_order_at = null, orders_count = 4 where id = $1', [
      dated.id,
    ]);
    const expected = [
      { customerId: spent.id, field: 'totalSpent', stored: 3007, expected: 3000 },
      { customerId: dated.id, field: 'ordersCount', stored: 4, expected: 3 },
      {
        customerId: dated.id,
        field: 'firstOrderAt',
        stored: null,
        expected: new Date('2026-01-01T10:00:00Z'),
      },
    ];
    t.same(await checkCounters(store.ctx()), expected);
    const { id } = await startSelfCheck(store.ctx());
    t.equal(await runJob(store.ctx(), id, selfCheckSlice, new AbortController().signal), 'ended');
    t.match(await findJob(store.ctx().db, id), {
      status: 'completed',
      outcomes: { checked: 10, drifted: 2 },
    });
    t.equal(
      (await rowsOf("select 1 from events where store_id = $1 and kind = 'customer.counters_drifted'", store))
        .length,
      2,
    );
    t.same(await checkCounters(store.ctx()), expected, 'checking changed nothing');
    t.same(await repairCounters(store.ctx()), expected);
    t.same(await checkCounters(store.ctx()), []);
    t.same(await rowsOf(MISCOUNTED, store), []);
    t.equal(
      (
        await rowsOf(
          "select 1 from events where store_id = $1 and kind = 'customer.counters_repaired'",
          store,
        )
      ).length,
      2,
    );
  },
);

t.test(
  "C7 a check in the middle of orders sees no drift, and another store's customers are not its own",
  async (t) => {
    const [store, other] = [await openStore(), await openStore()];
    await putOrder(other.ctx(), delivery('1', 'a@example.com'));
    await database.owner.query('update customers set total_spent = 1 where store_id = $1', [other.storeId]);
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ingestOrders(store.ctx(), [delivery(`o${index}`, `c${index % 3}@example.com`)]),
      ),
    );
    for (let round = 0; round < 10; round++) t.same(await checkCounters(store.ctx()), []);
    await writing;
  },
);
