//! What a provider refuses, told as every call tells it: a status, a `type` that SDKs know, the status as `code`.

use http::header::{HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Response};
use llm_accounts::Reservation;
use llm_client::resources::{is_refused, refused};
use llm_client::{Relayed, Tail as _};
use llm_types::{Error, Format};

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
    is_refused(parts, reply::is_content(asked)) && asked.what.family != Family::Sessions
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
    // For what LiteLLM asks with OpenAI's own library, the `type` is the provider's.
    let typed = matches!(asked.what.family, Family::Files | Family::Batches | Family::FineTuning);
    refused(&asked.home.target, parts, body, typed)
}
