// The segment engine at 1,000,000 customers, 5,000,000 orders and 10,000,000 lines: ten reference segments against
// hand-written SQL, interleaved, and what one customer, one page and one long query cost.
// node dist/bench/segments.js [customers, default 1000000] [folder that keeps the world for the next run]
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { APP_ROLE } from '../src/database.ts';
import { type Db, dbOf, execute, openPool } from '../src/db/connection.ts';
import { countCustomers } from '../src/db/customer-counts.ts';
import { resolveNames, selectionCondition } from '../src/db/customer-selection.ts';
import { conditionOf } from '../src/db/segments/compile.ts';
import { loadFacts } from '../src/db/segments/facts.ts';
import { LIMITS, nodesOf } from '../src/domain/segments/ast.ts';
import { bind } from '../src/domain/segments/bind.ts';
import type { Bound } from '../src/domain/segments/bound.ts';
import { matches } from '../src/domain/segments/evaluate.ts';
import { catalogueOf } from '../src/domain/segments/fields.ts';
import { Calendar, formatDay, momentOf } from '../src/domain/segments/moments.ts';
import { parseQuery } from '../src/domain/segments/parse.ts';
import { printQuery } from '../src/domain/segments/print.ts';
import { isRefusal } from '../src/domain/segments/problems.ts';
import { generateShop } from './generate.ts';
import { AT, CURRENCY, REFERENCE_SEGMENTS, type ReferenceSegment, TIMEZONE } from './reference-segments.ts';
import { launch, median, openWorld, percentile, type Served, say } from './world.ts';

const CUSTOMERS = Number(process.argv[2] ?? 1_000_000);
const FOLDER = process.argv[3];
const ORDERS_EACH = 5;
const ROUNDS = 3;
const SECRET = 'a secret for benches that is long enough';
/** Requests for a page, at most so many and no more after so long. */
const REPEATS = 40;
const PATIENCE_MS = 15_000;
/** A segment of at most this share of all customers is selective. */
const SELECTIVE = 0.05;
const SEGMENTS = 200;
const SAMPLED_CUSTOMERS = 200;
const LONG_QUERIES = 200;

const env = {
  catalogue: catalogueOf([]),
  calendar: new Calendar(AT, TIMEZONE),
  currency: CURRENCY,
  segments: new Map(),
  groups: [],
};

/** The bound query of a text; one that is refused or not canonical is a mistake of the bench. */
function boundOf(text: string): Bound {
  const parsed = parseQuery(text);
  if (isRefusal(parsed)) throw new Error(`${text}: ${JSON.stringify(parsed.problems)}`);
  const bound = bind(parsed.query, env, parsed.places);
  if (isRefusal(bound)) throw new Error(`${text}: ${JSON.stringify(bound.problems)}`);
  if (printQuery(parsed.query) !== text) throw new Error(`not canonical: ${text}`);
  return bound;
}

let isMissed = false;

