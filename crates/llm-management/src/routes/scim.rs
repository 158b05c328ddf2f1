//! SCIM v2: what identity providers call.

use llm_accounts::{Outcome, ScimQuery};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/scim/v2" Provision discovery).scim(),
    row!("GET" "/scim/v2/" Provision discovery).scim(),
    row!("GET" "/scim/v2/ServiceProviderConfig" Provision provider).scim(),
    row!("GET" "/scim/v2/ResourceTypes" Provision discovery).scim(),
    row!("GET" "/scim/v2/ResourceTypes/{resource_type_id}" Provision resource_type).scim(),
    row!("GET" "/scim/v2/Schemas" Provision schemas).scim(),
    row!("GET" "/scim/v2/Schemas/{schema_id}" Provision schema).scim(),
    row!("GET" "/scim/v2/Users" Provision users).scim(),
    row!("POST" "/scim/v2/Users" Provision new_user).scim(),
    row!("GET" "/scim/v2/Users/{user_id}" Provision user).scim(),
    row!("PUT" "/scim/v2/Users/{user_id}" Provision put_user).scim(),
    row!("PATCH" "/scim/v2/Users/{user_id}" Provision patch_user).scim(),
    row!("DELETE" "/scim/v2/Users/{user_id}" Provision delete_user).scim(),
    row!("GET" "/scim/v2/Groups" Provision groups).scim(),
    row!("POST" "/scim/v2/Groups" Provision new_group).scim(),
    row!("GET" "/scim/v2/Groups/{group_id}" Provision group).scim(),
    row!("PUT" "/scim/v2/Groups/{group_id}" Provision put_group).scim(),
    row!("PATCH" "/scim/v2/Groups/{group_id}" Provision patch_group).scim(),
    row!("DELETE" "/scim/v2/Groups/{group_id}" Provision delete_group).scim(),
    row!("GET" "/scim/v2/placeholders" Provision placeholders).scim(),
    row!("POST" "/scim/v2/placeholders/{user_id}/merge" Provision merge).scim(),
];

/// What a query asks for. `count` may be 0: then only how many there are is asked.
fn query(call: &Call, count: u32) -> Outcome<ScimQuery> {
    Ok(ScimQuery {
        filter: call.owned("filter"),
        start: call.number("startIndex", 1, 0)?.max(1),
        count: call.number("count", count, 0)?,
        attributes: call.list("attributes"),
        excluded: call.list("excludedAttributes"),
    })
}

async fn discovery(_: Call) -> Outcome<Json> {
    Ok(llm_accounts::discovery())
}

async fn provider(_: Call) -> Outcome<Json> {
    Ok(llm_accounts::service_provider())
}

async fn resource_type(call: Call) -> Outcome<Json> {
    llm_accounts::resource_type(call.named())
}

async fn schemas(_: Call) -> Outcome<Json> {
    Ok(llm_accounts::schemas())
}

async fn schema(call: Call) -> Outcome<Json> {
    llm_accounts::schema_of(call.named())
}

async fn users(call: Call) -> Outcome<Json> {
    call.accounts.scim_users(&query(&call, 10)?).await
}

async fn user(call: Call) -> Outcome<Json> {
    call.accounts.scim_user(call.named(), &query(&call, 10)?).await
}

async fn new_user(call: Call) -> Outcome<Json> {
    call.accounts.scim_new_user(call.actor(), &call.body).await
}

async fn put_user(call: Call) -> Outcome<Json> {
    call.accounts.scim_put_user(call.actor(), call.named(), &call.body).await
}

async fn patch_user(call: Call) -> Outcome<Json> {
    call.accounts.scim_patch_user(call.actor(), call.named(), &call.body).await
}

async fn delete_user(call: Call) -> Outcome<Json> {
    call.accounts.scim_delete_user(call.actor(), call.named()).await
}

async fn groups(call: Call) -> Outcome<Json> {
    call.accounts.scim_groups(&query(&call, 10)?).await
}

async fn group(call: Call) -> Outcome<Json> {
    call.accounts.scim_group(call.named(), &query(&call, 10)?).await
}

async fn new_group(call: Call) -> Outcome<Json> {
    call.accounts.scim_new_group(call.actor(), &call.body).await
}

async fn put_group(call: Call) -> Outcome<Json> {
    call.accounts.scim_put_group(call.actor(), call.named(), &call.body).await
}

async fn patch_group(call: Call) -> Outcome<Json> {
    call.accounts.scim_patch_group(call.actor(), call.named(), &call.body).await
}

async fn delete_group(call: Call) -> Outcome<Json> {
    call.accounts.scim_delete_group(call.actor(), call.named()).await
}

async fn placeholders(call: Call) -> Outcome<Json> {
    call.accounts.scim_placeholders().await
}

async fn merge(call: Call) -> Outcome<Json> {
    call.accounts.merge_placeholder(call.actor(), call.named()).await
}
