// One-click unsubscribing over HTTP (RFC 8058) while mails of a campaign are written down: the time of each POST, at a steady
// rate, from a process of its own. Bar: p99 ≤ 20 ms.
// BENCH_POSTS a second, default 100, for BENCH_SECONDS, default 10.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { unsubscribeTokenOf } from '../src/clients/mail-identity.ts';
import { readConfig } from '../src/config.ts';
import { mailSecretsOf } from '../src/mail.ts';
import { startService } from '../src/server.ts';
import { openWorld, percentile, say } from './world.ts';

const PER_SECOND = Number(process.env.BENCH_POSTS ?? 100);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10);
const POSTS = PER_SECOND * SECONDS;
/** Mails that a worker writes down at a time, as fast as it can. */
const BATCH = 100;
const CLIENT = 'client';

interface Load {
  url: string;
  tokens: readonly string[];
}

async function postAll({ url, tokens }: Load): Promise<number[]> {
  const started = performance.now();
  const posts = tokens.map(async (token, index) => {
    await sleep(started + (index * 1000) / PER_SECOND - performance.now());
    const begun = performance.now();
    const answer = await fetch(`${url}/pages/unsubscribe/${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    });
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    return performance.now() - begun;
  });
  return Promise.all(posts);
}

function runClient(): void {
  process.on('message', async (load: Load) => process.send?.(await postAll(load)));
}

/** Customers who agreed to offers, and a mail of a campaign to each; resolves to the ids of the mails. */
async function fill(owner: pg.Pool, storeId: string, count: number): Promise<string[]> {
  await owner.query(
    `insert into customers (store_id, id, email, email_norm, account_status, source, accepts_marketing, wholesale, custom,
       orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
     select $1, gen_random_uuid(), e, e, 'guest', 'api', true, false, '{}', 0, 0, 0, e, e, 1, now(), now()
     from (select 'c' || n || '@example.com' as e from generate_series(1, $2) n) emails`,
    [storeId, count],
  );
  await owner.query(
    `with agreed as (
       insert into consent_events (store_id, id, channel, address, topic, customer_id, action, state, effective_at,
         recorded_at, source, actor, proof)
       select $1, gen_random_uuid(), 'email', c.email_norm, t.key, c.id, 'grant', 'granted', now() - interval '1 day', now(),
         'api', 'bench', '{}'
       from customers c join topics t on t.store_id = c.store_id where c.store_id = $1
       returning *)
     insert into consents (store_id, channel, address, topic, state, since, effective_at, event_id)
     select store_id, channel, address, topic, state, effective_at, effective_at, id from agreed`,
    [storeId],
  );
  const { rows } = await owner.query<{ id: string }>(
    `insert into messages (store_id, id, customer_id, kind, class, status, topic, to_email, domain, data, created_at)
     select $1, gen_random_uuid(), c.id, 'campaign', 'marketing', 'ready', 'offers', c.email, 'example.com', '{}', now()
     from customers c where c.store_id = $1 returning id`,
    [storeId],
  );
  await owner.query('analyze');
  return rows.map(({ id }) => id);
}

/** Writes mails down as a worker does, until told to stop. */
async function sendMeanwhile(owner: pg.Pool, storeId: string, ids: readonly string[], until: AbortSignal) {
  const write = (set: string, batch: readonly string[]) =>
    owner.query(`update messages set ${set} where store_id = $1 and id = any($2::uuid[])`, [storeId, batch]);
  for (let at = 0; !until.aborted; at = (at + BATCH) % ids.length) {
    const batch = ids.slice(at, at + BATCH);
    await write("status = 'sending', lease_until = now() + interval '1 minute'", batch);
    await write("status = 'sent', lease_until = null, sent_at = now()", batch);
  }
}

async function measure(): Promise<void> {
  const world = await openWorld();
  const config = readConfig({
    APP_SECRET: 'a secret for benches that is long enough',
    DATA_DIR: world.dataDir,
    DATABASE_URL: world.url,
    ROLE: 'api',
    PORT: '0',
    LOG_LEVEL: 'warn',
  });
  const service = await startService(config);
  const owner = new pg.Pool({ connectionString: world.url, max: 3 });
  const { rows } = await owner.query<{ id: string }>('select id from stores limit 1');
  const storeId = rows[0]?.id ?? '';
  const ids = await fill(owner, storeId, 3 * POSTS + BATCH);
  const secrets = mailSecretsOf(config);
  const tokens = ids.map((id) => unsubscribeTokenOf(secrets, { storeId, id }));
  const client = fork(fileURLToPath(import.meta.url), [CLIENT]);
  const post = async (from: number) => {
    client.send({ url: service.url ?? '', tokens: tokens.slice(from, from + POSTS) } satisfies Load);
    return ((await once(client, 'message')) as [number[]])[0];
  };
  say(`| ${PER_SECOND} a second, ${POSTS} posts | p50 ms | p99 ms | most ms |\n| --- | --- | --- | --- |`);
  const row = (title: string, times: readonly number[]) =>
    say(`| ${title} | ${[0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(1)).join(' | ')} |`);
  await post(0);
  row('alone', await post(POSTS));
  const campaign = new AbortController();
  const sending = sendMeanwhile(owner, storeId, ids, campaign.signal);
  row('while a campaign runs (bar: p99 ≤ 20)', await post(2 * POSTS));
  campaign.abort();
  await sending;
  client.kill();
  await owner.end();
  await service.stop();
  await world.close();
}

if (process.argv[2] === CLIENT) runClient();
else await measure();
