//! Plugins that coding agents find here.

use axum::body::Body;
use http::Response;
use llm_accounts::{Asking, Credential, Outcome};
use llm_types::Json;

use crate::answer;
use crate::call::Call;
use crate::login::Visit;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/claude-code/plugins" AnyKey list),
    row!("POST" "/claude-code/plugins" Admin new),
    row!("GET" "/claude-code/plugins/{plugin_name}" AnyKey one),
    row!("PUT" "/claude-code/plugins/{plugin_name}" Admin replace),
    row!("DELETE" "/claude-code/plugins/{plugin_name}" Admin delete),
    row!("POST" "/claude-code/plugins/{plugin_name}/enable" Admin enable),
    row!("POST" "/claude-code/plugins/{plugin_name}/disable" Admin disable),
];

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.plugins(&call.who, call.flag("enabled_only", false)?).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_plugin(call.actor(), &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.plugin(&call.who, call.named()).await
}

async fn replace(call: Call) -> Outcome<Json> {
    call.accounts.replace_plugin(call.actor(), call.named(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_plugin(call.actor(), call.named()).await
}

async fn enable(call: Call) -> Outcome<Json> {
    call.accounts.switch_plugin(call.actor(), call.named(), true).await
}

async fn disable(call: Call) -> Outcome<Json> {
    call.accounts.switch_plugin(call.actor(), call.named(), false).await
}

/// `GET /claude-code/marketplace.json`: agents send no headers, so a key may stand in the query, as with LiteLLM.
pub(crate) async fn marketplace(visit: Visit) -> Response<Body> {
    match visit.asked("key") {
        None => answer::of_text(visit.accounts.open_marketplace().await),
        Some(key) => answer::of(told(&visit, key).await),
    }
}

async fn told(visit: &Visit, key: &str) -> Outcome<Json> {
    let asking = Asking {
        credential: Credential::Key(key),
        headers: &visit.headers,
        method: "GET",
        path: &visit.path,
        connected: visit.source,
    };
    let who = visit.accounts.enter(&asking).await?;
    visit.accounts.authorize(&who, llm_accounts::Permission::AnyKey, &visit.path, true)?;
    visit.accounts.marketplace(&who).await
}

/// `GET /public/skill_hub`.
pub(crate) async fn hub(visit: Visit) -> Response<Body> {
    answer::of_text(visit.accounts.skill_hub().await)
}
