// A campaign under fire: what it stands on is killed while it is sent; nobody gets it twice, nobody is lost from the account,
// and it ends (M1–M5).
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Test } from 'tap';
import { fillAudience, makeCampaign, readyToSend, sendCampaign } from './campaigns.ts';
import { TEST_CONFIG, type TestDatabase, type TestStore, testStore } from './harness.ts';
import { checkSound } from './invariants.ts';
import { type SinkProcess, startSinkProcess } from './smtp-sink.ts';
import { type ServiceProcess, startWorkerProcess } from './worker-process.ts';

/**
 * The kills fall into this part of the campaign, by mails that arrived; the rest is sent at full speed. With many kills up
 * to three mails of ten stay unknown and never arrive.
 */
const PART_UNDER_FIRE = 0.6;
/** Long enough for a busy machine to make a batch, or workers take it from each other for ever. */
const LEASE_MS = 6_000;
/** Longer than it takes until others go on where a killed worker was. */
const PATIENCE_MS = 5_000;
const POLL_MS = 10;
const END_MS = 120_000;
const FINAL = new Set(['completed', 'failed', 'cancelled', 'expired', 'paused']);

/** Longest time of a test with so many kills. */
export const fireTimeoutMs = (kills: number): number => END_MS + kills * 10_000;

export interface FirePlan {
  recipients: number;
  kills: number;
  /** Time in which the sink answers a mail, until the last kill. */
  answerMs: number;
}

export interface CampaignUnderFire {
  /** Settings of the workers that are to send it. */
  workerEnv: Record<string, string>;
  /**
   * Sends it. `kill` is called at a random mail of each share of it, with the number of the kill from 1, and resolves when the
   * database answers. So all kills come before its end, however slow the machine is: who is dead sends nothing.
   */
  survive(kill: (number: number) => Promise<void>): Promise<void>;
}

/** `MAIL_KILLS=full` is the full form, of `npm run kill:campaign`. */
export const isFullForm = process.env.MAIL_KILLS === 'full';

/** Kills of workers. */
export const WORKER_FIRE: FirePlan = {
  recipients: isFullForm ? 3_000 : 2_000,
  kills: isFullForm ? 100 : 15,
  answerMs: 50,
};
/** Kills of what the workers stand on; they need some seconds to come back to work. */
export const SERVER_FIRE: FirePlan = {
  recipients: 1_000,
  kills: isFullForm ? 10 : 3,
  answerMs: 50,
};

/** Makes a campaign in a store of its own, and a sink for its mails. */
export async function campaignUnderFire(
  t: Test,
  { app, database }: { app: FastifyInstance; database: TestDatabase },
  plan: FirePlan,
): Promise<CampaignUnderFire> {
  const { recipients, kills } = plan;
  const sink = await startSinkProcess();
  t.teardown(() => sink.end());
  await sink.setFaults([{ at: 'answer', waitMs: plan.answerMs }]);
  const store = await testStore(app, database);
  await readyToSend(store);
  await fillAudience(database.owner, store.storeId, { count: recipients });
  const id = await makeCampaign(store);
  const share = (recipients * PART_UNDER_FIRE) / kills;
  const begunAt = Date.now();

  /** Somewhere in the share of the kill; earlier where nothing is sent for too long. */
  async function moment(number: number): Promise<void> {
    const mails = (number - Math.random()) * share;
    const latest = Date.now() + PATIENCE_MS;
    while ((await sink.count()) < mails && Date.now() < latest) await sleep(POLL_MS);
  }

  return {
    workerEnv: {
      DATABASE_URL: database.url,
      APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
      SMTP_URL: sink.url,
      SMTP_CONNECTIONS: '5',
      SWEEP_INTERVAL_MS: '300',
      MAIL_LEASE_MS: String(LEASE_MS),
    },
    async survive(kill) {
      const answer = await sendCampaign(store, id);
      t.equal(answer.statusCode, 202, answer.body);
      let sendingAtKill = 0;
      for (let number = 1; number <= kills; number++) {
        await moment(number);
        await kill(number);
        const { status, preparedAt } = await campaignOf(store, id);
        if (!FINAL.has(status)) sendingAtKill++;
        if (preparedAt) await checkBalanced(t, store, id, recipients);
      }
      t.equal(sendingAtKill, kills, 'all kills came while it was sent');
      await sink.setFaults([]);
      t.equal(await endOf(store, id), 'completed', 'the campaign ended');
      await checkBalanced(t, store, id, recipients);
      const counts = await checkOnce(t, { database, store, sink }, id, recipients);
      await checkSound(t, database, store);
      const seconds = Math.round((Date.now() - begunAt) / 1_000);
      t.comment(
        `${kills} kills in ${seconds} s: ${counts.sent} sent, ${counts.unknown} unknown of which ${counts.arrived} arrived`,
      );
    },
  };
}

