//! What every attempt does with the wire: build a request, sign it, send it, read errors.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Request, StatusCode};
use llm_http::{Body, ReplyBody, Timeouts, Transport};
use llm_providers::Endpoint;
use llm_providers::keys::is_key_pair;
use llm_providers::passthrough::unescaped;
use llm_router::Seconds;
use llm_types::{Error, Kind, Result};
use llm_wire::codec::ReplyView;

use crate::attempt::Made;
use crate::call::Call;
use crate::count::Counter;
use crate::engine::{EngineSettings, Gate};
use crate::target::Address;
use crate::transport::transport_error;

/// Bytes of an error reply that are read at the most.
const ERROR_BODY: usize = 1 << 20;

/// Credentials are longer than this; shorter words may stand in an honest text.
const SHORTEST_SECRET: usize = 8;

/// The limits of an attempt's phases. `limit` is that of a whole answer, and between two pieces of a stream.
pub(crate) fn timeouts(settings: &EngineSettings, of: &llm_router::Timeouts, stream: bool) -> Timeouts {
    let (limit, phases) = (of.limit, &of.phases);
    let within = |phase: Option<Seconds>| Some(phase.map_or(limit, |own| own.0.min(limit)));
    Timeouts {
        connect: Some(phases.connect.map_or(settings.connect_timeout, |own| own.0)),
        tls: phases.tls.map(|own| own.0),
        first_byte: within(phases.first_byte),
        idle: if stream { within(phases.idle) } else { None },
        total: if stream { phases.total.map(|own| own.0).or(settings.longest_stream) } else { within(phases.total) },
    }
}

/// A request to an address, with headers that the call adds. A credential of the address stays what it is.
pub(crate) fn build(address: &Address, body: Body, more: &[(String, String)]) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = address.endpoint.method.clone();
    *request.uri_mut() = address.uri.clone();
    let headers = request.headers_mut();
    headers.clone_from(&address.endpoint.headers);
    for (name, value) in more {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            && !headers.get(&name).is_some_and(HeaderValue::is_sensitive)
        {
            headers.insert(name, value);
        }
    }
    request
}

/// A reply that is a success, and how long its head took.
pub(crate) struct Sent {
    pub parts: Parts,
    pub body: ReplyBody,
    pub at: Instant,
    pub took: Duration,
}

/// Sends a first request.
pub(crate) struct Sender<'a> {
    pub http: &'a dyn Transport,
    pub settings: &'a EngineSettings,
    pub gate: &'a dyn Gate,
    pub counter: &'a Counter,
    pub address: &'a Address,
    pub timeouts: Timeouts,
    /// The call's.
    pub via: Option<&'a Arc<str>>,
}

