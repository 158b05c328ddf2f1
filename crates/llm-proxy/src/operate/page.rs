//! The page of the API document: one file, with its script and style inside, that loads nothing from elsewhere.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, header};
use sha2::{Digest as _, Sha256};

use crate::body::Reply;
use crate::errors::{fixed, whole};

const PAGE: &str = include_str!("docs.html");

/// What the browser may do with the page: run its own script, ask this gateway, nothing else.
fn policy() -> &'static HeaderValue {
    static POLICY: OnceLock<HeaderValue> = OnceLock::new();
    POLICY.get_or_init(|| {
        let digest = |tag: &str| {
            let inside =
                PAGE.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
            STANDARD.encode(Sha256::digest(inside.map_or("", |(inside, _)| inside)))
        };
        let text = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            digest("script"),
            digest("style")
        );
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    })
}

/// `GET /docs`, `GET /redoc`.
pub(super) fn page() -> Response<Reply> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, policy().clone());
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    whole(200, Bytes::from_static(PAGE.as_bytes()), headers)
}

/// `GET /`: the page for browsers, a line for programs.
#[must_use]
pub fn home(parts: &Parts) -> Response<Reply> {
    let accepts = parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        return page();
    }
    fixed(
        200,
        "{\"message\":\"llm-proxy is running. Send OpenAI requests to /v1/chat/completions, Anthropic requests to /v1/messages. The API is told at /docs.\"}",
    )
}

/// `GET /robots.txt`.
pub(super) fn robots() -> Response<Reply> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    whole(200, Bytes::from_static(b"User-agent: *\nDisallow: /\n"), headers)
}

/// `GET /config/yaml`: LiteLLM has the route for its documentation only.
pub(super) fn config_yaml() -> Response<Reply> {
    fixed(200, "{\"hello\":\"world\"}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://") && !PAGE.contains("src="));
        assert!(!PAGE.contains("innerHTML") && !PAGE.contains(" onclick") && !PAGE.contains(" style="));
        let policy = policy().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"));
    }
}
