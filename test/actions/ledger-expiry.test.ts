// The nightly booking of what has expired (L5): time has decided before, so the job may be late, doubled or killed.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { changeCredit, holdCredit, redeemCredit, refundCredit } from '../../src/actions/credit.ts';
import { runJob, startJob } from '../../src/actions/jobs.ts';
import { ledgerExpirySlice } from '../../src/actions/ledger-expiry.ts';
import { checkLedger } from '../../src/actions/ledger-reports.ts';
import type { Ctx } from '../../src/context.ts';
import { type Tx, transaction } from '../../src/db/connection.ts';
import { findJob } from '../../src/db/jobs.ts';
import { findLedgerAccount } from '../../src/db/ledger/accounts.ts';
import { balancesAt } from '../../src/domain/ledger/accounts.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const DAY_MS = 24 * 3600_000;
const MINUTE_MS = 60_000;
const NEVER = new AbortController().signal;

const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);

async function customerOf({ call }: TestStore): Promise<string> {
  const { data } = await call('POST', '/v1/customers', {
    email: `${randomUUID()}@example.com`,
    accountStatus: 'active',
  });
  return data.id;
}

const grantAt = (store: TestStore, id: string, at: Date, amount: number, expiresAt?: Date) =>
  changeCredit(store.ctx(at), id, {
    amount,
    currency: 'EUR',
    reason: 'test',
    ...(expiresAt && { expiresAt }),
  });

const queueJob = async (ctx: Ctx): Promise<string> =>
  (await transaction(ctx.db, (tx) => startJob(ctx, tx, { kind: 'ledger-expiry', params: {} }))).id;

async function expire(store: TestStore) {
  const id = await queueJob(store.ctx());
  await runJob(store.ctx(), id, ledgerExpirySlice, NEVER);
  return findJob(store.ctx().db, id);
}

const transfersOf = async ({ storeId }: TestStore) =>
  (
    await database.owner.query(
      `select t.kind, t.amount, t.reference, t.effective_at, t.recorded_at, t.counter_account, al.lot_id
       from transfers t left join allocations al on al.store_id = t.store_id and al.transfer_id = t.id
       where t.store_id = $1 and t.kind = 'expiry' order by t.account_id, t.seq`,
      [storeId],
    )
  ).rows.map((row) => ({ ...row, amount: Number(row.amount) }));

async function worth(store: TestStore, customerId: string, at = new Date()) {
  const account = await findLedgerAccount(store.ctx().db, { customerId, unit: 'EUR' });
  return account?.state && balancesAt(account.state, at);
}

async function isSound(store: TestStore): Promise<boolean> {
  return (await checkLedger(store.ctx())).ok;
}

t.test('L5 the job books each expired lot once to breakage, effective when it expired', async (t) => {
  const store = await testStore(app, database);
  const id = await customerOf(store);
  const [first, second] = [daysAgo(5), daysAgo(2)];
  await grantAt(store, id, daysAgo(30), 100, second);
  await grantAt(store, id, daysAgo(30), 3_000_000_000, first);
  await grantAt(store, id, daysAgo(30), 7);
  t.match(await worth(store, id), { available: 7, expired: 3_000_000_100 });
  const began = new Date();
  t.match(await expire(store), { status: 'completed', outcomes: { expired: 2, kept: 0 } });
  const booked = (
    await database.owner.query(
      `select amount, reference, counter_account, effective_at, recorded_at from transfers
       where store_id = $1 and kind = 'expiry' order by seq`,
      [store.storeId],
    )
  ).rows;
  t.match(booked, [
    { amount: '3000000000', counter_account: 'breakage', effective_at: first, reference: /^:expire:.*:1$/ },
    { amount: '100', effective_at: second },
  ]);
  t.ok(booked.every(({ recorded_at }) => recorded_at >= began));
  t.match(await worth(store, id), { balance: 7, available: 7, expired: 0 });
  t.match(await expire(store), { outcomes: { expired: 0 } });
  t.equal((await transfersOf(store)).length, 2, 'a second night finds nothing');
  const { rows } = await database.owner.query(
    "select data from events where store_id = $1 and customer_id = $2 and kind = 'credit.expired' order by id",
    [store.storeId, id],
  );
  t.match(rows, [{ data: { amount: 3_000_000_000 } }, { data: { amount: 100, balanceAfter: 7 } }]);
  t.ok(await isSound(store));
});

