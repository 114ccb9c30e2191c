CREATE TABLE "allocations" (
	"store_id" uuid NOT NULL,
	"transfer_id" uuid NOT NULL,
	"account_id" uuid NOT NULL,
	"lot_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"amount" bigint NOT NULL,
	CONSTRAINT "allocations_pk" PRIMARY KEY("store_id","transfer_id","lot_id","seq"),
	CONSTRAINT "allocations_amount_valid" CHECK (amount <> 0)
);
--> statement-breakpoint
CREATE TABLE "holds" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"account_id" uuid NOT NULL,
	"status" text collate "C" NOT NULL,
	"amount" bigint NOT NULL,
	"lots" jsonb NOT NULL,
	"captured" bigint NOT NULL,
	"transfer_id" uuid,
	"reference" text collate "C" NOT NULL,
	"fingerprint" "bytea",
	"order_id" uuid,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"closed_at" timestamp (3) with time zone,
	CONSTRAINT "holds_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "holds_reference_unique" UNIQUE("store_id","reference"),
	CONSTRAINT "holds_captured_valid" CHECK (amount > 0 and captured >= 0 and captured <= amount),
	CONSTRAINT "holds_status_valid" CHECK (status in ('open', 'captured', 'voided'))
);
--> statement-breakpoint
CREATE TABLE "ledger_accounts" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"unit" text collate "C" NOT NULL,
	"balance" bigint NOT NULL,
	"overdraft" bigint NOT NULL,
	"seq" bigint NOT NULL,
	"version" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "ledger_accounts_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "ledger_accounts_unit_unique" UNIQUE("store_id","customer_id","unit"),
	CONSTRAINT "ledger_accounts_balance_valid" CHECK (overdraft >= 0 and balance >= -overdraft and seq >= 0)
);
--> statement-breakpoint
CREATE TABLE "lots" (
	"store_id" uuid NOT NULL,
	"account_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"transfer_id" uuid NOT NULL,
	"amount" bigint NOT NULL,
	"remaining" bigint NOT NULL,
	"is_open" boolean NOT NULL,
	"active_from" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"source" text collate "C",
	"rule" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "lots_pk" PRIMARY KEY("store_id","account_id","id"),
	CONSTRAINT "lots_remaining_valid" CHECK (amount > 0 and remaining >= 0 and remaining <= amount and is_open = (remaining > 0)),
	CONSTRAINT "lots_expiry_valid" CHECK (expires_at is null or expires_at > active_from)
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"kind" text collate "C" NOT NULL,
	"status" text collate "C" NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "messages_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "overdrafts" (
	"store_id" uuid NOT NULL,
	"account_id" uuid NOT NULL,
	"transfer_id" uuid NOT NULL,
	"amount" bigint NOT NULL,
	"remaining" bigint NOT NULL,
	CONSTRAINT "overdrafts_pk" PRIMARY KEY("store_id","account_id","transfer_id"),
	CONSTRAINT "overdrafts_remaining_valid" CHECK (amount > 0 and remaining >= 0 and remaining <= amount)
);
--> statement-breakpoint
CREATE TABLE "transfer_notes" (
	"store_id" uuid NOT NULL,
	"transfer_id" uuid NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "transfer_notes_pk" PRIMARY KEY("store_id","transfer_id")
);
--> statement-breakpoint
CREATE TABLE "transfers" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"account_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"unit" text collate "C" NOT NULL,
	"kind" text collate "C" NOT NULL,
	"is_credit" boolean NOT NULL,
	"counter_account" text collate "C" NOT NULL,
	"amount" bigint NOT NULL,
	"balance_after" bigint NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"reference" text collate "C" NOT NULL,
	"fingerprint" "bytea",
	"corrects_id" uuid,
	"hold_id" uuid,
	"order_id" uuid,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "transfers_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "transfers_seq_unique" UNIQUE("store_id","account_id","seq"),
	CONSTRAINT "transfers_reference_unique" UNIQUE("store_id","reference"),
	CONSTRAINT "transfers_amount_valid" CHECK (amount > 0 and seq > 0)
);
--> statement-breakpoint
CREATE TABLE "loyalty_earnings" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"source_key" text collate "C" NOT NULL,
	"rule_id" text collate "C" NOT NULL,
	"source_kind" text collate "C" NOT NULL,
	"programme_version" integer NOT NULL,
	"order_id" uuid,
	"points" bigint NOT NULL,
	"base" bigint NOT NULL,
	"formula" text NOT NULL,
	"lines" jsonb NOT NULL,
	"transfer_id" uuid NOT NULL,
	"account_id" uuid NOT NULL,
	"lot_id" uuid NOT NULL,
	"reversed" bigint NOT NULL,
	"earned_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "loyalty_earnings_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "loyalty_earnings_source_unique" UNIQUE("store_id","source_key"),
	CONSTRAINT "loyalty_earnings_points_valid" CHECK (points > 0 and reversed >= 0 and reversed <= points)
);
--> statement-breakpoint
CREATE TABLE "loyalty_members" (
	"store_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"status" text collate "C" NOT NULL,
	"enrolled_at" timestamp (3) with time zone NOT NULL,
	"left_at" timestamp (3) with time zone,
	"points_earned" bigint NOT NULL,
	"last_activity_at" timestamp (3) with time zone NOT NULL,
	"tier" text collate "C",
	"tier_earned" text collate "C",
	"tier_since" timestamp (3) with time zone NOT NULL,
	"period_ends_at" timestamp (3) with time zone,
	"override_tier" text collate "C",
	"override_until" timestamp (3) with time zone,
	"override_reason" text,
	"tier_due_at" timestamp (3) with time zone,
	"referral_code" text collate "C" NOT NULL,
	"birthday_rewarded_year" integer,
	"birthday_edited_year" integer,
	"version" integer NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "loyalty_members_pk" PRIMARY KEY("store_id","customer_id"),
	CONSTRAINT "loyalty_members_code_unique" UNIQUE("store_id","referral_code"),
	CONSTRAINT "loyalty_members_status_valid" CHECK (status in ('active', 'left')),
	CONSTRAINT "loyalty_members_override_valid" CHECK ((override_tier is null) = (override_until is null) and (override_tier is null) = (override_reason is null))
);
--> statement-breakpoint
CREATE TABLE "loyalty_programmes" (
	"store_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"settings" jsonb NOT NULL,
	"actor" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "loyalty_programmes_pk" PRIMARY KEY("store_id","version")
);
--> statement-breakpoint
CREATE TABLE "loyalty_redemptions" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"reward_id" uuid NOT NULL,
	"reward" jsonb NOT NULL,
	"points" bigint NOT NULL,
	"status" text collate "C" NOT NULL,
	"hold_id" uuid NOT NULL,
	"transfer_id" uuid,
	"credit_transfer_id" uuid,
	"code" text collate "C",
	"order_id" uuid,
	"reason" text,
	"held_until" timestamp (3) with time zone NOT NULL,
	"valid_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"closed_at" timestamp (3) with time zone,
	CONSTRAINT "loyalty_redemptions_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "loyalty_rewards" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"kind" text collate "C" NOT NULL,
	"status" text collate "C" NOT NULL,
	"points" bigint NOT NULL,
	"amount" bigint,
	"currency" text collate "C",
	"percent" integer,
	"product_id" text collate "C",
	"early_access_hours" integer,
	"min_tier" text collate "C",
	"starts_at" timestamp (3) with time zone,
	"ends_at" timestamp (3) with time zone,
	"stock" integer,
	"max_per_customer" integer,
	"valid_days" integer,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "loyalty_rewards_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "loyalty_rewards_points_valid" CHECK (points > 0 and (stock is null or stock >= 0))
);
--> statement-breakpoint
CREATE TABLE "referrals" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"advocate_id" uuid NOT NULL,
	"friend_id" uuid,
	"invited_email" text collate "C",
	"state" text collate "C" NOT NULL,
	"reason" text collate "C",
	"programme_version" integer NOT NULL,
	"order_id" uuid,
	"decides_at" timestamp (3) with time zone,
	"invited_at" timestamp (3) with time zone NOT NULL,
	"registered_at" timestamp (3) with time zone,
	"qualified_at" timestamp (3) with time zone,
	"rewarded_at" timestamp (3) with time zone,
	"rejected_at" timestamp (3) with time zone,
	"version" integer NOT NULL,
	CONSTRAINT "referrals_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
