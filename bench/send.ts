// What sending costs: a campaign of personalised mails of 10 kB to a sink in another process, against a bare nodemailer pool
// that renders the same template in a loop; with and without DKIM; with a second worker process.
// node dist/bench/send.js [recipients a round, default 2000] [sections, default all: plain,dkim,second]
import { fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Liquid } from 'liquidjs';
import nodemailer from 'nodemailer';
import pg from 'pg';
import pino from 'pino';
import { sendDueMails } from '../src/actions/mail-sending.ts';
import { openStore } from '../src/actions/stores.ts';
import { readConfig } from '../src/config.ts';
import { newId, systemContext } from '../src/context.ts';
import { APP_ROLE } from '../src/database.ts';
import { dbOf, openPool } from '../src/db/connection.ts';
import { openMail } from '../src/mail.ts';
import { fillAudience } from '../test/support/campaigns.ts';
import { type SinkProcess, startSinkProcess } from '../test/support/smtp-sink.ts';
import { median, openWorld, say } from './world.ts';

const RECIPIENTS = Number(process.argv[2] ?? 2_000);
const SECTIONS = ['plain', 'dkim', 'second'] as const;
const sections = new Set(process.argv[3]?.split(',') ?? SECTIONS);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const CONNECTIONS = 5;
const LANES = 2;
/** What a relay takes for a mail, and how much faster two workers have to be then. */
const RELAY_MS = 20;
const SCALE_BAR = 1.7;
const SECRET = 'a secret for benches that is long enough';
const NEVER = new AbortController().signal;

const PARAGRAPH =
  'Our spring collection is here, {{ customer.firstName }}: from tea lights to pillars, every candle is made by hand. ';
const HTML = `<!doctype html><html><body><h1>Hello {{ customer.firstName }} {{ customer.lastName }}</h1>
<p>{% if customer.ordersCount > 3 %}Thank you for {{ customer.ordersCount }} orders.{% else %}Good to have you.{% endif %}</p>
<table>${Array.from({ length: 20 }, (_, row) => `<tr><td>${row}</td><td>{{ data.items[${row}].title }}</td></tr>`).join('')}</table>
${`<p>${PARAGRAPH.repeat(3)}</p>`.repeat(20)}
<p><a href="{{ links.unsubscribe }}">Unsubscribe</a> <a href="{{ links.preferences }}">Preferences</a></p></body></html>`;
const TEXT = `Hello {{ customer.firstName }}\n\n${`${PARAGRAPH}\n\n`.repeat(12)}{{ links.unsubscribe }}`;
const ITEMS = Array.from({ length: 20 }, (_, row) => ({ title: `Candle number ${row}` }));

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const DKIM = { DKIM_DOMAIN: 'store.example', DKIM_SELECTOR: 'bench', DKIM_PRIVATE_KEY: privateKey };

interface Worker {
  /** Sends what is due in the store, with as many lanes as a worker process has. */
  work(storeId: string): Promise<void>;
  close(): Promise<void>;
}

/** What a worker process has, in this one. */
async function openWorker(env: Record<string, string>, url: string): Promise<Worker> {
  const mail = await openMail(readConfig({ APP_SECRET: SECRET, NODE_ENV: 'test', ...env }));
  const pool = openPool({ url, size: 10, statementTimeoutMs: 30_000, role: APP_ROLE });
  return {
    async work(storeId) {
      const ctx = () => systemContext(dbOf(pool, storeId), pino({ level: 'silent' }));
      await Promise.all(
        Array.from({ length: LANES }, () => sendDueMails(ctx(), mail.way, { signal: NEVER })),
      );
    },
    async close() {
      await Promise.all([mail.close(), pool.end()]);
    },
  };
}

/** The same in a process of its own. */
async function forkWorker(env: Record<string, string>, url: string): Promise<Worker> {
  const child = fork(fileURLToPath(import.meta.url), ['--worker', url], { env: { ...process.env, ...env } });
  await once(child, 'message');
  return {
    async work(storeId) {
      child.send(storeId);
      await once(child, 'message');
    },
    async close() {
      child.send('close');
      await once(child, 'exit');
    },
  };
}

async function serveWorker(url: string): Promise<void> {
  const { SMTP_URL = '', DKIM_DOMAIN, DKIM_SELECTOR = '', DKIM_PRIVATE_KEY = '' } = process.env;
  const dkim = DKIM_DOMAIN ? { DKIM_DOMAIN, DKIM_SELECTOR, DKIM_PRIVATE_KEY } : {};
  const worker = await openWorker({ SMTP_URL, SMTP_CONNECTIONS: String(CONNECTIONS), ...dkim }, url);
  process.on('message', async (storeId: string) => {
    if (storeId === 'close') {
      await worker.close();
      process.exit(0);
    }
    await worker.work(storeId);
    process.send?.('done');
  });
  process.send?.('ready');
}

