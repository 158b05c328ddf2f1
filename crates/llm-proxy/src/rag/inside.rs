//! The calls that a request is made of.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Response, Uri};
use http_body_util::BodyExt as _;
use llm_accounts::Identity;
use llm_http::Body;
use llm_providers::stores::Document;
use llm_types::{Error, Format, Json, Kind, OperationKind};
use llm_wire::codec::ReplyView;
use llm_wire::top::Top;

use super::Failed;
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{self, Context};
use crate::resources::{self, Deposited};
use crate::tail::Ledger;

/// What a call says of itself beside its body; the client's own headers go nowhere else.
const KEPT: [&str; 6] = [
    "x-litellm-model",
    "x-litellm-tags",
    "x-litellm-trace-id",
    "x-litellm-session-id",
    "x-litellm-customer-id",
    "x-litellm-end-user-id",
];

/// Calls a model.
pub(super) async fn model(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    (operation, format): (OperationKind, Format),
    body: &Bytes,
) -> Result<Response<Reply>, Failed> {
    let mut inner = ctx.beside(false);
    (inner.operation, inner.format) = (operation, format);
    let top = Top::parse(body)?;
    match Box::pin(flow::one(core, &mut inner, who, None, (body, &top), Vec::new())).await {
        Ok(response) => Ok(response),
        Err(refused) => {
            let error = refused.error.clone();
            Ledger::refused(core, &inner, refused);
            Err(Failed { error, booked: true })
        }
    }
}

/// Calls a model that answers whole, and reads its answer.
pub(super) async fn whole(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    call: (OperationKind, Format),
    body: &Json,
) -> Result<Json, Failed> {
    let body = Bytes::from(body.to_string());
    match model(core, ctx, who, call, &body).await?.into_body() {
        Reply::Whole(bytes) => read(&bytes),
        _ => Err(Error::internal("a stream came where none was asked for").into()),
    }
}

/// Asks a provider for something that it keeps: `POST` with JSON or a form.
pub(super) async fn kept(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    path: &str,
    provider: &str,
    (body, kind): (Body, HeaderValue),
) -> Result<Json, Failed> {
    let mut inner = beside(ctx);
    inner.parts.headers.insert(CONTENT_TYPE, kind);
    inner.parts.uri = path.parse::<Uri>().map_err(|_| Error::bad_request(format!("no id can be {path:?}")))?;
    let response = match resources::ask(core, &mut inner, who, path, provider, body).await {
        Ok(response) => response,
        Err(refused) => {
            let error = refused.error.clone();
            Ledger::refused(core, &inner, refused);
            return Err(Failed { error, booked: true });
        }
    };
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await;
    let bytes = bytes.map_err(|e| Error::new(Kind::BadGateway, e.to_string()))?.to_bytes();
    if (200..300).contains(&status) {
        return read(&bytes);
    }
    let view = ReplyView { status, provider, headers: &[], body: &bytes };
    let codec = llm_wire::registry::upstream_generate(Format::OpenAiChat);
    let error = codec.map_or_else(|| Error::internal("no codec for errors"), |codec| codec.decode_error(&view));
    Err(Failed { error, booked: true })
}

/// Puts a document into a store of another kind than OpenAI's; nothing where the provider has none.
pub(super) async fn deposit(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    provider: &str,
    document: Document<'_>,
) -> Result<Option<Deposited>, Failed> {
    let mut inner = beside(ctx);
    match resources::deposit(core, &mut inner, who, provider, document).await {
        Ok(deposited) => Ok(deposited),
        Err(refused) => {
            let error = refused.error.clone();
            Ledger::refused(core, &inner, refused);
            Err(Failed { error, booked: true })
        }
    }
}

/// A call of its own, which says of itself what the request said.
fn beside(ctx: &Context) -> Context {
    let mut inner = ctx.beside(false);
    inner.operation = OperationKind::Relay;
    let mut headers = HeaderMap::new();
    for name in KEPT.iter().map(|name| HeaderName::from_static(name)).chain([USER_AGENT]) {
        if let Some(value) = ctx.parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    inner.parts.headers = headers;
    inner.parts.method = Method::POST;
    inner
}

/// JSON as a body.
pub(super) fn json(body: &Json) -> (Body, HeaderValue) {
    // Ids of ours become the provider's.
    let text = body.to_string();
    let (text, _) = llm_wire::ids::resolved(&text);
    (Body::from(text.into_owned()), HeaderValue::from_static("application/json"))
}

fn read(bytes: &Bytes) -> Result<Json, Failed> {
    serde_json::from_slice(bytes)
        .map_err(|e| Error::new(Kind::InvalidReply, format!("an answer that is no JSON: {e}")).into())
}
