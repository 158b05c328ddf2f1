//! Everything that serves, made of a configuration.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use anyhow::{Context as _, Result};
use arc_swap::{ArcSwap, ArcSwapOption};
use llm_accounts::Accounts;
use llm_callbacks::registry::Builtin;
use llm_callbacks::{
    AlertSettings, Alerts, Bus, BusSettings, CallWatch, Callback, Duty, FailureTrace, JsonLog, ObjectLog, OwnCallbacks,
    Prometheus, Remote,
};
use llm_http::HttpClient;
use llm_store::Store;
use llm_types::alert::{AlertSink, AlertType};

use crate::app::App;
use crate::config::{self, Loaded};
use crate::hanging::{Ear, Hanging};
use crate::responses::Book;
use crate::server::Gauge;
use crate::snapshot::Snapshot;

/// The app, over a store that is open.
pub(super) fn assemble(
    mut loaded: Loaded,
    store: Store,
    runtime: &tokio::runtime::Runtime,
    http: &HttpClient,
) -> Result<App> {
    let background = runtime.handle();
    let metrics = Arc::new(Prometheus::new(&loaded.callbacks.prometheus));
    let alerts = loaded
        .alerts
        .is_on()
        .then(|| Arc::new(Alerts::start(loaded.alerts.clone(), Arc::new(http.with_own_pool()), background)));
    let place = Arc::<OnceLock<Weak<App>>>::default();
    let duty = loaded.alerts.duty.clone();
    let redaction = &loaded.callbacks.redaction;
    let duty =
        duty.map(|duty| Arc::new(Duty::start(duty, redaction.clone(), Arc::new(http.with_own_pool()), background)));
    let hanging = hanging(&loaded.alerts, alerts.as_ref(), duty.as_ref()).map(Arc::new);
    let mut sinks = sinks(&loaded, &metrics, http)?;
    if let Some(alerts) = &alerts {
        let told = Arc::clone(alerts) as Arc<dyn AlertSink>;
        let watch = CallWatch::new(loaded.alerts.calls, redaction.clone(), told, region_of(&place));
        sinks.extend(watch.is_wanted().then(|| Arc::new(watch) as Arc<dyn Callback>));
    }
    sinks.extend(duty.clone().map(|duty| duty as Arc<dyn Callback>));
    let bus = Bus::start(sinks, BusSettings::default(), background);
    let accounts = Accounts::new(loaded.accounts.clone(), Some(store.clone()), background.clone())?;
    if let Some(alerts) = &alerts {
        accounts.alert(Arc::clone(alerts) as Arc<dyn AlertSink>, loaded.alerts.silence);
    }
    let keys = loaded.accounts.entry.jwt.as_ref().map(|jwt| jwt.keys).unwrap_or_default();
    let providers: Arc<dyn llm_http::Transport> = Arc::new(http.with_own_pool());
    let idp = Arc::new(llm_idp::Idp::new(providers, background.clone(), keys));
    accounts.open_to(Arc::clone(&idp));
    let setup = crate::cache::Setup { config: loaded.cache.take(), environment: loaded.environment.clone() };
    let cache = match &setup.config {
        None => None,
        Some(config) => {
            let witness = Arc::new(crate::cache::Meter(Arc::clone(&metrics)));
            let opening = crate::cache::Opening { http, background, witness };
            let (cache, problem) = runtime.block_on(crate::cache::connect(config, &opening));
            problem.iter().for_each(|problem| tracing::warn!("{problem}"));
            cache.map(Arc::new)
        }
    };
    let share = loaded.redis.clone().map(|redis| crate::share::Share::start(redis, &accounts, background));
    let sso = Arc::<llm_management::SsoInForce>::default();
    sso.set(loaded.sso.take().map(|plan| single_sign_on(plan, Arc::clone(&idp))));
    let snapshot = Arc::new(Snapshot::build(loaded, &bus, None)?);
    accounts.set_directory(crate::snapshot::directory(&snapshot));
    let state = llm_management::ManagementState { accounts: accounts.clone(), sso: Arc::clone(&sso) };
    let management = llm_management::router(state);
    let responses = Arc::new(Book::new(Some((store.clone(), background.clone()))));
    Ok(App {
        responses,
        snapshot: ArcSwap::new(snapshot),
        cache: ArcSwapOption::new(cache),
        cache_setup: ArcSwap::from_pointee(setup),
        accounts,
        bus,
        alerts,
        duty,
        metrics,
        counted: crate::gauges::Counted::default(),
        gauge: Arc::<Gauge>::default(),
        endpoints: ArcSwap::default(),
        mcp: llm_mcp::Hub::new(llm_providers::variable),
        secrets: Arc::default(),
        charging: crate::resources::Charging::default(),
        place,
        hanging,
        edge: crate::edge::Edge::default(),
        in_flight: AtomicU64::new(0),
        management,
        sso,
        idp,
        share,
        health: crate::health::Checks::default(),
        store: Some(store),
        background: background.clone(),
    })
}

