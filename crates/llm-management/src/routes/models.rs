//! Models that live in the database.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/model/new" TeamAdmin new),
    row!("POST" "/model/update" TeamAdmin update),
    row!("PATCH" "/model/{model_id}/update" TeamAdmin update),
    row!("POST" "/model/delete" TeamAdmin delete),
    row!("POST" "/model/block" Admin block),
    row!("POST" "/model/unblock" Admin unblock),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_model(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_model(call.actor(), call.segment(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_model(call.actor(), &call.body).await
}

async fn block(call: Call) -> Outcome<Json> {
    call.accounts.block_model(call.actor(), &call.body, true).await
}

async fn unblock(call: Call) -> Outcome<Json> {
    call.accounts.block_model(call.actor(), &call.body, false).await
}
