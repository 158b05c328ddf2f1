//! Programmed scripts: which requests they answer, and queues of them.

use serde::Deserialize;

use crate::script::Script;

/// Which requests a programmed script answers. Parts left out match everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The requested model (or Azure deployment), exactly.
    pub model: Option<String>,
    /// A part of the path.
    pub path: Option<String>,
    /// A part of the request body.
    pub contains: Option<String>,
    /// Only the n-th request (from 1) that fits the rest, counted from when the script was added.
    pub nth: Option<u64>,
}

impl Match {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests for this model or Azure deployment.
    pub fn model(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// Requests whose path contains this text.
    pub fn path(part: impl Into<String>) -> Self {
        Self { path: Some(part.into()), ..Self::default() }
    }

    /// Only the n-th of them, from 1.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.nth = Some(n);
        self
    }

    fn fits(&self, model: &str, path: &str, body: &[u8]) -> bool {
        self.model.as_deref().is_none_or(|want| want == model)
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && self.contains.as_deref().is_none_or(|part| String::from_utf8_lossy(body).contains(part))
    }
}

#[derive(Debug)]
struct Rule {
    matcher: Match,
    script: Script,
    seen: u64,
    used: u32,
}

/// The programmed scripts in the order they were added.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) fn add(&mut self, matcher: Match, script: Script) {
        self.0.push(Rule { matcher, script, seen: 0, used: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The script of the first rule that fits and is not used up. Every rule that fits counts the request.
    pub(crate) fn take(&mut self, model: &str, path: &str, body: &[u8]) -> Option<Script> {
        let mut chosen = None;
        for rule in self.0.iter_mut().filter(|rule| rule.matcher.fits(model, path, body)) {
            rule.seen += 1;
            let in_turn = rule.matcher.nth.is_none_or(|n| n == rule.seen);
            let left = rule.script.times.is_none_or(|times| rule.used < times);
            if chosen.is_none() && in_turn && left {
                rule.used += 1;
                chosen = Some(rule.script.clone());
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rules: &mut Rules, model: &str, count: usize) -> Vec<Option<String>> {
        (0..count).map(|_| rules.take(model, "/v1/chat/completions", b"{}").and_then(|s| s.text)).collect()
    }

    #[test]
    fn queued_scripts_are_used_once_each() {
        let mut rules = Rules::default();
        rules.add(Match::model("m"), Script::text("one").times(1));
        rules.add(Match::model("m"), Script::text("two").times(1));
        assert_eq!(texts(&mut rules, "m", 3), vec![Some("one".into()), Some("two".into()), None]);
        assert_eq!(texts(&mut rules, "other", 1), vec![None]);
    }

    #[test]
    fn nth_counts_fitting_requests() {
        let mut rules = Rules::default();
        rules.add(Match::model("m").nth(2), Script::text("second"));
        assert!(rules.take("x", "/", b"").is_none());
        assert_eq!(texts(&mut rules, "m", 3), vec![None, Some("second".into()), None]);
    }

    #[test]
    fn path_and_body_parts_must_fit() {
        let mut rules = Rules::default();
        rules.add(Match { contains: Some("blue".into()), ..Match::path("/east/") }, Script::text("hit"));
        assert!(rules.take("m", "/west/v1", b"blue").is_none());
        assert!(rules.take("m", "/east/v1", b"red").is_none());
        assert!(rules.take("m", "/east/v1", b"blue").is_some());
    }
}
