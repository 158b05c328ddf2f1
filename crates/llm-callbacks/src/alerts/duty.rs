//! Whoever is on call, paged through PagerDuty's Events API when many calls fail or hang within a while.
//!
//! Facts: `POST /v2/enqueue` of the Events API v2 (`routing_key`, `event_action`, `payload`), LiteLLM's `alerting_args` for it and
//! its usual figures. An event has a key of its own, so that many gateways and many alerts are one incident until it is resolved.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use llm_http::Transport;
use llm_types::{Json, LogRecord, Secret};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::desk::Desk;
use super::tell::post;
use super::text::plain;
use crate::callback::{Callback, Delivery, Needs, SinkError};
use crate::redact::Redaction;

/// Events that may wait: each kind speaks once in its window.
const CAPACITY: usize = 16;
/// Calls of which an event tells, the latest.
const TOLD: usize = 20;
/// Calls that are remembered at the most.
const LONGEST: u32 = 10_000;

/// So many within so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Often {
    /// How many.
    pub times: u32,
    /// Within how long.
    pub within: Duration,
}

/// When somebody is paged, and where.
#[derive(Debug, Clone)]
pub struct DutySettings {
    /// The integration's key (`PAGERDUTY_API_KEY`).
    pub key: Secret,
    /// Where events are taken.
    pub url: Secret,
    /// Calls that fail (`failure_threshold`, `failure_threshold_window_seconds`).
    pub failing: Often,
    /// A call that is not answered after so long hangs (`hanging_threshold_seconds`).
    pub hanging_after: Duration,
    /// Calls that hang (`hanging_threshold_fails`, `hanging_threshold_window_seconds`).
    pub hanging: Often,
}

/// Calls of one kind that went wrong.
#[derive(Debug, Default)]
struct Seen(VecDeque<(Instant, Json)>);

impl Seen {
    /// Adds one; what there was when it is enough, and then all of it is forgotten.
    fn add(&mut self, call: Json, often: Often, now: Instant) -> Option<(usize, Vec<Json>)> {
        self.0.retain(|(at, _)| now.duration_since(*at) <= often.within);
        self.0.push_back((now, call));
        let times = often.times.clamp(1, LONGEST) as usize;
        if self.0.len() < times {
            return None;
        }
        let all = std::mem::take(&mut self.0);
        let count = all.len();
        Some((count, all.into_iter().skip(count.saturating_sub(TOLD)).map(|(_, call)| call).collect()))
    }
}

/// Pages whoever is on call.
pub struct Duty {
    settings: DutySettings,
    redaction: Redaction,
    failing: Mutex<Seen>,
    hanging: Mutex<Seen>,
    desk: Desk<String>,
}

impl fmt::Debug for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duty").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

impl Duty {
    /// Starts the task that posts events, on `background`; they tell what `redaction` leaves.
    #[must_use]
    pub fn start(settings: DutySettings, redaction: Redaction, http: Arc<dyn Transport>, background: &Handle) -> Self {
        let url = settings.url.clone();
        let desk = Desk::start(CAPACITY, background, |outlet, lost| run(url, http, outlet, lost));
        Self { settings, redaction, failing: Mutex::default(), hanging: Mutex::default(), desk }
    }

    /// After how long a call hangs.
    #[must_use]
    pub const fn hanging_after(&self) -> Duration {
        self.settings.hanging_after
    }

