// The moment before a mail goes out, and the moment after: the last checks with the lease (M1, M3), and the outcome (M4).
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { AttemptOutcome, MessageKind, MessageStatus } from '../domain/mail/messages.ts';
import { statement, type Tx } from './connection.ts';

interface LeaseRequest {
  /**
   * JSON of `{ id, address, addressHash }[]`: the normalised address for which each was made (null: an address that is no
   * customer's), and the HMAC of where it goes, in hex, for the suppression list knows no addresses.
   */
  rows: string;
  leaseId: string;
  leaseUntil: Date;
  now: Date;
  /** Most marketing mails since `limitSince`; null: no limit. */
  limit: number | null;
  limitSince: Date;
  /** From when mails count against the limit that customers set themselves. */
  ownLimitSince: Date;
}

/** What became of a mail that was to be leased: `sending`, a reason to skip it, or `released` to be looked at anew. */
export interface LeaseVerdict {
  id: string;
  verdict: string;
}

/**
 * Why the customer `cu` may not get the mail `m` (M3), null when nothing stands against it. `s` is the entry of the address in the
 * suppression list, `k` its consent to the topic. In the order of SKIP_REASONS; what only a snapshot knows is not here.
 */
const REFUSAL: SQL = sql`case
  when cu.account_status = 'erased' then 'erased'
  when cu.account_status = 'merged' then 'merged'
  when cu.account_status = 'disabled' and m.class = 'marketing' then 'disabled'
  when s.reason = 'hard_bounce' then 'suppressed_hard_bounce'
  when s.reason = 'complaint' and m.class = 'marketing' then 'suppressed_complaint'
  when s.reason = 'manual' then 'suppressed_manual'
  when s.reason = 'soft_bounces' and m.class = 'marketing' then 'suppressed_soft_bounces'
  when m.topic is not null and m.class = 'marketing' and k.state = 'withdrawn' then 'unsubscribed'
  when m.topic is not null and m.class = 'marketing' and k.state is null then 'no_consent'
  when m.topic is not null and m.class = 'marketing' and k.state = 'pending' then 'consent_pending'
end`;

/** Marketing mails to the customer of `m` that went out since, or may have. */
const contactsSince = (storeId: Placeholder, since: Placeholder): SQL => sql`(
  select count(*) from messages x
  where x.store_id = ${storeId} and x.customer_id = m.customer_id and x.id <> m.id and x.class = 'marketing'
    and (x.status = 'sending' or x.sent_at > ${since} or (x.status = 'unknown' and x.send_after > ${since})))`;

/** Keeps two campaigns from writing to one person at the same moment; needed where a contact limit counts. */
export const lockContacts = statement<{ ids: string[] }, never>(
  'lock_contacts',
  (p) => sql`
    select from customers where store_id = ${p.storeId} and id = any (${p.ids}::uuid[]) order by id for no key update`,
);

/**
 * M1, M3: checks everything again and marks what may go as being sent, with one more attempt. Of several marketing mails to
 * one customer each counts those ahead of it.
 */
export const leaseMessages = statement<LeaseRequest, LeaseVerdict>(
  'lease_messages',
  (p) => sql`
    with judged as (
      select m.id, m.customer_id, m.class = 'marketing' and m.customer_id is not null as counts, cu.contact_limit, case
        when c.id is not null and c.status <> 'running' then 'released'
        when c.deadline <= ${p.now} then 'expired'
        when m.customer_id is not null and cu.id is null then 'erased'
        when r.address is not null and cu.account_status not in ('erased', 'merged')
          and cu.email_norm is distinct from r.address then 'released'
        else ${REFUSAL}
      end as verdict
      from json_to_recordset(${p.rows}::json) as r (id uuid, address text, "addressHash" text)
      join messages m on m.store_id = ${p.storeId} and m.id = r.id and m.lease_id = ${p.leaseId}
        and m.status in ('pending', 'ready', 'deferred')
      left join campaigns c on c.store_id = ${p.storeId} and c.id = m.campaign_id
      left join customers cu on cu.store_id = ${p.storeId} and cu.id = m.customer_id
      left join suppressions s on s.store_id = ${p.storeId} and s.address_hash = decode(r."addressHash", 'hex')
        and s.active and (s.until is null or s.until > ${p.now})
      left join consents k on k.store_id = ${p.storeId} and k.channel = 'email' and k.address = cu.email_norm
        and k.topic = m.topic
    ), ranked as (
      select *, count(*) filter (where counts and verdict is null) over (
        partition by customer_id order by id rows between unbounded preceding and 1 preceding) as ahead
      from judged
    ), checked as (
      select m.id, coalesce(m.verdict, case
        when m.counts and ${p.limit}::integer is not null
          and ${contactsSince(p.storeId, p.limitSince)} + m.ahead >= ${p.limit}::integer then 'contact_limit'
        when m.counts and m.contact_limit is not null
          and ${contactsSince(p.storeId, p.ownLimitSince)} + m.ahead >= m.contact_limit then 'contact_limit'
      end, 'sending') as verdict
      from ranked m
    )
    update messages m set
      status = case checked.verdict when 'sending' then 'sending' when 'released' then m.status else 'skipped' end,
      reason = case when checked.verdict in ('sending', 'released') then null else checked.verdict end,
      attempts = m.attempts + case checked.verdict when 'sending' then 1 else 0 end,
      lease_id = case checked.verdict when 'sending' then m.lease_id end,
      lease_until = case checked.verdict when 'sending' then ${p.leaseUntil}::timestamptz end
    from checked where m.store_id = ${p.storeId} and m.id = checked.id
    returning m.id, checked.verdict`,
);

