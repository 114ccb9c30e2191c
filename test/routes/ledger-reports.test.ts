// Liability and self-check over HTTP: the sums reconcile, and whatever is broken by SQL is named.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { runJob, startJob } from '../../src/actions/jobs.ts';
import { selfCheckSlice } from '../../src/actions/self-check.ts';
import { transaction } from '../../src/db/connection.ts';
import { findJob } from '../../src/db/jobs.ts';
import { type Answer, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const DAY_MS = 24 * 3600_000;
const BIG = 3_000_000_000;

async function shop(options: Parameters<typeof testStore>[2] = {}) {
  const store = await testStore(app, database, options);
  const settle = async (made: Promise<Answer>) => {
    const answer = await made;
    if (answer.statusCode >= 400) throw new Error(answer.body);
    return answer.data;
  };
  const customer = async () =>
    (
      await settle(
        store.call('POST', '/v1/customers', {
          email: `${randomUUID()}@example.com`,
          accountStatus: 'active',
        }),
      )
    ).id as string;
  const credit = (id: string, path: string, body: object) =>
    settle(
      store.call('POST', `/v1/customers/${id}/credit${path}`, body, { 'idempotency-key': randomUUID() }),
    );
  const grant = (id: string, amount: number, more: object = {}) =>
    credit(id, '', { amount, currency: 'EUR', reason: 'test', ...more });
  const liability = async (at?: Date) =>
    settle(store.call('GET', `/v1/ledger/liability${at ? `?at=${at.toISOString()}` : ''}`));
  const check = async () => settle(store.call('GET', '/v1/ledger/self-check'));
  return { ...store, customer, credit, grant, liability, check };
}

const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

/** A lot as if it had been granted that long ago: lots and transfers of the past, by the owner of the tables. */
async function age(storeId: string, accountId: string, days: number): Promise<void> {
  const by = `interval '${days} days'`;
  await database.owner.query(
    `update lots set active_from = active_from - ${by}, created_at = created_at - ${by},
       expires_at = expires_at - ${by} where store_id = $1 and account_id = $2`,
    [storeId, accountId],
  );
  await database.owner.query(
    `update transfers set effective_at = effective_at - ${by}, recorded_at = recorded_at - ${by}
     where store_id = $1 and account_id = $2`,
    [storeId, accountId],
  );
  await database.owner.query(
    `update ledger_accounts set created_at = created_at - ${by}, updated_at = updated_at - ${by}
     where store_id = $1 and id = $2`,
    [storeId, accountId],
  );
}

const unitOf = (report: { units: { unit: string }[] }, unit: string) =>
  report.units.find((one) => one.unit === unit) as never as Record<string, number> & {
    byAge: { fromDays: number; amount: number }[];
    byExpiry: { month: string; amount: number }[];
    forecast: { month: string; amount: number; expectedBreakage?: number }[];
    history: { due: number; expired: number; rate: number | null };
    reconciliation: {
      entries: number;
      balances: number;
      lots: number;
      overdrafts: number;
      difference: number;
    };
  };

function checkSums(t: Test, unit: ReturnType<typeof unitOf>): void {
  const sum = (rows: { amount: number }[]) => rows.reduce((total, { amount }) => total + amount, 0);
  t.equal(unit.outstanding, (unit.active ?? 0) + (unit.pending ?? 0) + (unit.held ?? 0));
  t.equal(sum(unit.byAge), unit.outstanding, 'ages add up');
  t.equal(sum(unit.byExpiry), unit.outstanding, 'months add up');
  t.equal(unit.reconciliation.difference, 0, 'reconciled to the cent');
  t.equal(
    unit.reconciliation.balances,
    (unit.outstanding ?? 0) + (unit.expired ?? 0) - (unit.overdrafts ?? 0),
    'L2',
  );
}

t.test('the forecast ends with the years of four digits', async (t) => {
  const { call } = await shop();
  t.equal((await call('GET', '/v1/ledger/liability?at=9998-12-30T00:00:00Z')).statusCode, 200);
  t.match((await call('GET', '/v1/ledger/liability?at=9999-01-02T00:00:00Z')).data, {
    status: 400,
    errors: [{ pointer: '/at' }],
  });
});

t.test('the liability of a store without a ledger is empty', async (t) => {
  const { liability } = await shop();
  t.same((await liability()).units, []);
});

t.test('L2 L5 liability: active, held, expired, overdrafts, by unit; reconciles to the cent', async (t) => {
  const { customer, credit, grant, liability, call, storeId } = await shop();
  const [rich, late, owing] = [await customer(), await customer(), await customer()];
  await grant(rich, BIG);
  await grant(rich, 500, { expiresAt: inDays(40) });
  await credit(rich, '/redeem', { amount: 200, currency: 'EUR' });
  await credit(rich, '/holds', { amount: 700, currency: 'EUR' });
  await grant(rich, 900, { currency: 'USD' });
  const { account } = await grant(late, 400, { expiresAt: inDays(1) });
  await age(storeId, account.id, 2);
  await call('PATCH', '/v1/store', { creditAllowNegative: true });
  await grant(owing, 100);
  await grant(owing, -350);
  const report = await liability();
  t.same(
    report.units.map(({ unit }: { unit: string }) => unit),
    ['EUR', 'USD'],
  );
  const eur = unitOf(report, 'EUR');
  t.match(eur, { held: 700, expired: 400, overdrafts: 250, active: BIG + 300 - 700, pending: 0 });
  t.equal(eur.accounts, 3);
  checkSums(t, eur);
  checkSums(t, unitOf(report, 'USD'));
  t.equal(unitOf(report, 'USD').outstanding, 900);
});

t.test('liability by age of the lot and month of expiry, in the store’s time zone', async (t) => {
  const { customer, grant, liability, storeId } = await shop({ timezone: 'Pacific/Auckland' });
  for (const [days, amount] of [
    [0, 1],
    [30, 2],
    [31, 10],
    [91, 100],
    [181, 1000],
    [400, 10_000],
  ] as const) {
    const { account } = await grant(await customer(), amount, { expiresAt: inDays(2000) });
    await age(storeId, account.id, days);
  }
  await grant(await customer(), 7);
  // 1 January in Auckland, still 31 December in UTC.
  await grant(await customer(), 5, { expiresAt: new Date('2031-12-31T11:30:00Z') });
  const eur = unitOf(await liability(), 'EUR');
  t.same(
    eur.byAge.map(({ fromDays, amount }) => [fromDays, amount]),
    [
      [0, 15],
      [31, 10],
      [91, 100],
      [181, 1000],
      [366, 10_000],
    ],
  );
  t.same(
    eur.byExpiry.find(({ month }) => month === '2032-01'),
    { month: '2032-01', amount: 5 },
  );
  t.same(eur.byExpiry.at(-1), { month: 'never', amount: 7 });
  checkSums(t, eur);
});

t.test(
  'forecast: what expires per month if nothing is spent, and what the history lets expect',
  async (t) => {
    const { customer, credit, grant, liability, storeId } = await shop({ timezone: 'UTC' });
    // Of 1,000 that expired in the last year 250 were not spent.
    const past = await customer();
    const { account } = await grant(past, 1000, { expiresAt: inDays(20) });
    await credit(past, '/redeem', { amount: 750, currency: 'EUR' });
    await age(storeId, account.id, 60);
    const soon = await customer();
    const nextYear = inDays(100);
    await grant(soon, 400, { expiresAt: nextYear });
    await credit(soon, '/redeem', { amount: 330, currency: 'EUR' });
    await grant(await customer(), 800, { expiresAt: nextYear });
    await grant(await customer(), 50, { expiresAt: inDays(500) });
    const eur = unitOf(await liability(), 'EUR');
    t.match(eur.history, { due: 1000, expired: 250, rate: 0.25 });
    t.equal(eur.forecast.length, 12);
    const month = nextYear.toISOString().slice(0, 7);
    t.same(
      eur.forecast.find((one) => one.month === month),
      { month, amount: 870, expectedBreakage: 300 },
    );
    t.equal(
      eur.forecast.reduce((total, { amount }) => total + amount, 0),
      870,
      'what expires later is not in it',
    );
    t.equal(eur.expired, 250);
  },
);

t.test('L9 liability of a past instant: the books as they stood, whatever came later', async (t) => {
  const { customer, credit, grant, liability, call } = await shop();
  await call('PATCH', '/v1/store', { creditAllowNegative: true });
  const [one, owing] = [await customer(), await customer()];
  await grant(one, 1000, { expiresAt: inDays(10) });
  const { hold } = await credit(one, '/holds', { amount: 300, currency: 'EUR' });
  await grant(owing, -80);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const at = new Date();
  const then = await liability(at);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const { transfer } = await credit(one, `/holds/${hold.id}/capture`, { amount: 100 });
  await credit(one, '/redeem', { amount: 900, currency: 'EUR' });
  await credit(one, '/refunds', { transferId: transfer.id, amount: 40 });
  await grant(owing, 200);
  await grant(await customer(), 77);
  t.same((await liability(at)).units, then.units, 'the same question, the same answer');
  t.match(unitOf(then, 'EUR'), { active: 700, held: 300, overdrafts: 80 });
  const now = unitOf(await liability(), 'EUR');
  t.match(now, { outstanding: 40 + 120 + 77, overdrafts: 0 });
  checkSums(t, now);
  checkSums(t, unitOf(then, 'EUR'));
  const later = unitOf(await liability(inDays(11)), 'EUR');
  t.match(later, { outstanding: 197, expired: 40 }, 'a future instant: what time makes of it');
});

t.test('liability is one snapshot: it reconciles while others write', async (t) => {
  const { customer, credit, grant, liability } = await shop();
  const ids = await Promise.all(Array.from({ length: 4 }, customer));
  await Promise.all(ids.map((id) => grant(id, 100_000)));
  const writes = ids.flatMap((id) =>
    Array.from({ length: 10 }, () => credit(id, '/redeem', { amount: 10, currency: 'EUR' })),
  );
  const reports = await Promise.all(Array.from({ length: 10 }, () => liability()));
  await Promise.all(writes);
  for (const report of reports) checkSums(t, unitOf(report, 'EUR'));
});

t.test('another store’s ledger is not in the report or the check; scopes are asked for', async (t) => {
  const one = await shop();
  await one.grant(await one.customer(), 500);
  const other = await shop();
  t.same((await other.liability()).units, []);
  t.equal((await other.check()).accounts, 0);
  const poor = await testStore(app, database, { scopes: ['credit:read'] });
  for (const path of ['liability', 'self-check'])
    t.equal((await poor.call('GET', `/v1/ledger/${path}`)).data.code, 'SCOPE_MISSING');
});

/** A ledger with a bit of everything. */
async function busy() {
  const it = await shop();
  await it.call('PATCH', '/v1/store', { creditAllowNegative: true });
  const id = await it.customer();
  await it.grant(id, BIG);
  await it.grant(id, 500, { expiresAt: inDays(3) });
  const { transfer } = await it.credit(id, '/redeem', { amount: 700, currency: 'EUR' });
  await it.credit(id, '/refunds', { transferId: transfer.id, amount: 100 });
  const { hold } = await it.credit(id, '/holds', { amount: 60, currency: 'EUR' });
  await it.credit(id, `/holds/${hold.id}/capture`, { amount: 50 });
  const open = await it.credit(id, '/holds', { amount: 20, currency: 'EUR' });
  const owing = await it.customer();
  await it.grant(owing, 10);
  await it.grant(owing, -35);
  await it.grant(owing, 5);
  return { ...it, id, accountId: open.account.id as string, holdId: open.hold.id as string };
}

t.test('L2 L3 L6 L7 self-check: a sound ledger has no broken line', async (t) => {
  const { check } = await busy();
  const answer = await check();
  t.match(answer, { ok: true, complete: true, accounts: 2 });
  t.equal(answer.checks.length, 16);
  for (const { name, checked, broken, examples } of answer.checks) {
    // This customer earned nothing; the lines about points are in loyalty.test.ts.
    const isOfPoints = ['earning_is_paid', 'reversal_within_earning', 'member_has_earned'].includes(name);
    t.equal(checked > 0, !isOfPoints, `${name} looked at something`);
    t.equal(broken, 0, name);
    t.same(examples, [], name);
  }
});

t.test('self-check: each invariant that is broken by SQL is named with its place', async (t) => {
  const cases: [name: string, break_: string][] = [
    [
      'balance_equals_transfers',
      'update ledger_accounts set balance = balance + 1 where id = $2 and store_id = $1',
    ],
    [
      'balance_equals_lots',
      'update ledger_accounts set balance = balance + 1 where id = $2 and store_id = $1',
    ],
    ['overdraft_equals_debits', 'update ledger_accounts set overdraft = 7 where id = $2 and store_id = $1'],
    [
      'balance_runs_through',
      'update transfers set balance_after = balance_after + 1 where account_id = $2 and store_id = $1 and seq = 2',
    ],
    [
      'lot_remains',
      'update lots set remaining = remaining - 1 where account_id = $2 and store_id = $1 and remaining > 1000',
    ],
    [
      'debit_is_allocated',
      'update allocations set amount = amount + 1 where store_id = $1 and account_id = $2 and amount > 300',
    ],
    [
      'credit_is_placed',
      'update transfers set amount = amount + 1 where store_id = $1 and account_id = $2 and seq = 1',
    ],
    [
      'hold_is_covered',
      `update holds set amount = 9000000000, lots = jsonb_set(lots, '{0,amount}', '9000000000')
       where store_id = $1 and account_id = $2 and status = 'open'`,
    ],
    [
      'hold_is_its_lots',
      `update holds set amount = amount + 1 where store_id = $1 and account_id = $2 and status = 'open'`,
    ],
    [
      'capture_within_hold',
      `update holds set captured = captured - 1 where store_id = $1 and account_id = $2 and status = 'captured'`,
    ],
    [
      'refund_within_debit',
      `update transfers set amount = 701 where store_id = $1 and account_id = $2 and kind = 'refund'`,
    ],
    [
      'numbers_without_gaps',
      'update transfers set seq = 99 where store_id = $1 and account_id = $2 and seq = 2',
    ],
    [
      'transfer_is_named',
      `update transfers set reference = '' where store_id = $1 and account_id = $2 and seq = 2`,
    ],
  ];
  for (const [name, breaking] of cases) {
    const { storeId, accountId, check } = await busy();
    const { rowCount } = await database.owner.query(breaking, [storeId, accountId]);
    t.ok((rowCount ?? 0) > 0, `${name}: the case breaks something`);
    const answer = await check();
    t.equal(answer.ok, false, name);
    const line = answer.checks.find((one: { name: string }) => one.name === name);
    t.ok(line.broken > 0, `${name} is broken`);
    t.equal(line.examples[0].accountId, accountId, `${name} names the account`);
  }
});

t.test('the nightly self-check goes over the ledger too, and repairs nothing', async (t) => {
  const { storeId, accountId, ctx, check } = await busy();
  await database.owner.query(
    'update ledger_accounts set balance = balance + 1 where store_id = $1 and id = $2',
    [storeId, accountId],
  );
  const told: unknown[] = [];
  const quiet = ctx();
  const asked = {
    ...quiet,
    log: { ...quiet.log, info() {}, warn() {}, error: (facts: object) => told.push(facts) },
  };
  const { id } = await transaction(quiet.db, (tx) => startJob(quiet, tx, { kind: 'self-check', params: {} }));
  t.equal(await runJob(asked, id, selfCheckSlice, new AbortController().signal), 'ended');
  t.match(await findJob(quiet.db, id), {
    status: 'completed',
    outcomes: { checked: 2, drifted: 0, accountsChecked: 2, ledgerFaults: 2 },
  });
  t.match(told, [
    { check: 'balance_equals_transfers', broken: 1, examples: [{ accountId }] },
    { check: 'balance_equals_lots', broken: 1, examples: [{ accountId }] },
  ]);
  t.equal((await check()).ok, false, 'still broken');
});
