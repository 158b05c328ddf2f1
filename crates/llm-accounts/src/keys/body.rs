//! The bodies of key management calls.

use llm_types::Json;

use crate::request::{Map, body};

body! {
    /// `/key/generate`, `/key/update` and `/key/regenerate`.
    struct KeyBody {
        key: String,
        new_key: String,
        grace_period: String,
        key_alias: String,
        duration: String,
        models: Vec<String>,
        spend: f64,
        max_budget: f64,
        soft_budget: f64,
        user_id: String,
        team_id: String,
        agent_id: String,
        project_id: String,
        organization_id: String,
        budget_id: String,
        max_parallel_requests: i64,
        metadata: Map,
        tpm_limit: i64,
        rpm_limit: i64,
        tpd_limit: i64,
        budget_duration: String,
        budget_limits: Json,
        allowed_cache_controls: Vec<String>,
        config: Map,
        permissions: Map,
        model_max_budget: Map,
        budget_fallbacks: Map,
        aliases: Map,
        router_settings: Map,
        allowed_routes: Vec<String>,
        policies: Vec<String>,
        access_group_ids: Vec<String>,
        blocked: bool,
        key_type: String,
        auto_rotate: bool,
        rotation_interval: String,
        object_permission: Map,
        send_invite_email: bool,
    }
}

body! {
    /// `/key/delete`.
    struct DeleteBody {
        keys: Vec<String>,
        key_aliases: Vec<String>,
    }
}

body! {
    /// `/key/block`, `/key/unblock`.
    struct OneKeyBody {
        key: String,
    }
}

/// Fields of a body that live in the key's metadata, under the same name.
pub(super) const IN_METADATA: &[&str] = &[
    "model_rpm_limit",
    "model_tpm_limit",
    "mcp_rpm_limit",
    "tag_rpm_limit",
    "guardrails",
    "prompts",
    "tags",
    "enforced_params",
    "disable_global_guardrails",
    "enable_prompt_caching",
    "throttle_on_budget_exceeded",
    "allowed_passthrough_routes",
    "allowed_vector_store_indexes",
    "rpm_limit_type",
    "tpm_limit_type",
    "default_estimated_output_tokens",
    "default_estimated_output_tokens_per_model",
    "end_user_budget_id",
    "temp_budget_increase",
    "temp_budget_expiry",
];
