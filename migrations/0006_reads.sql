CREATE TABLE "access_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"scope" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(3) with time zone,
	"revoked_at" timestamp(3) with time zone,
	CONSTRAINT "access_tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "annotations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"target" text NOT NULL,
	"target_id" uuid NOT NULL,
	"label" text,
	"note" text NOT NULL,
	"author" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "group_leases" (
	"run_id" uuid NOT NULL,
	"task_id" text NOT NULL,
	"lease_id" uuid NOT NULL,
	"until" timestamp(3) with time zone NOT NULL,
	"done" boolean DEFAULT false NOT NULL,
	CONSTRAINT "group_leases_run_id_task_id_pk" PRIMARY KEY("run_id","task_id")
);
--> statement-breakpoint
CREATE TABLE "search_texts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"document" "tsvector" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "revision" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "cells" ADD COLUMN "revision" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "trajectories" ADD COLUMN "reward" double precision;--> statement-breakpoint
ALTER TABLE "trajectories" ADD COLUMN "revision" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "revision" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
CREATE INDEX "annotations_trajectory" ON "annotations" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "annotations_run" ON "annotations" USING btree ("run_id","label","id");--> statement-breakpoint
CREATE INDEX "group_leases_lease" ON "group_leases" USING btree ("lease_id");--> statement-breakpoint
CREATE INDEX "search_texts_document" ON "search_texts" USING gin ("document");--> statement-breakpoint
CREATE INDEX "search_texts_trajectory" ON "search_texts" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "trajectories_reward" ON "trajectories" USING btree ("run_id","reward","position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_cost" ON "trajectories" USING btree ("run_id","cost_usd","position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_turns" ON "trajectories" USING btree ("run_id","turns","position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_revision" ON "trajectories" USING btree ("run_id","revision","id");--> statement-breakpoint
UPDATE "trajectories" AS t SET "reward" = r.reward FROM (
	SELECT trajectory_id, CASE WHEN count(*) = count(value) THEN sum(weight * value) END AS reward FROM (
		SELECT DISTINCT ON (trajectory_id, reward) trajectory_id, weight, value FROM "scores"
		WHERE invocation_id IS NULL AND turn_id IS NULL
		ORDER BY trajectory_id, reward, created_at DESC, id DESC
	) AS newest GROUP BY trajectory_id
) AS r WHERE r.trajectory_id = t.id;--> statement-breakpoint
INSERT INTO "search_texts" SELECT id, run_id, trajectory_id, 'cell',
	setweight(to_tsvector('simple', code), 'A') || setweight(to_tsvector('simple', stdout || ' ' || stderr), 'B') FROM "cells";--> statement-breakpoint
INSERT INTO "search_texts" SELECT id, run_id, trajectory_id, 'call',
	setweight(to_tsvector('simple', coalesce(prompt, '')), 'C') || setweight(to_tsvector('simple', coalesce(response, '')), 'D') FROM "calls";--> statement-breakpoint
INSERT INTO "search_texts" SELECT id, run_id, id, 'trajectory', setweight(to_tsvector('simple', answer), 'D') FROM "trajectories" WHERE answer IS NOT NULL;
