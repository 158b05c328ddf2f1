//! What a provider refuses, told as every call tells it: a status, a `type` that SDKs know, the status as `code`.

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Response};
use llm_accounts::Reservation;
use llm_client::{Relayed, Tail as _};
use llm_types::{Error, Format, Kind};
use llm_wire::{ReplyView, openai};

use super::table::Family;
use super::{Asked, answer, reply};
use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::{Context, Refused};
use crate::pass::tail::RelayTail;

/// True for answers that are told anew: those of sessions are read by clients of the provider's own. Whoever sends the
/// gateway elsewhere, or shows it a page, did not do what was asked.
pub(super) fn is_one(asked: &Asked<'_>, parts: &Parts) -> bool {
    (parts.status.as_u16() >= 300 || is_page(asked, parts)) && asked.what.family != Family::Sessions
}

/// True for a page for people in the place of JSON.
fn is_page(asked: &Asked<'_>, parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/html") && !reply::is_content(asked)
}

/// Tells a client and the log what a provider refused.
///
/// # Errors
/// When the answer breaks off.
pub(super) async fn told(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    relayed: Relayed,
    reservation: Reservation,
) -> Result<Response<Reply>, Refused> {
    let Relayed { parts, body, from } = relayed;
    let tail = RelayTail::new(core, ctx, from.clone(), answer::facts(asked), Some(reservation));
    let (bytes, mut report) = body.collect(ctx.snapshot.engine.settings.max_reply_bytes).await?;
    let error = read(asked, &parts, &bytes);
    report.error = Some(error.clone());
    Box::new(tail).done(report);
    let refused = Refused::from(error);
    let mut headers = crate::answer::error_headers(ctx, &refused);
    if let Some(deployment) = &from.deployment {
        put(&mut headers, "x-litellm-model-id", &deployment.id);
        put(&mut headers, "x-litellm-model-group", &deployment.group);
    }
    crate::answer::decision(&mut headers, from.decision);
    Ok(errors::respond(&refused.error, Format::OpenAiChat, headers))
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn read(asked: &Asked<'_>, parts: &Parts, body: &[u8]) -> Error {
    if parts.status.as_u16() < 400 {
        let (provider, status) = (asked.home.target.provider_id(), parts.status.as_u16());
        let what = if parts.status.is_success() { "a page".to_owned() } else { format!("the status {status}") };
        return Error::new(Kind::BadGateway, format!("{provider}Exception - the provider answered with {what}"));
    }
    let headers: Vec<(&str, &str)> =
        parts.headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect();
    let provider = asked.home.target.provider_id();
    viewed(asked, &ReplyView { status: parts.status.as_u16(), provider, headers: &headers, body })
}

/// Reads a refusal. For what LiteLLM asks with OpenAI's own library, the `type` is the provider's.
pub(super) fn viewed(asked: &Asked<'_>, view: &ReplyView<'_>) -> Error {
    let target = &asked.home.target;
    let mut error = target.provider.decode_error(view).unwrap_or_else(|| openai::errors::decode(view));
    let by_library = matches!(asked.what.family, Family::Files | Family::Batches | Family::FineTuning);
    let said = error.upstream.as_ref().and_then(|said| said.error_type.clone()).filter(|_| by_library);
    if let Some(said) = said {
        error.openai_type = Some(said);
    }
    error
}
