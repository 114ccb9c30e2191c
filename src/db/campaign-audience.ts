// The audience of a campaign in one statement: who is meant, why somebody gets nothing, and when the others do. What is
// foretold, what is frozen and what is explained are the same query, so they cannot differ.
import { type SQL, sql } from 'drizzle-orm';
import { daysBefore } from '../domain/days.ts';
import type { CampaignPlan } from '../domain/mail/campaigns.ts';
import { type ContactLimit, OWN_LIMIT_DAYS } from '../domain/mail/settings.ts';
import { SAMPLE_BUCKETS } from '../domain/segments/sample.ts';
import { type Db, execute, type Tx } from './connection.ts';
import { isListed, resolveNames, type Selection, selectionCondition } from './customer-selection.ts';
import { bucketSql } from './segments/compile.ts';

/** Everybody whom one of these names. */
export interface Named {
  everyone: boolean;
  selections: readonly Selection[];
  /** Named one by one, merged and erased ones too: who is asked for must be accounted for. */
  ids: readonly string[];
}

/** When mails are due, by the clocks of the people they go to: places in `due`; 0 is the clock of the store. */
export interface Clocks {
  due: readonly Date[];
  /** A zone with each of the clocks. */
  zones: readonly string[];
  byTimezone: ReadonlyMap<string, number>;
  byCountry: ReadonlyMap<string, number>;
}

export interface AudienceQuestion {
  campaignId: string;
  topic: string;
  onceKey: string | null;
  audience: Named;
  exclusions: Named;
  holdoutPercent: CampaignPlan['holdoutPercent'];
  contactLimit: ContactLimit | null;
  deadline: Date | null;
  clocks: Clocks;
  now: Date;
}

const at = (instant: Date): SQL => sql`${instant.toISOString()}::timestamptz`;

/** Ids of those who are named otherwise than by `everyone`; undefined when nobody is. */
async function idsOf(db: Db, { selections, ids }: Named): Promise<SQL | undefined> {
  const parts: SQL[] = [];
  for (const selection of selections) {
    const condition = selectionCondition(db.storeId, await resolveNames(db, selection));
    parts.push(sql`select customers.id from customers where ${condition}`);
  }
  if (ids.length > 0)
    parts.push(
      sql`select customers.id from customers
        where customers.store_id = ${db.storeId} and customers.id = any(${sql.param([...ids])}::uuid[])`,
    );
  return parts.length > 0 ? sql.join(parts, sql` union `) : undefined;
}

/** Whom the audience names: `everyone` needs no list of ids, for joining a million of them costs a second. */
function meantBy({ everyone, ids }: Named, storeId: string): { from: SQL; where: SQL } {
  if (!everyone)
    return {
      from: sql`meant join customers on customers.id = meant.id`,
      where: sql`customers.store_id = ${storeId}`,
    };
  if (ids.length === 0) return { from: sql`customers`, where: isListed(storeId) };
  return {
    from: sql`customers`,
    where: sql`customers.store_id = ${storeId}
      and (customers.account_status not in ('merged', 'erased') or customers.id = any(${sql.param([...ids])}::uuid[]))`,
  };
}

/** Where nobody's clock matters, nobody's clock is looked up. */
function clockSql({ due, byTimezone, byCountry }: Clocks): { clock: SQL; joins: SQL } {
  if (due.length === 1) return { clock: sql`0`, joins: sql`` };
  const table = (map: ReadonlyMap<string, number>) =>
    sql`unnest(${sql.param([...map.keys()])}::text[], ${sql.param([...map.values()])}::integer[])`;
  return {
    clock: sql`coalesce(by_timezone.clock, by_country.clock, 0)`,
    joins: sql`
      left join ${table(byTimezone)} by_timezone (name, clock) on by_timezone.name = customers.timezone
      left join ${table(byCountry)} by_country (code, clock) on by_country.code = customers.default_country`,
  };
}

interface Pieces {
  question: AudienceQuestion;
  storeId: string;
  excluded: SQL | undefined;
}