/** A figure beside its bar; above it the run fails in the end. */
function against(value: number, most: number, unit: string, digits = 2): string {
  if (value > most) isMissed = true;
  return `${value.toFixed(digits)} ${unit} (bar ≤ ${most} ${unit}${value > most ? ', MISSED' : ''})`;
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

async function engineIds(db: Db, segment: Bound): Promise<string[]> {
  const condition = selectionCondition(db.storeId, await resolveNames(db, { segment }));
  const rows = await execute<{ id: string }>(db, sql`select customers.id from customers where ${condition}`);
  return rows.map(({ id }) => id);
}

/** The hand-written statement with the ids of its tags and groups in place. */
async function handText(owner: pg.Client, storeId: string, { hand }: ReferenceSegment): Promise<string> {
  const { rows } = await owner.query<{ token: string; id: string }>(
    `select '{tag ' || name || '}' as token, id from tags where store_id = $1
     union all select '{group ' || name || '}', id from groups where store_id = $1`,
    [storeId],
  );
  return rows.reduce((text, { token, id }) => text.replaceAll(token, `'${id}'`), hand);
}

const WAYS = ['count', 'count by hand', 'members', 'members by hand'] as const;
type Way = (typeof WAYS)[number];

interface Measured {
  name: string;
  members: number;
  /** Milliseconds, median of the rounds. */
  times: Record<Way, number>;
}

function checkSame(name: string, ours: readonly string[], byHand: readonly string[]): void {
  const known = new Set(byHand);
  const strangers = ours.filter((id) => !known.has(id));
  if (strangers.length === 0 && ours.length === byHand.length) return;
  throw new Error(
    `${name}: ${ours.length} members, ${byHand.length} by hand, ${strangers.length} of ours unknown there`,
  );
}

/** Rounds of all four ways, one after the other, behind one to warm up that also compares the members. */
async function measure(db: Db, owner: pg.Client, reference: ReferenceSegment): Promise<Measured> {
  const segment = boundOf(reference.query);
  const text = await handText(owner, db.storeId, reference);
  const byHand = async <Row extends object>(select: string): Promise<Row[]> =>
    (await owner.query<Row>(`select ${select} ${text}`, [db.storeId])).rows;
  const ways: Record<Way, () => Promise<unknown>> = {
    count: () => countCustomers(db, { segment }),
    'count by hand': () => byHand('count(*)'),
    members: () => engineIds(db, segment),
    'members by hand': () => byHand('c.id'),
  };
  const ours = await engineIds(db, segment);
  checkSame(
    reference.name,
    ours,
    (await byHand<{ id: string }>('c.id')).map(({ id }) => id),
  );
  const rounds: Record<Way, number[]> = {
    count: [],
    'count by hand': [],
    members: [],
    'members by hand': [],
  };
  for (let n = 0; n <= ROUNDS; n++) {
    for (const way of WAYS) {
      const { ms } = await timed(ways[way]);
      if (n > 0) rounds[way].push(ms);
    }
  }
  const times = Object.fromEntries(WAYS.map((way) => [way, median(rounds[way])])) as Record<Way, number>;
  return { name: reference.name, members: ours.length, times };
}

const MOST_TIMES = 1.15;

async function saySets(db: Db, owner: pg.Client): Promise<Measured[]> {
  say('| segment | members | count, ms | by hand | × | members, ms | by hand | × |');
  say('| --- | --- | --- | --- | --- | --- | --- | --- |');
  const all: Measured[] = [];
  const ratio = (ours: number, theirs: number): string => {
    const times = ours / theirs;
    if (times > MOST_TIMES) isMissed = true;
    return `${times.toFixed(2)}${times > MOST_TIMES ? ' MISSED' : ''}`;
  };
  for (const reference of REFERENCE_SEGMENTS) {
    const measured = await measure(db, owner, reference);
    const { times: t } = measured;
    const cells = [
      measured.name,
      measured.members,
      t.count.toFixed(0),
      t['count by hand'].toFixed(0),
      ratio(t.count, t['count by hand']),
      t.members.toFixed(0),
      t['members by hand'].toFixed(0),
      ratio(t.members, t['members by hand']),
    ];
    say(`| ${cells.join(' | ')} |`);
    all.push(measured);
  }
  const seconds = (way: Way) => all.reduce((sum, { times }) => sum + times[way], 0) / 1000;
  say(`\nEach ≤ ${MOST_TIMES} × the hand-written one.`);
  say(
    `The ten counted: ${against(seconds('count'), 15, 's')}, by hand ${seconds('count by hand').toFixed(2)} s.`,
  );
  say(
    `Their members: ${against(seconds('members'), 15, 's')}, by hand ${seconds('members by hand').toFixed(2)} s.\n`,
  );
  return all;
}

/** The query with days instead of offsets: requests are bound to their own time. */
const withDays = (query: string): string =>
  query.replace(/[+-]\d+[dwmy]\b|\btoday\b/g, (text) => {
    const moment = momentOf({ type: text === 'today' ? 'day' : 'offset', text }, env.calendar);
    return formatDay(moment?.day ?? Number.NaN);
  });

/** Milliseconds of one request after the other. */
async function requestTimes(service: Served, queries: readonly string[]): Promise<number[][]> {
  const times = queries.map((): number[] => []);
  const patienceEnds = performance.now() + PATIENCE_MS;
  for (let n = 0; n <= REPEATS && (n < 4 || performance.now() < patienceEnds); n++) {
    for (const [index, query] of queries.entries()) {
      const { ms } = await timed(async () => {
        const headers = { authorization: `Bearer ${service.token}` };
        const response = await fetch(`${service.url}/v1/customers?${query}`, { headers });
        const body = await response.text();
        if (!response.ok) throw new Error(`${response.status} ${body}`);
      });
      if (n > 0) times[index]?.push(ms);
    }
  }
  return times;
}

const filterOf = (query: string): string => `filter=${encodeURIComponent(query)}`;

async function sayPages(service: Served, sizes: readonly Measured[]): Promise<void> {
  say('| first page of 50 by -totalSpent | share of all | median, ms | p95, ms |\n| --- | --- | --- | --- |');
  for (const { name, query } of REFERENCE_SEGMENTS) {
    const share = (sizes.find((size) => size.name === name)?.members ?? 0) / CUSTOMERS;
    const asked = `${filterOf(withDays(query))}&sort=-totalSpent&limit=50`;
    const times = await requestTimes(service, [asked]).then(
      ([of = []]) => of,
      (error: Error) => say(`| ${name} | ${error.message} | | |`),
    );
    if (!times) {
      isMissed = true;
      continue;
    }
    const p95 = percentile(times, 0.95);
    const shown = share <= SELECTIVE ? against(p95, 100, 'ms', 0) : p95.toFixed(0);
    say(`| ${name} | ${(share * 100).toFixed(1)} % | ${median(times).toFixed(0)} | ${shown} |`);
  }
}

/** The same selection as parameters and as a query. */
const ALIKE: readonly (readonly [parameters: string, query: string])[] = [
  ['tag=tag%20010', "customer_tags CONTAINS 'tag 010'"],
  ['tag=tag%20001&country=DE', "customer_tags CONTAINS 'tag 001' AND default_country = 'DE'"],
  ['totalSpentMin=500000', 'amount_spent >= 5000'],
  ['ordersCountMin=20&country=IS', "number_of_orders >= 20 AND default_country = 'IS'"],
  [
    'accountStatus=active&acceptsMarketing=true',
    "account_status = 'active' AND email_consent = 'subscribed'",
  ],
];

async function sayLists(service: Served): Promise<void> {
  say('\n| list of 50 | by parameters, ms | by query, ms | × |\n| --- | --- | --- | --- |');
  for (const [parameters, query] of ALIKE) {
    for (const sort of ['', '&sort=-totalSpent']) {
      const [plain = [], asked = []] = await requestTimes(service, [
        `${parameters}${sort}`,
        `${filterOf(query)}${sort}`,
      ]);
      const times = against(median(asked) / median(plain), 1.1, '×');
      say(`| ${parameters}${sort} | ${median(plain).toFixed(1)} | ${median(asked).toFixed(1)} | ${times} |`);
    }
  }
}

/** Different segments of the shapes of the ten: every number a little more. */
const variants = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const { query = '' } = REFERENCE_SEGMENTS[index % REFERENCE_SEGMENTS.length] ?? {};
    const more = Math.floor(index / REFERENCE_SEGMENTS.length);
    return query.replace(/\d+/g, (digits) => String(Number(digits) + more).padStart(digits.length, '0'));
  });

