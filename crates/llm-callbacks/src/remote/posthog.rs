//! PostHog: an event for each call.
//!
//! Facts: PostHog's `POST /batch/` and its properties for calls of models (`$ai_generation`, `$ai_embedding`), as LiteLLM fills them.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use llm_types::record::Status;
use llm_types::{Json, LogRecord, OperationKind};

use crate::redact::Redaction;

/// Names of the client's own metadata that are told.
const MOST_OWN: usize = 100;

/// The body for these records.
pub(super) fn body(batch: &[Arc<LogRecord>], redaction: &Redaction, key: &str) -> Vec<u8> {
    let events = batch.iter().map(|record| event(record, redaction)).collect();
    Json::object([("api_key", Json::from(key)), ("batch", Json::Array(events))]).to_string().into_bytes()
}

fn event(record: &LogRecord, redaction: &Redaction) -> Json {
    let generates = record.operation != OperationKind::Embed;
    let said: Json = record.metadata.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
    let trace = record.trace_id.as_deref().unwrap_or(&record.call_id);
    let mut properties = Json::object([
        ("$ai_model", Json::from(&*record.model)),
        ("$ai_provider", Json::from(&*record.provider)),
        ("$ai_input_tokens", Json::from(record.usage.total_input())),
        ("$ai_total_cost_usd", Json::from(record.cost.total)),
        ("$ai_latency", Json::from(record.end_us.saturating_sub(record.start_us) as f64 / 1e6)),
        ("$ai_trace_id", Json::from(trace)),
        ("$ai_span_id", Json::from(record.response_id.as_deref().unwrap_or(&record.call_id))),
    ]);
    if generates {
        properties.set("$ai_output_tokens", record.usage.total_output());
    }
    let input = redaction.messages(record).map(Json::from);
    let output = redaction.response(record).map(|raw| {
        let output = Json::from(raw);
        output.get("choices").cloned().unwrap_or(output)
    });
    for (name, value) in [("$ai_input", input), ("$ai_output_choices", output.filter(|_| generates))] {
        if let Some(value) = value {
            properties.set(name, value);
        }
    }
    if record.status == Status::Failure {
        properties.set("$ai_is_error", true);
        if let Some(error) = &record.error {
            properties.set("$ai_error", redaction.error(error));
        }
    }
    if let Some(parent) = said.text("parent_run_id").or_else(|| said.text("parent_id")) {
        properties.set("$ai_parent_id", parent);
    }
    let own = |name: &&(String, Json)| {
        !name.0.starts_with('$') && !["parent_run_id", "parent_id", "user_id"].contains(&&*name.0)
    };
    for (name, value) in said.as_object().unwrap_or_default().iter().filter(own).take(MOST_OWN) {
        properties.set(name, value.clone());
    }
    let end_user = record.caller.end_user.as_deref().filter(|_| !redaction.caller);
    let distinct = said.text("user_id").or(end_user).unwrap_or(trace);
    let at = DateTime::from_timestamp_micros(record.end_us).unwrap_or_default();
    Json::object([
        ("event", Json::from(if generates { "$ai_generation" } else { "$ai_embedding" })),
        ("distinct_id", Json::from(distinct)),
        ("timestamp", Json::from(at.to_rfc3339_opts(SecondsFormat::Millis, true))),
        ("properties", properties),
    ])
}

#[cfg(test)]
mod tests {
    use llm_types::RawJson;

    use super::*;

    #[test]
    fn what_is_hidden_is_told_where_the_caller_may_lift_it() {
        let hidden = Redaction { messages: true, ..Redaction::default() };
        for (unredacted, shown) in [(false, false), (true, true)] {
            let record = LogRecord { unredacted, ..crate::testing::answered(1) };
            let body = String::from_utf8(body(&[Arc::new(record)], &hidden, "phc")).unwrap();
            assert_eq!(body.contains("secret words"), shown, "{body}");
        }
    }

    #[test]
    fn an_event_has_posthogs_properties_and_the_callers_own() {
        let mut record = crate::testing::answered(1);
        record.metadata = Some(RawJson::parse(r#"{"user_id":"u","plan":"pro","$ai_model":"mine"}"#).unwrap());
        let body: Json = serde_json::from_slice(&body(&[Arc::new(record)], &Redaction::default(), "phc")).unwrap();
        assert_eq!(body.text("api_key"), Some("phc"));
        let event = body.get("batch").and_then(Json::as_array).unwrap()[0].clone();
        assert_eq!((event.text("event"), event.text("distinct_id")), (Some("$ai_generation"), Some("u")));
        let properties = event.get("properties").unwrap();
        assert_eq!(properties.text("plan"), Some("pro"));
        assert_ne!(properties.text("$ai_model"), Some("mine"), "what is PostHog's is not the caller's to say");
        assert!(properties.get("$ai_output_choices").is_some() && properties.get("$ai_total_cost_usd").is_some());
    }
}
