//! Interactions of models whose hosts do not know them: they become responses, which are authorized, routed, limited and
//! billed like any other, and are told as interactions.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, Uri};
use llm_accounts::Identity;
use llm_client::Target;
use llm_types::{Format, Json, OperationKind, Result};
use llm_wire::interactions;

use super::request::{Sent, Told};
use super::translated::id_in;
use crate::body::Reply;
use crate::core::Core;
use crate::edited::{Edit, Edited};
use crate::flow::{Context, Refused};
use crate::inner::{self, Failed};
use crate::responses::{ResponseId, Verb, stored};
use crate::{answer, errors, usable};

/// What a client asks for that is answered here.
#[derive(Debug)]
pub(super) enum Bridged {
    /// An interaction of a group whose first deployment knows none.
    Begin { group: String, body: Bytes },
    /// One that began here: its id is that of a response.
    Kept { verb: Verb, id: String },
}

/// Whether a request is answered here; nothing where the host answers it itself.
///
/// # Errors
/// 403 for an id without a signature whose deployment the caller may not use.
pub(super) fn read(
    ctx: &Context,
    who: &Identity,
    call_type: &str,
    tail: &str,
    told: &Told,
    sent: &Sent,
) -> Result<Option<Bridged>> {
    let verb = match call_type {
        "acreate_interaction" => return Ok(begun(ctx, who, told, sent)),
        "aget_interaction" => Verb::Get,
        "adelete_interaction" => Verb::Delete,
        "acancel_interaction" => Verb::Cancel,
        _ => return Ok(None),
    };
    let behind = if verb == Verb::Cancel { "/cancel" } else { "" };
    let id = id_in(tail, "/interactions/", behind).into_owned();
    let ours = ResponseId::shown(&id, &ctx.snapshot, who)?.is_some();
    Ok(ours.then_some(Bridged::Kept { verb, id }))
}

fn begun(ctx: &Context, who: &Identity, told: &Told, sent: &Sent) -> Option<Bridged> {
    let (Sent::Whole(body), None) = (sent, &told.provider) else { return None };
    let named = told.group.as_deref().or(told.model.as_deref())?;
    let router = &ctx.snapshot.engine.router;
    let group = crate::scope::group(router, who, named);
    let scope = crate::scope::of(who);
    let resolved = router.resolve(group, &scope).ok()?;
    let first = router.members(&resolved.group).find(|deployment| usable::is_shared(who, deployment))?;
    let target = first.payload::<Target>()?;
    let begin = || Bridged::Begin { group: named.to_owned(), body: body.clone() };
    (!target.provider.interacts()).then(begin)
}

/// Answers it.
///
/// # Errors
/// 400 for what cannot be said in a response, 403 for interactions of others and for callers that may not call the path.
pub(super) async fn serve(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    path: &str,
    bridged: Bridged,
) -> Result<Response<Reply>, Refused> {
    match bridged {
        Bridged::Begin { group, body } => match begin(core, ctx, who, &group, &body).await {
            Ok(response) => Ok(response),
            Err(Failed { error, booked: false }) => Err(error.into()),
            Err(Failed { error, booked: true }) => {
                let refused = Refused::from(error);
                Ok(errors::respond(&refused.error, ctx.format, answer::error_headers(ctx, &refused)))
            }
        },
        Bridged::Kept { verb, id } => {
            core.app.accounts.permitted(who, ctx.route, path)?;
            let mut asked = ctx.beside(false);
            asked.parts.uri = Uri::default();
            let response = stored::answer(core, &asked, who, verb, &id).await?;
            if verb == Verb::Delete {
                let gone = interactions::deleted(&id);
                return Ok(replaced(response, |_| Some(gone)));
            }
            Ok(replaced(response, |told| {
                let model = told.text("model").unwrap_or_default().to_owned();
                Some(interactions::answer(&told, &model))
            }))
        }
    }
}

async fn begin(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    model: &str,
    body: &Bytes,
) -> Result<Response<Reply>, Failed> {
    let mut asked = interactions::request(&crate::read::json(body)?)?;
    asked.set("model", model);
    if asked.get("drop_params").is_none() {
        // A wish that Google's models know (how much to think) is no reason to refuse the call elsewhere.
        asked.set("drop_params", true);
    }
    let body = Bytes::from(asked.to_string());
    let response = inner::model(core, ctx, who, (OperationKind::Generate, Format::OpenAiResponses), &body).await?;
    let (parts, body) = response.into_parts();
    let told = || Events(interactions::Stream::new(model));
    let body = match body {
        Reply::Stream(stream) => Reply::Edited(Box::new(Edited::new(stream, told()))),
        Reply::Edited(edited) => Reply::Edited(Box::new(edited.and(told()))),
        // A cache tells a whole stream at once.
        Reply::Whole(events) if is_stream(&parts.headers) => {
            let mut parts = parts;
            let events = interactions::Stream::new(model).events(&events);
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(events.len()));
            return Ok(Response::from_parts(parts, Reply::Whole(events)));
        }
        other => {
            let whole = Response::from_parts(parts, other);
            return Ok(replaced(whole, |response| Some(interactions::answer(&response, model))));
        }
    };
    Ok(Response::from_parts(parts, body))
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// A whole answer in other words; what is no JSON stays.
fn replaced(response: Response<Reply>, told: impl FnOnce(Json) -> Option<Json>) -> Response<Reply> {
    let (mut parts, body) = response.into_parts();
    let Reply::Whole(bytes) = body else { return Response::from_parts(parts, body) };
    let anew = serde_json::from_slice::<Json>(&bytes).ok().and_then(told);
    let bytes = anew.map_or(bytes, |told| Bytes::from(told.to_string()));
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Response::from_parts(parts, Reply::Whole(bytes))
}

#[derive(Debug)]
struct Events(interactions::Stream);

impl Edit for Events {
    fn events(&mut self, whole: &Bytes) -> Bytes {
        self.0.events(whole)
    }
}
