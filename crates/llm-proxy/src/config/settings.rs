//! General settings of the data plane.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use llm_types::Json;
use llm_wire::form::FileNames;

use crate::cors::Cors;
use crate::plane::Plane;

/// General settings of the data plane, in our words; the configuration's names are in brackets.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Bytes of a request body at the most (`max_request_size_mb`).
    pub max_request_bytes: usize,
    /// Bytes of a body that goes through without being looked at, at the most (`max_file_size_mb`).
    pub max_upload_bytes: usize,
    /// How long a request body may take to come.
    pub body_timeout: Duration,
    /// Model of requests that name none (`completion_model`, `--model`).
    pub default_model: Option<String>,
    /// Model of moderations, whatever the client names (`moderation_model`).
    pub moderation_model: Option<String>,
    /// Model of generated images, whatever the client names (`image_generation_model`).
    pub image_model: Option<String>,
    /// Names of files that may be uploaded (`allowed_file_extensions`, `blocked_file_extensions`).
    pub file_names: Arc<FileNames>,
    /// Header that names the end user (`user_header_name`, `user_header_mappings`).
    pub user_header_name: Option<String>,
    /// Header that carries the key, instead of the usual ones (`litellm_key_header_name`).
    pub key_header_name: Option<String>,
    /// Header that carries a client's credential for MCP servers, instead of `x-mcp-auth`
    /// (`mcp_client_side_auth_header_name`).
    pub mcp_auth_header: Option<String>,
    /// Clients may send credentials (`allow_client_side_credentials`).
    pub allow_client_side_credentials: bool,
    /// Fault injection by clients (`dangerously_allow_mock_testing_request_params`).
    pub allow_mock_testing: bool,
    /// Usage events in every stream (`always_include_stream_usage`).
    pub always_include_stream_usage: bool,
    /// `x-*` headers of clients go on (`forward_client_headers_to_llm_api`).
    pub forward_client_headers: bool,
    /// They go on for these groups, too (`model_group_settings.forward_client_headers_to_llm_api`).
    pub header_groups: Vec<String>,
    /// Who calls is told to providers wherever headers go on (`add_user_information_to_llm_headers`).
    pub tell_user: bool,
    /// Headers that become tags (`extra_spend_tag_headers`).
    pub tag_headers: Vec<String>,
    /// End users who may not call models (`blocked_user_list`).
    pub blocked_users: HashSet<String>,
    /// Nothing is booked to end users (`disable_end_user_cost_tracking`).
    pub forget_end_users: bool,
    /// Clients may turn callbacks off (`allow_dynamic_callback_disabling`).
    pub callbacks_may_be_disabled: bool,
    /// Models are listed only while one of their deployments is healthy (`model_list_healthy_only`).
    pub only_healthy: bool,
    /// `/metrics` needs a key (`require_auth_for_metrics_endpoint`).
    pub metrics_need_key: bool,
    /// Messages and answers are kept in spend rows (`store_prompts_in_spend_logs`).
    pub store_prompts: bool,
    /// Stored answers belong to the user and team that asked for them (`disable_responses_id_security`, turned round).
    pub response_id_security: bool,
    /// Ids of stored answers that the gateway did not give out may be used (`allow_unmanaged_response_ids`).
    pub unmanaged_response_ids: bool,
    /// `GET /health/readiness` tells everybody the details (`allow_public_health_readiness_details`).
    pub public_readiness: bool,
    /// A call ends when its client goes away (`cancel_on_disconnect`); otherwise it goes on to its end.
    pub cancel_on_disconnect: bool,
    /// What is not served here.
    pub plane: Plane,
    /// Nothing of what is said is kept anywhere (`turn_off_message_logging`).
    pub redact: bool,
    /// Which pages may call.
    pub cors: Cors,
    /// How long connections are still accepted behind SIGTERM (`LLM_PROXY_PRE_STOP_SECONDS`).
    pub pre_stop: Option<Duration>,
    /// Whoever ends the process may ask it to drain (`enable_drain_endpoint`).
    pub drain: Option<DrainSettings>,
    /// The public list of models needs a key (`require_auth_for_public_ai_hub`).
    pub hub_needs_key: bool,
    /// Paths that need no key (`public_routes`).
    pub public_routes: Vec<String>,
    /// The only paths that may be called (`allowed_routes`).
    pub allowed_routes: Vec<String>,
    /// What is taken off the front of every path (`SERVER_ROOT_PATH`): `/llm`, without a slash at the end.
    pub root_path: Option<String>,
    /// The configuration's files are watched (`watch_config`, ours).
    pub watch_config: bool,
    /// Model groups that everybody may know of (`public_model_groups`).
    pub public_groups: Vec<String>,
    /// A2A agents that everybody may know of, by id.
    pub public_agents: Vec<String>,
    /// Prompts are marked to be cached, where the client marks nothing (`enable_anthropic_prompt_caching`).
    pub marks_prompts: bool,
    /// The mark, with `anthropic_prompt_caching_ttl`.
    pub cache_mark: Arc<Json>,
    /// Ids of MCP servers that everybody may know of (`public_mcp_servers`).
    pub public_servers: Vec<String>,
    /// Links of the public page of models (`public_model_groups_links`).
    pub public_links: Option<llm_types::Json>,
    /// Where the price table is fetched from when somebody asks for it (`model_cost_map_url`).
    pub price_map: Option<String>,
    /// Fields that every body has to have (`enforced_params`).
    pub enforced_params: Vec<String>,
    /// Further ones of service accounts (`service_account_settings.enforced_params`).
    pub service_account_params: Vec<String>,
    /// Models without a price are not called (`block_requests_for_models_without_pricing`).
    pub only_priced: bool,
    /// Without a config, `provider/model` names are served with keys of the environment.
    pub environment_models: bool,
    /// Files of batches.
    pub batches: BatchSettings,
    /// Checks of the deployments.
    pub health: HealthSettings,
}

