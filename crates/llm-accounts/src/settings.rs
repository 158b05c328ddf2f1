//! Settings, with LiteLLM's names where it has them.

use std::path::PathBuf;
use std::time::Duration;

use llm_types::{Json, Secret};
use serde::Deserialize;

use crate::seal::{Seal, SealFormat};

/// Which tokens count against a tokens-per-minute limit (`token_rate_limit_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenLimitType {
    /// Both.
    #[default]
    Total,
    /// Those of the prompt.
    Input,
    /// Those of the answer.
    Output,
}

/// What accounts want to know. Amounts of money are US dollars, times seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct AccountsSettings {
    /// The administrator's key. Without one everybody is accepted.
    pub master_key: Option<Secret>,
    /// Encrypts secrets in the database.
    pub salt_key: Option<Secret>,
    /// How secrets are written into the database.
    pub encryption_algorithm: SealFormat,
    /// Models, credentials and settings may live in the database.
    pub store_model_in_db: bool,
    /// Settings that decide who gets in may live there too.
    pub auth_settings_in_db: bool,
    /// How often the database is asked whether its models and settings have changed.
    pub config_reload_seconds: f64,
    /// HTTP status of budget errors.
    pub budget_exceeded_status_code: u16,
    /// Budgets are checked against what was spent, not against what calls in flight may cost.
    pub disable_budget_reservation: bool,
    /// Callers with a budget are refused while budgets are to be shared and the shared store is away.
    pub fail_closed_budget_enforcement: bool,
    /// Tokens are counted after a call only; LiteLLM's variable `LITELLM_TPM_TOKEN_RESERVATION_ENABLED`.
    pub token_reservation: bool,
    /// Which tokens count.
    pub token_rate_limit_type: TokenLimitType,
    /// A user's budget holds for the keys of teams too.
    pub apply_user_budget_to_team_keys: bool,
    /// No rows of requests; sums are still kept.
    pub disable_spend_logs: bool,
    /// No rows of calls that failed and cost nothing, nor are they counted.
    pub disable_error_logs: bool,
    /// User agents make no tags (`disable_add_user_agent_to_request_tags`).
    pub disable_agent_tags: bool,
    /// Neither rows nor sums.
    pub disable_spend_updates: bool,
    /// How long rows of requests stay.
    pub retention: crate::Retention,
    /// When keys are rotated by themselves.
    #[serde(skip)]
    pub rotation: crate::KeyRotation,
    /// Who is told what was spent.
    #[serde(skip)]
    pub exports: crate::ExportPlan,
    /// Messages and answers go into the rows.
    pub store_prompts_in_spend_logs: bool,
    /// Changes by the management API are written down.
    pub store_audit_logs: bool,
    /// Keys are always ours, never the caller's.
    pub disable_custom_api_keys: bool,
    /// How long a key's row counts as fresh.
    pub user_api_key_cache_ttl: f64,
    /// How long a key's row may be used while the database is away.
    pub stale_key_ttl: f64,
    /// Keys kept in memory at the most; the least recently used ones go.
    pub user_api_key_cache_size: usize,
    /// How often the journal goes to the store.
    pub proxy_batch_write_at: f64,
    /// Percent of a key's budget → addresses that are told, for keys that say nothing of their own.
    pub default_key_max_budget_alert_emails: Option<Json>,
    /// The part of its limits that a key keeps which has spent its budget and is slowed in place of being refused
    /// (`budget_exceeded_throttle_percentage`, more than 0 and at most 1).
    pub budget_exceeded_throttle: Option<f64>,
    /// How the capacity of models is shared (`priority_reservation`); nothing: it is not enforced.
    #[serde(skip)]
    pub priorities: Option<crate::Priorities>,
    /// Soft budget of new keys that name none and no budget, US dollars.
    pub default_soft_budget: Option<f64>,
    /// Who may make keys, and what has to be said of them.
    #[serde(skip)]
    pub key_generation: Option<crate::KeyGeneration>,
    /// How names of keys have to look.
    #[serde(skip)]
    pub alias_rule: Option<crate::AliasRule>,
    /// Callbacks of teams that have none in their row (`default_team_settings`), as a team's metadata would say them.
    #[serde(skip)]
    pub team_callbacks: Vec<(String, Json)>,
    /// Values that `/key/generate` fills in.
    pub default_key_generate_params: Option<Json>,
    /// Ceilings of `/key/generate`.
    pub upperbound_key_generate_params: Option<Json>,
    /// What people get whom an identity provider makes: role, models, budget, teams.
    pub default_internal_user_params: Option<Json>,
    /// What teams get that an identity provider makes.
    pub default_team_params: Option<Json>,
    /// How people log in.
    #[serde(skip)]
    pub login: crate::LoginSettings,
    /// Members of SCIM groups who are not here are made.
    pub scim_upsert_user: bool,
    /// The SCIM group whose members are administrators.
    pub scim_admin_group: Option<String>,
    /// Budget of the whole proxy; 0: none.
    pub max_budget: f64,
    /// When it starts again.
    pub budget_duration: Option<String>,
    /// What those below administrators may not do.
    #[serde(skip)]
    pub page_rules: crate::PageRules,
    /// Calls that take so many seconds count as slow.
    pub alerting_threshold: f64,
    /// Where the journal lives. Without it spend that was not flushed dies with the process.
    pub journal_dir: Option<PathBuf>,
    /// At most so long after it was written the journal is forced to the disk (survives a power cut, not only a crash).
    pub journal_sync_seconds: f64,
    /// Length of rate limit windows.
    pub rate_limit_window: f64,
    /// How many seconds the calls of a session are counted (`LITELLM_MAX_ITERATIONS_TTL`).
    pub session_iterations_ttl: u32,
    /// How many seconds the money of a session is counted (`LITELLM_MAX_BUDGET_PER_SESSION_TTL`).
    pub session_budget_ttl: u32,
    /// Callers are let in without rights of their own while the database is away.
    pub allow_requests_on_db_unavailable: bool,
    /// The only routes that may be called; empty: all.
    pub allowed_routes: Vec<String>,
    /// Routes for administrators only.
    pub admin_only_routes: Vec<String>,
    /// IANA zone in which budgets reset; UTC without one.
    pub timezone: Option<String>,
    /// Wall-clock time of resets, `HH:MM`.
    pub budget_reset_time: Option<String>,
    /// Overspend goes into the next window.
    pub budget_rollover: bool,
    /// The budget of end users that have none.
    pub max_end_user_budget_id: Option<String>,
    /// What an end user may spend whose budget says nothing, US dollars.
    pub max_end_user_budget: Option<f64>,
    /// Calls of models must name an end user.
    pub enforce_user_param: bool,
    /// Callers may not bring tags of their own in `metadata`.
    pub reject_clientside_metadata_tags: bool,
    /// `key_name` (a masked key) is not stored.
    pub disable_key_name: bool,
    /// Ways in beside keys.
    #[serde(skip)]
    pub entry: crate::EntrySettings,
}