t.test('L5 a worker that is a week late changes nothing for anybody', async (t) => {
  const store = await testStore(app, database);
  const id = await customerOf(store);
  const expiresAt = daysAgo(7);
  await grantAt(store, id, daysAgo(30), 500, expiresAt);
  await grantAt(store, id, daysAgo(30), 40);
  const before = new Date(expiresAt.getTime() - 1);
  t.match(await worth(store, id, before), { available: 540 }, 'the millisecond before');
  t.match(await worth(store, id, expiresAt), { available: 40, expired: 500 }, 'to the millisecond');
  const spend = (amount: number) => redeemCredit(store.ctx(), id, { amount, currency: 'EUR' });
  await t.rejects(spend(41), { code: 'INSUFFICIENT_CREDIT', facts: { available: 40 } });
  await spend(10);
  await expire(store);
  t.match(await worth(store, id), { available: 30, expired: 0, balance: 30 });
  await t.rejects(spend(31), { code: 'INSUFFICIENT_CREDIT', facts: { available: 30 } });
  t.match(await transfersOf(store), [{ amount: 500, effective_at: expiresAt }]);
});

t.test('L5 K6 what a live hold reserves is booked only after the hold ran out', async (t) => {
  const store = await testStore(app, database);
  const id = await customerOf(store);
  const granted = new Date(Date.now() - 10 * MINUTE_MS);
  const expiresAt = new Date(Date.now() - 5 * MINUTE_MS);
  await grantAt(store, id, granted, 100, expiresAt);
  const { hold } = await holdCredit(store.ctx(granted), id, { amount: 60, currency: 'EUR', ttlMinutes: 30 });
  t.match(await expire(store), { outcomes: { expired: 1, kept: 0 } });
  t.match(await worth(store, id), { held: 60, expired: 0, balance: 60 });
  t.match(await expire(store), { outcomes: { expired: 0, kept: 1 } });
  await database.owner.query('update holds set expires_at = now() where id = $1', [hold?.id]);
  t.match(await expire(store), { outcomes: { expired: 1, kept: 0 } });
  const booked = await transfersOf(store);
  t.match(booked, [{ amount: 40 }, { amount: 60 }]);
  t.equal(booked[0].lot_id, booked[1].lot_id);
  t.match(booked, [{ reference: /:1$/ }, { reference: /:2$/ }]);
  t.match(await worth(store, id), { balance: 0 });
  t.ok(await isSound(store));
});

t.test('K7 L5 a lot that came back after its expiry is booked again, not before it came back', async (t) => {
  const store = await testStore(app, database);
  await store.call('PATCH', '/v1/store', { creditExpiredRefunds: 'breakage' });
  const id = await customerOf(store);
  await grantAt(store, id, daysAgo(10), 100, daysAgo(5));
  const spent = await redeemCredit(store.ctx(daysAgo(8)), id, { amount: 70, currency: 'EUR' });
  await expire(store);
  const transferId = spent.transfer?.id ?? '';
  const returnedAt = new Date();
  await refundCredit(store.ctx(returnedAt), id, { transferId, amount: 20 });
  t.match(await worth(store, id), { expired: 20, available: 0 });
  await expire(store);
  await refundCredit(store.ctx(), id, { transferId, amount: 50 });
  await expire(store);
  const booked = await transfersOf(store);
  t.match(booked, [
    { amount: 30, reference: /:1$/ },
    { amount: 20, reference: /:2$/ },
    { amount: 50, reference: /:3$/ },
  ]);
  t.ok(booked[1].effective_at >= returnedAt, 'no balance of the past goes below zero');
  t.match(await worth(store, id), { balance: 0 });
  t.ok(await isSound(store));
});

/** Many customers with one expired lot each, and one that is not. */
async function fill(store: TestStore, count: number): Promise<void> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await customerOf(store));
  for (const id of ids) {
    await grantAt(store, id, daysAgo(20), 10, daysAgo(1 + (Number.parseInt(id.slice(-4), 16) % 10)));
    await grantAt(store, id, daysAgo(20), 5);
  }
}

