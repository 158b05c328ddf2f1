//! Failures of the way to a model host, as errors for the client.

use llm_http::TransportError;
use llm_types::{Error, Kind};

/// The error that a transport failure is for the client.
pub(crate) fn transport_error(e: &TransportError, provider: &str) -> Error {
    let mut error = if e.is_timeout() {
        Error::new(Kind::Timeout, format!("litellm.Timeout: {provider}Exception - {}", e.message()))
    } else {
        Error::new(
            Kind::Connection,
            format!("litellm.InternalServerError: {provider}Exception - Connection error. {}", e.message()),
        )
    };
    error.side = llm_types::Side::Upstream;
    error
}
