//! What guardrails and policies did, by day; which calls they looked at.

use chrono::{DateTime, Utc};

use crate::defaults::now;
use crate::table::table;

table! {
    /// Calls that a guardrail looked at on one day.
    pub struct DailyGuardrailRow / DailyGuardrailPatch in "LiteLLM_DailyGuardrailMetrics" by ["guardrail_id", "date"] {
        /// Its name, as rows of calls have it.
        guardrail_id: String,
        /// `YYYY-MM-DD`, UTC.
        date: String,
        requests_evaluated: i64,
        passed_count: i64,
        blocked_count: i64,
        flagged_count: i64,
        avg_score: Option<f64>,
        avg_latency_ms: Option<f64>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// The same of a policy; LiteLLM's table, which nobody writes.
    pub struct DailyPolicyRow / DailyPolicyPatch in "LiteLLM_DailyPolicyMetrics" by ["policy_id", "date"] {
        policy_id: String,
        /// `YYYY-MM-DD`, UTC.
        date: String,
        requests_evaluated: i64,
        passed_count: i64,
        blocked_count: i64,
        flagged_count: i64,
        avg_score: Option<f64>,
        avg_latency_ms: Option<f64>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// What a guardrail's service counts and charges, which LiteLLM writes.
    pub struct DailyGuardrailUnitsRow / DailyGuardrailUnitsPatch in "LiteLLM_DailyGuardrailUsageUnits"
        by ["guardrail_id", "date", "team_id", "api_key", "usage_unit"]
    {
        guardrail_id: String,
        /// `YYYY-MM-DD`, UTC.
        date: String,
        team_id: String,
        /// The key's hash.
        api_key: String,
        usage_unit: String,
        units: i64,
        /// USD of those that have a price.
        cost: Option<f64>,
        /// Those that have none.
        untracked_units: i64,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}

table! {
    /// A call that a guardrail looked at.
    pub struct GuardrailCallRow / GuardrailCallPatch in "LiteLLM_SpendLogGuardrailIndex" by ["request_id", "guardrail_id"] {
        request_id: String,
        guardrail_id: String,
        policy_id: Option<String>,
        start_time: DateTime<Utc> = now(),
    }
}
