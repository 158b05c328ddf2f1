//! What must not leave the gateway in log records.

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
}

impl Redaction {
    pub(crate) fn leaves_out(&self, field: &str) -> bool {
        self.excluded.iter().any(|f| f == field)
    }
}
