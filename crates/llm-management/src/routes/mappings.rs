//! Which claim of a token stands for which key.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/jwt/key/mapping/new" Admin new),
    row!("POST" "/jwt/key/mapping/update" Admin update),
    row!("POST" "/jwt/key/mapping/delete" Admin delete),
    row!("GET" "/jwt/key/mapping/info" Admin info),
    row!("GET" "/jwt/key/mapping/list" Admin list),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_jwt_mapping(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_jwt_mapping(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_jwt_mapping(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.jwt_mapping(call.needed("id")?).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.jwt_mappings(&call.page("size", 50)?).await
}
