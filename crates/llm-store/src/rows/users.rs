//! Internal users, end users and invitations.

use chrono::{DateTime, Utc};
use llm_types::{RawJson, Secret};

use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// Internal users.
    pub struct UserRow / UserPatch in "LiteLLM_UserTable" by ["user_id"] {
        user_id: String,
        user_alias: Option<String>,
        team_id: Option<String>,
        /// Id at the identity provider.
        sso_user_id: Option<String>,
        organization_id: Option<String>,
        /// Grant row.
        object_permission_id: Option<String>,
        /// Scrypt hash.
        #[serde(skip)]
        password: Option<Secret>,
        password_reset_required: Option<bool>,
        last_breach_check_at: Option<DateTime<Utc>>,
        /// Team ids.
        teams: Vec<String>,
        /// Role name.
        user_role: Option<String>,
        /// Hard USD limit.
        max_budget: Option<f64>,
        /// USD in the current budget window.
        spend: f64,
        user_email: Option<String>,
        /// Allow-list.
        models: Vec<String>,
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: RawJson = empty_object(),
        /// Concurrent requests.
        max_parallel_requests: Option<i64>,
        /// Tokens/min.
        tpm_limit: Option<i64>,
        /// Requests/min.
        rpm_limit: Option<i64>,
        /// Length of the budget window: `30s`, `7d`, `1mo`.
        budget_duration: Option<String>,
        /// Next reset.
        budget_reset_at: Option<DateTime<Utc>>,
        /// Cache controls the key may send.
        allowed_cache_controls: Vec<String>,
        policies: Vec<String>,
        /// Per-model spend (legacy, mostly unused).
        model_spend: RawJson = empty_object(),
        /// Per-model budgets.
        model_max_budget: RawJson = empty_object(),
        created_at: Option<DateTime<Utc>> = Some(now()),
        updated_at: Option<DateTime<Utc>> = Some(now()),
    }
}

table! {
    /// End users.
    pub struct EndUserRow / EndUserPatch in "LiteLLM_EndUserTable" by ["user_id"] {
        user_id: String,
        alias: Option<String>,
        /// USD in the current budget window.
        spend: f64,
        /// `eu` or `us`.
        allowed_model_region: Option<String>,
        /// Model when none is in the region.
        default_model: Option<String>,
        budget_id: Option<String>,
        /// Grant row.
        object_permission_id: Option<String>,
        /// Refuse use.
        blocked: bool,
    }
}

table! {
    /// Invitation links.
    pub struct InvitationRow / InvitationPatch in "LiteLLM_InvitationLink" by ["id"] {
        id: String = new_id(),
        user_id: String,
        is_accepted: bool,
        accepted_at: Option<DateTime<Utc>>,
        expires_at: DateTime<Utc> = now(),
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// Access requests.
    pub struct UserNotificationRow / UserNotificationPatch in "LiteLLM_UserNotifications" by ["request_id"] {
        request_id: String,
        user_id: String,
        /// Allow-list.
        models: Vec<String>,
        justification: String,
        status: String,
    }
}
