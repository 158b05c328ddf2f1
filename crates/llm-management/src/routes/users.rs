//! Internal users.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("POST" "/user/new" Admin new), row!("GET" "/user/info" OwnScope info)];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_user(call.actor(), &call.body_or_empty()).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.user_info(call.actor(), call.text("user_id")).await
}
