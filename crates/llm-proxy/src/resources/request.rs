//! The request for a resource: what of it is for the gateway, and what goes on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use llm_accounts::Expires;
use llm_http::{Body, BoxError};
use llm_types::{Error, Kind, Result};
use llm_wire::form::{FormFilter, bare};
use llm_wire::top::Top;

use super::table::{Family, Resource};
use crate::flow::Context;
use crate::pass::payload::Payload;

/// Fields of forms that are for the gateway.
const FORM: &[&str] =
    &["custom_llm_provider", "target_model_names", "target_storage", "litellm_metadata", "passthrough", "model"];
/// The same, and what a client may say of its own accord while nobody enforces it.
const ENFORCED: &[&str] = &[
    "custom_llm_provider",
    "target_model_names",
    "target_storage",
    "litellm_metadata",
    "passthrough",
    "model",
    "expires_after",
];
/// Fields of JSON bodies that are for the gateway.
const JSON: [&str; 3] = ["custom_llm_provider", "litellm_metadata", "target_model_names"];
/// Forms up to this size are read whole: fields may stand behind the file there.
const SMALL: u64 = 16 << 20;

/// What a request says to the gateway.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The model group that is meant.
    pub(super) group: Option<String>,
    /// The model that the provider is asked to use.
    pub(super) model: Option<String>,
    /// The provider.
    pub(super) provider: Option<String>,
    /// The lines of a batch are in the provider's own words.
    pub(super) native: bool,
}

/// The body that goes on.
#[derive(Debug)]
pub(super) enum Sent {
    /// All of it is known.
    Whole(Bytes),
    /// It goes on as it comes.
    Stream(Body),
}

impl Sent {
    /// All of it, where it is known.
    pub(super) fn whole(&self) -> Option<Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes.clone()),
            Self::Stream(_) => None,
        }
    }

    /// The same once more; nothing for what goes out once.
    pub(super) fn again(&self) -> Option<Self> {
        self.whole().map(Self::Whole)
    }
}

/// Reads a request.
///
/// # Errors
/// As for every body; 400 for a form that cannot be read.
pub(super) async fn read(ctx: &Context, what: Resource, body: Incoming, told: &mut Told) -> Result<Sent> {
    let family = what.family;
    let enforced = |of, call_type| match &ctx.who {
        Some(who) if what.call_type == call_type => who.enforced_expiry(of),
        _ => Ok(None),
    };
    if let Some(boundary) = crate::form::boundary(&ctx.parts.headers) {
        let expiry = enforced(Expires::Files, "acreate_file")?;
        return form(ctx, family, body, &boundary, expiry, told).await;
    }
    let expiry = enforced(Expires::Outputs, "acreate_batch")?;
    let expiry = expiry.map(|seconds| format!("{{\"anchor\":\"created_at\",\"seconds\":{seconds}}}"));
    let mut payload = Payload::read(ctx, body, true).await?;
    let bytes = match &payload {
        Payload::Whole(bytes) => bytes,
        Payload::None => return Ok(Sent::Whole(Bytes::new())),
        _ => return Ok(Sent::Stream(payload.take().unwrap_or_default())),
    };
    // What is no JSON (an offer of a session) is the provider's to judge.
    let Ok(top) = Top::parse(bytes) else { return Ok(Sent::Whole(bytes.clone())) };
    let text = |key: &str| top.str(key).map(std::borrow::Cow::into_owned).filter(|t| !t.is_empty());
    told.provider = told.provider.take().or_else(|| text("custom_llm_provider"));
    told.group = told.group.take().or_else(|| text("target_model_names"));
    let model = text("model").or_else(|| session_model(&top));
    let mut edits: Vec<(&str, Option<&str>)> =
        JSON.iter().filter(|name| top.get(name).is_some()).map(|name| (*name, None)).collect();
    edits.extend(expiry.as_deref().map(|expiry| ("output_expires_after", Some(expiry))));
    match family {
        // Here a model says only where the thing is kept.
        Family::Files | Family::Batches | Family::Containers | Family::VectorStores => {
            told.group = told.group.take().or(model);
            edits.extend(top.get("model").map(|_| ("model", None)));
        }
        _ => told.model = model,
    }
    if edits.is_empty() { Ok(Sent::Whole(bytes.clone())) } else { Ok(Sent::Whole(top.edited(&edits))) }
}

/// The model of a session that is to begin.
fn session_model(top: &Top<'_>) -> Option<String> {
    let session = Top::parse(top.get("session")?.as_bytes()).ok()?;
    session.str("model").map(std::borrow::Cow::into_owned)
}

