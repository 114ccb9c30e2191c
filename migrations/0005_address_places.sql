-- no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- Segments by place. An index that a broken-off build left behind is invalid: each goes before it is built.
DROP INDEX CONCURRENTLY IF EXISTS "addresses_by_city";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY IF NOT EXISTS "addresses_by_city" ON "addresses" USING btree ("store_id","city_key","customer_id");
--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "addresses_by_country";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY IF NOT EXISTS "addresses_by_country" ON "addresses" USING btree ("store_id","country_code","customer_id");
--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "addresses_by_postcode";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY IF NOT EXISTS "addresses_by_postcode" ON "addresses" USING btree ("store_id","postcode_key","customer_id");
