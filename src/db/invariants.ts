// What must hold in a store at every moment, beside its ledger and its counters (which have files of their own): mails in one
// state, work that somebody does, walls between stores, no transaction that is left open.
import { type SQL, sql } from 'drizzle-orm';
import { type Db, execute, statement } from './connection.ts';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

export interface MessagePage {
  checked: number;
  broken: number;
  /** Where the next page begins; undefined: there are no more. */
  next: string | undefined;
}

interface MessageRow {
  checked: number;
  broken: number;
  last: string | null;
}

const MESSAGES_PER_PAGE = 10_000;

/**
 * A mail is in exactly one state: what was sent has its time and one attempt that succeeded, what was not has neither; only
 * what is being handed over has a lease that counts, and whoever was skipped or failed has a reason.
 */
const checkPage = statement<{ after: string; limit: number }, MessageRow>(
  'check_messages',
  (p) => sql`
    with page as materialized (
      select m.id, m.status, m.sent_at, m.lease_id, m.reason, m.attempts from messages m
      where m.store_id = ${p.storeId} and m.id > ${p.after} order by m.id limit ${p.limit}
    )
    select count(*)::integer as checked, max(page.id::text) as last, count(*) filter (where
      t.successes <> case page.status when 'sent' then 1 else 0 end
      or (page.status = 'sent') <> (page.sent_at is not null)
      or (page.status = 'sending' and page.lease_id is null)
      or (page.status in ('skipped', 'failed') and page.reason is null)
      or coalesce(t.last, 0) > page.attempts)::integer as broken
    from page cross join lateral (
      select count(*) filter (where a.outcome = 'sent') as successes, max(a.number) as last
      from message_attempts a where a.store_id = ${p.storeId} and a.message_id = page.id
    ) t`,
);

/** Checks the next mails in the order of their ids. */
export async function checkMessagePage(db: Db, after: string = NIL_UUID): Promise<MessagePage> {
  const [row] = await checkPage(db, { after, limit: MESSAGES_PER_PAGE });
  const { checked = 0, broken = 0, last = null } = row ?? {};
  return { checked, broken, next: checked === MESSAGES_PER_PAGE && last !== null ? last : undefined };
}

interface StuckWork {
  jobs: number;
  mails: number;
}

/**
 * Work that nobody does: running jobs that no worker touched since, waiting ones of a kind in which nothing moved since, mails
 * whose lease is over, and due ones in a store whose mails nobody works on.
 */
const stuck = statement<{ now: Date; since: Date }, StuckWork>(
  'count_stuck_work',
  (p) => sql`
    with open as (
      select j.kind, j.status, j.alive_at from jobs j
      where j.store_id = ${p.storeId} and j.status in ('queued', 'running') limit 10000
    ), due as (
      select 1 from messages m
      where m.store_id = ${p.storeId} and m.campaign_id is null and m.status in ('pending', 'ready', 'deferred')
        and m.send_after < ${p.since} and (m.lease_until is null or m.lease_until < ${p.since}) limit 10000
    ), moving as (
      select exists (
        select from messages m where m.store_id = ${p.storeId} and m.status = 'sending' and m.lease_until >= ${p.now}
      ) or exists (
        select from messages m where m.store_id = ${p.storeId} and m.status in ('pending', 'ready', 'deferred')
          and m.lease_until >= ${p.since}
      ) as mails
    )
    select (
      select count(*) from open o where o.alive_at < ${p.since}
        and (o.status = 'running' or not exists (select from open x where x.kind = o.kind and x.alive_at >= ${p.since}))
    )::integer as jobs, (
      (select count(*) from due where not (select mails from moving)) + (
        select count(*) from messages m
        where m.store_id = ${p.storeId} and m.status = 'sending' and m.lease_until < ${p.since})
    )::integer as mails`,
);

export async function countStuckWork(db: Db, question: { now: Date; since: Date }): Promise<StuckWork> {
  const [row] = await stuck(db, question);
  return row ?? { jobs: 0, mails: 0 };
}

/**
 * Tables of stores, by the catalogue: whichever was added last is among them. What the role may not read shows nobody
 * anything, such as a table that the next release has brought already.
 */
const TENANT_TABLES = sql`
  select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'store_id'
  where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and has_table_privilege(c.oid, 'select')
  order by c.relname`;

/** Stores that are looked for: enough to find a wall that is down, few enough to cost nothing. */
const SOUGHT_STORES = 20;

/** Tables in which a row of another store can be seen. Each is asked for other stores by its key, so it costs a few pages. */
export async function listLeakyTables(db: Db): Promise<{ tables: number; leaky: string[] }> {
  const tables = (await execute<{ name: string }>(db, TENANT_TABLES)).map(({ name }) => name);
  const others = await execute<{ id: string }>(
    db,
    sql`select id from list_stores() where id <> ${db.storeId} order by id desc limit ${SOUGHT_STORES}`,
  );
  const ids = others.map(({ id }) => id);
  const seen = (name: string): SQL =>
    sql`select ${name}::text as name where exists (
      select from ${sql.identifier(name)} where store_id = any (${sql.param(ids)}::uuid[]))`;
  const leaky = await execute<{ name: string }>(db, sql.join(tables.map(seen), sql` union all `));
  return { tables: tables.length, leaky: leaky.map(({ name }) => name) };
}

/** Sessions of the service that left a transaction open since; `hidden`: sessions whose state this login may not see. */
export async function countIdleTransactions(db: Db, since: Date): Promise<{ idle: number; hidden: number }> {
  const [row] = await execute<{ idle: number; hidden: number }>(
    db,
    sql`select idle, hidden from idle_transactions(${since})`,
  );
  return row ?? { idle: 0, hidden: 0 };
}
