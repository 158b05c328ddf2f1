//! Sending a batch.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::CONTENT_TYPE;
use llm_http::{Body, EgressPolicy, ErrorKind, HttpClient, Timeouts, TransportError};
use llm_types::LogRecord;

use super::endpoint::Endpoint;
use crate::callback::SinkError;
use crate::redact::Redaction;

/// Longest answer that is looked at, in bytes.
const LARGEST: usize = 1 << 20;

/// How long a service may take.
const PATIENCE: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(3)),
    tls: None,
    first_byte: Some(Duration::from_secs(8)),
    idle: Some(Duration::from_secs(8)),
    total: Some(Duration::from_secs(8)),
};

/// Sends records, in as many requests as the service wants.
///
/// # Errors
/// When the service cannot be reached or does not take them. What may have arrived is not sent again.
pub(super) async fn post(
    http: &HttpClient,
    endpoint: &Endpoint,
    batch: &[Arc<LogRecord>],
    redaction: &Redaction,
) -> Result<(), SinkError> {
    let mut waiting = vec![batch];
    let mut sent = false;
    while let Some(some) = waiting.pop() {
        let Some(body) = endpoint.service().body(some, redaction, endpoint.fields()) else { continue };
        if body.len() > endpoint.service().largest() && some.len() > 1 {
            let (first, second) = some.split_at(some.len() / 2);
            waiting.extend([second, first]);
            continue;
        }
        let outcome = send(http, endpoint, body).await;
        // A part of the batch is there: all of it again would be there twice.
        outcome.map_err(|error| if sent { SinkError::lasting(error.message) } else { error })?;
        sent = true;
    }
    Ok(())
}

async fn send(http: &HttpClient, endpoint: &Endpoint, body: Vec<u8>) -> Result<(), SinkError> {
    let mut request = Request::post(endpoint.url().clone()).header(CONTENT_TYPE, endpoint.service().content_type());
    for (name, value) in endpoint.headers() {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(body)).map_err(|_| SinkError::lasting("the request cannot be made"))?;
    let answer = if endpoint.guarded() {
        http.request_guarded(request, PATIENCE, &EgressPolicy::default()).await
    } else {
        http.request(request, PATIENCE).await
    };
    let answer = answer.map_err(|error| failed(&error))?;
    let status = answer.status().as_u16();
    match status {
        200..=299 => {
            let said = answer.into_body().collect_within(LARGEST).await.map_err(|error| failed(&error))?;
            let complaint = said.and_then(|said| endpoint.service().complaint(&said));
            complaint.map_or(Ok(()), |why| Err(SinkError::lasting(why)))
        }
        429 | 500..=599 => Err(SinkError::passing(format!("it answered with status {status}"))),
        _ => Err(SinkError::lasting(format!("it answered with status {status}"))),
    }
}

fn failed(error: &TransportError) -> SinkError {
    let again = error.surely_not_sent() && error.kind() != ErrorKind::Denied;
    SinkError { message: error.to_string(), retryable: again }
}
