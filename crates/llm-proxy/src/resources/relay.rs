//! What goes on to who keeps the resource.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use llm_catalog::Field;
use llm_client::{Failure, Relay, Relayed, Target, Tariff};
use llm_http::Body;
use llm_providers::keys::is_key_pair;
use llm_providers::{Endpoint, Quirk, resource};
use llm_types::Result;
use llm_wire::ids;
use llm_wire::top::Top;

use super::answer::BEGIN;
use super::choose::Home;
use super::owed::Due;
use super::request::{self, Sent};
use super::table::Family;
use super::{Asked, CALLS};
use crate::core::Core;
use crate::flow::Context;
use crate::pass::headers::{self, Credentials};
use crate::pass::{question, who};

/// Parameters of the query that are for the gateway.
const QUERY: [&str; 4] = ["custom_llm_provider", "provider", "model", "target_model_names"];

/// Sends a request on. Gives who answered where the router chose among several.
///
/// # Errors
/// What credentials and transport say.
pub(super) async fn send(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    sent: Sent,
) -> std::result::Result<(Relayed, Option<Home>), Failure> {
    let engine = ctx.snapshot.engine.clone();
    let Some(group) = &asked.home.any_of else {
        let mut relayed = engine.relay(&core.http, made(ctx, asked, sent)?).await?;
        relayed.from.deployment.clone_from(&asked.home.deployment);
        return Ok((relayed, None));
    };
    let (mut sent, mut home) = (Some(sent), None);
    let relayed = engine.relay_to_group(&core.http, question(ctx, group), |at, target| {
        let again = sent.as_ref().and_then(Sent::again);
        let body = std::mem::replace(&mut sent, again)?;
        let chosen = home.insert(Home::at(Arc::clone(target), Arc::clone(&at.deployment), &at.model));
        Some(made(ctx, &Asked { home: chosen, ..*asked }, body))
    });
    let relayed = relayed.await?;
    Ok((relayed, home))
}

/// The request that goes out.
fn made(ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Relay> {
    let Home { target, model, .. } = asked.home;
    // Ids of a page before name the group, as ids in paths do.
    let (query, _) = ids::resolved(ctx.parts.uri.query().unwrap_or_default());
    let pairs = query.split('&').filter(|p| !p.is_empty());
    let pairs = pairs.filter(|p| !QUERY.contains(&who::name_of(p)) && !is_key_pair(p));
    // An offer is no JSON: the model of its session stands in the query.
    let named = model.as_ref().filter(|_| asked.tail == CALLS).map(|model| format!("model={model}"));
    let streams = asked.what.family == Family::Interactions && !query.contains("alt=") && streamed(&sent);
    let sse = streams.then(|| "alt=sse".to_owned());
    let mut query: Vec<String> = pairs.map(str::to_owned).chain(named).chain(sse).collect();
    if asked.what.call_type == "avector_store_list" {
        let unsaid = who::unsaid(&query);
        query.extend(unsaid.into_iter().map(str::to_owned));
    }
    let mut endpoint = place(asked, &query.join("&"))?;
    let mut headers = headers::forwarded(ctx, Credentials::Ours);
    beta_headers(asked.what.family, &mut headers, &mut endpoint);
    if matches!(&sent, Sent::Whole(bytes) if bytes.is_empty()) {
        bodiless(asked, &ctx.parts.method, &mut headers);
    }
    // Only runs of threads and interactions are answers of a model; the others tell of what was billed before.
    let answers = match asked.what.family {
        Family::Assistants => ctx.parts.method == Method::POST,
        _ => asked.what.call_type == BEGIN,
    };
    let metered = answers || matches!(asked.due, Due::Owed(_));
    // For an estimate, where a stream is left before it tells its usage.
    let prompt = match &sent {
        Sent::Whole(bytes) if metered => bytes.clone(),
        _ => Bytes::new(),
    };
    let sent = match sent {
        Sent::Whole(bytes) => Sent::Whole(written_out(asked.what.call_type, bytes)),
        stream @ Sent::Stream(_) => stream,
    };
    let body = match (sent, model) {
        (Sent::Whole(bytes), Some(model)) => Body::from(request::with_model(&bytes, model).unwrap_or(bytes)),
        (Sent::Whole(bytes), None) => Body::from(bytes),
        (Sent::Stream(body), _) => body,
    };
    let timeouts = ctx.snapshot.patience(ctx.snapshot.relays.settings.timeout);
    let tariff = Tariff {
        provider: Arc::from(target.provider_id()),
        model: Arc::from(model.as_deref().unwrap_or_default()),
        target: asked.home.deployment.is_some().then(|| Arc::clone(target)),
        flat: if asked.what.call_type == "acreate_container" { session(ctx, target) } else { 0.0 },
        prompt,
        ..Tariff::default()
    };
    Ok(Relay { method: ctx.parts.method.clone(), endpoint, headers, body, timeouts, tariff, metered })
}

/// The type that OpenAI's clients and LiteLLM give requests without a body. That of the client's empty body says nothing.
fn bodiless(asked: &Asked<'_>, method: &Method, headers: &mut HeaderMap) {
    headers.remove(CONTENT_TYPE);
    let typed = match *method {
        _ if matches!(asked.what.family, Family::VectorStores | Family::Interactions) => true,
        Method::GET => false,
        Method::DELETE => asked.home.target.provider.row().quirks.has(Quirk::TypedRemovals),
        _ => true,
    };
    if typed {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
}

/// Fields that LiteLLM writes out where the client says nothing.
const WRITTEN: [(&str, &str, &str); 2] =
    [("acreate_batch", "metadata", "null"), ("acreate_fine_tuning_job", "hyperparameters", "{}")];

fn written_out(call_type: &str, body: Bytes) -> Bytes {
    let Some((_, field, value)) = WRITTEN.iter().find(|(call, ..)| *call == call_type) else { return body };
    match Top::parse(&body) {
        Ok(top) if top.get(field).is_none() => top.edited(&[(field, Some(value))]),
        _ => body,
    }
}

/// True for a request whose answer comes in pieces.
fn streamed(sent: &Sent) -> bool {
    matches!(sent, Sent::Whole(body) if Top::parse(body).is_ok_and(|top| top.is_true("stream")))
}

/// US dollars of a container: its house's price of a session of the code interpreter.
fn session(ctx: &Context, target: &Target) -> f64 {
    let entry = ctx.snapshot.engine.prices.lookup_price(target.provider_id(), None, "container");
    entry.and_then(|entry| entry.num(Field::CodeInterpreterCostPerSession)).unwrap_or(0.0)
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
    endpoint.headers.remove(CONTENT_TYPE);
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
    if matches!(family, Family::Assistants | Family::VectorStores) && !client.contains_key(&openai) {
        client.insert(openai, HeaderValue::from_static("assistants=v2"));
    }
}
