//! The life of a model call, as a list of steps. Each step is one call into one crate; time runs one way.
//!
//! ```text
//!  1 route      done by `core`: method + path → operation, format, permission
//!  2 identify   credential → identity
//!  3 read       body within limits; one scan of its top level
//!  4 admit      body safety, permission for the model; limits and budget reserved
//!  5 guard      pre-call guardrails; during-call ones run beside 7
//!  6 recall     cache look-up; a hit goes to 11
//!  7 attempts   8 plan, 9 attempt, 10 commit: one loop, owned by llm-client
//! 11 answer     body, headers, stream guardrails, cache fill
//! 12 tail       at end of body, or drop: usage → cost → settle → callbacks
//! ```

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use hyper::body::Incoming;
use llm_accounts::{Identity, Reservation};
use llm_client::{Answer, Call};
use llm_http::Transport;
use llm_types::{Error, Format, Kind, OperationKind, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use crate::body::Reply;
pub use crate::context::{Context, Refused};
use crate::core::Core;
use crate::edited::Edited;
use crate::guard::CallGate;
use crate::mcp::inside;
use crate::read;
use crate::recall::Memory;
use crate::resources::context;
use crate::responses::owed::Owed;
use crate::responses::{self, Told};
use crate::routes::Route;
use crate::tail::{Ledger, Tail};
use crate::validation;
use crate::wish::Wish;
use crate::{answer, cursor, demands, errors, guard, own, prompts, recall, searched, several, templates, videos};

/// Runs a model call and answers it, whatever happens.
pub async fn serve(core: &Core, route: &Route<'_>, parts: Parts, body: Incoming, peer: SocketAddr) -> Response<Reply> {
    let crate::routes::Action::Call(operation, format) = route.action else { return errors::not_found() };
    let path_model = route.model.map(read::decode_path);
    let mut ctx = Context::new(core, route.name, operation, format, parts, peer);
    ctx.streams = route.streams;
    let _under_way = core.app.hanging.as_ref().map(|hanging| hanging.enter(&ctx.id, route.name));
    let outcome = steps(core, &mut ctx, path_model, body).await;
    if let Some(upload) = &ctx.upload {
        // Whoever still sends does not listen: what is left of the form is read before anything is said.
        let _ = tokio::time::timeout(ctx.snapshot.settings.body_timeout, upload.drain()).await;
    }
    match outcome {
        Ok(response) => response,
        Err(refused) => crate::pass::refuse(core, &ctx, refused),
    }
}

async fn steps(
    core: &Core,
    ctx: &mut Context,
    path_model: Option<String>,
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    // 2 identify. When both key and body are bad the client hears of the body, as in LiteLLM.
    let who = match core.identify(&ctx.parts).await {
        Ok(who) => who,
        Err(refusal) => {
            match crate::form::boundary(&ctx.parts.headers) {
                Some(boundary) => ctx.upload = Box::pin(crate::form::read(ctx, body, &boundary, true)).await?.upload,
                None => {
                    let body = read::body(&ctx.snapshot, &ctx.parts, body).await?;
                    // Questions have none.
                    if !body.is_empty() {
                        Top::parse(&body)?;
                    }
                }
            }
            return Err(refusal.into());
        }
    };
    ctx.who = Some(Arc::clone(&who));

    // 3 read
    let (body, files) = match crate::form::boundary(&ctx.parts.headers) {
        Some(boundary) => {
            let form = Box::pin(crate::form::read(ctx, body, &boundary, path_model.is_some())).await?;
            ctx.upload = form.upload;
            (form.fields, form.files)
        }
        None => {
            let body = read::body(&ctx.snapshot, &ctx.parts, body).await?;
            // No body says nothing: the client hears what is missing.
            (if body.is_empty() { Bytes::from_static(b"{}") } else { body }, Vec::new())
        }
    };
    let is_form = crate::form::boundary(&ctx.parts.headers).is_some();
    validation::files(ctx.operation, is_form, &body, &files)?;
    let (body, path_model) = match videos::about(ctx, path_model.as_deref(), &body)? {
        Some(about) => (about.body, about.model),
        None => (body, path_model),
    };
    let body = if ctx.route == cursor::CHAT { cursor::as_chat(&ctx.snapshot, &who, &body)? } else { body };
    asked(core, ctx, &who, path_model, &body, files).await
}

/// The rest of the way of a body: a managed prompt is filled in, the gateway's own tools are offered, and one model
/// answers, or several.
///
/// # Errors
/// What the call is refused for.
pub async fn asked(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    body: &Bytes,
    files: Vec<FilePart>,
) -> Result<Response<Reply>, Refused> {
    let top = Top::parse(body)?;
    let filled = templates::fill(core, ctx, who, &top)?;
    let again = filled.as_deref().map(Top::parse).transpose()?;
    let (body, top) = (filled.as_ref().unwrap_or(body), again.unwrap_or(top));
    if let Some(offer) = inside::read(ctx, &top)? {
        return Box::pin(inside::answer(core, ctx, who, path_model, &top, offer)).await;
    }
    if let Some(wish) = responses::searching::read(ctx, who, path_model.as_deref(), &top)? {
        return Box::pin(responses::searching::answer(core, ctx, who, path_model, &top, wish)).await;
    }
    match several::read(ctx, &top)? {
        Some(several) => Box::pin(several::answer(core, ctx, who, &top, several)).await,
        None => match prompts::read(ctx, who, path_model.as_deref(), &top)? {
            Some(prompts) => Box::pin(prompts::answer(core, ctx, who, path_model, &top, prompts)).await,
            None => one(core, ctx, who, path_model, (body, &top), files).await,
        },
    }
}

/// The rest of the way for one model.
///
/// # Errors
/// What the call is refused for.
pub async fn one(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    (body, top): (&Bytes, &Top<'_>),
    files: Vec<FilePart>,
) -> Result<Response<Reply>, Refused> {
    let asked_for = top.str("model").or(path_model.as_deref().map(Into::into)).unwrap_or_default();
    let who = &Arc::clone(videos::acting(ctx, who, &asked_for).unwrap_or_else(|| who.acting(&[&asked_for])));
    ctx.who = Some(Arc::clone(who));
    let mut wish = read::wish(ctx, top, path_model, who)?;
    videos::behind(ctx, who, &mut wish)?;
    go_on_within_budget(ctx, who, &mut wish);
    let (mut body, mut background) = (body.clone(), false);
    if ctx.format == Format::OpenAiResponses && ctx.operation == OperationKind::Generate && read::beside(ctx).is_none()
    {
        let turn = responses::turn::prepare(&core.app.responses, ctx, who, &mut wish, (&body, top));
        let prepared = Box::pin(turn).await?;
        wish.stream &= !prepared.background;
        (body, background, ctx.turn) = (prepared.body, prepared.background, Some(prepared.turn));
    }

    // 4 admit
    priced(ctx, &wish)?;
    demands::check(&ctx.snapshot, top, who)?;
    demands::may_call(&ctx.snapshot, wish.end_user.as_deref())?;
    read::safe(&ctx.snapshot, top, who, &wish.group)?;
    searched::body(who, top)?;
    if let Some(hanging) = &core.app.hanging {
        hanging.known(&ctx.id, &wish.group, who);
    }
    let intent = wish.intent(ctx, (body.len() / 4) as u64);
    let admitted = core.app.accounts.admit_shared(who, ctx.route, &intent).await;
    ctx.no_log = wish.no_log;
    ctx.wish = Some(wish);
    let reservation = admitted?;
    crate::region::bind(ctx, who, &reservation);

    let wish = ctx.wish.as_ref().ok_or_else(|| Error::internal("no wish"))?;
    let mut call = read::call(ctx, wish, body);
    call.controls.own = own::read(&ctx.snapshot, top, &crate::scope::of(who), &wish.group).map(Arc::new);
    call.files = files.into();
    call.upload = ctx.upload.clone();
    if let Some(turn) = ctx.turn.as_ref().filter(|_| background) {
        return responses::background::start(core, ctx, turn, call, reservation).map_err(|refused| *refused);
    }
    run(core, ctx, call, reservation).await
}

/// The rest of the way of a call that was admitted.
///
/// # Errors
/// What the call is refused for.
pub async fn run(
    core: &Core,
    ctx: &mut Context,
    mut call: Call,
    reservation: Reservation,
) -> Result<Response<Reply>, Refused> {
    ctx.queued_us = u64::try_from(ctx.started.elapsed().as_micros()).ok();

    // 5 guard
    let guards = match guard::before(ctx, &mut call).await {
        Ok(guards) => guards,
        Err(error) => return Err(Refused::after(error, reservation)),
    };

    if call.operation == OperationKind::CountTokens {
        let counting = Box::pin(crate::count::answer(core, ctx, &call));
        let (counted, stopped) = guard::beside(&guards, &call, counting).await;
        return stopped.map_or(counted, Err).map_err(|error| Refused::after(error, reservation));
    }

    // 6 recall
    // What a guardrail puts back into an answer is for nobody else. What the cache has is what models said: it is judged for
    // whoever gets it.
    let judges = guard::judges(&guards, call.operation);
    let memory = if guards.personal() { Memory::default() } else { recall::lookup(core, ctx, &call, judges).await };
    ctx.cache_asked = memory.asked;
    if let Some(hit) = memory.hit {
        let hit = if judges { Box::pin(guard::recalled(&guards, ctx, &call, hit)).await } else { Ok(hit) };
        return match hit {
            Ok(hit) => Ok(answer::from_cache(core, ctx, &call, hit, reservation)),
            Err(error) => Err(Refused::after(error, reservation)),
        };
    }
    if let Some(rest) = memory.rest {
        call.replace_body(rest);
    }

    let held = match guard::hold(&guards, &mut call).await {
        Ok(held) => held,
        Err(error) => return Err(Refused::after(error, reservation)),
    };

    // what vector stores know of it
    let knowledge = context::add(core, ctx, &mut call).await;

    // 7-10 attempts
    call.want_content |= memory.ticket.is_some() && call.stream;
    let gate = CallGate { guards: &guards, reservation: &reservation, core, ctx };
    let engine = ctx.snapshot.engine.clone();
    let guarded = call.controls.own.as_ref().filter(|own| own.guarded).map(|_| own::Guarded(core.http.clone()));
    let http: &dyn Transport = guarded.as_ref().map_or(&core.http, |guarded| guarded);
    let (outcome, stopped) = guard::beside(&guards, &call, pin!(engine.answer(http, &call, &gate))).await;
    let reply = match (outcome, &stopped) {
        (Ok(reply), _) => reply,
        (Err(failure), None) => return Err(Refused::of(failure, reservation)),
        (Err(failure), Some(error)) => {
            return Err(Refused { error: error.clone(), ..Refused::of(failure, reservation) });
        }
    };

    // 11 answer, 12 tail
    match reply {
        Answer::Whole { head, body, mut report } => {
            let body = knowledge.tell(body, &mut report);
            if let Some(error) = stopped {
                report.content = None; // nobody got it
                Ledger::whole(core, ctx, &call, &head, &report, reservation, Some(&error));
                return Err(Refused::booked(error));
            }
            let (body, report) = match guard::after(&guards, ctx, &call, body, report).await {
                Ok(kept) => kept,
                Err((error, report)) => {
                    Ledger::whole(core, ctx, &call, &head, &report, reservation, Some(&error));
                    return Err(Refused::booked(error));
                }
            };
            if let Some(owed) = Owed::of(core, ctx) {
                owed.remember(&head, &report).await;
            }
            let body = match &ctx.turn {
                Some(turn) => turn.whole(&head, body),
                None => body,
            };
            let body = recall::store(memory.ticket, &head, body);
            let settled = Ledger::whole(core, ctx, &call, &head, &report, reservation, None);
            let response = answer::whole(ctx, &call, &head, &report, &settled, body.clone());
            match held {
                Some(held) => Ok(held.told(&call, &body, response)?),
                None => Ok(response),
            }
        }
        Answer::Bytes { head, mut body } => {
            let headers = answer::stream_headers(ctx, &call, &head, &reservation);
            let kind = head.content_type.clone();
            // The books are kept when the body is dropped: it was made, and is not told.
            let stopped = stopped.or_else(|| guard::speaks(&guards, &call).then(guard::withheld));
            body.set_tail(Box::new(Tail::new(core, ctx, &call, head, reservation, None).stopped(stopped.clone())));
            match stopped {
                Some(error) => Err(Refused::booked(error)),
                None => Ok(answer::bytes(headers, kind, body)),
            }
        }
        Answer::Stream { head, mut body } => {
            let others = ctx.wish.as_ref().is_some_and(|wish| !wish.fallback_models.is_empty());
            if head.fallbacks > 0 || others {
                // From now on it costs what this model costs. A dearer one: what was set aside has to cover it.
                let answering = std::iter::once(&head.deployment);
                let snapshot = &ctx.snapshot;
                let price = snapshot.bounds.of_deployments(&snapshot.engine, answering, &head.model);
                let covered = reservation.cover(price);
                if !covered {
                    tracing::warn!(call = %ctx.id, "a dearer fallback answers than the budget was reserved for");
                }
            }
            let headers = answer::stream_headers(ctx, &call, &head, &reservation);
            let writes = ctx.turn.as_ref().map(|turn| (turn.rewriter(&head), turn.keeper(&head)));
            let ids = ctx.turn.as_ref().map(|turn| turn.rewriter(&head));
            let ticket = memory.ticket.map(|ticket| match ids {
                Some(ids) => ticket.with_ids(ids),
                None => ticket,
            });
            let tail = Tail::new(core, ctx, &call, head, reservation, ticket).with_errand(knowledge.spent());
            body.set_tail(Box::new(tail.stopped(stopped.clone())));
            if let Some(error) = stopped {
                return Err(Refused::booked(error));
            }
            let body = match writes {
                Some((rewriter, keeper)) => Reply::Edited(Box::new(Edited::new(body, Told { rewriter, keeper }))),
                None => knowledge.stream(body),
            };
            Ok(answer::stream(headers, body))
        }
    }
}

/// Refuses a model whose price nobody knows, where the operator wants that.
fn priced(ctx: &Context, wish: &Wish) -> Result<()> {
    if !ctx.snapshot.settings.only_priced || wish.price.is_some() {
        return Ok(());
    }
    let model = &wish.model;
    let why = format!(
        "The model {model} has no price, and requests for such models are blocked. Give it one in the configuration (input_cost_per_token, output_cost_per_token)."
    );
    Err(Error::new(Kind::PermissionDenied, why).with_type("model_cost_map_missing").with_param("model"))
}

/// A key whose budget for a model is gone may name others for it (`budget_fallbacks`); the call becomes one of those.
fn go_on_within_budget(ctx: &Context, who: &Identity, wish: &mut Wish) {
    if wish.price.is_some_and(|price| price.is_free()) {
        return; // free
    }
    let other = who.budget_fallback(&wish.group).or_else(|| who.budget_fallback(&wish.model));
    if let Some(other) = other.map(Arc::<str>::from) {
        tracing::info!(call = %ctx.id, model = &*wish.model, instead = &*other, "the key's budget for a model is gone");
        wish.price = ctx.snapshot.price_bound(&other, &crate::scope::of(who));
        (wish.model, wish.group) = (Arc::clone(&other), other);
    }
}

/// The error of a request that took too long to come.
#[must_use]
pub fn body_timeout() -> Error {
    Error::new(Kind::Timeout, "the request body did not come in time")
}
