//! What LiteLLM's pages ask for and there is nothing of here: the answers say so, in LiteLLM's shapes.

use llm_accounts::Outcome;
use llm_types::{Error, Json, Kind};

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/get/latest_release_info" Admin release),
    row!("POST" "/reload/anthropic_beta_headers" Admin reload_betas),
    row!("POST" "/schedule/anthropic_beta_headers_reload" Admin reload_betas),
    row!("DELETE" "/schedule/anthropic_beta_headers_reload" Admin unschedule_betas),
    row!("GET" "/schedule/anthropic_beta_headers_reload/status" Admin betas_schedule),
    row!("POST" "/debug/memory/gc/configure" Admin collector),
    row!("POST" "/lazy/warm/{name}" AnyKey warm),
    row!("GET" "/config/pass_through_endpoints/settings" AnyKey settings),
];

/// LiteLLM answers null where it cannot ask GitHub. The gateway asks nobody about itself.
async fn release(_: Call) -> Outcome<Json> {
    Ok(Json::Null)
}

async fn reload_betas(_: Call) -> Outcome<Json> {
    Err(Error::bad_request("The table of Anthropic's beta headers is part of the program: it changes with it.").into())
}

async fn unschedule_betas(_: Call) -> Outcome<Json> {
    Ok(Json::object([("message", "No reload was scheduled"), ("status", "success")]))
}

async fn betas_schedule(_: Call) -> Outcome<Json> {
    Ok(Json::object([
        ("scheduled", Json::from(false)),
        ("interval_hours", Json::Null),
        ("last_run", Json::Null),
        ("next_run", Json::Null),
    ]))
}

async fn collector(_: Call) -> Outcome<Json> {
    Err(Error::bad_request("There is no garbage collector to configure.").into())
}

/// LiteLLM's answer, too: each endpoint has its settings.
async fn settings(_: Call) -> Outcome<Json> {
    Ok(Json::Null)
}

/// Everything is there from the start.
async fn warm(call: Call) -> Outcome<Json> {
    Err(Error::new(Kind::NotFound, format!("unknown lazy feature: {}", call.named())).into())
}
