-- Pages and reports of one user or one team: without these they read every row of the time that is asked for.
CREATE INDEX IF NOT EXISTS "LlmProxy_SpendLogs_user_startTime_idx" ON "LiteLLM_SpendLogs"("user", "startTime");
CREATE INDEX IF NOT EXISTS "LlmProxy_SpendLogs_team_id_startTime_idx" ON "LiteLLM_SpendLogs"("team_id", "startTime")
    WHERE "team_id" IS NOT NULL;
