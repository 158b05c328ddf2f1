//! Requests beside the place where a deployment answers: tokens counted, stored answers read.

use bytes::Bytes;
use http::response::Parts;
use http::uri::Uri;
use http::{HeaderMap, Method, Request};
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Error, Result};

use crate::engine::EngineSettings;
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
    let uri: Uri = url.parse().map_err(|e| Error::internal(format!("the provider's URL {url} is wrong: {e}")))?;
    let mut headers: HeaderMap = address.endpoint.headers.clone();
    if body.is_empty() {
        headers.remove(http::header::CONTENT_TYPE);
    }
    let mut request = Request::new(if body.is_empty() { Body::empty() } else { Body::from(body) });
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    if let Some(need) = &address.endpoint.auth {
        settings.signer.apply(http, need, &mut request).await?;
    }
    let timeouts =
        Timeouts { connect: Some(settings.connect_timeout), total: settings.request_timeout, ..Timeouts::NONE };
    let reply = http.send(request, timeouts).await.map_err(|e| transport_error(&e, provider))?;
    let (parts, body) = reply.into_parts();
    let body = body.collect(LIMIT).await.map_err(|e| transport_error(&e, provider))?;
    Ok((parts, body))
}
