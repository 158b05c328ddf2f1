//! Langfuse: a trace and a generation for each call.
//!
//! Facts: Langfuse's public API, `POST /api/public/ingestion`; names of traces and what metadata may say of them as in LiteLLM.
//! An event's id is the call's: one that is sent twice is stored once.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use llm_types::record::Status;
use llm_types::{Json, LogRecord};

use crate::redact::{Redaction, Shown};

/// The body for these records.
pub(super) fn body(batch: &[Arc<LogRecord>], redaction: &Redaction) -> Vec<u8> {
    let events = batch.iter().flat_map(|record| Told::of(record, redaction).events()).collect();
    let body = Json::object([
        ("batch", Json::Array(events)),
        (
            "metadata",
            Json::object([("sdk_name", Json::from("llm-proxy")), ("batch_size", Json::from(batch.len() as u64))]),
        ),
    ]);
    body.to_raw().get().as_bytes().to_vec()
}

/// Events that were not taken: the first reason.
pub(super) fn complaint(answer: &[u8]) -> Option<String> {
    let answer: Json = serde_json::from_slice(answer).ok()?;
    let first = answer.get("errors").and_then(Json::as_array)?.first()?;
    let why = ["message", "error"].iter().find_map(|name| first.text(name)).unwrap_or_default();
    let status = first.get("status").and_then(Json::as_i64).unwrap_or_default();
    Some(format!("events were refused with status {status}: {}", why.chars().take(200).collect::<String>()))
}

struct Told<'r> {
    record: &'r LogRecord,
    redaction: &'r Redaction,
    /// What the client says of the trace.
    said: Json,
    input: Json,
    output: Json,
}

impl<'r> Told<'r> {
    fn of(record: &'r LogRecord, redaction: &'r Redaction) -> Self {
        let content = |shown: Shown<'_>| shown.map(|raw| raw.read().unwrap_or_default()).unwrap_or_default();
        let output: Json = content(redaction.response(record));
        // Of a conversation the message is shown, as it would be read.
        let message =
            output.get("choices").and_then(Json::as_array).and_then(|choices| choices.first()?.get("message"));
        Self {
            said: record.metadata.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default(),
            input: content(redaction.messages(record)),
            output: message.cloned().unwrap_or(output),
            record,
            redaction,
        }
    }

    fn said(&self, name: &str) -> Option<String> {
        self.said.text(name).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn trace_id(&self) -> String {
        self.said("trace_id")
            .or_else(|| self.record.trace_id.clone())
            .unwrap_or_else(|| self.record.call_id.to_string())
    }

    fn name(&self) -> String {
        format!("litellm-{}", self.record.call_type)
    }

    fn events(&self) -> [Json; 2] {
        let event = |kind: &str, body: Json| {
            Json::object([
                ("id", Json::from(format!("{}-{kind}", self.record.call_id))),
                ("type", Json::from(kind)),
                ("timestamp", time(self.record.end_us)),
                ("body", body),
            ])
        };
        [event("trace-create", self.trace()), event("generation-create", self.generation())]
    }

    fn trace(&self) -> Json {
        let r = self.record;
        let end_user = r.caller.end_user.as_deref().filter(|_| !self.redaction.caller).map(str::to_owned);
        let tags = r.tags.iter().map(|tag| Json::from(tag.as_str())).collect();
        Json::object([
            ("id", Json::from(self.trace_id())),
            ("timestamp", time(r.start_us)),
            ("name", Json::from(self.said("trace_name").unwrap_or_else(|| self.name()))),
            ("userId", Json::from(self.said("trace_user_id").or(end_user))),
            ("sessionId", Json::from(self.said("session_id").or_else(|| r.session_id.clone()))),
            ("input", self.input.clone()),
            ("output", self.output.clone()),
            ("tags", Json::Array(tags)),
            ("metadata", self.said.get("trace_metadata").cloned().unwrap_or_default()),
        ])
    }

    fn generation(&self) -> Json {
        let r = self.record;
        let failed = r.status == Status::Failure;
        let error = r.error.as_ref().map(|error| self.redaction.error(error));
        let (input, output) = (r.usage.total_input(), r.usage.total_output());
        let usage = Json::object([
            ("input", Json::from(input)),
            ("output", Json::from(output)),
            ("total", Json::from(r.usage.total_tokens())),
            ("cache_read_input_tokens", Json::from(r.usage.cache_read)),
        ]);
        let own = r.response_id.as_deref().unwrap_or(&r.call_id);
        Json::object([
            ("id", Json::from(self.said("generation_id").unwrap_or_else(|| own.to_owned()))),
            ("traceId", Json::from(self.trace_id())),
            ("name", Json::from(self.said("generation_name").unwrap_or_else(|| self.name()))),
            ("startTime", time(r.start_us)),
            ("completionStartTime", r.first_byte_us.map_or(Json::Null, time)),
            ("endTime", time(r.end_us)),
            ("model", Json::from(&*r.model)),
            ("input", self.input.clone()),
            ("output", self.output.clone()),
            ("usageDetails", usage),
            ("costDetails", Json::object([("total", Json::from(r.cost.total))])),
            ("level", Json::from(if failed { "ERROR" } else { "DEFAULT" })),
            ("statusMessage", Json::from(error)),
            ("metadata", self.metadata()),
        ])
    }

    fn metadata(&self) -> Json {
        let r = self.record;
        let mut out = Json::object([
            ("litellm_call_id", Json::from(&*r.call_id)),
            ("model_group", Json::from(&*r.model_group)),
            ("custom_llm_provider", Json::from(&*r.provider)),
            ("model_id", Json::from(r.model_id.as_deref())),
            ("api_base", Json::from(r.api_base.as_deref())),
            ("stream", Json::from(r.stream)),
            ("cache_hit", Json::from(r.cache_hit)),
            ("requester_metadata", self.said.clone()),
        ]);
        if !self.redaction.caller {
            let caller = &r.caller;
            for (name, value) in [
                ("user_api_key_hash", &caller.key_hash),
                ("user_api_key_alias", &caller.key_alias),
                ("user_api_key_user_id", &caller.user_id),
                ("user_api_key_team_id", &caller.team_id),
                ("user_api_key_team_alias", &caller.team_alias),
            ] {
                out.set(name, value.as_deref());
            }
        }
        out
    }
}

fn time(us: i64) -> Json {
    let at = DateTime::from_timestamp_micros(us).unwrap_or_default();
    Json::from(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}