interface Shop {
  storeId: string;
  /** A running campaign to everybody, whose mails are due now. */
  fill(): Promise<void>;
}

async function openShop(url: string, owner: pg.Pool): Promise<Shop> {
  const pool = openPool({ url, size: 2, statementTimeoutMs: 30_000, role: APP_ROLE });
  const storeId = newId();
  const ctx = systemContext(dbOf(pool, storeId), pino({ level: 'silent' }));
  await openStore(ctx, { name: 'Bench', currency: 'EUR', timezone: 'Europe/Berlin', locale: 'en' });
  await owner.query(
    `update stores set settings = settings || '{"sender": {"name": "Bench", "email": "shop@store.example"}}' where id = $1`,
    [storeId],
  );
  await fillAudience(owner, storeId, { count: RECIPIENTS });
  const templateId = newId();
  await owner.query(
    `insert into templates (store_id, id, key, locale, name, class, format, subject, preheader, source, variables, missing,
       published, version, created_at, updated_at)
     values ($1, $2, 'bench', 'en', 'Bench', 'marketing', 'html', $3, '', $4, '[]', 'blank', 1, 1, now(), now())`,
    [storeId, templateId, SUBJECT, HTML],
  );
  await owner.query(
    `insert into template_versions (store_id, template_id, number, format, subject, preheader, source, variables, missing,
       html, text, published_by, published_at)
     values ($1, $2, 1, 'html', $3, '', $4, '[]', 'blank', $4, $5, 'bench', now())`,
    [storeId, templateId, SUBJECT, HTML, TEXT],
  );
  await pool.end();
  return {
    storeId,
    async fill() {
      const id = newId();
      await owner.query(
        `insert into campaigns (store_id, id, name, status, template_id, template_version, topic, plan, starts_at, audience,
           actor, version, created_at, updated_at)
         values ($1, $2, 'Bench', 'running', $3, 1, 'newsletter', $4, now(), $5, 'bench', 1, now(), now())`,
        [storeId, id, templateId, JSON.stringify(PLAN), RECIPIENTS],
      );
      await owner.query(
        `insert into messages (store_id, id, customer_id, kind, class, status, campaign_id, topic, domain, data, send_after,
           created_at)
         select $1, gen_random_uuid(), c.id, 'campaign', 'marketing', 'ready', $2, 'newsletter', 'people.example', '{}',
           now(), now()
         from customers c where c.store_id = $1`,
        [storeId, id],
      );
      await owner.query('analyze messages');
    },
  };
}

const SUBJECT = 'Spring is here, {{ customer.firstName }}';
const PLAN = {
  audience: { everyone: true },
  exclusions: {},
  sendMode: 'instant',
  holdoutPercent: 0,
  brake: { bouncePercent: 100, complaintPercent: 100, minimum: 1000 },
  data: { items: ITEMS },
  resultDays: 7,
};

/** The least that sends the same mails: one parsed template, one pool, no account of anything. */
function openBare(sinkUrl: string, dkim: boolean) {
  const liquid = new Liquid({ outputEscape: 'escape' });
  const [html, text, subject] = [liquid.parse(HTML), new Liquid().parse(TEXT), new Liquid().parse(SUBJECT)];
  const transport = nodemailer.createTransport({
    url: sinkUrl,
    pool: true,
    maxConnections: CONNECTIONS,
    maxMessages: Number.POSITIVE_INFINITY,
    ...(dkim && { dkim: { domainName: 'store.example', keySelector: 'bench', privateKey } }),
  });
  const one = (number: number) => {
    const scope = {
      customer: { firstName: `P${number}`, lastName: 'Person', ordersCount: 0 },
      data: { items: ITEMS },
      links: {
        unsubscribe: `https://shop.example/pages/unsubscribe/${number}`,
        preferences: `https://shop.example/pages/preferences/${number}`,
      },
    };
    return transport.sendMail({
      from: 'Bench <shop@store.example>',
      to: `p${number}@people.example`,
      subject: liquid.renderSync(subject, scope),
      html: liquid.renderSync(html, scope),
      text: liquid.renderSync(text, scope),
    });
  };
  return {
    async work() {
      let number = 0;
      const client = async () => {
        while (number < RECIPIENTS) await one(++number);
      };
      await Promise.all(Array.from({ length: CONNECTIONS * 2 }, client));
    },
    close: () => transport.close(),
  };
}

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