ALTER TABLE "events" DROP CONSTRAINT "events_store_fk";
--> statement-breakpoint
ALTER TABLE "order_items" ADD COLUMN "is_gift_card" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "credit_paid" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "points_paid" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "delivered_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_transfer_fk" FOREIGN KEY ("store_id","transfer_id") REFERENCES "public"."transfers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_lot_fk" FOREIGN KEY ("store_id","account_id","lot_id") REFERENCES "public"."lots"("store_id","account_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "holds" ADD CONSTRAINT "holds_account_fk" FOREIGN KEY ("store_id","account_id") REFERENCES "public"."ledger_accounts"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_accounts" ADD CONSTRAINT "ledger_accounts_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lots" ADD CONSTRAINT "lots_transfer_fk" FOREIGN KEY ("store_id","transfer_id") REFERENCES "public"."transfers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "overdrafts" ADD CONSTRAINT "overdrafts_transfer_fk" FOREIGN KEY ("store_id","transfer_id") REFERENCES "public"."transfers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transfer_notes" ADD CONSTRAINT "transfer_notes_transfer_fk" FOREIGN KEY ("store_id","transfer_id") REFERENCES "public"."transfers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_account_fk" FOREIGN KEY ("store_id","account_id") REFERENCES "public"."ledger_accounts"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_earnings" ADD CONSTRAINT "loyalty_earnings_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_earnings" ADD CONSTRAINT "loyalty_earnings_transfer_fk" FOREIGN KEY ("store_id","transfer_id") REFERENCES "public"."transfers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_earnings" ADD CONSTRAINT "loyalty_earnings_account_fk" FOREIGN KEY ("store_id","account_id") REFERENCES "public"."ledger_accounts"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_members" ADD CONSTRAINT "loyalty_members_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_programmes" ADD CONSTRAINT "loyalty_programmes_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_redemptions" ADD CONSTRAINT "loyalty_redemptions_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_redemptions" ADD CONSTRAINT "loyalty_redemptions_reward_fk" FOREIGN KEY ("store_id","reward_id") REFERENCES "public"."loyalty_rewards"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loyalty_rewards" ADD CONSTRAINT "loyalty_rewards_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "referrals" ADD CONSTRAINT "referrals_advocate_fk" FOREIGN KEY ("store_id","advocate_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "referrals" ADD CONSTRAINT "referrals_friend_fk" FOREIGN KEY ("store_id","friend_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "referrals" ADD CONSTRAINT "referrals_order_fk" FOREIGN KEY ("store_id","order_id") REFERENCES "public"."orders"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "allocations_by_lot" ON "allocations" USING btree ("store_id","account_id","lot_id");--> statement-breakpoint
CREATE INDEX "holds_open" ON "holds" USING btree ("store_id","account_id","expires_at") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "holds_by_account" ON "holds" USING btree ("store_id","account_id","id");--> statement-breakpoint
CREATE INDEX "lots_open" ON "lots" USING btree ("store_id","account_id") WHERE is_open;--> statement-breakpoint
CREATE INDEX "lots_open_by_expiry" ON "lots" USING btree ("store_id","expires_at","account_id") WHERE is_open;--> statement-breakpoint
CREATE INDEX "messages_by_customer" ON "messages" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "transfers_by_correction" ON "transfers" USING btree ("store_id","corrects_id") WHERE corrects_id is not null;--> statement-breakpoint
CREATE INDEX "transfers_by_order" ON "transfers" USING btree ("store_id","order_id") WHERE order_id is not null;--> statement-breakpoint
CREATE INDEX "loyalty_earnings_by_customer" ON "loyalty_earnings" USING btree ("store_id","customer_id","rule_id","earned_at");--> statement-breakpoint
CREATE INDEX "loyalty_earnings_by_order" ON "loyalty_earnings" USING btree ("store_id","order_id") WHERE order_id is not null;--> statement-breakpoint
CREATE INDEX "loyalty_members_by_tier" ON "loyalty_members" USING btree ("store_id","tier","customer_id");--> statement-breakpoint
CREATE INDEX "loyalty_members_by_enrolment" ON "loyalty_members" USING btree ("store_id","enrolled_at","customer_id");--> statement-breakpoint
CREATE INDEX "loyalty_members_due" ON "loyalty_members" USING btree ("store_id","tier_due_at") WHERE tier_due_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "loyalty_redemptions_code_unique" ON "loyalty_redemptions" USING btree ("store_id","code") WHERE code is not null;--> statement-breakpoint
CREATE INDEX "loyalty_redemptions_by_customer" ON "loyalty_redemptions" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "loyalty_redemptions_by_reward" ON "loyalty_redemptions" USING btree ("store_id","reward_id","customer_id");--> statement-breakpoint
CREATE INDEX "loyalty_redemptions_held" ON "loyalty_redemptions" USING btree ("store_id","held_until") WHERE status = 'held';--> statement-breakpoint
CREATE UNIQUE INDEX "referrals_friend_unique" ON "referrals" USING btree ("store_id","friend_id") WHERE friend_id is not null;--> statement-breakpoint
CREATE INDEX "referrals_by_invitation" ON "referrals" USING btree ("store_id","invited_email") WHERE invited_email is not null;--> statement-breakpoint
CREATE INDEX "referrals_by_advocate" ON "referrals" USING btree ("store_id","advocate_id","id");--> statement-breakpoint
CREATE INDEX "referrals_due" ON "referrals" USING btree ("store_id","decides_at") WHERE decides_at is not null;