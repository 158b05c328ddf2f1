//! Gemini's wire format, as Google AI Studio and Vertex AI speak it.

mod check;
mod content;
mod embeddings;
mod errors;
mod frames;
mod predict;
mod request;
mod stream;

use http::HeaderMap;

use crate::dialects::{Complaints, Service, bearer, text};
use crate::prompt::Prompt;
use crate::reply::{Payload, Reply};
use crate::route::Operation;
use crate::server::State;
use crate::service::Call;

use request::as_events;

#[derive(Debug)]
pub(crate) struct Gemini;

impl Service for Gemini {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        request::prompt(call)
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        let result = match call.route.operation {
            Operation::EmbedContent | Operation::BatchEmbedContents => embeddings::reply(call),
            Operation::Predict => predict::reply(call),
            _ => check::generate(call).map(|()| content::reply(call)),
        };
        result.unwrap_or_else(|problem| problem.reply())
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::Errors
    }

    fn key<'a>(&self, headers: &'a HeaderMap, query: &'a str) -> Option<&'a str> {
        let in_query = || query.split('&').find_map(|pair| pair.strip_prefix("key="));
        text(headers, "x-goog-api-key").or_else(|| bearer(headers)).or_else(in_query)
    }

    fn stream_type(&self, call: &Call<'_>) -> &'static str {
        if as_events(call) { "text/event-stream" } else { "application/json" }
    }

    /// An error is put into a list where a list was asked for.
    fn finished(&self, mut reply: Reply, call: &Call<'_>) -> Reply {
        if call.prompt.stream
            && !as_events(call)
            && let Payload::Whole(bytes) = &reply.payload
            && bytes.starts_with(b"{")
        {
            reply.payload = Payload::Whole([b"[", bytes.as_ref(), b"]"].concat().into());
        }
        reply
    }
}

fn json_reply(body: String) -> Reply {
    Reply { status: 200, headers: headers("application/json; charset=UTF-8"), payload: Payload::Whole(body.into()) }
}

/// Headers of a success.
fn headers(content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.to_owned()),
        ("vary", "Origin, X-Origin, Referer".to_owned()),
        ("server", "scaffolding on HTTPServer2".to_owned()),
        ("x-xss-protection", "0".to_owned()),
        ("x-frame-options", "SAMEORIGIN".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("server-timing", "gfet4t7; dur=551".to_owned()),
    ]
}

fn served_model(call: &Call<'_>) -> String {
    call.script.served_model.clone().unwrap_or_else(|| call.prompt.model.clone())
}
