// GET one customer (JWT, row-level security, full JSON) against a bare Fastify handler, interleaved; and with traces of every
// request, sent to a collector that throws them away.
// Bars: ≥ 0.8 × requests/s and ≤ 1.3 × CPU per request.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import autocannon from 'autocannon';
import pg from 'pg';
import { generateCustomers } from './generate.ts';
import { launch, median, openWorld, type Served, say } from './world.ts';

const ROUNDS = 7;
const SECONDS = 4;
const CONNECTIONS = 16;
const SECRET = 'a secret for benches that is long enough';

interface Round {
  requestsPerSecond: number;
  cpuMicroseconds: number;
}

async function round(server: Served, token: string, ids: readonly string[]): Promise<Round> {
  const before = await server.cpuSeconds();
  const result = await autocannon({
    url: server.url,
    connections: CONNECTIONS,
    duration: SECONDS,
    requests: ids.map((id) => ({
      path: `/v1/customers/${id}`,
      headers: { authorization: `Bearer ${token}` },
    })),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 2xx, ${result.errors} errors`);
  const used = (await server.cpuSeconds()) - before;
  return {
    requestsPerSecond: result.requests.average,
    cpuMicroseconds: (used / result.requests.total) * 1e6,
  };
}

/** Takes whatever comes and keeps nothing. */
async function openCollector(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

const world = await openWorld();
const collector = await openCollector();
const settings = { APP_SECRET: SECRET, JWT_SECRET: SECRET, DATA_DIR: world.dataDir };
const service = await launch(new URL('./serve-clientele.js', import.meta.url), [world.url, 'api'], settings);
const traced = await launch(new URL('./serve-clientele.js', import.meta.url), [world.url, 'api'], {
  ...settings,
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
});
const bare = await launch(new URL('./serve-bare.js', import.meta.url), [world.url, SECRET]);
const servers = { service, traced, bare };
type Name = keyof typeof servers;
try {
  const owner = new pg.Client({ connectionString: world.url });
  await owner.connect();
  await generateCustomers(owner as never, { storeId: service.storeId, customers: 10_000 });
  await owner.query('vacuum analyze');
  const { rows } = await owner.query('select id from customers order by md5(id::text) limit 500');
  await owner.end();
  const ids = rows.map((row) => row.id as string);
  const rounds: Record<Name, Round[]> = { service: [], traced: [], bare: [] };
  for (let n = 0; n <= ROUNDS; n++) {
    for (const [name, server] of Object.entries(servers) as [Name, Served][]) {
      const measured = await round(server, service.token, ids);
      if (n > 0) rounds[name].push(measured);
    }
  }
  const of = (name: Name, key: keyof Round) => median(rounds[name].map((one) => one[key]));
  const row = (name: Name) =>
    `| ${name} | ${of(name, 'requestsPerSecond').toFixed(0)} | ${of(name, 'cpuMicroseconds').toFixed(0)} |`;
  say(`| GET one customer, ${CONNECTIONS} connections | requests/s | CPU µs/request |\n| --- | --- | --- |`);
  say(`${row('service')}\n${row('traced')}\n${row('bare')}`);
  const speed = of('service', 'requestsPerSecond') / of('bare', 'requestsPerSecond');
  const cost = of('service', 'cpuMicroseconds') / of('bare', 'cpuMicroseconds');
  say(`| ratio | ${speed.toFixed(2)} (bar ≥ 0.8) | ${cost.toFixed(2)} (bar ≤ 1.3) |`);
} finally {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  collector.close();
  await world.close();
}
