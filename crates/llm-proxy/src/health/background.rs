//! Rounds at intervals. Gateways that share a Redis share the rounds too: whoever gets the lock makes one, the others
//! read what it found.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use llm_accounts::Checked;
use llm_http::HttpClient;
use llm_kv::Kv;

use super::round::{self, Round};
use crate::app::App;
use crate::snapshot::Snapshot;

/// Where gateways find each other's rounds.
const RESULTS: &str = "health_check:results";
const LOCK: &str = "health_check:lock";
/// How often a gateway looks for a round of another one.
const LOOK: Duration = Duration::from_secs(5);
/// A gateway that dies during a round holds it up for this long, at the least.
const SHORTEST_LOCK: Duration = Duration::from_secs(60);

/// What the last round found.
#[derive(Debug, Default)]
pub struct Checks(ArcSwapOption<Round>);

impl Checks {
    /// The last round.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Round>> {
        self.0.load_full()
    }
}

/// Makes rounds for as long as the gateway lives.
pub async fn run(app: Weak<App>, http: HttpClient, owner: String) {
    if let Some(app) = app.upgrade()
        && app.snapshot.load().settings.health.background
        && let Some(share) = &app.share
        && !share.ready().await
    {
        tracing::debug!("the first round of health checks is made without the others");
    }
    loop {
        let Some(app) = app.upgrade() else { return };
        let snapshot = app.snapshot.load_full();
        let interval = snapshot.settings.health.interval;
        if snapshot.settings.health.background {
            tick(&app, &snapshot, &http, &owner).await;
        }
        drop((app, snapshot));
        tokio::time::sleep(interval.min(LOOK)).await;
    }
}

/// Sees to it that a round is there which is not older than the interval.
async fn tick(app: &App, snapshot: &Snapshot, http: &HttpClient, owner: &str) {
    let settings = &snapshot.settings.health;
    let now = SystemTime::now();
    let due = |round: &Round| round.age(now) >= settings.interval;
    let shared = app.share.as_ref().filter(|_| settings.shared).map(crate::share::Share::kv);
    if let Some(round) = read(shared).await.filter(|round| !due(round)) {
        if app.health.latest().is_none_or(|known| known.at_ms < round.at_ms) {
            tracing::info!("health checks of another gateway are used");
        }
        return apply(app, snapshot, round);
    }
    if let Some(round) = app.health.latest().filter(|round| !due(round)) {
        if let Some(kv) = shared {
            write(kv, &round, settings.interval).await; // Redis was away, or has forgotten it
        }
        return;
    }
    if let Some(kv) = shared {
        match kv.try_lock(LOCK, owner, settings.interval.max(SHORTEST_LOCK)).await {
            Ok(true) | Err(_) => {} // without Redis every gateway checks for itself
            Ok(false) => return forget_stale(app, snapshot, now),
        }
    }
    let round = round::make(http, snapshot, round::watched(snapshot)).await;
    if let Some(kv) = shared {
        write(kv, &round, settings.interval).await;
        if let Err(error) = kv.unlock(LOCK, owner).await {
            tracing::debug!(%error, "the lock of health checks is given back by its end");
        }
    }
    apply(app, snapshot, round.clone()); // calls do not wait for the database
    note(app, &round, owner).await;
}

/// What was found goes into the store. A store that is away does not keep the router from hearing of it.
async fn note(app: &App, round: &Round, by: &str) {
    let checked = round.found.iter().filter(|found| !found.skipped).map(|found| Checked {
        id: found.id.clone(),
        model: found.group.clone(),
        error: found.error.clone(),
    });
    if let Err(error) = app.accounts.note_checks(&checked.collect::<Vec<_>>(), by).await {
        tracing::warn!(%error, "what health checks found could not be stored");
    }
}

async fn read(shared: Option<&dyn Kv>) -> Option<Round> {
    let bytes = shared?.get(RESULTS).await.ok()??;
    serde_json::from_slice(&bytes).ok()
}

async fn write(kv: &dyn Kv, round: &Round, interval: Duration) {
    let Ok(text) = serde_json::to_vec(round) else { return };
    if let Err(error) = kv.set(RESULTS, text.into(), Some(interval.saturating_mul(2))).await {
        tracing::warn!(%error, "the other gateways do not hear of this round of health checks");
    }
}

/// Tells the router who is well.
pub(super) fn apply(app: &App, snapshot: &Snapshot, round: Round) {
    if app.health.latest().is_some_and(|known| known.at_ms >= round.at_ms) {
        return;
    }
    let router = &snapshot.engine.router;
    for found in &round.found {
        let forgiven = found.skipped || found.transient && snapshot.settings.health.ignore_transient;
        let healthy = found.error.is_none() || forgiven;
        if let Some(deployment) = router.deployment(&found.id)
            && router.state().set_health(&deployment.id, healthy)
        {
            tracing::warn!(model = %found.model, id = %found.id, healthy, error = found.error.as_deref(), "health changed");
        }
    }
    app.health.0.store(Some(Arc::new(round)));
}

/// What nobody has looked at for long says nothing any more.
fn forget_stale(app: &App, snapshot: &Snapshot, now: SystemTime) {
    let limit = snapshot.settings.health.staleness();
    let Some(round) = app.health.latest().filter(|round| round.age(now) > limit) else { return };
    for found in &round.found {
        if let Some(deployment) = snapshot.engine.router.deployment(&found.id) {
            snapshot.engine.router.state().set_health(&deployment.id, true);
        }
    }
}
