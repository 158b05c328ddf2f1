//! A round of checks, and what came of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, StreamExt};
use llm_client::Target;
use llm_http::Transport;
use llm_router::Deployment;
use llm_types::Json;
use serde::{Deserialize, Serialize};

use super::probe::{Condition, probe, target_of};
use crate::snapshot::Snapshot;

/// What was found out about a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its group.
    pub group: String,
    /// The provider's name of the model.
    pub model: String,
    /// Its address, where one is configured.
    pub api_base: Option<String>,
    /// Why it is not well.
    pub error: Option<String>,
    /// It was only busy or slow: 408, 429.
    pub transient: bool,
    /// It was not called: models of its mode cannot be checked.
    pub skipped: bool,
}

impl Found {
    /// As an entry of `/health`. Without `details`: model and error only.
    #[must_use]
    pub fn told(&self, details: bool) -> Json {
        let mut entry = Json::object([("model", Json::from(&*self.model)), ("model_id", Json::from(&*self.id))]);
        if let Some(base) = self.api_base.as_deref().filter(|_| details) {
            entry.set("api_base", &*llm_http::shown(base));
        }
        if let Some(error) = &self.error {
            entry.set("error", &**error);
        }
        entry
    }
}

/// What a round found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// When it was over, in milliseconds since 1970.
    pub at_ms: u64,
    /// The deployments.
    pub found: Vec<Found>,
}

impl Round {
    /// How old it is.
    #[must_use]
    pub fn age(&self, now: SystemTime) -> Duration {
        Duration::from_millis(millis(now).saturating_sub(self.at_ms))
    }
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The deployments that can be checked: wildcards only with a `health_check_model`.
pub(super) fn probed(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<Deployment>> {
    let all = snapshot.engine.router.deployments().iter();
    all.filter(|d| target_of(d).is_some_and(|target| !target.model.contains('*')))
}

/// Of these, the ones that rounds in the background check.
pub(super) fn watched(snapshot: &Snapshot) -> Vec<Arc<Deployment>> {
    let groups = snapshot.settings.health.groups.as_deref();
    let chosen = probed(snapshot).filter(|d| {
        let off = d.payload::<Target>().and_then(|t| t.info.bool("disable_background_health_check"));
        off != Some(true) && groups.is_none_or(|names| names.iter().any(|n| **n == *d.group))
    });
    chosen.cloned().collect()
}

/// Checks deployments, some at a time.
pub(super) async fn make(http: &dyn Transport, snapshot: &Snapshot, chosen: Vec<Arc<Deployment>>) -> Round {
    let at_once = snapshot.settings.health.concurrency;
    let found = stream::iter(chosen)
        .map(|deployment| async move {
            let condition = probe(http, snapshot, &deployment).await;
            found(&deployment, condition)
        })
        .buffered(at_once)
        .collect()
        .await;
    Round { at_ms: millis(SystemTime::now()), found }
}

fn found(deployment: &Deployment, condition: Condition) -> Found {
    let (error, transient, skipped) = match condition {
        Condition::Well => (None, false, false),
        Condition::Ill(error) => {
            let transient = matches!(error.status(), 408 | 429);
            (Some(error.message), transient, false)
        }
        Condition::Unknown(why) => (Some(why), false, true),
    };
    Found {
        id: deployment.id.to_string(),
        group: deployment.group.to_string(),
        model: deployment.model.to_string(),
        api_base: deployment.payload::<Target>().and_then(|t| t.api_base.clone()),
        error,
        transient,
        skipped,
    }
}
