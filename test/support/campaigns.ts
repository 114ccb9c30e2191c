// Campaigns in tests: a store that may send, people who agreed, and the accounting of what became of them.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Answer, TestStore } from './harness.ts';

/** Longest wait for the audience of a campaign. */
const PREPARATION_MS = 30_000;
const ADDRESS = 'Test store, Torstr. 1, 10119 Berlin';

/** Settings without which no campaign can start. */
export async function readyToSend(store: TestStore, mail: object = {}): Promise<void> {
  await store.call('PATCH', '/v1/store', { sender: { name: 'Test store', email: 'shop@store.example' } });
  const answer = await store.call('PATCH', '/v1/mail/settings', { postalAddress: ADDRESS, ...mail });
  if (answer.statusCode !== 200) throw new Error(answer.body);
}

/** Adds customers `p1@…` to `pN@…` by SQL, each subscribed to the topic unless told. */
export async function fillAudience(
  owner: pg.Pool,
  storeId: string,
  {
    count,
    domain = 'people.example',
    topic = 'newsletter',
  }: { count: number; domain?: string; topic?: string | null },
): Promise<void> {
  await owner.query(
    `insert into customers (store_id, id, email, email_norm, email_key, first_name, last_name, account_status, source,
       accepts_marketing, wholesale, custom, orders_count, total_spent, refunded_total, sort_name, search_text, version,
       created_at, updated_at)
     select $1, gen_random_uuid(), e, e, e, 'P' || n, 'Person', 'guest', 'import', $4, false, '{}', 0, 0, 0,
       'person p' || n, 'person p' || n || ' ' || e, 1, now(), now()
     from (select n, 'p' || n || '@' || $3 as e from generate_series(1, $2::integer) n) people`,
    [storeId, count, domain, topic !== null],
  );
  if (topic === null) return;
  await owner.query(
    `insert into consents (store_id, channel, address, topic, state, since, effective_at, event_id)
     select store_id, 'email', email_norm, $3, 'granted', now(), now(), gen_random_uuid()
     from customers where store_id = $1 and email_norm like '%@' || $2`,
    [storeId, domain, topic],
  );
}

/** Id of a published template of the store by its key. */
export async function templateId(store: TestStore, key: string): Promise<string> {
  const { data } = await store.call('GET', `/v1/templates?key=${key}`);
  return data.data[0].id;
}

/** A campaign to everybody, by the ready-made newsletter of offers unless told. */
export async function makeCampaign(store: TestStore, input: object = {}): Promise<string> {
  const body = {
    name: 'Spring',
    templateId: await templateId(store, 'special_offer'),
    topic: 'newsletter',
    audience: { everyone: true },
    data: OFFER,
    ...input,
  };
  const answer = await store.call('POST', '/v1/campaigns', body);
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.data.id;
}

const OFFER = {
  title: '15 % off all candles',
  description: 'From tea lights to pillars.',
  validUntil: '2026-12-31',
};

export const sendCampaign = (store: TestStore, id: string): Promise<Answer> =>
  store.call('POST', `/v1/campaigns/${id}/send`, undefined, { 'idempotency-key': randomUUID() });

/** Sends a campaign and waits until its audience is drawn up: who comes later does not belong to it. */
export async function sendAndPrepare(store: TestStore, id: string): Promise<void> {
  const answer = await sendCampaign(store, id);
  if (answer.statusCode !== 202) throw new Error(answer.body);
  for (const end = Date.now() + PREPARATION_MS; Date.now() < end; await sleep(20)) {
    if ((await store.call('GET', `/v1/campaigns/${id}`)).data.preparedAt) return;
  }
  throw new Error('The campaign was not prepared.');
}

/** Rows of a campaign by state. */
export async function statesOf(owner: pg.Pool, storeId: string, id: string): Promise<Record<string, number>> {
  const { rows } = await owner.query<{ status: string; count: number }>(
    `select status, count(*)::int as count from messages where store_id = $1 and campaign_id = $2 group by status`,
    [storeId, id],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}
