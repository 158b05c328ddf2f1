//! A record as LiteLLM's `StandardLoggingPayload`: the JSON that its integrations and their users expect.
//!
//! Facts: names of the fields as in LiteLLM 1.104. Times are seconds since 1970 with fractions, money is US dollars.

use llm_types::record::{Caller, Cost, ErrorInfo, Status};
use llm_types::{LogRecord, RawJson, Usage};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::redact::{REDACTED, Redaction, Shown};

/// The record as one line of JSON, without a line break.
#[must_use]
pub fn payload(record: &LogRecord, redaction: &Redaction) -> String {
    let mut out = Vec::with_capacity(4096);
    write(record, redaction, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends the record as one line of JSON, without a line break, to `out`.
pub fn write(record: &LogRecord, redaction: &Redaction, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, &Payload { record, redaction }).is_err() {
        // Cannot happen: keys are texts and memory takes every byte. A half line would spoil the next one.
        out.truncate(start);
    }
}

struct Payload<'a> {
    record: &'a LogRecord,
    redaction: &'a Redaction,
}

/// Writes fields, except those that are to be left out.
struct Fields<'a, M> {
    map: M,
    redaction: &'a Redaction,
}

impl<M: SerializeMap> Fields<'_, M> {
    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), M::Error> {
        if self.redaction.leaves_out(key) { Ok(()) } else { self.map.serialize_entry(key, value) }
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let r = self.record;
        let mut f = Fields { map: s.serialize_map(None)?, redaction: self.redaction };
        identity(&mut f, r)?;
        amounts(&mut f, r)?;
        f.put("custom_llm_provider", &*r.provider)?;
        f.put("model", &*r.model)?;
        f.put("model_id", &r.model_id)?;
        f.put("model_group", &*r.model_group)?;
        f.put("api_base", &r.api_base)?;
        f.put("model_map_information", &ModelMap { model_map_key: &r.model, model_map_value: None })?;
        f.put("metadata", &Metadata(r, self.redaction))?;
        f.put("cache_hit", &r.cache_hit)?;
        f.put("cache_key", &r.cache_key)?;
        f.put("saved_cache_cost", &r.saved_cost)?;
        f.put("request_tags", &r.tags)?;
        let shown = if self.redaction.caller { None } else { r.caller.end_user.as_deref() };
        f.put("end_user", &shown)?;
        f.put("requester_ip_address", &r.client_ip)?;
        f.put("user_agent", &r.user_agent)?;
        let hidden_as = [HiddenMessage { role: "user", content: REDACTED }];
        f.put("messages", &Content { shown: self.redaction.messages(r), hidden_as })?;
        match self.redaction.parameters(r) {
            Shown::Text(parameters) => f.put("model_parameters", parameters)?,
            Shown::Nothing | Shown::Hidden => f.put("model_parameters", &Empty {})?,
        }
        f.put(
            "response",
            &Content { shown: self.redaction.response(r), hidden_as: HiddenResponse { text: REDACTED } },
        )?;
        f.put("error_str", &r.error.as_ref().map(|e| self.redaction.error(e)))?;
        f.put("error_information", &ErrorInformation::of(r.error.as_ref(), self.redaction))?;
        f.put("hidden_params", &HiddenParams::of(r))?;
        match &r.guardrail_information {
            Some(told) => f.put("guardrail_information", &*self.redaction.guardrails(told))?,
            None if r.guardrails.is_empty() => f.put("guardrail_information", &())?,
            None => f.put(
                "guardrail_information",
                &r.guardrails.iter().map(|name| GuardrailName { guardrail_name: name }).collect::<Vec<_>>(),
            )?,
        }
        f.map.end()
    }
}

fn identity<M: SerializeMap>(f: &mut Fields<'_, M>, r: &LogRecord) -> Result<(), M::Error> {
    f.put("id", r.response_id.as_deref().unwrap_or(&r.call_id))?;
    f.put("trace_id", r.trace_id.as_deref().unwrap_or(&r.call_id))?;
    f.put("session_id", &r.session_id)?;
    f.put("litellm_call_id", &*r.call_id)?;
    f.put("call_type", r.call_type)?;
    f.put("stream", &r.stream)?;
    let status = match r.status {
        Status::Success => "success",
        Status::Failure => "failure",
    };
    f.put("status", status)?;
    f.put("status_fields", &StatusFields { llm_api_status: status, guardrail_status: guardrail_status(r) })
}

