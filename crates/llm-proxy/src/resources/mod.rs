//! Resources that live at a provider: files, batches, fine-tuning jobs, vector stores, assistants, containers,
//! evaluations, skills, interactions. They are authorized and routed; bodies and answers are the provider's, but for
//! files and batches of houses that keep them in another way than OpenAI.
//!
//! | file | what |
//! |---|---|
//! | here | the steps |
//! | `table` | the routes |
//! | `request` | what of a request is for the gateway |
//! | `choose` | who keeps the resource |
//! | `check` | what a request has to have |
//! | `relay`, `answer` | what goes on, and what comes back |
//! | `failed` | what comes back when a provider refuses |
//! | `translated` | files and batches in the words of other houses |
//! | `uploads` | files of houses that are told of them first |
//! | `tuning` | fine-tuning jobs in the words of other houses |
//! | `bridged` | interactions of models of other houses than Google's |
//! | `owed` | what is charged later: batches, interactions in the background |
//! | `stores` | searches in vector stores of other houses |
//! | `deposit` | documents for vector stores of other houses |
//! | `context` | what vector stores know, for conversations |
//! | `ask` | how a house is asked |
//! | `kept` | files that the gateway keeps itself |
//! | `managed` | files that several model groups keep |
//! | `reply` | ids of answers that name a model group |
//! | `secrets` | secrets of realtime sessions |
//! | `batch` | what a finished batch cost |
//! | `judged` | requests of files, judged by guardrails |
//! | `counted` | what the requests of a batch take from limits |
//! | `found` | streams that tell what stores knew |
//! | `inside` | resources that a request of several calls asks for |

mod answer;
mod ask;
mod batch;
mod bridged;
mod check;
mod choose;
pub mod context;
mod counted;
mod deposit;
mod failed;
mod found;
mod inside;
mod judged;
mod kept;
mod managed;
pub(crate) mod owed;
mod relay;
mod reply;
mod request;
mod secrets;
mod stores;
pub mod table;
mod translated;
mod tuning;
mod uploads;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, Response};
use hyper::body::Incoming;
use llm_accounts::{Identity, Intent, Reservation};
use llm_providers::passthrough::safe;
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::ids;
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass::who::query;
use crate::pass::wish::Named;
use crate::searched;
use choose::Home;
use owed::Due;
use request::{Sent, Told};
use secrets::Held;
use table::Family;
use translated::Outcome;

pub use deposit::{Deposited, deposit};
pub use inside::ask;
pub use owed::Charging;
pub use secrets::Secrets;
pub use table::{Resource, all, find};

/// Answers a request for a resource.
pub async fn serve(
    core: &Core,
    what: Resource,
    name: &'static str,
    path: &str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let mut ctx = Context::new(core, name, OperationKind::Relay, Format::OpenAiChat, parts, peer);
    let outcome = steps(core, &mut ctx, what, path, body).await;
    outcome.unwrap_or_else(|refused| crate::pass::refuse(core, &ctx, refused))
}

