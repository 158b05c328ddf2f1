//! The end of a call: usage → cost → settlement → callbacks, exactly once.

mod draft;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use llm_accounts::{Bill, Reservation, Settled};
use llm_client::{Call, Head, Report};
use llm_types::record::Cost;
use llm_types::{Error, LogRecord};

use crate::app::App;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::recall::{Hit, Ticket};
use crate::responses::owed::Owed;
pub(crate) use draft::Draft;

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
        draft.as_if_called(core, call);
        draft.record.end_us = now_us();
        let report = Report { usage: hit.usage, ..Report::default() };
        settle(&core.app, draft.record, &report, reservation, false)
    }

    /// A call that ended in an error, which is given back.
    pub fn refused(core: &Core, ctx: &Context, refused: Refused) -> Error {
        let Refused { error, reservation, mut made, booked } = refused;
        if booked {
            return error;
        }
        let mut draft = Draft::bare(ctx);
        if let Some(failure) = &mut made {
            draft.record.trail.failed = std::mem::take(&mut failure.failed);
        }
        if draft.record.trail.failed.is_empty() {
            draft.checks_model(ctx);
        }
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
    /// Its host may go on after it.
    owed: Option<Owed>,
    /// What was asked beside it cost so much.
    errand: Cost,
    /// Why the client gets nothing of it.
    stopped: Option<Error>,
}

impl Tail {
    /// Charges what was asked beside the call, too.
    #[must_use]
    pub fn with_errand(mut self, spent: Cost) -> Self {
        self.errand = spent;
        self
    }

    /// A guardrail stopped the call, if one did: what was used is charged, and the answer is nobody's.
    #[must_use]
    pub fn stopped(mut self, error: Option<Error>) -> Self {
        self.stopped = error;
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
            owed: Owed::of(core, ctx),
            errand: Cost::default(),
            stopped: None,
        }
    }
}

impl llm_client::Tail for Tail {
    fn stops(&mut self, written: u64) -> Option<Error> {
        self.reservation.stops(written)
    }

    fn done(self: Box<Self>, mut report: Box<Report>) {
        let Self { app, draft, head, reservation, ticket, call_format, echo, owed, errand, stopped } = *self;
        if let Some(owed) = owed {
            owed.remember_later(&head, &report);
        }
        report.cost.add_errand(&errand);
        if stopped.is_some() {
            (report.error, report.content) = (stopped, None);
        }
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
    settle_as(app, record, report, reservation, (charge, None))
}

/// The same for what is charged once under a name.
pub(crate) fn settle_as(
    app: &App,
    mut record: LogRecord,
    report: &Report,
    reservation: Reservation,
    (charge, once): (bool, Option<&str>),
) -> Settled {
    record.trail.limits = reservation.left().to_vec();
    let record = Arc::new(record);
    let bill = Bill { usage: report.usage, cost: report.cost.total, record: Some(Arc::clone(&record)), charge };
    let settled = match once {
        Some(name) => reservation.settle_once(bill, name),
        None => reservation.settle(bill),
    };
    app.bus.push(record);
    settled
}

/// Microseconds since 1970.
#[must_use]
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
