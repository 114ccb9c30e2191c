// What a transfer of the ledger costs: through the API and through the actions against a minimal guarded CTE, on one hot
// account, in two steps, with more and more entries stored.
// node dist/bench/ledger.js [entries stored, default 0,1000000] [sections, default all: http,action,hot,hold,lots,growth,verify]
import autocannon, { type Request } from 'autocannon';
import pg from 'pg';
import pino from 'pino';
import { captureHold, changeCredit, holdCredit, redeemCredit } from '../src/actions/credit.ts';
import { verifyLedger } from '../src/actions/ledger-verification.ts';
import { openStore } from '../src/actions/stores.ts';
import { type Ctx, newId, systemContext } from '../src/context.ts';
import { APP_ROLE } from '../src/database.ts';
import { dbOf, openPool } from '../src/db/connection.ts';
import { findLedgerAccount } from '../src/db/ledger/accounts.ts';
import { balancesAt } from '../src/domain/ledger/accounts.ts';
import { generateLedger } from './generate-ledger.ts';
import { makeMinimalTables, transferMinimally } from './minimal-transfer.ts';
import { launch, median, openWorld, percentile, type Served, say } from './world.ts';

const SECTIONS = ['http', 'action', 'hot', 'hold', 'lots', 'growth', 'verify'] as const;
type Section = (typeof SECTIONS)[number];

const levels = (process.argv[2] ?? '0,1000000').split(',').map(Number);
const sections = new Set((process.argv[3]?.split(',') ?? SECTIONS) as Section[]);
const ACCOUNTS = 10_000;
const CLIENTS = 16;
const POOL = 10;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const ROUND_MS = 1_500;
const AMOUNT = 100;
const SECRET = 'a secret for benches that is long enough';

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

/** Pieces of work a second, by `CLIENTS` that each begin the next when the last is done. */
async function rateOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let done = 0;
  const client = async () => {
    while (performance.now() - began < ROUND_MS) {
      await work();
      done++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return (done / (performance.now() - began)) * 1000;
}

/**
 * Medians of what each measures, round by round in turn. The first round warms up, and statistics are gathered after it,
 * as autovacuum does within a minute in a store that is in use: on a table that was empty a moment ago plans are poor.
 */
async function race<Name extends string>(
  runners: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(runners) as Name[];
  const measured = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of names) {
      const value = await runners[name]();
      if (round > 0) measured.get(name)?.push(value);
    }
    if (round === 0) await gatherStatistics();
  }
  return Object.fromEntries(names.map((name) => [name, median(measured.get(name) ?? [])])) as Record<
    Name,
    number
  >;
}

async function gatherStatistics(): Promise<void> {
  const owner = new pg.Client({ connectionString: world.url });
  await owner.connect();
  await owner.query('analyze');
  await owner.end();
}

let isMissed = false;

/** One line of the table. */
function line(what: string, numbers: string, ratio: number, bar: number, direction: 'least' | 'most'): void {
  const reached = direction === 'least' ? ratio >= bar : ratio <= bar;
  isMissed ||= !reached;
  const sign = direction === 'least' ? '≥' : '≤';
  say(
    `| ${what} | ${numbers} | ${ratio.toFixed(2)} | ${sign} ${bar} | ${reached ? 'reached' : 'NOT REACHED'} |`,
  );
}

const perSecond = (rates: Record<string, number>): string =>
  Object.entries(rates)
    .map(([name, rate]) => `${name} ${rate.toFixed(0)}/s`)
    .join(', ');

/** A store with its accounts, as actions and as HTTP see it. */
interface Shop {
  customers: readonly string[];
  ctx(): Ctx;
}

const redeem = ({ ctx }: Shop, customerId: string) =>
  redeemCredit(ctx(), customerId, { amount: AMOUNT, currency: 'EUR' });
const grant = ({ ctx }: Shop, customerId: string) =>
  changeCredit(ctx(), customerId, { amount: AMOUNT, currency: 'EUR', reason: 'Goodwill' });

