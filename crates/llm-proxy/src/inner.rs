//! Calls inside of a request that is made of several: each is authorized, limited, billed and logged as if the caller had
//! made it.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use llm_accounts::Identity;
use llm_types::{Error, Format, Json, Kind, OperationKind};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{self, Context, Refused};
use crate::tail::Ledger;
use crate::{errors, recall};

/// Why a request that is made of several calls failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// A call inside of it failed and has left its own record.
    pub(crate) booked: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, booked: false }
    }
}

impl Failed {
    /// A call inside of the request was refused: it leaves its record here.
    pub(crate) fn booked(core: &Core, ctx: &Context, refused: Refused) -> Self {
        Self { error: Ledger::refused(core, ctx, refused), booked: true }
    }
}

/// A model call with a body that was made here, as `ctx` says.
///
/// # Errors
/// What it is refused for.
pub(crate) async fn ask(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    body: &Bytes,
) -> Result<Response<Reply>, Refused> {
    let top = Top::parse(body)?;
    Box::pin(flow::one(core, ctx, who, path_model, (body, &top), Vec::new())).await
}

/// Calls a model beside the request of `ctx`.
///
/// # Errors
/// What the call is refused for.
pub(crate) async fn model(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    (operation, format): (OperationKind, Format),
    body: &Bytes,
) -> Result<Response<Reply>, Failed> {
    let mut inner = ctx.beside(false);
    (inner.operation, inner.format) = (operation, format);
    let answer = ask(core, &mut inner, who, None, body).await;
    answer.map_err(|refused| Failed::booked(core, &inner, refused))
}

/// Calls a model that answers whole, and reads its answer.
///
/// # Errors
/// As [`model`], and for an answer that is no JSON.
pub(crate) async fn whole(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    call: (OperationKind, Format),
    body: &Json,
) -> Result<Json, Failed> {
    let body = Bytes::from(body.to_string());
    let answer = model(core, ctx, who, call, &body).await?.into_body().whole()?;
    Ok(read(&answer)?)
}

/// An answer as JSON.
///
/// # Errors
/// For one that is no JSON.
pub(crate) fn read(answer: &Bytes) -> Result<Json, Error> {
    serde_json::from_slice(answer)
        .map_err(|e| Error::new(Kind::InvalidReply, format!("an answer that is no JSON: {e}")))
}

/// An answer that comes whole. The first is the request's own; later ones have rows beside it.
///
/// # Errors
/// What it is refused for.
pub(crate) async fn round(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    round: usize,
    body: &Bytes,
) -> Result<(http::response::Parts, Bytes), Refused> {
    let response = if round == 1 {
        ask(core, ctx, who, path_model, body).await?
    } else {
        let mut beside = ctx.beside(ctx.own_names);
        match ask(core, &mut beside, who, path_model, body).await {
            Ok(response) => response,
            Err(refused) => {
                // The row of the refusal is that of the call that failed.
                *ctx = beside;
                return Err(refused);
            }
        }
    };
    let (head, body) = response.into_parts();
    Ok((head, body.whole()?))
}

/// The last answer, as the client wished it.
///
/// # Errors
/// When it cannot be told as a stream.
pub(crate) fn finished(
    ctx: &Context,
    top: &Top<'_>,
    mut head: http::response::Parts,
    body: Bytes,
) -> Result<Response<Reply>, Error> {
    head.headers.remove(CONTENT_LENGTH);
    if !top.is_true("stream") {
        return Ok(errors::json(200, body, head.headers));
    }
    let options = top.get("stream_options").and_then(|o| Top::parse(o.as_bytes()).ok());
    let usage = options.is_some_and(|o| o.is_true("include_usage"));
    recall::streamed(ctx.format, None, usage, &body, head.headers)
        .ok_or_else(|| Error::internal("the answer cannot be told as a stream"))
}
