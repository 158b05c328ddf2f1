-- Every index of this table is paid for by every request. The one on the start alone answers the same questions.
DROP INDEX IF EXISTS "LiteLLM_SpendLogs_startTime_request_id_idx";

-- Most requests have no end user, and are a session of their own, found by the index on the call id.
DROP INDEX IF EXISTS "LiteLLM_SpendLogs_end_user_idx";
CREATE INDEX "LiteLLM_SpendLogs_end_user_idx" ON "LiteLLM_SpendLogs"("end_user") WHERE "end_user" IS NOT NULL;
DROP INDEX IF EXISTS "LiteLLM_SpendLogs_session_id_idx";
CREATE INDEX "LiteLLM_SpendLogs_session_id_idx" ON "LiteLLM_SpendLogs"("session_id")
    WHERE "session_id" IS NOT "litellm_call_id";
