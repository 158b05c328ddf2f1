//! The bodies of team calls.

use llm_types::Json;

use crate::request::{Map, body};
use crate::rights::Standing;

body! {
    /// `/team/new` and `/team/update`.
    struct TeamBody {
        team_id: String,
        team_alias: String,
        organization_id: String,
        admins: Vec<String>,
        members: Vec<String>,
        members_with_roles: Json,
        metadata: Map,
        max_budget: f64,
        soft_budget: f64,
        budget_duration: String,
        budget_limits: Json,
        models: Vec<String>,
        max_parallel_requests: i64,
        tpm_limit: i64,
        rpm_limit: i64,
        tpd_limit: i64,
        blocked: bool,
        team_member_permissions: Vec<String>,
        default_team_member_models: Vec<String>,
        access_group_ids: Vec<String>,
        policies: Vec<String>,
        router_settings: Map,
        model_max_budget: Map,
        model_aliases: Map,
        team_member_budget: f64,
        team_member_budget_duration: String,
        team_member_tpm_limit: i64,
        team_member_rpm_limit: i64,
        object_permission: Map,
    }
}

body! {
    /// `/team/delete`.
    struct TeamIds {
        team_ids: Vec<String>,
    }
}

body! {
    /// `/team/block`, `/team/unblock`.
    struct TeamId {
        team_id: String,
    }
}

body! {
    /// `/team/model/add`, `/team/model/delete`.
    struct TeamModels {
        team_id: String,
        models: Vec<String>,
    }
}

body! {
    /// `/team/permissions_update`, `/team/permissions_bulk_update`.
    struct PermissionsBody {
        team_id: String,
        team_ids: Vec<String>,
        team_member_permissions: Vec<String>,
        permissions: Vec<String>,
        apply_to_all_teams: bool,
    }
}

body! {
    /// `/team/member_add`, `/team/bulk_member_add`, `/team/member_update`, `/team/member_delete`.
    struct MemberBody {
        team_id: String,
        member: Json,
        members: Json,
        all_users: bool,
        user_id: String,
        user_email: String,
        role: String,
        max_budget_in_team: f64,
        budget_duration: String,
        allowed_models: Vec<String>,
        tpm_limit: i64,
        rpm_limit: i64,
        temp_budget_increase: f64,
        temp_budget_expiry: String,
    }
}

/// Fields of a team's body that live in its metadata.
pub(super) const IN_METADATA: &[&str] = &[
    "tags",
    "guardrails",
    "prompts",
    "model_rpm_limit",
    "model_tpm_limit",
    "mcp_rpm_limit",
    "disable_global_guardrails",
    "allowed_passthrough_routes",
    "team_member_key_duration",
    "default_estimated_output_tokens",
    "default_estimated_output_tokens_per_model",
    "rpm_limit_type",
    "tpm_limit_type",
    "allowed_vector_store_indexes",
    SECRET_MANAGER,
    FILES_EXPIRE,
    OUTPUTS_EXPIRE,
];

/// Where a team's virtual keys are stored as well, where that is another place than the usual one.
pub(crate) const SECRET_MANAGER: &str = "secret_manager_settings";
/// When files that the team uploads go away.
pub(crate) const FILES_EXPIRE: &str = "enforced_file_expires_after";
/// When what its batches make goes away.
pub(crate) const OUTPUTS_EXPIRE: &str = "enforced_batch_output_expires_after";

/// What somebody of this standing can neither set nor take away, whatever they write into the metadata.
pub(super) fn kept_metadata(standing: Standing) -> impl Iterator<Item = &'static str> {
    let least =
        |name: &str| WRITABLE.iter().find(|(field, _)| *field == name).map_or(Standing::Admin, |(_, least)| *least);
    IN_METADATA.iter().copied().filter(move |name| least(name) > standing)
}

/// Who may set what of a team. What is not named is for administrators of the gateway. Money, limits and the organization
/// come from above the team; models are checked against the caller's own besides.
pub(super) const WRITABLE: &[(&str, Standing)] = &[
    ("team_id", Standing::Manager),
    ("team_alias", Standing::Manager),
    ("metadata", Standing::Manager),
    ("models", Standing::Manager),
    ("model_aliases", Standing::Manager),
    ("tags", Standing::Manager),
    ("object_permission", Standing::Manager),
    ("guardrails", Standing::Manager),
    ("prompts", Standing::Manager),
    ("team_member_permissions", Standing::Manager),
    ("default_team_member_models", Standing::Manager),
    ("team_member_budget", Standing::Manager),
    ("team_member_budget_duration", Standing::Manager),
    ("team_member_tpm_limit", Standing::Manager),
    ("team_member_rpm_limit", Standing::Manager),
    ("team_member_key_duration", Standing::Manager),
    ("members_with_roles", Standing::OrgAdmin),
    ("admins", Standing::OrgAdmin),
    ("members", Standing::OrgAdmin),
    ("organization_id", Standing::OrgAdmin),
    ("max_budget", Standing::OrgAdmin),
    ("soft_budget", Standing::OrgAdmin),
    ("budget_duration", Standing::OrgAdmin),
    ("max_parallel_requests", Standing::OrgAdmin),
    ("tpm_limit", Standing::OrgAdmin),
    ("rpm_limit", Standing::OrgAdmin),
    ("tpd_limit", Standing::OrgAdmin),
    ("model_rpm_limit", Standing::OrgAdmin),
    ("model_tpm_limit", Standing::OrgAdmin),
    ("model_max_budget", Standing::OrgAdmin),
];
