//! Small documents over HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, USER_AGENT};
use llm_http::{Body, FetchLimits, Timeouts, Transport};
use url::Url;

/// No key set, discovery document or other answer is longer, in bytes.
const LARGEST: usize = 1 << 20;

/// How long a provider may take: callers wait for it.
pub(crate) const PATIENCE: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(3)),
    tls: None,
    first_byte: Some(Duration::from_secs(5)),
    idle: Some(Duration::from_secs(5)),
    total: Some(Duration::from_secs(8)),
};

/// Asks somebody of whom a small answer is expected: its status and its body.
///
/// # Errors
/// What went wrong on the way, or that the answer is too long.
pub async fn ask(http: &dyn Transport, request: Request<Body>, timeouts: Timeouts) -> Result<(u16, Bytes), String> {
    let response = http.send(request, timeouts).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect_within(LARGEST).await.map_err(|error| error.to_string())?;
    Ok((status, body.ok_or_else(|| "its answer is too long".to_owned())?))
}

/// Gets JSON from an address that the operator wrote down. Redirects are not followed.
pub(crate) async fn get(http: &dyn Transport, url: &str) -> Result<Bytes, String> {
    get_as(http, url, "application/json").await
}

/// The same for a document of one of these types.
pub(crate) async fn get_as(http: &dyn Transport, url: &str, types: &str) -> Result<Bytes, String> {
    let request = Request::get(url)
        .header(ACCEPT, types)
        .header(USER_AGENT, concat!("llm-idp/", env!("CARGO_PKG_VERSION")))
        .body(Body::empty())
        .map_err(|_| "the address cannot be requested".to_owned())?;
    match ask(http, request, PATIENCE).await? {
        (200, body) => Ok(body),
        (status, _) => Err(format!("it answered with status {status}")),
    }
}

/// Gets a document from an address that the document at `from` named. On the same host it is as good as the operator's own
/// word; elsewhere it has to be on the public internet (the egress guard judges it).
pub(crate) async fn get_named(http: &dyn Transport, from: &str, url: &str) -> Result<Bytes, String> {
    let (from, to) = (Url::parse(from), Url::parse(url));
    let (Ok(from), Ok(to)) = (from, to) else { return Err("an address cannot be read".to_owned()) };
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err("a safe address names an unsafe one".to_owned());
    }
    if from.origin() == to.origin() {
        return get(http, url).await;
    }
    let limits = FetchLimits { max_bytes: LARGEST, total: Duration::from_secs(8), ..FetchLimits::default() };
    http.fetch(url, &limits).await.map(|fetched| fetched.bytes).map_err(|error| error.to_string())
}
