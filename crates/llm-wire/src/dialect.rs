//! Error replies of hosts that LiteLLM reaches with its own HTTP client: the whole body is the text of the message.

use llm_types::{Error, Kind};

use crate::codec::ReplyView;
use crate::openai::errors;

/// The error of a reply: `litellm.<Class>: <Name>Exception - <body>`. The upstream's status stays the client's.
#[must_use]
pub(crate) fn error(reply: &ReplyView<'_>, kind: Kind, name: &str) -> Error {
    let read = errors::decode(reply);
    let detail = read.upstream.map(|d| *d).unwrap_or_default();
    let text = String::from_utf8_lossy(reply.body);
    let mut error = errors::upstream_error(kind, &text, detail);
    error.message = format!("litellm.{}: {name}Exception - {text}", kind.facts().class);
    error.retry_after = read.retry_after;
    error
}
