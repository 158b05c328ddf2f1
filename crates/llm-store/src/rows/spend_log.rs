//! The row of one request.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_list, empty_object, now};
use crate::table::table;

table! {
    /// One row per request.
    #[derive(serde::Deserialize)]
    pub struct SpendLogRow / SpendLogPatch in "LiteLLM_SpendLogs" by ["request_id"] {
        /// Response id or call id.
        request_id: String,
        /// E.g. acompletion.
        call_type: String,
        /// Key hash.
        api_key: String,
        /// USD of this request.
        spend: f64,
        total_tokens: i64,
        prompt_tokens: i64,
        completion_tokens: i64,
        start_time as "startTime": DateTime<Utc> = now(),
        end_time as "endTime": DateTime<Utc> = now(),
        request_duration_ms: Option<i64>,
        /// First token.
        completion_start_time as "completionStartTime": Option<DateTime<Utc>>,
        model: String,
        /// Deployment id.
        model_id: Option<String> = Some(String::new()),
        /// Public model.
        model_group: Option<String> = Some(String::new()),
        custom_llm_provider: Option<String> = Some(String::new()),
        api_base: Option<String> = Some(String::new()),
        /// Internal user id.
        user: Option<String> = Some(String::new()),
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: Option<RawJson> = Some(empty_object()),
        /// `True`, `False` or `None`.
        cache_hit: Option<String> = Some(String::new()),
        /// Cache key or "Cache OFF".
        cache_key: Option<String> = Some(String::new()),
        /// JSON list.
        request_tags: Option<RawJson> = Some(empty_list()),
        team_id: Option<String>,
        organization_id: Option<String>,
        /// End-user id.
        end_user: Option<String>,
        requester_ip_address: Option<String>,
        messages: Option<RawJson> = Some(empty_object()),
        response: Option<RawJson> = Some(empty_object()),
        /// Conversation id.
        session_id: Option<String>,
        /// Success or failure.
        status: Option<String>,
        /// Server/tool.
        mcp_namespaced_tool_name: Option<String>,
        agent_id: Option<String>,
        /// Stored request.
        proxy_server_request: Option<RawJson> = Some(empty_object()),
        /// Our own call id.
        litellm_call_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}
