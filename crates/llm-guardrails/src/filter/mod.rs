//! The built-in filter of words and patterns: LiteLLM's `litellm_content_filter`.
//!
//! - `rules`: words and patterns, compiled; the first match from a place on.
//! - `gate`: the filter on a growing text.
//! - `prebuilt`: patterns by name.

mod gate;
mod prebuilt;
mod rules;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use llm_types::Result;

use crate::guardrail::{CallContext, Content, Guardrail, GuardrailSession, Modes, TextGate, Verdict};
use crate::sessions::SessionRules;
use gate::{FilterGate, count};
use rules::Rules;

/// What happens to a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The content is stopped.
    Block,
    /// The match is replaced.
    Mask,
}

/// A word that is looked for, in any case, also within other words (as in LiteLLM).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeywordRule {
    /// The word.
    pub keyword: String,
    /// What happens to it.
    pub action: Action,
    /// Why it is on the list; shown when content is stopped.
    pub description: Option<String>,
}

/// A pattern that is looked for, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternRule {
    /// Name in messages and masks.
    pub name: String,
    /// The expression; nothing: the prebuilt pattern of that name. Look-around and back references are not known:
    /// matching takes linear time, whatever the text.
    pub expression: Option<String>,
    /// What happens to it.
    pub action: Action,
}

/// Everything a filter is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterSettings {
    /// Name of the guardrail.
    pub name: String,
    /// LiteLLM's name of the kind.
    pub provider: &'static str,
    /// When it runs.
    pub modes: Modes,
    /// It runs unless opted out.
    pub default_on: bool,
    /// Words.
    pub keywords: Vec<KeywordRule>,
    /// Patterns.
    pub patterns: Vec<PatternRule>,
    /// What stands in for a match of a pattern; `{pattern_name}` is its name in capitals.
    pub pattern_redaction: String,
    /// What stands in for a word.
    pub keyword_redaction: String,
    /// What clients are told; `{default_message}`, `{keyword}` and `{pattern_name}` are filled in.
    pub message: Option<String>,
    /// What becomes of realtime sessions.
    pub sessions: SessionRules,
    /// Bytes held back of a stream for patterns whose matches have no greatest length. A longer match is noticed,
    /// but its beginning may be sent.
    pub open_window: usize,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            provider: "litellm_content_filter",
            modes: Modes::default(),
            default_on: false,
            keywords: Vec::new(),
            patterns: Vec::new(),
            pattern_redaction: "[{pattern_name}_REDACTED]".to_owned(),
            keyword_redaction: "[KEYWORD_REDACTED]".to_owned(),
            message: None,
            sessions: SessionRules::default(),
            open_window: 256,
        }
    }
}

/// The filter of words and patterns.
#[derive(Debug)]
pub struct ContentFilter {
    name: String,
    provider: &'static str,
    modes: Modes,
    default_on: bool,
    sessions: SessionRules,
    session: Arc<Session>,
}

impl ContentFilter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// One sentence per word or pattern that cannot be used: the place in its list (`patterns[2]`) and why.
    pub fn new(settings: FilterSettings) -> Result<Self, Vec<(String, String)>> {
        let rules = Arc::new(Rules::compile(&settings)?);
        let FilterSettings { name, provider, modes, default_on, sessions, .. } = settings;
        Ok(Self { name, provider, modes, default_on, sessions, session: Arc::new(Session { rules }) })
    }
}

impl Guardrail for ContentFilter {
    fn name(&self) -> &str {
        &self.name
    }

    fn provider(&self) -> &str {
        self.provider
    }

    fn modes(&self) -> Modes {
        self.modes
    }

    fn default_on(&self) -> bool {
        self.default_on
    }

    fn session_rules(&self) -> SessionRules {
        self.sessions.clone()
    }

    fn open(&self, _: &CallContext<'_>) -> Arc<dyn GuardrailSession> {
        Arc::clone(&self.session) as Arc<dyn GuardrailSession>
    }
}

/// The filter keeps nothing of a call: all calls share one session.
#[derive(Debug)]
struct Session {
    rules: Arc<Rules>,
}

impl Session {
    fn judge(&self, content: Content<'_>) -> Verdict {
        let (mut texts, mut masked) = (Vec::new(), Vec::new());
        for (at, text) in content.texts.iter().enumerate() {
            if let Some(found) = self.rules.block(text, 0).first() {
                return Verdict::Stop(self.rules.stop(found.rule));
            }
            let mut out = String::new();
            let done = self.rules.mask_until(text, 0, text.len(), &mut out, |name| count(&mut masked, name));
            if done > 0 {
                out.push_str(text.get(done..).unwrap_or_default());
                texts.push((at, out));
            }
        }
        if texts.is_empty() { Verdict::Pass } else { Verdict::Replace { texts, masked } }
    }
}

impl GuardrailSession for Session {
    fn check<'a>(&'a self, content: Content<'a>) -> BoxFuture<'a, Result<Verdict>> {
        ready(Ok(self.judge(content))).boxed()
    }

    fn gate(&self) -> Option<Box<dyn TextGate>> {
        Some(Box::new(FilterGate::new(Arc::clone(&self.rules))))
    }
}
