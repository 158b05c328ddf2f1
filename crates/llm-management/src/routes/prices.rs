//! The price table: fetched anew now, or by a schedule.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/reload/model_cost_map" Admin reload),
    row!("POST" "/schedule/model_cost_map_reload" Admin schedule),
    row!("DELETE" "/schedule/model_cost_map_reload" Admin unschedule),
    row!("GET" "/schedule/model_cost_map_reload/status" Admin status),
    row!("GET" "/model/cost_map/source" Admin source),
];

async fn reload(call: Call) -> Outcome<Json> {
    call.accounts.reload_prices(call.actor()).await
}

async fn schedule(call: Call) -> Outcome<Json> {
    let hours = match call.amount("hours")? {
        Some(hours) => hours,
        None => match call.body.get("hours").and_then(Json::as_f64) {
            Some(hours) => hours,
            None => return call.needed("hours").map(|_| Json::Null),
        },
    };
    call.accounts.schedule_prices(call.actor(), hours).await
}

async fn unschedule(call: Call) -> Outcome<Json> {
    call.accounts.unschedule_prices(call.actor()).await
}

async fn status(call: Call) -> Outcome<Json> {
    call.accounts.price_schedule_status().await
}

async fn source(call: Call) -> Outcome<Json> {
    call.accounts.price_source()
}
