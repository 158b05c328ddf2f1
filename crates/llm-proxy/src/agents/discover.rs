//! `POST /v1/a2a/discover`: `{url, discovery_mode, params}` → the card that an agent publishes. The address comes out of a
//! body: it is fetched under the egress guard.

use http::Response;
use llm_types::{Error, Json, Result};
use url::form_urlencoded::byte_serialize;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::models::answer as json;

/// Where cards lie: the current place, that of older versions, one that no version names.
const PLACES: [&str; 3] = ["/.well-known/agent-card.json", "/.well-known/agent.json", "/agent.json"];
/// Largest card, in bytes.
const LARGEST: usize = 1 << 20;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Answers.
///
/// # Errors
/// 400 when no place has a card.
pub(super) async fn answer(core: &Core, ctx: &Context, body: &[u8]) -> Result<Response<Reply>> {
    let wrong = |why: String, param: &str| Error::bad_request(why).with_param(param);
    let asked: Json =
        serde_json::from_slice(body).map_err(|_| wrong("the body must be a JSON object".to_owned(), "request_body"))?;
    let url = asked.text("url").filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| wrong("url is required".to_owned(), "url").with_status(422))?;
    let query = match asked.text("discovery_mode").unwrap_or("well_known_fallback") {
        "well_known_fallback" => String::new(),
        "langgraph_platform" => {
            let assistant = asked.get("params").and_then(|params| params.text("assistant_id"));
            let assistant = assistant.filter(|id| !id.is_empty()).ok_or_else(|| {
                wrong("langgraph_platform discovery requires params.assistant_id".to_owned(), "params")
            })?;
            format!("?assistant_id={}", byte_serialize(assistant.as_bytes()).collect::<String>())
        }
        other => return Err(wrong(format!("there is no discovery_mode {other:?}"), "discovery_mode").with_status(422)),
    };
    let limits =
        llm_http::FetchLimits { max_bytes: LARGEST, total: PATIENCE, ..(*ctx.snapshot.engine.settings.fetch).clone() };
    let mut last = String::new();
    for place in PLACES {
        let at = format!("{}{place}{query}", url.trim_end_matches('/'));
        match llm_http::fetch_url(&core.http, &at, &limits).await {
            Ok(fetched) => match serde_json::from_slice::<Json>(&fetched.bytes) {
                Ok(card) if card.as_object().is_some() => {
                    return Ok(json(&Json::object([("url", Json::from(url)), ("agent_card", card)])));
                }
                _ => last = format!("{at}: no JSON object"),
            },
            // What the guard says names addresses.
            Err(llm_http::FetchError::Denied(_)) => last = format!("{at}: this address is not allowed"),
            Err(error) => last = format!("{at}: {error}"),
        }
    }
    Err(wrong(format!("Could not fetch agent card from {url}. Last error: {last}"), "url"))
}
