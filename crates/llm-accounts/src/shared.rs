//! Limits and budgets that several gateways share over one key-value store.
//!
//! A caller with a limit or a budget is asked for there, in one round trip that takes everything or nothing; callers without
//! any never go there. What is given back or corrected afterwards is sent along in the background.
//!
//! A budget is two counters: what is spent (it lives for a minute and is raised to what each process knows, so it can be
//! lost) and what is set aside for calls in flight, per process.
//!
//! **Without the store** every process counts for itself, from what it last heard; `fail_closed_budget_enforcement` refuses
//! callers with a budget instead.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use llm_kv::{Correction, CounterClaim, Exceeded, Granted, Kv, KvError, Reading, ReserveOutcome, Stamp, Window};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::AccountsSettings;
use crate::bounds::Budget;
use crate::gate::{Counted, Gate, Room, Tokens};
use crate::purse::Owner;
use crate::scope::Scope;

/// All keys lie in one slot of a cluster, so that one script sees them all.
const TAG: &str = "{llm:limits}";
/// How long the shared spend is remembered without being told anew.
const SPEND: Window = Window::FirstUse(Duration::from_secs(60));
/// Corrections sent in one go.
const BATCH: usize = 256;

/// The shared store, as accounts use it.
pub(crate) struct Shared {
    kv: Arc<dyn Kv>,
    corrections: mpsc::UnboundedSender<Owed>,
    /// The last reservation found the store away.
    away: AtomicBool,
    degraded: AtomicU64,
}

/// A correction on its way.
#[derive(Debug)]
struct Owed {
    key: String,
    by: i64,
    since: Option<Stamp>,
}

/// What one claim stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The limit at this place of the caller's limits.
    Gate(usize),
    /// What is spent of the budget at this place.
    Spent(usize),
    /// What is set aside in it.
    Reserved(usize),
}

/// The claims of one call.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    keys: Vec<String>,
    wants: Vec<Want>,
}

#[derive(Debug, Clone, Copy)]
struct Want {
    what: Claimed,
    by: i64,
    limit: Option<i64>,
    window: Window,
    alone: bool,
    floor: i64,
}

/// What came of a reservation.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All of it was taken; what every claim reads now.
    Granted(Stamp, Vec<(Claimed, Reading)>),
    /// Nothing was taken.
    Exceeded(Claimed, Exceeded),
    /// The store is away: count here.
    Alone,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("kv", &self.kv).finish_non_exhaustive()
    }
}

impl Shared {
    /// Takes over the store; corrections are sent from `background`.
    pub(crate) fn start(kv: Arc<dyn Kv>, background: &Handle) -> Self {
        let (corrections, owed) = mpsc::unbounded_channel();
        background.spawn(send(Arc::clone(&kv), owed));
        Self { kv, corrections, away: AtomicBool::new(false), degraded: AtomicU64::new(0) }
    }

    /// The store itself.
    pub(crate) fn kv(&self) -> &dyn Kv {
        &*self.kv
    }

    /// Whom to ask which gateway is the first to tell something.
    pub(crate) fn firsts(&self) -> crate::alerts::Firsts {
        crate::alerts::Firsts(Arc::clone(&self.kv))
    }

    /// Admissions that were decided without the store.
    pub(crate) fn degraded(&self) -> u64 {
        self.degraded.load(Ordering::Relaxed)
    }

    /// Takes everything, or nothing.
    pub(crate) async fn reserve(&self, claims: &Claims) -> Verdict {
        let list: Vec<CounterClaim<'_>> = claims.claims().collect();
        match self.kv.reserve(&list).await {
            Ok(ReserveOutcome::Granted(Granted { stamp, readings })) => {
                self.here();
                let readings = claims.wants.iter().zip(readings).map(|(want, reading)| (want.what, reading));
                Verdict::Granted(stamp, readings.collect())
            }
            Ok(ReserveOutcome::Exceeded(exceeded)) => {
                self.here();
                let what = claims.wants.get(exceeded.index).map_or(Claimed::Gate(usize::MAX), |want| want.what);
                Verdict::Exceeded(what, exceeded)
            }
            Err(error) => {
                self.gone(&error);
                Verdict::Alone
            }
        }
    }

    /// Sends a correction along.
    fn owe(&self, key: String, by: i64, since: Option<Stamp>) {
        if by != 0 && self.corrections.send(Owed { key, by, since }).is_err() {
            tracing::debug!("the background runtime is gone; a correction of a shared counter is not sent");
        }
    }

    fn here(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("limits and budgets are shared again");
        }
    }

    fn gone(&self, error: &KvError) {
        self.degraded.fetch_add(1, Ordering::Relaxed);
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "limits and budgets are not shared: this gateway counts for itself");
        }
    }
}

/// Sends what is owed, many at a time. What cannot be sent is not kept: windows end, gauges are told anew, and spend is
/// learnt from the database.
async fn send(kv: Arc<dyn Kv>, mut owed: mpsc::UnboundedReceiver<Owed>) {
    let mut batch = Vec::with_capacity(BATCH);
    while owed.recv_many(&mut batch, BATCH).await > 0 {
        let corrections: Vec<Correction<'_>> =
            batch.iter().map(|owed| Correction { key: &owed.key, by: owed.by, since: owed.since }).collect();
        if let Err(error) = kv.settle(&corrections).await {
            tracing::debug!(%error, count = corrections.len(), "shared counters could not be corrected");
        }
        batch.clear();
    }
}

