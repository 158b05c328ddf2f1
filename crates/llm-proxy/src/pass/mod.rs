//! Relays: requests whose bodies belong to a provider. They are routed, authorized, limited and billed; body and answer
//! go through as they are.
//!
//! | file | what |
//! |---|---|
//! | here | the steps: identify, read, admit, send, answer |
//! | `who` | keys in the ways of providers' clients |
//! | `payload`, `wish` | the body, whole or streamed; what it says of itself |
//! | `headers` | which headers go on, in both directions |
//! | `custom`, `relays` | endpoints and credentials of the configuration |
//! | `judged` | guardrails of such endpoints, with `once`, JSON that is what it seems, and `joined`, streams as one tree |
//! | `indexed` | indexes of vector stores that keys have rights on |
//! | `operation` | what is asked of AWS's services of one path |
//! | `stored` | endpoints that live in the database |
//! | `send` | the request, to a deployment or with a credential of the configuration |
//! | `tail` | the end: row, settlement, record |

pub mod custom;
pub mod headers;
mod indexed;
mod joined;
pub(crate) mod judged;
pub(crate) mod once;
mod operation;
pub mod payload;
pub mod relays;
mod send;
pub mod stored;
pub mod tail;
pub mod who;
pub mod wish;

pub(crate) use send::question;

use std::net::SocketAddr;
use std::sync::Arc;

