//! A caller of several teams: one identity for each, of which one acts; and further limits on a caller.

use std::sync::Arc;

use crate::{Identity, ModelList};

/// The identities of one caller beside the first: a caller of several teams acts for the first that may do what is asked.
#[derive(Debug)]
pub(crate) struct Together {
    /// Every team's, when there are several, the first team's as well.
    pub(crate) others: Box<[Arc<Identity>]>,
    /// For no team.
    pub(crate) alone: Option<Arc<Identity>>,
    /// On which routes the caller acts for a team; empty: on all.
    pub(crate) routes: Vec<String>,
}

impl Identity {
    /// Limits it further, to these models and these routes (empty: all).
    pub(crate) fn fence(&mut self, models: ModelList, routes: Vec<String>) {
        // As far as it has no list of its own this is its list: what a key of it may do is judged by that.
        if self.allowed_routes.is_empty() && self.lists.key.allows_all() {
            self.allowed_routes = routes;
            self.lists.key = models;
        } else if !routes.is_empty() || !models.allows_all() {
            self.fences.push((models, routes));
        }
    }

    /// Who of a caller's identities acts: the first that may use a model known under one of these names.
    #[must_use]
    pub fn acting<'a>(self: &'a Arc<Self>, names: &[&str]) -> &'a Arc<Self> {
        let others = self.together.as_deref().map(|together| &together.others[..]).unwrap_or_default();
        if others.is_empty() || names.iter().all(|name| name.is_empty()) {
            return self;
        }
        let directory = self.directory.load();
        self.acting_where(|who| {
            let aliased = names.first().and_then(|name| who.alias(name, |_| true));
            who.denial(aliased.as_ref().map_or(names, std::slice::from_ref), &directory).is_none()
        })
    }

    /// Who of a caller's identities acts: the first for which it holds.
    #[must_use]
    pub fn acting_where(self: &Arc<Self>, may: impl Fn(&Self) -> bool) -> &Arc<Self> {
        let others = self.together.as_deref().map(|together| &together.others[..]).unwrap_or_default();
        others.iter().find(|who| !who.team_blocked && may(who)).unwrap_or(self)
    }

    /// True when this or another of the caller's identities is one for which it holds.
    pub(crate) fn any(&self, holds: impl Fn(&Self) -> bool) -> bool {
        let together = self.together.as_deref();
        let others = together.into_iter().flat_map(|together| together.others.iter().chain(&together.alone));
        holds(self) || others.into_iter().any(|who| holds(who))
    }

    /// The end user for whom the caller's token was made, if it says that: what a request says of it counts for nothing then.
    #[must_use]
    pub fn end_user(&self) -> Option<&str> {
        self.caller.end_user.as_deref()
    }
}