impl Claims {
    /// Everything that a call wants of what its caller shares. `tokens` are set aside in every token limit, `amount`
    /// nano-dollars in every budget, unless the model is `free`. `room`: whether its group has some to spare.
    pub(crate) fn of(scope: &Scope, tokens: Tokens, (amount, free): (i64, bool), window: Duration, room: Room) -> Self {
        let mut claims = Self::default();
        let window = Window::FirstUse(window);
        for (at, gate) in scope.gates().enumerate() {
            let (by, window) = gate.claim(tokens, window);
            let limit = gate.claim_limit(tokens, room);
            claims.add(gate.shared_key(), Claimed::Gate(at), by, limit, window);
        }
        for (at, budget) in scope.budgets().enumerate() {
            let Some(cap) = budget.cap.filter(|_| !free) else { continue };
            let spent = budget.purse.spent();
            let least = if cap.reachable { cap.max } else { cap.max.saturating_sub(1) };
            claims.add(spend_key(budget), Claimed::Spent(at), 0, Some(least), remembered(budget));
            claims.last(|want| want.floor = spent);
            let left = cap.max.saturating_sub(spent);
            claims.add(reserved_key(budget), Claimed::Reserved(at), amount, Some(left), Window::InFlight);
            claims.last(|want| want.alone = true);
        }
        claims
    }

    /// What the requests of a batch want of the limits.
    pub(crate) fn of_batch(scope: &Scope, (requests, tokens): (i64, Tokens), window: Duration) -> Self {
        let mut claims = Self::default();
        for (at, gate) in scope.gates().enumerate() {
            let Some(by) = gate.batched(requests, tokens) else { continue };
            let (_, window) = gate.claim(tokens, Window::FirstUse(window));
            claims.add(gate.shared_key(), Claimed::Gate(at), by, Some(gate.limit), window);
        }
        claims
    }

    /// True when the caller shares nothing.
    pub(crate) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn add(&mut self, key: String, what: Claimed, by: i64, limit: Option<i64>, window: Window) {
        self.keys.push(key);
        self.wants.push(Want { what, by, limit, window, alone: false, floor: 0 });
    }

    fn last(&mut self, change: impl FnOnce(&mut Want)) {
        if let Some(want) = self.wants.last_mut() {
            change(want);
        }
    }

    fn claims(&self) -> impl Iterator<Item = CounterClaim<'_>> {
        self.keys.iter().zip(&self.wants).map(|(key, want)| CounterClaim {
            key,
            by: want.by,
            limit: want.limit,
            window: want.window,
            alone: want.alone,
            floor: want.floor,
        })
    }
}

/// What a call took from the shared store, and must give back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// When, by the store's clock.
    pub(crate) stamp: Stamp,
}

impl Shared {
    /// Gives back and corrects what a call took: the `more` tokens beyond those set aside, `spent` for the `amount` set aside.
    pub(crate) fn settle(&self, held: Held, scope: &Scope, more: Tokens, (amount, spent): (i64, i64)) {
        for gate in scope.gates() {
            match gate.counted.of(more) {
                Some(more) => self.owe(gate.shared_key(), more, Some(held.stamp)),
                None if gate.counted == Counted::Parallel => self.owe(gate.shared_key(), -1, None),
                None => {}
            }
        }
        for budget in scope.budgets().filter(|budget| budget.cap.is_some()) {
            self.owe(spend_key(budget), spent, None);
            self.owe(reserved_key(budget), amount.saturating_neg(), None);
        }
    }

    /// Gives back what was taken at `stamp`.
    pub(crate) fn give_back(&self, gate: &Gate, by: i64, stamp: Stamp) {
        self.owe(gate.shared_key(), by.saturating_neg(), Some(stamp));
    }

    /// A call that claimed nothing has spent.
    pub(crate) fn spent(&self, scope: &Scope, spent: i64) {
        for budget in scope.budgets().filter(|budget| budget.cap.is_some()) {
            self.owe(spend_key(budget), spent, None);
        }
    }

    /// A call sets more aside than it did.
    pub(crate) fn raise(&self, scope: &Scope, more: i64) {
        for budget in scope.budgets().filter(|budget| budget.cap.is_some()) {
            self.owe(reserved_key(budget), more, None);
        }
    }
}

/// The period is part of the name: who still counts for the one before does not disturb the next.
fn spend_key(budget: &Budget) -> String {
    format!("{TAG}:spend:{}:{}:{}", budget.owner.name(), budget.id, budget.current())
}

/// How long the shared spend is remembered: that of a session is in no row, so as long as the session is counted.
fn remembered(budget: &Budget) -> Window {
    match (budget.owner, u64::try_from(budget.period)) {
        (Owner::Session, Ok(seconds)) => Window::FirstUse(Duration::from_secs(seconds)),
        _ => SPEND,
    }
}

fn reserved_key(budget: &Budget) -> String {
    format!("{TAG}:reserved:{}:{}", budget.owner.name(), budget.id)
}

impl Gate {
    fn shared_key(&self) -> String {
        key(&self.name)
    }
}

/// A name of ours in the store.
pub(crate) fn key(name: &str) -> String {
    format!("{TAG}:{name}")
}

impl crate::Accounts {
    /// From now on limits and budgets are shared with every gateway on this store. Once, at the start.
    pub fn share(&self, kv: Arc<dyn Kv>) {
        let inner = self.inner();
        if inner.shared.set(Shared::start(kv, &inner.background)).is_err() {
            tracing::warn!("limits and budgets are shared already");
        }
    }

    /// Admissions that were decided without the shared store because it was away.
    #[must_use]
    pub fn admitted_alone(&self) -> u64 {
        self.inner().shared.get().map_or(0, Shared::degraded)
    }
}

impl AccountsSettings {
    pub(crate) fn window(&self) -> Duration {
        Self::seconds(self.rate_limit_window)
    }
}
