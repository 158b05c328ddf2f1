//! What becomes of a realtime session in which a guardrail stopped something.

use std::collections::BTreeMap;

use llm_types::{Error, Json};

use crate::fields::Targets;
use crate::guardrail::{Direction, Mode};
use crate::guards::{Guards, Outcome};
use crate::line::Line;

/// What a guardrail's configuration says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionRules {
    /// The first stop ends the session (`on_violation: end_session`).
    pub ends: bool,
    /// So many stops end it, whoever stopped (`end_session_after_n_fails`).
    pub most: Option<u64>,
    /// What is said in place of the guardrail's words (`realtime_violation_message`).
    pub message: Option<String>,
}

/// A stop in a session.
#[derive(Debug)]
pub struct Violation {
    /// What the guardrail said.
    pub error: Error,
    /// Its rules.
    pub rules: SessionRules,
}

impl SessionRules {
    /// The parameters.
    pub(crate) const KEYS: [&str; 3] = ["on_violation", "end_session_after_n_fails", "realtime_violation_message"];

    /// Reads them. `problem` is told what is wrong with one, and whether the guardrail cannot run for it.
    pub(crate) fn read(given: &BTreeMap<String, Json>, problem: &mut dyn FnMut(&str, String, bool)) -> Self {
        let mut out = Self::default();
        for key in Self::KEYS {
            let Some(value) = given.get(key).filter(|value| !value.is_null()) else { continue };
            let wanted = match (key, value.as_str(), value.as_i64().and_then(|n| u64::try_from(n).ok())) {
                ("on_violation", Some("warn"), _) => continue,
                ("on_violation", Some("end_session"), _) => {
                    out.ends = true;
                    continue;
                }
                ("on_violation", ..) => "must be `warn` or `end_session`",
                ("end_session_after_n_fails", _, Some(most)) => {
                    out.most = Some(most);
                    continue;
                }
                ("end_session_after_n_fails", ..) => "must be a whole number",
                (_, Some(text), _) => {
                    out.message = Some(text.to_owned()).filter(|text| !text.is_empty());
                    continue;
                }
                _ => "must be a text",
            };
            problem(key, wanted.to_owned(), true);
        }
        out
    }
}

impl Violation {
    /// What clients are told, and hear.
    #[must_use]
    pub fn message(&self) -> &str {
        self.rules.message.as_deref().unwrap_or(&self.error.message)
    }

    /// True when the session ends with this stop, the `count`th in it.
    #[must_use]
    pub fn ends(&self, count: u64) -> bool {
        self.rules.ends || self.rules.most.is_some_and(|most| count >= most)
    }
}

impl Guards {
    /// Runs the guardrails of mode `pre_call`, and those of mode `during_call`, on texts of a realtime session that a client
    /// gives to the model; those of `pre_call` may edit them.
    ///
    /// # Errors
    /// When one stops them, or fails.
    pub async fn said(&self, texts: &mut Json) -> Result<Outcome, Violation> {
        let whole = Targets::default();
        let mut outcome = self.before_relay(texts, &whole).await.map_err(|e| self.violation(e))?;
        let beside = self.during_relay(texts, &whole).await.map_err(|e| self.violation(e))?;
        outcome.ran.extend(beside.ran);
        Ok(outcome)
    }

    /// Runs the guardrails of mode `realtime_input_transcription` on what a host heard. Masks are not applied: the model has
    /// heard it as well.
    ///
    /// # Errors
    /// As [`Guards::said`].
    pub async fn heard(&self, transcript: &str) -> Result<Outcome, Violation> {
        let mut said = Json::from(transcript);
        let outcome = self.relay(Mode::RealtimeInput, Direction::Request, &mut said, &Targets::default()).await;
        outcome.map_err(|e| self.violation(e))
    }

    /// An error of the guardrail that ran last.
    fn violation(&self, error: Error) -> Violation {
        let last = self.records().pop().map(|record| record.name);
        let all = self.open.iter().chain(self.lines.iter().flat_map(Line::open));
        let by = all.map(|open| &open.guardrail).find(|guardrail| last.as_deref() == Some(guardrail.name()));
        Violation { error, rules: by.map(|guardrail| guardrail.session_rules()).unwrap_or_default() }
    }
}