/// A body whose model, or whose session's, is another one.
pub(super) fn with_model(body: &Bytes, model: &str) -> Option<Bytes> {
    let top = Top::parse(body).ok()?;
    let quoted = llm_client::target::quoted(model);
    let text = std::str::from_utf8(&quoted).ok()?;
    if top.get("model").is_some() {
        return Some(top.edited(&[("model", Some(text))]));
    }
    let session = Top::parse(top.get("session")?.as_bytes()).ok()?;
    session.get("model")?;
    let session = session.edited(&[("model", Some(text))]);
    Some(top.edited(&[("session", Some(std::str::from_utf8(&session).ok()?))]))
}

/// Model groups of a form: a list in one field, or a field for each (`target_model_names[]`), as SDKs write lists.
fn targets(fields: &[(String, String)]) -> Option<String> {
    let named = fields.iter().filter(|(name, text)| bare(name) == "target_model_names" && !text.is_empty());
    let named: Vec<&str> = named.map(|(_, text)| text.as_str()).collect();
    (!named.is_empty()).then(|| named.join(","))
}

/// Fields that stand before all others of a form.
fn expiring(boundary: &str, seconds: i64) -> String {
    let part = |name: &str, text: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"expires_after[{name}]\"\r\n\r\n{text}\r\n")
    };
    part("anchor", "created_at") + &part("seconds", &seconds.to_string())
}

async fn form(
    ctx: &Context,
    family: Family,
    body: Incoming,
    boundary: &str,
    expiry: Option<i64>,
    told: &mut Told,
) -> Result<Sent> {
    let limit = ctx.snapshot.settings.max_upload_bytes;
    let length = ctx.parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|n| n > limit as u64) {
        let mb = limit / 1_048_576;
        return Err(Error::new(Kind::TooLarge, format!("Request size is too large. Max size is {mb} MB")));
    }
    let whole = length.is_some_and(|n| n <= SMALL);
    let mut body = Limited::new(body, limit);
    let mut filter = FormFilter::new(boundary, if expiry.is_some() { ENFORCED } else { FORM });
    if family == Family::Files {
        filter = filter.judging(Arc::clone(&ctx.snapshot.settings.file_names));
    }
    let before = expiry.map(|seconds| expiring(boundary, seconds)).unwrap_or_default();
    let mut head = before.clone().into_bytes();
    let mut ended = false;
    // Until the file begins, or to the end of a small form: what is for the gateway stands there.
    while whole || !filter.in_file() {
        let Some(frame) = body.frame().await else {
            ended = true;
            break;
        };
        let frame = frame.map_err(|e| Error::bad_request(format!("the form broke off: {e}")))?;
        let Ok(data) = frame.into_data() else { continue };
        head.extend_from_slice(&filter.feed(&data)?);
    }
    if ended {
        head.extend_from_slice(&filter.finish());
    }
    let field = |name: &str| filter.field(name).map(str::to_owned);
    told.provider = told.provider.take().or_else(|| field("custom_llm_provider"));
    told.native = field("passthrough").is_some_and(|word| matches!(&*word, "true" | "True" | "1"));
    told.group = told.group.take().or_else(|| targets(filter.fields())).or_else(|| field("model"));
    if ended {
        return Ok(Sent::Whole(Bytes::from(head)));
    }
    // What a client says behind its file must not stand against the rule either: then nobody knows how long the rest is.
    let left = length.filter(|_| expiry.is_none()).map(|n| n.saturating_sub(filter.dropped()));
    if left.is_some() {
        filter.keep_the_rest();
    }
    Ok(Sent::Stream(Body::stream(Upload { head: Some(Bytes::from(head)), body, filter, left })))
}

/// A form on its way through.
struct Upload {
    head: Option<Bytes>,
    body: Limited<Incoming>,
    filter: FormFilter,
    /// Bytes that are still to come, when that is known.
    left: Option<u64>,
}

impl Upload {
    fn out(&mut self, data: Bytes) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(head) = this.head.take().filter(|head| !head.is_empty()) {
            return this.out(head);
        }
        loop {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => {
                    let rest = this.filter.finish();
                    return if rest.is_empty() { Poll::Ready(None) } else { this.out(rest) };
                }
                Some(Err(e)) => return Poll::Ready(Some(Err(e))),
                Some(Ok(frame)) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            match this.filter.feed(&data) {
                Ok(out) if out.is_empty() => {}
                Ok(out) => return this.out(out),
                Err(e) => return Poll::Ready(Some(Err(e.into()))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
