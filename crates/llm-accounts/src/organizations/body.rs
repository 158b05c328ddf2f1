//! The bodies of organization calls.

use llm_types::Json;

use crate::request::{Map, body};

body! {
    /// `/organization/new`, `/organization/update`; the budget's fields stand beside.
    struct OrganizationBody {
        organization_id: String,
        organization_alias: String,
        models: Vec<String>,
        metadata: Map,
        object_permission: Map,
    }
}

body! {
    /// `/organization/delete`.
    struct OrganizationIds {
        organization_ids: Vec<String>,
    }
}

body! {
    /// `/organization/member_add`, `/organization/member_update`, `/organization/member_delete`.
    struct MemberBody {
        organization_id: String,
        member: Json,
        user_id: String,
        user_email: String,
        role: String,
        max_budget_in_organization: f64,
    }
}
