-- `messages` holds a few mails that nobody could send so far: locks and scans of it are short.
-- squawk-ignore-file ban-drop-not-null, require-concurrent-index-creation, constraint-missing-not-valid
CREATE TABLE "account_tokens" (
	"store_id" uuid NOT NULL,
	"secret_hash" "bytea" NOT NULL,
	"kind" text collate "C" NOT NULL,
	"customer_id" uuid,
	"message_id" uuid,
	"data" jsonb NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "account_tokens_pk" PRIMARY KEY("store_id","secret_hash")
);
--> statement-breakpoint
CREATE TABLE "credentials" (
	"store_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"password_hash" text NOT NULL,
	"changed_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "credentials_pk" PRIMARY KEY("store_id","customer_id")
);
--> statement-breakpoint
CREATE TABLE "identity_logins" (
	"store_id" uuid NOT NULL,
	"state_hash" "bytea" NOT NULL,
	"provider" text collate "C" NOT NULL,
	"nonce" text NOT NULL,
	"code_verifier" text NOT NULL,
	"redirect_uri" text NOT NULL,
	"customer_id" uuid,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "identity_logins_pk" PRIMARY KEY("store_id","state_hash")
);
--> statement-breakpoint
CREATE TABLE "identity_providers" (
	"store_id" uuid NOT NULL,
	"key" text collate "C" NOT NULL,
	"name" text NOT NULL,
	"issuer" text NOT NULL,
	"client_id" text NOT NULL,
	"client_secret" "bytea" NOT NULL,
	"scopes" text[] NOT NULL,
	"enabled" boolean NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "identity_providers_pk" PRIMARY KEY("store_id","key")
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"opened_at" timestamp (3) with time zone,
	"accepted_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"actor" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "invitations_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "linked_identities" (
	"store_id" uuid NOT NULL,
	"provider" text collate "C" NOT NULL,
	"subject" text collate "C" NOT NULL,
	"customer_id" uuid NOT NULL,
	"email" text,
	"linked_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "linked_identities_pk" PRIMARY KEY("store_id","provider","subject")
);
--> statement-breakpoint
CREATE TABLE "login_throttles" (
	"store_id" uuid NOT NULL,
	"key_hash" "bytea" NOT NULL,
	"failures" integer NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"blocked_until" timestamp (3) with time zone,
	CONSTRAINT "login_throttles_pk" PRIMARY KEY("store_id","key_hash")
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"store_id" uuid NOT NULL,
	"secret_hash" "bytea" NOT NULL,
	"session_id" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "refresh_tokens_pk" PRIMARY KEY("store_id","secret_hash")
);
--> statement-breakpoint
CREATE TABLE "registrations" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"email_norm" text collate "C" NOT NULL,
	"profile" jsonb NOT NULL,
	"password_hash" text NOT NULL,
	"message_id" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"completed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "registrations_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"method" text collate "C" NOT NULL,
	"provider" text collate "C",
	"user_agent" text,
	"ip" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"end_reason" text collate "C",
	CONSTRAINT "sessions_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "campaign_paces" (
	"store_id" uuid NOT NULL,
	"campaign_id" uuid NOT NULL,
	"domain" text collate "C" NOT NULL,
	"tokens" real NOT NULL,
	"filled_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "campaign_paces_pk" PRIMARY KEY("store_id","campaign_id","domain")
);
--> statement-breakpoint
CREATE TABLE "campaign_simulations" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"campaign_id" uuid NOT NULL,
	"result" jsonb NOT NULL,
	"simulated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "campaign_simulations_pk" PRIMARY KEY("store_id","id")
);
--> statement-breakpoint
CREATE TABLE "campaigns" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"status" text collate "C" NOT NULL,
	"pause_cause" text collate "C",
	"failure" text,
	"template_id" uuid NOT NULL,
	"template_version" integer,
	"topic" text collate "C" NOT NULL,
	"once_key" text collate "C",
	"plan" jsonb NOT NULL,
	"starts_at" timestamp (3) with time zone,
	"deadline" timestamp (3) with time zone,
	"audience" integer,
	"prepared_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"actor" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "campaigns_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "campaigns_status_valid" CHECK (status in ('draft', 'scheduled', 'preparing', 'running', 'paused', 'completed', 'cancelled', 'expired', 'failed')),
	CONSTRAINT "campaigns_pause_told" CHECK ((status = 'paused') = (pause_cause is not null))
);
--> statement-breakpoint
CREATE TABLE "consent_events" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"channel" text collate "C" NOT NULL,
	"address" text collate "C" NOT NULL,
	"topic" text collate "C" NOT NULL,
	"customer_id" uuid,
	"action" text collate "C" NOT NULL,
	"state" text collate "C" NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"source" text collate "C" NOT NULL,
	"actor" text collate "C" NOT NULL,
	"wording_hash" "bytea",
	"locale" text collate "C",
	"proof" jsonb NOT NULL,
	CONSTRAINT "consent_events_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "consent_events_state_valid" CHECK (state in ('granted', 'pending', 'withdrawn'))
);
--> statement-breakpoint
CREATE TABLE "consent_wordings" (
	"store_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"version" text collate "C" NOT NULL,
	"locale" text collate "C" NOT NULL,
	"text" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "consent_wordings_pk" PRIMARY KEY("store_id","hash")
);
--> statement-breakpoint
CREATE TABLE "consents" (
	"store_id" uuid NOT NULL,
	"channel" text collate "C" NOT NULL,
	"address" text collate "C" NOT NULL,
	"topic" text collate "C" NOT NULL,
	"state" text collate "C" NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"event_id" uuid NOT NULL,
	CONSTRAINT "consents_pk" PRIMARY KEY("store_id","channel","address","topic"),
	CONSTRAINT "consents_state_valid" CHECK (state in ('granted', 'pending', 'withdrawn'))
);
--> statement-breakpoint
CREATE TABLE "topics" (
	"store_id" uuid NOT NULL,
	"key" text collate "C" NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"position" integer NOT NULL,
	"archived_at" timestamp (3) with time zone,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "topics_pk" PRIMARY KEY("store_id","key")
);
--> statement-breakpoint
CREATE TABLE "message_attempts" (
	"store_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"number" smallint NOT NULL,
	"outcome" text collate "C" NOT NULL,
	"code" smallint,
	"response" text,
	"ended_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "message_attempts_pk" PRIMARY KEY("store_id","message_id","number")
);
--> statement-breakpoint
CREATE TABLE "message_clicks" (
	"store_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"url" text NOT NULL,
	"machine" boolean NOT NULL,
	"clicked_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "message_clicks_pk" PRIMARY KEY("store_id","message_id","id")
);
--> statement-breakpoint
CREATE TABLE "suppressions" (
	"store_id" uuid NOT NULL,
	"address_hash" "bytea" NOT NULL,
	"email" text collate "C",
	"reason" text collate "C" NOT NULL,
	"bounces" integer NOT NULL,
	"counted_since" timestamp (3) with time zone NOT NULL,
	"until" timestamp (3) with time zone,
	"active" boolean NOT NULL,
	"message_id" uuid,
	"note" text,
	"actor" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "suppressions_pk" PRIMARY KEY("store_id","address_hash")
);
--> statement-breakpoint
CREATE TABLE "template_versions" (
	"store_id" uuid NOT NULL,
	"template_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"format" text collate "C" NOT NULL,
	"subject" text NOT NULL,
	"preheader" text NOT NULL,
	"source" text NOT NULL,
	"text_source" text,
	"variables" jsonb NOT NULL,
	"missing" text collate "C" NOT NULL,
	"html" text NOT NULL,
	"text" text NOT NULL,
	"published_by" text collate "C" NOT NULL,
	"published_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "template_versions_pk" PRIMARY KEY("store_id","template_id","number")
);
--> statement-breakpoint
CREATE TABLE "templates" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"key" text collate "C" NOT NULL,
	"locale" text collate "C" NOT NULL,
	"name" text NOT NULL,
	"class" text collate "C" NOT NULL,
	"format" text collate "C" NOT NULL,
	"subject" text NOT NULL,
	"preheader" text NOT NULL,
	"source" text NOT NULL,
	"text_source" text,
	"variables" jsonb NOT NULL,
	"missing" text collate "C" NOT NULL,
	"published" integer,
	"archived_at" timestamp (3) with time zone,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "templates_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "templates_key_unique" UNIQUE("store_id","key","locale"),
	CONSTRAINT "templates_class_valid" CHECK (class in ('transactional', 'marketing')),
	CONSTRAINT "templates_format_valid" CHECK (format in ('mjml', 'html'))
);
--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_store_fk";
--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_customer_fk";
--> statement-breakpoint
ALTER TABLE "messages" ALTER COLUMN "customer_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "contact_limit" smallint;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "class" text collate "C" DEFAULT 'transactional' NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "reason" text collate "C";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "campaign_id" uuid;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "topic" text collate "C";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "order_id" uuid;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "template_id" uuid;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "template_version" integer;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "to_email" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "domain" text collate "C";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "subject" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "actor" text collate "C";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "reference" text collate "C";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "send_after" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "lease_id" uuid;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "lease_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "attempts" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "sent_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "delivered_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "bounced_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "complained_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "unsubscribed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "clicked_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "account_tokens" ADD CONSTRAINT "account_tokens_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identity_logins" ADD CONSTRAINT "identity_logins_provider_fk" FOREIGN KEY ("store_id","provider") REFERENCES "public"."identity_providers"("store_id","key") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identity_providers" ADD CONSTRAINT "identity_providers_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_message_fk" FOREIGN KEY ("store_id","message_id") REFERENCES "public"."messages"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "linked_identities" ADD CONSTRAINT "linked_identities_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "linked_identities" ADD CONSTRAINT "linked_identities_provider_fk" FOREIGN KEY ("store_id","provider") REFERENCES "public"."identity_providers"("store_id","key") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "login_throttles" ADD CONSTRAINT "login_throttles_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_fk" FOREIGN KEY ("store_id","session_id") REFERENCES "public"."sessions"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_message_fk" FOREIGN KEY ("store_id","message_id") REFERENCES "public"."messages"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_paces" ADD CONSTRAINT "campaign_paces_campaign_fk" FOREIGN KEY ("store_id","campaign_id") REFERENCES "public"."campaigns"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_simulations" ADD CONSTRAINT "campaign_simulations_campaign_fk" FOREIGN KEY ("store_id","campaign_id") REFERENCES "public"."campaigns"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_template_fk" FOREIGN KEY ("store_id","template_id") REFERENCES "public"."templates"("store_id","id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent_events" ADD CONSTRAINT "consent_events_customer_fk" FOREIGN KEY ("store_id","customer_id") REFERENCES "public"."customers"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent_events" ADD CONSTRAINT "consent_events_topic_fk" FOREIGN KEY ("store_id","topic") REFERENCES "public"."topics"("store_id","key") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent_events" ADD CONSTRAINT "consent_events_wording_fk" FOREIGN KEY ("store_id","wording_hash") REFERENCES "public"."consent_wordings"("store_id","hash") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent_wordings" ADD CONSTRAINT "consent_wordings_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consents" ADD CONSTRAINT "consents_topic_fk" FOREIGN KEY ("store_id","topic") REFERENCES "public"."topics"("store_id","key") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "topics" ADD CONSTRAINT "topics_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_attempts" ADD CONSTRAINT "message_attempts_message_fk" FOREIGN KEY ("store_id","message_id") REFERENCES "public"."messages"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_clicks" ADD CONSTRAINT "message_clicks_message_fk" FOREIGN KEY ("store_id","message_id") REFERENCES "public"."messages"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suppressions" ADD CONSTRAINT "suppressions_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_template_fk" FOREIGN KEY ("store_id","template_id") REFERENCES "public"."templates"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "templates" ADD CONSTRAINT "templates_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "account_tokens_by_customer" ON "account_tokens" USING btree ("store_id","customer_id","kind");--> statement-breakpoint
CREATE INDEX "account_tokens_by_message" ON "account_tokens" USING btree ("store_id","message_id");--> statement-breakpoint
CREATE INDEX "account_tokens_by_expiry" ON "account_tokens" USING btree ("store_id","expires_at");--> statement-breakpoint
CREATE INDEX "identity_logins_by_expiry" ON "identity_logins" USING btree ("store_id","expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_open_unique" ON "invitations" USING btree ("store_id","customer_id") WHERE accepted_at is null and revoked_at is null;--> statement-breakpoint
CREATE INDEX "invitations_by_customer" ON "invitations" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "invitations_by_message" ON "invitations" USING btree ("store_id","message_id");--> statement-breakpoint
CREATE INDEX "linked_identities_by_customer" ON "linked_identities" USING btree ("store_id","customer_id");--> statement-breakpoint
CREATE INDEX "login_throttles_by_since" ON "login_throttles" USING btree ("store_id","since");--> statement-breakpoint
CREATE INDEX "refresh_tokens_by_session" ON "refresh_tokens" USING btree ("store_id","session_id");--> statement-breakpoint
CREATE INDEX "registrations_by_email" ON "registrations" USING btree ("store_id","email_norm");--> statement-breakpoint
CREATE INDEX "registrations_by_expiry" ON "registrations" USING btree ("store_id","expires_at");--> statement-breakpoint
CREATE INDEX "sessions_by_customer" ON "sessions" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "sessions_by_expiry" ON "sessions" USING btree ("store_id","expires_at");--> statement-breakpoint
CREATE INDEX "campaign_simulations_by_campaign" ON "campaign_simulations" USING btree ("store_id","campaign_id","id");--> statement-breakpoint
CREATE INDEX "campaigns_by_status" ON "campaigns" USING btree ("store_id","status","id");--> statement-breakpoint
CREATE INDEX "campaigns_open" ON "campaigns" USING btree ("starts_at") WHERE status in ('scheduled', 'preparing', 'running');--> statement-breakpoint
CREATE INDEX "campaigns_by_once_key" ON "campaigns" USING btree ("store_id","once_key") WHERE once_key is not null;--> statement-breakpoint
CREATE INDEX "consent_events_by_address" ON "consent_events" USING btree ("store_id","channel","address","topic","effective_at","id");--> statement-breakpoint
CREATE INDEX "consent_events_by_customer" ON "consent_events" USING btree ("store_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "suppressions_by_email" ON "suppressions" USING btree ("store_id","email") WHERE email is not null;--> statement-breakpoint
CREATE INDEX "suppressions_by_time" ON "suppressions" USING btree ("store_id","created_at","address_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "messages_campaign_unique" ON "messages" USING btree ("store_id","campaign_id","customer_id") WHERE campaign_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "messages_reference_unique" ON "messages" USING btree ("store_id","reference") WHERE reference is not null;--> statement-breakpoint
CREATE INDEX "messages_due" ON "messages" USING btree ("store_id","campaign_id","send_after","id") WHERE status in ('pending', 'ready', 'deferred', 'sending');--> statement-breakpoint
CREATE INDEX "messages_sending" ON "messages" USING btree ("store_id","id") WHERE status = 'sending';--> statement-breakpoint
CREATE INDEX "messages_due_anywhere" ON "messages" USING btree ("send_after") WHERE campaign_id is null and status in ('pending', 'ready', 'deferred', 'sending');--> statement-breakpoint
CREATE INDEX "messages_contacts" ON "messages" USING btree ("store_id","sent_at","customer_id") WHERE class = 'marketing' and sent_at is not null;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_status_valid" CHECK (status in ('pending', 'ready', 'sending', 'deferred', 'sent', 'failed', 'unknown', 'skipped', 'cancelled'));--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_class_valid" CHECK (class in ('transactional', 'marketing'));--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_reason_given" CHECK (status not in ('skipped', 'failed') or reason is not null);