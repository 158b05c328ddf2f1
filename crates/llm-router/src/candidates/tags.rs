//! Tag routing: which deployments a request with these tags may use.

use std::fmt;
use std::sync::Arc;

use crate::{Deployment, RouteRequest, Router};

/// A pattern on `Header: value` strings.
#[derive(Clone)]
pub struct TagPattern(regex::Regex);

/// Bytes that a compiled pattern may take.
const LARGEST: usize = 1 << 20;

impl TagPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let built = regex::RegexBuilder::new(text).size_limit(LARGEST).build();
        built.map(Self).map_err(|e| e.to_string().lines().last().unwrap_or_default().trim().to_owned())
    }

    fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl fmt::Debug for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_str(), f)
    }
}

/// The tag of deployments that serve requests without a match.
const DEFAULT: &str = "default";

/// The tags of a request, sorted by what they ask.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    /// `&tag`
    required: Vec<&'a str>,
    /// `!tag`
    excluded: Vec<&'a str>,
    /// The others: one of them, or all, must match.
    positive: Vec<&'a str>,
    /// Of required and excluded ones, those that policy put there.
    kept: Vec<&'a str>,
    /// `User-Agent: ...`, where it matters.
    header: Option<String>,
    match_any: bool,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(request: &'a RouteRequest, match_any: bool, prefix: &str) -> Self {
        let mut out = Self { match_any, ..Self::default() };
        for tag in request.tags.iter() {
            let tag = tag.strip_prefix(prefix).unwrap_or(tag);
            match (tag.strip_prefix('&'), tag.strip_prefix('!')) {
                (Some(tag), _) if !tag.is_empty() => out.required.push(tag),
                (_, Some(tag)) if !tag.is_empty() => out.excluded.push(tag),
                (None, None) => out.positive.push(tag),
                _ => {}
            }
        }
        let inherited = request.inherited_tags.iter().map(|t| t.strip_prefix(prefix).unwrap_or(t));
        out.kept = inherited.filter_map(|t| t.strip_prefix(['&', '!'])).collect();
        out.header = request.user_agent.as_ref().map(|agent| format!("User-Agent: {agent}"));
        out
    }

    fn passes(&self, d: &Deployment) -> bool {
        !has_any(d, &self.excluded) && self.required.iter().all(|t| has(d, t))
    }

    /// A constraint that nobody satisfies may be given up, but never one of policy.
    fn passes_policy(&self, d: &Deployment) -> bool {
        let policy = |t: &&&str| self.kept.contains(*t);
        !self.excluded.iter().filter(policy).any(|t| has(d, t))
            && self.required.iter().filter(policy).all(|t| has(d, t))
    }

    /// A tag in common (or all tags of the request), else a pattern. Where all tags must match, a pattern does not stand in
    /// for tags.
    fn matches(&self, d: &Deployment) -> bool {
        if !d.tags.is_empty() && !self.positive.is_empty() {
            let tags = match self.match_any {
                true => self.positive.iter().any(|t| has(d, t)),
                false => self.positive.iter().all(|t| has(d, t)),
            };
            if tags {
                return true;
            }
        }
        let strict = !self.match_any && !d.tags.is_empty();
        let header = self.header.as_deref().filter(|_| !strict);
        header.is_some_and(|h| d.tag_regex.iter().any(|p| p.matches(h)))
    }
}

fn has(d: &Deployment, tag: &str) -> bool {
    d.tags.iter().any(|t| &**t == tag)
}

fn has_any(d: &Deployment, tags: &[&str]) -> bool {
    tags.iter().any(|t| has(d, t))
}

impl Router {
    /// Whether tags count for this request in a group: key or team may switch it on, else the group's own setting, else
    /// the router's.
    pub(super) fn filters_tags(&self, request: &RouteRequest, group: &[usize]) -> bool {
        if request.settings.as_ref().and_then(|s| s.enable_tag_filtering) == Some(true) {
            return true;
        }
        let own = || group.iter().find_map(|&at| self.deployments.get(at)?.enable_tag_filtering);
        (if self.group_tags { own() } else { None }).or(self.settings.enable_tag_filtering) == Some(true)
    }

    /// The positions of the candidates that the tags allow; nothing when there is none and the request is refused.
    pub(super) fn tagged(&self, request: &RouteRequest, candidates: &[usize], group: &[usize]) -> Option<Vec<usize>> {
        let match_any = self.settings.tag_filtering_match_any != Some(false);
        let wanted = Wanted::of(request, match_any, self.settings.tag_routing_prefix.as_deref().unwrap_or_default());
        let all: Vec<(usize, &Arc<Deployment>)> =
            candidates.iter().filter_map(|&at| Some((at, self.deployments.get(at)?))).collect();
        let allowed: Vec<_> = all.iter().filter(|(_, d)| wanted.passes(d)).copied().collect();
        let patterns = wanted.header.is_some() && wanted.required.is_empty();
        let by_pattern = patterns && allowed.iter().any(|(_, d)| !d.tag_regex.is_empty());
        let constrained = !wanted.required.is_empty() || !wanted.excluded.is_empty();
        if wanted.positive.is_empty() && !by_pattern {
            return match (constrained, wanted.required.is_empty()) {
                (false, _) => Some(positions(&pool(&all))),
                (true, true) => {
                    let kept: Vec<_> = pool(&all).into_iter().filter(|(_, d)| wanted.passes(d)).collect();
                    self.or_open(kept, &all, &wanted)
                }
                (true, false) => self.or_open(allowed, &all, &wanted),
            };
        }
        let matched: Vec<_> = allowed.iter().filter(|(_, d)| wanted.matches(d)).copied().collect();
        if !matched.is_empty() {
            return Some(positions(&matched));
        }
        let default: Vec<_> = allowed.iter().filter(|(_, d)| has(d, DEFAULT)).copied().collect();
        // A tag of the group whose deployments are down is no reason to go elsewhere.
        let known = |at: &usize| self.deployments.get(*at).is_some_and(|d| has_any(d, &wanted.positive));
        if default.is_empty() || group.iter().any(known) {
            return self.or_open(Vec::new(), &all, &wanted);
        }
        Some(positions(&default))
    }

    /// What is left, or, where the group may fail open, the default pool of those that policy allows.
    fn or_open(
        &self,
        left: Vec<(usize, &Arc<Deployment>)>,
        all: &[(usize, &Arc<Deployment>)],
        wanted: &Wanted<'_>,
    ) -> Option<Vec<usize>> {
        if !left.is_empty() {
            return Some(positions(&left));
        }
        if !all.iter().any(|(_, d)| d.allow_fail_open) {
            return None;
        }
        let trusted: Vec<_> = all.iter().filter(|(_, d)| wanted.passes_policy(d)).copied().collect();
        (!trusted.is_empty()).then(|| positions(&pool(&trusted)))
    }
}

/// Those with the tag `default`; all when there are none.
fn pool<'d>(all: &[(usize, &'d Arc<Deployment>)]) -> Vec<(usize, &'d Arc<Deployment>)> {
    let default: Vec<_> = all.iter().filter(|(_, d)| has(d, DEFAULT)).copied().collect();
    if default.is_empty() { all.to_vec() } else { default }
}

fn positions(all: &[(usize, &Arc<Deployment>)]) -> Vec<usize> {
    all.iter().map(|(at, _)| *at).collect()
}
