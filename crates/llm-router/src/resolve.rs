//! From the name in a request to a group.

use std::sync::Arc;

use llm_types::Result;

use crate::{Deployment, Group, Pattern, RouteRequest, Router, Scope, note};

/// The group that serves a request, and how its name was found.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The name that was asked for: it stands in messages, headers and cache keys, and its fallbacks are used.
    pub asked: Arc<str>,
    /// The deployments.
    pub group: Arc<Group>,
    /// A deployment was asked for by its id: nothing is filtered.
    pub by_id: bool,
    /// The name that matched a wildcard, and the wildcard.
    wildcard: Option<(Arc<str>, Pattern)>,
}

impl Resolved {
    /// The provider's model name at `deployment`: captures of the wildcard are filled in.
    #[must_use]
    pub fn provider_model(&self, deployment: &Deployment) -> Arc<str> {
        match &self.wildcard {
            Some((name, pattern)) if deployment.model.contains('*') => {
                pattern.substitute(name, &deployment.model).into()
            }
            _ => Arc::clone(&deployment.model),
        }
    }

    /// The group's name, where all of the group is meant: not one deployment, not one of the models behind a wildcard.
    pub(crate) fn whole_group(&self) -> Option<&Arc<str>> {
        (!self.by_id && self.wildcard.is_none()).then_some(&self.group.name)
    }
}

impl Router {
    /// Finds the group for a requested name. In order: alias, name of the caller's team, group, deployment id, the most
    /// specific wildcard (also with the inferred provider before the name), provider's model name, the first of the
    /// default fallbacks.
    ///
    /// # Errors
    /// `BadRequest` when there is none, with the names that come nearest.
    pub fn resolve(&self, requested: &str, who: &Scope) -> Result<Resolved> {
        self.resolve_request(&RouteRequest { who: who.clone(), ..RouteRequest::new(requested) })
    }

    /// As [`Self::resolve`], with the aliases and default fallbacks of the caller's own settings.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_request(&self, request: &RouteRequest) -> Result<Resolved> {
        self.find(&request.model, request).or_else(|| self.default_fallback(request)).ok_or_else(|| {
            let near = self.nearest(&request.model, &request.who);
            note::unknown_model(&request.model, request.route, &near)
        })
    }

    /// As [`Self::resolve_request`], for a fallback: default fallbacks do not stand in for it.
    pub(crate) fn resolve_fallback(&self, name: &Arc<str>, request: &RouteRequest) -> Result<Resolved> {
        self.find(name, request).ok_or_else(|| note::no_healthy(name))
    }

    fn find(&self, asked: &Arc<str>, request: &RouteRequest) -> Option<Resolved> {
        let alias = request.setting(&self.settings, |s| s.model_group_alias.as_ref()?.get(asked.as_ref()));
        let name = alias.map_or(asked, |a| &a.model);
        let team = request.who.team_id.as_deref();
        let found = |group: &Arc<Group>| Resolved {
            asked: Arc::clone(asked),
            group: Arc::clone(group),
            by_id: false,
            wildcard: None,
        };
        if let Some(group) = team.and_then(|t| self.team_group(t, name)) {
            return Some(found(group));
        }
        if let Some(group) = self.groups.get(name).filter(|g| self.any_visible(g, team)) {
            return Some(found(group));
        }
        if let Some(&at) = self.ids.get(name)
            && let Some(d) = self.deployments.get(at).filter(|d| d.visible_to(team))
        {
            let group = Arc::new(Group::of(Arc::clone(&d.group), vec![at]));
            return Some(Resolved { by_id: true, ..found(&group) });
        }
        self.wildcard(name, team)
            .map(|(name, pattern, group)| Resolved { wildcard: Some((name, pattern.clone())), ..found(group) })
            .or_else(|| self.models.get(name).filter(|g| self.any_visible(g, team)).map(found))
    }

    fn wildcard(&self, name: &Arc<str>, team: Option<&str>) -> Option<(Arc<str>, &Pattern, &Arc<Group>)> {
        if self.patterns.is_empty() {
            return None;
        }
        let search = |name: &str| {
            self.patterns
                .iter()
                .find(|(p, group)| p.matches(name) && self.any_visible(group, team))
                .map(|(p, g)| (p, g))
        };
        if let Some((pattern, group)) = search(name) {
            return Some((Arc::clone(name), pattern, group));
        }
        let full: Arc<str> = format!("{}/{name}", self.provider_of.as_ref()?.ask(name)?).into();
        search(&full).map(|(pattern, group)| (full, pattern, group))
    }

    fn default_fallback(&self, request: &RouteRequest) -> Option<Resolved> {
        let names = request.setting(&self.settings, |s| s.default_fallbacks.as_deref().filter(|n| !n.is_empty()))?;
        self.find(&names.first()?.as_str().into(), request)
    }

    fn any_visible(&self, group: &Group, team: Option<&str>) -> bool {
        self.members(group).any(|d| d.visible_to(team))
    }

    /// Up to three names that the caller may use and that differ little from `name`.
    fn nearest(&self, name: &str, who: &Scope) -> Vec<Arc<str>> {
        let allowed = |n: &str| who.admit.as_ref().is_none_or(|a| a.allows(n));
        let aliases = self.settings.model_group_alias.iter().flatten().filter(|(_, a)| !a.hidden);
        let aliases = aliases.map(|(alias, _)| Arc::<str>::from(alias.as_str()));
        let team = who.team_id.as_deref();
        let own = team.and_then(|t| self.team_groups.get(t)).into_iter().flat_map(|groups| groups.keys().cloned());
        let plain = self.groups().filter(|g| self.any_visible(g, team)).map(|g| Arc::clone(&g.name));
        let mut scored: Vec<_> = plain
            .chain(own)
            .chain(aliases)
            .filter(|n| !n.contains('*'))
            .filter_map(|n| {
                let far = distance(name, &n);
                (far <= name.len().max(n.len()) / 2).then_some((far, n))
            })
            .filter(|(_, n)| allowed(n))
            .collect();
        scored.sort();
        scored.dedup();
        scored.into_iter().take(3).map(|(_, n)| n).collect()
    }
}

/// Levenshtein's distance over bytes, cut off for long names.
fn distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 128;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let next = (diagonal + usize::from(!x.eq_ignore_ascii_case(&y))).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, next);
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("gpt-4o", "GPT-4o"), 0);
        assert_eq!(distance("gpt-4o", "gpt-4"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
