-- Our own tables: batches of spend that were applied, so a retry is a no-op.
CREATE TABLE "LlmProxy_AppliedBatch" (
    "batch_id" TEXT NOT NULL,
    "applied_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "LlmProxy_AppliedBatch_pkey" PRIMARY KEY ("batch_id")
);
CREATE INDEX "LlmProxy_AppliedBatch_applied_at_idx" ON "LlmProxy_AppliedBatch"("applied_at");

-- What changed since a time, asked for often by every gateway.
CREATE INDEX "LlmProxy_VerificationToken_updated_at_idx" ON "LiteLLM_VerificationToken"("updated_at");
CREATE INDEX "LlmProxy_UserTable_updated_at_idx" ON "LiteLLM_UserTable"("updated_at");
CREATE INDEX "LlmProxy_TeamTable_updated_at_idx" ON "LiteLLM_TeamTable"("updated_at");
