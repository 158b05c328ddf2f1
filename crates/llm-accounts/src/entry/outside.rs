//! Asking somebody outside: small requests, bounded answers. Whatever goes wrong on the way is 503.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use llm_http::{Body, Timeouts, Transport};
use llm_types::Result;

use super::refused;

/// Sends a request; its status and its body.
pub(super) async fn ask(http: &dyn Transport, request: Request<Body>, timeouts: Timeouts) -> Result<(u16, Bytes)> {
    let total = timeouts.total.unwrap_or(Duration::from_secs(8));
    let timeouts = Timeouts { total: Some(total), first_byte: Some(total), ..timeouts };
    let host = request.uri().host().unwrap_or_default().to_owned();
    llm_idp::ask(http, request, timeouts).await.map_err(|why| refused::unavailable(&format!("{host}: {why}")))
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A value of a form.
pub(super) fn form(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
