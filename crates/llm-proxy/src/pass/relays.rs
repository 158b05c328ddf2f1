//! What a configuration says of relays: endpoints of the operator's own, credentials that may be used by them.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use llm_client::{Engine, Target};
use llm_providers::Params;
use llm_providers::passthrough::{Given, Mount, Scheme, mounts};

use super::custom::Custom;

/// Time until an answer begins, when nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What is configured.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// `pass_through_request_timeout`.
    pub timeout: Duration,
    /// `pass_through_endpoints`.
    pub custom: Vec<Custom>,
    /// `disable_bedrock_agent_runtime_passthrough`.
    pub no_agents: bool,
    /// `enable_openai_websocket_passthrough`.
    pub websockets: bool,
    /// `files_settings`.
    pub files: Vec<Arc<Target>>,
    /// `finetune_settings`.
    pub finetune: Vec<Arc<Target>>,
    /// `assistant_settings`.
    pub assistants: Option<Arc<Target>>,
    /// `vector_store_registry`: ids of stores, and who keeps them.
    pub vector_stores: Vec<(String, Arc<Target>)>,
    /// `default_vertex_config`.
    pub vertex: Option<Params>,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            custom: Vec::new(),
            no_agents: false,
            websockets: false,
            files: Vec::new(),
            finetune: Vec::new(),
            assistants: None,
            vector_stores: Vec::new(),
            vertex: None,
        }
    }
}

/// What relays of a snapshot use.
#[derive(Debug, Default)]
pub struct Relays {
    /// What is configured.
    pub settings: RelaySettings,
    /// Deployments with `use_in_pass_through`.
    lent: Vec<Arc<Target>>,
}

impl Relays {
    /// Gathers the deployments whose credentials relays may use.
    #[must_use]
    pub fn new(settings: RelaySettings, engine: &Engine) -> Self {
        let targets = engine.router.deployments().iter().filter_map(|d| d.payload.clone()?.downcast::<Target>().ok());
        let lent = targets.filter(|t| t.params.bool("use_in_pass_through") == Some(true)).collect();
        Self { settings, lent }
    }

    /// The operator's own endpoint for a path, and what of the path lies below it.
    #[must_use]
    pub fn custom<'c, 'p>(
        &'c self,
        stored: &'c [Custom],
        method: &Method,
        path: &'p str,
    ) -> Option<(&'c Custom, &'p str)> {
        let all = stored.iter().chain(&self.settings.custom);
        let mut found: Vec<_> = all.filter_map(|c| Some((c, c.below(method, path)?))).collect();
        found.sort_by_key(|(c, _)| c.path.len());
        found.pop()
    }

    /// The credential that a path of a provider's API is called with; nothing leaves it to the environment.
    #[must_use]
    pub fn given(&self, mount: &Mount, rest: &str) -> Option<Given<'_>> {
        let (project, location) = mount.home_of(rest);
        let fits = |t: &Target| {
            let same = |name: &str, wanted: Option<&str>| wanted.is_none_or(|w| t.params.str(name) == Some(w));
            mount.scheme != Scheme::Vertex || same("vertex_project", project) && same("vertex_location", location)
        };
        // The last one wins, as in LiteLLM, where each takes the place of the one before.
        let lent = self.lent.iter().rev().filter(|t| t.provider_id() == mount.provider).find(|t| fits(t));
        if let Some(target) = lent {
            return Some(given(target));
        }
        let google = matches!(mount.scheme, Scheme::Vertex | Scheme::Discovery);
        let params = self.settings.vertex.as_ref().filter(|_| google)?;
        Some(Given { api_base: None, api_key: None, params })
    }
}

/// A deployment's credential.
#[must_use]
pub fn given(target: &Target) -> Given<'_> {
    Given { api_base: target.api_base.as_deref(), api_key: target.api_key.as_ref(), params: &target.params }
}

/// True when deployments of a provider can be called through a mount.
#[must_use]
pub fn serves(mount: &Mount, provider: &str) -> bool {
    let alike = |m: &Mount| m.provider == provider && m.scheme == mount.scheme && m.scheme != Scheme::Plain;
    provider == mount.provider || mounts().iter().any(alike)
}
