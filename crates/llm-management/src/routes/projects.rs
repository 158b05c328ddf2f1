//! Projects.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/project/new" TeamAdmin new),
    row!("POST" "/project/update" TeamAdmin update),
    row!("DELETE" "/project/delete" Admin delete),
    row!("GET" "/project/info" OwnScope info),
    row!("GET" "/project/list" OwnScope list),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_project(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_project(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_projects(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.project_info(call.actor(), call.needed("project_id")?).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_projects(call.actor()).await
}