/** Longest that the event loop of this process was late while `work` ran, at the 99th percentile, ms. */
async function lateness(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await work();
  delay.disable();
  return Math.max(0, delay.percentile(99) / 1e6 - 5);
}

let isMissed = false;
function line(what: string, numbers: string, value: number, bar: number): void {
  const isReached = value >= bar;
  if (!isReached) isMissed = true;
  say(
    `${what.padEnd(34)} ${numbers.padEnd(60)} ${value.toFixed(2)} × (bar ≥ ${bar}) ${isReached ? '' : 'MISSED'}`,
  );
}

async function compare(
  name: string,
  sinkUrl: string,
  url: string,
  owner: pg.Pool,
  dkim: boolean,
): Promise<void> {
  const shop = await openShop(url, owner);
  const env = { SMTP_URL: sinkUrl, SMTP_CONNECTIONS: String(CONNECTIONS), ...(dkim && DKIM) };
  const [ours, bare] = [await openWorker(env, url), openBare(sinkUrl, dkim)];
  const times = { ours: [] as number[], bare: [] as number[], late: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    await shop.fill();
    let late = 0;
    const took = await secondsOf(async () => {
      late = await lateness(() => ours.work(shop.storeId));
    });
    const bareTook = await secondsOf(() => bare.work());
    if (round === 0) continue;
    times.ours.push(RECIPIENTS / took);
    times.bare.push(RECIPIENTS / bareTook);
    times.late.push(late);
  }
  await ours.close();
  bare.close();
  const [mine, limit] = [median(times.ours), median(times.bare)];
  const late = `loop late p99 ${median(times.late).toFixed(1)} ms`;
  line(
    name,
    `${mine.toFixed(0)}/s against ${limit.toFixed(0)}/s of the bare pool, ${late}`,
    mine / limit,
    0.7,
  );
}

/**
 * One worker process against two. Where a mail costs nothing but processor time there is nothing to win on two cores that
 * one worker, PostgreSQL and the sink fill; a relay that takes its time, as real ones do, is waited for by more at once.
 */
async function scale(name: string, sink: SinkProcess, url: string, owner: pg.Pool): Promise<number> {
  const shop = await openShop(url, owner);
  const env = { SMTP_URL: sink.url, SMTP_CONNECTIONS: String(CONNECTIONS) };
  const workers = [await forkWorker(env, url), await forkWorker(env, url)] as const;
  const rates: Record<'one' | 'two', number[]> = { one: [], two: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    await shop.fill();
    const one = await secondsOf(() => workers[0].work(shop.storeId));
    await shop.fill();
    const two = await secondsOf(() => Promise.all(workers.map((worker) => worker.work(shop.storeId))));
    if (round === 0) continue;
    rates.one.push(RECIPIENTS / one);
    rates.two.push(RECIPIENTS / two);
  }
  await Promise.all(workers.map((worker) => worker.close()));
  const [one, two] = [median(rates.one), median(rates.two)];
  const numbers = `${two.toFixed(0)}/s against ${one.toFixed(0)}/s`;
  say(`${name.padEnd(34)} ${numbers.padEnd(60)} ${(two / one).toFixed(2)} ×`);
  return two / one;
}

async function scaleAll(sink: SinkProcess, url: string, owner: pg.Pool): Promise<void> {
  await scale('two workers against one', sink, url, owner);
  await sink.setFaults([{ at: 'answer', waitMs: RELAY_MS }]);
  const gain = await scale(`the same, relay takes ${RELAY_MS} ms`, sink, url, owner);
  if (gain < SCALE_BAR) isMissed = true;
  say(`${''.padEnd(95)} (bar ≥ ${SCALE_BAR}) ${gain < SCALE_BAR ? 'MISSED' : ''}`);
}

async function main(): Promise<void> {
  const world = await openWorld();
  const sink = await startSinkProcess();
  const owner = new pg.Pool({ connectionString: world.url, max: 2 });
  try {
    say(
      `${RECIPIENTS} recipients a round, ${ROUNDS} rounds, mails of ${(HTML.length / 1000).toFixed(1)} kB HTML\n`,
    );
    if (sections.has('plain')) await compare('sending', sink.url, world.url, owner, false);
    if (sections.has('dkim')) await compare('sending with DKIM', sink.url, world.url, owner, true);
    if (sections.has('second')) await scaleAll(sink, world.url, owner);
  } finally {
    await owner.end();
    await sink.end();
    await world.close();
  }
  if (isMissed) process.exitCode = 1;
}

if (process.argv[2] === '--worker') await serveWorker(process.argv[3] ?? '');
else await main();
