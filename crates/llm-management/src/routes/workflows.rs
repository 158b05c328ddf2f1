//! Runs of workflows, with their events and messages.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/v1/workflows/runs" AnyKey list),
    row!("POST" "/v1/workflows/runs" AnyKey new),
    row!("GET" "/v1/workflows/runs/{run_id}" AnyKey one),
    row!("PATCH" "/v1/workflows/runs/{run_id}" AnyKey change),
    row!("GET" "/v1/workflows/runs/{run_id}/events" AnyKey events),
    row!("POST" "/v1/workflows/runs/{run_id}/events" AnyKey new_event),
    row!("GET" "/v1/workflows/runs/{run_id}/messages" AnyKey messages),
    row!("POST" "/v1/workflows/runs/{run_id}/messages" AnyKey new_message),
];

async fn list(call: Call) -> Outcome<Json> {
    let limit = call.up_to("limit", 50, 250)?;
    call.accounts.workflow_runs(&call.who, call.owned("workflow_type"), call.list("status"), limit).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_workflow_run(&call.who, &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.workflow_run(&call.who, call.named()).await
}

async fn change(call: Call) -> Outcome<Json> {
    call.accounts.change_workflow_run(&call.who, call.named(), &call.body).await
}

async fn events(call: Call) -> Outcome<Json> {
    call.accounts.workflow_events(&call.who, call.named(), call.up_to("limit", 100, 500)?).await
}

async fn new_event(call: Call) -> Outcome<Json> {
    call.accounts.add_workflow_event(&call.who, call.named(), &call.body).await
}

async fn messages(call: Call) -> Outcome<Json> {
    call.accounts.workflow_messages(&call.who, call.named(), call.up_to("limit", 100, 500)?).await
}

async fn new_message(call: Call) -> Outcome<Json> {
    call.accounts.add_workflow_message(&call.who, call.named(), &call.body).await
}
