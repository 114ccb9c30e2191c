// A campaign to 1,000,000 customers: what it takes to simulate it and to freeze its audience, with every check that there is.
// BENCH_CUSTOMERS=1000000 node dist/bench/campaigns.js [folder that keeps the world for the next run]
import pg from 'pg';
import pino from 'pino';
import { audienceQuestion } from '../src/actions/campaign-audience.ts';
import { sendCampaign } from '../src/actions/campaign-life.ts';
import { prepareCampaign } from '../src/actions/campaign-preparation.ts';
import { type CampaignInput, createCampaign, reconcileCampaign } from '../src/actions/campaigns.ts';
import { openStore } from '../src/actions/stores.ts';
import { type Ctx, newId, systemContext } from '../src/context.ts';
import { APP_ROLE } from '../src/database.ts';
import { allowLongStatement, countAudience } from '../src/db/campaign-audience.ts';
import { findCampaign } from '../src/db/campaigns.ts';
import { dbOf, openPool, transaction } from '../src/db/connection.ts';
import { DEFAULT_SETTINGS } from '../src/domain/stores.ts';
import { roll } from './bulk-load.ts';
import { generateCustomers } from './generate.ts';
import { median, openWorld, say } from './world.ts';

const CUSTOMERS = Number(process.env.BENCH_CUSTOMERS ?? 1_000_000);
const FOLDER = process.argv[2];
const ROUNDS = 3;
const MOST_SIMULATE_S = 3;
const MOST_PREPARE_S = 25;
/** What the process may grow by while a million rows are made. */
const MOST_GROWTH_MB = 50;

let isMissed = false;
const against = (value: number, most: number, unit: string): string => {
  if (value > most) isMissed = true;
  return `${value.toFixed(2)} ${unit} (bar ≤ ${most} ${unit}${value > most ? ', MISSED' : ''})`;
};

/** Two of three customers agreed, some took it back or never confirmed; a few addresses are suppressed. */
const CONSENTS = `
  insert into consents (store_id, channel, address, topic, state, since, effective_at, event_id)
  select $1, 'email', email_norm, 'offers',
    case when dice < 0.66 then 'granted' when dice < 0.74 then 'withdrawn' else 'pending' end, created_at, created_at, id
  from (select c.*, ${roll('hashtextextended(id::text, 0)', 'consent')} as dice from customers c where store_id = $1) c
  where email_norm is not null and dice < 0.76`;
const SUPPRESSIONS = `
  insert into suppressions (store_id, address_hash, email, reason, bounces, counted_since, active, actor, created_at, updated_at)
  select $1, decode(md5(email_norm), 'hex'), email_norm, 'hard_bounce', 0, created_at, true, 'system', created_at, created_at
  from customers where store_id = $1 and email_norm is not null and ${roll('hashtextextended(id::text, 0)', 'bounce')} < 0.01`;
/** Every fifth customer got a mail lately, every fiftieth a second one. */
const SENT = `
  insert into messages (store_id, id, customer_id, kind, class, status, topic, data, send_after, created_at, sent_at)
  select $1, gen_random_uuid(), id, 'automation', 'marketing', 'sent', 'offers', '{}', at, at, at
  from (select c.id, generate_series(1, case when dice < 0.02 then 2 else 1 end), now() - dice * 5 * interval '10 days' as at
    from (select id, ${roll('hashtextextended(id::text, 0)', 'sent')} as dice from customers where store_id = $1) c
    where dice < 0.2) sent`;
/** One of a hundred has the mailbox of another one. */
const TWINS = `
  update customers c set email_key = o.email_key from (
    select id, email_key, lead(id) over (order by id) as next from customers where store_id = $1 and email_key is not null) o
  where c.store_id = $1 and c.id = o.next and ${roll('hashtextextended(c.id::text, 0)', 'twin')} < 0.01`;
const ZONES = `
  update customers set timezone = (array['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney'])[
    1 + floor(4 * ${roll('hashtextextended(id::text, 0)', 'zone')})::int]
  where store_id = $1 and ${roll('hashtextextended(id::text, 0)', 'has zone')} < 0.3`;
const TEMPLATE = `
  insert into templates (store_id, id, key, locale, name, class, format, subject, preheader, source, variables, missing,
    published, version, created_at, updated_at)
  values ($1, $2, 'bench', 'en', 'Bench', 'marketing', 'html', 'Hello', '', '<p>Hello</p>', '[]', 'blank', 1, 1, now(), now())`;