fn amounts<M: SerializeMap>(f: &mut Fields<'_, M>, r: &LogRecord) -> Result<(), M::Error> {
    let seconds = |us: i64| us as f64 / 1e6;
    f.put("response_cost", &r.cost.total)?;
    f.put("cost_breakdown", &CostBreakdown::of(&r.cost))?;
    f.put("response_cost_failure_debug_info", &r.cost_problem)?;
    f.put("total_tokens", &r.usage.total_tokens())?;
    f.put("prompt_tokens", &r.usage.total_input())?;
    f.put("completion_tokens", &r.usage.total_output())?;
    f.put("startTime", &seconds(r.start_us))?;
    f.put("endTime", &seconds(r.end_us))?;
    f.put("completionStartTime", &seconds(r.first_byte_us.unwrap_or(r.end_us)))?;
    f.put("response_time", &seconds(r.end_us.saturating_sub(r.start_us)))
}

fn guardrail_status(r: &LogRecord) -> &'static str {
    match &r.error {
        Some(e) if e.class == "GuardrailRaisedException" => "guardrail_intervened",
        _ if r.guardrails.is_empty() => "not_run",
        _ => "success",
    }
}

/// An object without fields.
#[derive(Serialize)]
struct Empty {}

/// Messages or an answer, or what stands in for them.
struct Content<'a, T> {
    shown: Shown<'a>,
    hidden_as: T,
}

impl<T: Serialize> Serialize for Content<'_, T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.shown {
            Shown::Nothing => s.serialize_none(),
            Shown::Hidden => self.hidden_as.serialize(s),
            Shown::Text(json) => json.serialize(s),
        }
    }
}

#[derive(Serialize)]
struct HiddenMessage {
    role: &'static str,
    content: &'static str,
}

#[derive(Serialize)]
struct HiddenResponse {
    text: &'static str,
}

#[derive(Serialize)]
struct StatusFields {
    llm_api_status: &'static str,
    guardrail_status: &'static str,
}

#[derive(Serialize)]
struct ModelMap<'a> {
    model_map_key: &'a str,
    model_map_value: Option<()>,
}

#[derive(Serialize)]
struct GuardrailName<'a> {
    guardrail_name: &'a str,
}

#[derive(Serialize)]
struct CostBreakdown {
    input_cost: f64,
    output_cost: f64,
    cache_read_cost: f64,
    cache_creation_cost: f64,
    reasoning_cost: f64,
    tool_usage_cost: f64,
    original_cost: f64,
    discount_amount: f64,
    margin_total_amount: f64,
    total_cost: f64,
}

impl CostBreakdown {
    const fn of(c: &Cost) -> Self {
        Self {
            input_cost: c.input,
            output_cost: c.output,
            cache_read_cost: c.cache_read,
            cache_creation_cost: c.cache_write,
            reasoning_cost: c.reasoning,
            tool_usage_cost: c.tools,
            original_cost: c.original,
            discount_amount: c.discount,
            margin_total_amount: c.margin,
            total_cost: c.total,
        }
    }
}

#[derive(Serialize)]
struct ErrorInformation<'a> {
    error_code: String,
    error_class: &'static str,
    llm_provider: &'a str,
    traceback: &'static str,
    error_message: &'a str,
}

impl<'a> ErrorInformation<'a> {
    /// Of a call that was answered: nothing but empty texts, for LiteLLM always tells it.
    fn of(error: Option<&'a ErrorInfo>, redaction: &Redaction) -> Self {
        Self {
            error_code: error.map(|error| error.status.to_string()).unwrap_or_default(),
            error_class: error.map_or("", |error| error.class),
            llm_provider: error.and_then(|error| error.provider.as_deref()).unwrap_or_default(),
            traceback: "",
            error_message: error.map_or("", |error| redaction.error(error)),
        }
    }
}

/// The upstream's usage object, or OpenAI's shape of the counts.
struct UsageObject<'a>(Option<&'a RawJson>, &'a Usage);

