-- no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- What operators see of all stores: numbers and ids, never what belongs to a customer. Each function reads no more rows
-- than its index gives it at once, for metrics ask every few seconds.
DROP INDEX CONCURRENTLY IF EXISTS "messages_unknown";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY IF NOT EXISTS "messages_unknown" ON "messages" USING btree ("store_id","id") WHERE status = 'unknown';
--> statement-breakpoint
-- Jobs that wait or run, by kind.
create or replace function open_jobs(max_rows integer)
returns table (kind text, status text, jobs bigint, oldest_at timestamptz, alive_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public as $$
  select j.kind, j.status, count(*), min(j.created_at), max(j.alive_at)
  from (
    select o.kind, o.status, o.created_at, o.alive_at from jobs o
    where o.status in ('queued', 'running') order by o.alive_at limit max_rows
  ) j group by j.kind, j.status
$$;
--> statement-breakpoint
-- Jobs in the given state, newest first, behind the job `before_id` of `before_store`. Ids hold their time, so the newest of
-- each store are the newest of all.
create or replace function jobs_of_stores(wanted text, before_id uuid, before_store uuid, max_rows integer)
returns table (
  store_id uuid, id uuid, kind text, status text, total integer, done integer, error_code text, attempts integer,
  created_at timestamptz, started_at timestamptz, alive_at timestamptz, finished_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, public as $$
  select j.store_id, j.id, j.kind, j.status, j.total, j.done, j.error ->> 'code', j.attempts, j.created_at, j.started_at,
    j.alive_at, j.finished_at
  from stores s cross join lateral (
    select n.* from jobs n
    where n.store_id = s.id and n.status = wanted
      and (before_id is null or n.id < before_id or (n.id = before_id and s.id < before_store))
    order by n.id desc limit max_rows
  ) j
  order by j.id desc, j.store_id desc limit max_rows
$$;
--> statement-breakpoint
-- Jobs that failed since, by kind; `since` is the least id of that time, and of each store at most `max_rows` count.
create or replace function failed_jobs(since uuid, max_rows integer) returns table (kind text, jobs bigint)
language sql stable security definer set search_path = pg_catalog, public as $$
  select j.kind, count(*)
  from stores s cross join lateral (
    select n.kind from jobs n where n.store_id = s.id and n.status = 'failed' and n.id >= since
    order by n.id desc limit max_rows
  ) j group by j.kind
$$;
--> statement-breakpoint
-- Mails that wait, are being sent, or whose fate nobody knows. Of single mails and of each campaign the `max_rows` that are
-- due first count.
create or replace function mail_backlog(at timestamptz, max_rows integer)
returns table (in_campaign boolean, state text, mails bigint, oldest_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public as $$
  with waiting as (
    (select false as in_campaign, m.status, m.send_after from messages m
      where m.campaign_id is null and m.status in ('pending', 'ready', 'deferred', 'sending')
      order by m.send_after limit max_rows)
    union all
    (select true, w.status, w.send_after
      from campaigns c cross join lateral (
        select m.status, m.send_after from messages m
        where m.store_id = c.store_id and m.campaign_id = c.id
          and m.status in ('pending', 'ready', 'deferred', 'sending')
        order by m.send_after limit max_rows
      ) w
      where c.status = 'running' limit max_rows * 10)
  ), judged as (
    select w.in_campaign, w.send_after, case
      when w.status = 'sending' then 'sending'
      when w.send_after <= at then 'due'
      when w.status = 'deferred' then 'deferred'
      else 'later' end as state
    from waiting w
  )
  select j.in_campaign, j.state, count(*), min(j.send_after) from judged j group by j.in_campaign, j.state
  union all
  select u.campaign_id is not null, 'unknown', count(*), min(u.send_after)
  from (select m.campaign_id, m.send_after from messages m where m.status = 'unknown' limit max_rows) u
  group by u.campaign_id is not null
$$;
--> statement-breakpoint
-- The last self-check of each store; nulls where none ended since (the least id of that time).
create or replace function last_self_checks(since uuid)
returns table (store_id uuid, job_id uuid, finished_at timestamptz, drifted integer, ledger_faults integer)
language sql stable security definer set search_path = pg_catalog, public as $$
  select s.id, c.id, c.finished_at, coalesce((c.outcomes ->> 'drifted')::integer, 0),
    coalesce((c.outcomes ->> 'ledgerFaults')::integer, 0)
  from stores s left join lateral (
    select j.id, j.finished_at, j.outcomes from jobs j
    where j.store_id = s.id and j.status = 'completed' and j.kind = 'self-check' and j.id >= since
    order by j.id desc limit 1
  ) c on true
$$;
--> statement-breakpoint
-- Sessions of the service that hold a transaction open and have done nothing in it since; `hidden`: those whose state only
-- their own login or a member of pg_read_all_stats may see.
create or replace function idle_transactions(since timestamptz) returns table (idle bigint, hidden bigint)
language sql stable security definer set search_path = pg_catalog, public as $$
  select
    count(*) filter (where a.state like 'idle in transaction%' and a.application_name ^@ 'clientele'
      and a.state_change < since),
    count(*) filter (where a.state is null)
  from pg_stat_activity a
  where a.datname = current_database() and a.usesysid is not null and a.pid <> pg_backend_pid()
$$;
--> statement-breakpoint
revoke execute on function open_jobs(integer), jobs_of_stores(text, uuid, uuid, integer), failed_jobs(uuid, integer),
  mail_backlog(timestamptz, integer), last_self_checks(uuid), idle_transactions(timestamptz) from public;
--> statement-breakpoint
grant execute on function open_jobs(integer), jobs_of_stores(text, uuid, uuid, integer), failed_jobs(uuid, integer),
  mail_backlog(timestamptz, integer), last_self_checks(uuid), idle_transactions(timestamptz) to clientele_app;
