//! One way to reach a model.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use llm_types::FieldSet;

use crate::{AffinityKey, AllowedFailsPolicy, AutoRouter, BudgetConfig, Phases, Preferences, TagPattern};

/// One entry of `model_list`: an address, a credential and a provider's model behind a public name. Deployments with the
/// same `group` are balanced. Names and meanings are those of LiteLLM's `litellm_params` and `model_info`.
///
/// Only what choosing needs is here; everything else is the owner's, in `payload`.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `model_info.id`: stable across restarts and reloads, it keys cooldowns and counters.
    pub id: Arc<str>,
    /// `model_name`: the public name; may contain `*`.
    pub group: Arc<str>,
    /// `litellm_params.model`: the provider's name of the model; may contain `*` when the group does.
    pub model: Arc<str>,
    /// Share of traffic under simple-shuffle.
    pub weight: Option<f64>,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Requests per minute of a key that says nothing of the model (`default_api_key_rpm_limit`).
    pub key_rpm: Option<u64>,
    /// Tokens per minute of such a key (`default_api_key_tpm_limit`).
    pub key_tpm: Option<u64>,
    /// Only the lowest order of a group is used; higher ones are tried after it failed.
    pub order: Option<i64>,
    /// Calls at the same time.
    pub max_parallel_requests: Option<u32>,
    /// Rest after a failure; zero: never rests. Overrides the router's and the provider's.
    pub cooldown_time: Option<Duration>,
    /// Failures within the cooldown time that are forgiven.
    pub allowed_fails: Option<u32>,
    /// The same by error class.
    pub allowed_fails_policy: Option<AllowedFailsPolicy>,
    /// Time limit of one attempt (`timeout`, else `request_timeout`).
    pub timeout: Option<Duration>,
    /// Time limit of a streamed attempt, to the first chunk and between chunks.
    pub stream_timeout: Option<Duration>,
    /// Ours: limits of single phases.
    pub phases: Phases,
    /// Retries after a failure of this deployment.
    pub num_retries: Option<u32>,
    /// Tags for tag routing.
    pub tags: Vec<Arc<str>>,
    /// Patterns on `Header: value`, for tag routing.
    pub tag_regex: Vec<TagPattern>,
    /// `model_info.enable_tag_filtering`: holds for the whole group.
    pub enable_tag_filtering: Option<bool>,
    /// `model_info.allow_fail_open`: tags that nobody satisfies are given up instead of refused.
    pub allow_fail_open: bool,
    /// The provider's id, for its budget.
    pub provider: Option<Arc<str>>,
    /// US dollars per input token.
    pub input_price: Option<f64>,
    /// US dollars per output token.
    pub output_price: Option<f64>,
    /// `max_budget` and `budget_duration`.
    pub budget: Option<BudgetConfig>,
    /// Request fields that the model does not take, of those that pre-call checks look at.
    pub lacks: FieldSet,
    /// `drop_params`: such fields are left out instead.
    pub drop_params: Option<bool>,
    /// Where it runs.
    pub region: Option<Arc<str>>,
    /// Prompt tokens that the model can read; for pre-call checks.
    pub max_input_tokens: Option<u64>,
    /// Only this team sees it.
    pub team_id: Option<Arc<str>>,
    /// The name under which its team sees it.
    pub team_public_model_name: Option<Arc<str>>,
    /// Names of access groups that contain it.
    pub access_groups: Vec<Arc<str>>,
    /// Paused by an administrator.
    pub blocked: bool,
    /// A number that follows from the id: strategies that spread by hash use it.
    pub hash: u64,
    /// What it says for auto routers that may choose it.
    pub preferences: Option<Box<Preferences>>,
    /// It is none, but stands for another group.
    pub auto: Option<Arc<AutoRouter>>,
    /// Whatever the owner precomputed for this deployment.
    pub payload: Option<Arc<dyn Any + Send + Sync>>,
}

impl Deployment {
    /// A deployment of `model` under the public name `group`, with nothing else set.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>, group: impl Into<Arc<str>>, model: impl Into<Arc<str>>) -> Self {
        let id = id.into();
        Self {
            hash: AffinityKey::of([id.as_bytes()]).0,
            id,
            group: group.into(),
            model: model.into(),
            weight: None,
            rpm: None,
            tpm: None,
            key_rpm: None,
            key_tpm: None,
            order: None,
            max_parallel_requests: None,
            cooldown_time: None,
            allowed_fails: None,
            allowed_fails_policy: None,
            timeout: None,
            stream_timeout: None,
            phases: Phases::default(),
            num_retries: None,
            tags: Vec::new(),
            tag_regex: Vec::new(),
            enable_tag_filtering: None,
            allow_fail_open: false,
            provider: None,
            input_price: None,
            output_price: None,
            budget: None,
            lacks: FieldSet::EMPTY,
            drop_params: None,
            region: None,
            max_input_tokens: None,
            team_id: None,
            team_public_model_name: None,
            access_groups: Vec::new(),
            blocked: false,
            preferences: None,
            auto: None,
            payload: None,
        }
    }

    /// The owner's payload, if it is a `T`.
    #[must_use]
    pub fn payload<T: Any>(&self) -> Option<&T> {
        self.payload.as_deref()?.downcast_ref()
    }

    /// The name under which clients ask for it.
    #[must_use]
    pub fn public_name(&self) -> &Arc<str> {
        match (&self.team_id, &self.team_public_model_name) {
            (Some(_), Some(name)) => name,
            _ => &self.group,
        }
    }

    /// Calls at the same time: `max_parallel_requests`, else `rpm`, else `tpm / 1000 * 6` (at least 1), else `default`.
    #[must_use]
    pub fn parallel_limit(&self, default: Option<u32>) -> Option<u32> {
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        self.max_parallel_requests
            .or_else(|| self.rpm.map(small))
            .or_else(|| self.tpm.map(|t| small((t.saturating_mul(6) / 1000).max(1))))
            .or(default)
    }

    /// True when it runs in a region: of this name, or for `eu` and `us` one that clouds name so. Where nobody says where it
    /// runs, it does not.
    #[must_use]
    pub fn is_in(&self, wanted: &str) -> bool {
        let Some(region) = self.region.as_deref().map(str::to_ascii_lowercase) else { return false };
        let among = |begins: &[&str], holds: &[&str]| {
            begins.iter().any(|b| region.starts_with(b)) || holds.iter().any(|part| region.contains(part))
        };
        region.eq_ignore_ascii_case(wanted)
            || match wanted {
                // AWS: eu-west-1; Google: europe-west4; Azure: westeurope, and by country
                "eu" => among(
                    &["eu-", "europe"],
                    &[
                        "westeurope",
                        "northeurope",
                        "france",
                        "germany",
                        "sweden",
                        "italy",
                        "poland",
                        "spain",
                        "austria",
                        "belgium",
                        "denmark",
                        "finland",
                        "greece",
                    ],
                ),
                "us" => among(&["us-", "us_", "usgov"], &["eastus", "westus", "centralus"]),
                _ => false,
            }
    }

    /// True when `team` may see it.
    pub(crate) fn visible_to(&self, team: Option<&str>) -> bool {
        self.team_id.as_deref().is_none_or(|own| Some(own) == team)
    }
}
