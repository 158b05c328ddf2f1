//! `router_settings`, under LiteLLM's names. All fields are optional: a key or a team may override single ones.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::{
    AllowedFailsPolicy, BudgetConfig, Fallback, FallbackLists, Hedging, Phases, RetryBudget, RetryPolicy, StrategyArgs,
};

/// Settings of the router. `None` everywhere means LiteLLM's default, which the methods know.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are those of LiteLLM's router_settings; the methods say what absence means")]
pub struct RouterSettings {
    pub routing_strategy: Option<String>,
    pub routing_strategy_args: Option<StrategyArgs>,
    pub routing_groups: Option<Vec<RoutingGroup>>,
    pub num_retries: Option<u32>,
    pub timeout: Option<Seconds>,
    pub stream_timeout: Option<Seconds>,
    /// Ours: limits of single phases.
    pub phase_timeouts: Option<Phases>,
    /// `litellm_settings.request_timeout`
    pub request_timeout: Option<Seconds>,
    /// Least wait between retries.
    pub retry_after: Option<Seconds>,
    pub max_fallbacks: Option<u32>,
    pub fallbacks: Option<FallbackLists>,
    pub default_fallbacks: Option<Vec<String>>,
    pub context_window_fallbacks: Option<FallbackLists>,
    pub content_policy_fallbacks: Option<FallbackLists>,
    pub allowed_fails: Option<u32>,
    pub allowed_fails_policy: Option<AllowedFailsPolicy>,
    pub retry_policy: Option<RetryPolicy>,
    pub model_group_retry_policy: Option<BTreeMap<String, RetryPolicy>>,
    pub cooldown_time: Option<Seconds>,
    pub disable_cooldowns: Option<bool>,
    pub model_group_alias: Option<BTreeMap<String, Alias>>,
    pub enable_pre_call_checks: Option<bool>,
    pub optional_pre_call_checks: Option<Vec<String>>,
    pub deployment_affinity_ttl_seconds: Option<Seconds>,
    /// Group → checks of affinity that hold for it, instead of those of `optional_pre_call_checks`.
    pub model_group_affinity_config: Option<BTreeMap<String, Vec<String>>>,
    pub enable_tag_filtering: Option<bool>,
    pub tag_filtering_match_any: Option<bool>,
    pub tag_routing_prefix: Option<String>,
    pub provider_budget_config: Option<BTreeMap<String, BudgetConfig>>,
    /// `litellm_settings.tag_budget_config`
    pub tag_budget_config: Option<BTreeMap<String, BudgetConfig>>,
    pub default_priority: Option<i64>,
    /// Ours: how far retries and hedges may multiply calls; nothing: as far as they like, as in LiteLLM.
    pub retry_budget: Option<RetryBudget>,
    /// Ours: a second call when the first is late; nothing: never.
    pub hedging: Option<Hedging>,
    pub enable_health_check_routing: Option<bool>,
    /// `litellm_settings.drop_params`
    pub drop_params: Option<bool>,
    pub enable_weighted_failover: Option<bool>,
    /// Group → deployment id → weight.
    pub weights: Option<BTreeMap<String, BTreeMap<String, f64>>>,
    pub default_max_parallel_requests: Option<u32>,
    pub default_litellm_params: Option<DefaultParams>,
    /// `litellm_settings.expose_router_debug_in_errors`
    pub expose_router_debug_in_errors: Option<bool>,
}

/// What `default_litellm_params` says about time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct DefaultParams {
    pub timeout: Option<Seconds>,
    pub stream_timeout: Option<Seconds>,
}

/// Groups that have a strategy of their own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct RoutingGroup {
    pub group_name: String,
    /// Names of the groups.
    pub models: Vec<String>,
    pub routing_strategy: Option<String>,
    pub routing_strategy_args: Option<StrategyArgs>,
    /// With the strategy `priority`: the order of each model's deployments, the lowest first.
    pub model_priorities: Option<BTreeMap<String, i64>>,
}

impl RoutingGroup {
    /// LiteLLM's name for a group that is ordered by `model_priorities`. It holds where the group is called by its name only,
    /// and the router's strategy chooses among models of the same priority.
    pub const PRIORITY: &'static str = "priority";