use http::Response;
use http::request::Parts;
use hyper::body::Incoming;
use llm_accounts::{Credential, Identity, Intent, PriceBound, Reservation, basic_user};
use llm_client::{Failure, Relayed, Tariff};
use llm_providers::passthrough::{Mount, model_of, safe};
use llm_types::{Error, Format, Kind, OperationKind, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::tail::Ledger;
use crate::{answer, errors};
use custom::Custom;
use headers::Credentials;
use judged::Judge;
use payload::Payload;
use tail::{Facts, RelayTail};
use wish::{Named, input_tokens};

/// Answers a request to a provider's own API.
pub async fn serve(
    core: &Core,
    mount: &'static Mount,
    path: &str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let format = llm_providers::by_id(mount.provider).map_or(Format::OpenAiChat, |p| p.row().chat_format);
    let mut ctx = Context::new(core, mount.route, OperationKind::Relay, format, parts, peer);
    let outcome = mounted(core, &mut ctx, mount, mount.below(path).unwrap_or_default(), body).await;
    outcome.unwrap_or_else(|refused| refuse(core, &ctx, refused))
}

/// Answers a request to an endpoint of the operator's own.
pub async fn serve_custom(
    core: &Core,
    custom: &Custom,
    rest: &str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let mut ctx = Context::new(core, custom.path, OperationKind::Relay, Format::OpenAiChat, parts, peer);
    let outcome = own(core, &mut ctx, custom, rest, body).await;
    outcome.unwrap_or_else(|refused| refuse(core, &ctx, refused))
}

/// Tells a client and the log of a refusal.
pub fn refuse(core: &Core, ctx: &Context, refused: Refused) -> Response<Reply> {
    let headers = answer::error_headers(ctx, &refused);
    let response = errors::respond(&refused.error, ctx.format, headers);
    Ledger::refused(core, ctx, refused);
    response
}

async fn mounted(
    core: &Core,
    ctx: &mut Context,
    mount: &'static Mount,
    rest: &str,
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    let key_header = ctx.snapshot.settings.key_header_name.clone();
    let who = who::of_mount(core, mount, &ctx.parts, key_header.as_deref()).await?;
    ctx.who = Some(Arc::clone(&who));
    safe(rest)?;
    let closed = mount.admin && !who.is_admin();
    if closed && mount.indexes.is_none() {
        return Err(for_administrators(mount).into());
    }
    if ctx.snapshot.relays.settings.no_agents && mount.is_agents(rest) {
        let why = "agents and knowledge bases are not passed through (disable_bedrock_agent_runtime_passthrough)";
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").into());
    }
    let in_body = mount.indexes.is_some_and(|place| place.field().is_some());
    let mut payload = Payload::read(ctx, body, who.model_restricted() || in_body).await?;
    searched(&who, rest, &payload)?;
    let snapshot = Arc::clone(&ctx.snapshot);
    let indexed = indexed::find(&snapshot, &ctx.parts.method, mount, &who, rest, &mut payload)?;
    if closed && indexed.is_none() {
        return Err(for_administrators(mount).into());
    }
    let asked = operation::read(ctx, mount, rest, &payload)?;
    let rest = asked.as_ref().map_or(rest, |asked| asked.name.as_str());
    let named = Named::read(ctx, &mut payload, model_of(rest)).await?;
    let group = named.model().filter(|_| indexed.is_none());
    let group = group.and_then(|model| send::group(ctx, mount, &who, model));
    let price = match (&group, named.model()) {
        (Some(group), _) => ctx.snapshot.price_bound(group, &crate::scope::of(&who)),
        (None, Some(model)) => send::list_price(ctx, mount.provider, model),
        (None, None) => None,
    };
    let reservation = admit(core, ctx, &who, &named, &payload, group.as_deref(), price).await?;
    let sent = match (&group, &indexed, crate::region::permits(ctx, None)) {
        (Some(group), _, _) => send::to_group(core, ctx, mount, rest, group, &mut payload).await,
        (None, Some(indexed), Ok(())) => {
            send::to_store(core, ctx, mount, indexed, &mut payload).await.map_err(Failure::from)
        }
        (None, None, Ok(())) => {
            let named = named.model().unwrap_or_default();
            let billed = asked.as_ref().map_or((named, 0.0), |asked| (asked.model.as_str(), asked.cost));
            send::direct(core, ctx, mount, rest, billed, &mut payload).await.map_err(Failure::from)
        }
        (None, _, Err(error)) => Err(error.into()),
    };
    match sent {
        Ok((relayed, facts)) => Ok(answered(core, ctx, relayed, facts, Some(reservation))),
        Err(failure) => Err(Refused::of(failure, reservation)),
    }
}

fn for_administrators(mount: &Mount) -> Error {
    Error::new(Kind::PermissionDenied, format!("only administrators may call /{}", mount.path)).with_type("auth_error")
}

async fn own(
    core: &Core,
    ctx: &mut Context,
    custom: &Custom,
    rest: &str,
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    let mut look = false;
    if custom.auth {
        let who = custom_caller(core, ctx, custom).await?;
        let path = ctx.parts.uri.path().to_owned();
        ctx.who = Some(Arc::clone(&who));
        if !who.may_pass(&path) {
            let why = format!(
                "This key is not allowed to call the pass-through route {path}. Name it in `allowed_passthrough_routes` of the key or its team."
            );
            return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").into());
        }
        look = who.model_restricted();
    }
    let endpoint = custom.place(rest, ctx.parts.uri.query().unwrap_or_default())?;
    let mut payload = Payload::read(ctx, body, look || custom.guardrails.is_some()).await?;
    if let Some(who) = &ctx.who {
        searched(who, rest, &payload)?;
    }
    let named = Named::read(ctx, &mut payload, None).await?;
    let reservation = match ctx.who.clone() {
        Some(who) => Some(admit(core, ctx, &who, &named, &payload, None, None).await?),
        None => None,
    };
    let judge = match cleared(ctx, custom, &mut payload).await {
        Ok(judge) => judge,
        Err(error) => return Err(Refused { reservation, ..error.into() }),
    };
    let model: Arc<str> = Arc::from(named.model().unwrap_or_default());
    let provider: Arc<str> = send::provider_of_host(&custom.target).unwrap_or_default().into();
    let tariff = Tariff {
        provider: Arc::clone(&provider),
        model: Arc::clone(&model),
        target: None,
        addons: Vec::new(),
        flat: custom.cost,
        prompt: payload.bytes().cloned().unwrap_or_default(),
    };
    let whose = if custom.shows_key() { Credentials::Ours } else { Credentials::Nobodys };
    let mut headers =
        if custom.forward_headers { headers::forwarded(ctx, whose) } else { headers::of_body(ctx, whose) };
    judged::plain(judge.as_ref(), &mut headers);
    let timeout = custom.timeout.unwrap_or(ctx.snapshot.relays.settings.timeout);
    let relay = send::relay(ctx, endpoint, headers, &mut payload, timeout, tariff);
    let sent = match relay.and_then(|relay| crate::region::permits(ctx, None).map(|()| relay)) {
        Ok(relay) => ctx.snapshot.engine.clone().relay(&core.http, relay).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(relayed) => {
            let facts = Facts { provider, model, call_type: "pass_through_endpoint", agent: None };
            Ok(match &judge {
                Some(judge) => judged::answered(core, ctx, judge, relayed, (facts, reservation)).await,
                None => answered(core, ctx, relayed, facts, reservation),
            })
        }
        Err(error) => Err(Refused { reservation, ..error.into() }),
    }
}

/// Checks the vector stores that path and body of a request name against what its caller may search.
///
/// # Errors
/// 403 for a store that the caller may not search.
fn searched(who: &Identity, rest: &str, payload: &Payload) -> Result<()> {
    if who.searches_all() {
        return Ok(());
    }
    let mut parts = rest.split('/');
    if parts.by_ref().any(|part| part == "vector_stores")
        && let Some(id) = parts.next().filter(|id| !id.is_empty())
    {
        crate::searched::one(who, &crate::read::decode_path(id))?;
    }
    let top = payload.bytes().and_then(|bytes| Top::parse(bytes).ok());
    top.map_or(Ok(()), |top| crate::searched::body(who, &top))
}

/// The guardrails of an endpoint, once they let the request pass.
async fn cleared<'c>(ctx: &mut Context, custom: &'c Custom, payload: &mut Payload) -> Result<Option<Judge<'c>>> {
    let Some(judge) = Judge::open(ctx, custom)? else { return Ok(None) };
    judge.before(ctx, payload).await?;
    Ok(Some(judge))
}