async function post(url: string, next: (request: Request) => Request, token = ''): Promise<number> {
  const result = await autocannon({
    url,
    connections: CLIENTS,
    duration: ROUND_MS / 1000,
    sampleInt: 100,
    requests: [
      {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        setupRequest: next,
      },
    ],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 2xx, ${result.errors} errors`);
  return result.requests.total / result.duration;
}

async function overHttp(shop: Shop, service: Served, bare: Served, accounts: readonly number[]) {
  const command = (path: string, body: object) => {
    const text = JSON.stringify(body);
    return () =>
      post(
        service.url,
        (request) => ({
          ...request,
          path: `/v1/customers/${pick(shop.customers)}/${path}`,
          headers: { ...request.headers, 'idempotency-key': crypto.randomUUID() },
          body: text,
        }),
        service.token,
      );
  };
  const money = { amount: AMOUNT, currency: 'EUR' };
  const text = JSON.stringify({ amount: AMOUNT });
  const rates = await race({
    grant: command('credit', { ...money, reason: 'Goodwill' }),
    bare: () =>
      post(bare.url, (request) => ({
        ...request,
        path: `/accounts/${pick(accounts)}/transfers`,
        headers: { ...request.headers, 'idempotency-key': crypto.randomUUID() },
        body: text,
      })),
    redeem: command('credit/redeem', money),
  });
  line('grant, HTTP, 10,000 accounts', perSecond(rates), rates.grant / rates.bare, 0.6, 'least');
  line('redeem, HTTP, 10,000 accounts', '', rates.redeem / rates.bare, 0.6, 'least');
}

async function byAction(shop: Shop, pool: pg.Pool, accounts: readonly number[]): Promise<void> {
  const rates = await race({
    grant: () => rateOf(() => grant(shop, pick(shop.customers))),
    minimal: () => rateOf(() => transferMinimally(pool, pick(accounts), AMOUNT)),
    redeem: () => rateOf(() => redeem(shop, pick(shop.customers))),
  });
  line('grant, action', perSecond(rates), rates.grant / rates.minimal, 0.5, 'least');
  line('redeem, action', '', rates.redeem / rates.minimal, 0.5, 'least');
}

async function onOneAccount(shop: Shop, pool: pg.Pool): Promise<void> {
  const [hot] = shop.customers as [string];
  const rates = await race({
    redeem: () => rateOf(() => redeem(shop, hot)),
    minimal: () => rateOf(() => transferMinimally(pool, 1, AMOUNT)),
  });
  line('redeem, one hot account', perSecond(rates), rates.redeem / rates.minimal, 0.5, 'least');
}

async function inTwoSteps(shop: Shop): Promise<void> {
  const pair = async () => {
    const customerId = pick(shop.customers);
    const { hold } = await holdCredit(shop.ctx(), customerId, { amount: AMOUNT, currency: 'EUR' });
    await captureHold(shop.ctx(), customerId, { holdId: hold?.id ?? '' });
  };
  const rates = await race({
    pair: () => rateOf(pair),
    redeem: () => rateOf(() => redeem(shop, pick(shop.customers))),
  });
  line('hold + capture, cost against redeem', perSecond(rates), rates.redeem / rates.pair, 2.2, 'most');
}

async function withManyLots({ ctx, customers }: Shop): Promise<void> {
  const key = { customerId: customers[1] as string, unit: 'EUR' };
  for (let n = 0; n < 1_000; n++) {
    const expiresAt = new Date(Date.UTC(2099, 0, 1) + n);
    await changeCredit(ctx(), key.customerId, { amount: 1, currency: 'EUR', reason: 'Goodwill', expiresAt });
  }
  const times: number[] = [];
  for (let n = 0; n < 200; n++) {
    const began = performance.now();
    const account = await findLedgerAccount(ctx().db, key);
    if (!account?.state || balancesAt(account.state, new Date()).available <= 0)
      throw new Error('no balance');
    times.push(performance.now() - began);
  }
  const p95 = percentile(times, 0.95);
  line('balance of 1,000 lots, ms', `p95 ${p95.toFixed(2)} ms`, median(times), 5, 'most');
}

const world = await openWorld();
const closing: (() => Promise<unknown>)[] = [];

async function fill(url: string, storeId: string, entries: number): Promise<Shop> {
  const began = performance.now();
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  const entriesEach = Math.max(1, entries / ACCOUNTS);
  const customers = await generateLedger(owner, { storeId, accounts: ACCOUNTS, entriesEach });
  await owner.query('checkpoint');
  await owner.end();
  const pool = openPool({ url, size: POOL, statementTimeoutMs: 15_000, role: APP_ROLE });
  closing.push(() => pool.end());
  say(`${entries} entries filled in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  const log = pino({ level: 'silent' });
  const db = dbOf(pool, storeId);
  return { customers, ctx: () => systemContext(db, log, 'staff:bench') };
}

/** A database of its own with so many entries in it. */
async function shopWith(entries: number): Promise<Shop> {
  const url = await world.database(`bench_${entries}`);
  const storeId = newId();
  const pool = openPool({ url, size: 1, statementTimeoutMs: 15_000, role: APP_ROLE });
  const ctx = systemContext(dbOf(pool, storeId), pino({ level: 'silent' }));
  await openStore(ctx, { name: 'Bench', currency: 'EUR', timezone: 'Europe/Berlin', locale: 'en' });
  await pool.end();
  return fill(url, storeId, entries);
}

async function sayVerification(shop: Shop): Promise<void> {
  let transfers = 0;
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    const began = performance.now();
    const report = await verifyLedger(shop.ctx());
    if (report.brokenCount > 0) throw new Error(`broken: ${JSON.stringify(report.broken[0])}`);
    transfers = report.transfers;
    rates.push((transfers / (performance.now() - began)) * 1000);
  }
  line('verify the chain, entries/s', `${transfers} entries`, median(rates), 200_000, 'least');
}

/** Medians with more and more entries stored. Resolves to the shop with most of them. */
async function sayGrowth(first: Shop): Promise<Shop> {
  const shops: [string, Shop][] = [];
  for (const level of levels) shops.push([String(level), level === 0 ? first : await shopWith(level)]);
  const both = (shop: Shop) => async () => {
    await redeem(shop, pick(shop.customers));
    await grant(shop, pick(shop.customers));
  };
  const rates = await race(
    Object.fromEntries(shops.map(([level, shop]) => [level, () => rateOf(both(shop))])),
  );
  const base = rates[String(levels[0])] as number;
  for (const level of levels.slice(1)) {
    const rate = rates[String(level)] as number;
    line(`cost at ${level} entries against ${levels[0]}`, perSecond(rates), base / rate, 1.2, 'most');
  }
  return shops.at(-1)?.[1] ?? first;
}

try {
  const settings = { APP_SECRET: SECRET, JWT_SECRET: SECRET, DATA_DIR: world.dataDir };
  const service = await launch(
    new URL('./serve-clientele.js', import.meta.url),
    [world.url, 'api'],
    settings,
  );
  const bare = await launch(new URL('./serve-minimal-transfer.js', import.meta.url), [world.url]);
  closing.push(
    () => service.stop(),
    () => bare.stop(),
  );
  const shop = await fill(world.url, service.storeId, 0);
  const pool = new pg.Pool({ connectionString: world.url, max: POOL });
  closing.push(() => pool.end());
  const client = await pool.connect();
  const accounts = await makeMinimalTables(client, ACCOUNTS);
  client.release();
  say('\n| what | measured | ratio | bar | |\n| --- | --- | --- | --- | --- |');
  if (sections.has('http')) await overHttp(shop, service, bare, accounts);
  if (sections.has('action')) await byAction(shop, pool, accounts);
  if (sections.has('hot')) await onOneAccount(shop, pool);
  if (sections.has('hold')) await inTwoSteps(shop);
  if (sections.has('lots')) await withManyLots(shop);
  const largest = sections.has('growth') ? await sayGrowth(shop) : shop;
  if (sections.has('verify')) await sayVerification(largest);
  if (isMissed) say('\nNot all bars were reached.');
} finally {
  await Promise.all(closing.map((close) => close()));
  await world.close();
}