/** People who are meant and the first reasons, those that one person alone decides; in the order of SKIP_REASONS. */
function classified({ question, storeId, excluded }: Pieces, restriction: SQL): SQL {
  const { clock, joins } = clockSql(question.clocks);
  const { from, where } = meantBy(question.audience, storeId);
  const isExcluded = question.exclusions.everyone ? sql`true` : sql`excluded.id is not null`;
  return sql`
    select customers.id, customers.email_key, customers.contact_limit, ${clock} as clock,
      split_part(customers.email_norm, '@', 2) as domain,
      case
        when customers.account_status in ('erased', 'merged', 'disabled') then customers.account_status
        when ${excluded || question.exclusions.everyone ? isExcluded : sql`false`} then 'excluded'
        when customers.email_norm is null then 'no_email'
        when s.reason is not null then 'suppressed_' || s.reason
        when k.state = 'withdrawn' then 'unsubscribed'
        when k.state is null then 'no_consent'
        when k.state = 'pending' then 'consent_pending'
      end as reason
    from ${from}
    ${excluded ? sql`left join excluded on excluded.id = customers.id` : sql``}
    left join suppressions s on s.store_id = ${storeId} and s.email = customers.email_norm and s.active
      and (s.until is null or s.until > ${at(question.now)})
    left join consents k on k.store_id = ${storeId} and k.channel = 'email' and k.address = customers.email_norm
      and k.topic = ${question.topic}
    ${joins}
    where ${where} and ${restriction}`;
}

/**
 * Who has a mail of another campaign of the key, sent or on its way: the same customer, its survivor, the same
 * mailbox.
 */
const received = ({ question, storeId }: Pieces): SQL => sql`
  received_by as materialized (
    select c.id, c.merged_into_id, c.email_key
    from campaigns other
    join messages m on m.store_id = ${storeId} and m.campaign_id = other.id
      and m.status in ('pending', 'ready', 'deferred', 'sending', 'sent', 'unknown')
    join customers c on c.store_id = ${storeId} and c.id = m.customer_id
    where other.store_id = ${storeId} and other.once_key = ${question.onceKey} and other.id <> ${question.campaignId}
  ),
  received as (
    select id from received_by
    union select merged_into_id from received_by where merged_into_id is not null
    union select c.id from customers c
      where c.store_id = ${storeId} and c.email_key in (select email_key from received_by where email_key is not null)
  )`;

/** Marketing mails that somebody got lately, within the days of the store's limit and within those of their own. */
const contacts = ({ question: { now, contactLimit }, storeId }: Pieces): SQL => sql`
  contacts as (
    select m.customer_id as id,
      count(*) filter (where m.sent_at > ${daysBefore(now, contactLimit?.days ?? 0)}::timestamptz) as of_store,
      count(*) filter (where m.sent_at > ${daysBefore(now, OWN_LIMIT_DAYS)}::timestamptz) as of_own
    from messages m
    where m.store_id = ${storeId} and m.class = 'marketing'
      and m.sent_at > ${daysBefore(now, Math.max(contactLimit?.days ?? 0, OWN_LIMIT_DAYS))}::timestamptz
    group by m.customer_id
  )`;

const shareBelow = (percent: number): number => Math.floor((percent * SAMPLE_BUCKETS) / 100);

/** Those whose case the one of a customer depends on: who shares the mailbox. */
const sharing = (storeId: string, customerId: string): SQL => sql`(customers.id = ${customerId}
  or customers.email_key = (
    select c.email_key from customers c where c.store_id = ${storeId} and c.id = ${customerId}))`;

/**
 * The CTEs up to `people (id, domain, clock, due, reason)`: everybody who is meant, in exactly one row. Of those who
 * share a mailbox the first one gets the mail; it is found by text, for Postgres 18 has no least uuid, and their
 * order is the same.
 */
