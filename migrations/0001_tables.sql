CREATE TABLE "addresses" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"first_name" text,
	"last_name" text,
	"company" text,
	"phone" text collate "C",
	"line1" text,
	"line2" text,
	"city" text,
	"region" text,
	"region_code" text collate "C",
	"postcode" text,
	"country_code" text collate "C",
	"is_default" boolean NOT NULL,
	"is_default_billing" boolean NOT NULL,
	"content_key" text collate "C" NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "addresses_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"kind" text collate "C" NOT NULL,
	"scopes" text[] NOT NULL,
	"prefix" text collate "C" NOT NULL,
	"secret_hash" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "api_keys_secret_unique" UNIQUE("store_id","secret_hash")
);
--> statement-breakpoint
CREATE TABLE "customer_tags" (
	"store_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"tag_id" uuid NOT NULL,
	"source" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "customer_tags_pk" PRIMARY KEY("store_id","customer_id","tag_id")
);
--> statement-breakpoint
CREATE TABLE "customers" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"external_id" text collate "C",
	"email" text,
	"email_norm" text collate "C",
	"email_key" text collate "C",
	"phone" text collate "C",
	"name_key" text collate "C",
	"first_name" text,
	"last_name" text,
	"company" text,
	"sales_agent_id" uuid,
	"birthday_month" smallint,
	"birthday_day" smallint,
	"birthday_year" smallint,
	"gender" text collate "C",
	"language" text collate "C",
	"timezone" text collate "C",
	"account_status" text collate "C" NOT NULL,
	"registered_at" timestamp (3) with time zone,
	"source" text collate "C" NOT NULL,
	"accepts_marketing" boolean NOT NULL,
	"wholesale" boolean NOT NULL,
	"primary_group_id" uuid,
	"custom" jsonb NOT NULL,
	"orders_count" integer NOT NULL,
	"total_spent" bigint NOT NULL,
	"refunded_total" bigint NOT NULL,
	"first_order_at" timestamp (3) with time zone,
	"last_order_at" timestamp (3) with time zone,
	"last_order_id" uuid,
	"default_country" text collate "C",
	"default_region" text collate "C",
	"default_city" text collate "C",
	"default_postcode" text collate "C",
	"sort_name" text collate "C" NOT NULL,
	"sort_company" text collate "C",
	"search_text" text collate "C" NOT NULL,
	"merged_into_id" uuid,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "customers_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "customers_status_known" CHECK (account_status in ('guest', 'invited', 'active', 'disabled', 'merged', 'erased')),
	CONSTRAINT "customers_counters_valid" CHECK (orders_count >= 0 and total_spent >= 0 and refunded_total >= 0),
	CONSTRAINT "customers_money_safe" CHECK (total_spent < 9007199254740992 and refunded_total < 9007199254740992)
);
--> statement-breakpoint
CREATE TABLE "merge_items" (
	"store_id" uuid NOT NULL,
	"merge_id" uuid NOT NULL,
	"kind" text collate "C" NOT NULL,
	"item_id" uuid NOT NULL,
	"source" text collate "C",
	"assigned_at" timestamp (3) with time zone,
	CONSTRAINT "merge_items_pk" PRIMARY KEY("store_id","merge_id","kind","item_id")
);
--> statement-breakpoint
CREATE TABLE "merges" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"into_id" uuid NOT NULL,
	"from_id" uuid NOT NULL,
	"moved" jsonb NOT NULL,
	"merged_at" timestamp (3) with time zone NOT NULL,
	"undone_at" timestamp (3) with time zone,
	CONSTRAINT "merges_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid,
	"kind" text collate "C" NOT NULL,
	"subject_id" uuid,
	"actor" text collate "C" NOT NULL,
	"data" jsonb NOT NULL,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"transaction_id" bigint DEFAULT (pg_current_xact_id()::text)::bigint NOT NULL,
	CONSTRAINT "events_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "group_members" (
	"store_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"group_id" uuid NOT NULL,
	"source" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "group_members_pk" PRIMARY KEY("store_id","customer_id","group_id")
);
--> statement-breakpoint
CREATE TABLE "groups" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"name_key" text collate "C" NOT NULL,
	"description" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "groups_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "groups_name_unique" UNIQUE("store_id","name_key")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"store_id" uuid NOT NULL,
	"credential" text collate "C" NOT NULL,
	"operation" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"fingerprint" "bytea" NOT NULL,
	"answer" jsonb,
	"refused" text collate "C",
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_pk" PRIMARY KEY("store_id","credential","operation","key")
);
--> statement-breakpoint
CREATE TABLE "import_problems" (
	"store_id" uuid NOT NULL,
	"job_id" uuid NOT NULL,
	"line" integer NOT NULL,
	"sequence" integer NOT NULL,
	"column" text,
	"level" text collate "C" NOT NULL,
	"code" text collate "C" NOT NULL,
	"message" text NOT NULL,
	"cells" text[],
	CONSTRAINT "import_problems_pk" PRIMARY KEY("store_id","job_id","line","sequence")
);
--> statement-breakpoint
CREATE TABLE "job_items" (
	"store_id" uuid NOT NULL,
	"job_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"outcome" text collate "C",
	"changed" jsonb,
	CONSTRAINT "job_items_pk" PRIMARY KEY("store_id","job_id","customer_id")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"kind" text collate "C" NOT NULL,
	"status" text collate "C" NOT NULL,
	"params" jsonb NOT NULL,
	"position" jsonb NOT NULL,
	"total" integer,
	"done" integer NOT NULL,
	"outcomes" jsonb NOT NULL,
	"error" jsonb,
	"dry_run" boolean NOT NULL,
	"undo_of" uuid,
	"actor" text collate "C" NOT NULL,
	"request_id" text collate "C",
	"attempts" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"alive_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "jobs_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "upload_chunks" (
	"store_id" uuid NOT NULL,
	"job_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"content" "bytea" NOT NULL,
	CONSTRAINT "upload_chunks_pk" PRIMARY KEY("store_id","job_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "note_revisions" (
	"store_id" uuid NOT NULL,
	"note_id" uuid NOT NULL,
	"revision" integer NOT NULL,
	"body" text NOT NULL,
	"author" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "note_revisions_pk" PRIMARY KEY("store_id","note_id","revision")
);
--> statement-breakpoint
CREATE TABLE "notes" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"body" text NOT NULL,
	"author" text collate "C" NOT NULL,
	"edited_by" text collate "C",
	"revision" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "notes_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "order_items" (
	"store_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"position" smallint NOT NULL,
	"product_id" text collate "C",
	"sku" text collate "C",
	"title" text NOT NULL,
	"categories" text[] NOT NULL,
	"quantity" integer NOT NULL,
	"unit_price" bigint NOT NULL,
	"discount" bigint NOT NULL,
	"tax" bigint NOT NULL,
	"total" bigint NOT NULL,
	CONSTRAINT "order_items_pk" PRIMARY KEY("store_id","order_id","position"),
	CONSTRAINT "order_items_quantity_valid" CHECK (quantity > 0)
);
--> statement-breakpoint
CREATE TABLE "orders" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"external_id" text collate "C" NOT NULL,
	"customer_id" uuid NOT NULL,
	"status" text collate "C" NOT NULL,
	"refund_status" text collate "C" NOT NULL,
	"currency" text collate "C" NOT NULL,
	"placed_at" timestamp (3) with time zone NOT NULL,
	"platform_updated_at" timestamp (3) with time zone NOT NULL,
	"shipping" bigint NOT NULL,
	"tax" bigint NOT NULL,
	"taxes_included" boolean NOT NULL,
	"discount" bigint NOT NULL,
	"total" bigint NOT NULL,
	"refunded_total" bigint NOT NULL,
	"refunds" jsonb NOT NULL,
	"payment_method" text,
	"channel" text,
	"coupon_codes" text[] NOT NULL,
	"email" text,
	"is_test" boolean NOT NULL,
	"shipping_address" jsonb,
	"billing_address" jsonb,
	"snapshot" jsonb NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "orders_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "orders_external_id_unique" UNIQUE("store_id","external_id"),
	CONSTRAINT "orders_money_valid" CHECK (total >= 0 and refunded_total >= 0 and refunded_total <= total)
);
--> statement-breakpoint
CREATE TABLE "sales_agents" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"email" text,
	"active" boolean NOT NULL,
	"calendar_hash" "bytea",
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "sales_agents_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "sales_agents_calendar_unique" UNIQUE("store_id","calendar_hash")
);
--> statement-breakpoint
CREATE TABLE "stores" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"currency" text collate "C" NOT NULL,
	"timezone" text NOT NULL,
	"locale" text NOT NULL,
	"settings" jsonb NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tags" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"name_key" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tags_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "tags_name_unique" UNIQUE("store_id","name_key")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"title" text NOT NULL,
	"description" text,
	"due_at" timestamp (3) with time zone NOT NULL,
	"due_timezone" text NOT NULL,
	"all_day" boolean NOT NULL,
	"assignee_id" uuid,
	"customer_id" uuid,
	"done_at" timestamp (3) with time zone,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tasks_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
