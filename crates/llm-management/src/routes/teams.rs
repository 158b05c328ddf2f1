//! Teams.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/team/new" Admin new),
    row!("POST" "/team/update" TeamAdmin update),
    row!("POST" "/team/delete" Admin delete),
    row!("GET" "/team/info" AnyKey info),
    row!("GET" "/team/list" OwnScope list),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_team(call.actor(), &call.body_or_empty()).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_team(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_teams(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.team_info(call.actor(), call.needed("team_id")?).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_teams(call.actor(), call.text("user_id")).await
}
