//! Telling others: log records, batching, sinks. Never slows or stops a request.
//!
//! A finished call is one [`llm_types::LogRecord`], pushed once into the [`Bus`]. Table of contents:
//!
//! - [`Callback`], [`Needs`], [`Delivery`]: what a sink is and what it asks for.
//! - [`Bus`]: takes records without waiting, hands them to every sink in batches on a background runtime.
//! - [`payload`]: a record as LiteLLM's `StandardLoggingPayload`, with [`Redaction`].
//! - [`JsonLog`]: one JSON line per call, to standard output or a file.
//! - [`Prometheus`]: LiteLLM's metrics as OpenMetrics text.
//! - [`FailureTrace`]: failed calls as `tracing` events.
//! - [`Remote`]: services that take records over HTTP; [`OwnCallbacks`]: the same for single keys and teams.
//! - [`ObjectLog`]: calls as objects in a bucket.
//! - [`Alerts`]: budgets that run out, told to operators at once; letters to people ([`MailSettings`]).
//! - [`Duty`]: whoever is on call is paged when many calls fail or hang.
//! - [`registry`]: sinks by LiteLLM's callback names.
//! - `testing`: the suite that every sink must pass (feature `testing`).

mod alerts;
mod bus;
mod callback;
mod failures;
mod json_log;
mod lane;
mod objects;
pub mod payload;
pub mod prometheus;
mod redact;
pub mod registry;
pub mod remote;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use alerts::{
    AlertSettings, Alerts, CallAlerts, CallWatch, Channel, Duty, DutySettings, MailSettings, MailWay, Often, RegionOf,
    Smtp, SpendAlerts,
};
pub use bus::{Bus, BusSettings};
pub use callback::{Callback, Delivery, Needs, SinkError};
pub use failures::FailureTrace;
pub use json_log::JsonLog;
pub use lane::SinkReport;
pub use objects::{Layout, ObjectLog};
pub use prometheus::{Prometheus, PrometheusSettings};
pub use redact::Redaction;
pub use remote::{OwnCallbacks, Remote};
