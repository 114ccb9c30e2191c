// The customer list at 1,000,000 customers: requests per second of its first page against a bare Fastify handler with
// the same SQL, interleaved, and how long every sort, filter and quick search takes at one connection.
// Bars: ≥ 0.7 × requests/s; p95 ≤ 15 ms for sorts with tag and country filters, ≤ 60 ms for a quick search.
import autocannon from 'autocannon';
import pg from 'pg';
import { CUSTOMER_SORTS } from '../src/domain/customer-filter.ts';
import { generateCustomers } from './generate.ts';
import { launch, median, openWorld, percentile, type Served, say } from './world.ts';

const CUSTOMERS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;
const SECONDS = 4;
const CONNECTIONS = 16;
const REPEATS = 16;
const SECRET = 'a secret for benches that is long enough';

const FILTERS: readonly (readonly [name: string, query: string])[] = [
  ['none', ''],
  ['tag of a quarter', 'tag=tag%20001'],
  ['tag of 1 %', 'tag=tag%20010'],
  ['tag of 1 ‰', 'tag=tag%20200'],
  ['country of half', 'country=DE'],
  ['country of 1 %', 'country=IS'],
  ['tag and country, common', 'tag=tag%20001&country=DE'],
  ['tag and country, rare', 'tag=tag%20010&country=IS'],
];

const SEARCHES: readonly (readonly [name: string, query: string])[] = [
  ['common prefix', 'an'],
  ['common name', 'berg'],
  ['rare term', 'zimmerworth yara'],
  ['email', 'nils.eichum1@example.com'],
  ['inside of words', 'ichum'],
  ['in half of all', 'example'],
  ['no hit', 'zzzqqq'],
];

async function requestsPerSecond(server: Served, token: string): Promise<number> {
  const result = await autocannon({
    url: `${server.url}/v1/customers`,
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { authorization: `Bearer ${token}` },
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 2xx`);
  return result.requests.average;
}

interface Timed {
  median: number;
  p95: number;
}

/** Milliseconds of a list and of its second page, one request after the other. */
async function time(server: Served, query: string): Promise<Timed> {
  const headers = { authorization: `Bearer ${server.token}` };
  const times: number[] = [];
  let url = `${server.url}/v1/customers?${query}`;
  for (let n = 0; n < REPEATS; n++) {
    const start = performance.now();
    const response = await fetch(url, { headers });
    const { page } = (await response.json()) as { page: { nextCursor: string | null } };
    if (n > 0) times.push(performance.now() - start);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    if (page.nextCursor && n % 2 === 0) url = `${server.url}/v1/customers?${query}&cursor=${page.nextCursor}`;
  }
  return { median: median(times), p95: percentile(times, 0.95) };
}

async function sayThroughput(service: Served, bare: Served): Promise<void> {
  const rounds: Record<'service' | 'bare', number[]> = { service: [], bare: [] };
  await requestsPerSecond(service, service.token);
  await requestsPerSecond(bare, service.token);
  for (let n = 0; n < ROUNDS; n++) {
    rounds.service.push(await requestsPerSecond(service, service.token));
    rounds.bare.push(await requestsPerSecond(bare, service.token));
  }
  const [ours, theirs] = [median(rounds.service), median(rounds.bare)];
  say(`| first page, ${CONNECTIONS} connections | requests/s |\n| --- | --- |`);
  say(`| service | ${ours.toFixed(0)} |\n| bare | ${theirs.toFixed(0)} |`);
  say(`| ratio | ${(ours / theirs).toFixed(2)} (bar ≥ 0.7) |\n`);
}

async function sayLists(service: Served): Promise<void> {
  say('| filter | median over sorts, ms | p95 over sorts, ms | slowest sort |\n| --- | --- | --- | --- |');
  for (const [name, query] of FILTERS) {
    const timed: (Timed & { sort: string })[] = [];
    for (const sort of CUSTOMER_SORTS.flatMap((column) => [column, `-${column}`])) {
      timed.push({ sort, ...(await time(service, `sort=${sort}&${query}`)) });
    }
    const slowest = timed.toSorted((one, other) => other.p95 - one.p95)[0];
    const over = (key: 'median' | 'p95', share: number) =>
      percentile(
        timed.map((one) => one[key]),
        share,
      ).toFixed(1);
    say(
      `| ${name} | ${over('median', 0.5)} | ${over('p95', 0.95)} | ${slowest?.sort} ${slowest?.p95.toFixed(1)} |`,
    );
  }
}

async function saySearches(service: Served): Promise<void> {
  say('\n| quick search | median, ms | p95, ms |\n| --- | --- | --- |');
  for (const [name, term] of SEARCHES) {
    const timed = await time(service, `q=${encodeURIComponent(term)}`);
    say(`| ${name} | ${timed.median.toFixed(1)} | ${timed.p95.toFixed(1)} |`);
  }
}

const world = await openWorld();
const settings = { APP_SECRET: SECRET, JWT_SECRET: SECRET, DATA_DIR: world.dataDir };
const service = await launch(new URL('./serve-clientele.js', import.meta.url), [world.url, 'api'], settings);
const bare = await launch(new URL('./serve-bare.js', import.meta.url), [world.url, SECRET]);
try {
  const owner = new pg.Client({ connectionString: world.url });
  await owner.connect();
  const start = performance.now();
  await generateCustomers(owner, { storeId: service.storeId, customers: CUSTOMERS });
  say(`${CUSTOMERS} customers made in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  await owner.end();
  await sayThroughput(service, bare);
  await sayLists(service);
  await saySearches(service);
} finally {
  await Promise.all([service.stop(), bare.stop()]);
  await world.close();
}