ALTER TABLE "addresses" ADD CONSTRAINT "addresses_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customer_tags" ADD CONSTRAINT "customer_tags_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customer_tags" ADD CONSTRAINT "customer_tags_tag_fk" FOREIGN KEY ("store_id","tag_id") REFERENCES "public"."tags"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customers" ADD CONSTRAINT "customers_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customers" ADD CONSTRAINT "customers_agent_fk" FOREIGN KEY ("store_id","sales_agent_id") REFERENCES "public"."sales_agents"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customers" ADD CONSTRAINT "customers_group_fk" FOREIGN KEY ("store_id","primary_group_id") REFERENCES "public"."groups"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customers" ADD CONSTRAINT "customers_merged_fk" FOREIGN KEY ("store_id","merged_into_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "merge_items" ADD CONSTRAINT "merge_items_merge_fk" FOREIGN KEY ("store_id","merge_id") REFERENCES "public"."merges"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "merges" ADD CONSTRAINT "merges_into_fk" FOREIGN KEY ("store_id","into_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "merges" ADD CONSTRAINT "merges_from_fk" FOREIGN KEY ("store_id","from_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_group_fk" FOREIGN KEY ("store_id","group_id") REFERENCES "public"."groups"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "groups" ADD CONSTRAINT "groups_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "import_problems" ADD CONSTRAINT "import_problems_job_fk" FOREIGN KEY ("store_id","job_id") REFERENCES "public"."jobs"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_items" ADD CONSTRAINT "job_items_job_fk" FOREIGN KEY ("store_id","job_id") REFERENCES "public"."jobs"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "upload_chunks" ADD CONSTRAINT "upload_chunks_job_fk" FOREIGN KEY ("store_id","job_id") REFERENCES "public"."jobs"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "note_revisions" ADD CONSTRAINT "note_revisions_note_fk" FOREIGN KEY ("store_id","note_id") REFERENCES "public"."notes"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notes" ADD CONSTRAINT "notes_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_items" ADD CONSTRAINT "order_items_order_fk" FOREIGN KEY ("store_id","order_id") REFERENCES "public"."orders"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sales_agents" ADD CONSTRAINT "sales_agents_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tags" ADD CONSTRAINT "tags_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_assignee_fk" FOREIGN KEY ("store_id","assignee_id") REFERENCES "public"."sales_agents"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "addresses_by_customer" ON "addresses" USING btree ("store_id","customer_id","content_key");--> statement-breakpoint
CREATE UNIQUE INDEX "addresses_default_unique" ON "addresses" USING btree ("store_id","customer_id") WHERE is_default;--> statement-breakpoint
CREATE UNIQUE INDEX "addresses_billing_unique" ON "addresses" USING btree ("store_id","customer_id") WHERE is_default_billing;--> statement-breakpoint
CREATE INDEX "customer_tags_by_tag" ON "customer_tags" USING btree ("store_id","tag_id","customer_id");--> statement-breakpoint
CREATE INDEX "customers_by_survivor" ON "customers" USING btree ("store_id","merged_into_id") WHERE merged_into_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "customers_email_unique" ON "customers" USING btree ("store_id","email_norm") WHERE email_norm is not null and account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE UNIQUE INDEX "customers_external_id_unique" ON "customers" USING btree ("store_id","external_id") WHERE external_id is not null and account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_email" ON "customers" USING btree ("store_id","email_norm","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_email_key" ON "customers" USING btree ("store_id","email_key","id") WHERE email_key is not null and account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_phone" ON "customers" USING btree ("store_id","phone","id") WHERE phone is not null and account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_name_key" ON "customers" USING btree ("store_id","name_key","default_postcode","id") WHERE name_key is not null and account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_name" ON "customers" USING btree ("store_id","sort_name","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_company" ON "customers" USING btree ("store_id","sort_company","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_country" ON "customers" USING btree ("store_id","default_country","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_place" ON "customers" USING btree ("store_id","default_country","default_city","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_city" ON "customers" USING btree ("store_id","default_city","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_postcode" ON "customers" USING btree ("store_id","default_postcode") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_orders_count" ON "customers" USING btree ("store_id","orders_count","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_total_spent" ON "customers" USING btree ("store_id","total_spent","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_last_order" ON "customers" USING btree ("store_id","last_order_at","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_status" ON "customers" USING btree ("store_id","account_status","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_created" ON "customers" USING btree ("store_id","created_at","id") WHERE account_status not in ('merged', 'erased');--> statement-breakpoint
CREATE INDEX "customers_by_group" ON "customers" USING btree ("store_id","primary_group_id","id");--> statement-breakpoint
CREATE INDEX "customers_by_agent" ON "customers" USING btree ("store_id","sales_agent_id","id") WHERE sales_agent_id is not null;--> statement-breakpoint
CREATE INDEX "customers_by_search" ON "customers" USING gin (search_text gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "merges_by_from" ON "merges" USING btree ("store_id","from_id");--> statement-breakpoint
CREATE INDEX "merges_by_into" ON "merges" USING btree ("store_id","into_id");--> statement-breakpoint
CREATE INDEX "events_by_customer" ON "events" USING btree ("store_id","customer_id","occurred_at","id");--> statement-breakpoint
CREATE INDEX "events_by_transaction" ON "events" USING btree ("store_id","transaction_id","id");--> statement-breakpoint
CREATE INDEX "group_members_by_group" ON "group_members" USING btree ("store_id","group_id","customer_id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_by_expiry" ON "idempotency_keys" USING btree ("store_id","expires_at");--> statement-breakpoint
CREATE INDEX "jobs_by_status" ON "jobs" USING btree ("store_id","status","id");--> statement-breakpoint
CREATE INDEX "jobs_by_undo" ON "jobs" USING btree ("store_id","undo_of") WHERE undo_of is not null;--> statement-breakpoint
CREATE INDEX "jobs_open" ON "jobs" USING btree ("alive_at") WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "notes_by_customer" ON "notes" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "orders_by_customer" ON "orders" USING btree ("store_id","customer_id","placed_at","id");--> statement-breakpoint
CREATE INDEX "orders_by_placed" ON "orders" USING btree ("store_id","placed_at","id");--> statement-breakpoint
CREATE INDEX "tasks_by_assignee" ON "tasks" USING btree ("store_id","assignee_id","due_at","id");--> statement-breakpoint
CREATE INDEX "tasks_by_due" ON "tasks" USING btree ("store_id","due_at","id");--> statement-breakpoint
CREATE INDEX "tasks_by_customer" ON "tasks" USING btree ("store_id","customer_id","due_at","id");--> statement-breakpoint
CREATE INDEX "tasks_open_by_due" ON "tasks" USING btree ("store_id","due_at","id") WHERE done_at is null;--> statement-breakpoint
CREATE INDEX "tasks_open_by_assignee" ON "tasks" USING btree ("store_id","assignee_id","due_at","id") WHERE done_at is null;