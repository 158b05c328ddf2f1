//! Reusable budgets.

use llm_accounts::Outcome;
use llm_store::BudgetRow;
use llm_types::Json;

use super::listing::{Kind, Spec};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/budget/new" Admin new),
    row!("POST" "/budget/update" Admin update),
    row!("POST" "/budget/info" Admin info),
    row!("GET" "/budget/list" Admin list),
    row!("GET" "/budget/settings" Admin settings),
    row!("POST" "/budget/delete" Admin delete),
    row!("GET" "/management/v1/budgets" Admin page),
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

/// What can be asked of the list. `budget_duration` has no order: `30d` would come before `7d`.
static PAGES: Spec = Spec {
    path: "/management/v1/budgets",
    sortable: &["budget_id", "max_budget", "tpm_limit", "rpm_limit", "tpd_limit", "created_at"],
    searched: "budget_id",
    filters: &[
        ("budget_duration", Kind::Text, &["in", "is_null"]),
        ("max_budget", Kind::Number, &["gte", "lte", "is_null"]),
        ("created_at", Kind::Time, &["gte", "lte"]),
    ],
    newest: "created_at",
    size: 50,
    largest: 100,
};

/// What the list shows of a budget.
const COLUMNS: [&str; 10] = [
    "budget_id",
    "max_budget",
    "soft_budget",
    "tpm_limit",
    "rpm_limit",
    "tpd_limit",
    "budget_duration",
    "budget_reset_at",
    "created_at",
    "updated_at",
];

async fn page(call: Call) -> Outcome<Json> {
    let query = PAGES.read(&call)?;
    let listing = call.accounts.store_or_refuse()?.table::<BudgetRow>().list(&query).await?;
    let row = |row: &BudgetRow| {
        let all = super::spend::shown(row);
        Json::object(COLUMNS.map(|column| (column, all.get(column).cloned().unwrap_or_default())))
    };
    let rows = listing.rows.iter().map(row).collect();
    Ok(PAGES.shown(&call, &query, &listing, rows))
}
