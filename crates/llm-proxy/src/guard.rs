//! Guardrails on the path of a call.

mod held;
mod recalled;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use llm_accounts::{Applied, PolicyContext, Reservation};
use llm_client::{Call, Errand, Gate, Purpose, Report};
use llm_guardrails::{CallContext, Direction, GuardLog, Guards, Mode, Wanted, has_texts};
use llm_router::Admit;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::EventFilter;
use llm_types::{Error, Format, Json, Kind, OperationKind, Result};
use llm_wire::codec::{EncodeContext, ReplyContext};

use crate::beside::Side;
use crate::core::Core;
use crate::flow::Context;
pub use held::{Held, hold, speaks};
pub use recalled::recalled;

/// Opens the guardrails of a call and runs those that come before it; calls without texts have those of logs only. A guardrail
/// that edits the request makes a new body.
///
/// # Errors
/// Kind `Guardrail`, when one stops the call; 400 when a body that has to be judged cannot be read.
pub async fn before(ctx: &mut Context, call: &mut Call) -> Result<Guards> {
    let task = !is_conversation(call.operation);
    let asks = !task || has_texts(call.operation, Direction::Request);
    let judged = asks || has_texts(call.operation, Direction::Response);
    if !judged && !ctx.wants_content() {
        return Ok(Guards::default());
    }
    let applied = policies(ctx)?;
    let guards = open_all(ctx, &call.model, std::iter::empty(), &applied)?;
    if ctx.wants_content() {
        ctx.log_guards = guards.of_logs().map(Arc::new);
    }
    if !judged {
        return Ok(Guards::default());
    }
    ctx.policies = applied.policies;
    if guards.is_empty() {
        return Ok(guards);
    }
    if task {
        if asks && (guards.has(Mode::PreCall) || guards.has(Mode::DuringCall)) {
            before_task(ctx, call, &guards).await?;
        }
        return Ok(guards);
    }
    if guards.has(Mode::PreCall) {
        let mut request = call.decoded()?.clone();
        let outcome = guards.before(&mut request).await?;
        if outcome.changed {
            call.replace_body(write(call.format, &request, call.body.len())?);
        }
        ctx.ran(outcome.ran);
    }
    // Whoever judges answers needs them in canonical form.
    call.want_content |= guards.has(Mode::PostCall);
    Ok(guards)
}

/// Conversations, those included of which only the tokens are counted: a provider reads both.
pub const fn is_conversation(operation: OperationKind) -> bool {
    matches!(operation, OperationKind::Generate | OperationKind::CountTokens)
}

/// The same for an operation that is no conversation. Fields that stand behind a large file are judged as well: the form is
/// held until it is there.
async fn before_task(ctx: &mut Context, call: &mut Call, guards: &Guards) -> Result<()> {
    if let Some(upload) = call.upload.clone() {
        *call = upload.whole(call).await?;
    }
    let mut body = tree(call)?;
    let outcome = guards.before_task(call.operation, &mut body).await?;
    if outcome.changed {
        call.replace_body(Bytes::from(body.to_string()));
    }
    ctx.ran(outcome.ran);
    Ok(())
}

fn tree(call: &Call) -> Result<Json> {
    serde_json::from_slice(&call.body).map_err(|e| Error::bad_request(format!("the body is no JSON: {e}")))
}

/// The guardrails that a request runs: those that it, its key, its team or its policies ask for, and those that run by default.
///
/// # Errors
/// 400 when `guardrails` or `policies` of the body are no lists of names.
pub fn open(ctx: &Context, model: &str) -> Result<Guards> {
    open_with(ctx, model, std::iter::empty())
}

/// The same, and those of these names.
///
/// # Errors
/// As [`open`].
pub fn open_with<'n>(ctx: &Context, model: &str, names: impl Iterator<Item = &'n str>) -> Result<Guards> {
    open_all(ctx, model, names, &policies(ctx)?)
}

/// Those of a request of a batch, which asks for `models`: its own, and the group that keeps it. They write into `log`.
///
/// # Errors
/// As [`open`].
pub fn open_line(ctx: &Context, models: &[&str], log: &GuardLog) -> Result<Guards> {
    let model = models.first().copied().unwrap_or_default();
    let guards = open_all(ctx, model, std::iter::empty(), &policies_for(ctx, models)?)?;
    Ok(guards.log_into(log.clone()))
}

