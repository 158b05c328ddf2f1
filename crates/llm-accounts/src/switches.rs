//! What a key's, a team's and a project's metadata switch, and what a call asks of it.

use llm_types::RawJson;

use crate::Identity;

/// What a key's and team's metadata switch.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    pub(crate) mock: bool,
    pub(crate) no_fallbacks: bool,
    /// `allow_client_message_redaction_opt_out` of key or team.
    pub(crate) may_unredact: bool,
    /// `litellm_disabled_callbacks` of the key, in lower case.
    pub(crate) disabled_callbacks: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) spend_logs_metadata: Option<RawJson>,
    /// `cache`: what the key says about caching.
    pub(crate) cache: Option<RawJson>,
    /// `allowed_passthrough_routes`: the custom pass-through paths of which it may call what lies below.
    pub(crate) passthrough: Vec<String>,
    /// `allowed_vector_store_indexes` of key and team: indexes, and what may be done to them.
    pub(crate) indexes: Vec<(String, Vec<String>)>,
    pub(crate) guards: GuardWish,
    /// `enforced_params` of the key.
    pub(crate) enforced: Vec<String>,
    /// `allowed_cache_controls` of the key; none: all.
    pub(crate) cache_controls: Vec<String>,
    /// The key is a service account's.
    pub(crate) service_account: bool,
    /// `end_user_budget_id` of the key: the budget of end users that have none.
    pub(crate) end_user_budget: Option<Box<str>>,
    /// When files of the team go away.
    pub(crate) expiries: crate::expiry::Enforced,
    /// `enable_prompt_caching` of the key.
    pub(crate) marks_prompts: bool,
    /// `get_spend_routes` of the key's permissions.
    pub(crate) sees_spend: bool,
    /// `prompts` of key and team, where they are named.
    pub(crate) prompts: [Option<Vec<String>>; 2],
}

/// What key, team, project and user say of guardrails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardWish {
    /// Names of those that run (`guardrails` of key, team and project).
    pub names: Vec<String>,
    /// Names of those that do not run by themselves (`opted_out_global_guardrails` of key and team).
    pub opted_out: Vec<String>,
    /// Names of their policies, and of the user's (`policies`).
    pub policies: Vec<String>,
    /// None runs by itself (`disable_global_guardrails` of key or team).
    pub no_global: bool,
}

impl Identity {
    /// True when the caller may have answers mocked (`allow_client_mock_response` in the metadata of key or team).
    #[must_use]
    pub const fn may_mock(&self) -> bool {
        self.switches.mock
    }

    /// True when no other group may answer in place of the one that is asked (`disable_fallbacks` in the metadata of key or
    /// team).
    #[must_use]
    pub const fn refuses_fallbacks(&self) -> bool {
        self.switches.no_fallbacks
    }

    /// True when the caller may keep what it says in logs whose content the operator leaves out
    /// (`allow_client_message_redaction_opt_out` in the metadata of key or team).
    #[must_use]
    pub const fn may_unredact(&self) -> bool {
        self.switches.may_unredact
    }

    /// Callbacks that are not told of its calls (`litellm_disabled_callbacks` in the key's metadata), in lower case.
    #[must_use]
    pub fn disabled_callbacks(&self) -> &[String] {
        &self.switches.disabled_callbacks
    }

    /// What the key's metadata say about caching (`cache`), as JSON text.
    #[must_use]
    pub fn cache_controls(&self) -> Option<&RawJson> {
        self.switches.cache.as_ref()
    }

    /// What key, team and project say of guardrails.
    #[must_use]
    pub const fn guard_wish(&self) -> &GuardWish {
        &self.switches.guards
    }

    /// Fields that a body has to have (`enforced_params` of the key).
    #[must_use]
    pub fn enforced_params(&self) -> &[String] {
        &self.switches.enforced
    }

    /// The controls of the cache that a body may use; none: all of them.
    #[must_use]
    pub fn allowed_cache_controls(&self) -> &[String] {
        &self.switches.cache_controls
    }

    /// True when prompts of its calls are marked to be cached, where the client marks nothing (`enable_prompt_caching` of the key).
    #[must_use]
    pub const fn marks_prompts(&self) -> bool {
        self.switches.marks_prompts
    }

    /// True for the key of a service account.
    #[must_use]
    pub const fn is_service_account(&self) -> bool {
        self.switches.service_account
    }

    /// Tags that the metadata of key, team and project put on every call.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.switches.tags
    }
}
