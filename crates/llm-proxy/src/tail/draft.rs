//! A log record that is being filled in.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use llm_client::{Call, Head, RelayHead, Report, Target};
use llm_guardrails::{Direction, GuardLog, Guards, RunStatus};
use llm_router::Scope;
use llm_types::record::{Cost, ErrorInfo, Status};
use llm_types::trail::{FailedAttempt, GuardrailRun};
use llm_types::{Error, Field, Json, LogRecord, RawJson, Side, Trail};
use llm_wire::top::Top;

use crate::core::Core;
use crate::flow::Context;
use crate::kept::{self, Words};

/// A record, and what is needed to end it.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(super) record: LogRecord,
    started: Instant,
    words: Words,
    /// They mask what is kept.
    guards: Option<Arc<Guards>>,
    /// What those of the call do, until its end.
    guard_log: Option<GuardLog>,
}

/// Fields that say something, name the model, or are for the gateway.
const SAID: [Field; 9] = [
    Field::Model,
    Field::Messages,
    Field::Prompt,
    Field::Suffix,
    Field::Input,
    Field::Prediction,
    Field::Metadata,
    Field::ExtraHeaders,
    Field::MaxRetries,
];

/// What a request asks for besides what is said: fields that the language has, and no others, for they may hold credentials.
fn parameters(top: &Top<'_>) -> Option<RawJson> {
    let mut out = String::from("{");
    for (name, raw) in top.iter() {
        let value = match Field::from_name(name) {
            None => continue,
            Some(field) if SAID.contains(&field) => continue,
            Some(Field::Tools) => match tools(raw) {
                Some(tools) => Cow::Owned(tools),
                None => continue,
            },
            Some(_) => Cow::Borrowed(raw),
        };
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(RawJson::string(name).get());
        out.push(':');
        out.push_str(&value);
    }
    out.push('}');
    RawJson::parse(out).ok()
}

/// The tools that a request offers. What hosts call may come with credentials, in addresses too; of functions all is told.
/// Nothing for what is no list.
fn tools(raw: &str) -> Option<String> {
    const UNTOLD: [&str; 3] = ["headers", "authorization", "server_url"];
    let mut all: Json = serde_json::from_str(raw).ok()?;
    let Json::Array(tools) = &mut all else { return None };
    for tool in tools {
        let Json::Object(fields) = tool else { return None };
        let mut kinds = fields.iter().filter(|(name, _)| name == "type").map(|(_, value)| value.as_str()).peekable();
        let function = kinds.peek().is_some() && kinds.all(|kind| kind == Some("function"));
        if !function {
            fields.retain(|(name, _)| !UNTOLD.iter().any(|untold| name.eq_ignore_ascii_case(untold)));
        }
    }
    Some(all.to_string())
}

impl Draft {
    /// What is known of any call.
    pub(crate) fn bare(ctx: &Context) -> Self {
        let wish = ctx.wish.as_ref();
        let header = |name: &str| ctx.steering.get(name).map(str::to_owned);
        let mut caller = ctx.who.as_ref().map(|w| w.caller()).unwrap_or_default();
        let forgotten = ctx.snapshot.settings.forget_end_users;
        caller.end_user = wish.and_then(|w| w.end_user.as_deref()).filter(|_| !forgotten).map(Arc::from);
        // An agent's own key says more than a header.
        caller.agent_id = caller.agent_id.or_else(|| ctx.steering.get("x-litellm-agent-id").map(Arc::from));
        let model: Arc<str> = wish.map_or_else(|| Arc::from(""), |w| Arc::clone(&w.model));
        let words = Words::of(ctx);
        let record = LogRecord {
            call_id: Arc::clone(&ctx.id),
            response_id: None,
            trace_id: header("x-litellm-trace-id"),
            session_id: header("x-litellm-session-id").or_else(|| wish?.controls.session.as_deref().map(str::to_owned)),
            operation: ctx.operation,
            call_type: ctx.operation.call_type(ctx.format),
            route: ctx.route,
            stream: wish.is_some_and(|w| w.stream),
            status: Status::Success,
            caller,
            model_group: Arc::clone(&model),
            model,
            model_id: None,
            provider: Arc::from(""),
            api_base: None,
            mcp_tool: None,
            usage: llm_types::Usage::default(),
            usage_raw: None,
            cost: Cost::default(),
            cost_problem: None,
            start_us: ctx.started_us,
            first_byte_us: None,
            end_us: ctx.started_us,
            upstream_us: 0,
            retries: 0,
            fallbacks: 0,
            cache_hit: ctx.cache_asked.then_some(false),
            cache_key: None,
            saved_cost: 0.0,
            tags: wish.map(|w| w.tags.clone()).unwrap_or_default(),
            client_ip: Some(ctx.peer.ip().to_string()),
            user_agent: ctx.user_agent().map(str::to_owned),
            metadata: wish.and_then(|w| w.metadata.clone()).and_then(|m| RawJson::parse(m).ok()),
            guardrails: ctx.guardrails.clone(),
            guardrail_information: None,
            messages: None,
            parameters: None,
            response: None,
            unredacted: words.are_lifted(),
            untold: kept::disabled_callbacks(ctx),
            error: None,
            trail: Trail { queue_us: ctx.queued_us, ..Trail::default() },
        };
        let guard_log = ctx.guard_log.get().cloned();
        Self { record, started: ctx.started, words, guards: ctx.log_guards.clone(), guard_log }
    }

