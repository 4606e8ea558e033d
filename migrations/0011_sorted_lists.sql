CREATE INDEX "trajectories_calls" ON "trajectories" USING btree ("run_id","calls","position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_tokens" ON "trajectories" USING btree ("run_id",("input_tokens" + "output_tokens"),"position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_seconds" ON "trajectories" USING btree ("run_id",extract(epoch from "ended_at" - "started_at"),"position","rollout");--> statement-breakpoint
CREATE INDEX "trajectories_group" ON "trajectories" USING btree ("run_id","task_id","rollout","reward");