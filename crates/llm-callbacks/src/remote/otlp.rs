//! Collectors of OpenTelemetry: a span for each call, in protobuf over HTTP.
//!
//! Facts: OTLP 1.x (`ExportTraceServiceRequest`), the semantic conventions of generative AI and LiteLLM's attributes; OpenInference
//! for Arize and Phoenix; `langfuse.*` for Langfuse.

use std::sync::Arc;

use llm_types::record::Status;
use llm_types::{Json, LogRecord, OperationKind, RawJson};
use uuid::Uuid;

use super::protobuf::Message;
use crate::redact::Redaction;

/// Whose words attributes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenTelemetry's.
    GenAi,
    /// OpenInference's.
    OpenInference,
    /// OpenTelemetry's, and Langfuse's.
    Langfuse,
}

/// Bytes of a text at the most: collectors refuse spans that are too large.
const LONGEST: usize = 512 << 10;

/// The body for these records. `project` is where the service keeps them; for Langfuse the environment.
pub(super) fn body(batch: &[Arc<LogRecord>], redaction: &Redaction, dialect: Dialect, project: &str) -> Vec<u8> {
    let mut scope = Message::default();
    scope.bytes(1, b"litellm");
    let mut scoped = Message::default();
    scoped.message(1, &scope);
    for record in batch {
        scoped.message(2, &Span::of(record, redaction, dialect).written());
    }
    let mut resource = Attributes::default();
    match dialect {
        Dialect::Langfuse => resource.text("service.name", "litellm"),
        Dialect::GenAi => resource.text("service.name", project),
        Dialect::OpenInference => {
            for name in ["service.name", "model_id", "openinference.project.name"] {
                resource.text(name, project);
            }
        }
    }
    if dialect == Dialect::Langfuse && !project.is_empty() {
        resource.text("langfuse.environment", project);
    }
    let mut spans = Message::default();
    let mut about = Message::default();
    resource.0.iter().for_each(|attribute| about.message(1, attribute));
    spans.message(1, &about);
    spans.message(2, &scoped);
    let mut out = Message::default();
    out.message(1, &spans);
    out.finish()
}

/// Names and values.
#[derive(Default)]
struct Attributes(Vec<Message>);

impl Attributes {
    fn put(&mut self, name: &str, value: &Message) {
        let mut pair = Message::default();
        pair.bytes(1, name.as_bytes());
        pair.message(2, value);
        self.0.push(pair);
    }

    fn text(&mut self, name: &str, value: &str) {
        let mut any = Message::default();
        any.bytes(1, value.as_bytes().get(..value.floor_char_boundary(LONGEST)).unwrap_or_default());
        self.put(name, &any);
    }

    fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.text(name, value);
        }
    }

    fn int(&mut self, name: &str, value: u64) {
        let mut any = Message::default();
        any.int(3, value);
        self.put(name, &any);
    }

    fn double(&mut self, name: &str, value: f64) {
        let mut any = Message::default();
        any.double(4, value);
        self.put(name, &any);
    }
}

/// A call.
struct Span<'r> {
    record: &'r LogRecord,
    redaction: &'r Redaction,
    dialect: Dialect,
    said: Json,
    out: Attributes,
}

impl<'r> Span<'r> {
    fn of(record: &'r LogRecord, redaction: &'r Redaction, dialect: Dialect) -> Self {
        let said = record.metadata.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
        Self { record, redaction, dialect, said, out: Attributes::default() }
    }

    fn written(mut self) -> Message {
        match self.dialect {
            Dialect::GenAi => self.gen_ai(),
            Dialect::OpenInference => self.open_inference(),
            Dialect::Langfuse => {
                self.gen_ai();
                self.langfuse();
            }
        }
        let r = self.record;
        let mut span = Message::default();
        let trace = self.said.text("trace_id").or(r.trace_id.as_deref()).unwrap_or(&r.call_id);
        span.bytes(1, trace_id(trace).as_bytes());
        span.bytes(2, trace_id(&r.call_id).as_bytes().get(8..).unwrap_or_default());
        span.bytes(5, b"litellm_request");
        span.int(6, 3); // a client
        let nanos = |us: i64| u64::try_from(us).unwrap_or_default().saturating_mul(1000);
        span.fixed(7, nanos(r.start_us));
        span.fixed(8, nanos(r.end_us));
        self.out.0.iter().for_each(|attribute| span.message(9, attribute));
        let mut status = Message::default();
        if let Some(error) = r.error.as_ref().filter(|_| r.status == Status::Failure) {
            let why = self.redaction.error(error);
            status.bytes(2, why.chars().take(1000).collect::<String>().as_bytes());
        }
        status.int(3, if r.status == Status::Success { 1 } else { 2 });
        span.message(15, &status);
        span
    }

