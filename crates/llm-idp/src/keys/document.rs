//! One remembered document: callers share a reading, and readings keep a distance.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{Clock, IdpSettings};

type Reading = Shared<BoxFuture<'static, ()>>;

/// A document at one address.
pub(super) struct Document<T>(Mutex<State<T>>);

struct State<T> {
    /// What was read, and when.
    read: Option<(Arc<T>, Duration)>,
    /// When the last reading began.
    tried: Option<Duration>,
    /// What went wrong in the last reading, if something did.
    wrong: Option<String>,
    running: Option<Reading>,
}

impl<T> Default for Document<T> {
    fn default() -> Self {
        Self(Mutex::new(State { read: None, tried: None, wrong: None, running: None }))
    }
}

/// What a caller needs for a look at a document.
pub(super) struct Need<'a> {
    pub(super) settings: IdpSettings,
    pub(super) clock: &'a Clock,
    pub(super) runtime: &'a Handle,
}

/// How good what is remembered is.
#[derive(PartialEq, Eq)]
enum Age {
    Good,
    /// Good, but not for long.
    Ripe,
    /// To be used only when nothing newer can be had.
    Stale,
    Gone,
}

impl<T: Send + Sync + 'static> Document<T> {
    /// The document, with what the caller looks for in it (`has`) if a new reading can bring that.
    ///
    /// # Errors
    /// What went wrong when it had to be read.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        need: &Need<'_>,
        has: impl Fn(&T) -> bool,
        read: impl Fn() -> F,
    ) -> Result<Arc<T>, String>
    where
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let (known, age) = self.look(need);
        match (known, age) {
            (Some(known), Age::Good) if has(&known) => return Ok(known),
            (Some(known), Age::Ripe) if has(&known) => {
                // Read beside; this caller does not wait.
                drop(self.reading(need, read));
                return Ok(known);
            }
            _ => {}
        }
        if let Some(reading) = self.reading(need, read) {
            reading.await;
        }
        match self.look(need) {
            (Some(known), Age::Good | Age::Ripe | Age::Stale) => Ok(known),
            _ => Err(self.0.lock().wrong.clone().unwrap_or_else(|| "it was not read yet".to_owned())),
        }
    }

    fn look(&self, need: &Need<'_>) -> (Option<Arc<T>>, Age) {
        let state = self.0.lock();
        let Some((known, at)) = &state.read else { return (None, Age::Gone) };
        let age = (need.clock)().saturating_sub(*at);
        let IdpSettings { ttl, stale, .. } = need.settings;
        let age = match () {
            () if age <= ttl - ttl / 5 => Age::Good,
            () if age <= ttl => Age::Ripe,
            () if age <= ttl + stale => Age::Stale,
            () => Age::Gone,
        };
        (Some(Arc::clone(known)), age)
    }

    /// The reading under way, or a new one; nothing when the last one began a moment ago.
    fn reading<F>(self: &Arc<Self>, need: &Need<'_>, read: impl Fn() -> F) -> Option<Reading>
    where
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let now = (need.clock)();
        let mut state = self.0.lock();
        if let Some(running) = &state.running {
            return Some(running.clone());
        }
        if state.tried.is_some_and(|tried| now.saturating_sub(tried) < need.settings.pause) {
            return None;
        }
        state.tried = Some(now);
        let (this, clock, future) = (Arc::clone(self), Arc::clone(need.clock), read());
        let running = need.runtime.spawn(async move {
            // A reading that panics must not leave everybody waiting for it: `running` is dropped with it, see below.
            let outcome = future.await;
            this.took(outcome, &clock);
        });
        let this = Arc::clone(self);
        let running = async move {
            if running.await.is_err() {
                let mut state = this.0.lock();
                state.wrong = Some("the reading was stopped".to_owned());
                state.running = None;
            }
        };
        let running = running.boxed().shared();
        state.running = Some(running.clone());
        Some(running)
    }

    fn took(&self, outcome: Result<T, String>, clock: &Clock) {
        let mut state = self.0.lock();
        state.running = None;
        match outcome {
            Ok(document) => {
                state.read = Some((Arc::new(document), clock()));
                state.wrong = None;
            }
            Err(why) => {
                tracing::warn!(%why, "a document of an identity provider could not be read");
                state.wrong = Some(why);
            }
        }
    }
}
