CREATE TABLE "blobs" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"codec" smallint NOT NULL,
	"data" "bytea",
	"uri" text,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "calls" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"invocation_id" uuid NOT NULL,
	"cell_id" uuid,
	"kind" text NOT NULL,
	"order" integer NOT NULL,
	"batch_id" uuid,
	"batch_index" integer,
	"depth" smallint NOT NULL,
	"child_invocation_id" uuid,
	"model" text NOT NULL,
	"response_model" text,
	"provider" text NOT NULL,
	"scripted" boolean NOT NULL,
	"prompt" text,
	"prompt_blob" "bytea",
	"sampling" jsonb NOT NULL,
	"response" text,
	"response_blob" "bytea",
	"reasoning" text,
	"reasoning_blob" "bytea",
	"finish_reason" text,
	"input_tokens" integer,
	"output_tokens" integer,
	"cached_tokens" integer,
	"reasoning_tokens" integer,
	"cost_usd" double precision,
	"cost_source" text NOT NULL,
	"attempts" integer NOT NULL,
	"error" jsonb,
	"latency_ms" double precision,
	"request_id" text,
	"token_source" text NOT NULL,
	"token_base_call_id" uuid,
	"prompt_tokens" "bytea",
	"completion_tokens" "bytea",
	"logprobs" "bytea",
	"raw" jsonb,
	"started_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cells" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"invocation_id" uuid NOT NULL,
	"turn_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"code" text NOT NULL,
	"code_blob" "bytea",
	"stdout" text NOT NULL,
	"stdout_blob" "bytea",
	"stderr" text NOT NULL,
	"stderr_blob" "bytea",
	"stdout_characters" bigint NOT NULL,
	"stderr_characters" bigint NOT NULL,
	"error" jsonb,
	"death" jsonb,
	"variables" jsonb NOT NULL,
	"final_answer" text,
	"final_answer_blob" "bytea",
	"duration_ms" double precision NOT NULL,
	"compute_ms" double precision NOT NULL,
	"started_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "datasets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"recipe" text NOT NULL,
	"recipe_version" text NOT NULL,
	"selection" jsonb NOT NULL,
	"options" jsonb NOT NULL,
	"directory" text NOT NULL,
	"files" jsonb NOT NULL,
	"rows" bigint NOT NULL,
	"funnel" jsonb NOT NULL,
	"scripted" boolean NOT NULL,
	"schema_version" integer NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invocations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"parent_cell_id" uuid,
	"parent_call_id" uuid,
	"depth" smallint NOT NULL,
	"model" text NOT NULL,
	"protocol_hash" text NOT NULL,
	"stop_reason" text,
	"answer" text,
	"answer_blob" "bytea",
	"started_at" timestamp(3) with time zone NOT NULL,
	"ended_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"invocation_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"role" text NOT NULL,
	"content" text NOT NULL,
	"content_blob" "bytea",
	CONSTRAINT "messages_invocation_id_index_pk" PRIMARY KEY("invocation_id","index")
);
--> statement-breakpoint
CREATE TABLE "run_tasks" (
	"run_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"task_id" text NOT NULL,
	"task_hash" text NOT NULL,
	CONSTRAINT "run_tasks_run_id_position_pk" PRIMARY KEY("run_id","position")
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"status" text NOT NULL,
	"config" jsonb NOT NULL,
	"config_hash" text NOT NULL,
	"protocol" text NOT NULL,
	"protocol_hash" text NOT NULL,
	"model" text NOT NULL,
	"policy_version" text,
	"scripted" boolean NOT NULL,
	"seed" bigint NOT NULL,
	"code_version" text NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"tasks" integer DEFAULT 0 NOT NULL,
	"rollouts" integer NOT NULL,
	"schema_version" integer NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp(3) with time zone,
	"ended_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "scores" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"invocation_id" uuid,
	"turn_id" uuid,
	"reward" text NOT NULL,
	"version" text NOT NULL,
	"options" jsonb NOT NULL,
	"options_hash" text NOT NULL,
	"weight" double precision NOT NULL,
	"value" double precision,
	"error" jsonb,
	"details" jsonb,
	"author" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"hash" text PRIMARY KEY NOT NULL,
	"prompt" text NOT NULL,
	"prompt_blob" "bytea",
	"context_blob" "bytea" NOT NULL,
	"context_format" text NOT NULL,
	"context_type" text NOT NULL,
	"context_characters" bigint NOT NULL,
	"context_bytes" bigint NOT NULL,
	"answer" jsonb,
	"metadata" jsonb NOT NULL,
	"schema_version" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trajectories" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"task_id" text NOT NULL,
	"task_hash" text NOT NULL,
	"rollout" integer NOT NULL,
	"position" integer NOT NULL,
	"status" text NOT NULL,
	"stop_reason" text,
	"answer" text,
	"answer_blob" "bytea",
	"error" jsonb,
	"attempt" integer DEFAULT 0 NOT NULL,
	"seed" bigint NOT NULL,
	"scripted" boolean NOT NULL,
	"sandbox" text,
	"policy_version" text,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"turns" integer DEFAULT 0 NOT NULL,
	"cells" integer DEFAULT 0 NOT NULL,
	"calls" integer DEFAULT 0 NOT NULL,
	"failed_cells" integer DEFAULT 0 NOT NULL,
	"max_depth" integer DEFAULT 0 NOT NULL,
	"cost_usd" double precision,
	"schema_version" integer NOT NULL,
	"started_at" timestamp(3) with time zone,
	"ended_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "turns" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"trajectory_id" uuid NOT NULL,
	"invocation_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"call_id" uuid NOT NULL,
	"prompt_messages" integer NOT NULL,
	"forced" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE INDEX "calls_trajectory" ON "calls" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "calls_cell" ON "calls" USING btree ("cell_id");--> statement-breakpoint
CREATE UNIQUE INDEX "cells_index" ON "cells" USING btree ("turn_id","index");--> statement-breakpoint
CREATE INDEX "cells_trajectory" ON "cells" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "invocations_trajectory" ON "invocations" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "messages_trajectory" ON "messages" USING btree ("trajectory_id");--> statement-breakpoint
CREATE UNIQUE INDEX "run_tasks_task" ON "run_tasks" USING btree ("run_id","task_id");--> statement-breakpoint
CREATE INDEX "run_tasks_hash" ON "run_tasks" USING btree ("task_hash");--> statement-breakpoint
CREATE INDEX "runs_config" ON "runs" USING btree ("config_hash","id");--> statement-breakpoint
CREATE INDEX "runs_suffix" ON "runs" USING btree (reverse("id"::text) text_pattern_ops);--> statement-breakpoint
CREATE INDEX "scores_trajectory" ON "scores" USING btree ("trajectory_id");--> statement-breakpoint
CREATE INDEX "scores_run" ON "scores" USING btree ("run_id","reward");--> statement-breakpoint
CREATE UNIQUE INDEX "trajectories_rollout" ON "trajectories" USING btree ("run_id","task_id","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_list" ON "trajectories" USING btree ("run_id","position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_status" ON "trajectories" USING btree ("run_id","status","position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_suffix" ON "trajectories" USING btree (reverse("id"::text) text_pattern_ops);--> statement-breakpoint
CREATE UNIQUE INDEX "turns_index" ON "turns" USING btree ("invocation_id","index");--> statement-breakpoint
CREATE INDEX "turns_trajectory" ON "turns" USING btree ("trajectory_id");