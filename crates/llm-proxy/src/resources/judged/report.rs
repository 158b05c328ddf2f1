//! What guardrails did to the requests of a file, as LiteLLM tells it.

use bytes::Bytes;
use llm_types::Json;
use parking_lot::Mutex;

/// Requests that are told one by one at the most; a file may have millions.
const TOLD: usize = 10_000;

/// What was done until now. It is shared between who judges and who answers.
#[derive(Debug, Default)]
pub(in crate::resources) struct Report(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    submitted: u64,
    changed: u64,
    told: Vec<Json>,
}

impl Report {
    /// A request goes on as it was.
    pub(super) fn passed(&self) {
        self.0.lock().submitted += 1;
    }

    /// A request goes on masked.
    pub(super) fn masked(&self, line: usize, custom_id: Option<String>) {
        self.0.lock().submitted += 1;
        self.change(line, custom_id, "redacted", None);
    }

    /// A request was left out.
    pub(super) fn dropped(&self, line: usize, custom_id: Option<String>, guardrail: Option<&str>) {
        self.change(line, custom_id, "dropped", guardrail);
    }

    fn change(&self, line: usize, custom_id: Option<String>, action: &str, guardrail: Option<&str>) {
        let mut counts = self.0.lock();
        counts.changed += 1;
        if counts.told.len() < TOLD {
            counts.told.push(Json::object([
                ("line", Json::from(line as u64)),
                ("custom_id", Json::from(custom_id)),
                ("action", Json::from(action)),
                ("guardrail", Json::from(guardrail)),
            ]));
        }
    }

    /// True when requests were left out, and none is left.
    pub(super) fn nothing_is_left(&self) -> bool {
        let counts = self.0.lock();
        counts.submitted == 0 && counts.changed > 0
    }

    /// True when something was changed.
    pub(in crate::resources) fn has_changes(&self) -> bool {
        self.0.lock().changed > 0
    }

    /// The answer to an upload, a JSON object, with what was done.
    pub(in crate::resources) fn tell(&self, answer: Bytes) -> Bytes {
        let counts = self.0.lock();
        if counts.changed == 0 {
            return answer;
        }
        let Ok(mut tree) = serde_json::from_slice::<Json>(&answer) else { return answer };
        let report = [
            ("submitted_records", Json::from(counts.submitted)),
            ("modified_records", Json::Array(counts.told.clone())),
        ];
        if tree.as_object().is_some() {
            tree.set("litellm_batch_guardrail", Json::object(report));
        }
        Bytes::from(tree.to_string())
    }
}