fn open_all<'n>(ctx: &Context, model: &str, names: impl Iterator<Item = &'n str>, applied: &Applied) -> Result<Guards> {
    let set = &ctx.snapshot.guardrails;
    if set.is_empty() {
        return Ok(Guards::default());
    }
    let mut wanted = Wanted::default();
    wanted.request(names);
    if let Some(names) = ctx.wish.as_ref().and_then(|w| w.guardrails.as_deref()) {
        wanted.request_json(names)?;
    }
    if let Some(wish) = ctx.who.as_ref().map(|who| who.guard_wish()) {
        wanted.request(wish.names.iter().map(String::as_str));
        wanted.opted_out.clone_from(&wish.opted_out);
        wanted.disable_global = wish.no_global;
    }
    wanted.request(applied.guardrails.iter().map(String::as_str));
    wanted.pipelines.clone_from(&applied.pipelines);
    wanted.on_top.clone_from(&applied.on_top);
    let caller = ctx.who.as_ref().map(|w| w.caller()).unwrap_or_default();
    let call = CallContext::new(&ctx.id, model, &caller).through(&ctx.wire);
    let key_header = ctx.snapshot.settings.key_header_name.as_deref();
    let guards = set.open(&wanted, &CallContext { headers: Some(&ctx.parts.headers), key_header, ..call });
    Ok(guards.log_into(ctx.guard_log.get_or_init(GuardLog::default).clone()))
}

/// The policies of a call. A model counts under the name that the client gave it and under that of its group, so that an alias
/// is no way round a policy; calls of tools and of agents have none.
///
/// # Errors
/// 400 when `policies` of the body is no list of names.
fn policies(ctx: &Context) -> Result<Applied> {
    let models = ctx.wish.as_ref().map(|wish| [&*wish.model, &*wish.group]).filter(|[model, _]| !model.is_empty());
    match &models {
        Some([model, group]) if model == group => policies_for(ctx, std::slice::from_ref(model)),
        Some(both) => policies_for(ctx, both),
        None => policies_for(ctx, &[]),
    }
}

/// Those of a call of these models.
fn policies_for(ctx: &Context, models: &[&str]) -> Result<Applied> {
    let policies = &ctx.snapshot.policies;
    if policies.is_empty() {
        return Ok(Applied::default());
    }
    let wish = ctx.wish.as_ref();
    let asked = wish.and_then(|wish| wish.policies.as_deref()).map(names).transpose()?.flatten().unwrap_or_default();
    let who = ctx.who.as_deref();
    let caller = who.map(llm_accounts::Identity::caller).unwrap_or_default();
    let own_tags = who.map(llm_accounts::Identity::tags).unwrap_or_default();
    let tags = wish.map(|wish| wish.tags.as_slice()).unwrap_or_default().iter().chain(own_tags);
    let tags: Vec<&str> = tags.map(String::as_str).collect();
    let context =
        PolicyContext { team: caller.team_alias.as_deref(), key: caller.key_alias.as_deref(), models, tags: &tags };
    let own = who.map(|who| who.guard_wish().policies.as_slice()).unwrap_or_default();
    Ok(policies.applied(&context, own.iter().map(String::as_str), asked.iter().map(String::as_str)))
}

/// The names that a body lists; null lists none.
fn names(raw: &str) -> Result<Option<Vec<String>>> {
    let wrong = |_| Error::bad_request("policies must be a list of names").with_param("policies");
    serde_json::from_str(raw).map_err(wrong)
}

/// A request in the client's own format again, of about `size` bytes.
///
/// # Errors
/// When it cannot be written in that format.
pub fn write(format: Format, request: &GenerateRequest, size: usize) -> Result<Bytes> {
    let codec = llm_wire::registry::upstream_generate(format)
        .ok_or_else(|| Error::internal(format!("the format {format} cannot be written anew")))?;
    let mut context = EncodeContext::for_model(&request.model);
    let mut out = BytesMut::with_capacity(size);
    codec.encode_request(request, &mut context, &mut out)?;
    Ok(out.freeze())
}

/// Do guardrails look at what is answered, or at the call while it runs?
#[must_use]
pub fn judges(guards: &Guards, operation: OperationKind) -> bool {
    let texts = |direction| operation == OperationKind::Generate || has_texts(operation, direction);
    guards.judges_answers() && texts(Direction::Response) || guards.has(Mode::DuringCall) && texts(Direction::Request)
}