const cpuMs = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

/** Milliseconds of CPU and of the clock to ask one customer about all segments. */
async function sayOneCustomer(db: Db, owner: pg.Client): Promise<void> {
  const { rows } = await owner.query<{ id: string }>(
    `select id from customers where store_id = $1 and orders_count > 0 order by md5(id::text) limit $2`,
    [db.storeId, SAMPLED_CUSTOMERS],
  );
  const segments = variants(SEGMENTS).map(boundOf);
  const evaluating: number[] = [];
  const whole: number[] = [];
  for (const { id } of rows) {
    let cpu = 0;
    const { ms } = await timed(async () => {
      const facts = await loadFacts(db, id, { catalogue: env.catalogue, at: env.calendar.at });
      const before = process.cpuUsage();
      if (facts) segments.filter((segment) => matches(segment, facts));
      cpu = cpuMs(before);
    });
    evaluating.push(cpu);
    whole.push(ms);
  }
  const [cpu, wall] = [evaluating, whole].map((times) => times.slice(rows.length / 10)) as [
    number[],
    number[],
  ];
  say(`\n| one customer, ${SEGMENTS} segments | median, ms | p95 |\n| --- | --- | --- |`);
  say(`| facts loaded, CPU | ${against(median(cpu), 2, 'ms')} | ${percentile(cpu, 0.95).toFixed(2)} |`);
  say(`| with loading, wall | ${against(median(wall), 10, 'ms')} | ${percentile(wall, 0.95).toFixed(2)} |`);
}