async function fill(owner: pg.Client, storeId: string): Promise<void> {
  const began = performance.now();
  await generateCustomers(owner, { storeId, customers: CUSTOMERS });
  for (const text of [TWINS, ZONES, CONSENTS, SUPPRESSIONS, SENT]) await owner.query(text, [storeId]);
  await owner.query('vacuum (analyze)');
  say(`${CUSTOMERS} customers made in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
}

async function findOrOpen(ctx: (storeId: string) => Ctx, owner: pg.Client): Promise<string> {
  const { rows } = await owner.query<{ id: string }>('select id from stores');
  if (rows[0]) return rows[0].id;
  const storeId = newId();
  await openStore(ctx(storeId), {
    name: 'Bench',
    currency: 'EUR',
    timezone: 'Europe/Berlin',
    locale: 'en',
    settings: {
      ...DEFAULT_SETTINGS,
      sender: { name: 'Bench', email: 'shop@example.com' },
      mail: {
        postalAddress: 'Main Street 1, Berlin',
        contactLimit: { messages: 2, days: 7 },
        quietHours: { from: '22:00', to: '08:00' },
      },
    },
  });
  await fill(owner, storeId);
  return storeId;
}

const rssMb = (): number => process.memoryUsage().rss / 2 ** 20;

/** The largest size of this process while `work` runs. */
async function peakDuring<T>(
  work: () => Promise<T>,
): Promise<{ result: T; grownMb: number; seconds: number }> {
  const before = rssMb();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, rssMb());
  }, 100);
  const began = performance.now();
  const result = await work();
  clearInterval(timer);
  return { result, grownMb: peak - before, seconds: (performance.now() - began) / 1000 };
}

/** Campaigns from the plainest to one with everything. */
const CAMPAIGNS: Record<string, (segmentId: string) => CampaignInput> = {
  'everybody, at once': () => ({ audience: { everyone: true } }),
  'everybody, with hold-out, once-key, exclusions, local time': (segmentId) => ({
    audience: { everyone: true },
    exclusions: { segmentIds: [segmentId], tags: ['tag 001'] },
    holdoutPercent: 5,
    onceKey: 'bench',
    sendMode: 'local_time',
  }),
  'a segment and a tag': (segmentId) => ({ audience: { segmentIds: [segmentId], tags: ['tag 001'] } }),
};

const world = await openWorld({ folder: FOLDER });
const pool = openPool({ url: world.url, size: 2, statementTimeoutMs: 15_000, role: APP_ROLE });
const owner = new pg.Client({ connectionString: world.url });
const ctxOf = (storeId: string): Ctx => ({
  ...systemContext(dbOf(pool, storeId), pino({ level: 'silent' }), 'staff:bench'),
  now: new Date(),
});

try {
  await owner.connect();
  const storeId = await findOrOpen(ctxOf, owner);
  const ctx = () => ctxOf(storeId);
  const templateId = newId();
  await owner.query('delete from messages where campaign_id is not null');
  await owner.query('delete from campaigns');
  await owner.query(`delete from templates where key = 'bench'`);
  await owner.query('vacuum (analyze) messages');
  await owner.query(TEMPLATE, [storeId, templateId]);
  const { rows } = await owner.query<{ id: string }>(
    `select id from segments where store_id = $1 order by slug limit 1`,
    [storeId],
  );
  say(
    '| campaign | audience | get it | simulate | prepare | growth |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const [name, planOf] of Object.entries(CAMPAIGNS)) {
    const input = { name, templateId, topic: 'offers', ...planOf(rows[0]?.id ?? '') };
    const { id } = await createCampaign(ctx(), input);
    const campaign = await findCampaign(ctx().db, id);
    if (!campaign) throw new Error('the campaign is gone');
    const plan = { ...campaign.plan, ...(input.sendMode && { localTime: '2030-05-05T10:00:00' }) };
    await owner.query('update campaigns set plan = $2 where id = $1', [id, plan]);
    const simulated: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      await transaction(ctx().db, async (tx) => {
        await allowLongStatement(tx);
        await countAudience(tx, await audienceQuestion(ctx(), tx, { ...campaign, plan }), {
          paced: [],
          others: false,
        });
      });
      simulated.push((performance.now() - began) / 1000);
    }
    await sendCampaign(ctx(), id);
    const preparing = await findCampaign(ctx().db, id);
    if (!preparing) throw new Error('the campaign is gone');
    const { result, grownMb, seconds } = await peakDuring(() =>
      transaction(ctx().db, (tx) => prepareCampaign(ctx(), tx, preparing)),
    );
    const account = await reconcileCampaign(ctx().db, id);
    if (!account.balanced) throw new Error(`${name} is not balanced`);
    const cells = [
      name,
      account.audience,
      result.ready ?? 0,
      against(median(simulated), MOST_SIMULATE_S, 's'),
      against(seconds, MOST_PREPARE_S, 's'),
      against(grownMb, MOST_GROWTH_MB, 'MB'),
    ];
    say(`| ${cells.join(' | ')} |`);
  }
  if (isMissed) say('\nNot all bars were reached.');
} finally {
  await Promise.all([pool.end(), owner.end()]);
  await world.close();
}
