//! Teams, their members and projects.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// Teams.
    pub struct TeamRow / TeamPatch in "LiteLLM_TeamTable" by ["team_id"] {
        team_id: String = new_id(),
        team_alias: Option<String>,
        organization_id: Option<String>,
        /// Grant row.
        object_permission_id: Option<String>,
        admins: Vec<String>,
        members: Vec<String>,
        /// `[{user_id,user_email,role}]`.
        members_with_roles: RawJson = empty_object(),
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: RawJson = empty_object(),
        /// Hard USD limit.
        max_budget: Option<f64>,
        /// Alert USD limit.
        soft_budget: Option<f64>,
        /// USD in the current budget window.
        spend: f64,
        /// Allow-list.
        models: Vec<String>,
        /// Concurrent requests.
        max_parallel_requests: Option<i64>,
        /// Tokens/min.
        tpm_limit: Option<i64>,
        /// Requests/min.
        rpm_limit: Option<i64>,
        /// Tokens/day.
        tpd_limit: Option<i64>,
        /// Length of the budget window: `30s`, `7d`, `1mo`.
        budget_duration: Option<String>,
        /// Next reset.
        budget_reset_at: Option<DateTime<Utc>>,
        /// Refuse use.
        blocked: bool,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
        /// Per-model spend (legacy, mostly unused).
        model_spend: RawJson = empty_object(),
        /// Per-model budgets.
        model_max_budget: RawJson = empty_object(),
        /// Per-entity router overrides.
        router_settings: Option<RawJson> = Some(empty_object()),
        /// Routes plain members may call.
        team_member_permissions: Vec<String>,
        /// Unified access groups.
        access_group_ids: Vec<String>,
        policies: Vec<String>,
        default_team_member_models: Vec<String>,
        /// List of concurrent windows.
        budget_limits: Option<RawJson>,
        /// Row of the alias table (`ModelAliasRow`).
        model_id: Option<i64>,
        allow_team_guardrail_config: bool,
    }
}

table! {
    /// Copy of deleted teams.
    pub struct DeletedTeamRow / DeletedTeamPatch in "LiteLLM_DeletedTeamTable" by ["id"] {
        id: String = new_id(),
        team_id: String,
        team_alias: Option<String>,
        organization_id: Option<String>,
        object_permission_id: Option<String>,
        admins: Vec<String>,
        members: Vec<String>,
        members_with_roles: RawJson = empty_object(),
        metadata: RawJson = empty_object(),
        max_budget: Option<f64>,
        soft_budget: Option<f64>,
        spend: f64,
        models: Vec<String>,
        max_parallel_requests: Option<i64>,
        tpm_limit: Option<i64>,
        rpm_limit: Option<i64>,
        tpd_limit: Option<i64>,
        budget_duration: Option<String>,
        budget_reset_at: Option<DateTime<Utc>>,
        blocked: bool,
        model_spend: RawJson = empty_object(),
        model_max_budget: RawJson = empty_object(),
        router_settings: Option<RawJson> = Some(empty_object()),
        team_member_permissions: Vec<String>,
        access_group_ids: Vec<String>,
        policies: Vec<String>,
        model_id: Option<i64>,
        allow_team_guardrail_config: bool,
        created_at: Option<DateTime<Utc>>,
        updated_at: Option<DateTime<Utc>>,
        deleted_at: DateTime<Utc> = now(),
        deleted_by: Option<String>,
        deleted_by_api_key: Option<String>,
        litellm_changed_by: Option<String>,
    }
}

table! {
    /// Spend and limits of a user inside a team.
    pub struct TeamMembershipRow / TeamMembershipPatch in "LiteLLM_TeamMembership" by ["user_id", "team_id"] {
        user_id: String,
        team_id: String,
        /// USD in the current budget window.
        spend: f64,
        /// USD ever.
        total_spend: f64,
        budget_id: Option<String>,
    }
}

table! {
    /// Projects between team and key.
    pub struct ProjectRow / ProjectPatch in "LiteLLM_ProjectTable" by ["project_id"] {
        project_id: String = new_id(),
        project_alias: Option<String>,
        description: Option<String>,
        team_id: Option<String>,
        budget_id: Option<String>,
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: RawJson = empty_object(),
        /// Allow-list.
        models: Vec<String>,
        /// USD in the current budget window.
        spend: f64,
        /// Per-model spend (legacy, mostly unused).
        model_spend: RawJson = empty_object(),
        model_rpm_limit: RawJson = empty_object(),
        model_tpm_limit: RawJson = empty_object(),
        /// Refuse use.
        blocked: bool,
        /// Grant row.
        object_permission_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}
