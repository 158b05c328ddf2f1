//! Downloading a URL that a client sent us (an image, a file), under the egress guard.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{Request, Response, Uri};
use url::Url;

use crate::{Body, EgressPolicy, ErrorKind, HttpClient, ReplyBody, Timeouts, TransportError};

/// How far a download may go.
#[derive(Debug, Clone)]
pub struct FetchLimits {
    /// Bytes of the body.
    pub max_bytes: usize,
    /// Time for everything, redirects included.
    pub total: Duration,
    /// Redirects followed.
    pub max_redirects: usize,
    /// Addresses that may be reached.
    pub egress: EgressPolicy,
}

impl Default for FetchLimits {
    /// 50 MB (LiteLLM's `MAX_IMAGE_URL_DOWNLOAD_SIZE_MB`), 30 s, 3 redirects, public addresses.
    fn default() -> Self {
        FetchLimits {
            max_bytes: 50 << 20,
            total: Duration::from_secs(30),
            max_redirects: 3,
            egress: EgressPolicy::default(),
        }
    }
}

/// A downloaded document.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The body.
    pub bytes: Bytes,
    /// The `Content-Type` header as sent.
    pub content_type: Option<String>,
}

/// Why a URL was not downloaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// Not an absolute `http` or `https` URL, or one with credentials in it.
    #[error("invalid URL: {0}")]
    InvalidUrl(String),
    /// The guard refused an address. The message names it: do not show it to the client.
    #[error("{0}")]
    Denied(TransportError),
    /// The host answered with this status.
    #[error("the host answered with status {0}")]
    Status(u16),
    /// Longer than this many bytes.
    #[error("the document is longer than {0} bytes")]
    TooLarge(usize),
    /// One redirect more than allowed, or one that leads nowhere.
    #[error("too many redirects, or a broken one")]
    Redirects,
    /// The exchange failed.
    #[error(transparent)]
    Transport(TransportError),
}

impl From<TransportError> for FetchError {
    fn from(error: TransportError) -> Self {
        if error.kind() == ErrorKind::Denied { FetchError::Denied(error) } else { FetchError::Transport(error) }
    }
}

/// Downloads `url`. No credentials and no headers of the client go with it; each redirect is judged like a new URL.
pub async fn fetch_url(client: &HttpClient, url: &str, limits: &FetchLimits) -> Result<Fetched, FetchError> {
    let deadline = Instant::now() + limits.total;
    let mut url = Url::parse(url).map_err(|error| FetchError::InvalidUrl(error.to_string()))?;
    for _ in 0..=limits.max_redirects {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeouts = Timeouts { total: Some(left), ..Timeouts::default() };
        let response = client.request_guarded(request(&url)?, timeouts, &limits.egress).await?;
        match response.status().as_u16() {
            200 => return read(response, limits.max_bytes).await,
            301 | 302 | 303 | 307 | 308 => url = redirected(&url, &response)?,
            status => return Err(FetchError::Status(status)),
        }
    }
    Err(FetchError::Redirects)
}

fn request(url: &Url) -> Result<Request<Body>, FetchError> {
    let invalid = |why: &str| FetchError::InvalidUrl(why.to_owned());
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("only http and https can be fetched"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it contains credentials"));
    }
    // `Url` has turned decimal, octal and hexadecimal hosts into dotted addresses, and cut nothing but the fragment.
    let mut url = url.clone();
    url.set_fragment(None);
    let uri: Uri = url.as_str().parse().map_err(|_| invalid("it contains an invalid character"))?;
    Request::get(uri)
        .header(USER_AGENT, concat!("llm-http/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(ACCEPT_ENCODING, "identity")
        .body(Body::empty())
        .map_err(|_| invalid("it cannot be requested"))
}

fn redirected(from: &Url, response: &Response<ReplyBody>) -> Result<Url, FetchError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    location.and_then(|location| from.join(location).ok()).ok_or(FetchError::Redirects)
}

async fn read(response: Response<ReplyBody>, max_bytes: usize) -> Result<Fetched, FetchError> {
    let (parts, body) = response.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let announced: Option<u64> = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if announced.is_some_and(|length| length > max_bytes as u64) {
        return Err(FetchError::TooLarge(max_bytes));
    }
    let content_type = header(CONTENT_TYPE).map(str::to_owned);
    match body.collect_within(max_bytes).await? {
        Some(bytes) => Ok(Fetched { bytes, content_type }),
        None => Err(FetchError::TooLarge(max_bytes)),
    }
}
