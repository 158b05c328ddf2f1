//! Resources that live at a provider: files, batches, fine-tuning jobs, vector stores, assistants, containers,
//! evaluations, skills, interactions. They are authorized and routed; bodies and answers are the provider's.
//!
//! | file | what |
//! |---|---|
//! | here | the steps |
//! | `table` | the routes |
//! | `request` | what of a request is for the gateway |
//! | `choose` | who keeps the resource |
//! | `reply` | ids of answers that name a model group |
//! | `secrets` | secrets of realtime sessions |
//! | `batch` | what a finished batch cost |

mod batch;
mod choose;
mod reply;
mod request;
mod secrets;
pub mod table;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Response};
use hyper::body::Incoming;
use llm_accounts::{Identity, Intent, Reservation};
use llm_client::{Relay, RelayHead, Relayed, Tail as _, Tariff};
use llm_http::{Body, Timeouts};
use llm_providers::passthrough::safe;
use llm_providers::{Endpoint, resource};
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::ids;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass::headers;
use crate::pass::tail::{Facts, RelayTail};
use crate::pass::who::query;
use crate::pass::wish::Named;
use choose::Home;
use request::{Sent, Told};
use secrets::Held;
use table::Family;

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
    let (tail, group) = ids::resolved(tail);
    let mut told = told(ctx, provider, group);
    let sent = request::read(ctx, what.family, body, &mut told).await?;
    let sent = match sent {
        Sent::Whole(bytes) => Sent::Whole(plain_ids(&bytes, &mut told)),
        stream @ Sent::Stream(_) => stream,
    };
    let home = match &held {
        Some(held) => held.home.clone(),
        None => choose::home(ctx, &who, what.family, &told, &tail)?,
    };
    let reservation = admit(core, ctx, &who, path, &told).await?;
    let asked = Asked { what, tail: &tail, home: &home, held: held.as_ref() };
    match send(core, ctx, &asked, sent).await {
        Ok(relayed) => answer(core, ctx, &asked, relayed, reservation).await,
        Err(error) => Err(Refused { error, reservation: Some(reservation), made: None }),
    }
}

/// What is asked for, and of whom.
struct Asked<'a> {
    what: Resource,
    tail: &'a str,
    home: &'a Home,
    /// The client showed a secret of a session.
    held: Option<&'a Held>,
}

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
            .or_else(|| header("x-litellm-model"))
            .or_else(|| asked("model"))
            .or_else(|| asked("target_model_names")),
        model: None,
        provider: provider
            .map(str::to_owned)
            .or_else(|| header("custom-llm-provider"))
            .or_else(|| asked("custom_llm_provider"))
            .or_else(|| asked("provider")),
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

async fn admit(core: &Core, ctx: &mut Context, who: &Arc<Identity>, path: &str, told: &Told) -> Result<Reservation> {
    let model = told.group.as_deref().or(told.model.as_deref()).unwrap_or_default();
    let mut wish = Named::of(model).wish(ctx, model, None);
    // Nothing is written here: a batch is paid for when it is done.
    wish.max_output_tokens = Some(0);
    let intent = Intent {
        route: ctx.route,
        model: &wish.model,
        group: &wish.group,
        fallback_models: &wish.fallback_models,
        end_user: wish.end_user.as_deref(),
        tags: &wish.tags,
        input_tokens: 0,
        max_output_tokens: wish.max_output_tokens,
        choices: 1,
        price: None,
    };
    let admitted = core.app.accounts.admit_shared(who, path, &intent).await;
    ctx.wish = Some(wish);
    admitted
}

/// Parameters of the query that are for the gateway.
const QUERY: [&str; 4] = ["custom_llm_provider", "provider", "model", "target_model_names"];

