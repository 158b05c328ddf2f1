//! Files of batches under guardrails: each request of a file is judged as a call would be, before the file goes on. What is
//! masked goes on masked, a request that is stopped is left out, and the answer says so as LiteLLM's does
//! (`litellm_batch_guardrail`). Large files are judged while they pass.

mod line;
mod pump;
mod report;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use futures_util::stream::poll_fn;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use llm_guardrails::{GuardLog, Mode};
use llm_http::{Body, BoxError};
use llm_types::{Error, Result};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::request::{Sent, Told};
use crate::body::Reply;
use crate::flow::{Context, Refused};
use crate::guard;
use line::Judge;
use pump::Pump;
pub(super) use report::Report;

/// Pieces of a file that wait to be sent.
const WAITING: usize = 4;
/// How long the rest of a refused file is read and thrown away: a client that still writes reads no answer.
const PATIENCE: Duration = Duration::from_secs(10);

type Piece = std::result::Result<Frame<Bytes>, BoxError>;

/// A form that is judged while it passes.
pub(super) struct Passing {
    from: Body,
    boundary: String,
    to: Sender<Piece>,
}

/// Judges an upload: what goes on, and what is still to be done beside it ([`beside`]).
///
/// # Errors
/// 400 for a request that cannot be judged, and where none is left; what a guardrail fails with.
pub(super) async fn upload(ctx: &Context, told: &Told, sent: Sent, report: &Report) -> Result<(Sent, Option<Passing>)> {
    let boundary = if may_judge(ctx)? { crate::form::boundary(&ctx.parts.headers) } else { None };
    let Some(boundary) = boundary else { return Ok((sent, None)) };
    match sent {
        Sent::Whole(form) => {
            let mut pump = Pump::new(&boundary, judge(ctx, told), report);
            let mut out = BytesMut::with_capacity(form.len());
            pump.feed(&form, &mut out).await?;
            pump.finish()?;
            Ok((Sent::Whole(out.freeze()), None))
        }
        Sent::Stream(from) => {
            let (to, pieces) = channel(WAITING);
            Ok((Sent::Stream(passed(pieces)), Some(Passing { from, boundary, to })))
        }
    }
}

fn judge<'a>(ctx: &'a Context, told: &'a Told) -> Judge<'a> {
    Judge { ctx, group: told.group.as_deref(), native: told.native }
}

/// False where no request of a file would be judged. Which policies hold may depend on the model of each.
fn may_judge(ctx: &Context) -> Result<bool> {
    if ctx.snapshot.guardrails.is_empty() {
        return Ok(false);
    }
    let guards = guard::open_line(ctx, &[], &GuardLog::default())?;
    Ok(!ctx.snapshot.policies.is_empty() || guards.has(Mode::PreCall) || guards.has(Mode::DuringCall))
}

fn passed(mut pieces: Receiver<Piece>) -> Body {
    Body::stream(StreamBody::new(poll_fn(move |cx| pieces.poll_recv(cx))))
}

impl Passing {
    /// Judges all of it. What it fails with breaks the body off.
    async fn run(self, ctx: &Context, told: &Told, report: &Report) -> Result<()> {
        let Self { mut from, boundary, to } = self;
        let done = pass(&mut from, &to, Pump::new(&boundary, judge(ctx, told), report)).await;
        if let Err(error) = &done {
            let rest = async { while let Some(Ok(_)) = from.frame().await {} };
            let _ = tokio::time::timeout(PATIENCE, rest).await;
            let _ = to.send(Err(error.clone().into())).await;
        }
        done
    }
}

async fn pass(from: &mut Body, to: &Sender<Piece>, mut pump: Pump<'_>) -> Result<()> {
    let mut out = BytesMut::new();
    while let Some(frame) = from.frame().await {
        let frame = frame.map_err(|e| Error::bad_request(format!("the form broke off: {e}")))?;
        let Ok(data) = frame.into_data() else { continue };
        pump.feed(&data, &mut out).await?;
        if !out.is_empty() && to.send(Ok(Frame::data(out.split().freeze()))).await.is_err() {
            return Ok(()); // whoever answers has read enough
        }
    }
    pump.finish()
}

/// Runs what sends a form on beside what judges it. A form that breaks off here is told with why.
///
/// # Errors
/// As [`upload`], and what the call fails with.
pub(super) async fn beside(
    passing: Option<Passing>,
    (ctx, told, report): (&Context, &Told, &Report),
    run: impl Future<Output = Result<Response<Reply>, Refused>>,
) -> Result<Response<Reply>, Refused> {
    let Some(passing) = passing else { return run.await };
    let (judging, run) = (std::pin::pin!(passing.run(ctx, told, report)), std::pin::pin!(run));
    match select(judging, run).await {
        Either::Left((Ok(()), run)) => run.await,
        Either::Left((Err(error), run)) => run.await.map_err(|refused| Refused { error, ..refused }),
        Either::Right((done, _)) => done,
    }
}
