//! How keys are shown.

use llm_store::VerificationToken;
use llm_types::Json;

use super::body::IN_METADATA;

/// A row as JSON, with LiteLLM's field names.
pub(crate) fn row<T: serde::Serialize>(row: &T) -> Json {
    serde_json::to_string(row).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The answer to a call that made a key: its row, the key itself, once, and what LiteLLM repeats.
pub(super) fn made(key: &str, stored: &VerificationToken, duration: Option<&str>) -> Json {
    let mut out = Json::Object(Vec::new());
    out.set("key", key);
    let shown = row(stored);
    for (name, value) in shown.as_object().unwrap_or_default() {
        out.set(name, value.clone());
    }
    out.set("token_id", stored.token.as_str());
    out.set("duration", duration);
    out.set("litellm_budget_table", Json::Null);
    let metadata: Json = stored.metadata.read().unwrap_or_default();
    for name in IN_METADATA {
        out.set(name, metadata.get(name).cloned().unwrap_or_default());
    }
    out
}

/// A row without the hash that names it.
pub(super) fn info(stored: &VerificationToken) -> Json {
    let mut out = row(stored);
    out.remove("token");
    out
}
