//! What health checks found.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] =
    &[row!("GET" "/health/history" Admin history), row!("GET" "/health/latest" Admin latest)];

async fn history(call: Call) -> Outcome<Json> {
    let (limit, offset) = (call.number("limit", 100, 1)?, call.number("offset", 0, 0)?);
    call.accounts.health_history(call.owned("model"), call.owned("status_filter"), limit, offset).await
}

async fn latest(call: Call) -> Outcome<Json> {
    call.accounts.latest_health().await
}
