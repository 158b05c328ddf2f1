//! What the state machine asks for, and what it is told.

use std::sync::Arc;
use std::time::Duration;

use llm_types::{Error, RawJson, Usage};

use crate::{Deployment, InFlight, Timeouts};

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Sleep, then ask again.
    Wait(Duration),
    /// Call this deployment, then report.
    Try(Attempt),
    /// Tell the client.
    GiveUp(Error),
}

/// A call to make.
#[derive(Debug)]
pub struct Attempt {
    /// Whom to call.
    pub deployment: Arc<Deployment>,
    /// The provider's name of the model, wildcards filled in.
    pub model: Arc<str>,
    /// The group being tried: as the client named it, or the fallback's name.
    pub group: Arc<str>,
    /// Retries made in this group before this attempt.
    pub retry: u32,
    /// Calls made for the request before this one.
    pub number: u32,
    /// Hops from group to group before this attempt; not 0 means that the answer comes from a fallback.
    pub fallbacks: u32,
    /// Request fields that the fallback replaces.
    pub overrides: Arc<[(String, RawJson)]>,
    /// Another model could go on if its stream broke off.
    pub continuable: bool,
    /// Another model is asked if a content filter cuts its answer.
    pub filtered_elsewhere: bool,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// Counts the call as running. Keep it until the answer was read to its end.
    pub in_flight: InFlight,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// The answer came; for a stream, its first content.
    Success {
        /// From sending to the complete answer, or to the first content of a stream.
        latency: Duration,
        /// What it consumed, if that is already known. Otherwise tell [`InFlight::finish`] later.
        usage: Option<&'a Usage>,
        /// From sending to the first content, for streams.
        ttft: Option<Duration>,
        /// US dollars, where `usage` is known.
        cost: f64,
    },
    /// It failed.
    Failure(&'a Error),
    /// The client went away. Says nothing about the deployment.
    Cancelled,
}
