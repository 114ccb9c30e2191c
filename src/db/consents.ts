// Consent: the events, only added to, and the state that each address, channel and topic is in.
import { type SQL, sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import type { Channel, ConsentAction, ConsentSource, ConsentState } from '../domain/mail/consents.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute, statement, type Tx } from './connection.ts';
import { familyOf } from './merges.ts';
import { insertRows } from './record-sets.ts';
import { consentEvents } from './tables/consents.ts';

export type ConsentEventRow = typeof consentEvents.$inferSelect;

/** What consent belongs to. */
export interface ConsentKey {
  channel: Channel;
  address: string;
  topic: string;
}

export interface ConsentStateRow extends ConsentKey {
  state: ConsentState;
  since: Date;
}

interface KeyColumns {
  channels: string[];
  addresses: string[];
  topics: string[];
}

const columnsOf = (keys: readonly ConsentKey[]): KeyColumns => ({
  channels: keys.map(({ channel }) => channel),
  addresses: keys.map(({ address }) => address),
  topics: keys.map(({ topic }) => topic),
});

/** Whom consent is about. */
export interface ConsentOwner {
  id: string;
  email: string | null;
  emailNorm: string | null;
  phone: string | null;
  acceptsMarketing: boolean;
}

/** The customers whose addresses these are; a phone can be that of several, the first one made counts. */
export const listOwners = statement<
  { emails: string[]; phones: string[] },
  { channel: Channel; address: string; customerId: string }
>(
  'list_consent_owners',
  (p) => sql`
    select 'email' as channel, c.email_norm as address, c.id as "customerId" from customers c
    where c.store_id = ${p.storeId} and c.email_norm = any(${p.emails}::text[])
      and c.account_status not in ('merged', 'erased')
    union all
    select * from (
      select distinct on (c.phone) 'sms', c.phone, c.id from customers c
      where c.store_id = ${p.storeId} and c.phone = any(${p.phones}::text[])
        and c.account_status not in ('merged', 'erased')
      order by c.phone, c.id
    ) phones`,
);

/** Locks customers in id order: whoever changes consent of one waits for the other, so that the copy is true. */
export const lockOwners = statement<{ ids: string[] }, ConsentOwner>(
  'lock_consent_owners',
  (p) => sql`
    select c.id, c.email, c.email_norm as "emailNorm", c.phone, c.accepts_marketing as "acceptsMarketing"
    from customers c where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])
    order by c.id for update`,
);

const selectStates = statement<KeyColumns, ConsentStateRow>(
  'list_consent_states',
  (p) => sql`
    select c.channel, c.address, c.topic, c.state, c.since
    from unnest(${p.channels}::text[], ${p.addresses}::text[], ${p.topics}::text[]) k (channel, address, topic)
    join consents c on c.channel = k.channel and c.address = k.address and c.topic = k.topic
    where c.store_id = ${p.storeId}`,
);

/** States of these keys; those about which nobody said anything are left out. */
export const listStates = async (db: Db, keys: readonly ConsentKey[]): Promise<ConsentStateRow[]> =>
  keys.length === 0 ? [] : selectStates(db, columnsOf(keys));

/** All states of these addresses. */
export const listStatesOf = statement<{ channels: string[]; addresses: string[] }, ConsentStateRow>(
  'list_consent_states_of',
  (p) => sql`
    select c.channel, c.address, c.topic, c.state, c.since
    from (
      select distinct * from unnest(${p.channels}::text[], ${p.addresses}::text[]) k (channel, address)
    ) k
    join consents c on c.channel = k.channel and c.address = k.address
    where c.store_id = ${p.storeId}
    order by c.channel, c.address, c.topic`,
);

/** Keeps the words that people saw; the first version and language under which a text came stay with it. */
export const insertWordings = statement<
  { hashes: Buffer[]; versions: string[]; locales: string[]; texts: string[]; now: Date },
  never
>(
  'insert_consent_wordings',
  (p) => sql`
    insert into consent_wordings (store_id, hash, version, locale, text, created_at)
    select ${p.storeId}, w.*, ${p.now}
    from unnest(${p.hashes}::bytea[], ${p.versions}::text[], ${p.locales}::text[], ${p.texts}::text[]) w
    on conflict do nothing`,
);

/** Which of these wordings the store has. */
export const listKnownWordings = statement<{ hashes: Buffer[] }, { hash: Buffer }>(
  'list_known_wordings',
  (p) => sql`
    select w.hash from consent_wordings w where w.store_id = ${p.storeId} and w.hash = any(${p.hashes}::bytea[])`,
);

export type NewConsentEvent = Omit<ConsentEventRow, 'storeId'>;

const insert = insertRows<object>('insert_consent_events', consentEvents);

/** Appends events; settleConsents follows in the same transaction. */
export const insertConsentEvents = (tx: Tx, rows: readonly NewConsentEvent[]): Promise<string[]> =>
  insert(
    tx,
    rows.map((row) => ({ ...row, wordingHash: row.wordingHash && `\\x${row.wordingHash.toString('hex')}` })),
  );

/** Events of the key `k`. */
const ofKey = (storeId: unknown): SQL =>
  sql`e.store_id = ${storeId} and e.channel = k.channel and e.address = k.address and e.topic = k.topic`;

const settle = statement<KeyColumns, ConsentStateRow>(
  'settle_consents',
  (p) => sql`
    insert into consents as c (store_id, channel, address, topic, state, since, effective_at, event_id)
    select ${p.storeId}, k.channel, k.address, k.topic, l.state, s.since, l.effective_at, l.id
    from (
      select distinct k.channel collate "C" as channel, k.address collate "C" as address, k.topic collate "C" as topic
      from unnest(${p.channels}::text[], ${p.addresses}::text[], ${p.topics}::text[]) k (channel, address, topic)
    ) k
    cross join lateral (
      select e.state, e.effective_at, e.id from consent_events e where ${ofKey(p.storeId)}
      order by e.effective_at desc, e.id desc limit 1
    ) l
    left join lateral (
      select e.effective_at, e.id from consent_events e
      where ${ofKey(p.storeId)} and (e.state = 'withdrawn') <> (l.state = 'withdrawn')
      order by e.effective_at desc, e.id desc limit 1
    ) turn on true
    cross join lateral (
      select min(e.effective_at) as since from consent_events e
      where ${ofKey(p.storeId)} and (turn.id is null or (e.effective_at, e.id) > (turn.effective_at, turn.id))
    ) s
    order by k.channel, k.address, k.topic
    on conflict (store_id, channel, address, topic) do update set
      state = case when (excluded.effective_at, excluded.event_id) >= (c.effective_at, c.event_id)
        then excluded.state else c.state end,
      since = case when (excluded.effective_at, excluded.event_id) >= (c.effective_at, c.event_id)
        then excluded.since else c.since end,
      effective_at = greatest(excluded.effective_at, c.effective_at),
      event_id = case when (excluded.effective_at, excluded.event_id) >= (c.effective_at, c.event_id)
        then excluded.event_id else c.event_id end
    returning c.channel, c.address, c.topic, c.state, c.since`,
);

/**
 * Brings the states of these keys in line with their events: the same fold as `standingAfter` of the domain. Of two
 * writers of one key at once the later event stays, whoever commits last.
 */
export const settleConsents = (tx: Tx, keys: readonly ConsentKey[]): Promise<ConsentStateRow[]> =>
  settle(tx, columnsOf(keys));

/** Somebody accepts marketing when at least one topic is granted for the present email address. */
const accepts = (storeId: unknown): SQL => sql`exists (
  select from consents k where k.store_id = ${storeId} and k.channel = 'email' and k.address = c.email_norm
    and k.state = 'granted')`;

/** Keeps `acceptsMarketing` true for customers whose locks are held; resolves to those for whom it changed. */
export const copyAcceptance = statement<
  { ids: string[]; now: Date },
  { id: string; acceptsMarketing: boolean }
>(
  'copy_acceptance',
  (p) => sql`
    update customers c
    set accepts_marketing = not c.accepts_marketing, version = c.version + 1, updated_at = ${p.now}
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[]) and c.account_status not in ('merged', 'erased')
      and c.accepts_marketing <> ${accepts(p.storeId)}
    returning c.id, c.accepts_marketing as "acceptsMarketing"`,
);

/** New customers take over what was said for their address before; their rows are nobody else's yet. */
export const adoptConsents = statement<{ ids: string[] }, never>(
  'adopt_consents',
  (p) => sql`
    update customers c set accepts_marketing = true
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[]) and not c.accepts_marketing
      and ${accepts(p.storeId)}`,
);

/** Forgets the states of addresses whose customers are deleted; a phone that another customer has keeps its own. */
export const deleteConsentsOf = statement<{ ids: readonly string[] }, never>(
  'delete_consents_of',
  (p) => sql`
    delete from consents c where c.store_id = ${p.storeId} and (c.channel, c.address) in (
      select 'email', d.email_norm from customers d
      where d.store_id = ${p.storeId} and d.id = any(${p.ids}::uuid[]) and d.email_norm is not null
      union all
      select 'sms', d.phone from customers d
      where d.store_id = ${p.storeId} and d.id = any(${p.ids}::uuid[]) and d.phone is not null and not exists (
        select from customers o where o.store_id = ${p.storeId} and o.phone = d.phone and o.id <> all(${p.ids}::uuid[])
          and o.account_status not in ('merged', 'erased')))`,
);

/** Everything that is known of one state, with the words that were shown. */
export interface ConsentView extends ConsentKey {
  eventId: string;
  state: ConsentState;
  since: Date;
  action: ConsentAction;
  effectiveAt: Date;
  recordedAt: Date;
  source: ConsentSource;
  actor: string;
  locale: string | null;
  proof: Record<string, unknown>;
  customerId: string | null;
  wordingHash: Buffer | null;
  wordingVersion: string | null;
  wordingLocale: string | null;
  wordingText: string | null;
}

const EVENT = sql.raw(`e.id as "eventId", e.channel, e.address, e.topic, e.state, e.action,
  e.effective_at as "effectiveAt", e.recorded_at as "recordedAt", e.source, e.actor, e.locale, e.proof,
  e.customer_id as "customerId", e.wording_hash as "wordingHash", w.version as "wordingVersion",
  w.locale as "wordingLocale", w.text as "wordingText"`);

const WORDING = sql`left join consent_wordings w on w.store_id = e.store_id and w.hash = e.wording_hash`;

/** Addresses of a customer: what the present consent of a person is. */
export interface Addresses {
  email: string | null;
  phone: string | null;
}

export interface OwnAddresses extends Addresses {
  /** Most marketing mails within 30 days that the customer wants. */
  contactLimit: number | null;
}

export const findAddresses = statement<{ id: string }, OwnAddresses>(
  'find_consent_addresses',
  (p) => sql`
    select c.email_norm as email, c.phone, c.contact_limit as "contactLimit" from customers c where c.store_id = ${p.storeId} and c.id = ${p.id}`,
);

/** The present states of an email address and a phone. */
export const listConsents = statement<Addresses, ConsentView>(
  'list_consents',
  (p) => sql`
    select ${EVENT}, c.since
    from consents c
    join consent_events e on e.store_id = c.store_id and e.id = c.event_id ${WORDING}
    where c.store_id = ${p.storeId} and e.store_id = ${p.storeId}
      and ((c.channel = 'email' and c.address = ${p.email}::text) or (c.channel = 'sms' and c.address = ${p.phone}::text))
    order by c.channel, c.topic`,
);

/**
 * States of a person at an instant, under whatever address it was then: the latest event of each channel and topic that
 * was theirs or their present address's.
 */
export const listConsentsAt = statement<Addresses & { customerId: string; at: Date }, ConsentView>(
  'list_consents_at',
  (p) => sql`
    ${familyOf(p.storeId, p.customerId)}, theirs as materialized (
      select e.* from consent_events e join family on e.customer_id = family.id
      where e.store_id = ${p.storeId} and e.effective_at <= ${p.at}
      union
      select e.* from consent_events e
      where e.store_id = ${p.storeId} and e.channel = 'email' and e.address = ${p.email}::text and e.effective_at <= ${p.at}
      union
      select e.* from consent_events e
      where e.store_id = ${p.storeId} and e.channel = 'sms' and e.address = ${p.phone}::text and e.effective_at <= ${p.at}
    ), latest as (
      select distinct on (channel, topic) * from theirs order by channel, topic, effective_at desc, id desc
    )
    select ${EVENT}, (
      select min(t.effective_at) from theirs t
      where t.channel = e.channel and t.topic = e.topic and not exists (
        select from theirs o where o.channel = e.channel and o.topic = e.topic
          and (o.state = 'withdrawn') <> (e.state = 'withdrawn') and (o.effective_at, o.id) >= (t.effective_at, t.id))
    ) as since
    from latest e ${WORDING}
    order by e.channel, e.topic`,
);

export type ConsentHistoryKey = readonly [effectiveAt: string, id: string];

/** All events of a customer, those of merged ones and of the present addresses included; newest first. */
export function listConsentHistory(
  db: Db,
  {
    customerId,
    email,
    phone,
    after,
    limit,
  }: PageStart<ConsentHistoryKey> & Addresses & { customerId: string },
): Promise<ConsentView[]> {
  const seek = after ? sql`and (e.effective_at, e.id) < (${after[0]}, ${after[1]})` : sql``;
  const newest = sql`order by e.effective_at desc, e.id desc limit ${limit}`;
  return execute<ConsentView>(
    db,
    sql`
      ${familyOf(db.storeId, customerId)}, theirs as (
        (select e.* from consent_events e join family on e.customer_id = family.id
          where e.store_id = ${db.storeId} ${seek} ${newest})
        union
        (select e.* from consent_events e
          where e.store_id = ${db.storeId} and e.channel = 'email' and e.address = ${email}::text ${seek} ${newest})
        union
        (select e.* from consent_events e
          where e.store_id = ${db.storeId} and e.channel = 'sms' and e.address = ${phone}::text ${seek} ${newest})
      )
      select ${EVENT}, e.effective_at as since from theirs e ${WORDING} ${newest}`,
  );
}

/** Which of these customers were asked by mail to confirm since then. */
export const listAskedLately = statement<{ customerIds: string[]; since: Date }, { customerId: string }>(
  'list_asked_lately',
  (p) => sql`
    select distinct m.customer_id as "customerId" from messages m
    where m.store_id = ${p.storeId} and m.customer_id = any(${p.customerIds}::uuid[])
      and m.kind = 'consent_confirmation' and m.created_at > ${p.since}`,
);

/** Most marketing mails within 30 days; null: as many as the store sends. The caller holds the customer's lock. */
export const setContactLimit = statement<{ id: string; contactLimit: number | null; now: Date }, never>(
  'set_contact_limit',
  (p) => sql`
    update customers c set contact_limit = ${p.contactLimit}::smallint, version = c.version + 1, updated_at = ${p.now}
    where c.store_id = ${p.storeId} and c.id = ${p.id}`,
);

/** Topics that wait for confirmation at these addresses, with the words that were agreed to last. */
export const listPending = statement<
  { addresses: string[] },
  { address: string; topic: string; name: string; wording: string | null }
>(
  'list_pending_consents',
  (p) => sql`
    select c.address, c.topic, t.name, w.text as wording
    from consents c
    join topics t on t.store_id = c.store_id and t.key = c.topic
    left join consent_events e on e.store_id = c.store_id and e.id = c.event_id ${WORDING}
    where c.store_id = ${p.storeId} and t.store_id = ${p.storeId} and c.channel = 'email'
      and c.address = any(${p.addresses}::text[]) and c.state = 'pending'
    order by t.position, t.key`,
);

/** Whom a mail went to, and what it was about. */
export interface MailSubject {
  id: string;
  customerId: string | null;
  /** Where the mail went. */
  toEmail: string | null;
  /** The customer's present address. */
  email: string | null;
  accountStatus: AccountStatus | null;
  topic: string | null;
  unsubscribedAt: Date | null;
}

/** The row behind a link of a mail; the topic only if the store has it. */
export const findMailSubject = statement<{ id: string }, MailSubject>(
  'find_mail_subject',
  (p) => sql`
    select m.id, m.customer_id as "customerId", m.to_email as "toEmail", c.email_norm as email,
      c.account_status as "accountStatus", t.key as topic, m.unsubscribed_at as "unsubscribedAt"
    from messages m
    left join customers c on c.store_id = m.store_id and c.id = m.customer_id
    left join topics t on t.store_id = m.store_id and t.key = m.topic
    where m.store_id = ${p.storeId} and m.id = ${p.id}`,
);

/** The fact that somebody unsubscribed by a mail; the first time counts. */
export const markUnsubscribed = statement<{ id: string; now: Date }, never>(
  'mark_unsubscribed',
  (p) => sql`
    update messages m set unsubscribed_at = ${p.now}
    where m.store_id = ${p.storeId} and m.id = ${p.id} and m.unsubscribed_at is null`,
);
