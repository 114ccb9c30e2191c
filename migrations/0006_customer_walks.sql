-- no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- Birthdays by the day of the year; who spent much and did not come back, from the index alone.
DROP INDEX CONCURRENTLY IF EXISTS "customers_by_birthday";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY IF NOT EXISTS "customers_by_birthday" ON "customers" USING btree ("store_id","birthday_month","birthday_day","id") WHERE account_status not in ('merged', 'erased');
--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "customers_by_last_order";
--> statement-breakpoint
CREATE INDEX CONCURRENTLY IF NOT EXISTS "customers_by_last_order" ON "customers" USING btree ("store_id","last_order_at","id","total_spent","orders_count") WHERE account_status not in ('merged', 'erased');
