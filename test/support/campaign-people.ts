// People of campaigns in tests, each with what decides about them, and the jobs of a campaign done here.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { campaignEndSlice, campaignPrepareSlice } from '../../src/actions/campaign-preparation.ts';
import { runJob } from '../../src/actions/jobs.ts';
import { newId } from '../../src/context.ts';
import { templateId } from './campaigns.ts';
import type { TestStore } from './harness.ts';

const NEVER = new AbortController().signal;

/** Freezes the audience of a campaign that was sent, as its job does. */
export const prepare = (store: TestStore, id: string, at = new Date()) =>
  runJob({ ...store.ctx(at), actor: `job:${id}` }, id, campaignPrepareSlice, NEVER);

/** Ends the mails of a campaign that ended early, as its job does. */
export const endRest = (store: TestStore, jobId: string) =>
  runJob({ ...store.ctx(), actor: `job:${jobId}` }, jobId, campaignEndSlice, NEVER);

export interface Person {
  email?: string | null;
  emailKey?: string;
  status?: string;
  mergedIntoId?: string;
  timezone?: string;
  country?: string;
  contactLimit?: number;
  consent?: 'granted' | 'withdrawn' | 'pending' | null;
  suppressed?: string;
  /** Until when; for good unless told. */
  suppressedUntil?: Date;
  /** Marketing mails that they got today. */
  mails?: number;
}

const CUSTOMER = `
  insert into customers (store_id, id, email, email_norm, email_key, account_status, merged_into_id, timezone, default_country,
    contact_limit, source, accepts_marketing, wholesale, custom, orders_count, total_spent, refunded_total, sort_name,
    search_text, version, created_at, updated_at)
  values ($1, $2, $3, $3, coalesce($4, $3), $5, $6, $7, $8, $9, 'api', false, false, '{}', 0, 0, 0, '', '', 1, now(), now())`;
const EVENT = `
  insert into consent_events (store_id, id, channel, address, topic, customer_id, action, state, effective_at, recorded_at,
    source, actor, proof)
  values ($1, $2, 'email', $3, 'newsletter', $4, $5, $6, '2026-01-02T03:04:00Z', now(), 'one_click', 'system', '{}')`;
const CONSENT = `
  insert into consents (store_id, channel, address, topic, state, since, effective_at, event_id)
  values ($1, 'email', $2, 'newsletter', $3, '2026-01-02T03:04:00Z', '2026-01-02T03:04:00Z', $4)`;
const SUPPRESSION = `
  insert into suppressions (store_id, address_hash, email, reason, bounces, counted_since, until, active, actor, created_at, updated_at)
  values ($1, decode(md5($2), 'hex'), $2, $3, 1, now(), $4, true, 'system', now(), now())`;
const MAIL = `
  insert into messages (store_id, id, customer_id, kind, class, status, data, created_at, sent_at)
  values ($1, gen_random_uuid(), $2, 'automation', 'marketing', 'sent', '{}', now(), now())`;

/** Adds a customer who agreed to the newsletter unless told; the id. */
export async function addPerson(owner: pg.Pool, store: TestStore, person: Person = {}): Promise<string> {
  const { storeId } = store;
  const id = newId();
  const {
    email = `${randomUUID()}@people.example`,
    status = 'guest',
    consent = 'granted',
    mails = 0,
  } = person;
  await owner.query(CUSTOMER, [
    storeId,
    id,
    email,
    person.emailKey ?? null,
    status,
    person.mergedIntoId ?? null,
    person.timezone ?? null,
    person.country ?? null,
    person.contactLimit ?? null,
  ]);
  if (email !== null && consent !== null) {
    const eventId = newId();
    const action = consent === 'withdrawn' ? 'withdraw' : 'grant';
    await owner.query(EVENT, [storeId, eventId, email, id, action, consent]);
    await owner.query(CONSENT, [storeId, email, consent, eventId]);
  }
  if (person.suppressed)
    await owner.query(SUPPRESSION, [storeId, email, person.suppressed, person.suppressedUntil ?? null]);
  for (let n = 0; n < mails; n++) await owner.query(MAIL, [storeId, id]);
  return id;
}

/** What the tests send; its template needs nothing that a bare customer lacks. */
export async function plan(store: TestStore, input: object = {}): Promise<object> {
  return {
    name: 'Spring',
    templateId: await templateId(store, 'special_offer'),
    topic: 'newsletter',
    audience: { everyone: true },
    data: { title: '15 % off', description: 'Everything.', validUntil: '2026-12-31' },
    ...input,
  };
}

/** Reason by customer; null: gets the mail. */
export async function reasonsOf(
  owner: pg.Pool,
  { storeId }: TestStore,
  campaignId: string,
): Promise<Map<string, string | null>> {
  const { rows } = await owner.query<{ id: string; reason: string | null }>(
    'select customer_id as id, reason from messages where store_id = $1 and campaign_id = $2',
    [storeId, campaignId],
  );
  return new Map(rows.map(({ id, reason }) => [id, reason]));
}
