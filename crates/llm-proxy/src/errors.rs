//! Errors as clients see them: one place that turns an [`Error`] into a response.

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use llm_types::{Error, Format, Json, Kind, Side};

use crate::body::Reply;

/// The response for an error, in the format of the endpoint that was called.
///
/// Authentication and validation errors of the gateway itself keep OpenAI's shape everywhere, as LiteLLM does; errors
/// of the model host are told in the client's own format.
#[must_use]
pub fn respond(error: &Error, format: Format, mut headers: HeaderMap) -> Response<Reply> {
    if let (Kind::InvalidFields, Some(faults)) = (error.kind, &error.detail) {
        let body = Json::object([("detail", Json::clone(faults))]);
        return json(error.status(), Bytes::from(body.to_string()), headers);
    }
    let mut body = BytesMut::new();
    let shape = if native_shape(error) { format } else { Format::OpenAiChat };
    match llm_wire::registry::client_generate(shape) {
        Some(codec) => codec.encode_error(error, &mut body),
        None if format == Format::OpenAiAudio => llm_wire::openai::audio::encode_error(error, &mut body),
        None => llm_wire::openai::errors::encode(error, &mut body),
    }
    if let Some(wait) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil() as u64));
    }
    json(error.status(), body.freeze(), headers)
}

/// True when the error is told in the client's own format: it came out of the call, not out of the gateway's door.
fn native_shape(error: &Error) -> bool {
    error.side == Side::Upstream
        || !matches!(error.kind, Kind::Authentication | Kind::PermissionDenied | Kind::BudgetExceeded)
}

/// A JSON response.
#[must_use]
pub fn json(status: u16, body: Bytes, mut headers: HeaderMap) -> Response<Reply> {
    headers.insert(CONTENT_TYPE, const { HeaderValue::from_static("application/json") });
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    whole(status, body, headers)
}

/// A response of bytes.
#[must_use]
pub fn whole(status: u16, body: Bytes, headers: HeaderMap) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// A JSON response of static text.
#[must_use]
pub fn fixed(status: u16, body: &'static str) -> Response<Reply> {
    json(status, Bytes::from_static(body.as_bytes()), HeaderMap::new())
}

/// The answer for a path that nobody serves.
#[must_use]
pub fn not_found() -> Response<Reply> {
    fixed(404, "{\"detail\":\"Not Found\"}")
}

/// The answer for a path that has other methods (`allow`).
#[must_use]
pub fn wrong_method(allow: &str) -> Response<Reply> {
    let mut response = fixed(405, "{\"detail\":\"Method Not Allowed\"}");
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The answer when there are more connections than allowed.
#[must_use]
pub fn overloaded() -> Response<Reply> {
    let mut response = fixed(
        503,
        "{\"error\":{\"message\":\"Too many connections, try again later\",\"type\":\"internal_server_error\",\"param\":null,\"code\":\"503\"}}",
    );
    response.headers_mut().insert(HeaderName::from_static("retry-after"), HeaderValue::from_static("1"));
    response
}

/// The answer when our own code broke.
#[must_use]
pub fn panicked() -> Response<Reply> {
    tracing::error!("a request ended in a panic; this is a bug");
    fixed(
        500,
        "{\"error\":{\"message\":\"Internal error\",\"type\":\"internal_server_error\",\"param\":null,\"code\":\"500\"}}",
    )
}
