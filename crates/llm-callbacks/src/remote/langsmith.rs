//! LangSmith: a run for each call.
//!
//! Facts: LangSmith's API, `POST /api/v1/runs/batch` (`{"post": [run, ...]}`), and what LiteLLM puts into a run. A batch with one
//! run whose ids do not fit is refused whole, so ids that a client gives count only when they fit: nobody's calls get lost
//! through somebody else's.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use llm_types::record::Status;
use llm_types::{Json, LogRecord};
use uuid::Uuid;

use crate::payload;
use crate::redact::Redaction;

/// The name of a run that the client does not name.
const NAME: &str = "LLMRun";

/// The body for these records. `project` is that of runs whose client names none.
pub(super) fn body(batch: &[Arc<LogRecord>], redaction: &Redaction, project: &str) -> Vec<u8> {
    let runs = batch.iter().map(|record| run(record, redaction, project)).collect();
    Json::object([("post", Json::Array(runs))]).to_string().into_bytes()
}

fn run(record: &LogRecord, redaction: &Redaction, project: &str) -> Json {
    let said: Json = record.metadata.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
    let said = |name: &str| said.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let inputs: Json = serde_json::from_str(&payload::payload(record, redaction)).unwrap_or_default();
    let place = Place::of(record, &said);
    let error = record.error.as_ref().filter(|_| record.status == Status::Failure);
    let error = error.map(|error| redaction.error(error));
    let tags = record.tags.iter().map(|tag| Json::from(tag.as_str())).collect();
    Json::object([
        ("id", Json::from(place.id)),
        ("trace_id", Json::from(place.trace)),
        ("dotted_order", Json::from(place.order)),
        ("parent_run_id", Json::from(place.parent)),
        ("name", Json::from(said("run_name").unwrap_or_else(|| NAME.to_owned()))),
        ("run_type", Json::from("llm")),
        ("session_name", Json::from(said("project_name").unwrap_or_else(|| project.to_owned()))),
        ("start_time", time(record.start_us)),
        ("end_time", time(record.end_us)),
        ("tags", Json::Array(tags)),
        ("error", Json::from(error)),
        ("extra", Json::object([("metadata", inputs.get("metadata").cloned().unwrap_or_default())])),
        ("outputs", outputs(record, &inputs)),
        ("inputs", inputs),
    ])
}

/// The answer, with what was used.
fn outputs(record: &LogRecord, inputs: &Json) -> Json {
    let mut out = match inputs.get("response").cloned().unwrap_or_default() {
        Json::Null => Json::Object(Vec::new()),
        Json::Object(fields) => Json::Object(fields),
        other => Json::object([("output", other)]),
    };
    let usage = Json::object([
        ("input_tokens", Json::from(record.usage.total_input())),
        ("output_tokens", Json::from(record.usage.total_output())),
        ("total_tokens", Json::from(record.usage.total_tokens())),
        ("total_cost", Json::from(record.cost.total)),
    ]);
    out.set("usage_metadata", usage);
    out
}

/// Where a run stands among others.
struct Place {
    id: String,
    trace: String,
    order: String,
    parent: Option<String>,
}

impl Place {
    fn of(record: &LogRecord, said: &dyn Fn(&str) -> Option<String>) -> Self {
        let uuid = |name: &str| said(name).filter(|text| is_uuid(text));
        let id = uuid("run_id").unwrap_or_else(|| as_uuid(&record.call_id));
        let below = uuid("parent_run_id").zip(uuid("trace_id")).zip(said("dotted_order"));
        if let Some(((parent, trace), order)) = below
            && order.contains(&trace)
            && order.ends_with(&id)
        {
            return Self { id, trace, order, parent: Some(parent) };
        }
        let at = DateTime::from_timestamp_micros(record.start_us).unwrap_or_default();
        let order = format!("{}{id}", at.format("%Y%m%dT%H%M%S%6fZ"));
        Self { trace: id.clone(), id, order, parent: None }
    }
}

/// True for the form with hyphens: of 36 characters there is no other.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// The id itself when it is a UUID; else one that is always the same for it.
fn as_uuid(id: &str) -> String {
    if is_uuid(id) {
        return id.to_owned();
    }
    // FNV-1a of 128 bits.
    let hash = id.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    Uuid::from_u128(hash).to_string()
}

fn time(us: i64) -> Json {
    let at = DateTime::from_timestamp_micros(us).unwrap_or_default();
    Json::from(at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

#[cfg(test)]
mod tests {
    use llm_types::RawJson;

    use super::*;

    fn told(metadata: &str) -> Json {
        let record = LogRecord { metadata: Some(RawJson::parse(metadata).unwrap()), ..crate::testing::answered(1) };
        let body = body(&[Arc::new(record)], &Redaction::default(), "default");
        serde_json::from_slice::<Json>(&body).unwrap().get("post").unwrap().as_array().unwrap()[0].clone()
    }

    fn text<'j>(run: &'j Json, name: &str) -> &'j str {
        run.text(name).unwrap_or_default()
    }

    #[test]
    fn a_run_stands_alone_unless_its_ids_fit() {
        let run = told(r#"{"run_name":"mine","project_name":"p","trace_id":"no-uuid","parent_run_id":"x"}"#);
        assert_eq!((text(&run, "name"), text(&run, "session_name")), ("mine", "p"));
        assert_eq!(text(&run, "trace_id"), text(&run, "id"));
        assert!(text(&run, "dotted_order").ends_with(text(&run, "id")) && is_uuid(text(&run, "id")));
        assert!(run.get("parent_run_id").unwrap().is_null());
        assert!(run.get("outputs").unwrap().get("usage_metadata").unwrap().get("total_tokens").is_some());

        let (a, b) = ("11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555");
        let below = |order: &str| {
            told(&format!(r#"{{"run_id":"{b}","parent_run_id":"{a}","trace_id":"{a}","dotted_order":"{order}"}}"#))
        };
        let run = below(&format!("20260101T000000000000Z{a}.20260101T000001000000Z{b}"));
        assert_eq!((text(&run, "id"), text(&run, "trace_id"), text(&run, "parent_run_id")), (b, a, a));
        let run = below("elsewhere");
        assert_eq!((text(&run, "trace_id"), text(&run, "session_name")), (b, "default"));
    }

    #[test]
    fn other_ids_become_uuids_and_stay_the_same() {
        assert!(is_uuid(&as_uuid("call-1")));
        assert_eq!(as_uuid("call-1"), as_uuid("call-1"));
        assert_ne!(as_uuid("call-1"), as_uuid("call-2"));
    }
}
