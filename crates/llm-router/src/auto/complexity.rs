//! complexity_router: a weighted sum of signs of difficulty, mapped to tiers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::words::hits;
use super::{Asked, AutoChoice, How};

/// How hard a request looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Tier {
    /// Below the first boundary.
    Simple,
    /// Below the second.
    Medium,
    /// Below the third.
    Complex,
    /// Above, or the user asks twice for reasoning.
    Reasoning,
}

impl Tier {
    /// LiteLLM's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Medium => "MEDIUM",
            Self::Complex => "COMPLEX",
            Self::Reasoning => "REASONING",
        }
    }
}

/// One model, or several among which one is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TierModels {
    /// One.
    One(Arc<str>),
    /// Several.
    Many(Vec<Arc<str>>),
}

/// `complexity_router_config`, under LiteLLM's names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct Complexity {
    pub tiers: BTreeMap<Tier, TierModels>,
    pub tier_boundaries: BTreeMap<String, f64>,
    pub token_thresholds: BTreeMap<String, f64>,
    pub dimension_weights: BTreeMap<String, f64>,
    pub code_keywords: Option<Vec<String>>,
    pub reasoning_keywords: Option<Vec<String>>,
    pub technical_keywords: Option<Vec<String>>,
    pub simple_keywords: Option<Vec<String>>,
    pub default_model: Option<Arc<str>>,
}

/// Where a tier ends and the next begins, where the configuration does not say otherwise; LiteLLM's.
pub const TIER_BOUNDARIES: [(&str, f64); 3] =
    [("simple_medium", 0.15), ("medium_complex", 0.35), ("complex_reasoning", 0.60)];
/// Tokens below which a request counts as simple, and above which as complex.
pub const TOKEN_THRESHOLDS: [(&str, f64); 2] = [("simple", 15.0), ("complex", 400.0)];
/// How much each sign weighs.
pub const DIMENSION_WEIGHTS: [(&str, f64); 7] = [
    ("tokenCount", 0.10),
    ("codePresence", 0.30),
    ("reasoningMarkers", 0.25),
    ("technicalTerms", 0.25),
    ("simpleIndicators", 0.05),
    ("multiStepPatterns", 0.03),
    ("questionComplexity", 0.02),
];

/// A figure that the configuration gives, else the usual one.
fn figure(given: &BTreeMap<String, f64>, usual: &[(&str, f64)], name: &str) -> f64 {
    let usual = || usual.iter().find(|(known, _)| *known == name).map(|(_, figure)| *figure);
    given.get(name).copied().or_else(usual).unwrap_or_default()
}

/// Words of programs and of what is done with them.
const CODE: &[&str] = &[
    "function",
    "class",
    "def",
    "const",
    "let",
    "var",
    "import",
    "export",
    "return",
    "async",
    "await",
    "lambda",
    "struct",
    "enum",
    "interface",
    "typescript",
    "javascript",
    "python",
    "rust",
    "java",
    "golang",
    "sql",
    "regex",
    "database",
    "api",
    "endpoint",
    "docker",
    "kubernetes",
    "git",
    "debug",
    "compile",
    "implement",
    "refactor",
    "optimize",
    "unit test",
    "stack trace",
    "exception",
    "bug",
    "code",
    "script",
    "```",
];
/// Requests to think.
const REASONING: &[&str] = &[
    "step by step",
    "think through",
    "reason through",
    "analyze",
    "analyse",
    "explain why",
    "derive",
    "prove",
    "proof",
    "trade-off",
    "tradeoff",
    "pros and cons",
    "compare and contrast",
    "evaluate",
    "justify",
    "critique",
    "work out",
    "think carefully",
    "reasoning",
];
/// Subjects that need knowledge.
const TECHNICAL: &[&str] = &[
    "algorithm",
    "architecture",
    "distributed",
    "consensus",
    "concurrency",
    "latency",
    "throughput",
    "scalability",
    "microservice",
    "encryption",
    "cryptography",
    "authentication",
    "protocol",
    "neural network",
    "machine learning",
    "gradient",
    "statistics",
    "probability",
    "differential",
    "integral",
    "matrix",
    "theorem",
    "quantum",
    "compiler",
    "kernel",
    "transaction",
    "replication",
    "sharding",
    "performance",
    "complexity",
    "optimization",
];
/// Questions that a sentence answers.
const SIMPLE: &[&str] = &[
    "what is",
    "what's",
    "who is",
    "when is",
    "when was",
    "where is",
    "define",
    "definition of",
    "meaning of",
    "translate",
    "spell",
    "hello",
    "hi",
    "thanks",
    "thank you",
    "how are you",
];
/// Words after which more steps come.
const STEPS: &[&str] = &["first", "then", "next", "after that", "finally", "step 1", "1.", "1)"];

const BYTES_PER_TOKEN: usize = 4;

