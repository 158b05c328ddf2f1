//! The end of a call: usage → cost → settlement → callbacks, exactly once.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use llm_accounts::{Bill, Reservation, Settled};
use llm_client::{Call, Head, RelayHead, Report};
use llm_types::record::{Cost, ErrorInfo, Status};
use llm_types::{Error, LogRecord, RawJson, Side};

use crate::app::App;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::recall::{Hit, Ticket};

/// Writes finished calls into accounts and callbacks.
#[derive(Debug)]
pub struct Ledger;

impl Ledger {
    /// A call that was answered whole.
    pub fn whole(
        core: &Core,
        ctx: &Context,
        call: &Call,
        head: &Head,
        report: &Report,
        reservation: Reservation,
        stopped: Option<&Error>,
    ) -> Settled {
        let record = Draft::of(ctx, call).answered(head, report, stopped.or(report.error.as_ref()));
        settle(&core.app, record, report, reservation, true)
    }

    /// A call that the cache answered: nothing is charged.
    pub fn cached(core: &Core, ctx: &Context, call: &Call, hit: &Hit, reservation: Reservation) -> Settled {
        let mut draft = Draft::of(ctx, call);
        draft.record.cache_hit = Some(true);
        draft.record.cache_key = Some(hit.key.clone());
        draft.record.saved_cost = hit.cost.unwrap_or_default();
        draft.record.response_id = hit.response_id.as_ref().map(|id| format!("{id}_cache_hit{}", now_us() / 1_000_000));
        draft.record.usage = hit.usage;
        draft.record.end_us = now_us();
        let report = Report { usage: hit.usage, ..Report::default() };
        settle(&core.app, draft.record, &report, reservation, false)
    }

    /// A call that ended in an error, which is given back.
    pub fn refused(core: &Core, ctx: &Context, refused: Refused) -> Error {
        let mut draft = Draft::bare(ctx);
        let Refused { error, reservation, made } = refused;
        if let Some(made) = made.as_ref().and_then(|f| f.last.as_ref()) {
            let r = &mut draft.record;
            r.model = Arc::clone(&made.model);
            r.model_id = Some(Arc::clone(&made.deployment.id));
            r.provider = Arc::from(made.provider);
            r.api_base.clone_from(&made.api_base);
        }
        let record = draft.failed(&error);
        if let Some(reservation) = reservation {
            let bill = Bill { usage: record.usage, cost: 0.0, record: Some(Arc::clone(&record)), charge: false };
            drop(reservation.settle(bill));
        } else if let Some(who) = &ctx.who {
            core.app.accounts.note_refusal(who, Arc::clone(&record));
        }
        core.app.bus.push(record);
        error
    }
}

/// Settles a stream when its body is gone.
#[derive(Debug)]
pub struct Tail {
    app: Arc<App>,
    draft: Draft,
    head: Head,
    reservation: Reservation,
    ticket: Option<Ticket>,
    call_format: llm_types::Format,
    echo: Option<Arc<str>>,
    /// What was asked beside it cost so much.
    errand: Cost,
}

impl Tail {
    /// Charges what was asked beside the call, too.
    #[must_use]
    pub fn with_errand(mut self, spent: Cost) -> Self {
        self.errand = spent;
        self
    }

    /// A tail for a stream that is about to be answered.
    #[must_use]
    pub fn new(
        core: &Core,
        ctx: &Context,
        call: &Call,
        head: Head,
        reservation: Reservation,
        ticket: Option<Ticket>,
    ) -> Self {
        reservation.mark_sent();
        let draft = Draft::of(ctx, call);
        Self {
            app: Arc::clone(&core.app),
            draft,
            head,
            reservation,
            ticket,
            call_format: call.format,
            echo: call.echo.clone(),
            errand: Cost::default(),
        }
    }
}

impl llm_client::Tail for Tail {
    fn stops(&mut self, written: u64) -> Option<Error> {
        self.reservation.stops(written)
    }

