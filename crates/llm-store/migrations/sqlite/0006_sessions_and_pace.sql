-- The newer calls of a session, asked for each row of a list of sessions.
DROP INDEX IF EXISTS "LiteLLM_SpendLogs_session_id_idx";
CREATE INDEX "LiteLLM_SpendLogs_session_id_idx" ON "LiteLLM_SpendLogs"("session_id", "startTime")
    WHERE "session_id" IS NOT "litellm_call_id";

-- How fast models answer, by day: what the dashboard draws. Answers from the cache are not counted.
CREATE TABLE "LlmProxy_DailyPace" (
    "date" TEXT NOT NULL,
    "model_group" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "api_base" TEXT NOT NULL,
    "requests" BIGINT NOT NULL DEFAULT 0,
    "slow_requests" BIGINT NOT NULL DEFAULT 0,
    "timed_requests" BIGINT NOT NULL DEFAULT 0,
    "seconds_per_token" REAL NOT NULL DEFAULT 0.0,
    "streams" BIGINT NOT NULL DEFAULT 0,
    "first_token_seconds" REAL NOT NULL DEFAULT 0.0,
    PRIMARY KEY ("model_group", "date", "model", "api_base")
);