t.test('L5 two jobs at once and spends beside them: nothing is booked twice, nothing is lost', async (t) => {
  const store = await testStore(app, database);
  await fill(store, 60);
  const { rows: customers } = await database.owner.query('select id from customers where store_id = $1', [
    store.storeId,
  ]);
  const jobs = await Promise.all([queueJob(store.ctx()), queueJob(store.ctx()), queueJob(store.ctx())]);
  await Promise.all([
    ...jobs.flatMap((id) => [
      runJob(store.ctx(), id, ledgerExpirySlice, NEVER),
      runJob(store.ctx(), id, ledgerExpirySlice, NEVER),
    ]),
    ...customers.map(({ id }) => redeemCredit(store.ctx(), id, { amount: 2, currency: 'EUR' })),
  ]);
  t.equal((await transfersOf(store)).length, 60);
  const { rows } = await database.owner.query(
    'select sum(balance)::int as total, min(balance)::int as least from ledger_accounts where store_id = $1',
    [store.storeId],
  );
  t.same(rows, [{ total: 180, least: 3 }]);
  t.ok(await isSound(store));
});

t.test('L5 a slice that dies before its end leaves nothing, and the job goes on from there', async (t) => {
  const store = await testStore(app, database);
  const id = await customerOf(store);
  const lots = 1_100;
  const at = daysAgo(20);
  await Promise.all(Array.from({ length: 4 }, () => grantAt(store, id, at, 1, daysAgo(2))));
  // 1,100 lots are three slices; written as one grant each would take long.
  await database.owner.query(
    `with t as (
       insert into transfers (store_id, id, account_id, seq, unit, kind, is_credit, counter_account, amount, balance_after,
         effective_at, recorded_at, reference, hash)
       select store_id, gen_random_uuid(), id, 4 + n, unit, 'grant', true, 'issued:grant', 1, 4 + n, $2, $2,
         'fill ' || n, hash
       from ledger_accounts, generate_series(1, $3) n where store_id = $1 returning store_id, id, account_id, seq)
     insert into lots (store_id, account_id, id, transfer_id, amount, remaining, is_open, active_from, expires_at, created_at)
     select store_id, account_id, gen_random_uuid(), id, 1, 1, true, $2, $4::timestamptz - seq * interval '1 second', $2
     from t`,
    [store.storeId, at, lots - 4, daysAgo(1)],
  );
  await database.owner.query(
    'update ledger_accounts set seq = $2::int, balance = $2::int where store_id = $1',
    [store.storeId, lots],
  );
  const jobId = await queueJob(store.ctx());
  let slices = 0;
  const dying = async (ctx: Ctx, tx: Tx, job: Parameters<typeof ledgerExpirySlice>[2]) => {
    const result = await ledgerExpirySlice(ctx, tx, job);
    slices++;
    if (slices === 2) throw new Error('killed before COMMIT');
    return result;
  };
  await t.rejects(runJob(store.ctx(), jobId, dying, NEVER), /killed/);
  t.match(await findJob(store.ctx().db, jobId), { status: 'running', done: 500 });
  t.equal((await transfersOf(store)).length, 500);
  t.equal(await runJob(store.ctx(), jobId, ledgerExpirySlice, NEVER), 'ended');
  t.match(await findJob(store.ctx().db, jobId), {
    status: 'completed',
    done: lots,
    outcomes: { expired: lots },
  });
  t.equal((await transfersOf(store)).length, lots);
  t.match(await worth(store, id), { balance: 0 });
  t.ok(await isSound(store));
});

t.test('L5 expired lots are found by their index', async (t) => {
  const store = await testStore(app, database);
  const plan = await transaction(store.ctx().db, (tx) =>
    tx.use(async ({ client }) => {
      // The table is too small here for the planner to need an index.
      await client.query(
        'set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off',
      );
      const { rows } = await client.query(
        `explain select expires_at, account_id, id from lots
         where store_id = $1 and is_open and expires_at <= now()
           and (expires_at, account_id, id) > ('2026-01-01', $1, $1)
         order by expires_at, account_id, id limit 500`.replaceAll('$1', `'${store.storeId}'`),
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    }),
  );
  t.match(plan, /lots_open_by_expiry/);
});

t.test('the job of one store leaves another store alone', async (t) => {
  const [one, other] = [await testStore(app, database), await testStore(app, database)];
  const [a, b] = [await customerOf(one), await customerOf(other)];
  await grantAt(one, a, daysAgo(5), 10, daysAgo(1));
  await grantAt(other, b, daysAgo(5), 20, daysAgo(1));
  await expire(one);
  t.match(await worth(other, b), { expired: 20 });
});
