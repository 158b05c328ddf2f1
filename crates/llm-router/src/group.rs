//! Model groups: deployments under one public name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::state::DeploymentState;
use crate::{Deployment, Router, Scope};

/// Failures of a deployment in a minute that mean nothing yet (`DYNAMIC_RATE_LIMIT_ERROR_THRESHOLD_PER_MINUTE` of LiteLLM).
const FORGIVEN: u32 = 1;

/// Deployments that serve one public name.
#[derive(Debug, Clone)]
pub struct Group {
    /// The public name; may be a pattern.
    pub name: Arc<str>,
    /// Positions of the members in [`Router::deployments`].
    pub(crate) members: Vec<usize>,
    /// Orders that hold here instead of those of the deployments: `model_priorities` of a routing group.
    pub(crate) orders: BTreeMap<usize, i64>,
}

impl Group {
    pub(crate) const fn of(name: Arc<str>, members: Vec<usize>) -> Self {
        Self { name, members, orders: BTreeMap::new() }
    }
}

/// What a group may do and has done in this minute: the figures of `x-ratelimit-*` headers. A limit is the sum over the
/// deployments that have one; `None` when none has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupRates {
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens used in this minute.
    pub used_tokens: u64,
    /// Requests begun in this minute.
    pub used_requests: u64,
}

impl GroupRates {
    /// Tokens left in this minute.
    #[must_use]
    pub fn remaining_tokens(&self) -> Option<u64> {
        self.tpm.map(|limit| limit.saturating_sub(self.used_tokens))
    }

    /// Requests left in this minute.
    #[must_use]
    pub fn remaining_requests(&self) -> Option<u64> {
        self.rpm.map(|limit| limit.saturating_sub(self.used_requests))
    }
}

impl Router {
    /// True when a group or an alias has exactly this name.
    #[must_use]
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.contains_key(name) || self.settings.model_group_alias.as_ref().is_some_and(|a| a.contains_key(name))
    }

    /// A team's own group of exactly this name: its callers mean that one.
    #[must_use]
    pub fn team_group(&self, team: &str, name: &str) -> Option<&Arc<Group>> {
        self.team_groups.get(team)?.get(name)
    }

    /// Names of the aliases that are listed among the models, sorted.
    pub fn visible_aliases(&self) -> impl Iterator<Item = &str> {
        let aliases = self.settings.model_group_alias.iter().flatten();
        let mut names: Vec<&str> = aliases.filter(|(_, a)| !a.hidden).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// Names of all aliases (`model_group_alias`), hidden ones too.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.settings.model_group_alias.iter().flatten().map(|(name, _)| name.as_str())
    }

    /// True when a group of this name, as a caller of this team sees it, has a deployment in a region.
    #[must_use]
    pub fn runs_in(&self, name: &str, team: Option<&str>, region: &str) -> bool {
        let scope = Scope { team_id: team.map(Arc::from), ..Scope::default() };
        self.resolve(name, &scope)
            .is_ok_and(|found| self.members(&found.group).any(|d| d.visible_to(team) && d.is_in(region)))
    }

    /// The order of the deployment at a position among the members of a group.
    pub(crate) fn order_in(&self, group: &Group, at: usize) -> Option<i64> {
        group.orders.get(&at).copied().or_else(|| self.deployments.get(at)?.order)
    }

    /// True when a group has members of a higher order than this.
    pub(crate) fn goes_above(&self, group: &Group, order: i64) -> bool {
        group.members.iter().any(|&at| self.order_in(group, at).is_some_and(|other| other > order))
    }

    /// True when a deployment of a group failed more than once in the current minute. A name that no group has says nothing:
    /// true.
    #[must_use]
    pub fn group_fails(&self, name: &str, now: Instant) -> bool {
        let minute = self.state.minute(now);
        let fails = |state: &DeploymentState| state.results(minute).1 > FORGIVEN;
        let Ok(found) = self.resolve(name, &Scope::default()) else { return true };
        found.group.members.iter().filter_map(|&at| self.states.get(at)).any(|state| fails(state))
    }

    /// True when the last health check of every deployment of a group failed.
    #[must_use]
    pub fn is_ill(&self, group: &Group) -> bool {
        let mut states = group.members.iter().filter_map(|&at| self.states.get(at)).peekable();
        states.peek().is_some() && states.all(|state| state.unhealthy())
    }

    /// All groups, patterns included, in the order of the configuration. Those of teams are not among them.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.group_order.iter().filter_map(|name| self.groups.get(name))
    }

    /// The deployments of a group.
    pub fn members<'s>(&'s self, group: &'s Group) -> impl Iterator<Item = &'s Arc<Deployment>> {
        group.members.iter().filter_map(|&at| self.deployments.get(at))
    }

    /// The first deployment that a name stands for, as a caller sees it: for what is asked of a model without calling it.
    #[must_use]
    pub fn first(&self, name: &str, who: &Scope) -> Option<&Arc<Deployment>> {
        let resolved = self.resolve(name, who).ok()?;
        resolved.group.members.iter().find_map(|&at| self.deployments.get(at))
    }

    /// Limits of a group and what was used of them in the current minute.
    #[must_use]
    pub fn rates(&self, group: &Group, now: Instant) -> GroupRates {
        let minute = self.state.minute(now);
        let mut rates = GroupRates::default();
        for &at in &group.members {
            let (Some(d), Some(s)) = (self.deployments.get(at), self.states.get(at)) else { continue };
            if let Some(tpm) = d.tpm {
                rates.tpm = Some(rates.tpm.unwrap_or(0).saturating_add(tpm));
            }
            if let Some(rpm) = d.rpm {
                rates.rpm = Some(rates.rpm.unwrap_or(0).saturating_add(rpm));
            }
            rates.used_tokens += u64::from(s.tokens(minute));
            rates.used_requests += u64::from(s.requests(minute));
        }
        rates
    }
}
