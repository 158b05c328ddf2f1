//! Calls for what providers keep: files and vector stores.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt as _, Limited};
use llm_accounts::Identity;
use llm_http::Body;
use llm_providers::stores::Document;
use llm_types::{Error, Format, Json, Kind, OperationKind};
use llm_wire::codec::ReplyView;

use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::inner::{self, Failed};
use crate::resources::{self, Deposited};
use crate::steering::Steering;

/// What a call says of itself beside its body; the client's own headers go nowhere else.
const KEPT: [&str; 6] = [
    "x-litellm-model",
    "x-litellm-tags",
    "x-litellm-trace-id",
    "x-litellm-session-id",
    "x-litellm-customer-id",
    "x-litellm-end-user-id",
];

/// Why a provider's thing is not there.
#[derive(Debug)]
pub(crate) enum Missed {
    /// The call was refused and has no record yet.
    Refused(Box<Refused>),
    /// It failed.
    Failed(Failed),
}

impl From<Error> for Missed {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Asks a provider for something that it keeps: `POST` with JSON or a form.
pub(crate) async fn kept(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    path: &str,
    provider: &str,
    sent: (Body, HeaderValue),
) -> Result<Json, Failed> {
    let mut own = beside(ctx);
    asked(core, &mut own, who, path, provider, sent).await.map_err(|missed| match missed {
        Missed::Refused(refused) => Failed::booked(core, &own, *refused),
        Missed::Failed(failed) => failed,
    })
}

/// The same with a context of its own ([`beside`]), for callers that end with the refusal.
pub(crate) async fn asked(
    core: &Core,
    own: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    provider: &str,
    (body, kind): (Body, HeaderValue),
) -> Result<Json, Missed> {
    let limit = own.snapshot.engine.settings.max_reply_bytes;
    own.parts.headers.insert(CONTENT_TYPE, kind);
    own.parts.uri = path.parse::<Uri>().map_err(|_| Error::bad_request(format!("no id can be {path:?}")))?;
    let response = resources::ask(core, own, who, path, provider, body).await;
    let response = response.map_err(|refused| Missed::Refused(Box::new(refused)))?;
    let status = response.status().as_u16();
    let bytes = Limited::new(response.into_body(), limit).collect().await;
    let bytes = bytes.map_err(|e| Error::new(Kind::BadGateway, e.to_string()))?.to_bytes();
    if (200..300).contains(&status) {
        return Ok(inner::read(&bytes)?);
    }
    let view = ReplyView { status, provider, headers: &[], body: &bytes };
    let codec = llm_wire::registry::upstream_generate(Format::OpenAiChat);
    let error = codec.map_or_else(|| Error::internal("no codec for errors"), |codec| codec.decode_error(&view));
    Err(Missed::Failed(Failed { error, booked: true }))
}

/// Puts a document into a store of another kind than OpenAI's; nothing where the provider has none.
pub(super) async fn deposit(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    provider: &str,
    document: Document<'_>,
) -> Result<Option<Deposited>, Failed> {
    let mut own = beside(ctx);
    let deposited = resources::deposit(core, &mut own, who, provider, document).await;
    deposited.map_err(|refused| Failed::booked(core, &own, refused))
}

/// A call of its own, which says of itself what the request said.
pub(crate) fn beside(ctx: &Context) -> Context {
    let mut inner = ctx.beside(false);
    inner.operation = OperationKind::Relay;
    let mut headers = HeaderMap::new();
    for name in KEPT.iter().map(|name| HeaderName::from_static(name)).chain([USER_AGENT]) {
        if let Some(value) = ctx.parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    inner.steering = Steering::of(&headers);
    inner.parts.headers = headers;
    inner.parts.method = Method::POST;
    inner
}

/// JSON as a body.
pub(crate) fn json(body: &Json) -> (Body, HeaderValue) {
    // Ids of ours become the provider's.
    let text = body.to_string();
    let (text, _) = llm_wire::ids::resolved(&text);
    (Body::from(text.into_owned()), HeaderValue::from_static("application/json"))
}