    /// A call hangs; `facts` say which, in words of LiteLLM's.
    pub fn hangs(&self, facts: Vec<(&'static str, String)>, now: Instant) {
        let fields = facts.into_iter().map(|(name, value)| (name, Json::from(plain(&value))));
        let call = Json::object(std::iter::once(("failure_event_type", Json::from("hanging_response"))).chain(fields));
        let enough = self.hanging.lock().add(call, self.settings.hanging, now);
        if let Some((count, calls)) = enough {
            let often = self.settings.hanging;
            let after = self.settings.hanging_after.as_secs_f64();
            let what = format!("High Number of Hanging LLM Requests: {count} took longer than {after}s");
            self.page("llm-requests-hanging", &what, often, calls);
        }
    }

    fn fails(&self, record: &LogRecord, now: Instant) {
        // As with the other alerts: what callers do wrong wakes nobody.
        let Some(error) = record.error.as_ref().filter(|error| error.provider.is_some()) else { return };
        let text = |value: &Option<Arc<str>>| Json::from(value.as_deref().filter(|_| !self.redaction.caller));
        let call = Json::object([
            ("failure_event_type", Json::from("failed_response")),
            ("error_class", Json::from(error.class)),
            ("error_code", Json::from(u64::from(error.status))),
            ("error_llm_provider", Json::from(error.provider.as_deref())),
            ("error_message", Json::from(plain(self.redaction.error(error)))),
            ("model_group", Json::from(&*record.model_group)),
            ("user_api_key_hash", text(&record.caller.key_hash)),
            ("user_api_key_alias", text(&record.caller.key_alias)),
            ("user_api_key_team_id", text(&record.caller.team_id)),
            ("user_api_key_team_alias", text(&record.caller.team_alias)),
            ("user_api_key_user_id", text(&record.caller.user_id)),
            ("litellm_call_id", Json::from(&*record.call_id)),
        ]);
        let enough = self.failing.lock().add(call, self.settings.failing, now);
        if let Some((count, calls)) = enough {
            let what = format!("High LLM API Failure Rate: {count} calls failed");
            self.page("llm-api-failures", &what, self.settings.failing, calls);
        }
    }

    fn page(&self, dedup: &str, what: &str, often: Often, calls: Vec<Json>) {
        let summary = format!("{what} within {}s", often.within.as_secs());
        let payload = Json::object([
            ("summary", Json::from(summary)),
            ("severity", Json::from("critical")),
            ("source", Json::from("LiteLLM Alert")),
            ("component", Json::from("LiteLLM")),
            ("custom_details", Json::object([("failing_events", Json::Array(calls))])),
        ]);
        let event = Json::object([
            ("routing_key", Json::from(self.settings.key.expose())),
            ("event_action", Json::from("trigger")),
            ("dedup_key", Json::from(dedup)),
            ("payload", payload),
        ]);
        self.desk.take(event.to_string());
    }

    /// Events that were not taken.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.desk.lost()
    }

    /// Takes no more, and posts what waits, until `deadline`.
    pub async fn shutdown(&self, deadline: Duration) {
        self.desk.shutdown(deadline, "incidents").await;
    }
}

async fn run(url: Secret, http: Arc<dyn Transport>, mut outlet: mpsc::Receiver<String>, lost: Arc<AtomicU64>) {
    while let Some(event) = outlet.recv().await {
        let taken = post(&*http, "pagerduty", &url, &event).await;
        lost.fetch_add(u64::from(!taken), Ordering::Relaxed);
    }
}

impl Callback for Duty {
    fn name(&self) -> &str {
        "pagerduty"
    }

    fn needs(&self) -> Needs {
        Needs::FAILURE
    }

    fn delivery(&self) -> Delivery {
        Delivery::Inline
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        let now = Instant::now();
        for record in batch {
            self.fails(record, now);
        }
        std::future::ready(Ok(())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_within_the_window_is_told_once() {
        let often = Often { times: 3, within: Duration::from_secs(10) };
        let (mut seen, start) = (Seen::default(), Instant::now());
        let mut add = |seconds| seen.add(Json::Null, often, start + Duration::from_secs(seconds)).map(|(n, _)| n);
        assert_eq!([0, 1, 12].map(&mut add), [None; 3], "the first two are too long ago");
        assert_eq!([13, 14, 15].map(&mut add), [None, Some(3), None], "then it begins anew");
    }

    #[test]
    fn an_event_tells_of_the_latest() {
        let often = Often { times: 30, within: Duration::from_secs(10) };
        let (mut seen, now) = (Seen::default(), Instant::now());
        let told = (0..30_u64).filter_map(|n| seen.add(Json::from(n), often, now)).next().unwrap();
        assert_eq!((told.0, told.1.len(), &told.1[0]), (30, TOLD, &Json::from(10_u64)));
    }
}