    fn messages(&self) -> Option<String> {
        self.redaction.messages(self.record).map(|raw| raw.get().to_owned())
    }

    /// The messages of an answer; of others the answer itself.
    fn answer(&self) -> Option<String> {
        self.redaction.response(self.record).map(|raw| {
            let tree: Json = raw.read().unwrap_or_default();
            let choices = tree.get("choices").and_then(Json::as_array);
            let messages = choices.map(|choices| choices.iter().filter_map(|choice| choice.get("message").cloned()));
            messages.map_or_else(|| raw.get().to_owned(), |all| Json::Array(all.collect()).to_string())
        })
    }

    fn gen_ai(&mut self) {
        let r = self.record;
        let operation = match r.operation {
            OperationKind::Generate => "chat",
            OperationKind::Embed => "embeddings",
            _ => r.call_type,
        };
        let (input, output) = (self.messages(), self.answer());
        let out = &mut self.out;
        for (name, value) in [
            ("gen_ai.operation.name", operation),
            ("gen_ai.system", &*r.provider),
            ("gen_ai.request.model", &*r.model_group),
            ("gen_ai.response.model", &*r.model),
            ("llm.request.type", r.call_type),
            ("llm.is_streaming", if r.stream { "True" } else { "False" }),
            ("gen_ai.framework", "litellm"),
            ("litellm.call_id", &*r.call_id),
        ] {
            out.text(name, value);
        }
        out.maybe("gen_ai.response.id", r.response_id.as_deref());
        out.maybe("error.type", r.error.as_ref().map(|error| error.class));
        out.maybe("gen_ai.input.messages", input.as_deref());
        out.maybe("gen_ai.output.messages", output.as_deref());
        for (name, count) in [
            ("gen_ai.usage.input_tokens", r.usage.total_input()),
            ("gen_ai.usage.output_tokens", r.usage.total_output()),
            ("gen_ai.usage.total_tokens", r.usage.total_tokens()),
            ("gen_ai.usage.cache_read_input_tokens", r.usage.cache_read),
        ] {
            out.int(name, count);
        }
        out.double("gen_ai.cost.total_cost", r.cost.total);
        out.double("gen_ai.cost.input_cost", r.cost.input);
        out.double("gen_ai.cost.output_cost", r.cost.output);
        if let Some(first) = r.first_byte_us {
            out.double("gen_ai.response.time_to_first_token", first.saturating_sub(r.start_us) as f64 / 1e6);
        }
        self.metadata();
    }

    /// Who called, and what the client says of the call.
    fn metadata(&mut self) {
        let r = self.record;
        if !self.redaction.caller {
            let caller = &r.caller;
            for (name, value) in [
                ("metadata.user_api_key_hash", &caller.key_hash),
                ("metadata.user_api_key_alias", &caller.key_alias),
                ("metadata.user_api_key_user_id", &caller.user_id),
                ("metadata.user_api_key_team_id", &caller.team_id),
                ("metadata.user_api_key_team_alias", &caller.team_alias),
                ("metadata.user_api_key_org_id", &caller.organization_id),
                ("metadata.user_api_key_end_user_id", &caller.end_user),
            ] {
                self.out.maybe(name, value.as_deref());
            }
        }
        self.out.maybe("metadata.requester_metadata", r.metadata.as_ref().map(RawJson::get));
        self.out.maybe("metadata.tags", Some(&r.tags.join(",")));
    }

    fn langfuse(&mut self) {
        let r = self.record;
        let said = |name: &str| self.said.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let end_user = r.caller.end_user.as_deref().filter(|_| !self.redaction.caller).map(str::to_owned);
        let pairs = [
            ("langfuse.observation.type", Some("generation".to_owned())),
            ("langfuse.observation.input", self.messages()),
            ("langfuse.observation.output", self.answer()),
            ("langfuse.generation.name", said("generation_name")),
            ("langfuse.trace.name", said("trace_name").or_else(|| Some(format!("litellm-{}", r.call_type)))),
            ("langfuse.user.id", said("trace_user_id").or(end_user)),
            ("langfuse.session.id", said("session_id").or_else(|| r.session_id.clone())),
            ("langfuse.trace.metadata", self.said.get("trace_metadata").map(Json::to_string)),
        ];
        for (name, value) in pairs {
            self.out.maybe(name, value.as_deref());
        }
    }