/** How one attempt ended, as it is kept; `outcome` is null when nothing was tried. */
export interface OutcomeRecord {
  id: string;
  status: MessageStatus;
  reason: string | null;
  outcome: AttemptOutcome | null;
  code: number | null;
  response: string | null;
  /** When it is tried again. */
  sendAfter: Date | null;
  sentAt: Date | null;
  toEmail: string | null;
  /** HMAC of where it went, in hex. */
  addressHash: string | null;
  domain: string | null;
  subject: string | null;
  templateId: string | null;
  templateVersion: number | null;
}

/** A mail whose outcome was written. */
export interface RecordedMessage {
  id: string;
  customerId: string | null;
  kind: MessageKind;
  campaignId: string | null;
  status: MessageStatus;
  reason: string | null;
}

const record = statement<{ rows: string; leaseId: string; now: Date }, RecordedMessage>(
  'record_outcomes',
  (p) => sql`
    with r as (
      select * from json_to_recordset(${p.rows}::json) as r (id uuid, status text, reason text, outcome text, code smallint,
        response text, "sendAfter" timestamptz, "sentAt" timestamptz, "toEmail" text, domain text, subject text,
        "templateId" uuid, "templateVersion" integer)
    ), changed as (
      update messages m set status = r.status, reason = r.reason, send_after = coalesce(r."sendAfter", m.send_after),
        sent_at = coalesce(r."sentAt", m.sent_at), to_email = coalesce(r."toEmail", m.to_email),
        domain = coalesce(r.domain, m.domain), subject = coalesce(r.subject, m.subject),
        template_id = coalesce(r."templateId", m.template_id),
        template_version = coalesce(r."templateVersion", m.template_version), lease_id = null, lease_until = null,
        -- One that could not be made was never leased, so its attempt is not counted yet.
        attempts = m.attempts + case when r.outcome = 'failed' and r.code is null then 1 else 0 end
      from r
      where m.store_id = ${p.storeId} and m.id = r.id and m.lease_id = ${p.leaseId}
        and m.status in ('pending', 'ready', 'deferred', 'sending', 'unknown')
      returning m.id, m.customer_id, m.kind, m.campaign_id, m.status, m.reason, m.attempts, r.outcome, r.code, r.response
    ), tried as (
      insert into message_attempts (store_id, message_id, number, outcome, code, response, ended_at)
      select ${p.storeId}, id, attempts, outcome, code, response, ${p.now} from changed where outcome is not null
      on conflict (store_id, message_id, number) do update
        set outcome = excluded.outcome, code = excluded.code, response = excluded.response, ended_at = excluded.ended_at
    )
    select id, customer_id as "customerId", kind, campaign_id as "campaignId", status, reason from changed`,
);

/** M4: writes outcomes of mails that this lease still holds; a lease that was lost meanwhile knows better than `unknown`. */
export async function recordOutcomes(
  tx: Tx,
  request: { records: readonly OutcomeRecord[]; leaseId: string; now: Date },
): Promise<RecordedMessage[]> {
  if (request.records.length === 0) return [];
  const { leaseId, now, records } = request;
  return record(tx, { rows: JSON.stringify(records), leaseId, now });
}

/**
 * Mails whose lease ended while they were being sent: whether the server took them is not known. Marketing stays so, for
 * nobody may get it twice; a transactional mail is sent again, for nobody may miss it (M1), unless it was tried `maxAttempts`
 * times. The lease stays written, so that a worker that was only slow can still say what happened.
 */
export const endLostLeases = statement<{ now: Date; maxAttempts: number }, RecordedMessage>(
  'end_lost_leases',
  (p) => sql`
    with lost as (
      select m.id, m.attempts >= ${p.maxAttempts} as is_last from messages m
      where m.store_id = ${p.storeId} and m.status = 'sending' and m.lease_until <= ${p.now}
      order by m.id limit 1000 for update skip locked
    ), changed as (
      update messages m set
        status = case when m.class = 'marketing' then 'unknown' when lost.is_last then 'failed' else 'deferred' end,
        reason = case when m.class <> 'marketing' and lost.is_last then 'too_many_attempts' else m.reason end,
        send_after = case m.class when 'marketing' then m.send_after else ${p.now}::timestamptz end, lease_until = null
      from lost where m.store_id = ${p.storeId} and m.id = lost.id
      returning m.id, m.customer_id, m.kind, m.campaign_id, m.status, m.reason, m.attempts
    ), tried as (
      insert into message_attempts (store_id, message_id, number, outcome, code, response, ended_at)
      select ${p.storeId}, id, attempts, 'unknown', null, null, ${p.now} from changed
      on conflict (store_id, message_id, number) do nothing
    )
    select id, customer_id as "customerId", kind, campaign_id as "campaignId", status, reason from changed`,
);
