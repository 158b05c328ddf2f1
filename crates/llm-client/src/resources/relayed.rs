//! What goes with a request in OpenAI's words beside its body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use llm_catalog::Field;
use llm_providers::{Endpoint, Quirk};
use llm_wire::top::Top;

use super::Family;
use crate::engine::Engine;
use crate::target::Target;

/// Fields that LiteLLM writes out where the client says nothing.
const WRITTEN: [(&str, &str, &str); 2] =
    [("acreate_batch", "metadata", "null"), ("acreate_fine_tuning_job", "hyperparameters", "{}")];

/// A body with the fields that LiteLLM writes out.
#[must_use]
pub fn written_out(call_type: &str, body: Bytes) -> Bytes {
    let Some((_, field, value)) = WRITTEN.iter().find(|(call, ..)| *call == call_type) else { return body };
    match Top::parse(&body) {
        Ok(top) if top.get(field).is_none() => top.edited(&[(field, Some(value))]),
        _ => body,
    }
}

/// Betas of the client and of the resource add up.
pub fn betas(family: Family, client: &mut HeaderMap, endpoint: &mut Endpoint) {
    let beta = HeaderName::from_static("anthropic-beta");
    if let (Some(theirs), Some(ours)) = (client.get(&beta), endpoint.headers.get(&beta))
        && let (Ok(theirs), Ok(ours)) = (theirs.to_str(), ours.to_str())
        && let Ok(both) = HeaderValue::from_str(&format!("{theirs},{ours}"))
    {
        endpoint.headers.insert(beta, both);
    }
    let openai = HeaderName::from_static("openai-beta");
    if matches!(family, Family::Assistants | Family::VectorStores) && !client.contains_key(&openai) {
        client.insert(openai, HeaderValue::from_static("assistants=v2"));
    }
}

/// True where OpenAI's clients and LiteLLM name a type although there is no body.
#[must_use]
pub fn is_typed_without_body(family: Family, method: &Method, target: &Target) -> bool {
    match *method {
        _ if matches!(family, Family::VectorStores | Family::Interactions) => true,
        Method::GET => false,
        Method::DELETE => target.provider.row().quirks.has(Quirk::TypedRemovals),
        _ => true,
    }
}

/// True for calls that a model answers: runs of threads, interactions. The others tell of what was billed before.
#[must_use]
pub fn is_answer(family: Family, method: &Method, call_type: &str) -> bool {
    match family {
        Family::Assistants => *method == Method::POST,
        _ => call_type == "acreate_interaction",
    }
}

/// US dollars of a call whose answer has no price: a container has its house's price of a session of the code interpreter.
#[must_use]
pub fn flat(engine: &Engine, target: &Target, call_type: &str) -> f64 {
    if call_type != "acreate_container" {
        return 0.0;
    }
    let entry = engine.prices.lookup_price(target.provider_id(), None, "container");
    entry.and_then(|entry| entry.num(Field::CodeInterpreterCostPerSession)).unwrap_or(0.0)
}

/// True for a request whose answer comes in pieces.
#[must_use]
pub fn is_streamed(body: &[u8]) -> bool {
    Top::parse(body).is_ok_and(|top| top.is_true("stream"))
}
