//! Sums by day that belong to no caller: how fast models answer, what the gateway answered.

use chrono::{DateTime, Utc};

use crate::defaults::now;
use crate::table::table;

table! {
    /// How fast a model answered on one day; answers from the cache are not counted.
    #[derive(serde::Deserialize)]
    pub struct DailyPaceRow / DailyPacePatch in "LlmProxy_DailyPace" by ["model_group", "date", "model", "api_base"] {
        /// Public model.
        model_group: String,
        /// `YYYY-MM-DD`, UTC.
        date: String,
        /// Model that answered.
        model: String,
        /// Its address.
        api_base: String,
        /// All calls.
        requests: i64,
        /// Those that took as long as `alerting_threshold`.
        slow_requests: i64,
        /// Those with tokens of an answer.
        timed_requests: i64,
        /// Seconds per such token, added up over these.
        seconds_per_token: f64,
        /// Those whose first token came before their end.
        streams: i64,
        /// Seconds until then, added up over these.
        first_token_seconds: f64,
    }
}

table! {
    /// What the gateway answered on one day on one route.
    pub struct DailyGatewayRow / DailyGatewayPatch in "LiteLLM_DailyGatewayRequests" by ["date", "category", "route"] {
        /// `YYYY-MM-DD`, UTC.
        date: String,
        /// `llm`, `mcp`, `a2a`.
        category: String,
        /// Path without its version.
        route: String,
        /// Answered with 2xx.
        successful_requests: i64,
        /// Answered with anything else.
        failed_requests: i64,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
    }
}
