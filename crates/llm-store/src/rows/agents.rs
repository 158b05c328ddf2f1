//! Agents, MCP servers, tools and skills.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_list, empty_object, new_id, now};
use crate::table::table;

table! {
    /// A2A agents.
    pub struct AgentRow / AgentPatch in "LiteLLM_AgentsTable" by ["agent_id"] {
        agent_id: String = new_id(),
        agent_name: String,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: Option<RawJson>,
        agent_card_params: RawJson = empty_object(),
        static_headers: Option<RawJson> = Some(empty_object()),
        extra_headers: Vec<String>,
        kill_switch: Option<RawJson>,
        agent_access_groups: Vec<String>,
        /// Unified access groups.
        access_group_ids: Vec<String>,
        /// Grant row.
        object_permission_id: Option<String>,
        /// USD in the current budget window.
        spend: f64,
        /// Tokens/min.
        tpm_limit: Option<i64>,
        /// Requests/min.
        rpm_limit: Option<i64>,
        session_tpm_limit: Option<i64>,
        session_rpm_limit: Option<i64>,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// MCP servers.
    pub struct McpServerRow / McpServerPatch in "LiteLLM_MCPServerTable" by ["server_id"] {
        server_id: String = new_id(),
        server_name: Option<String>,
        alias: Option<String>,
        description: Option<String>,
        instructions: Option<String>,
        url: Option<String>,
        spec_path: Option<String>,
        transport: String = "sse".to_owned(),
        auth_type: Option<String>,
        credentials: Option<RawJson> = Some(empty_object()),
        created_at: Option<DateTime<Utc>> = Some(now()),
        created_by: Option<String>,
        updated_at: Option<DateTime<Utc>> = Some(now()),
        updated_by: Option<String>,
        mcp_info: Option<RawJson> = Some(empty_object()),
        mcp_access_groups: Vec<String>,
        allowed_tools: Vec<String>,
        tool_name_to_display_name: Option<RawJson> = Some(empty_object()),
        tool_name_to_description: Option<RawJson> = Some(empty_object()),
        extra_headers: Vec<String>,
        static_headers: Option<RawJson> = Some(empty_object()),
        env_vars: Option<RawJson> = Some(empty_list()),
        status: Option<String> = Some("unknown".to_owned()),
        last_health_check: Option<DateTime<Utc>>,
        health_check_error: Option<String>,
        command: Option<String>,
        args: Vec<String>,
        env: Option<RawJson> = Some(empty_object()),
        issuer: Option<String>,
        authorization_url: Option<String>,
        token_url: Option<String>,
        registration_url: Option<String>,
        oauth2_flow: Option<String>,
        token_exchange_endpoint: Option<String>,
        audience: Option<String>,
        subject_token_type: Option<String>,
        token_exchange_profile: Option<String>,
        allow_all_keys: bool,
        available_on_public_internet: bool = true,
        delegate_auth_to_upstream: bool,
        oauth_passthrough: bool,
        dcr_bridge: Option<bool>,
        per_server_oauth_discovery: bool,
        is_byok: bool,
        byok_description: Vec<String>,
        byok_api_key_help_url: Option<String>,
        source_url: Option<String>,
        timeout: Option<f64>,
        max_concurrent_requests: Option<i64>,
        approval_status: Option<String> = Some("active".to_owned()),
        submitted_by: Option<String>,
        submitted_at: Option<DateTime<Utc>>,
        reviewed_at: Option<DateTime<Utc>>,
        review_notes: Option<String>,
    }
}

table! {
    /// Named tool subsets.
    pub struct McpToolsetRow / McpToolsetPatch in "LiteLLM_MCPToolsetTable" by ["toolset_id"] {
        toolset_id: String = new_id(),
        toolset_name: String,
        description: Option<String>,
        tools: RawJson = empty_list(),
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Per-user MCP credentials (encrypted).
    pub struct McpUserCredentialRow / McpUserCredentialPatch in "LiteLLM_MCPUserCredentials" by ["id"] {
        id: String = new_id(),
        user_id: String,
        server_id: String,
        credential_b64: String,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// DB search tools.
    pub struct SearchToolRow / SearchToolPatch in "LiteLLM_SearchToolsTable" by ["search_tool_id"] {
        search_tool_id: String = new_id(),
        search_tool_name: String,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: RawJson = empty_object(),
        search_tool_info: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Tool registry discovered from traffic.
    pub struct ToolRow / ToolPatch in "LiteLLM_ToolTable" by ["tool_id"] {
        tool_id: String = new_id(),
        tool_name: String,
        origin: Option<String>,
        input_policy: String = "untrusted".to_owned(),
        output_policy: String = "untrusted".to_owned(),
        call_count: i64,
        assignments: Option<RawJson> = Some(empty_object()),
        key_hash: Option<String>,
        team_id: Option<String>,
        key_alias: Option<String>,
        user_agent: Option<String>,
        last_used_at: Option<DateTime<Utc>>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Skills with files.
    pub struct SkillRow / SkillPatch in "LiteLLM_SkillsTable" by ["skill_id"] {
        skill_id: String = new_id(),
        display_title: Option<String>,
        description: Option<String>,
        instructions: Option<String>,
        source: String = "custom".to_owned(),
        latest_version: Option<String>,
        file_content: Option<Vec<u8>>,
        file_name: Option<String>,
        file_type: Option<String>,
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: Option<RawJson> = Some(empty_object()),
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}