/// Who hears of calls that hang.
fn hanging(settings: &AlertSettings, alerts: Option<&Arc<Alerts>>, duty: Option<&Arc<Duty>>) -> Option<Hanging> {
    let alerts = alerts.map(|alerts| Arc::clone(alerts) as Arc<dyn AlertSink>);
    let alerts = alerts.filter(|alerts| alerts.wants(AlertType::LlmRequestsHanging));
    let alerts = alerts.map(|alerts| Ear::alerts(settings.calls.slow_after, alerts));
    let pager = duty.map(|duty| {
        let (after, duty) = (duty.hanging_after(), Arc::clone(duty));
        Ear { after, tell: Box::new(move |facts| duty.hangs(facts, Instant::now())) }
    });
    Hanging::new(alerts.into_iter().chain(pager).collect())
}

/// The region of a deployment, asked of the configuration in force.
fn region_of(place: &Arc<OnceLock<Weak<App>>>) -> llm_callbacks::RegionOf {
    let place = Arc::clone(place);
    llm_callbacks::RegionOf(Arc::new(move |id| {
        let app = place.get().and_then(Weak::upgrade)?;
        app.snapshot.load().engine.router.deployment(id)?.region.clone()
    }))
}

/// Whom finished calls are told to.
fn sinks(loaded: &Loaded, metrics: &Arc<Prometheus>, http: &HttpClient) -> Result<Vec<Arc<dyn Callback>>> {
    let (told, http) = (&loaded.callbacks, http.with_own_pool());
    let mut sinks: Vec<Arc<dyn Callback>> = vec![Arc::clone(metrics) as Arc<dyn Callback>];
    for (sink, needs) in &told.sinks {
        match sink {
            Builtin::Prometheus => {} // always there: `/metrics` is a route
            Builtin::JsonLogs => sinks.push(Arc::new(JsonLog::stdout(told.redaction.clone())?)),
            Builtin::FailureTrace => sinks.push(Arc::new(FailureTrace::default())),
            Builtin::Remote(service) => {
                let at = told.endpoints.iter().find(|endpoint| endpoint.service() == *service);
                let endpoint = at.cloned().with_context(|| format!("{} has no address", service.name()))?;
                sinks.push(Arc::new(Remote::new(endpoint, *needs, told.redaction.clone(), http.clone())));
            }
            Builtin::Objects(objects) => {
                let at = told.objects.iter().find(|place| place.objects == *objects);
                let at = at.with_context(|| format!("{} has no bucket", objects.name()))?;
                let wire = Arc::new(crate::cache::Wire(http.with_own_pool()));
                let bucket = &at.bucket;
                let blob = llm_blob::Bucket::open(bucket.cloud, &bucket.name, &bucket.options, wire)
                    .with_context(|| format!("the bucket of {}", objects.name()))?;
                let (layout, redaction) = (at.layout.clone(), told.redaction.clone());
                sinks.push(Arc::new(ObjectLog::new(objects.name(), Arc::new(blob), layout, *needs, redaction)));
            }
        }
    }
    let env = loaded.environment.clone();
    let env = Arc::new(move |name: &str| env.filled(name));
    sinks.push(Arc::new(OwnCallbacks::new(http, env, told.redaction.clone())));
    Ok(sinks)
}

/// The identity provider that people log in at, with what its tokens are verified with.
pub(crate) fn single_sign_on(plan: config::SsoPlan, idp: Arc<llm_idp::Idp>) -> llm_management::SsoSettings {
    let config::SsoPlan { kind, way, missing } = plan;
    llm_management::SsoSettings { kind, way, missing, idp }
}
