//! Settings kept in the database, and the audit trail.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// DB config sections (param_name = general_settings, litellm_settings, router_settings, environment_variables, schedules).
    pub struct ConfigRow / ConfigPatch in "LiteLLM_Config" by ["param_name"] {
        param_name: String,
        param_value: Option<RawJson>,
        last_run_at: Option<DateTime<Utc>>,
        reload_revision: i64,
    }
}

table! {
    /// Vault, CyberArk and similar settings.
    pub struct ConfigOverrideRow / ConfigOverridePatch in "LiteLLM_ConfigOverrides" by ["config_type"] {
        config_type: String,
        config_value: RawJson = empty_object(),
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// SSO settings singleton.
    pub struct SsoConfigRow / SsoConfigPatch in "LiteLLM_SSOConfig" by ["id"] {
        id: String = "sso_config".to_owned(),
        sso_settings: RawJson = empty_object(),
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Cache settings singleton.
    pub struct CacheConfigRow / CacheConfigPatch in "LiteLLM_CacheConfig" by ["id"] {
        id: String = "cache_config".to_owned(),
        cache_settings: RawJson = empty_object(),
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// UI settings singleton.
    pub struct UiSettingsRow / UiSettingsPatch in "LiteLLM_UISettings" by ["id"] {
        id: String = "ui_settings".to_owned(),
        ui_settings: RawJson = empty_object(),
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Change history.
    pub struct AuditLogRow / AuditLogPatch in "LiteLLM_AuditLog" by ["id"] {
        id: String = new_id(),
        updated_at: DateTime<Utc> = now(),
        changed_by: String,
        changed_by_api_key: String,
        action: String,
        table_name: String,
        object_id: String,
        before_value: Option<RawJson>,
        updated_values: Option<RawJson>,
    }
}
