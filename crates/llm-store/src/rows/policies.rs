//! Guardrails, prompts and policies kept in the database.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// DB guardrails and team submissions.
    pub struct GuardrailRow / GuardrailPatch in "LiteLLM_GuardrailsTable" by ["guardrail_id"] {
        guardrail_id: String = new_id(),
        guardrail_name: String,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: RawJson = empty_object(),
        guardrail_info: Option<RawJson>,
        team_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
        status: String = "active".to_owned(),
        submitted_at: Option<DateTime<Utc>>,
        reviewed_at: Option<DateTime<Utc>>,
    }
}

table! {
    /// Prompts with versions and environments.
    pub struct PromptRow / PromptPatch in "LiteLLM_PromptTable" by ["id"] {
        id: String = new_id(),
        prompt_id: String,
        version: i64 = 1,
        environment: String = "development".to_owned(),
        created_by: Option<String>,
        /// Parameters; secret values inside are encrypted one by one.
        litellm_params: RawJson = empty_object(),
        prompt_info: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Versioned guardrail policies.
    pub struct PolicyRow / PolicyPatch in "LiteLLM_PolicyTable" by ["policy_id"] {
        policy_id: String = new_id(),
        policy_name: String,
        version_number: i64 = 1,
        version_status: String = "production".to_owned(),
        parent_version_id: Option<String>,
        is_latest: bool = true,
        published_at: Option<DateTime<Utc>>,
        production_at: Option<DateTime<Utc>>,
        inherit: Option<String>,
        description: Option<String>,
        guardrails_add: Vec<String>,
        guardrails_remove: Vec<String>,
        condition: Option<RawJson> = Some(empty_object()),
        pipeline: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Where policies apply.
    pub struct PolicyAttachmentRow / PolicyAttachmentPatch in "LiteLLM_PolicyAttachmentTable" by ["attachment_id"] {
        attachment_id: String = new_id(),
        policy_name: String,
        scope: Option<String>,
        /// Team ids.
        teams: Vec<String>,
        keys: Vec<String>,
        /// Allow-list.
        models: Vec<String>,
        tags: Vec<String>,
        priority: Option<i64>,
        is_default: bool,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}
