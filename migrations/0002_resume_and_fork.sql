ALTER TABLE "trajectories" ADD COLUMN "divergence" jsonb;--> statement-breakpoint
ALTER TABLE "trajectories" ADD COLUMN "origin_trajectory_id" uuid;--> statement-breakpoint
ALTER TABLE "trajectories" ADD COLUMN "origin_turns" integer;