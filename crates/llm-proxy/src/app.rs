//! What all threads share, and how it is put together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use llm_accounts::Accounts;
use llm_callbacks::{Alerts, Bus, Duty, Prometheus};
use llm_store::Store;

use crate::gauges;
use crate::responses::Book;
use crate::server::Gauge;
use crate::share::Share;
use crate::snapshot::Snapshot;

/// What all threads share.
pub struct App {
    /// The configuration in force; exchanged as a whole.
    pub snapshot: ArcSwap<Snapshot>,
    /// The response cache, when one is configured.
    pub cache: ArcSwapOption<llm_cache::Cache>,
    /// What the cache was made of.
    pub cache_setup: ArcSwap<crate::cache::Setup>,
    /// Keys, limits, budgets, spend.
    pub accounts: Accounts,
    /// Tells callbacks of finished calls.
    pub bus: Bus,
    /// Tells operators of budgets that run out, when there is somebody to tell.
    pub alerts: Option<Arc<Alerts>>,
    /// Pages whoever is on call, when somebody is.
    pub duty: Option<Arc<Duty>>,
    /// The Prometheus sink.
    pub metrics: Arc<Prometheus>,
    /// Rows that were counted for it.
    pub counted: gauges::Counted,
    /// Connections, and whether the process is going away.
    pub gauge: Arc<Gauge>,
    /// Answers that their providers do not keep.
    pub responses: Arc<Book>,
    /// Pass-through endpoints of the database.
    pub endpoints: ArcSwap<Vec<crate::pass::custom::Custom>>,
    /// Children of MCP servers.
    pub mcp: llm_mcp::Hub,
    /// Secrets of realtime sessions.
    pub secrets: Arc<crate::resources::Secrets>,
    /// What is being charged that is charged once.
    pub charging: crate::resources::Charging,
    /// Itself, for those who were made before it.
    pub place: Arc<std::sync::OnceLock<std::sync::Weak<Self>>>,
    /// Calls that are not answered yet, where somebody wants to hear of those that hang.
    pub hanging: Option<Arc<crate::hanging::Hanging>>,
    /// How many requests were answered.
    pub edge: crate::edge::Edge,
    /// Model calls that are being answered.
    pub in_flight: AtomicU64,
    /// The management API.
    pub management: axum::Router,
    /// The identity provider that people log in at.
    pub sso: Arc<llm_management::SsoInForce>,
    /// Through whom identity providers are asked.
    pub idp: Arc<llm_idp::Idp>,
    /// The store, when there is one.
    pub store: Option<Store>,
    /// The Redis over which gateways share state, when there is one.
    pub share: Option<Share>,
    /// What checks of the deployments found.
    pub health: crate::health::Checks,
    /// Where store and sinks live.
    pub background: tokio::runtime::Handle,
}

impl App {
    /// `Not connected` without a database, else `connected` or `Disconnected`.
    pub async fn database_state(&self) -> &'static str {
        let Some(store) = self.store.clone() else { return "Not connected" };
        let ping =
            self.background.spawn(async move { tokio::time::timeout(Duration::from_secs(2), store.ping()).await });
        match ping.await {
            Ok(Ok(Ok(()))) => "connected",
            _ => "Disconnected",
        }
    }

    /// The exposition of `/metrics`. Written on the background runtime: with many callers it takes a while.
    pub async fn metrics_text(self: &Arc<Self>) -> String {
        let app = Arc::clone(self);
        let counted = Arc::clone(self);
        let totals = self.background.spawn(async move { gauges::totals(&counted).await });
        let totals = totals.await.unwrap_or_default();
        let written = self.background.spawn_blocking(move || {
            let running = app.in_flight.load(Ordering::Relaxed);
            app.metrics.set_in_flight(i64::try_from(running).unwrap_or(i64::MAX));
            app.bus.drain();
            let text = app.metrics.encode_at(&gauges::read(&app, totals));
            let mut own = app
                .store
                .as_ref()
                .map(|store| {
                    counter("litellm_store_statements", "Statements sent to the database.", store.statements())
                })
                .unwrap_or_default();
            if let Some(share) = &app.share {
                own.push_str(&share.metrics(&app.accounts));
            }
            if let Some(alerts) = &app.alerts {
                own.push_str(&counter("litellm_alerts_lost", "Alerts that could not be told.", alerts.lost()));
                if let Some((sent, lost)) = alerts.letters() {
                    own.push_str(&counter("litellm_emails_sent", "E-mails that were sent.", sent));
                    own.push_str(&counter("litellm_emails_lost", "E-mails that could not be sent.", lost));
                }
            }
            if let Some(duty) = &app.duty {
                own.push_str(&counter("litellm_pages_lost", "Incidents that PagerDuty did not take.", duty.lost()));
            }
            format!("{}{own}# EOF\n", text.strip_suffix("# EOF\n").unwrap_or(&text))
        });
        written.await.unwrap_or_default()
    }
}

/// A counter as OpenMetrics text.
fn counter(name: &str, help: &str, value: u64) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} counter\n{name}_total {value}\n")
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