    fn done(self: Box<Self>, mut report: Box<Report>) {
        let Self { app, draft, head, reservation, ticket, call_format, echo, errand } = *self;
        report.cost.add_errand(&errand);
        let record = draft.answered(&head, &report, report.error.as_ref());
        if report.error.is_none()
            && !report.interrupted
            && let (Some(ticket), Some(content)) = (ticket, &report.content)
        {
            crate::recall::store_stream(ticket, call_format, echo.as_deref(), content);
        }
        settle(&app, record, &report, reservation, true);
    }
}

pub(crate) fn settle(app: &App, record: LogRecord, report: &Report, reservation: Reservation, charge: bool) -> Settled {
    let record = Arc::new(record);
    let bill = Bill { usage: report.usage, cost: report.cost.total, record: Some(Arc::clone(&record)), charge };
    let settled = reservation.settle(bill);
    app.bus.push(record);
    settled
}

/// A log record that is being filled in.
#[derive(Debug)]
pub(crate) struct Draft {
    record: LogRecord,
    started: Instant,
    keep_content: bool,
}

impl Draft {
    /// What is known of any call.
    pub(crate) fn bare(ctx: &Context) -> Self {
        let wish = ctx.wish.as_ref();
        let header = |name: &str| ctx.parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let mut caller = ctx.who.as_ref().map(|w| w.caller()).unwrap_or_default();
        caller.end_user = wish.and_then(|w| w.end_user.as_deref()).map(Arc::from);
        let model: Arc<str> = wish.map_or_else(|| Arc::from(""), |w| Arc::clone(&w.model));
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
            cache_hit: ctx.cache.as_ref().map(|_| false),
            cache_key: None,
            saved_cost: 0.0,
            tags: wish.map(|w| w.tags.clone()).unwrap_or_default(),
            client_ip: Some(ctx.peer.ip().to_string()),
            user_agent: header("user-agent"),
            metadata: wish.and_then(|w| w.metadata.clone()).and_then(|m| RawJson::parse(m).ok()),
            guardrails: ctx.guardrails.clone(),
            messages: None,
            response: None,
            error: None,
        };
        Self { record, started: ctx.started, keep_content: false }
    }

    /// The call is part of another one: whoever looks for that one's trace finds it.
    pub(crate) fn belongs_to(&mut self, call: &str) {
        self.record.trace_id.get_or_insert_with(|| call.to_owned());
    }

    /// These guardrails ran.
    pub(crate) fn judged(&mut self, names: &[String]) {
        self.record.guardrails = names.to_vec();
    }

    pub(crate) fn of(ctx: &Context, call: &Call) -> Self {
        let mut draft = Self::bare(ctx);
        draft.keep_content = call.want_content;
        if call.want_content {
            let top = llm_wire::top::Top::parse(&call.body).ok();
            let field =
                top.as_ref().and_then(|t| t.get("messages").or_else(|| t.get("input")).or_else(|| t.get("prompt")));
            draft.record.messages = field.and_then(|m| RawJson::parse(m).ok());
        }
        draft
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
        if self.keep_content
            && let Some(content) = &report.content
        {
            let mut out = bytes::BytesMut::new();
            if let Some(codec) = llm_wire::registry::client_generate(llm_types::Format::OpenAiChat) {
                codec.encode_response(content, &llm_wire::ReplyContext::default(), &mut out);
            }
            r.response = String::from_utf8(out.to_vec()).ok().and_then(|t| RawJson::parse(t).ok());
        }
        if let Some(error) = error {
            self.record.status = Status::Failure;
            self.record.error = Some(info(error, &self.record.provider));
        }
        self.record
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
        r.cache_hit = None;
        if let Some(error) = &report.error {
            r.status = Status::Failure;
            r.error = Some(info(error, &r.provider));
        }
        self.record
    }

    fn failed(self, error: &Error) -> Arc<LogRecord> {
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
        self.record.error = error.map(|error| info(error, &self.record.provider)).or(self.record.error);
        self.record
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

/// Microseconds since 1970.
#[must_use]
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
