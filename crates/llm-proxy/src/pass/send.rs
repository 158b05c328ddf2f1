//! The request that goes out: to a deployment of the router, or with a credential of the configuration.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use llm_accounts::{Identity, PriceBound};
use llm_client::target::quoted;
use llm_client::{Failure, Relay, Relayed, Target, Tariff};
use llm_providers::Endpoint;
use llm_providers::passthrough::{Mount, Passing, Scheme, with_model};
use llm_providers::resource::DEFAULT;
use llm_router::RouteRequest;
use llm_types::{Error, Result};
use llm_wire::top::Top;

use super::headers::{self, Credentials};
use super::indexed::Indexed;
use super::payload::Payload;
use super::relays::{given, serves};
use super::tail::Facts;
use crate::core::Core;
use crate::flow::Context;
use crate::price_bound;

/// The model group of the router that a name stands for, when its deployments can be called through this mount.
pub(super) fn group(ctx: &Context, mount: &Mount, who: &Identity, model: &str) -> Option<String> {
    if !mount.by_model {
        return None;
    }
    let router = &ctx.snapshot.engine.router;
    let name = crate::scope::group(router, who, model);
    if !router.has_group(name) {
        return None;
    }
    let resolved = router.resolve(name, &crate::scope::of(who)).ok()?;
    let mut members = router.members(&resolved.group);
    members.any(|d| d.payload::<Target>().is_some_and(|t| serves(mount, t.provider_id()))).then(|| name.to_owned())
}

/// What a call of a model may cost, by the price list.
pub(super) fn list_price(ctx: &Context, provider: &str, model: &str) -> Option<PriceBound> {
    let engine = &ctx.snapshot.engine;
    Some(price_bound::of_entry(engine, engine.prices.lookup_price(provider, None, model)?, provider))
}

/// The provider whose host a URL names: its prices hold.
pub(super) fn provider_of_host(url: &str) -> Option<&'static str> {
    let resolved = llm_providers::resolve("any-model", None, Some(url)).ok()?;
    let row = resolved.provider.row();
    let named = row.hosts.iter().any(|host| url.contains(host.split('/').next().unwrap_or(host)));
    named.then_some(row.id)
}

/// Sends with a credential of the configuration or the environment.
pub(super) async fn direct(
    core: &Core,
    ctx: &Context,
    mount: &Mount,
    rest: &str,
    (model, flat): (&str, f64),
    payload: &mut Payload,
) -> Result<(Relayed, Facts)> {
    let own = mount.own_key && headers::shows_own(ctx);
    let relays = &ctx.snapshot.relays;
    let query = ctx.parts.uri.query().unwrap_or_default();
    let passing = Passing { rest, query, given: relays.given(mount, rest), own };
    let mut endpoint = Endpoint::default();
    mount.place(&passing, &mut endpoint)?;
    let model: Arc<str> = Arc::from(model);
    let tariff = Tariff {
        provider: Arc::from(mount.provider),
        model: Arc::clone(&model),
        flat,
        prompt: payload.bytes().cloned().unwrap_or_default(),
        ..Tariff::default()
    };
    if endpoint.auth.is_some() {
        signable(ctx, mount, payload)?;
    }
    let relay = relay(ctx, endpoint, client_headers(ctx, mount, own), payload, relays.settings.timeout, tariff)?;
    let relayed = ctx.snapshot.engine.clone().relay(&core.http, relay).await?;
    Ok((relayed, Facts { provider: Arc::from(mount.provider), model, call_type: "pass_through_endpoint", agent: None }))
}

/// Sends to the vector store that keeps an index, with its credential.
pub(super) async fn to_store(
    core: &Core,
    ctx: &Context,
    mount: &Mount,
    indexed: &Indexed<'_>,
    payload: &mut Payload,
) -> Result<(Relayed, Facts)> {
    let query = ctx.parts.uri.query().unwrap_or_default();
    let passing = Passing { rest: &indexed.rest, query, given: Some(given(indexed.target)), own: false };
    let mut endpoint = Endpoint::default();
    mount.place(&passing, &mut endpoint)?;
    let provider: Arc<str> = Arc::from(indexed.target.provider_id());
    let tariff =
        Tariff { provider: Arc::clone(&provider), target: Some(Arc::clone(indexed.target)), ..Tariff::default() };
    let timeout = ctx.snapshot.relays.settings.timeout;
    let relay = relay(ctx, endpoint, client_headers(ctx, mount, false), payload, timeout, tariff)?;
    let relayed = ctx.snapshot.engine.clone().relay(&core.http, relay).await?;
    Ok((relayed, Facts { provider, model: Arc::from(""), call_type: "pass_through_endpoint", agent: None }))
}

/// The question to the router for a relay to a model group, once the wish of the request is known. Tags, session, key,
/// settings of key and team, orders, retries and limits of time hold as for every call; fallbacks do not: another group may live
/// at another provider, which does not know the path.
pub(crate) fn question(ctx: &Context, group: &str) -> RouteRequest {
    let wish = ctx.wish.as_ref();
    let controls = wish.map(|w| w.controls.clone()).unwrap_or_default();
    let mut request = controls.request(Arc::from(group), ctx.route);
    request.stream = wish.is_some_and(|w| w.stream);
    request.max_fallbacks = Some(0);
    request
}