async fn custom_caller(core: &Core, ctx: &Context, custom: &Custom) -> Result<Arc<Identity>> {
    let headers = &ctx.parts.headers;
    if custom.basic_user
        && let Some(user) = basic_user(headers)
    {
        return core.identify_as(&Credential::Key(&user), &ctx.parts).await;
    }
    let named = custom.key_header.as_deref().filter(|name| headers.contains_key(*name));
    let general = ctx.snapshot.settings.key_header_name.as_deref();
    core.identify_as(&llm_accounts::credential(headers, named.or(general)), &ctx.parts).await
}

/// Permission, limits, budget. From here on the context knows what is wished.
async fn admit(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    named: &Named,
    payload: &Payload,
    group: Option<&str>,
    price: Option<PriceBound>,
) -> Result<Reservation> {
    let model = named.model().unwrap_or_default();
    let wish = named.wish(ctx, group.unwrap_or(model), price);
    let path = path(ctx);
    let intent = Intent { price, ..wish.intent(ctx, input_tokens(payload, model)) };
    let admitted = core.app.accounts.admit_shared(who, &path, &intent).await;
    ctx.wish = Some(wish);
    admitted.inspect(|reservation| crate::region::bind_relay(ctx, reservation))
}

/// The path that was called, without what the server is mounted below.
fn path(ctx: &Context) -> String {
    ctx.snapshot.settings.below_root(ctx.parts.uri.path()).to_owned()
}

/// What a client hears whose answer a guardrail stopped. The record is written already.
pub(crate) fn stopped(ctx: &Context, error: Error) -> Response<Reply> {
    let refused = Refused::booked(error);
    let headers = crate::answer::error_headers(ctx, &refused);
    crate::errors::respond(&refused.error, ctx.format, headers)
}

/// The upstream's answer on its way to the client.
pub(crate) fn answered(
    core: &Core,
    ctx: &Context,
    relayed: Relayed,
    facts: Facts,
    reservation: Option<Reservation>,
) -> Response<Reply> {
    let Relayed { parts, mut body, from } = relayed;
    body.set_tail(Box::new(RelayTail::new(core, ctx, from.clone(), facts, reservation)));
    headers::response(ctx, parts, &from, Reply::Relay(Box::new(body)))
}
