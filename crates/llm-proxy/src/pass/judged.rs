//! Guardrails of pass-through endpoints (`guardrails` of an endpoint): they judge bodies that are only relayed, before they go
//! out, and answers before they go on. What they cannot read does not pass: whoever asked for a guardrail relies on it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, RANGE};
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use llm_accounts::Reservation;
use llm_client::{RelayBody, Relayed, Report, Tail};
use llm_guardrails::{Guards, Mode, Outcome, Targets};
use llm_types::{Error, Json, Kind};
use parking_lot::Mutex;

use super::custom::Custom;
use super::headers;
use super::joined::joined;
use super::once::names_stand_once;
use super::payload::Payload;
use super::tail::{Facts, RelayTail};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::guard;

/// An answer that is judged is held back, up to so many bytes.
pub(super) const LONGEST: usize = 32 << 20;
/// Everything that is said.
static WHOLE: std::sync::LazyLock<Targets> = std::sync::LazyLock::new(Targets::default);

/// The guardrails of one call of an endpoint.
#[derive(Debug)]
pub(crate) struct Judge<'c> {
    targets: &'c Targets,
    pub(crate) guards: Guards,
}

impl<'c> Judge<'c> {
    /// The guardrails of an endpoint, with those that key and team ask for and those that always run; nothing for endpoints
    /// that name none.
    ///
    /// # Errors
    /// 500 when one that the endpoint names is not there.
    pub(super) fn open(ctx: &Context, custom: &'c Custom) -> llm_types::Result<Option<Self>> {
        let Some(targets) = custom.guardrails.as_deref() else { return Ok(None) };
        Ok(Some(Self { targets, guards: guards(ctx, &targets.names().collect::<Vec<_>>(), custom.path)? }))
    }

    /// The guardrails of an agent, with those that key and team ask for and those that always run; nothing where none is.
    ///
    /// # Errors
    /// 500 when one that the agent names is not there.
    pub(crate) fn of_names(ctx: &Context, names: &[String]) -> llm_types::Result<Option<Judge<'static>>> {
        let guards = guards(ctx, &names.iter().map(String::as_str).collect::<Vec<_>>(), ctx.route)?;
        Ok((!guards.is_empty()).then(|| Judge { targets: &WHOLE, guards }))
    }

    /// Judges a part of a request; true when it was edited.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops it.
    pub(crate) async fn before_tree(&self, ctx: &mut Context, tree: &mut Json) -> llm_types::Result<bool> {
        self.judge(ctx, tree, self.targets).await
    }

    async fn judge(&self, ctx: &mut Context, tree: &mut Json, targets: &Targets) -> llm_types::Result<bool> {
        let outcome = self.guards.before_relay(tree, targets).await?;
        let during = self.guards.during_relay(tree, targets).await?;
        ctx.ran(outcome.ran.into_iter().chain(during.ran));
        Ok(outcome.changed)
    }

    /// Judges a request. A body that was edited takes the place of the client's.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops it; 400 for a body that cannot be read.
    pub(super) async fn before(&self, ctx: &mut Context, payload: &mut Payload) -> llm_types::Result<()> {
        if !self.guards.has(Mode::PreCall) && !self.guards.has(Mode::DuringCall) {
            return Ok(());
        }
        let bytes = match payload {
            Payload::None => return Ok(()),
            Payload::Whole(bytes) => bytes.clone(),
            Payload::Stream(_) | Payload::Spent => return Err(unreadable()),
        };
        let (mut body, targets) = self.read(&ctx.parts.headers, &bytes).ok_or_else(unreadable)?;
        if self.judge(ctx, &mut body, targets).await? {
            *payload = Payload::Whole(written(body));
        }
        Ok(())
    }

    /// A body as a tree, and what each guardrail looks at: all of it, where it is text without fields.
    fn read(&self, headers: &HeaderMap, bytes: &Bytes) -> Option<(Json, &Targets)> {
        let coded = headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
        let text = std::str::from_utf8(bytes).ok().filter(|_| !coded)?;
        if let Ok(tree) = serde_json::from_str(text) {
            return names_stand_once(text.as_bytes()).then_some((tree, self.targets));
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.to_ascii_lowercase().starts_with("text/").then(|| (Json::from(text), &*WHOLE))
    }
}

/// The guardrails of these names, with those that key and team ask for and those that always run. `whose`: for the log.
fn guards(ctx: &Context, names: &[&str], whose: &str) -> llm_types::Result<Guards> {
    let set = &ctx.snapshot.guardrails;
    if let Some(name) = names.iter().find(|name| !set.names().any(|known| known == **name)) {
        tracing::error!(guardrail = name, path = whose, "a guardrail is named that there is not");
        return Err(Error::internal("a guardrail of this endpoint is not there"));
    }
    guard::open_with(ctx, "", names.iter().copied())
}

