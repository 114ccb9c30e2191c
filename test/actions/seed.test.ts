// The demo store: through the same actions as everything else, the same each time.
import t from 'tap';
import { checkLedger, reportLiability } from '../../src/actions/ledger-reports.ts';
import { seedStore } from '../../src/actions/seed.ts';
import { checkCounters } from '../../src/actions/self-check.ts';
import { DEMO_SIZES, demoStore } from '../../src/domain/demo.ts';
import { checkOrder } from '../../src/domain/orders.ts';
import { wrongKeys } from '../support/derived-keys.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { pointsFaults } from '../support/loyalty-orders.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const SMALL = { customers: 40, orders: 120 };
const NOON = new Date('2026-03-14T12:00:00Z');

t.test('the demo data is the same for the same day, and adds up', async (t) => {
  const { customers, orders } = demoStore(NOON, 'EUR');
  t.strictSame({ customers: customers.length, orders: orders.length }, DEMO_SIZES);
  t.strictSame(demoStore(NOON, 'EUR').orders.at(-1), orders.at(-1));
  t.equal(new Set(customers.map(({ email }) => email)).size, customers.length, 'emails are unique');
  const wrong = orders.filter(({ order }) => checkOrder({ ...order, refunds: order.refunds ?? [] }));
  t.strictSame(wrong, []);
  const born = new Map(customers.map((customer) => [customer.externalId, customer.createdAt]));
  t.ok(
    orders.every(({ customerExternalId, order }) => order.placedAt >= (born.get(customerExternalId) ?? NOON)),
  );
  t.ok(orders.every(({ order }) => order.placedAt <= NOON));
});

t.test(
  'C7 a seeded store has customers with orders, tags, groups, addresses and right counters',
  async (t) => {
    const store = await testStore(app, database);
    t.strictSame(await seedStore(store.ctx(NOON), { sizes: SMALL }), SMALL);
    t.strictSame(await checkCounters(store.ctx(NOON)), []);
    const { rows } = await database.owner.query(
      `select (select count(*)::int from orders where store_id = $1) as orders,
            (select count(*)::int from customer_tags where store_id = $1) as tags,
            (select count(*)::int from tasks where store_id = $1) as tasks,
            (select count(*)::int from group_members where store_id = $1) as members,
            (select count(*)::int from customers c where store_id = $1 and orders_count > 0 and not exists
              (select from addresses a where a.store_id = c.store_id and a.customer_id = c.id and a.is_default)) as homeless`,
      [store.storeId],
    );
    t.match(rows[0], { orders: SMALL.orders, members: SMALL.customers, tasks: 3, homeless: 0 });
    t.ok(rows[0].tags > 0);
    t.same(await pointsFaults(database, store), []);
    const { rows: loyal } = await database.owner.query(
      `select (select count(*)::int from loyalty_members where store_id = $1 and tier is not null) as members,
            (select count(*)::int from loyalty_earnings where store_id = $1) as earnings,
            (select count(*)::int from ledger_accounts where store_id = $1 and unit = 'EUR' and balance > 0) as credit`,
      [store.storeId],
    );
    t.ok(
      loyal[0].members > 0 && loyal[0].earnings > 0 && loyal[0].credit > 0,
      'points and credit to look at',
    );
    t.same(await wrongKeys(database.owner, store.storeId), []);
    const { units } = await reportLiability(store.ctx(), new Date());
    t.same(units.map(({ unit }) => unit).sort(), ['EUR', 'points']);
    for (const { unit, outstanding, expired, overdrafts, reconciliation } of units) {
      t.equal(reconciliation.difference, 0, `the liability in ${unit} reconciles`);
      t.equal(outstanding + expired - overdrafts, reconciliation.entries, 'with the entries');
    }
    t.equal((await checkLedger(store.ctx())).ok, true, 'the ledger adds up');
  },
);

t.test('a store with customers is left alone; force adds what is missing, once', async (t) => {
  const store = await testStore(app, database);
  await store.call('POST', '/v1/customers', { email: 'first@example.com' });
  t.equal(await seedStore(store.ctx(NOON), { sizes: SMALL }), undefined);
  t.strictSame(await seedStore(store.ctx(NOON), { sizes: SMALL, force: true }), SMALL);
  t.strictSame(await seedStore(store.ctx(NOON), { sizes: SMALL, force: true }), { customers: 0, orders: 0 });
});
