//! Budgets of providers, deployments and tags: whoever has spent his is not chosen any more.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, de};

use crate::state::Purse;
use crate::{Deployment, RouteRequest, RouterSettings, RouterState};

/// A budget: US dollars per period. LiteLLM has two names for each.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BudgetConfig {
    /// US dollars; nothing or 0: no limit.
    #[serde(alias = "budget_limit", default)]
    pub max_budget: Option<f64>,
    /// How long a window lasts.
    #[serde(alias = "time_period", default)]
    pub budget_duration: Option<Period>,
}

/// A period as LiteLLM writes it: `30s`, `10m`, `2h`, `1d`, `1w`, `1mo` (30 days).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// As it was written: it stands in the names of shared counters.
    pub text: Arc<str>,
    /// How long it is.
    pub time: Duration,
}

impl Period {
    /// Reads a period.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let seconds: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            "mo" => 30 * 86_400,
            _ => 0,
        };
        match number.parse::<u64>().ok().and_then(|n| n.checked_mul(seconds)).filter(|n| *n > 0) {
            Some(seconds) => Ok(Self { text: trimmed.into(), time: Duration::from_secs(seconds) }),
            None => Err(format!("expected a period such as 30s, 10m, 2h, 1d, 1w or 1mo, found {text:?}")),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

/// Whose money it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Provider(Arc<str>),
    Deployment(Arc<str>),
    Tag(Arc<str>),
}

/// A budget and what was spent of it.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    pub(crate) owner: Owner,
    limit: u64,
    /// How long its window is.
    period: Arc<str>,
    pub(crate) purse: Arc<Purse>,
}

impl Allowance {
    fn of(owner: Owner, config: &BudgetConfig, state: &RouterState) -> Option<Self> {
        let limit = config.max_budget.filter(|usd| *usd > 0.0).map(nano_dollars)?;
        let period = config.budget_duration.as_ref()?;
        let (kind, name) = match &owner {
            Owner::Provider(name) => ("provider", name),
            Owner::Deployment(name) => ("deployment", name),
            Owner::Tag(name) => ("tag", name),
        };
        let purse = state.purse(&format!("{kind}_spend:{name}:{period}"), period.time);
        Some(Self { owner, limit, period: period.to_string().into(), purse })
    }

    fn spent_up(&self, unix_ms: u64) -> bool {
        self.purse.spent(unix_ms) >= self.limit
    }

    /// What LiteLLM says of it.
    pub(crate) fn told(&self, unix_ms: u64) -> String {
        let (kind, name) = match &self.owner {
            Owner::Provider(name) => ("provider", name),
            Owner::Deployment(name) => ("deployment", name),
            Owner::Tag(name) => ("tag", name),
        };
        let (spent, limit) = (usd(self.purse.spent(unix_ms)), usd(self.limit));
        format!("Exceeded budget for {kind} {name}: {spent} >= {limit}")
    }
}

/// The budgets of a snapshot; empty when there are none, which costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    /// By position of the deployment.
    deployments: Vec<Box<[Allowance]>>,
    tags: HashMap<Arc<str>, Allowance>,
}

impl Budgets {
    pub(crate) fn new(deployments: &[Arc<Deployment>], settings: &RouterSettings, state: &RouterState) -> Self {
        let providers: HashMap<&str, Allowance> = settings
            .provider_budget_config
            .iter()
            .flatten()
            .filter_map(|(name, config)| {
                Some((name.as_str(), Allowance::of(Owner::Provider(name.as_str().into()), config, state)?))
            })
            .collect();
        let tags: HashMap<Arc<str>, Allowance> = settings
            .tag_budget_config
            .iter()
            .flatten()
            .filter_map(|(tag, config)| {
                let tag: Arc<str> = tag.as_str().into();
                Some((Arc::clone(&tag), Allowance::of(Owner::Tag(tag), config, state)?))
            })
            .collect();
        let of = |d: &Arc<Deployment>| -> Box<[Allowance]> {
            let provider = d.provider.as_deref().and_then(|p| providers.get(p)).cloned();
            let own = d.budget.as_ref().and_then(|b| Allowance::of(Owner::Deployment(Arc::clone(&d.id)), b, state));
            provider.into_iter().chain(own).collect()
        };
        let deployments: Vec<_> = deployments.iter().map(of).collect();
        let some = deployments.iter().any(|a| !a.is_empty());
        Self { deployments: if some { deployments } else { Vec::new() }, tags }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deployments.is_empty() && self.tags.is_empty()
    }

