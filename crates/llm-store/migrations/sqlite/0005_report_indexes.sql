-- Failures are few, and asked for by themselves: without this, all rows of the time are read.
CREATE INDEX IF NOT EXISTS "LlmProxy_SpendLogs_failure_startTime_idx" ON "LiteLLM_SpendLogs"("startTime")
    WHERE "status" = 'failure';
-- Pages of the trail of changes, newest first.
CREATE INDEX IF NOT EXISTS "LlmProxy_AuditLog_updated_at_idx" ON "LiteLLM_AuditLog"("updated_at");
-- Whether an alias is taken, asked for with every new key; and the keys that have it.
CREATE INDEX IF NOT EXISTS "LlmProxy_VerificationToken_key_alias_idx" ON "LiteLLM_VerificationToken"("key_alias")
    WHERE "key_alias" IS NOT NULL;
-- Which budgets are due, asked for every minute. Keys have such an index.
CREATE INDEX IF NOT EXISTS "LlmProxy_UserTable_budget_reset_at_idx" ON "LiteLLM_UserTable"("budget_reset_at")
    WHERE "budget_reset_at" IS NOT NULL;
CREATE INDEX IF NOT EXISTS "LlmProxy_TeamTable_budget_reset_at_idx" ON "LiteLLM_TeamTable"("budget_reset_at")
    WHERE "budget_reset_at" IS NOT NULL;