async fn steps(
    core: &Core,
    ctx: &mut Context,
    what: Resource,
    path: &str,
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    safe(path)?;
    let (provider, tail) = table::split(path).ok_or_else(|| Error::internal("a resource without a path"))?;
    let held = (tail == CALLS).then(|| bearer(&ctx.parts)).flatten().and_then(|shown| core.app.secrets.get(shown));
    let who = match &held {
        Some(held) => Arc::clone(&held.who),
        None => core.identify(&ctx.parts).await?,
    };
    ctx.who = Some(Arc::clone(&who));
    let shown = tail;
    let (tail, group) = ids::resolved(tail);
    // Anybody can write an id of ours: what stands in it is no path.
    safe(&tail)?;
    let by_id = group.is_some();
    let mut told = told(ctx, provider, group);
    let sent = request::read(ctx, what, body, &mut told).await?;
    check::request(what.call_type, &ctx.parts, sent.whole(), told.native).await?;
    may_search(&who, &ctx.parts.method, what.family, shown, &sent)?;
    let sent = match sent {
        Sent::Whole(bytes) => Sent::Whole(plain_ids(&bytes, &mut told)),
        stream @ Sent::Stream(_) => stream,
    };
    if what.family == Family::Interactions
        && let Some(bridged) = bridged::read(ctx, &who, what.call_type, &tail, &told, &sent)?
    {
        return bridged::serve(core, ctx, &who, path, bridged).await;
    }
    let sent = if what.call_type == "acreate_batch" {
        managed::in_body(core, ctx, &who, sent, &mut told).await?
    } else {
        sent
    };
    let file = if what.family == Family::Files { managed::in_path(core, &who, &tail).await? } else { None };
    let groups = told.group.as_deref().filter(|_| what.call_type == "acreate_file").and_then(managed::several);
    let first = groups.as_ref().and_then(|groups| groups.first());
    told.group = first.cloned().or(told.group);
    let (mut home, tail) = match (&held, &file) {
        (Some(held), _) => (held.home.clone(), tail.into_owned()),
        (None, Some(file)) => file.first(ctx, &who, &tail)?,
        (None, None) => match choose::container(ctx, &who, what.family, &tail)? {
            Some((home, tail)) => (home, tail),
            None => (choose::home(ctx, &who, what.family, &told, &tail)?, tail.into_owned()),
        },
    };
    told.group = home.group.clone().filter(|_| file.is_some()).or(told.group);
    if !by_id && BY_PLAIN_ID.contains(&what.call_type) {
        home.group = None;
    }
    let mut reservation = admit(core, ctx, &who, path, &told, &home).await?;
    let shown = told.model.as_deref();
    let id = match what.call_type {
        "aget_interaction" => Some(translated::id_in(&tail, "/interactions/", "")),
        "acancel_interaction" => Some(translated::id_in(&tail, "/interactions/", "/cancel")),
        _ => None,
    };
    let due = match &id {
        Some(id) => {
            owed::Ledger::new(core, ctx).is_owed(id).await.map(|owed| if owed { Due::Owed(id) } else { Due::Now })
        }
        None if what.call_type == answer::BEGIN && in_background(&sent) => Ok(Due::Begins),
        None => Ok(Due::Now),
    };
    let due = match due {
        Ok(due) => due,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    let report = judged::Report::default();
    let asked = Asked { what, tail: &tail, home: &home, held: held.as_ref(), shown, due, report: &report };
    let (sent, passing) = if what.call_type == "acreate_file" {
        match Box::pin(judged::upload(ctx, &told, sent, &report)).await {
            Ok(judged) => judged,
            Err(error) => return Err(Refused::after(error, reservation)),
        }
    } else {
        (sent, None)
    };
    if what.call_type == "acreate_batch"
        && let Err(error) = counted::count(core, ctx, &asked, sent.whole(), &mut reservation).await
    {
        return Err(Refused::after(error, reservation));
    }
    let run = Box::pin(async {
        if file.is_some() && what.call_type != "afile_content" || groups.is_some() {
            return managed::serve(core, ctx, &asked, file, groups, sent, reservation).await;
        }
        finish(core, ctx, &asked, sent, reservation).await
    });
    judged::beside(passing, (ctx, &told, &report), run).await
}

async fn finish(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    sent: Sent,
    reservation: Reservation,
) -> Result<Response<Reply>, Refused> {
    let sent = match elsewhere(core, ctx, asked, sent).await {
        Ok(Outcome::Served(served)) => return Ok(answer::told(core, ctx, asked, *served, reservation).await),
        Ok(Outcome::Relay(sent)) => sent,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    match relay::send(core, ctx, asked, sent).await {
        Ok((relayed, None)) => answer::answer(core, ctx, asked, relayed, reservation).await,
        Ok((relayed, Some(home))) => {
            answer::answer(core, ctx, &Asked { home: &home, ..*asked }, relayed, reservation).await
        }
        Err(failure) => Err(Refused::of(failure, reservation)),
    }
}

/// Answers where a house keeps the thing in another way than OpenAI.
async fn elsewhere(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    match asked.what.family {
        Family::VectorStores => Box::pin(stores::serve(core, ctx, asked, sent)).await,
        Family::Files if asked.home.target.provider.uploads().is_some() => {
            Box::pin(uploads::serve(core, ctx, asked, sent)).await
        }
        Family::FineTuning => Box::pin(tuning::serve(core, ctx, asked, sent)).await,
        Family::Files | Family::Batches => Box::pin(translated::serve(core, ctx, asked, sent)).await,
        _ => Ok(Outcome::Relay(sent)),
    }
}

/// What is asked for, and of whom.
#[derive(Clone, Copy)]
struct Asked<'a> {
    what: Resource,
    tail: &'a str,
    home: &'a Home,
    /// The client showed a secret of a session.
    held: Option<&'a Held>,
    /// The model as the client names it.
    shown: Option<&'a str>,
    /// When the answer is charged.
    due: Due<'a>,
    /// What guardrails did to the requests of a file.
    report: &'a judged::Report,
}

/// True for a request whose answer is made behind the client's back.
fn in_background(sent: &Sent) -> bool {
    matches!(sent, Sent::Whole(body) if Top::parse(body).is_ok_and(|top| top.is_true("background")))
}

/// Calls that name one file or batch. Who names it by the provider's id, and the model beside it, is answered with that id.
const BY_PLAIN_ID: [&str; 4] = ["afile_retrieve", "afile_delete", "aretrieve_batch", "acancel_batch"];

/// Where sessions over WebRTC begin. Clients show the secret that they were given there.
const CALLS: &str = "/realtime/calls";

fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// What path, headers and query say to the gateway.
fn told(ctx: &Context, provider: Option<&str>, group: Option<String>) -> Told {
    let header = |name: &str| ctx.parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let asked = |name: &str| query(&ctx.parts, name).map(std::borrow::Cow::into_owned).filter(|t| !t.is_empty());
    Told {
        group: group
            .or_else(|| ids::resolved(ctx.parts.uri.query().unwrap_or_default()).1)
            .or_else(|| header("x-litellm-model"))
            .or_else(|| asked("model"))
            .or_else(|| asked("target_model_names")),
        provider: provider
            .map(str::to_owned)
            .or_else(|| header("custom-llm-provider"))
            .or_else(|| asked("custom_llm_provider"))
            .or_else(|| asked("provider")),
        ..Told::default()
    }
}

/// Whether the caller may use the vector stores that path and body name.
fn may_search(who: &Identity, method: &Method, family: Family, path: &str, sent: &Sent) -> Result<()> {
    if let Some(store) = choose::store_in(path).filter(|_| family == Family::VectorStores) {
        searched::one(who, &store)?;
        // Files of stores count as indexes for keys that name any.
        if who.names_indexes() && ["/files", "/file_batches"].iter().any(|files| path.contains(files)) {
            let right = if *method == Method::GET { "read" } else { "write" };
            who.may_use_index(&store, Some(right))?;
        }
    }
    match sent {
        Sent::Whole(bytes) if !who.searches_all() => Top::parse(bytes).map_or(Ok(()), |top| searched::body(who, &top)),
        _ => Ok(()),
    }
}

/// Ids of ours in a body become the upstream's; they name the group.
fn plain_ids(body: &Bytes, told: &mut Told) -> Bytes {
    let Ok(text) = std::str::from_utf8(body) else { return body.clone() };
    match ids::resolved(text) {
        (text, Some(group)) => {
            told.group = Some(group);
            Bytes::from(text.into_owned())
        }
        _ => body.clone(),
    }
}

async fn admit(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    told: &Told,
    home: &Home,
) -> Result<Reservation, Refused> {
    let model = told.group.as_deref().or(told.model.as_deref()).unwrap_or_default();
    let mut wish = Named::of(model).wish(ctx, model, None);
    // Nothing is written here: a batch is paid for when it is done.
    wish.max_output_tokens = Some(0);
    let intent = Intent { choices: 1, price: None, ..wish.intent(ctx, 0) };
    let admitted = core.app.accounts.admit_shared(who, path, &intent).await;
    ctx.wish = Some(wish);
    let reservation = admitted?;
    crate::region::bind_relay(ctx, &reservation);
    match crate::region::permits(ctx, home.deployment.as_deref()) {
        Ok(()) => Ok(reservation),
        Err(error) => Err(Refused::after(error, reservation)),
    }
}
