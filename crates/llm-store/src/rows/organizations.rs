//! Organizations and their members.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{empty_object, new_id, now};
use crate::table::table;

table! {
    /// Organizations.
    pub struct OrganizationRow / OrganizationPatch in "LiteLLM_OrganizationTable" by ["organization_id"] {
        organization_id: String = new_id(),
        organization_alias: String,
        budget_id: String,
        /// Free map: tags, guardrails, per-model limits, logging ....
        metadata: RawJson = empty_object(),
        /// Allow-list.
        models: Vec<String>,
        /// USD in the current budget window.
        spend: f64,
        /// Per-model spend (legacy, mostly unused).
        model_spend: RawJson = empty_object(),
        /// Grant row.
        object_permission_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// Role, spend and limits of a user inside an organization.
    pub struct OrganizationMembershipRow / OrganizationMembershipPatch in "LiteLLM_OrganizationMembership" by ["user_id", "organization_id"] {
        user_id: String,
        organization_id: String,
        /// Role name.
        user_role: Option<String>,
        /// USD in the current budget window.
        spend: Option<f64> = Some(0.0),
        budget_id: Option<String>,
        created_at: Option<DateTime<Utc>> = Some(now()),
        updated_at: Option<DateTime<Utc>> = Some(now()),
    }
}
