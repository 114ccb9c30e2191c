-- Row-level security, privileges and the few functions that may look past it.
do $$
declare target text;
begin
  foreach target in array array[
    'api_keys', 'idempotency_keys', 'customers', 'merges', 'merge_items', 'addresses', 'tags', 'customer_tags', 'groups',
    'group_members', 'notes', 'note_revisions', 'sales_agents', 'tasks', 'events', 'orders', 'order_items', 'jobs',
    'job_items', 'upload_chunks', 'import_problems'
  ] loop
    call protect_tenant_table(target::regclass);
  end loop;
  call protect_tenant_table('stores', 'id');
end
$$;
--> statement-breakpoint
-- History is only added to.
revoke update, delete on events, note_revisions from clientele_app;
--> statement-breakpoint
-- Room on each page for updates that change no indexed column (tags, version): they stay on their page (HOT). A bulk
-- action changes whole pages at once, so half a page is kept: with 85, three of four updates went into all indexes,
-- which took eight times as long and left table and indexes twice as large as this does.
alter table customers set (fillfactor = 50);
--> statement-breakpoint
-- Each item is updated once, with its outcome, which makes it twice as wide.
alter table job_items set (fillfactor = 35);
--> statement-breakpoint
-- Quick search. Under row-level security a trigram operator cannot use an index, so these functions look as the owner,
-- compare the store themselves and return ids only. `term` is normalised like customers.search_text.
-- Customers with exactly this email; if there is none those whose email or name begins with the term, then those in
-- whose text it stands. Planned for each term: a prefix is a range of an index only when it is known, and letters that
-- half of the customers have are found sooner without the trigrams.
create function matching_customers(term text, max_rows integer) returns table (id uuid)
language plpgsql stable security definer
set search_path = pg_catalog, public set plan_cache_mode = force_custom_plan as $$
declare
  store constant uuid := current_store();
  pattern constant text := '%' || replace(replace(replace(term, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  found_rows integer;
begin
  return query
    select c.id from customers c
      where c.store_id = store and c.account_status not in ('merged', 'erased') and c.email_norm = term;
  if found then
    return;
  end if;
  return query
    (select c.id from customers c
      where c.store_id = store and c.account_status not in ('merged', 'erased') and c.email_norm ^@ term
      order by c.email_norm limit max_rows)
    union
    (select c.id from customers c
      where c.store_id = store and c.account_status not in ('merged', 'erased') and c.sort_name ^@ term
      order by c.sort_name limit max_rows)
    limit max_rows;
  get diagnostics found_rows = row_count;
  if found_rows < max_rows and length(term) >= 3 then
    return query
      select c.id from customers c
        where c.store_id = store and c.account_status not in ('merged', 'erased') and c.search_text like pattern
          and not coalesce(c.email_norm ^@ term, false) and not c.sort_name ^@ term
        limit max_rows - found_rows;
  end if;
end
$$;
--> statement-breakpoint
-- The same with how well each fits. rank 0: the exact email, 1: email or name begins with the term, 2: it stands anywhere.
create function search_customers(term text, max_rows integer)
returns table (id uuid, rank integer, similarity real)
language sql stable security definer set search_path = pg_catalog, public as $$
  select c.id,
    case when c.email_norm = term then 0 when c.email_norm ^@ term or c.sort_name ^@ term then 1 else 2 end,
    similarity(c.search_text, term)
  from matching_customers(term, max_rows) hit join customers c on c.store_id = current_store() and c.id = hit.id
$$;
--> statement-breakpoint
revoke execute on function matching_customers(text, integer), search_customers(text, integer) from public;
--> statement-breakpoint
grant execute on function matching_customers(text, integer), search_customers(text, integer) to clientele_app;
--> statement-breakpoint
-- Jobs of all stores that wait or whose worker went silent; ids only, for the sweeper.
create function silent_jobs(silent_before timestamptz, max_rows integer)
returns table (store_id uuid, id uuid, kind text)
language sql stable security definer set search_path = pg_catalog, public as $$
  select j.store_id, j.id, j.kind from jobs j
    where j.status in ('queued', 'running') and j.alive_at < silent_before
    order by j.alive_at limit max_rows
$$;
--> statement-breakpoint
revoke execute on function silent_jobs(timestamptz, integer) from public;
--> statement-breakpoint
grant execute on function silent_jobs(timestamptz, integer) to clientele_app;
--> statement-breakpoint
-- The stores of this database, for schedules that run once per store.
create function list_stores() returns table (id uuid)
language sql stable security definer set search_path = pg_catalog, public as $$ select s.id from stores s $$;
--> statement-breakpoint
revoke execute on function list_stores() from public;
--> statement-breakpoint
grant execute on function list_stores() to clientele_app;
--> statement-breakpoint
grant select on schema_migrations to clientele_app;
--> statement-breakpoint
-- Whether any store lists the origin: a CORS preflight carries no credential that would name the store.
create function origin_known(origin text) returns boolean
language sql stable security definer set search_path = pg_catalog, public as $$
  select exists (select from stores s where s.settings -> 'corsOrigins' ? origin)
$$;
--> statement-breakpoint
revoke execute on function origin_known(text) from public;
--> statement-breakpoint
grant execute on function origin_known(text) to clientele_app;
