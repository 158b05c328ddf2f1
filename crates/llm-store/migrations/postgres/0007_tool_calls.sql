-- The calls of a tool, asked for by its page. Other calls have no tool and are not in it.
CREATE INDEX "LlmProxy_SpendLogs_tool_idx" ON "LiteLLM_SpendLogs"("mcp_namespaced_tool_name", "startTime")
    WHERE "mcp_namespaced_tool_name" IS NOT NULL;
