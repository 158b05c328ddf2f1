//! Budgets, tags and budget windows.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{new_id, now};
use crate::table::table;

table! {
    /// Reusable limits: budgets, rate limits, per-model budgets; referenced by keys, orgs, projects, end users, tags, model access groups, team and org memberships.
    pub struct BudgetRow / BudgetPatch in "LiteLLM_BudgetTable" by ["budget_id"] {
        budget_id: String = new_id(),
        /// Hard USD limit.
        max_budget: Option<f64>,
        /// Alert USD limit.
        soft_budget: Option<f64>,
        /// Concurrent requests.
        max_parallel_requests: Option<i64>,
        /// Tokens/min.
        tpm_limit: Option<i64>,
        /// Requests/min.
        rpm_limit: Option<i64>,
        /// Tokens/day.
        tpd_limit: Option<i64>,
        /// Per-model budgets.
        model_max_budget: Option<RawJson>,
        /// Length of the budget window: `30s`, `7d`, `1mo`.
        budget_duration: Option<String>,
        /// Next reset.
        budget_reset_at: Option<DateTime<Utc>>,
        /// Member model scope.
        allowed_models: Vec<String>,
        /// Temporary extra.
        temp_budget_increase: Option<f64>,
        /// End of it.
        temp_budget_expiry: Option<DateTime<Utc>>,
        created_at: DateTime<Utc> = now(),
        created_by: String,
        updated_at: DateTime<Utc> = now(),
        updated_by: String,
    }
}

table! {
    /// Tags with budgets.
    pub struct TagRow / TagPatch in "LiteLLM_TagTable" by ["tag_name"] {
        tag_name: String,
        description: Option<String>,
        /// Allow-list.
        models: Vec<String>,
        /// Metadata.
        model_info: Option<RawJson>,
        /// USD in the current budget window.
        spend: f64,
        budget_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Spend of multi-window budgets.
    pub struct BudgetWindowSpendRow / BudgetWindowSpendPatch in "LiteLLM_BudgetWindowSpend" by ["entity_type", "entity_id", "window_duration"] {
        entity_type: String,
        entity_id: String,
        window_duration: String,
        window_start: DateTime<Utc> = now(),
        /// USD in the current budget window.
        spend: f64,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}
