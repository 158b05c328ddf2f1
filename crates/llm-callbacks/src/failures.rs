//! Failed calls as `tracing` events, for whoever reads the gateway's own log.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use llm_types::LogRecord;
use llm_types::record::Status;

use crate::callback::{Callback, Needs, SinkError};
use crate::redact::Redaction;

/// Writes a warning per failed call when the gateway or a model host is to blame (status 500 and above, 408, 429),
/// and a debug event when the client is.
#[derive(Debug, Default)]
pub struct FailureTrace {
    redaction: Redaction,
}

impl FailureTrace {
    /// A sink that shows errors as far as `redaction` allows.
    #[must_use]
    pub const fn new(redaction: Redaction) -> Self {
        Self { redaction }
    }

    fn tell(&self, record: &LogRecord) {
        let (class, status, message) =
            record.error.as_ref().map_or(("", 0, ""), |e| (e.class, e.status, self.redaction.error(e)));
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    call_id = &*record.call_id,
                    model_group = &*record.model_group,
                    model_id = record.model_id.as_deref(),
                    provider = &*record.provider,
                    retries = record.retries,
                    fallbacks = record.fallbacks,
                    class,
                    status,
                    error = message,
                    "call failed"
                )
            };
        }
        if status >= 500 || matches!(status, 0 | 408 | 429) { tell!(warn) } else { tell!(debug) }
    }
}

impl Callback for FailureTrace {
    fn name(&self) -> &str {
        "failure_trace"
    }

    fn needs(&self) -> Needs {
        Needs::FAILURE
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        batch.iter().filter(|r| r.status == Status::Failure).for_each(|r| self.tell(r));
        ready(Ok(())).boxed()
    }
}
