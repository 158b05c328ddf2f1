//! Requests of object stores go out through `llm-http`: its proxies, its certificates, its limits.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Limited};
use llm_blob::{SendError, Sender, Sent};
use llm_http::{Body, HttpClient, Phase, Timeouts};

/// Largest answer of an object store.
const MOST: usize = 256 << 20;

/// A pool of connections for one object store.
#[derive(Debug)]
pub(crate) struct Wire(pub(crate) HttpClient);

impl Sender for Wire {
    fn send(&self, request: Request<Bytes>) -> Sent<'_> {
        Box::pin(async move {
            let limits = Timeouts { total: Some(Duration::from_secs(30)), ..Timeouts::default() };
            let reply = self.0.request(request.map(Body::from), limits).await.map_err(|error| {
                let why = error.to_string();
                match error.phase() {
                    Phase::Connect => SendError::Connect(why),
                    _ if error.is_timeout() => SendError::Timeout(why),
                    _ => SendError::Other(why),
                }
            })?;
            let (parts, body) = reply.into_parts();
            let whole = Limited::new(body, MOST).collect().await.map_err(|e| SendError::Other(e.to_string()))?;
            Ok(http::Response::from_parts(parts, whole.to_bytes()))
        })
    }
}
