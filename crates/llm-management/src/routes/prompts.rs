//! Managed prompts.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/prompts/list" AnyKey list),
    row!("POST" "/prompts" Admin new),
    row!("GET" "/prompts/{prompt_id}" Admin one),
    row!("GET" "/prompts/{prompt_id}/info" Admin one),
    row!("GET" "/prompts/{prompt_id}/versions" Admin versions),
    row!("PUT" "/prompts/{prompt_id}" Admin replace),
    row!("PATCH" "/prompts/{prompt_id}" Admin change),
    row!("DELETE" "/prompts/{prompt_id}" Admin delete),
];

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.prompts(call.actor(), call.text("environment")).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_prompt(call.actor(), &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.prompt(call.actor(), call.named(), call.text("environment")).await
}

async fn versions(call: Call) -> Outcome<Json> {
    call.accounts.prompt_versions(call.named(), call.text("environment")).await
}

async fn replace(call: Call) -> Outcome<Json> {
    call.accounts.replace_prompt(call.actor(), call.named(), &call.body).await
}

async fn change(call: Call) -> Outcome<Json> {
    call.accounts.change_prompt(call.actor(), call.named(), call.text("environment"), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_prompt(call.actor(), call.named(), call.text("environment")).await
}
