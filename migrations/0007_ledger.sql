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
CREATE INDEX "allocations_by_lot" ON "allocations" USING btree ("store_id","account_id","lot_id");--> statement-breakpoint
CREATE INDEX "holds_open" ON "holds" USING btree ("store_id","account_id") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "holds_by_account" ON "holds" USING btree ("store_id","account_id","id");--> statement-breakpoint
CREATE INDEX "lots_open" ON "lots" USING btree ("store_id","account_id") WHERE is_open;--> statement-breakpoint
CREATE INDEX "lots_open_by_expiry" ON "lots" USING btree ("store_id","expires_at","account_id") WHERE is_open;--> statement-breakpoint
CREATE INDEX "messages_by_customer" ON "messages" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "transfers_by_correction" ON "transfers" USING btree ("store_id","corrects_id") WHERE corrects_id is not null;--> statement-breakpoint
CREATE INDEX "transfers_by_order" ON "transfers" USING btree ("store_id","order_id") WHERE order_id is not null;