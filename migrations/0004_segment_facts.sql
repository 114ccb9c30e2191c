-- Tenancy of the segments, and what segments compare of rows that are there already.
call protect_tenant_table('segments');
--> statement-breakpoint
call protect_tenant_table('segment_revisions');
--> statement-breakpoint
-- History is only added to.
revoke update, delete on segment_revisions from clientele_app;
--> statement-breakpoint
-- cityKey, postcodeKey and caseKey of src/domain as near as this server's Unicode comes: lower and upper case by the
-- full tables of Unicode where there is a collation for them. They go with this session; new rows are keyed in code.
do $$
declare
  full_case constant name := (
    select collname from pg_collation
    where collname in ('pg_unicode_fast', 'und-x-icu', 'pg_c_utf8', 'default')
      and collencoding in (-1, (select encoding from pg_database where datname = current_database()))
    order by array_position(array['pg_unicode_fast', 'und-x-icu', 'pg_c_utf8', 'default'], collname::text) limit 1);
begin
  execute format($create$
    create function pg_temp.city_key(value text) returns text language sql immutable strict as $body$
      select left(normalize(
        replace(replace(replace(replace(
          translate(
            regexp_replace(lower(normalize(value, nfkd) collate %1$I), '[\u0300-\u036f]', '', 'g'),
            'øđðłıς', 'oddliσ'),
          'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), nfc), 255)
    $body$ $create$, full_case);
  execute format($create$
    create function pg_temp.postcode_key(value text) returns text language sql immutable strict as $body$
      select left(replace(upper(normalize(value, nfkc) collate %1$I), ' ', ''), 255)
    $body$ $create$, full_case);
  execute format($create$
    create function pg_temp.case_key(value text) returns text language sql immutable strict as $body$
      select btrim(regexp_replace(
        normalize(lower(normalize(value, nfkc) collate %1$I), nfkc),
        '[\s\u00a0\u1680\u2028\u2029\ufeff]+', ' ', 'g'))
    $body$ $create$, full_case);
end
$$;
--> statement-breakpoint
update addresses
set city_key = pg_temp.city_key(nullif(city, '')), region_key = pg_temp.city_key(nullif(region, '')),
  postcode_key = pg_temp.postcode_key(nullif(postcode, ''))
where coalesce(city, region, postcode) is not null;
--> statement-breakpoint
update order_items
set category_keys = array(
  select key from (
    select pg_temp.case_key(category) as key, min(place) as place
    from unnest(categories) with ordinality as c (category, place) group by 1) keys
  order by place)
where cardinality(categories) > 0;
--> statement-breakpoint
drop function pg_temp.city_key(text), pg_temp.postcode_key(text), pg_temp.case_key(text);
