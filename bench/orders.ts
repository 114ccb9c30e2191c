// How fast orders come in: against hand-written SQL that inserts the same rows, and with more and more orders stored.
// node dist/bench/orders.js [levels, default 0,250000,1000000]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import pino from 'pino';
import { ingestOrders, type OrderDelivery } from '../src/actions/orders.ts';
import { openStore } from '../src/actions/stores.ts';
import { type Ctx, newId, systemContext } from '../src/context.ts';
import { APP_ROLE, ensureDatabase, migrateAll } from '../src/database.ts';
import { dbOf, openPool, transaction } from '../src/db/connection.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';

const BATCH = 500;
const ROUNDS = 21;
const WARM_UP = 6;
const KNOWN_CUSTOMERS = 5_000;
const levels = (process.argv[2] ?? '0,250000,1000000').split(',').map(Number);

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

let sequence = 0;

/** 500 orders of 250 customers, two items each; `emailOf` chooses who. */
function deliveries(emailOf: (customer: number) => string): OrderDelivery[] {
  const run = ++sequence;
  const placedAt = new Date(Date.UTC(2026, 0, 1) + run * 1000);
  return Array.from({ length: BATCH }, (_, index) => ({
    externalId: `bench-${run}-${index}`,
    customer: { firstName: 'Ada', lastName: `Lovelace ${index >> 1}` },
    order: {
      status: 'confirmed',
      currency: 'EUR',
      placedAt,
      platformUpdatedAt: placedAt,
      items: [1, 2].map((line) => ({
        productId: `p-${line}`,
        sku: `sku-${line}`,
        title: `Lantern number ${line}`,
        categories: ['lighting', 'garden'],
        tags: [],
        quantity: line,
        unitPrice: 2500,
        discount: 0,
        tax: 0,
        isGiftCard: false,
      })),
      shipping: 490,
      tax: 0,
      taxesIncluded: true,
      discount: 0,
      total: 7990,
      creditPaid: 0,
      pointsPaid: 0,
      paymentMethod: 'card',
      channel: 'web',
      couponCodes: [],
      email: emailOf(index >> 1),
      isTest: false,
      shippingAddress: null,
      billingAddress: null,
    },
  }));
}

const fresh = () => {
  const run = newId();
  return deliveries((customer) => `guest-${run}-${customer}@example.com`);
};
const known = () => deliveries(() => `known-${Math.floor(Math.random() * KNOWN_CUSTOMERS)}@example.com`);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function ingest(ctx: () => Ctx, batch: OrderDelivery[]): Promise<void> {
  const results = await ingestOrders(ctx(), batch);
  if (results.some((result) => result.outcome !== 'created')) throw new Error('an order was not created');
}

type Row = Record<string, unknown>;

/** Takes the rows that a batch left and gives them new keys: what the hand-written SQL inserts. */
async function rowsLike(owner: pg.Pool, storeId: string, batch: readonly OrderDelivery[]) {
  const orders: Row[] = (
    await owner.query('select * from orders where store_id = $1 and external_id = any($2)', [
      storeId,
      batch.map((entry) => entry.externalId),
    ])
  ).rows;
  const customers: Row[] = (
    await owner.query('select * from customers where store_id = $1 and id = any($2)', [
      storeId,
      orders.map((row) => row.customer_id),
    ])
  ).rows;
  const items: Row[] = (
    await owner.query('select * from order_items where store_id = $1 and order_id = any($2)', [
      storeId,
      orders.map((row) => row.id),
    ])
  ).rows;
  const events: Row[] = (
    await owner.query('select * from events where store_id = $1 and customer_id = any($2)', [
      storeId,
      customers.map((row) => row.id),
    ])
  ).rows;
  const run = newId();
  const keys = new Map<unknown, string>([...customers, ...orders].map((row) => [row.id, newId()]));
  const key = (id: unknown): unknown => keys.get(id) ?? id;
  return {
    customers: customers.map((row, index) => ({
      ...row,
      id: key(row.id),
      last_order_id: key(row.last_order_id),
      email_norm: `hand-${run}-${index}@example.com`,
    })),
    orders: orders.map((row, index) => ({
      ...row,
      id: key(row.id),
      customer_id: key(row.customer_id),
      external_id: `hand-${run}-${index}`,
    })),
    order_items: items.map((row) => ({ ...row, order_id: key(row.order_id) })),
    events: events.map((row) => ({
      ...row,
      id: newId(),
      customer_id: key(row.customer_id),
      subject_id: key(row.subject_id),
    })),
  };
}

