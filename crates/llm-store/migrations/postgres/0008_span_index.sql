-- Calls of agents, of tools and of batches are few beside those of models, and asked for by themselves: without this, all rows of
-- the time are read.
CREATE INDEX IF NOT EXISTS "LlmProxy_SpendLogs_span_startTime_idx" ON "LiteLLM_SpendLogs"("startTime")
    WHERE "call_type" IN ('asend_message', 'call_mcp_tool', 'list_mcp_tools', 'acreate_batch', 'create_batch', 'aretrieve_batch', 'retrieve_batch');
