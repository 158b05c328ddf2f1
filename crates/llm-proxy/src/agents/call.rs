//! A call of an agent: permitted, admitted, judged, relayed, billed.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::{Identity, Intent, Reservation};
use llm_client::{Relay, Tariff};
use llm_http::{Body, ErrorKind};
use llm_providers::Endpoint;
use llm_types::{Error, Json, Kind, RawJson};
use llm_wire::top::Top;
use url::Url;

use super::message::{self, Message};
use super::{Agent, bridge, headers, permitted};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass;
use crate::pass::judged::Judge;
use crate::pass::tail::Facts;
use crate::pass::wish::Named;

/// Stands before the agent's name in logs, as in LiteLLM.
pub(super) const MODEL: &str = "a2a_agent/"; // tidy: provider-id
const PROVIDER: &str = "a2a_agent"; // LiteLLM's name of the kind. tidy: provider-id

/// Answers a message.
pub(super) async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    (named, path): (&str, &str),
    body: Bytes,
) -> Result<Response<Reply>, Refused> {
    core.app.accounts.permitted(who, ctx.route, path)?;
    let message = match Message::read(&body) {
        Ok(message) => message,
        Err((id, code, text)) => return Ok(message::error(400, &id, code, &text)),
    };
    let none = |status, text: &str| message::error(status, &message.id, message::NO_AGENT, text);
    let Some(agent) = ctx.snapshot.agents.find(named).cloned() else {
        return Ok(none(404, &format!("Agent '{named}' not found")));
    };
    permitted(who, &agent, named)?;
    match &agent.target {
        Some(Ok(target)) => return bridge::answer(core, ctx, who, path, (&agent, target), (&message, body)).await,
        Some(Err(_)) => {
            let why = format!("Agent '{named}' is not served here: nothing can be asked with its litellm_params");
            return Ok(message::error(501, &message.id, message::NOT_SERVED, &why));
        }
        None => {}
    }
    let Some(url) = agent.url.clone() else {
        return Ok(none(500, &format!("Agent '{named}' has no URL configured")));
    };
    if let Some(refusal) = callbacks(core, ctx, &message).await {
        return Ok(message::error(400, &message.id, message::INVALID_PARAMS, refusal));
    }
    let reservation = admit(core, ctx, who, path, &agent, &message).await?;
    let made = async {
        let judge = Judge::of_names(ctx, &agent.guardrails)?;
        let body = judge_request(ctx, judge.as_ref(), body).await?;
        let relayed = send(core, ctx, who, (&agent, judge.as_ref()), (&url, &message), body).await?;
        Ok((judge, relayed))
    };
    let (judge, relayed) = match made.await {
        Ok(made) => made,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    let facts = facts(who, &agent, &message);
    if message.method == message::EXTENDED_CARD {
        return card(core, ctx, (relayed, facts, reservation), named).await;
    }
    Ok(match &judge {
        Some(judge) => pass::judged::answered(core, ctx, judge, relayed, (facts, Some(reservation))).await,
        None => pass::answered(core, ctx, relayed, facts, Some(reservation)),
    })
}

/// What the record says of a call.
pub(super) fn facts(who: &Identity, agent: &Agent, message: &Message) -> Facts {
    Facts {
        provider: Arc::from(PROVIDER),
        model: Arc::from(format!("{MODEL}{}", agent.name)),
        call_type: if message.streams() { "asend_message_streaming" } else { "asend_message" },
        // Calls of an agent's own keys stay that agent's, as in LiteLLM.
        agent: Some(who.caller().agent_id.clone().unwrap_or_else(|| Arc::from(agent.id.as_str()))),
    }
}

/// Permission, limits, budget: the caller's, and the agent's own rates.
pub(super) async fn admit(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    agent: &Agent,
    message: &Message,
) -> Result<Reservation, Error> {
    // One "token" that costs what the call costs. Calls without a price keep to budgets all the same.
    let cost = if message.says() { agent.cost } else { 0.0 };
    let price = (cost > 0.0).then(|| (cost, 0.0).into());
    let wish = Named::default().wish(ctx, "", price);
    if agent.traced && wish.controls.session.is_none() {
        let why = format!("Agent '{}' requires x-litellm-trace-id header on all inbound requests.", agent.id);
        return Err(Error::bad_request(why).with_param("x-litellm-trace-id"));
    }
    let nothing = Intent { model: "", group: "", fallback_models: &[], ..wish.intent(ctx, u64::from(price.is_some())) };
    let intent = Intent { max_output_tokens: Some(0), choices: 1, price, agent: Some(&agent.id), ..nothing };
    let admitted = core.app.accounts.admit_shared(who, path, &intent).await;
    ctx.wish = Some(wish);
    admitted
}

/// What guardrails say of the message; the body anew, when they edited it. They read what is said, not what names it.
pub(super) async fn judge_request(ctx: &mut Context, judge: Option<&Judge<'_>>, body: Bytes) -> Result<Bytes, Error> {
    let Some(judge) = judge else { return Ok(body) };
    let top = Top::parse(&body)?;
    let Some(params) = top.get("params") else { return Ok(body) };
    let mut tree: Json = serde_json::from_str(params)
        .map_err(|_| Error::bad_request("params must be an object").with_param("params"))?;
    let Some(said) = tree.get_mut("message").and_then(|message| message.get_mut("parts")) else { return Ok(body) };
    if !judge.before_tree(ctx, said).await? {
        return Ok(body);
    }
    let edited = tree.to_string();
    Ok(top.edited(&[("params", Some(edited.as_str()))]))
}

async fn send(
    core: &Core,
    ctx: &Context,
    who: &Identity,
    (agent, judge): (&Agent, Option<&Judge<'_>>),
    (url, message): (&str, &Message),
    body: Bytes,
) -> Result<llm_client::Relayed, Error> {
    let timeouts = ctx.snapshot.patience(ctx.snapshot.relays.settings.timeout);
    let tariff = Tariff {
        provider: Arc::from(PROVIDER),
        flat: if message.says() { agent.cost } else { 0.0 },
        ..Tariff::default()
    };
    let relay = Relay {
        method: http::Method::POST,
        endpoint: Endpoint { url: url.to_owned(), ..Endpoint::default() },
        headers: headers::of(ctx, who, agent, judge, message.streams()),
        body: Body::from(body),
        timeouts,
        tariff,
        metered: message.says(),
    };
    ctx.snapshot.engine.clone().relay(&core.http, relay).await
}

/// Why the addresses of a message may not be told to the agent: it would reach them from within.
async fn callbacks(core: &Core, ctx: &Context, message: &Message) -> Option<&'static str> {
    let egress = &ctx.snapshot.engine.settings.fetch.egress;
    for url in message.callbacks() {
        let Some(url) = Url::parse(&url).ok().filter(|url| url.scheme() == "https") else {
            return Some("Push notification URL must use HTTPS");
        };
        let Ok(uri) = url.as_str().parse::<http::Uri>() else {
            return Some("Push notification URL cannot be requested");
        };
        if let Err(error) = core.http.may_reach(&uri, egress).await {
            return Some(match error.kind() {
                ErrorKind::Denied => "Push notification URL leads to an address that is not allowed",
                _ => "Push notification URL cannot be resolved",
            });
        }
    }
    None
}

/// The card for callers whom the agent knows: whole, with the gateway's address in place of the agent's.
async fn card(
    core: &Core,
    ctx: &Context,
    (relayed, facts, reservation): (llm_client::Relayed, Facts, Reservation),
    named: &str,
) -> Result<Response<Reply>, Refused> {
    const LARGEST: usize = 1 << 20;
    let llm_client::Relayed { parts, body, from } = relayed;
    let tail = Box::new(pass::tail::RelayTail::new(core, ctx, from.clone(), facts, Some(reservation)));
    let (bytes, report) = body.collect(LARGEST).await?;
    llm_client::Tail::done(tail, report);
    let unreadable = || Error::new(Kind::InvalidReply, "the agent's card cannot be read").with_status(502);
    let mut tree: Json = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
    if let Some(card) = tree.get("result").filter(|card| card.as_object().is_some()) {
        let base = crate::outside::base(core, &ctx.parts);
        let own = llm_accounts::own_card(card, &format!("{base}/a2a/{named}"));
        tree.set("result", own);
    }
    let raw: RawJson = tree.to_raw();
    let mut parts = parts;
    parts.headers.remove(http::header::CONTENT_LENGTH);
    Ok(pass::headers::response(ctx, parts, &from, Reply::Whole(Bytes::from(raw.get().to_owned()))))
}
