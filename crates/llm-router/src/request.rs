//! What is asked of the router.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use llm_types::FieldSet;

use crate::{AffinityKey, Asked, FallbackLists, RequestFallbacks, RouterSettings};

/// A question to the owner: may this caller use that group now (permission, budget, reservation)?
#[derive(Clone)]
pub struct Admit(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Admit {
    /// Wraps the owner's answer.
    pub fn new(answer: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// Asks.
    #[must_use]
    pub fn allows(&self, group: &str) -> bool {
        (self.0)(group)
    }
}

impl fmt::Debug for Admit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admit(..)")
    }
}

/// Who asks, as far as choosing is concerned.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The caller's team: it sees its own deployments and those of nobody.
    pub team_id: Option<Arc<str>>,
    /// Set when the caller may use the model only through access groups: deployments outside of them are not used.
    pub access_groups: Option<Arc<[Arc<str>]>>,
    /// Asked before a fallback is used, and before a name is suggested. Nothing: everything is allowed.
    pub admit: Option<Admit>,
}

/// One request. Fields that are `None` leave the decision to deployment and settings.
#[derive(Debug, Clone)]
pub struct RouteRequest {
    /// The model as the client named it.
    pub model: Arc<str>,
    /// The path, for messages; may be empty.
    pub route: &'static str,
    /// Who asks.
    pub who: Scope,
    /// Streamed answer wanted.
    pub stream: bool,
    /// Retries wished by the client.
    pub num_retries: Option<u32>,
    /// Time limit wished by the client.
    pub timeout: Option<Duration>,
    /// Time limit for streams wished by the client.
    pub stream_timeout: Option<Duration>,
    /// Hops wished by the client.
    pub max_fallbacks: Option<u32>,
    /// Fallbacks wished by the client.
    pub fallbacks: Option<RequestFallbacks>,
    /// Fallbacks for prompts that are too long, wished by the client.
    pub context_window_fallbacks: Option<FallbackLists>,
    /// Fallbacks for content that a provider refuses, wished by the client.
    pub content_policy_fallbacks: Option<FallbackLists>,
    /// The client wants no fallbacks, or the request names a resource that lives at one provider.
    pub disable_fallbacks: bool,
    /// The request names a thing that its provider keeps: that it is not there says nothing about the deployment.
    pub names_resource: bool,
    /// Tags of the request. `!tag` excludes, `&tag` requires.
    pub tags: Arc<[Arc<str>]>,
    /// Tags that key or team policy put on the request: these are never given up.
    pub inherited_tags: Arc<[Arc<str>]>,
    /// The client's `User-Agent`, for patterns of tags.
    pub user_agent: Option<Arc<str>>,
    /// The only region allowed.
    pub region: Option<Arc<str>>,
    /// Estimated prompt tokens; 0 when unknown. For pre-call checks.
    pub estimated_tokens: u64,
    /// Who goes first when there are not enough places: the lowest number.
    pub priority: Option<i64>,
    /// Fields of the request, of those that pre-call checks look at.
    pub fields: FieldSet,
    /// Hash of the caller's key, for affinity.
    pub key_hash: Option<Arc<str>>,
    /// Session that the client named.
    pub session: Option<Arc<str>>,
    /// What the prompt begins with, for strategies that spread by it.
    pub prefix: Option<AffinityKey>,
    /// The parts of the prompt that the provider is asked to cache and that are long enough for it, the longest first.
    pub cached_prompts: Arc<[AffinityKey]>,
    /// Content of earlier answers that only their maker can read.
    pub encrypted: Arc<[AffinityKey]>,
    /// Settings of the caller's key or team; those present win over the router's.
    pub settings: Option<Arc<RouterSettings>>,
    /// What is wanted, where some model stands for others: such a model may be a fallback.
    pub asked: Option<Arc<Asked>>,
    /// Makes the random choices repeatable.
    pub seed: Option<u64>,
}

impl RouteRequest {
    /// True when fallbacks may come with the request: its own, or those of the caller's settings.
    pub(crate) const fn brings_fallbacks(&self) -> bool {
        self.fallbacks.is_some()
            || self.context_window_fallbacks.is_some()
            || self.content_policy_fallbacks.is_some()
            || self.settings.is_some()
    }

    /// A request for `model` without any wishes.
    #[must_use]
    pub fn new(model: impl Into<Arc<str>>) -> Self {
        Self {
            model: model.into(),
            route: "",
            who: Scope::default(),
            stream: false,
            names_resource: false,
            num_retries: None,
            timeout: None,
            stream_timeout: None,
            max_fallbacks: None,
            fallbacks: None,
            context_window_fallbacks: None,
            content_policy_fallbacks: None,
            disable_fallbacks: false,
            tags: Arc::default(),
            inherited_tags: Arc::default(),
            user_agent: None,
            region: None,
            estimated_tokens: 0,
            priority: None,
            fields: FieldSet::EMPTY,
            key_hash: None,
            session: None,
            prefix: None,
            cached_prompts: Arc::default(),
            encrypted: Arc::default(),
            settings: None,
            asked: None,
            seed: None,
        }
    }

    /// The caller's own value of a setting, else the router's.
    pub(crate) fn setting<'s, T>(
        &'s self,
        router: &'s RouterSettings,
        of: impl Fn(&'s RouterSettings) -> Option<T>,
    ) -> Option<T> {
        self.settings.as_deref().and_then(&of).or_else(|| of(router))
    }
}
