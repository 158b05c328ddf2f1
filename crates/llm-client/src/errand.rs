//! Calls that are made beside the one that is answered: vectors that choose its model, a second call because the first is
//! late. They cost something, so somebody has to be told of each.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use llm_router::{Admit, Attempt, Deployment};
use llm_types::generate::UsageReport;
use llm_types::stream::EventFilter;
use llm_types::{Usage, UsageSource};

use crate::answer::{Head, Report};
use crate::call::Call;
use crate::count::Counter;
use crate::engine::{Engine, Gate};
use crate::target::Target;

/// Why a call is made beside another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Vectors of the question.
    Vectors,
    /// The first call is late.
    Hedge,
    /// A content filter cut the answer: it is paid for, and another model is asked.
    Filtered,
}

/// The bill of a call beside another one. Dropped, it does what the owner does with calls that nobody knows the end of.
pub trait Errand: Send + Sync + fmt::Debug {
    /// The call is about to be sent: from now on it may cost something, whoever hangs up.
    fn sent(&self);

    /// What it cost is known.
    fn done(self: Box<Self>, head: &Head, report: &Report);

    /// It costs nothing: it failed, or was never sent.
    fn void(self: Box<Self>);
}

/// The errand of somebody who keeps no books.
#[derive(Debug)]
pub(crate) struct Unbilled;

impl Errand for Unbilled {
    fn sent(&self) {}

    fn done(self: Box<Self>, _: &Head, _: &Report) {}

    fn void(self: Box<Self>) {}
}

/// The gate of a call beside another one: tells its errand when it is sent.
#[derive(Debug)]
pub(crate) struct Doorway<'a>(pub &'a dyn Errand);

impl Gate for Doorway<'_> {
    fn sent(&self) {
        self.0.sent();
    }
}

/// The gate of one of two calls for the same answer: notes whether that one was sent.
pub(crate) struct Noting<'a> {
    gate: &'a dyn Gate,
    sent: AtomicBool,
}

impl<'a> Noting<'a> {
    pub(crate) const fn new(gate: &'a dyn Gate) -> Self {
        Self { gate, sent: AtomicBool::new(false) }
    }

    pub(crate) fn was_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Gate for Noting<'_> {
    fn admit(&self) -> Option<Admit> {
        self.gate.admit()
    }

    fn sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
        self.gate.sent();
    }

    fn filters(&self) -> Vec<Box<dyn EventFilter>> {
        self.gate.filters()
    }

    fn errand(&self, call: &Call, group: &str, purpose: Purpose) -> Option<Box<dyn Errand>> {
        self.gate.errand(call, group, purpose)
    }
}

/// Whom one of two calls was made to.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    deployment: Arc<Deployment>,
    model: Arc<str>,
    at: Instant,
}

impl Asked {
    pub(crate) fn of(at: &Attempt) -> Self {
        Self { deployment: Arc::clone(&at.deployment), model: Arc::clone(&at.model), at: Instant::now() }
    }
}

/// The one of two calls that nobody waited for. Its provider was asked the same, and whoever hangs up is told nothing of what
/// was used: it is billed as if its answer had become as long as the one that was taken.
#[derive(Debug)]
pub(crate) struct Loser {
    asked: Asked,
    errand: Box<dyn Errand>,
    /// Prices it; nothing when the deployment cannot be priced.
    counter: Option<Counter>,
}

impl Loser {
    pub(crate) fn new(engine: &Engine, call: &Call, asked: Asked, errand: Box<dyn Errand>) -> Self {
        let target = asked.deployment.payload.clone().and_then(|p| p.downcast::<Target>().ok());
        let counter = target.map(|target| {
            let model = target.model_of(&asked.model);
            Counter::new(engine, &target, &model, call.format, call)
        });
        Self { asked, errand, counter }
    }

    /// Settles its bill. `winner` and `used`: who answered, and what that took.
    pub(crate) fn settle(self, winner: &Head, used: &Usage) {
        let Some(counter) = self.counter else { return self.errand.void() };
        let mut report = Report { estimated: true, upstream_done: Some(Instant::now()), ..Report::default() };
        let usage = Usage { source: UsageSource::Estimated, reported_cost: None, ..*used };
        counter.book(Some(UsageReport { usage, raw: None }), 0, &mut report);
        let head = Head {
            deployment: self.asked.deployment,
            model: Arc::clone(&counter.model),
            provider: counter.provider(),
            api_base: None,
            upstream_headers: http::HeaderMap::new(),
            sent: self.asked.at,
            ..winner.clone()
        };
        self.errand.done(&head, &report);
    }
}
