//! The configuration a request runs under: one immutable snapshot, exchanged as a whole on reload.

use std::sync::Arc;

use llm_cache::Cache;
use llm_client::{Engine, Target};
use llm_guardrails::GuardrailSet;

pub use crate::config::Settings;

/// What a request runs under.
#[derive(Debug)]
pub struct Snapshot {
    /// General settings.
    pub settings: Settings,
    /// Calls models.
    pub engine: Engine,
    /// The response cache, when one is configured.
    pub cache: Option<Arc<Cache>>,
    /// The guardrails.
    pub guardrails: GuardrailSet,
    /// Somebody wants the content of answers.
    pub wants_content: bool,
}

impl Snapshot {
    /// US dollars per input and output token of the dearest deployment of a group; nothing when no price is known.
    #[must_use]
    pub fn price_bound(&self, group: &str) -> Option<(f64, f64)> {
        use llm_catalog::Field;
        let resolved = self.engine.router.resolve(group, &llm_router::Scope::default()).ok()?;
        let prices = self.engine.router.members(&resolved.group).filter_map(|d| {
            let target = d.payload::<Target>()?;
            let entry = target.price(&self.engine.prices, &target.model)?;
            Some((
                entry.num(Field::InputCostPerToken).unwrap_or(0.0),
                entry.num(Field::OutputCostPerToken).unwrap_or(0.0),
            ))
        });
        prices.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
    }
}

/// What models are served, for allow-lists.
#[must_use]
pub fn directory(snapshot: &Snapshot) -> llm_accounts::Directory {
    let mut directory = llm_accounts::Directory::default();
    for deployment in snapshot.engine.router.deployments() {
        for group in &deployment.access_groups {
            let models = directory.access_groups.entry(group.to_string()).or_default();
            models.insert(deployment.public_name().to_string());
        }
    }
    directory.provider_of = Some(Arc::new(|name| {
        let resolved = llm_providers::resolve(name, None, None).ok()?;
        Some(resolved.provider.row().id.to_owned())
    }));
    directory
}
