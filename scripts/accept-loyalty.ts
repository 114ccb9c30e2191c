// Acceptance: the UCI "Online Retail" file under a loyalty programme, in a fresh service whose clock stands behind the last
// order of the file. Points, liability, statements and as-of balances, asked through the API, must equal hand-written SQL
// over the raw file and over the stored orders; the ledger must add up and its chains must hold.
//
//   npm run accept:loyalty -- PATH/online-retail.csv.gz
import { randomUUID } from 'node:crypto';
import { mock } from 'node:test';
import {
  acceptFile,
  callApi,
  exampleFile,
  loadRaw,
  MAPPING,
  type RetailStore,
} from './support/online-retail.ts';

/** The day after the last order of the file. */
const ASKED_AT = new Date('2011-12-10T12:00:00Z');
const CLOCK_STEP_MS = 50;

const PROGRAMME = {
  name: 'Rewards',
  enrolment: 'at_first_earn',
  onLeave: 'freeze',
  rules: [{ id: 'purchase', kind: 'spend', points: 1, perAmount: 100 }],
  pending: { basis: 'order', days: 14 },
  expiry: { kind: 'rolling_months', months: 12, roundUp: 'none' },
  reversal: 'allow_negative',
};

/** A point for each whole pound of an order, from the raw lines alone; prices are rounded to pence per piece. */
const EARNED_BY_RAW = `
  select coalesce(sum(floor(amount / 100)), 0)::bigint as points, count(*) filter (where amount >= 100)::integer as orders
  from (select invoice, customer, sum(quantity::bigint * round(price::numeric * 100)) as amount
        from raw_lines where customer <> '' and invoice not like 'C%' group by 1, 2) o
  where amount > 0`;

/** What is left of an order's points after its refunds, with the local day from which they count. */
const POINTS_BY_ORDER = `
  select o.customer_id, ((o.placed_at at time zone 'Europe/London')::date + 14) as active_day,
         floor(o.total / 100.0)::bigint as earned,
         case when o.refunded_total >= o.total then floor(o.total / 100.0)
              else floor(floor(o.total / 100.0) * o.refunded_total / o.total) end::bigint as reversed
  from orders o where o.store_id = $1 and not o.is_test and o.total >= 100`;

const TOTALS_BY_ORDERS = `
  select sum(earned)::bigint as earned, sum(reversed)::bigint as reversed from (${POINTS_BY_ORDER}) p`;

/** The last day on which points count is the same day twelve months on; they expire as the day after begins. */
const EXPIRY_BY_ORDERS = `
  select to_char((active_day + interval '12 months' + interval '1 day')::date, 'YYYY-MM') as month,
         sum(earned - reversed)::bigint as amount
  from (${POINTS_BY_ORDER}) p
  where (active_day + interval '12 months' + interval '1 day')::date > $2::date
  group by 1 having sum(earned - reversed) > 0 order by 1`;

/** Members whose points differ from those of their orders: the balance in the ledger, and what the member has earned. */
const WRONG_MEMBERS = `
  select p.customer_id, p.points, a.balance, m.points_earned
  from (select customer_id, sum(earned - reversed)::bigint as points from (${POINTS_BY_ORDER}) q group by 1) p
  left join ledger_accounts a on a.store_id = $1 and a.customer_id = p.customer_id and a.unit = 'points'
  left join loyalty_members m on m.store_id = $1 and m.customer_id = p.customer_id
  where (p.points, p.points) is distinct from (a.balance, m.points_earned)`;

const TRANSFERS = `
  select coalesce(sum(amount) filter (where kind = 'earn'), 0)::bigint as earned,
         coalesce(sum(amount) filter (where kind = 'reversal'), 0)::bigint as reversed
  from transfers where store_id = $1 and unit = 'points'`;

class Findings {
  failed = 0;