/** As long as a query may be: the eight clauses several times, and a list of values up to the last byte. */
function longQuery(): string {
  const blocks = variants(SEGMENTS)
    .filter((_, index) => index % 10 === 9)
    .slice(0, 6);
  const values: string[] = [];
  const text = () => `${blocks.join(' OR ')} OR email_domain IN (${values.join(', ')})`;
  for (let n = 1; text().length < LIMITS.bytes - 30; n++) values.push(`'shop-${n}.example.org'`);
  return text();
}

function sayLongQuery(storeId: string): void {
  const text = longQuery();
  const parsed = parseQuery(text);
  const nodes = isRefusal(parsed) ? 0 : nodesOf(parsed.query).length;
  const times: number[] = [];
  for (let n = 0; n < LONG_QUERIES; n++) {
    const start = performance.now();
    conditionOf(boundOf(text), { storeId });
    times.push(performance.now() - start);
  }
  const warm = times.slice(LONG_QUERIES / 10);
  say(
    `\n| query of ${text.length} bytes, ${nodes} nodes | first, ms | median | p95 |\n| --- | --- | --- | --- |`,
  );
  const shown = [against(median(warm), 5, 'ms'), percentile(warm, 0.95).toFixed(2)];
  say(`| parse, check, compile | ${times[0]?.toFixed(1)} | ${shown.join(' | ')} |`);
}

/** Makes the shop unless an earlier run did. */
async function fill(owner: pg.Client, storeId: string): Promise<void> {
  const { rows } = await owner.query<{ known: number }>('select count(*)::int as known from customers');
  const known = rows[0]?.known;
  if (known === CUSTOMERS) return;
  if (known) throw new Error(`${FOLDER} has a world of ${known} customers`);
  const options = { storeId, customers: CUSTOMERS, orders: CUSTOMERS * ORDERS_EACH };
  const { ms } = await timed(() => generateShop(owner, options));
  const { rows: sizes } = await owner.query<{ size: string }>(
    'select pg_size_pretty(pg_database_size(current_database())) as size',
  );
  say(
    `${CUSTOMERS} customers, ${options.orders} orders made in ${(ms / 1000).toFixed(0)} s, ${sizes[0]?.size}\n`,
  );
}

const world = await openWorld({ folder: FOLDER });
const settings = { APP_SECRET: SECRET, JWT_SECRET: SECRET, DATA_DIR: world.dataDir };
const service = await launch(new URL('./serve-clientele.js', import.meta.url), [world.url, 'api'], settings);
const pool = openPool({ url: world.url, size: 1, statementTimeoutMs: 600_000, role: APP_ROLE });
const owner = new pg.Client({ connectionString: world.url });
try {
  await owner.connect();
  const { storeId } = service;
  const db = dbOf(pool, storeId);
  await fill(owner, storeId);
  const sizes = await saySets(db, owner);
  await sayPages(service, sizes);
  await sayLists(service);
  await sayOneCustomer(db, owner);
  sayLongQuery(storeId);
  if (isMissed) say('\nNot all bars were reached.');
} finally {
  await Promise.all([service.stop(), pool.end(), owner.end()]);
  await world.close();
}
