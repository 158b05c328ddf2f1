//! What kind of request it is, by its words. LiteLLM's kinds, with rules of our own.

use serde::{Deserialize, Serialize};

use crate::auto::words::places;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it; they are LiteLLM's")]
pub enum RequestType {
    CodeGeneration,
    CodeUnderstanding,
    TechnicalDesign,
    AnalyticalReasoning,
    Writing,
    FactualLookup,
    General,
}

/// Bytes of a request that are looked at.
const LOOKED_AT: usize = 2000;

/// The words of one group, then those of the other not further behind than `near` bytes. An empty second group asks for nothing.
struct Rule {
    kind: RequestType,
    first: &'static [&'static str],
    then: &'static [&'static str],
    near: usize,
    /// Nothing but white space may stand before.
    leads: bool,
}

const fn rule(kind: RequestType, first: &'static [&'static str], then: &'static [&'static str], near: usize) -> Rule {
    Rule { kind, first, then, near, leads: false }
}

const MAKE: &[&str] = &["write", "create", "generate", "implement", "build", "code up", "program me"];
const PROGRAMS: &[&str] = &[
    "function",
    "class",
    "method",
    "script",
    "program",
    "api",
    "endpoint",
    "microservice",
    "unit test",
    "regex",
    "python",
    "javascript",
    "typescript",
    "java",
    "rust",
    "go",
    "golang",
    "c++",
    "sql",
    "bash",
    "shell",
];
const LOOK: &[&str] = &["explain", "describe", "understand", "walk me through", "what does", "review", "critique"];
const CODE: &[&str] =
    &["code", "function", "method", "class", "algorithm", "snippet", "pull request", "pr", "diff", "patch", "script"];
const MEND: &[&str] = &["debug", "fix", "why is", "why does", "what's wrong", "what is wrong", "trace"];
const FAULTS: &[&str] = &["error", "bug", "exception", "stack trace", "stacktrace", "traceback", "crash", "segfault"];
const PLAN: &[&str] =
    &["design", "architect", "architecture", "plan", "structure", "should i use", "trade-offs between"];
const SYSTEMS: &[&str] = &[
    "system",
    "service",
    "services",
    "api",
    "database",
    "schema",
    "module",
    "library",
    "framework",
    "postgres",
    "postgresql",
    "mysql",
    "redis",
    "kafka",
    "sql",
    "nosql",
    "protocol",
];
const COMPARE: &[&str] = &["compare", "tradeoffs between", "should i choose", "should i pick"];
const REASON: &[&str] = &["solve", "compute", "calculate", "prove", "derive"];
const SUMS: &[&str] = &["equation", "integral", "derivative", "theorem", "proof", "problem", "sum", "limit"];
const SUPPOSE: &[&str] =
    &["suppose", "assume", "probability", "statistics", "combinatorics", "optimization problem", "expected value"];
const COMPOSE: &[&str] = &["write", "draft", "compose", "rewrite", "edit", "proofread", "polish"];
const TEXTS: &[&str] =
    &["email", "essay", "blog", "post", "article", "letter", "memo", "copy", "paragraph", "sentence", "speech", "poem"];
const TONE: &[&str] = &["make this", "make it", "help me sound"];
const TONES: &[&str] = &["concise", "formal", "casual", "professional", "persuasive", "shorter", "friendlier"];
const FACTS: &[&str] = &[
    "who is",
    "who was",
    "who were",
    "what is",
    "what are",
    "what was",
    "when is",
    "when was",
    "where is",
    "where are",
    "which is",
    "define",
    "definition of",
    "meaning of",
    "how many",
    "how tall",
    "how do you spell",
];
const ANYWHERE: usize = LOOKED_AT;
/// About five words.
const CLOSE: usize = 40;

/// The first rule that holds says it.
static RULES: &[Rule] = &[
    rule(RequestType::CodeGeneration, MAKE, PROGRAMS, CLOSE),
    rule(RequestType::CodeUnderstanding, LOOK, CODE, ANYWHERE),
    rule(RequestType::CodeUnderstanding, MEND, FAULTS, ANYWHERE),
    rule(RequestType::TechnicalDesign, PLAN, SYSTEMS, ANYWHERE),
    rule(RequestType::TechnicalDesign, COMPARE, SYSTEMS, ANYWHERE),
    rule(RequestType::AnalyticalReasoning, REASON, SUMS, ANYWHERE),
    rule(RequestType::AnalyticalReasoning, SUPPOSE, &[], 0),
    rule(RequestType::Writing, COMPOSE, TEXTS, ANYWHERE),
    rule(RequestType::Writing, TONE, TONES, CLOSE),
    Rule { leads: true, ..rule(RequestType::FactualLookup, FACTS, &[], 0) },
];

impl RequestType {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::CodeGeneration,
        Self::CodeUnderstanding,
        Self::TechnicalDesign,
        Self::AnalyticalReasoning,
        Self::Writing,
        Self::FactualLookup,
        Self::General,
    ];

    /// LiteLLM's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeGeneration => "code_generation",
            Self::CodeUnderstanding => "code_understanding",
            Self::TechnicalDesign => "technical_design",
            Self::AnalyticalReasoning => "analytical_reasoning",
            Self::Writing => "writing",
            Self::FactualLookup => "factual_lookup",
            Self::General => "general",
        }
    }

    /// The kind of a request that says this.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim_start().to_lowercase();
        let text = text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or_default();
        RULES.iter().find(|rule| rule.holds(text)).map_or(Self::General, |rule| rule.kind)
    }
}

impl Rule {
    fn holds(&self, text: &str) -> bool {
        let begins = self.first.iter().flat_map(|word| places(text, word).map(move |end| (end - word.len(), end)));
        begins.filter(|(at, _)| !self.leads || *at == 0).any(|(_, end)| {
            self.then.is_empty()
                || self.then.iter().any(|word| {
                    places(text, word).any(|stop| stop >= end + word.len() && stop - word.len() - end <= self.near)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_words() {
        for (text, kind) in [
            ("Write me a python function that sorts", RequestType::CodeGeneration),
            ("Please implement a small REST API", RequestType::CodeGeneration),
            ("Explain what this snippet does", RequestType::CodeUnderstanding),
            ("Why does it fail with this exception?", RequestType::CodeUnderstanding),
            ("Review this pull request", RequestType::CodeUnderstanding),
            ("Design a database schema for orders", RequestType::TechnicalDesign),
            ("Compare Postgres and Redis", RequestType::TechnicalDesign),
            ("Solve this equation for x", RequestType::AnalyticalReasoning),
            ("Suppose a train leaves at noon", RequestType::AnalyticalReasoning),
            ("Draft an email to my landlord", RequestType::Writing),
            ("Make it more formal", RequestType::Writing),
            ("  who was Ada Lovelace?", RequestType::FactualLookup),
            ("thanks!", RequestType::General),
            ("I wonder what is new", RequestType::General),
            ("Write about a long and winding road that in the end leads to a class reunion", RequestType::General),
            ("", RequestType::General),
        ] {
            assert_eq!(RequestType::of(text), kind, "{text}");
        }
        let long = format!("{} write a python function", "ä".repeat(3000));
        assert_eq!(RequestType::of(&long), RequestType::General, "only the beginning is looked at");
        for kind in RequestType::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }
}
