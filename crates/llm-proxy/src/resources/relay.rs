//! What goes on to who keeps the resource.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use llm_client::resources::{betas, flat, is_answer, is_streamed, is_typed_without_body, written_out};
use llm_client::{Failure, Relay, Relayed, Tariff};
use llm_http::Body;
use llm_providers::keys::is_key_pair;
use llm_providers::{Endpoint, resource};
use llm_types::Result;
use llm_wire::ids;

use super::choose::Home;
use super::owed::Due;
use super::request::{self, Sent};
use super::table::{Family, Resource};
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
    let Resource { family, call_type } = asked.what;
    betas(family, &mut headers, &mut endpoint);
    if matches!(&sent, Sent::Whole(bytes) if bytes.is_empty()) {
        // That of the client's empty body says nothing.
        headers.remove(CONTENT_TYPE);
        if is_typed_without_body(family, &ctx.parts.method, target) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
    }
    let metered = is_answer(family, &ctx.parts.method, call_type) || matches!(asked.due, Due::Owed(_));
    // For an estimate, where a stream is left before it tells its usage.
    let prompt = match &sent {
        Sent::Whole(bytes) if metered => bytes.clone(),
        _ => Bytes::new(),
    };
    let sent = match sent {
        Sent::Whole(bytes) => Sent::Whole(written_out(call_type, bytes)),
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
        flat: flat(&ctx.snapshot.engine, target, call_type),
        prompt,
        ..Tariff::default()
    };
    Ok(Relay { method: ctx.parts.method.clone(), endpoint, headers, body, timeouts, tariff, metered })
}

/// True for a request whose answer comes in pieces.
fn streamed(sent: &Sent) -> bool {
    matches!(sent, Sent::Whole(body) if is_streamed(body))
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
