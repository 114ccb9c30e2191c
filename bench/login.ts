// Log-in over HTTP, 50 clients at once, against bare argon2 with the same cap on concurrent hashes, interleaved.
// Bars: log-ins ≤ 1.15 × the time of bare verifies; the event loop < 20 ms late meanwhile. The CPU of the process for each is
// told too: on a machine that others use it is the steadier number.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { passwords } from '../src/clients/passwords.ts';
import { readConfig } from '../src/config.ts';
import { startService } from '../src/server.ts';
import { median, openWorld, say } from './world.ts';

const CLIENTS = 50;
const ROUNDS = 5;
const SECONDS = 4;
const RESOLUTION_MS = 2;
const CLIENT = 'client';
const PASSWORD = 'correct horse battery staple';

interface Load {
  url: string;
  key: string;
  emails: readonly string[];
}

/** The clients, in a process of their own: each logs in to an account of its own, again and again. */
async function logInAgain({ url, key }: Load, email: string, until: number): Promise<number> {
  let count = 0;
  while (performance.now() < until) {
    const answer = await fetch(`${url}/storefront/v1/login`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    count++;
  }
  return count;
}

function runClients(): void {
  process.on('message', async (load: Load) => {
    const until = performance.now() + SECONDS * 1000;
    const counts = await Promise.all(load.emails.map((email) => logInAgain(load, email, until)));
    process.send?.(counts.reduce((sum, count) => sum + count, 0));
  });
}

interface Round {
  perSecond: number;
  cpuMs: number;
  lateP99Ms: number;
  lateMs: number;
}

/** Runs `work` and says how late the event loop was meanwhile. */
async function watched(work: () => Promise<number>): Promise<Round> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const before = process.cpuUsage();
  delay.enable();
  const count = await work();
  delay.disable();
  const { user, system } = process.cpuUsage(before);
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const used = { perSecond: count / SECONDS, cpuMs: (user + system) / 1000 / count };
  return { ...used, lateP99Ms: late(delay.percentile(99)), lateMs: late(delay.max) };
}

async function verifyAgain(stored: string, until: number): Promise<number> {
  let count = 0;
  for (; performance.now() < until; count++) await passwords.verify(stored, PASSWORD);
  return count;
}

async function bareVerifies(stored: string): Promise<number> {
  const until = performance.now() + SECONDS * 1000;
  const counts = await Promise.all(Array.from({ length: CLIENTS }, () => verifyAgain(stored, until)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function post(url: string, token: string, path: string, body: object): Promise<Record<string, string>> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json() as Promise<Record<string, string>>;
}

async function measure(): Promise<void> {
  const world = await openWorld();
  const service = await startService(
    readConfig({
      APP_SECRET: 'a secret for benches that is long enough',
      DATA_DIR: world.dataDir,
      DATABASE_URL: world.url,
      ROLE: 'api',
      PORT: '0',
      LOG_LEVEL: 'warn',
      RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2000000000',
    }),
  );
  const { url = '', token = '' } = service;
  const emails = Array.from({ length: CLIENTS }, (_, index) => `shopper-${index}@example.com`);
  for (const email of emails) await post(url, token, '/v1/customers', { email, password: PASSWORD });
  const { key = '' } = await post(url, token, '/v1/api-keys', { name: 'Bench', kind: 'publishable' });
  const stored = await passwords.hash(PASSWORD);
  const clients = fork(fileURLToPath(import.meta.url), [CLIENT]);
  const load: Load = { url, key, emails };
  const logIns = async () => {
    clients.send(load);
    return ((await once(clients, 'message')) as [number])[0];
  };
  const rounds = { logIn: [] as Round[], bare: [] as Round[] };
  await logIns();
  for (let n = 0; n < ROUNDS; n++) {
    rounds.logIn.push(await watched(logIns));
    rounds.bare.push(await watched(() => bareVerifies(stored)));
  }
  const of = (name: keyof typeof rounds, key: keyof Round) => median(rounds[name].map((round) => round[key]));
  const row = (name: keyof typeof rounds, title: string) => {
    const [perSecond, cpu] = [of(name, 'perSecond').toFixed(1), of(name, 'cpuMs').toFixed(2)];
    return `| ${title} | ${perSecond} | ${cpu} | ${of(name, 'lateP99Ms').toFixed(1)} | ${of(name, 'lateMs').toFixed(1)} |`;
  };
  say(
    `| ${CLIENTS} at once | per second | CPU ms | event loop late, p99 ms | most ms |\n| --- | --- | --- | --- | --- |`,
  );
  say(`${row('logIn', 'log-in')}\n${row('bare', 'bare argon2 verify')}`);
  const time = of('bare', 'perSecond') / of('logIn', 'perSecond');
  const cpu = of('logIn', 'cpuMs') / of('bare', 'cpuMs');
  say(
    `| ratio | ${time.toFixed(2)} (bar ≤ 1.15) | ${cpu.toFixed(2)} | | ${of('logIn', 'lateMs').toFixed(1)} (bar < 20) |`,
  );
  clients.kill();
  await service.stop();
  await world.close();
}

if (process.argv[2] === CLIENT) runClients();
else await measure();
