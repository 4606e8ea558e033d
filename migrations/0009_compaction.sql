ALTER TABLE "turns" ADD COLUMN "prompt_start" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "compaction" boolean DEFAULT false NOT NULL;
