//! What must not leave the gateway in log records.

use std::borrow::Cow;

use llm_types::record::ErrorInfo;
use llm_types::{Json, LogRecord, RawJson};
use serde::Deserialize;

/// The word that stands in for content.
pub(crate) const REDACTED: &str = "redacted-by-litellm";

/// What is taken out of a payload. LiteLLM's names of the settings; several of them may be on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Redaction {
    /// Messages and answers (`turn_off_message_logging`, `message_logging: false`, the client's header).
    #[serde(rename = "turn_off_message_logging")]
    pub messages: bool,
    /// Texts of errors, which may repeat the prompt (`redact_messages_in_exceptions`).
    #[serde(rename = "redact_messages_in_exceptions")]
    pub errors: bool,
    /// Key, user and team (`redact_user_api_key_info`).
    #[serde(rename = "redact_user_api_key_info")]
    pub caller: bool,
    /// Fields that are left out altogether (`standard_logging_payload_excluded_fields`).
    #[serde(rename = "standard_logging_payload_excluded_fields")]
    pub excluded: Vec<String>,
    /// Messages and answers are left empty: whoever reads this did not ask for them, others did.
    #[serde(skip)]
    pub without_content: bool,
    /// Messages and answers are hidden whoever lifts what the operator set up: the callback's owner said so.
    #[serde(skip)]
    pub own_messages: bool,
}

/// What a sink may tell of messages or of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown<'r> {
    /// There are none, or they are left out.
    Nothing,
    /// That there are some.
    Hidden,
    /// What they say.
    Text(&'r RawJson),
}

impl<'r> Shown<'r> {
    /// The text, or the word that stands in for it, as `read` makes it.
    pub(crate) fn map<T>(self, read: impl FnOnce(&'r RawJson) -> T) -> Option<T>
    where
        T: From<&'static str>,
    {
        match self {
            Self::Nothing => None,
            Self::Hidden => Some(T::from(REDACTED)),
            Self::Text(raw) => Some(read(raw)),
        }
    }
}

/// Every sink asks here what it may tell of a call.
impl Redaction {
    /// The request's messages.
    pub(crate) fn messages<'r>(&self, record: &'r LogRecord) -> Shown<'r> {
        self.content("messages", record.messages.as_ref(), record)
    }

    /// What the request asks for besides what it says.
    pub(crate) fn parameters<'r>(&self, record: &'r LogRecord) -> Shown<'r> {
        self.content("model_parameters", record.parameters.as_ref(), record)
    }

    /// The answer.
    pub(crate) fn response<'r>(&self, record: &'r LogRecord) -> Shown<'r> {
        self.content("response", record.response.as_ref(), record)
    }

    fn content<'r>(&self, field: &str, raw: Option<&'r RawJson>, record: &LogRecord) -> Shown<'r> {
        match raw.filter(|_| !self.without_content && !self.leaves_out(field)) {
            None => Shown::Nothing,
            Some(_) if self.own_messages || (self.messages && !record.unredacted) => Shown::Hidden,
            Some(raw) => Shown::Text(raw),
        }
    }

    /// An error's message.
    pub(crate) fn error<'e>(&self, error: &'e ErrorInfo) -> &'e str {
        if self.errors { REDACTED } else { &error.message }
    }

    /// What guardrails did, and why: that may repeat the prompt as texts of errors do.
    pub(crate) fn guardrails<'r>(&self, told: &'r RawJson) -> Cow<'r, RawJson> {
        const WHY: &str = "guardrail_response";
        if !self.errors || !told.get().contains(WHY) {
            return Cow::Borrowed(told);
        }
        let mut runs: Json = told.read().unwrap_or_default();
        if let Json::Array(runs) = &mut runs {
            let said = runs.iter_mut().filter(|run| run.get(WHY).is_some_and(|why| !why.is_null()));
            said.for_each(|run| run.set(WHY, REDACTED));
        }
        Cow::Owned(runs.to_raw())
    }

    pub(crate) fn leaves_out(&self, field: &str) -> bool {
        self.excluded.iter().any(|f| f == field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_lifts_what_the_operator_hides_and_not_what_the_callbacks_owner_does() {
        let lifted = LogRecord { unredacted: true, ..crate::testing::answered(1) };
        let usual = crate::testing::answered(1);
        let operators = Redaction { messages: true, ..Redaction::default() };
        let owners = Redaction { own_messages: true, ..Redaction::default() };
        assert!(
            matches!(operators.messages(&usual), Shown::Hidden) && matches!(owners.response(&lifted), Shown::Hidden)
        );
        assert!(matches!(operators.messages(&lifted), Shown::Text(_)));
        let excluded = Redaction { excluded: vec!["messages".to_owned()], ..Redaction::default() };
        assert!(matches!(excluded.messages(&usual), Shown::Nothing));
        assert!(matches!(excluded.response(&usual), Shown::Text(_)));
    }

    #[test]
    fn reasons_of_guardrails_are_hidden_as_errors_are() {
        let told = r#"[{"guardrail_name":"a","guardrail_response":"secret words"},{"guardrail_response":null}]"#;
        let told = RawJson::parse(told).unwrap();
        let hidden = Redaction { errors: true, ..Redaction::default() };
        let kept = r#"[{"guardrail_name":"a","guardrail_response":"redacted-by-litellm"},{"guardrail_response":null}]"#;
        assert_eq!(hidden.guardrails(&told).get(), kept);
        assert_eq!(Redaction::default().guardrails(&told).get(), told.get());
    }
}