async function peopleSql(db: Db, question: AudienceQuestion, only?: string): Promise<SQL> {
  const { storeId } = db;
  const { audience, exclusions, contactLimit, holdoutPercent, deadline, onceKey, clocks } = question;
  const pieces: Pieces = {
    question,
    storeId,
    excluded: exclusions.everyone ? undefined : await idsOf(db, exclusions),
  };
  const meant = audience.everyone
    ? undefined
    : ((await idsOf(db, audience)) ?? sql`select null::uuid where false`);
  const { excluded } = pieces;
  const whom = only === undefined ? sql`true` : sharing(storeId, only);
  const due = sql`(${sql.param(clocks.due.map((instant) => instant.toISOString()))}::timestamptz[])[c.clock + 1]`;
  const ofStore = contactLimit ? sql`contacts.of_store >= ${contactLimit.messages}::integer or` : sql``;
  return sql`
    ${meant ? sql`meant (id) as materialized (${meant}),` : sql``}
    ${excluded ? sql`excluded (id) as materialized (${excluded}),` : sql``}
    ${onceKey === null ? sql`` : sql`${received(pieces)},`}
    ${contacts(pieces)},
    classified as materialized (${classified(pieces, whom)}),
    twins as (
      select email_key, min(id::text collate "C")::uuid as first from classified
      where reason is null and email_key is not null group by email_key having count(*) > 1
    ),
    people as (
      select c.id, c.domain, c.clock, ${due} as due, coalesce(c.reason, case
        when twins.first <> c.id then 'duplicate_address'
        ${onceKey === null ? sql`` : sql`when received.id is not null then 'already_received'`}
        when ${ofStore} coalesce(contacts.of_own, 0) >= c.contact_limit then 'contact_limit'
        ${
          holdoutPercent > 0
            ? sql`when ${bucketSql(question.campaignId, sql`c.id`)} < ${shareBelow(holdoutPercent)}::bigint then 'holdout'`
            : sql``
        }
        ${deadline ? sql`when ${due} >= ${at(deadline)} then 'expired'` : sql``}
      end) as reason
      from classified c
      left join twins on twins.email_key = c.email_key
      left join contacts on contacts.id = c.id
      ${onceKey === null ? sql`` : sql`left join received on received.id = c.id`}
    )`;
}

/**
 * Room and time for a statement over everybody: hashes of a million rows, as long as it takes, and side by side, for
 * handing a row from one process to the other costs far less than the planner assumes.
 */
export const allowLongStatement = (tx: Tx): Promise<unknown> =>
  tx.use(({ client }) =>
    client.query(`
      set local statement_timeout = 0; set local lock_timeout = 0; set local work_mem = '160MB'; set local jit = off;
      set local parallel_tuple_cost = 0.005; set local parallel_setup_cost = 100`),
  );

/** How many people of one clock and domain are due; domain null: all that have no rate of their own. */
export interface DueCount {
  clock: number;
  domain: string | null;
  count: number;
}

export interface AudienceCounts {
  /** By skip reason; those who get the mail are under `ready`. */
  reasons: Record<string, number>;
  /** Of those who get it: the domains with most of them. */
  domains: { domain: string; count: number }[];
  due: DueCount[];
}

const TOP_DOMAINS = 20;

/**
 * Counts the audience as it is now: one statement, nothing is written.
 * @param paced domains with a rate of their own; `others` when every other domain has one too
 */
export async function countAudience(
  db: Db,
  question: AudienceQuestion,
  { paced, others }: { paced: readonly string[]; others: boolean },
): Promise<AudienceCounts> {
  const isPaced = sql`domain = any(${sql.param([...paced])}::text[]) ${others ? sql`or domain in (select domain from top)` : sql``}`;
  const [row] = await execute<{
    reasons: AudienceCounts['reasons'] | null;
    domains: AudienceCounts['domains'];
    due: DueCount[];
  }>(
    db,
    sql`
      with ${await peopleSql(db, question)},
      counted as materialized (
        select reason, case when reason is null then domain end as domain, case when reason is null then clock end as clock,
          count(*) as count
        from people group by 1, 2, 3
      ),
      top as (
        select domain, sum(count) as count from counted where reason is null
        group by domain order by 2 desc, 1 limit ${TOP_DOMAINS}
      )
      select
        (select json_object_agg(coalesce(reason, 'ready'), count)
          from (select reason, sum(count) as count from counted group by reason) by_reason) as reasons,
        (select coalesce(json_agg(json_build_object('domain', domain, 'count', count) order by count desc, domain), '[]')
          from top) as domains,
        (select coalesce(json_agg(json_build_object('clock', clock, 'domain', domain, 'count', count)), '[]') from (
          select clock, case when ${isPaced} then domain end as domain, sum(count) as count
          from counted where reason is null group by 1, 2) by_clock) as due`,
  );
  return { reasons: row?.reasons ?? {}, domains: row?.domains ?? [], due: row?.due ?? [] };
}

