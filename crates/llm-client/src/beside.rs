//! Requests beside the place where a deployment answers: tokens counted, stored answers read.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::uri::Uri;
use http::{HeaderMap, Method, Request};
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Error, Result};

use crate::engine::EngineSettings;
use crate::follow::Written;
use crate::target::Address;
use crate::transport::transport_error;

/// Bytes of such a reply at the most.
const LIMIT: usize = 64 << 20;

/// What is asked.
pub(crate) struct Beside {
    pub method: Method,
    pub url: String,
    pub body: Bytes,
}

/// Asks with the credentials of the address. Every status is a reply.
///
/// # Errors
/// What credentials and transport say.
pub(crate) async fn ask(
    http: &dyn Transport,
    settings: &EngineSettings,
    address: &Address,
    provider: &str,
    beside: Beside,
) -> Result<(Parts, Bytes)> {
    let Beside { method, url, body } = beside;
    let body = if body.is_empty() {
        (Body::empty(), None)
    } else {
        (Body::from(body), address.endpoint.headers.get(CONTENT_TYPE).cloned())
    };
    let timeouts =
        Timeouts { connect: Some(settings.connect_timeout), total: settings.request_timeout, ..Timeouts::NONE };
    ask_with(http, settings, address, provider, (method, &url), body, timeouts).await
}

/// The same with a body of any kind and limits of one's own.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn ask_with(
    http: &dyn Transport,
    settings: &EngineSettings,
    address: &Address,
    provider: &str,
    (method, url): (Method, &str),
    (body, content_type): Written,
    timeouts: Timeouts,
) -> Result<(Parts, Bytes)> {
    let uri: Uri = url
        .parse()
        .map_err(|e| Error::internal(format!("the provider's URL {} is wrong: {e}", llm_http::shown(url))))?;
    let mut headers: HeaderMap = address.endpoint.headers.clone();
    match content_type {
        Some(kind) => headers.insert(CONTENT_TYPE, kind),
        None => headers.remove(CONTENT_TYPE),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    if let Some(need) = &address.endpoint.auth {
        settings.signer.apply(http, need, &mut request).await?;
    }
    let reply = http.send(request, timeouts).await.map_err(|e| transport_error(&e, provider))?;
    let (parts, body) = reply.into_parts();
    let body = body.collect(LIMIT).await.map_err(|e| transport_error(&e, provider))?;
    Ok((parts, body))
}
