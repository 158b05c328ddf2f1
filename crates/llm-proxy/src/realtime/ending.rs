//! How a session ends that a guardrail ends: the host still says why, and nobody else says anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use llm_guardrails::Violation;
use llm_types::Json;
use llm_wire::realtime::Message;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long a host may take to say why.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The host is to say why, until then at the latest.
    Told(Instant),
    /// It says so.
    Spoken(Instant),
    Over,
}

/// The stops of a session, and its end.
#[derive(Debug)]
pub(super) struct Ending {
    stops: AtomicU64,
    state: watch::Sender<State>,
}

impl Default for Ending {
    fn default() -> Self {
        Self { stops: AtomicU64::new(0), state: watch::Sender::new(State::Open) }
    }
}

impl Ending {
    /// Counts a stop, which may be the last one. `speaks`: the host is asked to say why.
    pub(super) fn count(&self, violation: &Violation, speaks: bool) {
        let stops = self.stops.fetch_add(1, Ordering::Relaxed) + 1;
        if violation.ends(stops) {
            let state = if speaks { State::Told(Instant::now() + PATIENCE) } else { State::Over };
            self.state.send_if_modified(|now| {
                let first = *now == State::Open;
                if first {
                    *now = state;
                }
                first
            });
        }
    }

    /// The session is about to end: what a client says counts for nothing any more.
    pub(super) fn is_near(&self) -> bool {
        *self.state.borrow() != State::Open
    }

    /// Nothing is left to be said.
    pub(super) fn is_over(&self) -> bool {
        *self.state.borrow() == State::Over
    }

    /// Looks at what the host says: the answer that begins from now on is the one that tells why.
    pub(super) fn hear(&self, message: &Message) {
        if !self.is_near() || message.is_control() {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Json>(&message.payload) else { return };
        let kind = event.text("type").unwrap_or_default();
        self.state.send_if_modified(|state| {
            let next = match (*state, kind) {
                (State::Told(by), "response.created") => State::Spoken(by),
                (State::Spoken(_), "response.done") => State::Over,
                (same, _) => same,
            };
            std::mem::replace(state, next) != next
        });
    }

    /// Resolves when the session has to end, whatever the host still says.
    pub(super) async fn is_due(&self) {
        let mut states = self.state.subscribe();
        let state = states.wait_for(|state| *state != State::Open).await.map(|state| *state);
        match state {
            Ok(State::Told(by) | State::Spoken(by)) => sleep_until(by).await,
            Ok(State::Open | State::Over) | Err(_) => {}
        }
    }
}