fn unreadable() -> Error {
    Error::bad_request("the guardrails of this endpoint judge JSON, each name once, and text; this body is neither")
}

fn written(body: Json) -> Bytes {
    match body {
        Json::String(text) => Bytes::from(text),
        tree => Bytes::from(tree.to_string()),
    }
}

/// Headers of a request whose answer is judged: it must come as it is, and whole.
pub(crate) fn plain(judge: Option<&Judge<'_>>, headers: &mut HeaderMap) {
    if judge.is_some() {
        [ACCEPT_ENCODING, RANGE].iter().for_each(|name| drop(headers.remove(name)));
    }
}

/// The answer, held back until it is judged; a stop is told and written down. Answers that are errors go on as they are.
pub(crate) async fn answered(
    core: &Core,
    ctx: &mut Context,
    judge: &Judge<'_>,
    relayed: Relayed,
    (facts, reservation): (Facts, Option<Reservation>),
) -> Response<Reply> {
    if !judge.guards.has(Mode::PostCall) || relayed.parts.status.as_u16() >= 400 {
        return super::answered(core, ctx, relayed, facts, reservation);
    }
    let Relayed { mut parts, body, from } = relayed;
    let tail = Box::new(RelayTail::new(core, ctx, from.clone(), facts, reservation));
    let mut ending = Ending { tail: Some(tail), report: Arc::default() };
    let verdict = match whole(body, &ending.report).await {
        Ok(bytes) => passed(ctx, judge, &parts.headers, bytes).await,
        Err(error) => Err(error),
    };
    if let Some(tail) = &mut ending.tail {
        tail.judged(&ctx.guardrails);
    }
    match verdict {
        Ok((bytes, changed)) => {
            if changed {
                for name in [CONTENT_LENGTH, ETAG, HeaderName::from_static("digest")] {
                    parts.headers.remove(name);
                }
            }
            drop(ending);
            headers::response(ctx, parts, &from, Reply::Whole(bytes))
        }
        Err(error) => {
            ending.stopped(error.clone());
            super::stopped(ctx, error)
        }
    }
}

/// The answer as it may go on, and whether it was edited.
pub(crate) async fn passed(
    ctx: &mut Context,
    judge: &Judge<'_>,
    headers: &HeaderMap,
    bytes: Bytes,
) -> llm_types::Result<(Bytes, bool)> {
    if bytes.is_empty() {
        return Ok((bytes, false));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let stream = kind.to_ascii_lowercase().starts_with("text/event-stream");
    let read = if stream { joined(&bytes).map(|tree| (tree, judge.targets)) } else { judge.read(headers, &bytes) };
    let withheld = |why: &str| Error::new(Kind::Guardrail, format!("The answer is withheld: {why}")).with_status(502);
    let (mut body, targets) = read.ok_or_else(|| withheld("the guardrails of this endpoint cannot read it"))?;
    let Outcome { changed, ran } = judge.guards.after_relay(&mut body, targets).await?;
    ctx.ran(ran);
    match (changed, stream) {
        (false, _) => Ok((bytes, false)),
        (true, false) => Ok((written(body), true)),
        (true, true) => Err(withheld("a guardrail would change it, and it is a stream")),
    }
}

/// All of a body; what it consumed goes into `report`.
async fn whole(mut body: RelayBody, report: &Slot) -> llm_types::Result<Bytes> {
    let slot = Arc::clone(report);
    body.set_tail(Box::new(move |report| *slot.lock() = Some(report)));
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::new(Kind::InvalidReply, format!("the answer broke off: {error}")))?;
        let Ok(piece) = frame.into_data() else { continue };
        if all.len() + piece.len() > LONGEST {
            return Err(Error::new(Kind::InvalidReply, "the answer is too long to be judged"));
        }
        all.extend_from_slice(&piece);
    }
    Ok(Bytes::from(all))
}

type Slot = Arc<Mutex<Option<Box<Report>>>>;

/// The end of a call whose answer was held back: it is written down once, whoever leaves first.
struct Ending {
    tail: Option<Box<RelayTail>>,
    report: Slot,
}

impl Ending {
    /// It was made, and its answer is not told.
    fn stopped(self, error: Error) {
        let mut report = self.report.lock().take().unwrap_or_default();
        report.error = Some(error);
        *self.report.lock() = Some(report);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(tail) = self.tail.take() {
            tail.done(self.report.lock().take().unwrap_or_default());
        }
    }
}
