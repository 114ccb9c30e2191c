CREATE TABLE "segment_revisions" (
	"store_id" uuid NOT NULL,
	"segment_id" uuid NOT NULL,
	"revision" integer NOT NULL,
	"query" text NOT NULL,
	"actor" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "segment_revisions_pk" PRIMARY KEY("store_id","segment_id","revision")
);
--> statement-breakpoint
CREATE TABLE "segments" (
	"store_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"slug" text collate "C" NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"query" text NOT NULL,
	"revision" integer NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "segments_pk" PRIMARY KEY("store_id","id"),
	CONSTRAINT "segments_slug_unique" UNIQUE("store_id","slug")
);
--> statement-breakpoint
ALTER TABLE "addresses" ADD COLUMN "city_key" text collate "C";--> statement-breakpoint
ALTER TABLE "addresses" ADD COLUMN "region_key" text collate "C";--> statement-breakpoint
ALTER TABLE "addresses" ADD COLUMN "postcode_key" text collate "C";--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "phone_country" text collate "C";--> statement-breakpoint
ALTER TABLE "order_items" ADD COLUMN "tags" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "order_items" ADD COLUMN "category_keys" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "order_items" ADD COLUMN "tag_keys" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "segment_revisions" ADD CONSTRAINT "segment_revisions_segment_fk" FOREIGN KEY ("store_id","segment_id") REFERENCES "public"."segments"("store_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segments" ADD CONSTRAINT "segments_store_fk" FOREIGN KEY ("store_id") REFERENCES "public"."stores"("id") ON DELETE cascade ON UPDATE no action;