//! One request for several models: `model: "a,b"` asks each and answers a list; `fastest_response` takes the first that
//! answers. Every model is a call of its own: admitted, billed and logged by itself.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use llm_accounts::Identity;
use llm_types::{Error, Format, OperationKind, RawJson, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::tail::Ledger;
use crate::{answer, errors, inner};

/// Models that one request may name.
const MOST: usize = 32;

/// What a request for several models wants.
#[derive(Debug, PartialEq, Eq)]
pub struct Several {
    models: Vec<String>,
    fastest: bool,
}

/// Reads the models of a request for several of them: chat only, as in LiteLLM. A group whose name holds a comma is one.
///
/// # Errors
/// 400 for too many models, and for a stream of more than the fastest.
pub fn read(ctx: &Context, top: &Top<'_>) -> Result<Option<Several>> {
    if ctx.format != Format::OpenAiChat || ctx.operation != OperationKind::Generate {
        return Ok(None);
    }
    let Some(named) = top.str("model").filter(|m| m.contains(',')) else { return Ok(None) };
    if ctx.snapshot.engine.router.has_group(&named) {
        return Ok(None);
    }
    let models: Vec<String> = named.split(',').map(|m| m.trim().to_owned()).filter(|m| !m.is_empty()).collect();
    let fastest = top.is_true("fastest_response");
    if models.len() > MOST {
        return Err(Error::bad_request(format!("model names more than {MOST} models")).with_param("model"));
    }
    if top.is_true("stream") && !fastest {
        let why = "the answers of several models cannot be streamed, only the fastest_response can";
        return Err(Error::bad_request(why).with_param("stream"));
    }
    Ok(Some(Several { models, fastest }))
}

/// Asks every model.
///
/// # Errors
/// For `fastest_response`: what the last model was refused for, when none answered.
pub async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    top: &Top<'_>,
    several: Several,
) -> Result<Response<Reply>, Refused> {
    let asked: Vec<(Context, Bytes)> = several
        .models
        .iter()
        .map(|model| {
            let name = RawJson::string(model);
            let body = top.edited(&[("model", Some(name.get())), ("fastest_response", None)]);
            (ctx.beside(!several.fastest), body)
        })
        .collect();
    if several.fastest { fastest(core, who, asked).await } else { Ok(all(core, ctx, who, asked).await) }
}

/// The answers in the order of the models. One that fails is told as its error.
async fn all(core: &Core, ctx: &Context, who: &Arc<Identity>, asked: Vec<(Context, Bytes)>) -> Response<Reply> {
    let one = async |(mut ctx, body): (Context, Bytes)| match inner::ask(core, &mut ctx, who, None, &body).await {
        Ok(response) => response.into_body().whole().unwrap_or_else(|error| told(&error)),
        Err(refused) => told(&Ledger::refused(core, &ctx, refused)),
    };
    let answers = join_all(asked.into_iter().map(one)).await;
    let mut out = BytesMut::new();
    out.put_u8(b'[');
    for (at, body) in answers.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.put_slice(body);
    }
    out.put_u8(b']');
    errors::json(200, out.freeze(), answer::bare_headers(ctx))
}

fn told(error: &Error) -> Bytes {
    match errors::respond(error, Format::OpenAiChat, HeaderMap::new()).into_body() {
        Reply::Whole(body) => body,
        _ => Bytes::from_static(b"null"),
    }
}

/// The first model that answers; the calls of the others are given up.
async fn fastest(core: &Core, who: &Arc<Identity>, asked: Vec<(Context, Bytes)>) -> Result<Response<Reply>, Refused> {
    let one = async |(mut ctx, body): (Context, Bytes)| {
        inner::ask(core, &mut ctx, who, None, &body).await.map_err(|refused| (ctx, refused))
    };
    let mut running: FuturesUnordered<_> = asked.into_iter().map(one).collect();
    let mut last = Error::bad_request("model names no model").with_param("model");
    while let Some(outcome) = running.next().await {
        match outcome {
            Ok(mut response) => {
                let header = HeaderName::from_static("x-litellm-fastest_response_batch_completion");
                response.headers_mut().insert(header, HeaderValue::from_static("True"));
                return Ok(response);
            }
            Err((ctx, refused)) => last = Ledger::refused(core, &ctx, refused),
        }
    }
    Err(last.into())
}
