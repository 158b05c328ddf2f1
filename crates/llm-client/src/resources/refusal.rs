//! Answers that are none of success, as errors.

use http::header::CONTENT_TYPE;
use http::response::Parts;
use llm_types::{Error, Kind};
use llm_wire::{ReplyView, openai};

use crate::send::header_pairs;
use crate::target::Target;

/// Reads a refusal. `typed`: its `type` is the provider's, as for what LiteLLM asks with OpenAI's own library.
#[must_use]
pub fn refusal(target: &Target, view: &ReplyView<'_>, typed: bool) -> Error {
    let mut error = target.provider.decode_error(view).unwrap_or_else(|| openai::errors::decode(view));
    let said = error.upstream.as_ref().and_then(|said| said.error_type.clone()).filter(|_| typed);
    if let Some(said) = said {
        error.openai_type = Some(said);
    }
    error
}

/// True for an answer that does not do what was asked: one that refuses, sends elsewhere, or shows people a page. `content`:
/// a file was asked for, which may be a page.
#[must_use]
pub fn is_refused(parts: &Parts, content: bool) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    parts.status.as_u16() >= 300 || kind.starts_with("text/html") && !content
}

/// The error that such an answer is.
#[must_use]
pub fn read(target: &Target, parts: &Parts, body: &[u8], typed: bool) -> Error {
    let (provider, status) = (target.provider_id(), parts.status.as_u16());
    if status < 400 {
        let what = if parts.status.is_success() { "a page".to_owned() } else { format!("the status {status}") };
        return Error::new(Kind::BadGateway, format!("{provider}Exception - the provider answered with {what}"));
    }
    refusal(target, &ReplyView { status, provider, headers: &header_pairs(&parts.headers), body }, typed)
}
