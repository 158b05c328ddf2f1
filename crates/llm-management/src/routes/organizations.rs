//! Organizations and their members.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/organization/new" Admin new),
    row!("PATCH" "/organization/update" Admin update),
    row!("PATCH" "/v2/organization/{organization_id}" Admin update),
    row!("DELETE" "/organization/delete" Admin delete),
    row!("GET" "/organization/list" OwnScope list),
    row!("GET" "/organization/info" OrgAdmin info),
    row!("POST" "/organization/info" OrgAdmin infos),
    row!("POST" "/organization/member_add" OrgAdmin member_add),
    row!("PATCH" "/organization/member_update" OrgAdmin member_update),
    row!("DELETE" "/organization/member_delete" OrgAdmin member_delete),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_organization(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_organization(call.actor(), call.segment(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_organizations(call.actor(), &call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_organizations(call.actor(), call.owned("org_id"), call.text("org_alias")).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.organization_info(call.actor(), call.needed("organization_id")?).await
}

async fn infos(call: Call) -> Outcome<Json> {
    call.accounts.organizations_info(call.actor(), &call.body).await
}

async fn member_add(call: Call) -> Outcome<Json> {
    call.accounts.add_organization_members(call.actor(), &call.body).await
}

async fn member_update(call: Call) -> Outcome<Json> {
    call.accounts.update_organization_member(call.actor(), &call.body).await
}

async fn member_delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_organization_member(call.actor(), &call.body).await
}
