//! The configuration a request runs under: one immutable snapshot, exchanged as a whole on reload.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail};
use llm_accounts::ModelList;
use llm_callbacks::{Bus, Needs};
use llm_client::Engine;
use llm_guardrails::GuardrailSet;
use llm_http::Timeouts;
use llm_router::{ProviderOf, Router, RouterState};

use crate::config::Loaded;
use crate::price_bound::PriceBounds;

pub use crate::config::Settings;

/// What a request runs under.
#[derive(Debug)]
pub struct Snapshot {
    /// General settings.
    pub settings: Settings,
    /// Calls models.
    pub engine: Engine,
    /// Signs the ids of stored answers.
    pub response_key: crate::responses::IdKey,
    /// The guardrails.
    pub guardrails: GuardrailSet,
    /// Which of them run for whom.
    pub policies: Arc<llm_accounts::Policies>,
    /// Managed prompts.
    pub templates: crate::templates::Templates,
    /// What relays use.
    pub relays: crate::pass::relays::Relays,
    /// MCP servers.
    pub mcp: llm_mcp::Registry,
    /// Where FOCUS files go.
    pub focus: Option<crate::config::cache::Bucket>,
    /// A2A agents.
    pub agents: crate::agents::Agents,
    /// The price table as JSON text, written when somebody asks.
    pub price_text: OnceLock<bytes::Bytes>,
    /// Somebody wants the content of answers.
    pub wants_content: bool,
    /// The groups for which headers of clients go on (`model_group_settings`).
    pub header_groups: Option<ModelList>,
    /// Groups that have a deployment with `rpm` or `tpm`.
    pub limited: HashMap<Arc<str>, Arc<llm_router::Group>>,
    /// What the dearest deployment of each group asks, worked out once.
    pub bounds: PriceBounds,
}

impl Snapshot {
    /// The immutable part of a configuration, over the router's state of its predecessor.
    ///
    /// # Errors
    /// For guardrails that cannot be built.
    pub fn build(loaded: Loaded, bus: &Bus, state: Option<Arc<RouterState>>) -> Result<Self> {
        let infer = ProviderOf::new(|name| llm_providers::resolve(name, None, None).ok().map(|r| r.provider.row().id));
        let state = state.unwrap_or_else(|| RouterState::new(Instant::now(), SystemTime::now()));
        let router = Router::with_state(loaded.deployments, loaded.router, state).infer_providers(infer);
        for warning in router.warnings() {
            tracing::warn!("{warning}");
        }
        let configs: Vec<llm_guardrails::GuardrailConfig> =
            loaded.guardrails.iter().map(|json| json.to_raw().read()).collect::<Result<_, _>>()?;
        let (guardrails, problems) = llm_guardrails::build(&configs);
        // The rest was told as a warning when the configuration was read.
        if let Some(problem) = problems.iter().find(|problem| problem.fatal) {
            bail!("guardrails: {problem}");
        }
        let wants_content = bus.needs().has(Needs::CONTENT) || loaded.settings.store_prompts;
        let secret = loaded.accounts.salt_key.as_ref().or(loaded.accounts.master_key.as_ref());
        let response_key = crate::responses::IdKey::new(secret.map_or("", |s| s.expose()));
        let engine = Engine { router: Arc::new(router), prices: loaded.prices, settings: loaded.engine };
        let header_groups = header_groups(&engine, &loaded.settings.header_groups);
        Ok(Self {
            response_key,
            bounds: PriceBounds::new(&engine),
            limited: limited(&engine),
            relays: crate::pass::relays::Relays::new(loaded.relays, &engine),
            engine,
            templates: crate::templates::Templates::new(loaded.prompts),
            mcp: loaded.mcp,
            agents: loaded.agents,
            guardrails,
            policies: Arc::new(loaded.policies),
            focus: loaded.callbacks.focus,
            price_text: OnceLock::new(),
            wants_content,
            header_groups,
            settings: loaded.settings,
        })
    }

    /// How long a call that is relayed as it is may take, when its host may be silent for `wait`.
    #[must_use]
    pub fn patience(&self, wait: Duration) -> Timeouts {
        let connect = Some(self.engine.settings.connect_timeout);
        Timeouts { connect, first_byte: Some(wait), idle: Some(wait), ..Timeouts::NONE }
    }
}

fn limited(engine: &Engine) -> HashMap<Arc<str>, Arc<llm_router::Group>> {
    let router = &engine.router;
    let groups = router.groups().filter(|group| router.members(group).any(|d| d.rpm.is_some() || d.tpm.is_some()));
    groups.map(|group| (Arc::clone(&group.name), Arc::clone(group))).collect()
}

/// The groups of a list, and those that are in an access group of it; nothing for an empty list.
fn header_groups(engine: &Engine, list: &[String]) -> Option<ModelList> {
    let inside = |d: &Arc<llm_router::Deployment>| d.access_groups.iter().any(|own| list.iter().any(|l| **own == **l));
    let members = engine.router.deployments().iter().filter(|d| inside(d)).map(|d| d.public_name().to_string());
    let names: Vec<String> = list.iter().cloned().chain(members).collect();
    (!list.is_empty()).then(|| ModelList::new(&names))
}

/// What models are served, for allow-lists.
#[must_use]
pub fn directory(snapshot: &Snapshot) -> llm_accounts::Directory {
    let mut directory = llm_accounts::Directory::default();
    for deployment in snapshot.engine.router.deployments() {
        for group in &deployment.access_groups {
            let groups = directory.access_groups.entry(deployment.public_name().to_string()).or_default();
            if !groups.iter().any(|known| **known == **group) {
                groups.push(group.to_string());
            }
        }
        capacity(deployment, directory.capacity.entry(deployment.public_name().to_string()).or_default());
    }
    let limits = snapshot.agents.iter().map(|agent| (agent.id.clone(), agent.limits.clone()));
    directory.agents = limits.collect();
    directory.capacity.retain(|_, capacity| *capacity != llm_accounts::Capacity::default());
    directory.provider_of = Some(Arc::new(|name| {
        let resolved = llm_providers::resolve(name, None, None).ok()?;
        Some(resolved.provider.row().id.to_owned())
    }));
    directory
}

/// Adds what a deployment takes to what its group takes; the smallest limit for keys holds.
fn capacity(deployment: &llm_router::Deployment, out: &mut llm_accounts::Capacity) {
    let whole = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    for (slot, more) in [(&mut out.rpm, deployment.rpm), (&mut out.tpm, deployment.tpm)] {
        if let Some(more) = whole(more) {
            *slot = Some(slot.unwrap_or_default().saturating_add(more));
        }
    }
    for (slot, limit) in [(&mut out.key_rpm, deployment.key_rpm), (&mut out.key_tpm, deployment.key_tpm)] {
        *slot = (*slot).into_iter().chain(whole(limit)).min();
    }
}
