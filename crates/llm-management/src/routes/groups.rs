//! Access groups: those that deployments name, and unified ones.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/access_group/new" Admin new),
    row!("GET" "/access_group/list" Admin list),
    row!("GET" "/access_group/{access_group}/info" Admin info),
    row!("PUT" "/access_group/{access_group}/update" Admin update),
    row!("DELETE" "/access_group/{access_group}/delete" Admin delete),
    row!("GET" "/access_group/{access_group}/budget" Admin budget),
    row!("PUT" "/access_group/{access_group}/budget" Admin set_budget),
    row!("DELETE" "/access_group/{access_group}/budget" Admin delete_budget),
    row!("GET" "/v1/access_group" Admin unified_list),
    row!("POST" "/v1/access_group" Admin unified_new),
    row!("GET" "/v1/access_group/{access_group_id}" Admin unified_info),
    row!("PUT" "/v1/access_group/{access_group_id}" Admin unified_update),
    row!("DELETE" "/v1/access_group/{access_group_id}" Admin unified_delete),
    row!("GET" "/v1/unified_access_group" Admin unified_list),
    row!("POST" "/v1/unified_access_group" Admin unified_new),
    row!("GET" "/v1/unified_access_group/{access_group_id}" Admin unified_info),
    row!("PUT" "/v1/unified_access_group/{access_group_id}" Admin unified_update),
    row!("DELETE" "/v1/unified_access_group/{access_group_id}" Admin unified_delete),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_model_group(call.actor(), &call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_model_groups().await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.model_group_info(call.named()).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_model_group(call.actor(), call.named(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_model_group(call.actor(), call.named()).await
}

async fn budget(call: Call) -> Outcome<Json> {
    call.accounts.model_group_budget(call.named()).await
}

async fn set_budget(call: Call) -> Outcome<Json> {
    call.accounts.set_model_group_budget(call.actor(), call.named(), &call.body).await
}

async fn delete_budget(call: Call) -> Outcome<Json> {
    call.accounts.delete_model_group_budget(call.actor(), call.named()).await
}

async fn unified_list(call: Call) -> Outcome<Json> {
    call.accounts.list_access_groups().await
}

async fn unified_new(call: Call) -> Outcome<Json> {
    call.accounts.new_access_group(call.actor(), &call.body).await
}

async fn unified_info(call: Call) -> Outcome<Json> {
    call.accounts.access_group_shown(call.named()).await
}

async fn unified_update(call: Call) -> Outcome<Json> {
    call.accounts.update_access_group(call.actor(), call.named(), &call.body).await
}

async fn unified_delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_access_group(call.actor(), call.named()).await
}