async function campaignOf(store: TestStore, id: string) {
  return (await store.call('GET', `/v1/campaigns/${id}`)).data;
}

/** How it ended, or where it stands after the longest wait. */
async function endOf(store: TestStore, id: string): Promise<string> {
  const deadline = Date.now() + END_MS;
  for (;;) {
    const { status } = await campaignOf(store, id);
    if (FINAL.has(status) || Date.now() > deadline) return status;
    await sleep(200);
  }
}

/** At any moment: everybody of the audience is in exactly one state. */
async function checkBalanced(t: Test, store: TestStore, id: string, audience: number): Promise<void> {
  const { data } = await store.call('GET', `/v1/campaigns/${id}/reconciliation`);
  t.match(data, { balanced: true, audience }, 'the accounting identity');
}

interface Recipient {
  email: string;
  status: string;
  reason: string | null;
  isLeased: boolean;
}

/** What the sink accepted against what the rows say. */
async function checkOnce(
  t: Test,
  { database, store, sink }: { database: TestDatabase; store: TestStore; sink: SinkProcess },
  id: string,
  audience: number,
): Promise<{ sent: number; unknown: number; arrived: number }> {
  const accepted = await sink.accepted();
  const recipients = accepted.flatMap(({ to }) => to);
  const got = new Set(recipients);
  t.equal(got.size, recipients.length, 'nobody got it twice');
  const messageIds = new Set(accepted.map(({ messageId }) => messageId));
  t.equal(messageIds.size, accepted.length, 'each Message-ID came once');
  const { rows } = await database.owner.query<Recipient>(
    `select c.email_norm as email, m.status, m.reason, m.lease_until is not null as "isLeased" from messages m
     join customers c on c.store_id = m.store_id and c.id = m.customer_id
     where m.store_id = $1 and m.campaign_id = $2`,
    [store.storeId, id],
  );
  t.equal(rows.length, audience, 'nobody is lost');
  const sent = rows.filter(({ status }) => status === 'sent');
  const unknown = rows.filter(({ status }) => status === 'unknown');
  const others = rows.filter(({ status }) => status !== 'sent' && status !== 'unknown');
  t.same(others, [], 'everything was sent or is in doubt');
  const leased = rows.filter(({ isLeased }) => isLeased);
  t.same(leased, [], 'nothing stays leased');
  const missed = sent.filter(({ email }) => !got.has(email));
  t.same(missed, [], 'who is told as sent got it');
  const arrived = unknown.filter(({ email }) => got.has(email)).length;
  t.equal(accepted.length, sent.length + arrived, 'sent = accepted, but for unknown');
  return { sent: sent.length, unknown: unknown.length, arrived };
}

export interface Squad {
  /** Kills one that is at work, whichever, and starts another in its place without waiting for it. */
  killOne(): Promise<void>;
}

/** Two workers side by side: what one left behind the other takes up while the next one starts. */
export async function startSquad(t: Test, env: Record<string, string>): Promise<Squad> {
  const members = new Set<Promise<ServiceProcess>>();
  t.teardown(() => Promise.all([...members].map(async (member) => (await member).end('SIGKILL'))));
  for (const _ of ['first', 'second']) members.add(startWorkerProcess(env));
  await Promise.all(members);
  return {
    async killOne() {
      const inAnyOrder = [...members].sort(() => Math.random() - 0.5);
      const victim = await Promise.race(inAnyOrder.map(async (member) => ({ member, worker: await member })));
      members.delete(victim.member);
      await victim.worker.end('SIGKILL');
      members.add(startWorkerProcess(env));
    },
  };
}
