//! The bodies of budget calls, and the budget fields of everything that has a budget.

use crate::request::{Map, body};

body! {
    /// `/budget/new`, `/budget/update`, and the budget part of organizations, projects, customers and tags.
    struct BudgetBody {
        budget_id: String,
        max_budget: f64,
        soft_budget: f64,
        max_parallel_requests: i64,
        tpm_limit: i64,
        rpm_limit: i64,
        tpd_limit: i64,
        budget_duration: String,
        model_max_budget: Map,
        budget_reset_at: String,
        allowed_models: Vec<String>,
        temp_budget_increase: f64,
        temp_budget_expiry: String,
    }
}

body! {
    /// `/budget/info`.
    struct BudgetIds {
        budgets: Vec<String>,
    }
}

body! {
    /// `/budget/delete`.
    struct BudgetId {
        id: String,
    }
}
