//! Guardrails that live in the database.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/guardrails/list" OwnScope list),
    row!("GET" "/v2/guardrails/list" OwnScope list),
    row!("POST" "/guardrails" Admin new),
    row!("GET" "/guardrails/{guardrail_id}" Admin one),
    row!("GET" "/guardrails/{guardrail_id}/info" Admin one),
    row!("PUT" "/guardrails/{guardrail_id}" Admin replace),
    row!("PATCH" "/guardrails/{guardrail_id}" Admin change),
    row!("DELETE" "/guardrails/{guardrail_id}" Admin delete),
];

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.guardrails(call.actor()).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_guardrail(call.actor(), &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.guardrail(call.named()).await
}

async fn replace(call: Call) -> Outcome<Json> {
    call.accounts.replace_guardrail(call.actor(), call.named(), &call.body).await
}

async fn change(call: Call) -> Outcome<Json> {
    call.accounts.change_guardrail(call.actor(), call.named(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_guardrail(call.actor(), call.named()).await
}