/// Sends to a deployment of a group, to others when it fails and the body can be sent again.
pub(super) async fn to_group(
    core: &Core,
    ctx: &Context,
    mount: &Mount,
    rest: &str,
    group: &str,
    payload: &mut Payload,
) -> std::result::Result<(Relayed, Facts), Failure> {
    let mut request = question(ctx, group);
    // What the path names may not be there.
    request.names_resource = true;
    let mut facts = Facts {
        provider: Arc::from(mount.provider),
        model: Arc::from(group),
        call_type: "pass_through_endpoint",
        agent: None,
    };
    let engine = ctx.snapshot.engine.clone();
    let make = |at: &llm_router::Attempt, target: &Arc<Target>| {
        if matches!(payload, Payload::Spent) {
            return None;
        }
        let model = target.model_of(&at.model);
        facts.provider = Arc::from(target.provider_id());
        facts.model = Arc::clone(&model);
        let limit = at.timeouts.limit;
        Some(to_deployment(ctx, mount, rest, (target, &model), payload, limit))
    };
    let relayed = engine.relay_to_group(&core.http, request, make).await?;
    Ok((relayed, facts))
}

fn to_deployment(
    ctx: &Context,
    mount: &Mount,
    rest: &str,
    (target, model): (&Arc<Target>, &Arc<str>),
    payload: &mut Payload,
    limit: Duration,
) -> Result<Relay> {
    if !serves(mount, target.provider_id()) {
        let why = format!("/{} cannot call deployments of the provider {}", mount.path, target.provider_id());
        return Err(Error::bad_request(why).with_param("model"));
    }
    let wire = target.provider.wire_model(model).into_owned();
    let rest = with_model(rest, &wire);
    let query = ctx.parts.uri.query().unwrap_or_default();
    let passing = Passing { rest: &rest, query, given: Some(given(target)), own: false };
    let mut endpoint = Endpoint::default();
    mount.place(&passing, &mut endpoint)?;
    let tariff = Tariff {
        provider: Arc::from(target.provider_id()),
        model: Arc::clone(model),
        target: Some(Arc::clone(target)),
        addons: Vec::new(),
        flat: 0.0,
        prompt: payload.bytes().cloned().unwrap_or_default(),
    };
    let mut named;
    let sent = match payload.bytes().and_then(|bytes| renamed(bytes, &wire)) {
        Some(bytes) => {
            named = Payload::Whole(bytes);
            &mut named
        }
        None => payload,
    };
    let timeout = ctx.snapshot.relays.settings.timeout.min(limit);
    relay(ctx, endpoint, client_headers(ctx, mount, false), sent, timeout, tariff)
}

/// The body with the deployment's model in the place of the group's name; nothing when it names none.
fn renamed(body: &Bytes, model: &str) -> Option<Bytes> {
    let top = Top::parse(body).ok()?;
    let named = top.get("model")?;
    let new = quoted(model);
    let text = std::str::from_utf8(&new).ok()?;
    (named != text).then(|| top.edited(&[("model", Some(text))]))
}

fn client_headers(ctx: &Context, mount: &Mount, own: bool) -> HeaderMap {
    let mut headers = headers::forwarded(ctx, if own { Credentials::Theirs } else { Credentials::Ours });
    if signs(mount) {
        headers::without_signature(&mut headers);
    }
    let path = ctx.parts.uri.path();
    let beta = HeaderName::from_static("openai-beta");
    if mount.provider == DEFAULT
        && !headers.contains_key(&beta)
        && ["/assistants", "/threads"].iter().any(|p| path.contains(p))
    {
        headers.insert(beta, HeaderValue::from_static("assistants=v2"));
    }
    headers
}

/// True where clients of AWS may have signed.
fn signs(mount: &Mount) -> bool {
    matches!(mount.scheme, Scheme::Bedrock | Scheme::AwsJson(_))
}

/// A signature covers the body, which has to be there for it.
fn signable(ctx: &Context, mount: &Mount, payload: &Payload) -> Result<()> {
    if signs(mount) && matches!(payload, Payload::Stream(_)) {
        let kind = ctx.parts.headers.get(http::header::CONTENT_TYPE);
        return Err(Error::bad_request(format!("a body of the type {kind:?} cannot be signed; send application/json")));
    }
    Ok(())
}

/// The relay itself. Only answers to requests that ask for something new are billed.
pub(super) fn relay(
    ctx: &Context,
    endpoint: Endpoint,
    headers: HeaderMap,
    payload: &mut Payload,
    timeout: Duration,
    tariff: Tariff,
) -> Result<Relay> {
    let body = payload.take().ok_or_else(|| Error::internal("the body was sent before"))?;
    let timeouts = ctx.snapshot.patience(timeout);
    let metered = ctx.parts.method == Method::POST;
    Ok(Relay { method: ctx.parts.method.clone(), endpoint, headers, body, timeouts, tariff, metered })
}
