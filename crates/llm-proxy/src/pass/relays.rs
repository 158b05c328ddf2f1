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
    /// Names of those stores, and their ids.
    pub names_of_stores: Vec<(String, String)>,
    /// Indexes of vector stores that keys may have rights on.
    pub indexes: Vec<StoreIndex>,
    /// `default_vertex_config`.
    pub vertex: Option<Params>,
}

/// An index of a vector store under a name of the gateway (`/v1/indexes`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreIndex {
    /// The name that clients use, and that keys have rights on.
    pub name: String,
    /// Its name at the vector store.
    pub index: String,
    /// `vector_store_name` of the store.
    pub store: String,
}

impl RelaySettings {
    /// The id of the vector store that an index lies in, and who keeps it.
    #[must_use]
    pub fn store_of(&self, index: &StoreIndex) -> Option<(&str, &Arc<Target>)> {
        let (_, id) = self.names_of_stores.iter().find(|(name, _)| *name == index.store)?;
        self.vector_stores.iter().find(|(known, _)| known == id).map(|(id, target)| (id.as_str(), target))
    }
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
            names_of_stores: Vec::new(),
            indexes: Vec::new(),
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
