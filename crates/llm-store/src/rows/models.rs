//! Deployments, credentials, aliases and health results.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::cell::Serial;
use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// DB-stored deployments (litellm_params encrypted field by field).
    pub struct ProxyModelRow / ProxyModelPatch in "LiteLLM_ProxyModelTable" by ["model_id"] {
        /// Deployment id.
        model_id: String = new_id(),
        model_name: String,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: RawJson = empty_object(),
        /// Metadata.
        model_info: Option<RawJson>,
        /// Refuse use.
        blocked: bool,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// Named provider credentials (values encrypted).
    pub struct CredentialRow / CredentialPatch in "LiteLLM_CredentialsTable" by ["credential_id"] {
        credential_id: String = new_id(),
        credential_name: String,
        /// Encrypted map.
        credential_values: RawJson = empty_object(),
        credential_info: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// Team-level model aliases.
    pub struct ModelAliasRow / ModelAliasPatch in "LiteLLM_ModelTable" by ["id"] {
        id: Serial,
        aliases: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// Health check results.
    pub struct HealthCheckRow / HealthCheckPatch in "LiteLLM_HealthCheckTable" by ["health_check_id"] {
        health_check_id: String = new_id(),
        model_name: String,
        /// Deployment id.
        model_id: Option<String>,
        status: String,
        healthy_count: i64,
        unhealthy_count: i64,
        error_message: Option<String>,
        response_time_ms: Option<f64>,
        details: Option<RawJson>,
        checked_by: Option<String>,
        checked_at: DateTime<Utc> = now(),
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}
