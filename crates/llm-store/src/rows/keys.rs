//! Virtual keys and what grants them something.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// Virtual keys; primary key is the sha256 hash.
    pub struct VerificationToken / KeyPatch in "LiteLLM_VerificationToken" by ["token"] {
        /// SHA-256 of the key, hex.
        token: String,
        /// Masked key.
        key_name: Option<String>,
        key_alias: Option<String>,
        /// Alert already sent.
        soft_budget_cooldown: bool,
        /// USD in the current budget window.
        spend: f64,
        /// USD ever.
        total_spend: f64,
        /// Expiry instant.
        expires: Option<DateTime<Utc>>,
        /// Allow-list.
        models: Vec<String>,
        /// Alias map.
        aliases: RawJson = empty_object(),
        /// Legacy per-key config.
        config: RawJson = empty_object(),
        /// Per-entity router overrides.
        router_settings: Option<RawJson> = Some(empty_object()),
        user_id: Option<String>,
        team_id: Option<String>,
        agent_id: Option<String>,
        project_id: Option<String>,
        /// Feature switches.
        permissions: RawJson = empty_object(),
        /// Concurrent requests.
        max_parallel_requests: Option<i64>,
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: RawJson = empty_object(),
        /// Refuse use.
        blocked: Option<bool>,
        /// Tokens/min.
        tpm_limit: Option<i64>,
        /// Requests/min.
        rpm_limit: Option<i64>,
        /// Tokens/day.
        tpd_limit: Option<i64>,
        /// Hard USD limit.
        max_budget: Option<f64>,
        /// Length of the budget window: `30s`, `7d`, `1mo`.
        budget_duration: Option<String>,
        /// Next reset.
        budget_reset_at: Option<DateTime<Utc>>,
        /// Cache controls the key may send.
        allowed_cache_controls: Vec<String>,
        /// Route allow-list.
        allowed_routes: Vec<String>,
        key_type: Option<String>,
        policies: Vec<String>,
        /// Unified access groups.
        access_group_ids: Vec<String>,
        /// Per-model spend (legacy, mostly unused).
        model_spend: RawJson = empty_object(),
        /// Per-model budgets.
        model_max_budget: RawJson = empty_object(),
        /// Model → fallback models when its budget is gone.
        budget_fallbacks: RawJson = empty_object(),
        budget_id: Option<String>,
        organization_id: Option<String>,
        /// Grant row.
        object_permission_id: Option<String>,
        created_at: Option<DateTime<Utc>> = Some(now()),
        created_by: Option<String>,
        updated_at: Option<DateTime<Utc>> = Some(now()),
        updated_by: Option<String>,
        settings_updated_at: Option<DateTime<Utc>>,
        last_active: Option<DateTime<Utc>>,
        rotation_count: Option<i64> = Some(0),
        auto_rotate: Option<bool> = Some(false),
        /// Auto rotation period.
        rotation_interval: Option<String>,
        last_rotation_at: Option<DateTime<Utc>>,
        /// Next rotation.
        key_rotation_at: Option<DateTime<Utc>>,
        /// List of concurrent windows.
        budget_limits: Option<RawJson>,
    }
}

table! {
    /// Old hashes valid until revoke_at after rotation.
    pub struct DeprecatedTokenRow / DeprecatedTokenPatch in "LiteLLM_DeprecatedVerificationToken" by ["id"] {
        id: String = new_id(),
        /// SHA-256 of the key, hex.
        token: String,
        /// Current hash.
        active_token_id: String,
        /// End of grace.
        revoke_at: DateTime<Utc> = now(),
        created_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Copy of deleted keys.
    pub struct DeletedTokenRow / DeletedTokenPatch in "LiteLLM_DeletedVerificationToken" by ["id"] {
        id: String = new_id(),
        token: String,
        key_name: Option<String>,
        key_alias: Option<String>,
        soft_budget_cooldown: bool,
        spend: f64,
        total_spend: f64,
        expires: Option<DateTime<Utc>>,
        models: Vec<String>,
        aliases: RawJson = empty_object(),
        config: RawJson = empty_object(),
        user_id: Option<String>,
        team_id: Option<String>,
        agent_id: Option<String>,
        project_id: Option<String>,
        permissions: RawJson = empty_object(),
        max_parallel_requests: Option<i64>,
        metadata: RawJson = empty_object(),
        blocked: Option<bool>,
        tpm_limit: Option<i64>,
        rpm_limit: Option<i64>,
        tpd_limit: Option<i64>,
        max_budget: Option<f64>,
        budget_duration: Option<String>,
        budget_reset_at: Option<DateTime<Utc>>,
        allowed_cache_controls: Vec<String>,
        allowed_routes: Vec<String>,
        key_type: Option<String>,
        policies: Vec<String>,
        access_group_ids: Vec<String>,
        model_spend: RawJson = empty_object(),
        model_max_budget: RawJson = empty_object(),
        budget_fallbacks: RawJson = empty_object(),
        router_settings: Option<RawJson> = Some(empty_object()),
        budget_id: Option<String>,
        organization_id: Option<String>,
        object_permission_id: Option<String>,
        created_at: Option<DateTime<Utc>>,
        created_by: Option<String>,
        updated_at: Option<DateTime<Utc>>,
        updated_by: Option<String>,
        settings_updated_at: Option<DateTime<Utc>>,
        last_active: Option<DateTime<Utc>>,
        rotation_count: Option<i64> = Some(0),
        auto_rotate: Option<bool> = Some(false),
        rotation_interval: Option<String>,
        last_rotation_at: Option<DateTime<Utc>>,
        key_rotation_at: Option<DateTime<Utc>>,
        deleted_at: DateTime<Utc> = now(),
        deleted_by: Option<String>,
        deleted_by_api_key: Option<String>,
        litellm_changed_by: Option<String>,
    }
}

table! {
    /// JWT claim value to virtual key.
    pub struct JwtKeyMappingRow / JwtKeyMappingPatch in "LiteLLM_JWTKeyMapping" by ["id"] {
        id: String = new_id(),
        jwt_issuer: String,
        jwt_claim_name: String,
        jwt_claim_value: String,
        /// SHA-256 of the key, hex.
        token: String,
        description: Option<String>,
        is_active: bool = true,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}