async fn send(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Relayed> {
    let Home { target, model, .. } = asked.home;
    let pairs = ctx.parts.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty());
    let pairs = pairs.filter(|p| !QUERY.contains(&p.split('=').next().unwrap_or_default()));
    // An offer is no JSON: the model of its session stands in the query.
    let named = model.as_ref().filter(|_| asked.tail == CALLS).map(|model| format!("model={model}"));
    let query = pairs.map(str::to_owned).chain(named).collect::<Vec<_>>().join("&");
    let mut endpoint = place(asked, &query)?;
    let mut headers = headers::forwarded(ctx, false);
    beta_headers(asked.what.family, &mut headers, &mut endpoint);
    let body = match (sent, model) {
        (Sent::Whole(bytes), Some(model)) => Body::from(request::with_model(&bytes, model).unwrap_or(bytes)),
        (Sent::Whole(bytes), None) => Body::from(bytes),
        (Sent::Stream(body), _) => body,
    };
    let timeout = ctx.snapshot.relays.settings.timeout;
    let timeouts = Timeouts {
        connect: Some(ctx.snapshot.engine.settings.connect_timeout),
        first_byte: Some(timeout),
        idle: Some(timeout),
        total: None,
    };
    let tariff = Tariff {
        provider: Arc::from(target.provider_id()),
        model: Arc::from(model.as_deref().unwrap_or_default()),
        target: asked.home.deployment.is_some().then(|| Arc::clone(target)),
        ..Tariff::default()
    };
    // Only runs of threads and interactions are answers of a model; the others tell of what was billed before.
    let metered = ctx.parts.method == http::Method::POST
        && matches!(asked.what.family, Family::Assistants | Family::Interactions);
    let relay = Relay { method: ctx.parts.method.clone(), endpoint, headers, body, timeouts, tariff, metered };
    let mut relayed = ctx.snapshot.engine.clone().relay(&core.http, relay).await?;
    relayed.from.deployment.clone_from(&asked.home.deployment);
    Ok(relayed)
}

fn place(asked: &Asked<'_>, query: &str) -> Result<Endpoint> {
    let Home { target, model, .. } = asked.home;
    let mut endpoint = Endpoint::default();
    let resource = resource::Resource {
        path: asked.tail,
        query,
        model: model.as_deref().unwrap_or_default(),
        api_base: target.api_base.as_deref(),
        api_key: target.api_key.as_ref(),
        params: &target.params,
    };
    target.provider.resource(&resource, &mut endpoint)?;
    // The client's type of body counts, not that of model calls.
    endpoint.headers.remove(http::header::CONTENT_TYPE);
    if let Some(held) = asked.held {
        endpoint.headers.remove("api-key");
        endpoint.set("authorization", &format!("Bearer {}", held.secret.expose()))?;
    }
    Ok(endpoint)
}

/// Betas of the client and of the resource add up.
fn beta_headers(family: Family, client: &mut HeaderMap, endpoint: &mut Endpoint) {
    let beta = HeaderName::from_static("anthropic-beta");
    if let (Some(theirs), Some(ours)) = (client.get(&beta), endpoint.headers.get(&beta))
        && let (Ok(theirs), Ok(ours)) = (theirs.to_str(), ours.to_str())
        && let Ok(both) = HeaderValue::from_str(&format!("{theirs},{ours}"))
    {
        endpoint.headers.insert(beta, both);
    }
    let openai = HeaderName::from_static("openai-beta");
    if family == Family::Assistants && !client.contains_key(&openai) {
        client.insert(openai, HeaderValue::from_static("assistants=v2"));
    }
}

async fn answer(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    relayed: Relayed,
    reservation: Reservation,
) -> Result<Response<Reply>, Refused> {
    let Relayed { parts, mut body, from } = relayed;
    let Home { target, model, group, .. } = asked.home;
    let facts = Facts {
        provider: Arc::from(target.provider_id()),
        model: Arc::from(model.as_deref().unwrap_or_default()),
        call_type: asked.what.call_type,
    };
    let tail = RelayTail::new(core, ctx, from.clone(), facts, Some(reservation));
    let done = parts.status.is_success();
    let billed = done && asked.what.call_type == "aretrieve_batch";
    let secret = done && asked.what.call_type == SECRET;
    if !(reply::is_json(&parts.headers) && (group.is_some() && done || billed || secret)) {
        body.set_tail(Box::new(tail));
        return Ok(headers::response(ctx, parts, &from, Reply::Relay(Box::new(body))));
    }
    let limit = ctx.snapshot.engine.settings.max_reply_bytes;
    let (bytes, mut report) = body.collect(limit).await?;
    if billed {
        batch::bill(core, ctx, asked.home, &bytes, &mut report).await;
    }
    Box::new(tail).done(report);
    let bytes = match (group.as_deref(), &ctx.who) {
        (_, Some(who)) if secret => core.app.secrets.wrapped(&bytes, who, asked.home, now_seconds()),
        (Some(group), _) => reply::marked(&bytes, group),
        (None, _) => bytes,
    };
    Ok(whole(ctx, parts, &from, bytes))
}

/// LiteLLM's name of the calls that give a secret out.
const SECRET: &str = "acreate_realtime_client_secret";

fn now_seconds() -> u64 {
    u64::try_from(crate::tail::now_us() / 1_000_000).unwrap_or_default()
}

fn whole(ctx: &Context, parts: http::response::Parts, from: &RelayHead, bytes: Bytes) -> Response<Reply> {
    let length = HeaderValue::from(bytes.len());
    let mut response = headers::response(ctx, parts, from, Reply::Whole(bytes));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}
