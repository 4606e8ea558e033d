CREATE TABLE "advantages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"invocation_id" uuid,
	"turn_id" uuid,
	"method" text NOT NULL,
	"version" text NOT NULL,
	"options" jsonb NOT NULL,
	"options_hash" text NOT NULL,
	"reward" double precision,
	"value" double precision NOT NULL,
	"weight" double precision NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cells" ADD COLUMN "limits" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX "advantages_trajectory" ON "advantages" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "advantages_run" ON "advantages" USING btree ("run_id","method","options_hash");--> statement-breakpoint
CREATE INDEX "trajectories_origin" ON "trajectories" USING btree ("origin_trajectory_id") WHERE "origin_trajectory_id" is not null;