impl Default for AccountsSettings {
    fn default() -> Self {
        Self {
            master_key: None,
            salt_key: None,
            encryption_algorithm: SealFormat::SecretBox,
            store_model_in_db: true,
            auth_settings_in_db: false,
            config_reload_seconds: 5.0,
            budget_exceeded_status_code: 422,
            disable_budget_reservation: false,
            fail_closed_budget_enforcement: false,
            token_reservation: true,
            token_rate_limit_type: TokenLimitType::Total,
            apply_user_budget_to_team_keys: false,
            disable_spend_logs: false,
            disable_error_logs: false,
            disable_agent_tags: false,
            disable_spend_updates: false,
            retention: crate::Retention::default(),
            rotation: crate::KeyRotation::default(),
            exports: crate::ExportPlan::default(),
            store_prompts_in_spend_logs: false,
            store_audit_logs: false,
            disable_custom_api_keys: false,
            user_api_key_cache_ttl: 60.0,
            stale_key_ttl: 600.0,
            user_api_key_cache_size: 100_000,
            proxy_batch_write_at: 10.0,
            default_key_max_budget_alert_emails: None,
            budget_exceeded_throttle: None,
            priorities: None,
            default_soft_budget: None,
            key_generation: None,
            alias_rule: None,
            team_callbacks: Vec::new(),
            default_key_generate_params: None,
            upperbound_key_generate_params: None,
            default_internal_user_params: None,
            default_team_params: None,
            login: crate::LoginSettings::default(),
            scim_upsert_user: true,
            scim_admin_group: None,
            max_budget: 0.0,
            budget_duration: None,
            page_rules: crate::PageRules::default(),
            alerting_threshold: 600.0,
            journal_dir: None,
            journal_sync_seconds: 1.0,
            rate_limit_window: 60.0,
            session_iterations_ttl: 3600,
            session_budget_ttl: 3600,
            allow_requests_on_db_unavailable: false,
            allowed_routes: Vec::new(),
            admin_only_routes: Vec::new(),
            timezone: None,
            budget_reset_time: None,
            budget_rollover: false,
            max_end_user_budget_id: None,
            max_end_user_budget: None,
            enforce_user_param: false,
            reject_clientside_metadata_tags: false,
            disable_key_name: false,
            entry: crate::EntrySettings::default(),
        }
    }
}

impl AccountsSettings {
    /// Seals and opens secrets of the database; nothing without a salt key and a master key.
    #[must_use]
    pub fn seal(&self) -> Option<Seal> {
        let key = self.salt_key.as_ref().or(self.master_key.as_ref()).filter(|key| !key.is_empty())?;
        Some(Seal::new(key.expose(), self.encryption_algorithm))
    }

    /// Seconds as a duration; nonsense counts as nothing.
    pub(crate) fn seconds(seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// The same in milliseconds.
    pub(crate) fn millis(seconds: f64) -> u64 {
        u64::try_from(Self::seconds(seconds).as_millis()).unwrap_or(u64::MAX)
    }

    /// The proxy's budget, if there is one.
    pub(crate) fn proxy_budget(&self) -> Option<f64> {
        (self.max_budget.is_finite() && self.max_budget > 0.0).then_some(self.max_budget)
    }
}