impl Serialize for UsageObject<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if let Some(raw) = self.0 {
            return raw.serialize(s);
        }
        let mut map = s.serialize_map(Some(3))?;
        map.serialize_entry("prompt_tokens", &self.1.total_input())?;
        map.serialize_entry("completion_tokens", &self.1.total_output())?;
        map.serialize_entry("total_tokens", &self.1.total_tokens())?;
        map.end()
    }
}

#[derive(Serialize)]
struct HiddenParams<'a> {
    model_id: Option<&'a str>,
    cache_key: Option<&'a str>,
    api_base: Option<&'a str>,
    response_cost: f64,
    litellm_overhead_time_ms: f64,
    litellm_model_name: &'a str,
    usage_object: UsageObject<'a>,
}

impl<'a> HiddenParams<'a> {
    fn of(r: &'a LogRecord) -> Self {
        Self {
            model_id: r.model_id.as_deref(),
            cache_key: r.cache_key.as_deref(),
            api_base: r.api_base.as_deref(),
            response_cost: r.cost.total,
            litellm_overhead_time_ms: overhead_us(r) / 1000.0,
            litellm_model_name: &r.model,
            usage_object: UsageObject(r.usage_raw.as_ref(), &r.usage),
        }
    }
}

/// Microseconds that the gateway itself took.
pub(crate) fn overhead_us(r: &LogRecord) -> f64 {
    let whole = r.end_us.saturating_sub(r.start_us).max(0) as f64;
    (whole - r.upstream_us as f64).max(0.0)
}

struct Metadata<'a>(&'a LogRecord, &'a Redaction);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let Self(r, redaction) = *self;
        let mut map = s.serialize_map(None)?;
        if !redaction.caller {
            caller_fields(&r.caller).into_iter().try_for_each(|(key, value)| map.serialize_entry(key, &value))?;
        }
        map.serialize_entry("user_api_key_request_route", r.route)?;
        map.serialize_entry("requester_ip_address", &r.client_ip)?;
        map.serialize_entry("requester_metadata", &r.metadata)?;
        map.serialize_entry("user_agent", &r.user_agent)?;
        map.serialize_entry("spend_logs_metadata", &r.metadata.as_ref().and_then(spend_logs_metadata))?;
        map.serialize_entry("applied_guardrails", &r.guardrails)?;
        map.serialize_entry("usage_object", &UsageObject(r.usage_raw.as_ref(), &r.usage))?;
        map.serialize_entry("attempted_retries", &r.retries)?;
        map.serialize_entry("attempted_fallbacks", &r.fallbacks)?;
        map.serialize_entry("mcp_tool_call_metadata", &r.mcp_tool.as_deref().map(McpTool::of))?;
        map.end()
    }
}

/// What the client wants to stand in rows of spend (`metadata.spend_logs_metadata`).
fn spend_logs_metadata(metadata: &RawJson) -> Option<RawJson> {
    #[derive(serde::Deserialize)]
    struct Inside {
        spend_logs_metadata: Option<RawJson>,
    }
    if !metadata.get().contains("spend_logs_metadata") {
        return None;
    }
    metadata.read::<Inside>().ok()?.spend_logs_metadata
}

/// A call of a tool, as LiteLLM tells it.
#[derive(Serialize)]
struct McpTool<'a> {
    name: &'a str,
    mcp_server_name: &'a str,
    namespaced_tool_name: &'a str,
}

impl<'a> McpTool<'a> {
    fn of(tool: &'a str) -> Self {
        let (server, name) = tool.split_once('/').unwrap_or(("", tool));
        Self { name, mcp_server_name: server, namespaced_tool_name: tool }
    }
}

fn caller_fields(c: &Caller) -> [(&'static str, Option<&str>); 9] {
    [
        ("user_api_key_hash", c.key_hash.as_deref()),
        ("user_api_key_alias", c.key_alias.as_deref()),
        ("user_api_key_user_id", c.user_id.as_deref()),
        ("user_api_key_user_email", c.user_email.as_deref()),
        ("user_api_key_team_id", c.team_id.as_deref()),
        ("user_api_key_team_alias", c.team_alias.as_deref()),
        ("user_api_key_org_id", c.organization_id.as_deref()),
        ("user_api_key_project_id", c.project_id.as_deref()),
        ("user_api_key_end_user_id", c.end_user.as_deref()),
    ]
}
