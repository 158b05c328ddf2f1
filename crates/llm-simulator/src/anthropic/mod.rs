//! Anthropic's wire format.

mod check;
mod errors;
mod frames;
mod messages;
mod request;
mod stream;

use http::HeaderMap;

use crate::dialects::{Complaints, Service, bearer, text};
use crate::prompt::Prompt;
use crate::reply::{Payload, Reply};
use crate::route::Operation;
use crate::server::State;
use crate::service::Call;
use crate::template::{fill, quote};

pub(crate) use request::prompt;

#[derive(Debug)]
pub(crate) struct Anthropic;

impl Service for Anthropic {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        request::prompt(call)
    }

    fn answer(&self, call: &Call<'_>, state: &State) -> Reply {
        answer(call, state)
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::Errors
    }

    fn key<'a>(&self, headers: &'a HeaderMap, _: &'a str) -> Option<&'a str> {
        text(headers, "x-api-key").or_else(|| bearer(headers))
    }
}

fn answer(call: &Call<'_>, state: &State) -> Reply {
    if call.route.operation == Operation::Models {
        return json_reply(call, models(call));
    }
    let checked = check::version(call).and_then(|()| match call.route.operation {
        Operation::Messages => check::messages(call, true),
        _ => check::messages(call, false),
    });
    match checked {
        Err(problem) => problem.reply(),
        Ok(()) if call.route.operation == Operation::Messages => messages::reply(call, state),
        Ok(()) => {
            let tokens = call.script.prompt_tokens.unwrap_or_else(|| request::prompt_tokens(call));
            json_reply(call, fill(frames::TOKENS, &[("tokens", &tokens.to_string())]))
        }
    }
}

/// The reply to a request that another house passes on: it names model and version itself. The error is its text.
pub(crate) fn invoked(call: &Call<'_>, state: &State) -> Result<Reply, String> {
    check::invoked(call).map_err(|problem| problem.message)?;
    Ok(messages::reply(call, state))
}

fn models(call: &Call<'_>) -> String {
    let ids: Vec<&String> = call.models.iter().filter(|id| id.starts_with("claude")).collect();
    let rows: Vec<String> = ids.iter().map(|id| fill(frames::MODEL, &[("id", &quote(id))])).collect();
    let edge = |id: Option<&&String>| id.map_or_else(|| "null".to_owned(), |id| quote(id));
    let values = [("data", rows.join(",")), ("first", edge(ids.first())), ("last", edge(ids.last()))];
    fill(frames::MODELS, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}

fn json_reply(call: &Call<'_>, body: String) -> Reply {
    Reply { status: 200, headers: headers(call, "application/json"), payload: Payload::Whole(body.into()) }
}

/// Headers of a success.
fn headers(call: &Call<'_>, content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.to_owned()),
        ("request-id", format!("req_{}", call.request_id)),
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000".to_owned()),
        ("anthropic-ratelimit-requests-limit", "4000".to_owned()),
        ("anthropic-ratelimit-requests-remaining", "3999".to_owned()),
        ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z".to_owned()),
        ("anthropic-ratelimit-tokens-limit", "400000".to_owned()),
        ("anthropic-ratelimit-tokens-remaining", "399000".to_owned()),
        ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z".to_owned()),
    ]
}

/// The service names dated versions of its aliases.
fn served_model(call: &Call<'_>) -> String {
    if let Some(name) = &call.script.served_model {
        return name.clone();
    }
    match call.prompt.model.as_str() {
        "claude-sonnet-4-5" => "claude-sonnet-4-5-20250929".to_owned(),
        "claude-haiku-4-5" => "claude-haiku-4-5-20251001".to_owned(),
        "claude-opus-4-5" => "claude-opus-4-5-20251101".to_owned(),
        other => other.to_owned(),
    }
}