type Rows = Awaited<ReturnType<typeof rowsLike>>;
type Shape = Map<string, { name: string; type: string }[]>;

async function shapeOf(owner: pg.Pool): Promise<Shape> {
  const { rows } = await owner.query<{ table: string; name: string; type: string }>(
    `
    select attrelid::regclass::text as table, attname as name, format_type(atttypid, null) as type
    from pg_attribute where attrelid = any($1::regclass[]) and attnum > 0 and not attisdropped
      and attname not in ('transaction_id') order by attrelid, attnum`,
    [['customers', 'orders', 'order_items', 'events']],
  );
  const shape: Shape = new Map();
  for (const { table, ...column } of rows) shape.set(table, [...(shape.get(table) ?? []), column]);
  return shape;
}

/** Documents and lists go as text: unnest would take a list of lists apart. */
function cell(value: unknown, type: string): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'jsonb') return JSON.stringify(value);
  if (type.endsWith('[]')) return `{${(value as string[]).map((text) => JSON.stringify(text)).join(',')}}`;
  return value;
}

/** The yardstick: one `insert … select unnest` per table, prepared, in one transaction, as the service's role. */
async function insertByHand(ctx: Ctx, shape: Shape, rows: Rows): Promise<void> {
  await transaction(ctx.db, async (tx) => {
    for (const [table, list] of Object.entries(rows) as [string, Row[]][]) {
      const columns = shape.get(table) ?? [];
      const arrays = columns.map(
        ({ type }, index) => `$${index + 1}::${type.endsWith('[]') || type === 'jsonb' ? 'text' : type}[]`,
      );
      const select = columns.map(({ name, type }) => `r.${name}::${type}`);
      const names = columns.map(({ name }) => name);
      const text = `insert into ${table} (${names.join()}) select ${select.join()} from unnest(${arrays.join()}) as r(${names.join()})`;
      const values = columns.map(({ name, type }) => list.map((row) => cell(row[name], type)));
      await tx.use(({ client }) => client.query({ name: `hand_${table}`, text, values }));
    }
  });
}

const PRELOAD = `
  with c as (
    insert into customers (store_id, id, email, email_norm, email_key, account_status, source, accepts_marketing, wholesale,
      custom, orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
    select $1, gen_random_uuid(), e, e, e, 'guest', 'import', false, false, '{}', 4, 4000, 0, e, e, 1, now(), now()
    from (select 'old-' || n || '@example.com' as e from generate_series($2::integer + 1, $3::integer) n) s returning id, email_norm),
  o as (
    insert into orders (store_id, id, external_id, customer_id, status, refund_status, currency, placed_at,
      platform_updated_at, shipping, tax, taxes_included, discount, total, refunded_total, refunds, coupon_codes, is_test,
      snapshot, version, created_at, updated_at)
    select $1, gen_random_uuid(), c.email_norm || '-' || k, c.id, 'completed', 'none', 'EUR',
      timestamptz '2020-01-01' + random() * interval '5 years', now(), 0, 0, true, 0, 1000, 0, '[]', '{}', false,
      '{"groupIds":[],"tier":null,"priceBasis":"retail"}', 1, now(), now()
    from c, generate_series(1, 4) k returning id, customer_id),
  i as (
    insert into order_items (store_id, order_id, position, sku, title, categories, quantity, unit_price, discount, tax, total)
    select $1, o.id, p, 'sku-' || p, 'Lantern', '{lighting}', 1, 500, 0, 0, 500 from o, generate_series(0, 1) p)
  insert into events (store_id, id, customer_id, kind, subject_id, actor, data, occurred_at)
    select $1, gen_random_uuid(), o.customer_id, 'order.placed', o.id, 'system', '{}', now() from o`;