  same(what: string, given: unknown, expected: unknown): void {
    const [one, other] = [JSON.stringify(given), JSON.stringify(expected)];
    if (one === other) console.log(`same       ${what}: ${one.length > 100 ? `${one.slice(0, 100)}…` : one}`);
    else {
      this.failed++;
      console.log(`DIFFERENT  ${what}: ${one} instead of ${other}`);
    }
  }
}

async function one<Row>({ owner }: RetailStore, query: string, values: unknown[] = []): Promise<Row> {
  return (await owner.query(query, values)).rows[0];
}

const numbers = (row: object): Record<string, number> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));

interface UnitLiability {
  unit: string;
  outstanding: number;
  expired: number;
  byExpiry: { month: string; amount: number }[];
  byAge: { amount: number }[];
  reconciliation: { difference: number; balances: number };
}

async function liabilityOf(store: RetailStore, unit: string): Promise<UnitLiability> {
  const { units } = await callApi<{ units: UnitLiability[] }>(store, '/ledger/liability');
  const found = units.find((part) => part.unit === unit);
  if (!found) throw new Error(`no liability in ${unit}`);
  return found;
}

const sumOf = (rows: readonly { amount: number }[]): number =>
  rows.reduce((sum, { amount }) => sum + amount, 0);

async function checkPoints(store: RetailStore, findings: Findings): Promise<void> {
  const { storeId } = store.db;
  const raw = numbers(await one(store, EARNED_BY_RAW));
  const byOrders = numbers(await one(store, TOTALS_BY_ORDERS, [storeId]));
  const transfers = numbers(await one(store, TRANSFERS, [storeId]));
  findings.same('points earned, by raw lines', transfers.earned, raw.points);
  findings.same('points earned and taken back, by stored orders', transfers, byOrders);
  const { rows: wrong } = await store.owner.query(WRONG_MEMBERS, [storeId]);
  for (const row of wrong.slice(0, 5)) console.log(JSON.stringify(row));
  findings.same('members whose points differ from their orders', wrong.length, 0);
  const liability = await liabilityOf(store, 'points');
  const { rows } = await store.owner.query(EXPIRY_BY_ORDERS, [storeId, ASKED_AT.toISOString().slice(0, 10)]);
  const months = rows.map(({ month, amount }) => ({ month, amount: Number(amount) }));
  findings.same('points by month of expiry', liability.byExpiry, months);
  findings.same('points by age', sumOf(liability.byAge), liability.outstanding);
  findings.same('difference of the liability in points', liability.reconciliation.difference, 0);
}

/** Whom credit is given to: those with many orders, by number. */
const REGULARS = `
  select id from customers where store_id = $1 and orders_count >= 20 order by external_id collate "C" limit 60`;

const CREDIT_ENTRIES = `
  select t.recorded_at as at, case when t.is_credit then t.amount else -t.amount end as amount
  from transfers t join ledger_accounts a on a.store_id = t.store_id and a.id = t.account_id
  where t.store_id = $1 and a.customer_id = $2 and t.unit = 'GBP' order by t.seq`;

interface Posted {
  transfer: { id: string };
  hold: { id: string };
  account: { id: string };
}

/** Grants, spends, holds, captures and refunds of one customer: amounts that follow from the number of the round. */
async function useCredit(store: RetailStore, customerId: string, round: number): Promise<string> {
  const post = (path: string, body: object) =>
    callApi<Posted>(store, `/customers/${customerId}/credit${path}`, body, {
      'idempotency-key': randomUUID(),
    });
  const currency = 'GBP';
  const grant = 1_000 + 37 * round;
  const { account } = await post('', { amount: grant, currency, reason: 'Regular customer' });
  await post('', { amount: 500, currency, reason: 'Until spring', expiresAt: '2012-03-01T00:00:00Z' });
  const spent = await post('/redeem', { amount: 300 + round, currency });
  const { hold } = await post('/holds', { amount: 400, currency });
  const captured = await post(`/holds/${hold.id}/capture`, { amount: 250 });
  await post('/refunds', { transferId: captured.transfer.id, amount: 100 });
  await post('/refunds', { transferId: spent.transfer.id });
  await post('', { amount: -(round + 1), currency, reason: 'Corrected' });
  return account.id;
}

