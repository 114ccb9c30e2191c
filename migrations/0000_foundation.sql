-- What every table stands on: the trigram extension, the application role and the store setting that
-- row-level security compares with.
create extension if not exists pg_trgm;
--> statement-breakpoint
do $$
begin
  if not exists (select from pg_roles where rolname = 'clientele_app') then
    create role clientele_app nologin nosuperuser nobypassrls;
  end if;
exception when duplicate_object or unique_violation then null; -- another database of the cluster made it just now
end
$$;
--> statement-breakpoint
do $$
begin
  if not pg_has_role(current_user, 'clientele_app', 'set') then
    execute format('grant clientele_app to %I', current_user);
  end if;
end
$$;
--> statement-breakpoint
grant usage on schema public to clientele_app;
--> statement-breakpoint
create function current_store() returns uuid language sql stable parallel safe
  return nullif(current_setting('clientele.store', true), '')::uuid;
--> statement-breakpoint
-- Binds the connection to a store until it is bound to another one.
create function set_store(store uuid) returns void language sql volatile
  as $$ select set_config('clientele.store', store::text, false) $$;
--> statement-breakpoint
-- Row-level security of a tenant table. FORCE makes it hold for the owner too; the owner's own policy is open, so that
-- SECURITY DEFINER functions may use operators that are not leakproof (trigrams) with an index.
create procedure protect_tenant_table(target regclass, store_column name default 'store_id') language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy tenant on %s to clientele_app using (%I = current_store()) with check (%I = current_store())',
    target, store_column, store_column);
  execute format('create policy owner on %s to current_user using (true) with check (true)', target);
  execute format('grant select, insert, update, delete on %s to clientele_app', target);
end
$$;
