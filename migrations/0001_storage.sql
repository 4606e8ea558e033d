-- These columns hold bytes that are compressed already: PostgreSQL shall not try again.
ALTER TABLE "blobs" ALTER COLUMN "data" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "calls" ALTER COLUMN "prompt_tokens" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "calls" ALTER COLUMN "completion_tokens" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "calls" ALTER COLUMN "logprobs" SET STORAGE EXTERNAL;