    /// The priorities, where the strategy says that they hold.
    pub(crate) fn priorities(&self) -> Option<&BTreeMap<String, i64>> {
        self.model_priorities.as_ref().filter(|_| self.routing_strategy.as_deref() == Some(Self::PRIORITY))
    }
}

/// An alias of a group: `"group"` or `{"model": "group", "hidden": true}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The group it stands for.
    pub model: Arc<str>,
    /// Not listed among the models.
    pub hidden: bool,
}

impl<'de> Deserialize<'de> for Alias {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Name(Arc<str>),
            Object {
                model: Arc<str>,
                #[serde(default)]
                hidden: bool,
            },
        }
        Ok(match Form::deserialize(d)? {
            Form::Name(model) => Self { model, hidden: false },
            Form::Object { model, hidden } => Self { model, hidden },
        })
    }
}

/// A time in seconds: a number, or a text with a number in it (values from the environment are texts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct SecondsVisitor;
        impl de::Visitor<'_> for SecondsVisitor {
            type Value = Seconds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds")
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Seconds, E> {
                Duration::try_from_secs_f64(v)
                    .map(Seconds)
                    .map_err(|_| E::invalid_value(de::Unexpected::Float(v), &self))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Seconds, E> {
                Ok(Seconds(Duration::from_secs(v)))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Seconds, E> {
                u64::try_from(v)
                    .map(|v| Seconds(Duration::from_secs(v)))
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(v), &self))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Seconds, E> {
                let number = v.trim().parse::<f64>().map_err(|_| E::invalid_value(de::Unexpected::Str(v), &self))?;
                self.visit_f64(number)
            }
        }
        d.deserialize_any(SecondsVisitor)
    }
}

impl RouterSettings {
    /// Retries within a group: 2.
    #[must_use]
    pub fn num_retries(&self) -> u32 {
        self.num_retries.unwrap_or(2)
    }

    /// Hops from group to group: 5.
    #[must_use]
    pub fn max_fallbacks(&self) -> u32 {
        self.max_fallbacks.unwrap_or(5)
    }

    /// Rest of a deployment after a failure: 5 s.
    #[must_use]
    pub fn cooldown_time(&self) -> Duration {
        self.cooldown_time.map_or(Duration::from_secs(5), |s| s.0)
    }

    /// The general fallbacks; `default_fallbacks` stand under `*`, behind the others.
    #[must_use]
    pub fn all_fallbacks(&self) -> FallbackLists {
        let mut lists = self.fallbacks.clone().unwrap_or_default();
        if let Some(names) = self.default_fallbacks.as_deref().filter(|n| !n.is_empty()) {
            lists.push("*", names.iter().map(|n| Fallback::to(n.as_str())).collect::<Vec<_>>());
        }
        lists
    }

    /// True when one of `optional_pre_call_checks` has this name.
    #[must_use]
    pub fn checks(&self, name: &str) -> bool {
        self.optional_pre_call_checks.as_deref().unwrap_or_default().iter().any(|c| c == name)
    }

    /// True when deployments over their own `rpm` and `tpm` are never used.
    #[must_use]
    pub fn enforces_rate_limits(&self) -> bool {
        self.checks("enforce_model_rate_limits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_under_litellms_names() {
        let s: RouterSettings = serde_json::from_str(
            r#"{"routing_strategy":"simple-shuffle","num_retries":3,"timeout":"30","stream_timeout":0.5,"unknown":1,
                "fallbacks":[{"a":["b"]}],"default_fallbacks":["z"],"model_group_alias":{"x":"a","y":{"model":"b","hidden":true}},
                "model_group_retry_policy":{"a":{"TimeoutErrorRetries":1}},"weights":{"a":{"id1":2}}}"#,
        )
        .unwrap();
        assert_eq!((s.num_retries(), s.max_fallbacks(), s.cooldown_time()), (3, 5, Duration::from_secs(5)));
        assert_eq!(
            (s.timeout, s.stream_timeout),
            (Some(Seconds(Duration::from_secs(30))), Some(Seconds(Duration::from_millis(500))))
        );
        assert_eq!(s.all_fallbacks().python(), "[{'a': ['b']}, {'*': ['z']}]");
        assert_eq!(s.model_group_alias.unwrap()["y"], Alias { model: "b".into(), hidden: true });
        assert!(serde_json::from_str::<RouterSettings>(r#"{"timeout":-1}"#).is_err());
    }
}
