//! OpenAI's batch object. <https://platform.openai.com/docs/api-reference/batch/object>

use llm_types::Json;

/// A batch.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The house's id of it.
    pub id: String,
    /// The path that its requests are for.
    pub endpoint: String,
    /// The file with its requests.
    pub input_file_id: String,
    /// `validating`, `in_progress`, `completed`, `failed`, `expired`, `cancelling`, `cancelled`.
    pub status: &'static str,
    /// The file with its answers, once there is one.
    pub output_file_id: Option<String>,
    /// The model that answers, where the house says so.
    pub model: Option<String>,
    /// Why it failed.
    pub error: Option<(String, String)>,
    /// When what happened.
    pub times: Times,
    /// How far it is.
    pub counts: Option<Counts>,
    /// What the house says beside that.
    pub metadata: Vec<(String, String)>,
}

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "OpenAI's names")]
pub struct Times {
    pub created: Option<i64>,
    pub in_progress: Option<i64>,
    pub expires: Option<i64>,
    pub completed: Option<i64>,
    pub failed: Option<i64>,
    pub expired: Option<i64>,
    pub cancelling: Option<i64>,
    pub cancelled: Option<i64>,
}

/// Numbers of requests.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "OpenAI's names")]
pub struct Counts {
    pub total: u64,
    pub completed: u64,
    pub failed: u64,
}

impl Batch {
    /// The object.
    #[must_use]
    pub fn json(&self) -> Json {
        let errors = self.error.as_ref().map_or(Json::Null, |(code, message)| {
            let one = Json::object([("code", Json::from(code.as_str())), ("message", Json::from(message.as_str()))]);
            Json::object([("object", Json::from("list")), ("data", Json::Array(vec![one]))])
        });
        let counts = self.counts.map_or(Json::Null, |c| {
            Json::object([
                ("total", Json::from(c.total)),
                ("completed", Json::from(c.completed)),
                ("failed", Json::from(c.failed)),
            ])
        });
        let metadata = self.metadata.iter().map(|(name, value)| (name.as_str(), Json::from(value.as_str())));
        let mut out = Json::object([
            ("id", Json::from(self.id.as_str())),
            ("object", Json::from("batch")),
            ("endpoint", Json::from(self.endpoint.as_str())),
            ("errors", errors),
            ("input_file_id", Json::from(self.input_file_id.as_str())),
            ("completion_window", Json::from("24h")),
            ("status", Json::from(self.status)),
            ("output_file_id", self.output_file_id.as_deref().into()),
            ("error_file_id", Json::Null),
            ("created_at", self.times.created.into()),
            ("in_progress_at", self.times.in_progress.into()),
            ("expires_at", self.times.expires.into()),
            ("finalizing_at", Json::Null),
            ("completed_at", self.times.completed.into()),
            ("failed_at", self.times.failed.into()),
            ("expired_at", self.times.expired.into()),
            ("cancelling_at", self.times.cancelling.into()),
            ("cancelled_at", self.times.cancelled.into()),
            ("request_counts", counts),
            ("metadata", Json::object(metadata)),
        ]);
        if let Some(model) = &self.model {
            out.set("model", model.as_str());
        }
        out
    }
}

/// OpenAI's list of batches. `next` stands behind the last one: clients ask with the last id of a page for what follows,
/// so houses with tokens for that have theirs there.
#[must_use]
pub fn page(batches: &[Batch], next: Option<&str>) -> Json {
    let first = batches.first().map(|b| b.id.as_str());
    let last = next.or_else(|| batches.last().map(|b| b.id.as_str()));
    Json::object([
        ("object", Json::from("list")),
        ("data", Json::Array(batches.iter().map(Batch::json).collect())),
        ("first_id", first.into()),
        ("last_id", last.into()),
        ("has_more", Json::from(next.is_some())),
    ])
}