/** Somebody who would get the mail, and when. */
export interface Sampled {
  id: string;
  due: Date;
}

/** Some of those who would get the mail, for a trial of its template. */
export async function sampleAudience(db: Db, question: AudienceQuestion, size: number): Promise<Sampled[]> {
  const people = await peopleSql(db, question);
  return execute(db, sql`with ${people} select id, due from people where reason is null limit ${size}`);
}

/** What would become of one customer. */
export interface Verdict {
  /** Null: gets it. */
  reason: string | null;
  due: Date;
}

/** What would become of one customer now; undefined: not in the audience. */
export async function judgeCustomer(
  db: Db,
  question: AudienceQuestion,
  customerId: string,
): Promise<Verdict | undefined> {
  const people = await peopleSql(db, question, customerId);
  const [row] = await execute<Verdict>(
    db,
    sql`with ${people} select reason, due from people where id = ${customerId}`,
  );
  return row;
}

/** Which of the conditions hold for a customer, in their order. */
export async function matchSelections(
  db: Db,
  customerId: string,
  selections: readonly Selection[],
): Promise<boolean[]> {
  if (selections.length === 0) return [];
  const columns: SQL[] = [];
  for (const selection of selections) {
    const condition = selectionCondition(db.storeId, await resolveNames(db, selection));
    columns.push(sql`exists (select from customers where customers.id = ${customerId} and ${condition})`);
  }
  const [row] = await execute<{ held: boolean[] }>(
    db,
    sql`select array[${sql.join(columns, sql`, `)}] as held`,
  );
  return row?.held ?? [];
}

/** What all mails of a campaign have in common. */
export interface FrozenCampaign {
  templateId: string;
  templateVersion: number;
  actor: string;
}

/**
 * Ids of the shape of UUID v7: the time of the start, the place in the audience, random bits of the campaign's own
 * id. They ascend with the place, so that a million rows fill the index from left to right.
 */
function messageId({ campaignId, now }: AudienceQuestion): SQL {
  const time = now.getTime().toString(16).padStart(12, '0');
  const random = campaignId.replaceAll('-', '').slice(-10);
  const place = sql`lpad(to_hex(place), 8, '0')`;
  return sql`(${time}::text || '7' || left(${place}, 3) || '8' || substr(${place}, 4, 3) || right(${place}, 2)
    || ${random}::text)::uuid`;
}

/** Waits until no other campaign of the key is being prepared: what it has frozen counts for this one. */
export const lockOnceKey = (tx: Tx, onceKey: string): Promise<unknown> =>
  execute(tx, sql`select pg_advisory_xact_lock(hashtextextended(${`once ${tx.storeId} ${onceKey}`}, 0))`);

/**
 * Freezes the audience: one row for each person, with the reason where they get nothing. One statement.
 * @returns how many rows have which reason; those that are sent are under `ready`
 */
export async function freezeAudience(
  tx: Tx,
  question: AudienceQuestion,
  { templateId, templateVersion, actor }: FrozenCampaign,
): Promise<Record<string, number>> {
  const rows = await execute<{ reason: string; count: number }>(
    tx,
    sql`
      with ${await peopleSql(tx, question)},
      frozen as (
        insert into messages (store_id, id, customer_id, kind, class, status, reason, campaign_id, topic, template_id,
          template_version, domain, data, actor, send_after, created_at)
        select ${tx.storeId}, ${messageId(question)}, id, 'campaign', 'marketing',
          case when reason is null then 'ready' else 'skipped' end, reason, ${question.campaignId}, ${question.topic},
          ${templateId}::uuid, ${templateVersion}::integer, nullif(domain, ''), '{}', ${actor}, due, ${at(question.now)}
        from (select people.*, row_number() over (order by id) as place from people) placed
        order by id
        returning reason
      )
      select coalesce(reason, 'ready') as reason, count(*) as count from frozen group by 1`,
  );
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
}

/** Time zones and countries that customers of the store have. */
export const listPlaces = (db: Db): Promise<{ timezone: string | null; country: string | null }[]> =>
  execute(
    db,
    sql`
      select distinct customers.timezone, case when customers.timezone is null then customers.default_country end as country
      from customers where ${isListed(db.storeId)}`,
  );