/// What `/health/drain` asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct DrainSettings {
    /// The digest of what has to stand in `X-Drain-Token` (`drain_endpoint_token`, `DRAIN_ENDPOINT_TOKEN`).
    pub token: Option<llm_accounts::KeyDigest>,
    /// How long calls may take to end (`GRACEFUL_SHUTDOWN_TIMEOUT`).
    pub patience: Duration,
}

/// How the files of batches count against limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSettings {
    /// They do not count (`disable_batch_input_file_rate_limiting`).
    pub uncounted: bool,
    /// Those of these model groups or models do not (`skip_batch_input_file_rate_limiting_for_models`).
    pub uncounted_models: Vec<String>,
    /// Those at these providers do not (`skip_batch_input_file_rate_limiting_for_providers`).
    pub uncounted_providers: Vec<String>,
    /// Bytes of a file that is counted, at the most (`max_batch_file_size_mb`).
    pub max_file_bytes: usize,
}

impl Default for BatchSettings {
    /// 200 MB, which is what OpenAI takes.
    fn default() -> Self {
        let (uncounted_models, uncounted_providers) = (Vec::new(), Vec::new());
        Self { uncounted: false, uncounted_models, uncounted_providers, max_file_bytes: 200 << 20 }
    }
}

/// Checks of the deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSettings {
    /// In the background, at intervals (`background_health_checks`).
    pub background: bool,
    /// From one round to the next (`health_check_interval`).
    pub interval: Duration,
    /// Calls at the same time (`health_check_concurrency`).
    pub concurrency: usize,
    /// Addresses are told (`health_check_details`).
    pub details: bool,
    /// One gateway checks for all that share a Redis (`use_shared_health_check`).
    pub shared: bool,
    /// The only groups that are checked in the background (`background_health_check_model_groups`).
    pub groups: Option<Vec<String>>,
    /// 408 and 429 are no illness (`health_check_ignore_transient_errors`).
    pub ignore_transient: bool,
    /// What is older says nothing (`health_check_staleness_threshold`); two intervals.
    pub staleness: Option<Duration>,
}

impl HealthSettings {
    /// How old a finding may be.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.staleness.unwrap_or(self.interval.saturating_mul(2))
    }
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            background: false,
            interval: Duration::from_secs(300),
            concurrency: 16,
            details: true,
            shared: true,
            groups: None,
            ignore_transient: false,
            staleness: None,
        }
    }
}

impl Settings {
    /// A path without what the server is mounted below.
    #[must_use]
    pub fn below_root<'p>(&self, path: &'p str) -> &'p str {
        let below = self.root_path.as_deref().and_then(|root| path.strip_prefix(root));
        below.filter(|rest| rest.starts_with('/')).unwrap_or(path)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_request_bytes: 100 << 20,
            max_upload_bytes: 1 << 30,
            body_timeout: Duration::from_secs(300),
            default_model: None,
            moderation_model: None,
            image_model: None,
            file_names: Arc::default(),
            user_header_name: None,
            key_header_name: None,
            mcp_auth_header: None,
            allow_client_side_credentials: false,
            allow_mock_testing: false,
            always_include_stream_usage: false,
            cancel_on_disconnect: false,
            pre_stop: None,
            cors: Cors::default(),
            plane: Plane::default(),
            redact: false,
            forward_client_headers: false,
            header_groups: Vec::new(),
            tell_user: false,
            tag_headers: Vec::new(),
            blocked_users: HashSet::new(),
            forget_end_users: false,
            callbacks_may_be_disabled: true,
            only_healthy: false,
            metrics_need_key: true,
            store_prompts: false,
            response_id_security: true,
            unmanaged_response_ids: false,
            public_readiness: false,
            drain: None,
            hub_needs_key: false,
            public_routes: Vec::new(),
            allowed_routes: Vec::new(),
            root_path: None,
            watch_config: true,
            public_groups: Vec::new(),
            public_agents: Vec::new(),
            marks_prompts: false,
            cache_mark: Arc::new(Json::object([("type", "ephemeral")])),
            public_servers: Vec::new(),
            public_links: None,
            price_map: None,
            enforced_params: Vec::new(),
            service_account_params: Vec::new(),
            only_priced: false,
            environment_models: false,
            batches: BatchSettings::default(),
            health: HealthSettings::default(),
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logging {
    /// `error`, `warn`, `info` or `debug`; nothing: the program's default (`LITELLM_LOG`, `set_verbose`, `--debug`).
    pub level: Option<&'static str>,
    /// One JSON object per line (`json_logs`, `JSON_LOGS`).
    pub json: bool,
}
