//! Services that take records over HTTP.
//!
//! - [`Service`]: which there are, what they need to know, what is sent to them.
//! - [`Endpoint`]: one of them with its address and its credentials.
//! - [`Remote`]: the sink for all calls, at an address of the operator's.
//! - [`OwnCallbacks`]: the sink for calls of keys and teams that have callbacks of their own.

mod datadog;
mod endpoint;
mod langfuse;
mod langsmith;
mod metered;
mod otlp;
mod own;
mod post;
mod posthog;
mod protobuf;
mod service;
mod table;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use llm_http::HttpClient;
use llm_types::LogRecord;

pub use endpoint::Endpoint;
pub use own::{OwnCallbacks, check, try_out};
pub use service::{Param, ParamKind, Service};

use crate::callback::{Callback, Delivery, Needs, SinkError};
use crate::redact::Redaction;

/// How long a record waits for others at the most.
const EVERY: Duration = Duration::from_secs(1);

/// All calls, told to one service.
pub struct Remote {
    endpoint: Endpoint,
    needs: Needs,
    redaction: Redaction,
    http: HttpClient,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Remote {
    /// A sink for calls that end as `needs` says, with content: what is hidden is judged call by call.
    #[must_use]
    pub fn new(endpoint: Endpoint, needs: Needs, redaction: Redaction, http: HttpClient) -> Self {
        Self { endpoint, needs: needs.union(Needs::CONTENT), redaction, http }
    }
}

impl Callback for Remote {
    fn name(&self) -> &str {
        self.endpoint.service().name()
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn delivery(&self) -> Delivery {
        Delivery::Batched { max: self.endpoint.service().most(), every: EVERY }
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        post::post(&self.http, &self.endpoint, batch, &self.redaction).boxed()
    }
}
