// The self-check of a store: a sound one passes, and each invariant that is broken by hand is named.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { checkInvariants, type Invariant } from '../../src/actions/invariants.ts';
import { newId } from '../../src/context.ts';
import { LEDGER_CHECKS } from '../../src/domain/ledger/self-check.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const check = async (store: TestStore) => {
  const { statusCode, data } = await store.call('GET', '/v1/ops/self-check');
  return { statusCode, ...data } as {
    statusCode: number;
    ok: boolean;
    complete: boolean;
    checks: Invariant[];
  };
};

const brokenOf = async (store: TestStore): Promise<Record<string, number>> => {
  const { ok, checks } = await check(store);
  const broken = checks.filter((invariant) => !invariant.ok);
  t.equal(ok, broken.length === 0);
  return Object.fromEntries(broken.map(({ name, count }) => [name, count]));
};

/** A customer with credit, an order and a mail that was sent. */
async function soundStore(): Promise<{ store: TestStore; customerId: string; messageId: string }> {
  const store = await testStore(app, database);
  const { data: customer } = await store.call('POST', '/v1/customers', {
    email: 'ada@example.com',
    accountStatus: 'active',
  });
  const key = () => ({ 'idempotency-key': newId() });
  await store.call(
    'POST',
    `/v1/customers/${customer.id}/credit`,
    { amount: 3_000_000_000, currency: 'EUR', reason: 'A large parcel' },
    key(),
  );
  await store.call('PUT', '/v1/orders/one', {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { id: customer.id },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
    total: 100,
  });
  const messageId = newId();
  await database.owner.query(`delete from messages where store_id = $1`, [store.storeId]);
  await database.owner.query(
    `insert into messages (store_id, id, customer_id, kind, class, status, data, attempts, created_at, sent_at)
     values ($1, $2, $3, 'direct', 'transactional', 'sent', '{}', 1, now(), now())`,
    [store.storeId, messageId, customer.id],
  );
  await database.owner.query(
    `insert into message_attempts (store_id, message_id, number, outcome, code, ended_at) values ($1, $2, 1, 'sent', 250, now())`,
    [store.storeId, messageId],
  );
  return { store, customerId: customer.id, messageId };
}

t.test('a sound store passes every check, and each says what must hold', async (t) => {
  const { store } = await soundStore();
  const { statusCode, ok, complete, checks } = await check(store);
  t.equal(statusCode, 200);
  t.same(
    checks.filter((invariant) => !invariant.ok),
    [],
  );
  t.ok(ok && complete);
  const names = checks.map(({ name }) => name);
  t.same(names, [
    ...LEDGER_CHECKS.map(({ name }) => name),
    'counters_equal_orders',
    'message_has_one_state',
    'work_goes_on',
    'other_stores_are_hidden',
    'no_idle_transaction',
  ]);
  t.match(checks.find(({ name }) => name === 'message_has_one_state')?.detail, '1 mails checked');
  t.match(checks.find(({ name }) => name === 'other_stores_are_hidden')?.detail, /[3-9]\d tables checked/);
});

t.test('L2 a balance that was edited is found by its entries and by its lots', async () => {
  const { store } = await soundStore();
  await database.owner.query('update ledger_accounts set balance = balance + 1 where store_id = $1', [
    store.storeId,
  ]);
  t.match(await brokenOf(store), { balance_equals_transfers: 1, balance_equals_lots: 1 });
});

t.test('C7 a counter that was edited is found', async () => {
  const { store } = await soundStore();
  await database.owner.query('update customers set total_spent = 5 where store_id = $1', [store.storeId]);
  t.same(await brokenOf(store), { counters_equal_orders: 1 });
});

t.test('M1 a mail in two states at once is found, whichever way it contradicts itself', async (t) => {
  for (const change of [
    `update messages set sent_at = null where store_id = $1`,
    `update messages set status = 'unknown' where store_id = $1`,
    `update messages set status = 'deferred', sent_at = null, send_after = now() + interval '1 day' where store_id = $1`,
    `update messages set attempts = 0 where store_id = $1`,
    `delete from message_attempts where store_id = $1`,
  ]) {
    const { store } = await soundStore();
    await database.owner.query(change, [store.storeId]);
    t.same(await brokenOf(store), { message_has_one_state: 1 }, change);
  }
});

t.test('a mail or a job that nobody works on is found, and one that waits its turn is not', async (t) => {
  const { store } = await soundStore();
  const mail = async (sendAfter: string) =>
    database.owner.query(
      `insert into messages (store_id, id, kind, class, status, to_email, data, created_at, send_after)
       values ($1, gen_random_uuid(), 'direct', 'transactional', 'pending', 'a@example.com', '{}', now(), now() + $2::interval)`,
      [store.storeId, sendAfter],
    );
  const job = async (status: string, aliveBefore: string) =>
    database.owner.query(
      `insert into jobs (store_id, id, kind, status, params, position, done, outcomes, dry_run, actor, attempts, created_at, alive_at)
       values ($1, gen_random_uuid(), 'bulk', $2, '{}', '{}', 0, '{}', false, 'staff:a', 0, now(), now() - $3::interval)`,
      [store.storeId, status, aliveBefore],
    );
  await mail('1 hour');
  await mail('-5 seconds');
  await job('queued', '2 seconds');
  t.same(await brokenOf(store), {}, 'they are young');
  await job('queued', '1 hour');
  t.same(await brokenOf(store), {}, 'others of its kind move');
  await job('running', '1 hour');
  t.same(await brokenOf(store), { work_goes_on: 1 });
  await mail('-1 hour');
  t.same(await brokenOf(store), { work_goes_on: 2 });
});

t.test('a wall between stores that is down is found', async () => {
  const { store } = await soundStore();
  await soundStore();
  await database.owner.query(
    `create policy broken on messages to clientele_app using (true);
     create policy broken on customers to clientele_app using (true)`,
  );
  const { checks } = await check(store);
  await database.owner.query('drop policy broken on messages; drop policy broken on customers');
  const wall = checks.find(({ name }) => name === 'other_stores_are_hidden');
  t.match(wall, { ok: false, count: 2, detail: /customers, messages/ });
  t.same(await brokenOf(store), {});
});

t.test('a transaction that somebody left open is found', async () => {
  const { store } = await soundStore();
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query('select 1');
  await sleep(5_500);
  const broken = await brokenOf(store);
  await client.query('rollback');
  client.release();
  t.same(broken, { no_idle_transaction: 1 });
  t.same(await brokenOf(store), {});
});

t.test('when the time is up it says that it did not look at everything', async (t) => {
  const { store } = await soundStore();
  await database.owner.query(
    `insert into messages (store_id, id, kind, class, status, data, created_at, sent_at)
     select $1, gen_random_uuid(), 'direct', 'transactional', 'sent', '{}', now(), now() from generate_series(1, 20001)`,
    [store.storeId],
  );
  const report = await checkInvariants(store.ctx(), { sweepIntervalMs: 5_000, budgetMs: 0 });
  t.equal(report.complete, false);
});
