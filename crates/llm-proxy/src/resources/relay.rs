//! What goes on to who keeps the resource.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_client::{Failure, Relay, Relayed, Tariff};
use llm_http::Body;
use llm_providers::{Endpoint, resource};
use llm_types::Result;

use super::choose::Home;
use super::request::{self, Sent};
use super::table::Family;
use super::{Asked, CALLS};
use crate::core::Core;
use crate::flow::Context;
use crate::pass::{headers, question};

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
    let timeouts = ctx.snapshot.patience(ctx.snapshot.relays.settings.timeout);
    let tariff = Tariff {
        provider: Arc::from(target.provider_id()),
        model: Arc::from(model.as_deref().unwrap_or_default()),
        target: asked.home.deployment.is_some().then(|| Arc::clone(target)),
        ..Tariff::default()
    };
    // Only runs of threads and interactions are answers of a model; the others tell of what was billed before.
    let metered = ctx.parts.method == http::Method::POST
        && matches!(asked.what.family, Family::Assistants | Family::Interactions);
    Ok(Relay { method: ctx.parts.method.clone(), endpoint, headers, body, timeouts, tariff, metered })
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