    /// The call is part of another one: whoever looks for that one's trace finds it.
    pub(crate) fn belongs_to(&mut self, call: &str) {
        self.record.trace_id.get_or_insert_with(|| call.to_owned());
    }

    /// The cache answered: the record names the deployment that the call would have gone to, the first of its group.
    pub(super) fn as_if_called(&mut self, core: &Core, call: &Call) {
        let snapshot = core.app.snapshot.load();
        let router = &snapshot.engine.router;
        let who = Scope { team_id: self.record.caller.team_id.clone(), ..Scope::default() };
        let Ok(resolved) = router.resolve(&call.model, &who) else { return };
        let Some(deployment) = router.members(&resolved.group).next() else { return };
        let Some(target) = deployment.payload::<Target>() else { return };
        let r = &mut self.record;
        r.model = target.model_of(&resolved.provider_model(deployment));
        r.model_id = Some(Arc::clone(&deployment.id));
        r.provider = Arc::from(target.provider_id());
        r.api_base = target.base();
    }

    /// Notes when the client named a model that nobody serves.
    pub(super) fn checks_model(&mut self, ctx: &Context) {
        let who = Scope { team_id: self.record.caller.team_id.clone(), ..Scope::default() };
        let model = ctx.wish.as_ref().map_or(&self.record.model_group, |wish| &wish.group);
        let served = model.is_empty() || ctx.snapshot.engine.router.resolve(model, &who).is_ok();
        self.record.trail.unknown_model = !served;
    }

    /// These guardrails ran.
    pub(crate) fn judged(&mut self, names: &[String]) {
        self.record.guardrails = names.to_vec();
    }

    /// The record, with what guardrails did.
    fn whole(mut self) -> LogRecord {
        let Some(log) = &self.guard_log else { return self.record };
        self.record.guardrail_information = log.told();
        let runs = log.records().into_iter().map(|run| GuardrailRun {
            name: Arc::from(run.name),
            hook: run.mode.name(),
            status: match run.status {
                RunStatus::Success => "success",
                RunStatus::GuardrailIntervened => "intervened",
                RunStatus::GuardrailFailedToRespond => "error",
            },
            took_us: u64::try_from(run.took.as_micros()).unwrap_or(u64::MAX),
        });
        self.record.trail.guardrails = runs.collect();
        self.record
    }

    pub(crate) fn of(ctx: &Context, call: &Call) -> Self {
        let mut draft = Self::bare(ctx);
        // Not `want_content` of the call: guardrails and caches want it too.
        if draft.words == Words::Hidden {
            draft.record.messages = Words::messages();
        } else if draft.words.are_told() {
            let top = Top::parse(&call.body).ok();
            draft.record.parameters = top.as_ref().and_then(parameters).map(|p| draft.masked(Direction::Request, p));
            let field =
                top.as_ref().and_then(|t| t.get("messages").or_else(|| t.get("input")).or_else(|| t.get("prompt")));
            draft.record.messages =
                field.and_then(|m| RawJson::parse(m).ok()).map(|m| draft.masked(Direction::Request, m));
        }
        draft
    }

    /// What may be logged of messages or an answer.
    fn masked(&self, direction: Direction, content: RawJson) -> RawJson {
        match &self.guards {
            Some(guards) => guards.for_log(direction, &content),
            None => content,
        }
    }

    pub(crate) fn answered(mut self, head: &Head, report: &Report, error: Option<&Error>) -> LogRecord {
        let at = |moment: Instant| {
            let since = moment.saturating_duration_since(self.started);
            self.record.start_us + i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        };
        let (first, end) = (report.first_byte.map(at), at(Instant::now()));
        let done = report.upstream_done.unwrap_or_else(Instant::now);
        let upstream = done.saturating_duration_since(head.sent);
        let r = &mut self.record;
        r.first_byte_us = first;
        r.end_us = end;
        r.upstream_us = u64::try_from(upstream.as_micros()).unwrap_or(u64::MAX);
        r.response_id.clone_from(&report.response_id);
        r.model = Arc::clone(&head.model);
        r.model_group = Arc::clone(&head.deployment.group);
        r.model_id = Some(Arc::clone(&head.deployment.id));
        r.provider = Arc::from(head.provider);
        r.api_base.clone_from(&head.api_base);
        r.usage = report.usage;
        r.usage_raw.clone_from(&report.usage_raw);
        r.cost = report.cost;
        r.cost_problem.clone_from(&report.cost_problem);
        r.retries = head.retries;
        r.fallbacks = head.fallbacks.max(report.hops);
        r.trail.take(&head.trail);
        if self.words == Words::Hidden {
            self.record.response = Words::response().filter(|_| error.is_none());
        } else if self.words.are_told()
            && let Some(content) = &report.content
        {
            let mut out = bytes::BytesMut::new();
            if let Some(codec) = llm_wire::registry::client_generate(llm_types::Format::OpenAiChat) {
                codec.encode_response(content, &llm_wire::ReplyContext::default(), &mut out);
            }
            let answer = String::from_utf8(out.to_vec()).ok().and_then(|t| RawJson::parse(t).ok());
            self.record.response = answer.map(|answer| self.masked(Direction::Response, answer));
        }
        if let Some(error) = error {
            self.record.status = Status::Failure;
            self.record.error = Some(info(error, &self.record.provider));
            self.broke(error);
        }
        self.whole()
    }

