//! What a run of a guardrail did, for logs, response headers and metrics.

use std::sync::Arc;
use std::time::Duration;

use llm_types::RawJson;
use parking_lot::Mutex;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::guardrail::Mode;

/// How a run ended. LiteLLM's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Content passed as it was.
    Success,
    /// Content was edited or stopped.
    GuardrailIntervened,
    /// The guardrail failed.
    GuardrailFailedToRespond,
}

impl RunStatus {
    /// LiteLLM's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::GuardrailFailedToRespond => "guardrail_failed_to_respond",
        }
    }
}

/// One run. As JSON it is an entry of LiteLLM's `guardrail_information`. It never holds content.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardrailRecord {
    /// Name of the guardrail.
    pub name: String,
    /// Kind of the guardrail.
    pub provider: String,
    /// When it ran.
    pub mode: Mode,
    /// How it ended.
    pub status: RunStatus,
    /// What it said when it stopped the call, or why it failed.
    pub reason: Option<String>,
    /// Start, microseconds since 1970.
    pub start_us: i64,
    /// How long it ran.
    pub took: Duration,
    /// What was masked how often.
    pub masked: Vec<(String, u32)>,
}

/// What the guardrails of one call did, whichever part of the gateway ran them. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct GuardLog(Arc<Mutex<Vec<GuardrailRecord>>>);

/// Runs of one call that are told.
const TOLD: usize = 100;

impl GuardLog {
    pub(crate) fn add(&self, records: impl IntoIterator<Item = GuardrailRecord>) {
        self.0.lock().extend(records);
    }

    /// Takes over what another log has of runs that stopped or edited something, or failed, within the bound of what is told.
    pub fn absorb(&self, other: &Self) {
        let more = other.records().into_iter().filter(|record| record.status != RunStatus::Success);
        let mut own = self.0.lock();
        let room = TOLD.saturating_sub(own.len());
        own.extend(more.take(room));
    }

    /// What they did so far.
    #[must_use]
    pub fn records(&self) -> Vec<GuardrailRecord> {
        self.0.lock().clone()
    }

    /// True when the answer is not what the model said: a guardrail edited or stopped it, or failed on it.
    #[must_use]
    pub fn touched_answer(&self) -> bool {
        let touched = |record: &GuardrailRecord| record.mode == Mode::PostCall && record.status != RunStatus::Success;
        self.0.lock().iter().any(touched)
    }

    /// The same as LiteLLM's `guardrail_information`, a list; nothing when none ran. Why one failed stays in the process: its
    /// words may name its address, and whoever reads logs need not know it.
    #[must_use]
    pub fn told(&self) -> Option<RawJson> {
        let mut records = self.records();
        records.truncate(TOLD);
        let failed = records.iter_mut().filter(|record| record.status == RunStatus::GuardrailFailedToRespond);
        failed.for_each(|record| record.reason = None);
        if records.is_empty() { None } else { RawJson::of(&records).ok() }
    }
}

impl GuardrailRecord {
    /// Counts masked entities.
    pub(crate) fn add_masked(&mut self, more: Vec<(String, u32)>) {
        for (name, count) in more {
            match self.masked.iter_mut().find(|(n, _)| *n == name) {
                Some((_, sum)) => *sum = sum.saturating_add(count),
                None => self.masked.push((name, count)),
            }
        }
    }
}

struct Counts<'a>(&'a [(String, u32)]);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

impl Serialize for GuardrailRecord {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let start = self.start_us as f64 / 1e6;
        let took = self.took.as_secs_f64();
        let mut map = s.serialize_map(Some(9))?;
        map.serialize_entry("guardrail_name", &self.name)?;
        map.serialize_entry("guardrail_provider", &self.provider)?;
        map.serialize_entry("guardrail_mode", &self.mode)?;
        map.serialize_entry("guardrail_status", &self.status)?;
        map.serialize_entry("guardrail_response", &self.reason)?;
        map.serialize_entry("start_time", &start)?;
        map.serialize_entry("end_time", &(start + took))?;
        map.serialize_entry("duration", &took)?;
        map.serialize_entry("masked_entity_count", &Counts(&self.masked))?;
        map.end()
    }
}