async function preload(owner: pg.Pool, storeId: string, orders: number): Promise<void> {
  const customers = orders / 4;
  const step = 12_500;
  for (let from = 0; from < customers; from += step) {
    await owner.query(PRELOAD, [storeId, from, Math.min(from + step, customers)]);
  }
  for (const table of ['customers', 'orders', 'order_items', 'events']) {
    await owner.query(`vacuum analyze ${table}`);
  }
}

/** A database of its own with so many orders in it. */
interface World {
  level: number;
  owner: pg.Pool;
  ctx(): Ctx;
  times: Record<'fresh' | 'known' | 'hand', number[]>;
  close(): Promise<unknown>;
}

async function openWorld(serverUrl: string, level: number): Promise<World> {
  const url = await ensureDatabase(serverUrl, `bench_${level}`);
  await migrateAll(url);
  const pool = openPool({ url, size: 2, statementTimeoutMs: 600_000, role: APP_ROLE });
  const owner = openPool({ url, size: 2, statementTimeoutMs: 600_000 });
  const storeId = newId();
  const ctx = () => systemContext(dbOf(pool, storeId), pino({ level: 'silent' }));
  await openStore(ctx(), { name: 'Bench', currency: 'EUR', timezone: 'Europe/Berlin', locale: 'en' });
  for (let first = 0; first < KNOWN_CUSTOMERS; first += BATCH / 2) {
    await ingest(
      ctx,
      deliveries((customer) => `known-${first + customer}@example.com`),
    );
  }
  await preload(owner, storeId, level);
  const close = () => Promise.all([pool.end(), owner.end()]);
  return { level, owner, ctx, times: { fresh: [], known: [], hand: [] }, close };
}

async function runRound({ owner, ctx, times }: World, shape: Shape, counts: boolean): Promise<void> {
  const batch = fresh();
  const freshMs = await timed(() => ingest(ctx, batch));
  const rows = await rowsLike(owner, ctx().storeId, batch);
  const handMs = await timed(() => insertByHand(ctx(), shape, rows));
  const others = known();
  const knownMs = await timed(() => ingest(ctx, others));
  if (!counts) return;
  times.fresh.push(freshMs);
  times.hand.push(handMs);
  times.known.push(knownMs);
}

function report({ level, times }: World, base: World): void {
  const perOrder = (list: readonly number[]) => `${((median(list) / BATCH) * 1000).toFixed(0)} µs`;
  const growth = (kind: keyof World['times']) =>
    `${(median(times[kind]) / median(base.times[kind])).toFixed(2)} ×`;
  say(
    `${level} orders stored: new guests ${perOrder(times.fresh)} per order (${growth('fresh')}), ` +
      `known customers ${perOrder(times.known)} (${growth('known')}), by hand ${perOrder(times.hand)} ` +
      `(${growth('hand')}); hand-written ÷ ours ${(median(times.hand) / median(times.fresh)).toFixed(2)}`,
  );
}

const dataDir = await mkdtemp(join(tmpdir(), 'clientele-bench-'));
const server = await startEmbeddedPostgres({ dataDir, durable: false });
try {
  const worlds: World[] = [];
  for (const level of levels) worlds.push(await openWorld(server.url, level));
  const [base] = worlds;
  const shape = base && (await shapeOf(base.owner));
  // Round by round over all databases, so that whatever else the machine does hits them alike.
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const world of worlds) if (shape) await runRound(world, shape, round >= WARM_UP);
  }
  for (const world of worlds) if (base) report(world, base);
  await Promise.all(worlds.map((world) => world.close()));
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}
