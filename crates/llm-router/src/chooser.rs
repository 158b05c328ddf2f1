//! Which strategy holds for a request: key or team before routing group before router.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::strategy::{Needs, SimpleShuffle};
use crate::{RouteRequest, Router, RouterSettings, Strategy, StrategyArgs, by_name};

/// A strategy, built in or the owner's own.
#[derive(Debug, Clone)]
pub(crate) enum AnyStrategy {
    BuiltIn(&'static dyn Strategy),
    Own(Arc<dyn Strategy>),
}

impl Deref for AnyStrategy {
    type Target = dyn Strategy;
    fn deref(&self) -> &(dyn Strategy + 'static) {
        match self {
            Self::BuiltIn(s) => *s,
            Self::Own(s) => &**s,
        }
    }
}

/// A strategy and what it was told.
#[derive(Debug, Clone)]
pub(crate) struct Chooser {
    pub(crate) strategy: AnyStrategy,
    pub(crate) args: Arc<StrategyArgs>,
}

/// The choosers of a snapshot.
#[derive(Debug)]
pub(crate) struct Choosers {
    pub(crate) default: Chooser,
    groups: HashMap<Arc<str>, Chooser>,
}

impl Choosers {
    /// Those of the settings. `warnings` hears of strategies that nobody knows.
    pub(crate) fn new(settings: &RouterSettings, warnings: &mut Vec<String>) -> Self {
        let mut chooser = |name: Option<&str>, args: Option<&StrategyArgs>| {
            let known = name.map_or(Some(&SimpleShuffle as &'static dyn Strategy), by_name);
            if known.is_none() {
                warnings.push(format!("routing_strategy {name:?} is not known here; simple-shuffle is used"));
            }
            let strategy = AnyStrategy::BuiltIn(known.unwrap_or(&SimpleShuffle));
            Chooser { strategy, args: Arc::new(args.cloned().unwrap_or_default()) }
        };
        let default = chooser(settings.routing_strategy.as_deref(), settings.routing_strategy_args.as_ref());
        let mut groups = HashMap::new();
        for group in settings.routing_groups.iter().flatten().filter(|g| g.priorities().is_none()) {
            let own = chooser(group.routing_strategy.as_deref(), group.routing_strategy_args.as_ref());
            let names = group.models.iter().chain(Some(&group.group_name).filter(|name| !name.is_empty()));
            groups.extend(names.map(|m| (Arc::from(m.as_str()), own.clone())));
        }
        Self { default, groups }
    }

    /// What the strategies look at.
    pub(crate) fn needs(&self) -> Needs {
        self.groups.values().fold(self.default.strategy.needs(), |all, c| all.and(c.strategy.needs()))
    }
}

impl Router {
    /// The chooser for a request in a group.
    pub(crate) fn chooser(&self, request: &RouteRequest, group: &str) -> Chooser {
        let own = request.settings.as_deref();
        if let Some(strategy) = own.and_then(|s| by_name(s.routing_strategy.as_deref()?)) {
            let args = own.and_then(|s| s.routing_strategy_args.clone()).map(Arc::new);
            let args = args.unwrap_or_else(|| Arc::clone(&self.choosers.default.args));
            return Chooser { strategy: AnyStrategy::BuiltIn(strategy), args };
        }
        let grouped = if self.choosers.groups.is_empty() { None } else { self.choosers.groups.get(group) };
        grouped.unwrap_or(&self.choosers.default).clone()
    }

    /// What has to be found out about a request before its decision.
    #[must_use]
    pub fn needs(&self, request: &RouteRequest) -> Needs {
        let own = request.settings.as_deref().and_then(|s| by_name(s.routing_strategy.as_deref()?));
        let mut needs = own.map_or(self.needs, |s| self.needs.and(s.needs()));
        // Fallbacks that a request brings may be auto routers, as those of the configuration.
        needs.asked |= self.has_auto && request.brings_fallbacks();
        needs
    }
}
