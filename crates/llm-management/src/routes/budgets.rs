//! Reusable budgets.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/budget/new" Admin new),
    row!("POST" "/budget/update" Admin update),
    row!("POST" "/budget/info" Admin info),
    row!("GET" "/budget/list" Admin list),
    row!("GET" "/budget/settings" Admin settings),
    row!("POST" "/budget/delete" Admin delete),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_budget(call.actor(), &call.body_or_empty()).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_budget(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.budgets_info(&call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_budgets().await
}

async fn settings(call: Call) -> Outcome<Json> {
    call.accounts.budget_settings(call.needed("budget_id")?).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_budget(call.actor(), &call.body).await
}