    /// An answer that had begun ended in an error: where it was the host's, the last attempt failed after all.
    fn broke(&mut self, error: &Error) {
        let r = &mut self.record;
        let Some(id) = r.model_id.as_ref().filter(|_| error.side == Side::Upstream || error.upstream.is_some()) else {
            return;
        };
        r.trail.failed.push(FailedAttempt {
            group: Arc::clone(r.trail.fallback.as_ref().or(r.trail.asked.as_ref()).unwrap_or(&r.model_group)),
            model_id: Arc::clone(id),
            model: Arc::clone(&r.model),
            provider: Arc::clone(&r.provider),
            api_base: r.api_base.clone(),
            class: error.kind.facts().class,
            status: error.status(),
            upstream: true,
        });
    }

    /// What is known of a relay when its last byte went by.
    pub(crate) fn relayed(mut self, from: &RelayHead, report: &Report) -> LogRecord {
        let at = |moment: Instant| {
            let since = moment.saturating_duration_since(self.started);
            self.record.start_us + i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        };
        let (first, end) = (report.first_byte.map(at), at(Instant::now()));
        let upstream = report.upstream_done.unwrap_or_else(Instant::now).saturating_duration_since(from.sent);
        let r = &mut self.record;
        r.first_byte_us = first;
        r.end_us = end;
        r.upstream_us = u64::try_from(upstream.as_micros()).unwrap_or(u64::MAX);
        r.response_id.clone_from(&report.response_id);
        r.api_base = Some(Arc::clone(&from.url));
        if let Some(deployment) = &from.deployment {
            r.model_group = Arc::clone(&deployment.group);
            r.model_id = Some(Arc::clone(&deployment.id));
        }
        r.usage = report.usage;
        r.usage_raw.clone_from(&report.usage_raw);
        r.cost = report.cost;
        r.cost_problem.clone_from(&report.cost_problem);
        r.retries = from.retries;
        r.trail.failed.clone_from(&from.failed);
        r.cache_hit = None;
        if let Some(error) = &report.error {
            r.status = Status::Failure;
            r.error = Some(info(error, &r.provider));
            self.broke(error);
        }
        self.whole()
    }

    pub(super) fn failed(self, error: &Error) -> Arc<LogRecord> {
        Arc::new(self.ended(Some(error), |_| {}))
    }

    /// What is known of a call that ended now; `fill` adds what its maker knows.
    pub(crate) fn ended(mut self, error: Option<&Error>, fill: impl FnOnce(&mut LogRecord)) -> LogRecord {
        let since = self.started.elapsed();
        self.record.end_us = self.record.start_us + i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        if error.is_some() {
            self.record.status = Status::Failure;
        }
        fill(&mut self.record);
        self.record.error = error.map(|error| info(error, &self.record.provider)).or(self.record.error.take());
        self.whole()
    }
}

/// `provider`: whose host was called. One that could not be reached said nothing, and is at fault all the same.
fn info(error: &Error, provider: &Arc<str>) -> ErrorInfo {
    let called = (error.side == Side::Upstream && !provider.is_empty()).then(|| Arc::clone(provider));
    ErrorInfo {
        class: error.kind.facts().class,
        status: error.status(),
        message: error.message.clone(),
        provider: error.upstream.as_ref().map(|u| Arc::from(u.provider.as_str())).or(called),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_tools_are_not_told() {
        let body = r#"{"model":"m","temperature":0.5,"tools":[
            {"type":"function","function":{"name":"f","parameters":{"headers":{"type":"object"}}}},
            {"type":"mcp","server_label":"s","server_url":"https://x.example/?token=hush","Authorization":"hush",
                "headers":{"x-key":"hush"},"require_approval":"never"},
            {"type":"mcp","auth\u006frization":"hush"},
            {"type":"function","type":"mcp","headers":{"a":"hush"}}]}"#;
        let told = parameters(&Top::parse(body.as_bytes()).unwrap()).unwrap();
        assert!(!told.get().contains("hush"), "{}", told.get());
        let told: Json = told.read().unwrap();
        assert_eq!(told.get("temperature").and_then(Json::as_f64), Some(0.5));
        let tools = told.get("tools").and_then(Json::as_array).unwrap();
        assert!(tools[0].to_string().contains("headers"), "of functions all is told");
        assert_eq!(tools[1].text("server_label"), Some("s"));
        assert_eq!(tools[1].text("require_approval"), Some("never"));
    }
}
