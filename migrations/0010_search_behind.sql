ALTER TABLE "trajectories" ADD COLUMN "searchable" boolean DEFAULT false NOT NULL;--> statement-breakpoint
UPDATE "trajectories" SET "searchable" = true WHERE "ended_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "trajectories_unsearchable" ON "trajectories" USING btree ("run_id","id") WHERE not "searchable" and "ended_at" is not null;
