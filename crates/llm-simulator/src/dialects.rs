//! The face of a service: how it reads requests, what it answers, how it words complaints.

use http::HeaderMap;

use crate::faults::Fault;
use crate::prompt::Prompt;
use crate::reply::{Frame, Reply};
use crate::route::Dialect;
use crate::server::State;
use crate::service::Call;
use crate::{anthropic, bedrock, cohere, gemini, jina, mistral, ollama, openai, tavily, voyage};

/// A simulated service. Each folder has one.
pub(crate) trait Service: Sync {
    /// What a request asks for, read without complaining.
    fn prompt(&self, call: &Call<'_>) -> Prompt;

    /// The reply of a healthy service, or its complaint about the request.
    fn answer(&self, call: &Call<'_>, state: &State) -> Reply;

    /// How it words complaints.
    fn complaints(&self) -> &dyn Complaints;

    /// The key a request was sent with. Of an AWS signature that is the access key id; the signature is not verified.
    fn key<'a>(&self, headers: &'a HeaderMap, _query: &'a str) -> Option<&'a str> {
        bearer(headers)
    }

    /// What a stream is labelled.
    fn stream_type(&self, _call: &Call<'_>) -> &'static str {
        "text/event-stream"
    }

    /// The last word on a reply before it is sent.
    fn finished(&self, reply: Reply, _call: &Call<'_>) -> Reply {
        reply
    }
}

/// The words for what goes wrong.
pub(crate) trait Complaints: Sync {
    /// The status faults.
    fn fault(&self, fault: Fault, message: Option<&str>, model: &str) -> Reply;

    /// A missing or wrong key.
    fn unauthorized(&self, given: Option<&str>) -> Reply;

    /// 404 for a path the service does not have.
    fn unknown_path(&self, method: &str, path: &str) -> Reply;

    /// 400 for a body that cannot be read.
    fn unreadable(&self) -> Reply;

    /// 400 of the simulator itself: the script cannot be read.
    fn bad_script(&self, why: &str) -> Reply;

    /// An error as the whole body of a success.
    fn body(&self, message: Option<&str>) -> String;

    /// The error inside a stream.
    fn event(&self, call: &Call<'_>, message: Option<&str>) -> Frame;
}

/// Who speaks a dialect.
pub(crate) fn service(dialect: Dialect) -> &'static dyn Service {
    match dialect {
        Dialect::OpenAi => &openai::OPENAI,
        Dialect::Azure => &openai::AZURE,
        Dialect::Anthropic => &anthropic::Anthropic,
        Dialect::Gemini => &gemini::Gemini,
        Dialect::Bedrock => &bedrock::Bedrock,
        Dialect::Ollama => &ollama::Ollama,
        Dialect::Cohere => &cohere::Cohere,
        Dialect::Jina => &jina::Jina,
        Dialect::Voyage => &voyage::Voyage,
        Dialect::Mistral => &mistral::Mistral,
        Dialect::Tavily => &tavily::Tavily,
    }
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The key of a bearer header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "))
}