impl Sender<'_> {
    /// Signs and sends. Statuses that are none of success are errors, read by `read`.
    ///
    /// # Errors
    /// What credentials, transport and upstream say.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
        made: &mut Made,
        read: &(dyn Fn(&ReplyView<'_>) -> Error + Sync),
    ) -> Result<Sent> {
        // Only an address that somebody chose can lead back here.
        if let (Some(via), true) = (self.via, self.counter.target.api_base.is_some())
            && let Ok(value) = HeaderValue::from_str(via)
        {
            request.headers_mut().insert(HeaderName::from_static(crate::call::VIA), value);
        }
        if let Some(need) = &self.address.endpoint.auth {
            self.settings.signer.apply(self.http, need, &mut request).await?;
        }
        let at = Instant::now();
        made.sent = true;
        self.gate.sent();
        let reply = self.http.send(request, self.timeouts).await.map_err(|e| {
            made.sent = !e.surely_not_sent();
            transport_error(&e, self.counter.provider())
        })?;
        let took = at.elapsed();
        let (parts, body) = reply.into_parts();
        self.checked(&parts)?;
        if !parts.status.is_success() {
            if let (StatusCode::UNAUTHORIZED, Some(need)) = (parts.status, &self.address.endpoint.auth) {
                // A token may be revoked before its end: the next attempt asks for a new one.
                self.settings.signer.forget(need);
            }
            return Err(self.refused(&parts, body, read).await);
        }
        Ok(Sent { parts, body, at, took })
    }

    fn checked(&self, parts: &Parts) -> Result<()> {
        let Some(coding) = parts.headers.get(CONTENT_ENCODING).filter(|c| c.as_bytes() != b"identity") else {
            return Ok(());
        };
        // Nobody asked for it: what came cannot be read.
        let provider = self.counter.provider();
        let why =
            format!("litellm.BadGatewayError: {provider}Exception - the upstream encoded its answer as {coding:?}");
        Err(Error::new(Kind::BadGateway, why))
    }

    /// Reads an error reply: the provider's own dialect first, then the format's.
    pub(crate) async fn refused(
        &self,
        parts: &Parts,
        body: ReplyBody,
        read: &(dyn Fn(&ReplyView<'_>) -> Error + Sync),
    ) -> Error {
        let body = match body.collect_within(ERROR_BODY).await {
            Ok(body) => without_secrets(body.unwrap_or_default(), &self.address.endpoint),
            Err(e) => return transport_error(&e, self.counter.provider()),
        };
        let pairs = header_pairs(&parts.headers);
        let provider = self.counter.provider();
        let view = ReplyView { status: parts.status.as_u16(), provider, headers: &pairs, body: &body };
        if let Some(error) = self.counter.target.provider.decode_error(&view) {
            return error;
        }
        let mut error = read(&view);
        llm_providers::reply::error(self.counter.target.provider.row(), self.counter.format, &mut error);
        error
    }
}

/// An error reply without the credentials that were shown: some hosts repeat a key that they do not take, and what they say
/// goes to clients and into logs.
fn without_secrets(body: Bytes, shown: &Endpoint) -> Bytes {
    let Ok(text) = std::str::from_utf8(&body) else { return body };
    let headers = shown.headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
    let headers = headers.filter_map(|value| value.rsplit(' ').next()).map(Cow::from);
    let pairs = shown.url.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| is_key_pair(pair));
    let query = pairs.filter_map(|pair| pair.split_once('=')).flat_map(|(_, key)| [Cow::from(key), unescaped(key)]);
    let secrets = headers.chain(query).filter(|secret| secret.len() >= SHORTEST_SECRET);
    let clean = secrets.fold(Cow::from(text), |text, secret| {
        if text.contains(&*secret) { Cow::from(text.replace(&*secret, "[hidden]")) } else { text }
    });
    match clean {
        Cow::Owned(clean) => Bytes::from(clean),
        Cow::Borrowed(_) => body,
    }
}

/// How an error reply to a generation or embedding request is read.
pub(crate) fn decode_error(counter: &Counter, wants_stream: bool, view: &ReplyView<'_>) -> Error {
    let codecs =
        (llm_wire::registry::upstream_generate(counter.format), llm_wire::registry::upstream_embed(counter.format));
    let mut error = match codecs {
        (Some(codec), _) => codec.decode_error(view),
        (None, Some(codec)) => codec.decode_error(view),
        (None, None) => return Error::internal(format!("no codec for {}", counter.format)),
    };
    if wants_stream && counter.format == llm_types::Format::GeminiGenerate {
        llm_wire::gemini::of_streaming_call(&mut error);
    }
    error
}

pub(crate) fn header_pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect()
}

/// Refusals of our own name LiteLLM's class in front, as its clients expect.
pub(crate) fn classed(mut error: Error) -> Error {
    let class = error.kind.facts().class;
    if !error.message.starts_with("litellm.") {
        error.message = format!("litellm.{class}: {}", error.message);
    }
    error
}

/// Faults that the request asks for, where it may: the requested group fails, its fallbacks do not.
///
/// # Errors
/// The fault.
pub(crate) async fn injected(call: &Call, limit: Duration) -> Result<()> {
    if call.controls.mock_timeout {
        tokio::time::sleep(limit).await;
        let why =
            format!("litellm.Timeout: this is a mock timeout after {} s for model={}", limit.as_secs_f64(), call.model);
        return Err(Error::new(Kind::Timeout, why));
    }
    call.controls.mock_error.clone().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_host_repeats_is_hidden() {
        let mut shown =
            Endpoint { url: "https://host/v1?q=a&key=key%2Din-the-query".to_owned(), ..Endpoint::default() };
        let mut bearer = HeaderValue::from_static("Bearer sk-operator-0123456789");
        bearer.set_sensitive(true);
        shown.headers.insert("authorization", bearer);
        shown.headers.insert("x-plain", HeaderValue::from_static("Incorrect"));
        let body = Bytes::from_static(b"{\"error\":\"Incorrect API key provided: sk-operator-0123456789.\"}");
        assert_eq!(without_secrets(body, &shown), "{\"error\":\"Incorrect API key provided: [hidden].\"}");
        let body = Bytes::from_static(b"no: key-in-the-query, key%2Din-the-query");
        assert_eq!(without_secrets(body, &shown), "no: [hidden], [hidden]");
        let honest = Bytes::from_static(b"{\"error\":\"Incorrect API key\"}");
        assert_eq!(without_secrets(honest.clone(), &shown), honest);
    }
}