/// Runs the call beside the guardrails that judge while it runs: what came of it, and their error, which wins, when one stops
/// the call. The call was made and is billed. It is pinned where it was made: by value its kilobytes would be held twice.
pub async fn beside<T>(guards: &Guards, call: &Call, run: impl Future<Output = T> + Unpin) -> (T, Option<Error>) {
    if !guards.has(Mode::DuringCall) {
        return (run.await, None);
    }
    let judge = async {
        match call.operation {
            operation if is_conversation(operation) => guards.during(call.decoded()?).await,
            operation => guards.during_task(operation, &tree(call)?).await,
        }
    };
    let (verdict, outcome) = futures_util::future::join(judge, run).await;
    (outcome, verdict.err())
}

/// Judges a whole answer. An edited one is written anew.
///
/// # Errors
/// The error, with the report of the call: it was made and is billed.
pub async fn after(
    guards: &Guards,
    ctx: &mut Context,
    call: &Call,
    body: Bytes,
    mut report: Box<Report>,
) -> Result<(Bytes, Box<Report>), (Error, Box<Report>)> {
    if !guards.has(Mode::PostCall) {
        return Ok((body, report));
    }
    if call.operation != OperationKind::Generate {
        return match after_task(guards, ctx, call, body).await {
            Ok(body) => Ok((body, report)),
            Err(error) => Err((error, report)),
        };
    }
    let Some(mut content) = report.content.take() else { return Ok((body, report)) };
    let outcome = match guards.after(&mut content).await {
        Ok(outcome) => outcome,
        Err(error) => return Err((error, report)),
    };
    ctx.ran(outcome.ran);
    let body = if outcome.changed { told(call, &content, body.len()) } else { body };
    report.content = Some(content);
    Ok((body, report))
}

/// An answer in the client's format, of about `size` bytes.
fn told(call: &Call, content: &GenerateResponse, size: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(size);
    let context = ReplyContext { model: call.echo.as_deref().map(str::to_owned), ..ReplyContext::default() };
    if let Some(codec) = llm_wire::registry::client_generate(call.format) {
        codec.encode_response(content, &context, &mut out);
    }
    out.freeze()
}

/// Judges the whole answer of an operation that is no conversation: JSON, or a text.
async fn after_task(guards: &Guards, ctx: &mut Context, call: &Call, body: Bytes) -> Result<Bytes> {
    if !has_texts(call.operation, Direction::Response) {
        return Ok(body);
    }
    let mut answer = match serde_json::from_slice::<Json>(&body) {
        Ok(tree) if tree.as_object().is_some() => tree,
        _ => match std::str::from_utf8(&body) {
            Ok(text) => Json::from(text),
            Err(_) => {
                return Err(withheld());
            }
        },
    };
    let outcome = guards.after_task(call.operation, &mut answer).await?;
    ctx.ran(outcome.ran);
    Ok(match answer {
        _ if !outcome.changed => body,
        Json::String(text) => Bytes::from(text),
        tree => Bytes::from(tree.to_string()),
    })
}

/// The error of an answer that guardrails had to judge, and cannot.
#[must_use]
pub fn withheld() -> Error {
    Error::new(Kind::Guardrail, "The answer is withheld: it cannot be judged").with_status(502)
}

/// What stands between the engine and the guardrails of a call.
#[derive(Debug)]
pub struct CallGate<'a> {
    /// The guardrails of the call.
    pub guards: &'a Guards,
    /// What was set aside for it.
    pub reservation: &'a Reservation,
    /// Keeps the books of calls beside it.
    pub core: &'a Core,
    /// What is known of the call.
    pub ctx: &'a Context,
}

impl Gate for CallGate<'_> {
    fn filters(&self) -> Vec<Box<dyn EventFilter>> {
        self.guards.stream_filter().into_iter().collect()
    }

    fn admit(&self) -> Option<Admit> {
        if !self.reservation.needs_free() {
            return None;
        }
        let (snapshot, who) = (Arc::clone(&self.ctx.snapshot), crate::scope::of(self.reservation.who()));
        Some(Admit::new(move |group| snapshot.price_bound(group, &who).is_some_and(|price| price.is_free())))
    }

    fn sent(&self) {
        self.reservation.mark_sent();
    }

    fn errand(&self, call: &Call, group: &str, purpose: Purpose) -> Option<Box<dyn Errand>> {
        Some(Box::new(Side::begin(self.core, self.ctx, call, group, purpose)?))
    }
}