interface StatementSums {
  opening: number;
  credited: number;
  debited: number;
  closing: number;
  lots: { closing: number }[];
}

async function checkCredit(store: RetailStore, findings: Findings): Promise<void> {
  const { rows } = await store.owner.query<{ id: string }>(REGULARS, [store.db.storeId]);
  let expected = 0;
  let wrong = 0;
  for (const [round, { id }] of rows.entries()) {
    await callApi(store, `/customers/${id}`, { accountStatus: 'active' }, {}, 'PATCH');
    const accountId = await useCredit(store, id, round);
    const { rows: entries } = await store.owner.query(CREDIT_ENTRIES, [store.db.storeId, id]);
    const sum = sumOf(entries.map(({ amount }) => ({ amount: Number(amount) })));
    expected += sum;
    const statement = await callApi<StatementSums>(
      store,
      `/customers/${id}/credit/statement?currency=GBP&from=2011-12-10&until=2011-12-31`,
    );
    const byLots = statement.lots.reduce((total, { closing }) => total + closing, 0);
    if (statement.closing !== sum || byLots !== sum || statement.credited - statement.debited !== sum)
      wrong++;
    // As of the third entry, on both axes.
    const third = entries[2]?.at as Date;
    const before = entries.filter(({ at }) => at <= third);
    const asOf = await callApi<{ balance: number }>(
      store,
      `/ledger/accounts/${accountId}?effectiveAt=${third.toISOString()}&recordedAt=${third.toISOString()}`,
    );
    if (asOf.balance !== sumOf(before.map(({ amount }) => ({ amount: Number(amount) })))) wrong++;
  }
  findings.same(
    `statements and as-of balances of ${rows.length} customers that differ from their entries`,
    wrong,
    0,
  );
  const liability = await liabilityOf(store, 'GBP');
  findings.same('store credit outstanding, in pence', liability.outstanding, expected);
  findings.same('difference of the liability in credit', liability.reconciliation.difference, 0);
}

interface SelfCheck {
  ok: boolean;
  next?: string;
  checks: { name: string; broken: number }[];
}

async function checkLedger(store: RetailStore, findings: Findings): Promise<void> {
  let broken = 0;
  let after = '';
  do {
    const page = await callApi<SelfCheck>(store, `/ledger/self-check${after}`);
    broken += page.checks.reduce((sum, check) => sum + check.broken, 0);
    after = page.next ? `?after=${page.next}` : '';
  } while (after !== '');
  findings.same('what does not add up in the ledger', broken, 0);
  const chains = await callApi<{ brokenCount: number; transfers: number }>(store, '/ledger/verify');
  findings.same(`broken chains, of ${chains.transfers} transfers`, chains.brokenCount, 0);
}

async function accept(file: string, store: RetailStore): Promise<boolean> {
  const findings = new Findings();
  const began = performance.now();
  await callApi(store, '/loyalty/programme', PROGRAMME, {}, 'PUT');
  const { outcomes } = await store.upload(file, { kind: 'orders' }, await exampleFile(MAPPING));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`import: ${JSON.stringify(outcomes)} in ${seconds} s`);
  await loadRaw(store.owner, file);
  await checkPoints(store, findings);
  const again = await store.upload(file, { kind: 'orders' }, await exampleFile(MAPPING));
  console.log(`imported again: ${JSON.stringify(again.outcomes)}`);
  await checkPoints(store, findings);
  await checkCredit(store, findings);
  await checkLedger(store, findings);
  return findings.failed === 0;
}

const started = performance.now();
mock.timers.enable({ apis: ['Date'], now: ASKED_AT });
const clock = setInterval(
  () => mock.timers.setTime(ASKED_AT.getTime() + Math.floor(performance.now() - started)),
  CLOCK_STEP_MS,
);
clock.unref();
await acceptFile('accept:loyalty', accept);
