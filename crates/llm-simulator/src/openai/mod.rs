//! OpenAI's and Azure OpenAI's wire formats.

mod chat;
mod check;
mod completions;
mod embeddings;
mod errors;
mod frames;
mod media;
mod request;
mod responses;
mod stream;

use http::HeaderMap;

use crate::dialects::{Complaints, Service, bearer, text};
use crate::prompt::Prompt;
use crate::reply::{Payload, Reply};
use crate::route::{Dialect, Operation};
use crate::server::State;
use crate::service::Call;
use crate::template::{fill, quote};

pub(crate) use check::needs_version;
use errors::{ApiError, Errors};
pub(crate) use media::Video;

/// OpenAI, or Azure OpenAI.
#[derive(Debug)]
pub(crate) struct OpenAi(Errors);

pub(crate) static OPENAI: OpenAi = OpenAi(Errors(Dialect::OpenAi));
pub(crate) static AZURE: OpenAi = OpenAi(Errors(Dialect::Azure));

impl Service for OpenAi {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        media::prompt(call).unwrap_or_else(|| prompt(call))
    }

    fn answer(&self, call: &Call<'_>, state: &State) -> Reply {
        let result = media::reply(call, state).unwrap_or_else(|| answer(call));
        result.unwrap_or_else(|problem| problem.reply(call.route.dialect))
    }

    fn complaints(&self) -> &dyn Complaints {
        &self.0
    }

    fn key<'a>(&self, headers: &'a HeaderMap, _: &'a str) -> Option<&'a str> {
        let own = if self.0.0 == Dialect::Azure { text(headers, "api-key") } else { None };
        own.or_else(|| bearer(headers))
    }
}

fn prompt(call: &Call<'_>) -> Prompt {
    match call.route.operation {
        Operation::Completions => request::text_prompt(call.body, "prompt"),
        Operation::Embeddings => request::text_prompt(call.body, "input"),
        Operation::Responses => responses::prompt(call.body),
        _ => request::chat_prompt(call.body),
    }
}

fn answer(call: &Call<'_>) -> Result<Reply, ApiError> {
    match call.route.operation {
        Operation::Chat => check::chat(call).map(|()| chat::reply(call)),
        Operation::Completions => check::completion(call).map(|()| completions::reply(call)),
        Operation::Embeddings => embeddings::reply(call),
        Operation::Responses => responses::reply(call),
        _ => Ok(models(call)),
    }
}

/// The service names dated versions of its aliases.
fn served_model(call: &Call<'_>) -> String {
    if let Some(name) = &call.script.served_model {
        return name.clone();
    }
    match call.prompt.model.as_str() {
        "gpt-4o" => "gpt-4o-2024-08-06".to_owned(),
        "gpt-4o-mini" => "gpt-4o-mini-2024-07-18".to_owned(),
        "gpt-4.1" => "gpt-4.1-2025-04-14".to_owned(),
        other => other.to_owned(),
    }
}

fn models(call: &Call<'_>) -> Reply {
    let rows: Vec<String> = call.models.iter().map(|id| fill(frames::MODEL, &[("id", &quote(id))])).collect();
    json_reply(call, fill(frames::MODELS, &[("data", &rows.join(","))]))
}

fn json_reply(call: &Call<'_>, body: String) -> Reply {
    Reply { status: 200, headers: headers(call, "application/json"), payload: Payload::Whole(body.into()) }
}

/// Headers of a success.
fn headers(call: &Call<'_>, content_type: &str) -> Vec<(&'static str, String)> {
    let mut out = vec![("content-type", content_type.to_owned())];
    let limits = [
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "2000000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-remaining-tokens", "1999975"),
    ];
    out.extend(limits.iter().map(|(name, value)| (*name, (*value).to_owned())));
    if call.route.dialect == Dialect::Azure {
        out.push(("apim-request-id", call.request_id.clone()));
        out.push(("x-ms-region", "Sweden Central".to_owned()));
    } else {
        out.push(("x-request-id", format!("req_{}", call.request_id)));
        out.push(("openai-organization", "sim-org".to_owned()));
        out.push(("openai-processing-ms", "5".to_owned()));
        out.push(("openai-version", "2020-10-01".to_owned()));
        out.push(("x-ratelimit-reset-requests", "6ms".to_owned()));
        out.push(("x-ratelimit-reset-tokens", "0s".to_owned()));
    }
    out
}

/// The finish reason on the wire.
fn finish_word(call: &Call<'_>, finish: &crate::content::Finish) -> String {
    use crate::content::Finish;
    if let Some(word) = &call.script.finish {
        return word.clone();
    }
    let word = match finish {
        Finish::Stop | Finish::Sequence(_) => "stop",
        Finish::Length => "length",
        Finish::Tools => "tool_calls",
    };
    word.to_owned()
}

/// `problem` as a result.
fn refuse<T>(problem: ApiError) -> Result<T, ApiError> {
    Err(problem)
}