    /// The budget that keeps a deployment from being used for a request, if one does.
    pub(crate) fn stops(&self, at: usize, request: &RouteRequest, unix_ms: u64) -> Option<&Allowance> {
        self.of(at, request).find(|a| a.spent_up(unix_ms))
    }

    /// What a call of this request to a deployment is charged to.
    pub(crate) fn purses(&self, at: usize, request: &RouteRequest) -> Arc<[Arc<Purse>]> {
        if self.is_empty() {
            return Arc::default();
        }
        self.of(at, request).map(|a| Arc::clone(&a.purse)).collect()
    }

    fn of(&self, at: usize, request: &RouteRequest) -> impl Iterator<Item = &Allowance> {
        let tags = if self.tags.is_empty() { &[] } else { &*request.tags };
        let own = self.deployments.get(at).into_iter().flatten();
        own.chain(tags.iter().filter_map(|t| self.tags.get(t)))
    }

    /// Every budget: its name, what was spent, the limit (both in US dollars), and the end of its window in milliseconds
    /// since 1970.
    pub(crate) fn all(&self, state: &RouterState, now: Instant) -> Vec<Spent> {
        let unix_ms = state.unix_ms(now);
        let mut seen: Vec<&Allowance> = Vec::new();
        for a in self.deployments.iter().flatten().chain(self.tags.values()) {
            if !seen.iter().any(|s| s.owner == a.owner) {
                seen.push(a);
            }
        }
        let spent = |a: &&Allowance| Spent {
            owner: match &a.owner {
                Owner::Provider(name) => format!("provider {name}"),
                Owner::Deployment(name) => format!("deployment {name}"),
                Owner::Tag(name) => format!("tag {name}"),
            },
            spent: usd(a.purse.spent(unix_ms)),
            limit: usd(a.limit),
            period: a.period.to_string(),
            ends_ms: a.purse.ends(unix_ms),
        };
        seen.iter().map(spent).collect()
    }
}

/// A budget of the router and its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// `provider openai`, `deployment ID`, `tag TAG`.
    pub owner: String,
    /// US dollars spent in the current window.
    pub spent: f64,
    /// US dollars allowed per window.
    pub limit: f64,
    /// How long the window is: `1d` ...
    pub period: String,
    /// End of the window in milliseconds since 1970; nothing when none runs.
    pub ends_ms: Option<u64>,
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn usd(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Rounded up to one: a budget that is tiny is one all the same.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive sum of money")]
fn nano_dollars(usd: f64) -> u64 {
    ((usd * 1e9).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_litellm_writes_them() {
        let seconds = |text: &str| Period::parse(text).map(|p| p.time.as_secs());
        assert_eq!(
            ["30s", "10m", "2h", "1d", "2w", "1mo"].map(|t| seconds(t).unwrap()),
            [30, 600, 7200, 86_400, 1_209_600, 2_592_000]
        );
        for bad in ["", "d", "1", "1y", "-1d", "0s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        let both: [BudgetConfig; 2] = serde_json::from_str(
            r#"[{"budget_limit":1.5,"time_period":"1d"},{"max_budget":1.5,"budget_duration":"1d"}]"#,
        )
        .unwrap();
        assert_eq!(both[0], both[1]);
    }
}
