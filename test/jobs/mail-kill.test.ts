// A campaign under fire: workers are killed while it is sent. Nobody gets it twice, nobody is lost from the account, and it ends
// (M1–M5). On PostgreSQL, and on Redis where there is one.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { fillAudience, makeCampaign, readyToSend, sendCampaign, statesOf } from '../support/campaigns.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { startSinkProcess, type ToldMail } from '../support/smtp-sink.ts';
import { type ServiceProcess, startWorkerProcess } from '../support/worker-process.ts';

/** `MAIL_KILLS=100` is the full form. */
const KILLS = Number(process.env.MAIL_KILLS ?? 15);
const RECIPIENTS = 2_000;
const LEASE_MS = 2_500;
/** So slow that the campaign lasts as long as the kills. */
const WORK_MS = 1_500;
const { TEST_REDIS_URL: redisUrl } = process.env;

const database = await testDatabase(t);
const app = await testApp(t, database);
t.setTimeout(Math.max(290_000, KILLS * 12_000));

const FINAL = new Set(['completed', 'failed', 'cancelled', 'expired', 'paused']);

async function campaignOf(store: TestStore, id: string) {
  return (await store.call('GET', `/v1/campaigns/${id}`)).data;
}

/** At any moment: everybody of the audience is in exactly one state. */
async function checkBalanced(t: Test, store: TestStore, id: string): Promise<void> {
  const { data } = await store.call('GET', `/v1/campaigns/${id}/reconciliation`);
  t.equal(data.balanced, true, 'the accounting identity');
  t.equal(data.audience, RECIPIENTS);
}

/** What the sink accepted against what the rows say. */
async function checkOnce(
  t: Test,
  store: TestStore,
  id: string,
  accepted: readonly ToldMail[],
): Promise<void> {
  const recipients = accepted.flatMap(({ to }) => to);
  t.equal(new Set(recipients).size, recipients.length, 'nobody got it twice');
  t.equal(
    new Set(accepted.map(({ messageId }) => messageId)).size,
    accepted.length,
    'each Message-ID came once',
  );
  const { sent = 0, unknown = 0, ...others } = await statesOf(database.owner, store.storeId, id);
  t.same(others, {}, 'everything was sent or is in doubt');
  t.equal(sent + unknown, RECIPIENTS, 'nobody is lost');
  const { rows } = await database.owner.query<{ email: string; status: string }>(
    `select c.email_norm as email, m.status from messages m
     join customers c on c.store_id = m.store_id and c.id = m.customer_id
     where m.store_id = $1 and m.campaign_id = $2`,
    [store.storeId, id],
  );
  const got = new Set(recipients);
  const lost = rows.filter(({ email, status }) => status === 'sent' && !got.has(email));
  t.same(lost, [], 'who is told as sent got it');
  const doubted = rows.filter(({ status }) => status === 'unknown');
  t.equal(
    recipients.length,
    sent + doubted.filter(({ email }) => got.has(email)).length,
    'sent = accepted, but for unknown',
  );
  t.comment(
    `${sent} sent, ${unknown} unknown of which ${doubted.filter(({ email }) => got.has(email)).length} arrived`,
  );
}

function suite(name: string, env: Record<string, string>, skip: string | false): void {
  t.test(
    `M1 M5 ${name}: a campaign to ${RECIPIENTS} survives ${KILLS} kills of its worker`,
    { skip, timeout: Math.max(280_000, KILLS * 12_000) },
    async (t) => {
      const sink = await startSinkProcess();
      t.teardown(() => sink.end());
      await sink.setFaults([{ at: 'answer', waitMs: 5 }]);
      const startOne = (): Promise<ServiceProcess> =>
        startWorkerProcess({
          DATABASE_URL: database.url,
          APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
          SMTP_URL: sink.url,
          SMTP_CONNECTIONS: '5',
          SWEEP_INTERVAL_MS: '300',
          MAIL_LEASE_MS: String(LEASE_MS),
          ...env,
        });
      const store = await testStore(app, database);
      await readyToSend(store);
      await fillAudience(database.owner, store.storeId, { count: RECIPIENTS });
      const id = await makeCampaign(store, { perSecond: Math.ceil((RECIPIENTS / KILLS / WORK_MS) * 1_000) });
      let worker = await startOne();
      t.teardown(() => worker.end('SIGKILL'));
      const begun = await sendCampaign(store, id);
      t.equal(begun.statusCode, 202, begun.body);
      let kills = 0;
      while (kills < KILLS && !FINAL.has((await campaignOf(store, id)).status)) {
        await sleep(200 + Math.random() * 2 * WORK_MS);
        await worker.end('SIGKILL');
        kills++;
        const { preparedAt } = await campaignOf(store, id);
        if (preparedAt) await checkBalanced(t, store, id);
        worker = await startOne();
      }
      const deadline = Date.now() + 120_000;
      while (!FINAL.has((await campaignOf(store, id)).status) && Date.now() < deadline) await sleep(200);
      const { status } = await campaignOf(store, id);
      t.equal(status, 'completed', 'the campaign ended');
      await checkBalanced(t, store, id);
      await checkOnce(t, store, id, await sink.accepted());
      t.ok(kills >= Math.min(KILLS, 10), `${kills} kills while it was sent`);
    },
  );
}

suite('PostgreSQL', {}, false);
suite('Redis', { REDIS_URL: redisUrl ?? '' }, redisUrl ? false : 'TEST_REDIS_URL names no Redis');
