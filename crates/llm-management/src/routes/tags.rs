//! Tags.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/tag/new" Admin new),
    row!("POST" "/tag/update" Admin update),
    row!("POST" "/tag/info" Admin info),
    row!("GET" "/tag/list" OwnScope list),
    row!("POST" "/tag/delete" Admin delete),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_tag(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_tag(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.tags_info(&call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_tags(call.owned("start_date"), call.owned("end_date")).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_tag(call.actor(), &call.body).await
}