impl Complexity {
    /// The tier of a request, and its score.
    #[must_use]
    pub fn judge(&self, asked: &Asked) -> (Tier, f64) {
        let user = asked.user.to_lowercase();
        let all = format!("{} {user}", asked.system.to_lowercase());
        let reasons = hits(&user, self.reasoning_keywords.as_deref(), REASONING);
        let stage = |hits: usize, one: (usize, f64), two: (usize, f64)| match hits {
            n if n >= two.0 => two.1,
            n if n >= one.0 => one.1,
            _ => 0.0,
        };
        let parts = [
            ("tokenCount", self.length(&asked.user)),
            ("codePresence", stage(hits(&all, self.code_keywords.as_deref(), CODE), (1, 0.5), (2, 1.0))),
            ("reasoningMarkers", stage(reasons, (1, 0.7), (2, 1.0))),
            ("technicalTerms", stage(hits(&all, self.technical_keywords.as_deref(), TECHNICAL), (2, 0.5), (4, 1.0))),
            ("simpleIndicators", -stage(hits(&all, self.simple_keywords.as_deref(), SIMPLE), (1, 1.0), (1, 1.0))),
            ("multiStepPatterns", if hits(&all, None, STEPS) >= 2 { 0.5 } else { 0.0 }),
            ("questionComplexity", if asked.user.matches('?').count() > 3 { 0.5 } else { 0.0 }),
        ];
        let weight = |name: &str| figure(&self.dimension_weights, &DIMENSION_WEIGHTS, name);
        let score: f64 = parts.iter().map(|(name, value)| weight(name) * value).sum();
        let border = |name: &str| self.boundary(name);
        let tier = match () {
            () if reasons >= 2 => Tier::Reasoning,
            () if score < border("simple_medium") => Tier::Simple,
            () if score < border("medium_complex") => Tier::Medium,
            () if score < border("complex_reasoning") => Tier::Complex,
            () => Tier::Reasoning,
        };
        (tier, score)
    }

    /// Where a tier ends, by the name of the boundary.
    #[must_use]
    pub fn boundary(&self, name: &str) -> f64 {
        figure(&self.tier_boundaries, &TIER_BOUNDARIES, name)
    }

    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    fn length(&self, text: &str) -> f64 {
        let threshold = |name: &str| figure(&self.token_thresholds, &TOKEN_THRESHOLDS, name);
        match (text.len() / BYTES_PER_TOKEN) as f64 {
            n if n < threshold("simple") => -1.0,
            n if n > threshold("complex") => 1.0,
            _ => 0.0,
        }
    }

    /// The group for a request: of its tier, else the default, else of the nearest tier that has one.
    #[must_use]
    pub fn choose(&self, asked: &Asked, seed: Option<u64>) -> Option<AutoChoice> {
        let (tier, score) = self.judge(asked);
        let of = |tier: &Tier| match self.tiers.get(tier)? {
            TierModels::One(model) => Some(Arc::clone(model)),
            TierModels::Many(models) => models.get(super::rng(seed).below(models.len())).cloned(),
        };
        let upward = || self.tiers.keys().filter(|t| **t > tier).find_map(of);
        let downward = || self.tiers.keys().rev().find_map(of);
        let model = of(&tier).or_else(|| self.default_model.clone()).or_else(upward).or_else(downward)?;
        Some(AutoChoice { model, how: How::Complexity { tier, score } })
    }

    pub(super) fn targets(&self) -> Vec<Arc<str>> {
        let of = |models: &TierModels| match models {
            TierModels::One(model) => vec![Arc::clone(model)],
            TierModels::Many(models) => models.clone(),
        };
        self.tiers.values().flat_map(of).chain(self.default_model.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(json: &str) -> Complexity {
        serde_json::from_str(json).unwrap()
    }

    fn asked(user: &str) -> Asked {
        Asked { user: user.into(), ..Asked::default() }
    }

    #[test]
    fn the_score_is_the_weighted_sum() {
        let r = router("{}");
        let score = |text: &str| (r.judge(&asked(text)).1 * 1000.0).round() / 1000.0;
        assert_eq!(score("What is 2+2?"), -0.15, "short (-0.10) and simple (-0.05)");
        assert_eq!(score("Please have a look at this piece of text and tell me how it reads to you"), 0.0);
        let code = "Please write me a python function that does what was said in the meeting yesterday";
        assert_eq!(score(code), 0.3);
        let one = "Please write me a nice python thing that does what was said in the meeting yesterday";
        assert_eq!(score(one), 0.15);
        let all =
            "Implement a function for a distributed consensus algorithm with replication, and prove that it terminates";
        assert_eq!(score(all), 0.725, "0.30 + 0.7 · 0.25 + 0.25");
        assert_eq!(
            score("Why is this so here? And that there? What of those? Whence do they come, and whither?"),
            0.01
        );
    }

    #[test]
    fn tiers_follow_the_boundaries_and_two_markers_force_reasoning() {
        let r = router(r#"{"tiers":{"SIMPLE":"s","MEDIUM":"m","COMPLEX":["c1","c2"],"REASONING":"r"}}"#);
        let model = |text: &str| {
            let choice = r.choose(&asked(text), Some(1)).unwrap();
            let How::Complexity { tier, .. } = choice.how else { panic!("{choice:?}") };
            (choice.model.to_string(), tier)
        };
        assert_eq!(model("hi"), ("s".to_owned(), Tier::Simple));
        let one = "Please write me a nice python thing that does what was said in the meeting yesterday";
        assert_eq!(model(one).1, Tier::Medium, "0.15 is not below 0.15");
        let two = "Think step by step and analyze what I had for breakfast";
        assert_eq!(model(two), ("r".to_owned(), Tier::Reasoning));
        let system = Asked { system: "Think step by step and analyze everything".into(), ..asked("hi") };
        assert_eq!(r.judge(&system).0, Tier::Simple, "the system prompt forces nothing");
        let moved = router(r#"{"tier_boundaries":{"simple_medium":-1},"tiers":{"SIMPLE":"s"},"default_model":"d"}"#);
        assert_eq!(&*moved.choose(&asked("hi"), None).unwrap().model, "d");
        let gaps = router(r#"{"tiers":{"COMPLEX":"c"}}"#);
        assert_eq!(&*gaps.choose(&asked("hi"), None).unwrap().model, "c");
        assert!(router("{}").choose(&asked("hi"), None).is_none());
        assert_eq!(r.targets().len(), 5);
    }
}
