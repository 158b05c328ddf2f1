//! The bodies of user calls.

use llm_types::Json;

use crate::request::{Map, body};

body! {
    /// `/user/new` and `/user/update`.
    struct UserBody {
        user_id: String,
        user_alias: String,
        user_email: String,
        user_role: String,
        sso_user_id: String,
        models: Vec<String>,
        spend: f64,
        max_budget: f64,
        budget_duration: String,
        max_parallel_requests: i64,
        tpm_limit: i64,
        rpm_limit: i64,
        metadata: Map,
        policies: Vec<String>,
        allowed_cache_controls: Vec<String>,
        model_max_budget: Map,
        auto_create_key: bool,
        teams: Json,
        organizations: Vec<String>,
        password: String,
        object_permission: Map,
        send_invite_email: bool,
    }
}

body! {
    /// `/user/delete`.
    struct UserIds {
        user_ids: Vec<String>,
    }
}

body! {
    /// `/user/bulk_update`.
    struct BulkBody {
        users: Json,
        all_users: bool,
        user_updates: Map,
    }
}

/// Fields of `/user/new` that go to the key which is made along.
pub(super) const OF_KEY: &[&str] = &["key_alias", "duration", "team_id", "aliases", "blocked", "guardrails", "tags"];

/// Fields of a user's body that live in its metadata.
pub(super) const IN_METADATA: &[&str] =
    &["guardrails", "prompts", "model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit", "tag_rpm_limit"];