    fn open_inference(&mut self) {
        let r = self.record;
        let (input, output) = (self.messages(), self.answer());
        let kind = match r.operation {
            OperationKind::Embed => "EMBEDDING",
            OperationKind::Rerank => "RERANKER",
            _ => "LLM",
        };
        let said = |name: &str| self.said.text(name).map(str::to_owned);
        let end_user = r.caller.end_user.as_deref().filter(|_| !self.redaction.caller).map(str::to_owned);
        let (session, user) = (said("session_id").or_else(|| r.session_id.clone()), said("user_id").or(end_user));
        let out = &mut self.out;
        out.text("openinference.span.kind", kind);
        out.text("llm.model_name", &r.model);
        out.text("llm.provider", &r.provider);
        out.maybe("session.id", session.as_deref());
        out.maybe("user.id", user.as_deref());
        out.maybe("metadata", r.metadata.as_ref().map(RawJson::get));
        for (name, value) in [("input", input), ("output", output)] {
            if let Some(value) = value {
                out.text(&format!("{name}.value"), &value);
                out.text(&format!("{name}.mime_type"), "application/json");
                messages(out, &format!("llm.{name}_messages"), &value);
            }
        }
        for (name, count) in [
            ("llm.token_count.prompt", r.usage.total_input()),
            ("llm.token_count.completion", r.usage.total_output()),
            ("llm.token_count.total", r.usage.total_tokens()),
        ] {
            out.int(name, count);
        }
        out.double("llm.cost.total", r.cost.total);
        self.metadata();
    }
}

/// Messages one by one, as OpenInference shows them.
fn messages(out: &mut Attributes, prefix: &str, list: &str) {
    let list: Json = serde_json::from_str(list).unwrap_or_default();
    for (at, message) in list.as_array().unwrap_or_default().iter().take(128).enumerate() {
        let content = message.get("content").filter(|content| !content.is_null());
        let content = content.map(|content| content.as_str().map_or_else(|| content.to_string(), str::to_owned));
        out.maybe(&format!("{prefix}.{at}.message.role"), message.text("role"));
        out.maybe(&format!("{prefix}.{at}.message.content"), content.as_deref());
    }
}

/// 16 bytes for a name: what it spells, if it spells so many, else always the same ones.
fn trace_id(name: &str) -> Uuid {
    Uuid::try_parse(name).unwrap_or_else(|_| {
        // FNV-1a of 128 bits.
        let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
        Uuid::from_u128(hash)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dialect: Dialect, redaction: &Redaction) -> String {
        let mut record = crate::testing::answered(1);
        record.metadata = Some(RawJson::parse(r#"{"trace_name":"mine","session_id":"s1"}"#).unwrap());
        told(record, dialect, redaction)
    }

    fn told(record: LogRecord, dialect: Dialect, redaction: &Redaction) -> String {
        String::from_utf8_lossy(&body(&[Arc::new(record)], redaction, dialect, "p1")).into_owned()
    }

    #[test]
    fn each_dialect_has_its_words() {
        let plain = Redaction::default();
        let gen_ai = text(Dialect::GenAi, &plain);
        assert!(gen_ai.contains("gen_ai.usage.input_tokens") && gen_ai.contains("p1"));
        assert!(!gen_ai.contains("langfuse.") && !gen_ai.contains("openinference"));
        let langfuse = text(Dialect::Langfuse, &plain);
        assert!(langfuse.contains("langfuse.trace.name") && langfuse.contains("mine") && langfuse.contains("s1"));
        let inference = text(Dialect::OpenInference, &plain);
        assert!(inference.contains("llm.input_messages.0.message.content") && inference.contains("model_id"));
    }

    #[test]
    fn redacted_content_is_nowhere() {
        let hidden = Redaction { messages: true, ..Redaction::default() };
        for dialect in [Dialect::GenAi, Dialect::Langfuse, Dialect::OpenInference] {
            assert!(text(dialect, &Redaction::default()).contains("secret words"), "{dialect:?}");
            assert!(!text(dialect, &hidden).contains("secret words"), "{dialect:?}");
            let lifted = LogRecord { unredacted: true, ..crate::testing::answered(1) };
            assert!(told(lifted, dialect, &hidden).contains("secret words"), "{dialect:?}");
        }
    }

    #[test]
    fn ids_are_sixteen_bytes_and_stay_the_same() {
        assert_eq!(
            trace_id("4bf92f3577b34da6a3ce929d0e0e4736").simple().to_string(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(trace_id("call-1"), trace_id("call-1"));
        assert_ne!(trace_id("call-1"), trace_id("call-2"));
    }
}
